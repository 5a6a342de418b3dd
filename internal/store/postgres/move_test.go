package postgres_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/portable"
	"github.com/exhibit-aims/exhibit/internal/store/postgres"
	"github.com/exhibit-aims/exhibit/internal/store/sqlite"
	"github.com/exhibit-aims/exhibit/internal/store/sqlstore"
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

// TestRestoreRevised: what is restored is found by its position. The index of newest
// revisions, which a server without counts may prefer, is read from end to end.
func TestRestoreRevised(t *testing.T) {
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := ledger.ParseVerifier(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	open := func(at string) *sqlstore.Store {
		s, err := postgres.Open(t.Context(), at, postgres.Options{Signer: key.Signer(), Create: true})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	from, at := open(server.Database(t)), server.Database(t)
	for n := range 4 {
		run := &evidence.Run{ID: fmt.Sprint(n), StartedAt: time.Now(), Provenance: evidence.Provenance{
			Agent: "exhibit/1", Source: "s", Connector: "test", ConnectorVersion: "1.0.0", Identity: "x", Method: "api", Reliability: "direct_api",
		}}
		records := storetest.BenchRecords(0, 1000)
		for i := range records {
			records[i].Payload = fmt.Appendf(nil, `{"n":%d}`, n*1000+i)
		}
		if _, err := from.Append(t.Context(), store.Batch{Open: run, Records: records}); err != nil {
			t.Fatal(err)
		}
	}
	to := open(at)
	_, err = to.Restore(t.Context(), storetest.FromBytes(storetest.Backup(t, from, verifier), verifier))
	if err := errors.Join(err, from.Close(), to.Close()); err != nil {
		t.Fatal(err)
	}
	c, err := pgx.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	var heads, rows int64
	for deadline := time.Now().Add(10 * time.Second); rows == 0 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		const scans = "SELECT idx_scan FROM pg_stat_user_indexes WHERE schemaname = 'exhibit' AND indexrelname = "
		err := c.QueryRow(t.Context(), "SELECT ("+scans+"'evidence_heads'), ("+scans+"'evidence_pkey')").Scan(&heads, &rows)
		if err != nil {
			t.Fatal(err)
		}
	}
	if heads > 0 || rows == 0 {
		t.Errorf("the index of newest revisions was read %d times, that of positions %d", heads, rows)
	}
}
