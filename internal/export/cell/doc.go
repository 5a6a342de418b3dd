// Package cell makes texts from anywhere fit to be shown: what a spreadsheet
// could take for a formula, what steers or hides, and links that are not safe
// to click. Every export that is opened by people shows texts in this one way,
// so that a row of the workbook and one of a CSV file read the same.
//
// It imports the standard library only. It promises that what Clean returns is
// valid UTF-8, shows nothing that is not to be seen, and starts no formula.
package cell
