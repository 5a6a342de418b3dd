// Package xlsx writes the workbook: one snapshot as an Excel file that an
// auditor can filter, follow from control to result to evidence, print, and
// verify on its own.
//
// It may import internal/export and what that may import, and writes with
// excelize's stream writer; the zip container is internal/export/zipform's.
// It promises: the same snapshot and key give the same bytes; rows are
// streamed, so memory does not grow with the evidence beyond the links; no
// cell holds a formula, and no text that a source returned can become one;
// no macro, no external data; and the part exhibit/seal.txt signs for every
// byte of the file.
package xlsx
