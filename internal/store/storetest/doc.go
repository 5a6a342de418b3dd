// Package storetest is the conformance suite of store.Store: one set of tests
// that every implementation passes, property tests against the memory store,
// attacks on stored bytes, and the benchmarks.
//
// It may import the standard library, internal/store and its memory
// implementation, go-cmp, and what these import.
package storetest
