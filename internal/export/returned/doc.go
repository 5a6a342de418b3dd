// Package returned reads a workbook that came back from an auditor: the notes
// and conclusions that were written into the columns left empty for them.
//
// The file was saved by another program, so its seal is gone and nothing in it
// is proven. It is hostile input: the package reads the parts it needs as a
// stream, under limits, follows no reference out of the file, evaluates
// nothing, and refuses macros. It may import internal/export/sheets,
// internal/export/xlsx for the names of sheets, and the standard library. It
// promises that whatever a cell holds becomes a text or a refusal, never more.
package returned
