// Package html writes a snapshot as one HTML file that stands alone: the same
// sheets as the workbook, to be read in any browser, on a phone, on paper or
// by a screen reader.
//
// It may import internal/export, its sheets and cell. It promises: the same
// snapshot gives the same bytes; the file holds no script and asks for nothing
// from elsewhere, and its policy forbids both; every text is escaped, and what
// steers or hides is written out; rows are streamed, and a sheet that is longer
// than asked for says how many rows it has and where all of them are.
package html
