// Package export holds the Snapshot: one frozen input from which every export
// is made, so that a workbook and a bundle made together say the same, and
// the same snapshot gives the same bytes whenever and wherever it is written.
//
// It may import internal/evidence, internal/assess, internal/finding,
// internal/crosswalk, internal/ledger and internal/store. It promises that nothing in a Snapshot depends on the wall
// clock, that its lists are in a fixed order, and that evidence is streamed
// and never held as a whole.
package export
