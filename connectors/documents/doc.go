// Package documents reads policies, procedures and records that a company
// keeps as files: in a git repository, with their history, or in a plain
// folder. It reads what is on this machine, runs no program, writes nothing and
// opens no connection.
//
// It imports plugins/, parts of go-git that read objects, and pdfcpu, never
// internal/. It promises that a time it states is when a content came to where
// it lies, as the store or the connector itself saw it, never a date that a
// file claims; that a record cannot date an event after that; and that what it
// could not read is a gap, never an empty answer.
package documents
