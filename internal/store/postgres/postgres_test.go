package postgres_test

import (
	"context"
	"os"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/postgres"
	"github.com/exhibit-aims/exhibit/internal/store/postgres/pgtest"
	"github.com/exhibit-aims/exhibit/internal/store/sqlstore"
	"github.com/exhibit-aims/exhibit/internal/store/storetest"
)

// server is the one that TestMain started.
var server *pgtest.Server

func TestMain(m *testing.M) {
	if os.Getenv(urlVar) != "" {
		os.Exit(appendInChild(context.Background()))
	}
	os.Exit(pgtest.Run(context.Background(), m, func(s *pgtest.Server) { server = s }))
}

func open(tb testing.TB, o storetest.Options) store.Store {
	tb.Helper()
	s, err := postgres.Open(tb.Context(), server.Database(tb), postgres.Options{Signer: o.Key.Signer(), Create: true, Now: o.Now})
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
func TestCompare(t *testing.T) { storetest.Compare(t, open, 4, 40) }

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
