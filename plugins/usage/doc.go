// Package usage reads the reports in which a vendor of models tells what was
// used and what it cost, day by day.
//
// It may import the standard library, plugins/connector, plugins/records,
// plugins/coverage and plugins/rest.
//
// It promises:
//
//   - A day is read only once it is over on both clocks, and a few days are
//     read again, because use can arrive late.
//   - A report that tells of a day that was not asked for, or holds a row of
//     another form, is an error: a sum without it would be a wrong one.
//   - Costs are added up as they are written, without the error of a float.
package usage
