package postgres_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"

	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/portable"
	"github.com/exhibit-aims/exhibit/internal/store/postgres"
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

// backedUp makes a backup of a store, and gives its key.
func backedUp(t *testing.T) (backup []byte, key *ledger.Key, verifier note.Verifier) {
	t.Helper()
	from, key := filledURL(t)
	source, err := postgres.Open(t.Context(), from, postgres.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	if verifier, err = ledger.ParseVerifier(key.Public()); err != nil {
		t.Fatal(err)
	}
	return storetest.Backup(t, source, verifier), key, verifier
}

// TestRestoreInto: what a store is restored into is looked at as verification would,
// and the server knows afterwards how many rows there are.
func TestRestoreInto(t *testing.T) {
	backup, key, verifier := backedUp(t)
	restore := func(change string) (at string, err error) {
		at = server.Database(t)
		s, err := postgres.Open(t.Context(), at, postgres.Options{Signer: key.Signer(), Create: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		statement(t, at, change)
		_, err = s.Restore(t.Context(), storetest.FromBytes(backup, verifier))
		return at, err
	}
	if _, err := restore("ALTER TABLE exhibit.evidence ALTER COLUMN next SET DEFAULT 5"); !errors.Is(err, store.ErrTampered) {
		t.Errorf("restored into a changed schema: %v, want ErrTampered", err)
	}
	at, err := restore("ALTER TABLE exhibit.evidence SET (autovacuum_enabled = false)")
	if err != nil {
		t.Fatal(err)
	}
	c, err := pgx.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	var counted, rows int64
	err = c.QueryRow(t.Context(), "SELECT reltuples::bigint, (SELECT count(*) FROM exhibit.evidence) FROM pg_class WHERE oid = 'exhibit.evidence'::regclass").Scan(&counted, &rows)
	if err != nil || rows == 0 || counted != rows {
		t.Errorf("the server plans with %d rows of %d: %v", counted, rows, err)
	}
}

// TestRestoreBeside: whoever reads, writes, counts or vacuums a table for long does
// not keep a store from being restored.
func TestRestoreBeside(t *testing.T) {
	backup, key, verifier := backedUp(t)
	for _, mode := range []string{"ACCESS SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE"} {
		at := server.Database(t)
		s, err := postgres.Open(t.Context(), at, postgres.Options{Signer: key.Signer(), Create: true, LockTimeout: 100 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		other, err := pgx.Connect(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range []string{"BEGIN", "LOCK TABLE exhibit.evidence IN " + mode + " MODE"} {
			if _, err := other.Exec(t.Context(), q); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Restore(t.Context(), storetest.FromBytes(backup, verifier)); err != nil {
			t.Errorf("beside %s: %v", mode, err)
		} else {
			storetest.VerifyStore(t, s, key)
		}
		if err := errors.Join(other.Close(t.Context()), s.Close()); err != nil {
			t.Fatal(err)
		}
	}
}
