// Package soa writes the statement of applicability of a snapshot as a
// document that a person signs: a Word file (DOCX) with the decision on every
// control, what contradicts an exclusion, what changed since the version
// before, and a place for signatures.
//
// It writes the file itself, a few parts of WordprocessingML in the container of
// internal/export/zipform: the libraries there are for Go write no footer with
// page numbers, or other bytes every time, and the document needs no more than
// paragraphs and tables.
//
// There is no PDF. One would have to carry the fonts for every script that a
// name or a reason may be written in; a word processor has them, and makes the
// PDF from the document.
//
// It may import internal/export and internal/export/{cell,zipform}. It promises
// that the same snapshot gives the same bytes; that a version which nobody has
// approved is called that on the first page, and its approval left blank; that
// what no record states is said to be not established; and that no text from a
// record is taken for markup, a field or a formula.
package soa
