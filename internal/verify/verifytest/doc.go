// Package verifytest makes bundles that are what they say, and bundles that
// somebody changed, for the tests of everything that verifies bundles: this
// program's verifier, and any other that was written from FORMAT.md.
//
// It is imported by tests only. A World is a small ledger that was collected,
// assessed, attested and exported; Cases are the kinds of tampering, each with who
// can do it and where it is found; Corpus writes all of them to a folder.
package verifytest
