package storetest

import (
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Clock gives a clock that moves a second each time it is read.
func Clock() func() time.Time { return clock() }

// Fill appends a little of everything.
func Fill(t testing.TB, s store.Store) {
	t.Helper()
	fill(&fixture{t: t, s: s})
}

// Content is everything that can be read from a store, to be compared.
type Content = content

// Dump reads everything that can be read from a store.
func Dump(t testing.TB, s store.Store) Content {
	t.Helper()
	return dump(t, s)
}

// VerifyError verifies s and returns what does not hold, or nil.
func VerifyError(t testing.TB, s store.Store, key *ledger.Key) error {
	t.Helper()
	_, err := verify(t.Context(), s, key)
	return err
}
