package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlite"
	"github.com/exhibit-aims/exhibit/internal/store/sqlstore"
	"github.com/exhibit-aims/exhibit/internal/store/storetest"
)

func open(tb testing.TB, o storetest.Options) store.Store {
	tb.Helper()
	s, err := sqlite.Open(filepath.Join(tb.TempDir(), "store.db"), sqlite.Options{Signer: o.Key.Signer(), Create: true, Now: o.Now})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

func TestStore(t *testing.T)   { storetest.Run(t, open) }
func TestCompare(t *testing.T) { storetest.Compare(t, open, 8, 40) }

// TestPageSize: the size of pages is set before the file is made.
func TestPageSize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	fillSmall(t, path)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := pageOf(data); got != 16384 {
		t.Errorf("pages of %d bytes, want 16384", got)
	}
}

// sorting is open with an index that few records fill.
func sorting(tb testing.TB, o storetest.Options) store.Store {
	tb.Helper()
	s := open(tb, o)
	s.(*sqlstore.Store).SortAfter(50)
	return s
}

func TestPages(t *testing.T) { storetest.Pages(t, sorting) }

// FuzzPages looks for a page that is not what a walk over everything finds.
func FuzzPages(f *testing.F) { storetest.FuzzPages(f, sorting) }
