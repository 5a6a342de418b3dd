package opsdb_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/exhibit-aims/exhibit/internal/opsdb"
	"github.com/exhibit-aims/exhibit/internal/store/postgres/pgtest"
)

var server *pgtest.Server

func TestMain(m *testing.M) {
	os.Exit(pgtest.Run(context.Background(), m, func(s *pgtest.Server) { server = s }))
}

func one() fstest.MapFS {
	return fstest.MapFS{"00001_a.sql": {Data: []byte("-- +goose Up\nCREATE TABLE a (id TEXT PRIMARY KEY, n BIGINT NOT NULL);\n")}}
}

func two() fstest.MapFS {
	fsys := one()
	fsys["00002_b.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nALTER TABLE a ADD COLUMN note TEXT NOT NULL DEFAULT '';\n")}
	return fsys
}

// both runs a test on each system; open gives further connections to one database.
func both(t *testing.T, f func(t *testing.T, open func() *opsdb.DB)) {
	path := filepath.Join(t.TempDir(), "x.locks", opsdb.FileName)
	t.Run("sqlite", func(t *testing.T) {
		f(t, func() *opsdb.DB { return opened(t)(opsdb.OpenFile(t.Context(), path)) })
	})
	t.Run("postgres", func(t *testing.T) {
		url := server.Database(t)
		f(t, func() *opsdb.DB { return opened(t)(opsdb.OpenURL(t.Context(), url)) })
	})
}

func opened(t *testing.T) func(*opsdb.DB, error) *opsdb.DB {
	return func(db *opsdb.DB, err error) *opsdb.DB {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
		return db
	}
}

func TestMigrationsRunOnceWhereNodesStartTogether(t *testing.T) {
	both(t, func(t *testing.T, open func() *opsdb.DB) {
		var wg sync.WaitGroup
		for range 4 {
			db := open()
			wg.Go(func() {
				if err := db.Migrate(t.Context(), "a", two()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		db := open()
		if _, err := db.ExecContext(t.Context(), db.Rebind("INSERT INTO a (id, n, note) VALUES (?, ?, '?')"), "x", 1); err != nil {
			t.Fatal(err)
		}
		var note string
		if err := db.QueryRowContext(t.Context(), db.Rebind("SELECT note FROM a WHERE id = ? AND n = ?"), "x", 1).Scan(&note); err != nil || note != "?" {
			t.Fatalf("note %q: %v", note, err)
		}
	})
}

func TestNewerSchemaIsRefused(t *testing.T) {
	both(t, func(t *testing.T, open func() *opsdb.DB) {
		db := open()
		if err := db.Migrate(t.Context(), "a", two()); err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(t.Context(), "a", one()); !errors.Is(err, opsdb.ErrNewer) {
			t.Fatalf("an older program was let in: %v", err)
		}
		if err := db.Migrate(t.Context(), "b", fstest.MapFS{"00001_b.sql": {Data: []byte("-- +goose Up\nCREATE TABLE b (id TEXT PRIMARY KEY);\n")}}); err != nil {
			t.Fatalf("another component: %v", err)
		}
	})
}

func TestTxUndoesWhatFails(t *testing.T) {
	both(t, func(t *testing.T, open func() *opsdb.DB) {
		db := open()
		if err := db.Migrate(t.Context(), "a", one()); err != nil {
			t.Fatal(err)
		}
		broken := errors.New("broken")
		err := db.Tx(t.Context(), func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(t.Context(), "INSERT INTO a (id, n) VALUES ('x', 1)"); err != nil {
				return err
			}
			return broken
		})
		if !errors.Is(err, broken) {
			t.Fatal(err)
		}
		var n int
		if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM a").Scan(&n); err != nil || n != 0 {
			t.Fatalf("%d rows: %v", n, err)
		}
	})
}

func TestFileIsForItsOwnerAndErrorsHideThePassword(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x y?#.locks", opsdb.FileName)
	opened(t)(opsdb.OpenFile(t.Context(), path))
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v: %v", info.Mode(), err)
	}
	for _, url := range []string{"postgres://u:s3cret@127.0.0.1:1/x", "postgres://u:s3cret@[::1/x"} {
		if _, err := opsdb.OpenURL(t.Context(), url); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", "URL", err)
		}
	}
}
