// Package evaluate feeds what a ledger holds to the assessment: the rules in
// force to an engine, evidence, runs and what went away to its state, and the
// lives of findings to a book.
//
// What it reads is a Source, the reading part of a store. A store is one and so
// is a bundle, so that what was assessed where the evidence was collected can be
// assessed again, by the same code, where it was handed to.
//
// It may import internal/assess, internal/catalog, internal/finding,
// internal/ledger, internal/store (for its contract) and internal/yamlfile. It
// reads no clock and no file but those of the file system it is given. It
// promises that the same rules, the same ledger and the same instant give the
// same assessment and the same lives, however often either was concluded before.
package evaluate
