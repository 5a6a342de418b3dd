package postgres_test

import (
	"errors"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/postgres"
	"github.com/exhibit-aims/exhibit/internal/store/storetest"
)

// TestHide changes a store as somebody would who wants a record not to be found,
// and expects verification to notice: readers ask for NULL, and for the block that
// begins last before a line.
func TestHide(t *testing.T) {
	url := server.Database(t)
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	s, err := postgres.Open(t.Context(), url, postgres.Options{Signer: key.Signer(), Create: true, Now: storetest.Clock()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	storetest.Fill(t, s)
	for _, c := range []struct{ hide, back string }{
		{"UPDATE exhibit.evidence SET next = 0 WHERE next IS NULL", "UPDATE exhibit.evidence SET next = NULL WHERE next = 0"},
		{"UPDATE exhibit.evidence SET gone = 0 WHERE gone IS NULL", "UPDATE exhibit.evidence SET gone = NULL WHERE gone = 0"},
		{"UPDATE exhibit.runs SET closed = -1 WHERE closed IS NULL", "UPDATE exhibit.runs SET closed = NULL WHERE closed = -1"},
		{`INSERT INTO exhibit.line_blocks VALUES (16, 0, 0, '\x527d535100')`, "DELETE FROM exhibit.line_blocks WHERE n = 0"},
	} {
		storetest.VerifyStore(t, s, key)
		statement(t, url, c.hide)
		if err := storetest.VerifyError(t, s, key); !errors.Is(err, store.ErrTampered) {
			t.Errorf("%s: %v, want ErrTampered", c.hide, err)
		}
		statement(t, url, c.back)
	}
	storetest.VerifyStore(t, s, key)
}
