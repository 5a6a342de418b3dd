package postgres_test

import (
	"path/filepath"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store/portable"
	"github.com/exhibit-aims/exhibit/internal/store/sqlite"
	"github.com/exhibit-aims/exhibit/internal/store/storetest"
)

// TestMove takes a ledger from SQLite to PostgreSQL and back.
func TestMove(t *testing.T) {
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	file := func(name string) string { return filepath.Join(t.TempDir(), name) }
	first, err := sqlite.Open(file("first.db"), sqlite.Options{Signer: key.Signer(), Create: true, Now: storetest.Clock()})
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	storetest.Fill(t, first)
	second := open(t, storetest.Options{Key: key, Now: storetest.Clock()})
	storetest.Move(t, first, second, key)
	back, ok := second.(portable.Store)
	if !ok {
		t.Fatal("the store cannot be backed up")
	}
	verifier, err := ledger.ParseVerifier(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	path := file("third.db")
	if _, err := sqlite.Restore(t.Context(), path, storetest.FromBytes(storetest.Backup(t, back, verifier), verifier)); err != nil {
		t.Fatal(err)
	}
	third, err := sqlite.Open(path, sqlite.Options{Signer: key.Signer()})
	if err != nil {
		t.Fatal(err)
	}
	defer third.Close()
	if storetest.Dump(t, first).Root != storetest.Dump(t, third).Root {
		t.Error("the ledger that came back has another root")
	}
	storetest.VerifyStore(t, third, key)
}
