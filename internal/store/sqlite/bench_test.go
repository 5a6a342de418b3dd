package sqlite_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlite"
	"github.com/exhibit-aims/exhibit/internal/store/storetest"
)

// BenchmarkIngest appends records in batches of 1000 and inserts the same rows
// with the same driver into one bare table, batch for batch.
func BenchmarkIngest(b *testing.B) { storetest.BenchIngest(b, bench) }

func BenchmarkVerify(b *testing.B) { storetest.BenchVerify(b, bench) }

func BenchmarkLatest(b *testing.B) { storetest.BenchLatest(b, bench) }

func BenchmarkPages(b *testing.B) { storetest.BenchPages(b, bench) }

func bench(tb testing.TB, dir string) (store.Store, *ledger.Key, storetest.BareInsert) {
	tb.Helper()
	key, err := ledger.GenerateKey()
	if err != nil {
		tb.Fatal(err)
	}
	s, err := sqlite.Open(filepath.Join(dir, "store.db"), sqlite.Options{Signer: key.Signer(), Create: true})
	if err != nil {
		tb.Fatal(err)
	}
	return s, key, bare(tb, filepath.Join(dir, "bare.db"))
}

// bare opens a database set up like a store's, with one plain table.
func bare(tb testing.TB, path string) storetest.BareInsert {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=page_size(16384)&_journal_mode=WAL&_pragma=synchronous(FULL)&_pragma=cache_size(-65536)")
	if err != nil {
		tb.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
		if os.Getenv("EXHIBIT_BENCH_SIZES") != "" {
			for _, p := range []string{path, filepath.Join(filepath.Dir(path), "store.db")} {
				if info, err := os.Stat(p); err == nil {
					tb.Logf("%s: %d bytes", filepath.Base(p), info.Size())
				}
			}
		}
	})
	_, err = db.Exec(`CREATE TABLE bare (seq INTEGER PRIMARY KEY, kind TEXT, subject_type TEXT, subject_id TEXT, key TEXT,
url TEXT, event_time INTEGER, collected_at INTEGER, payload BLOB)`)
	if err != nil {
		tb.Fatal(err)
	}
	return func(rows [][]any) error {
		tx, err := db.Begin()
		if err != nil {
			return err
		}
		st, err := tx.Prepare("INSERT INTO bare (kind, subject_type, subject_id, key, url, event_time, collected_at, payload) VALUES (?,?,?,?,?,?,?,?)")
		if err != nil {
			return err
		}
		defer st.Close()
		for _, r := range rows {
			if _, err := st.Exec(r...); err != nil {
				return err
			}
		}
		return tx.Commit()
	}
}
