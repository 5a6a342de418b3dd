// Package documents reads policies, procedures and records that a company
// keeps as files in a git repository, with their history. It reads a clone on
// this machine (work tree or bare) through go-git, runs no program, writes
// nothing and opens no connection.
//
// It imports plugins/ and go-git, never internal/. It promises that a time it
// states is the committer's time of the commit that brought a content into the
// branch, never a date that a file claims, and that a record file cannot date an
// event after the commit that holds it.
package documents
