package sqlstore_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlite"
	"github.com/exhibit-aims/exhibit/internal/store/storetest"
)

// TestCollisions gives all keys one of two hashes: a store that is told so by
// an ill-meaning source gets slow, and nothing else.
func TestCollisions(t *testing.T) {
	open := func(tb testing.TB, o storetest.Options) store.Store {
		s, err := sqlite.Open(filepath.Join(tb.TempDir(), "store.db"), sqlite.Options{Signer: o.Key.Signer(), Create: true, Now: o.Now})
		if err != nil {
			tb.Fatal(err)
		}
		s.SetKeyHash(func(_, _, key string) int64 { return int64(len(key) % 2) })
		tb.Cleanup(func() {
			if err := s.Close(); err != nil {
				tb.Error(err)
			}
		})
		return s
	}
	storetest.CompareReads(t, open, 4, 30, func(tb testing.TB, s store.Store, key *ledger.Key) store.Verified {
		// Verification knows the true hashes, and must not take these.
		if err := storetest.VerifyError(tb, s, key); !errors.Is(err, store.ErrTampered) {
			tb.Errorf("hashes of no key were accepted: %v", err)
		}
		return store.Verified{}
	})
}
