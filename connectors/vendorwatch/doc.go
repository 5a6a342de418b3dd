// Package vendorwatch reads what vendors of AI publish for everybody: status
// pages, feeds of models that end, and pages of terms, trust and subprocessors,
// whose text it compares from run to run.
//
// It may import the standard library, golang.org/x/net/html and packages under
// plugins.
//
// It promises that a page read again with the same text is no event; that a
// text counts as changed only when two readings in a row agree on it; and that a
// page which holds no text without scripts, or a feed of another form, is a gap and
// never an empty text or an empty list.
package vendorwatch
