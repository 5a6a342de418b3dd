package agent

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/storetest"
)

// BenchmarkCollect measures the whole way of a record of about 1 KiB, from a
// connector's process to the durable ledger, against a bare bulk insert of the
// same payloads with the same driver, in the same run.
func BenchmarkCollect(b *testing.B) {
	n := storetest.BenchSize(b)
	for b.Loop() {
		c := newCollector(b)
		begin := time.Now()
		run, err := c.Collect(b.Context(), source(b, fakeSettings{Records: n, Detailed: true}), nil)
		if err != nil || run.Status != evidence.RunComplete {
			b.Fatalf("run %s, %v", run.Status, err)
		}
		took := time.Since(begin)
		bare := bareInsert(b, n)
		b.ReportMetric(float64(n)/took.Seconds(), "records/s")
		b.ReportMetric(float64(n)/bare.Seconds(), "bare/s")
		b.ReportMetric(bare.Seconds()/took.Seconds(), "ratio")
	}
}

// bareInsert inserts the same records, already made, into one plain table.
func bareInsert(b *testing.B, n int) time.Duration {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "bare.db")+
		"?_pragma=page_size(16384)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-65536)")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(`CREATE TABLE bare (seq INTEGER PRIMARY KEY, kind TEXT, subject TEXT, key TEXT, payload BLOB)`); err != nil {
		b.Fatal(err)
	}
	var took time.Duration
	for from := 0; from < n; from += 1000 {
		var rows [][]any
		for i := from; i < min(from+1000, n); i++ {
			r := fakeSettings{Detailed: true}.record(i, "")
			rows = append(rows, []any{r.Kind, r.Subject.ID, r.Key, []byte(r.Payload)})
		}
		begin := time.Now()
		insertRows(b, db, rows)
		took += time.Since(begin)
	}
	return took
}

// insertRows inserts rows in one transaction.
func insertRows(b *testing.B, db *sql.DB, rows [][]any) {
	b.Helper()
	tx, err := db.Begin()
	if err != nil {
		b.Fatal(err)
	}
	st, err := tx.Prepare(`INSERT INTO bare (kind, subject, key, payload) VALUES (?, ?, ?, ?)`)
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	for _, row := range rows {
		if _, err := st.Exec(row...); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkUnchanged reads a source again whose every page answers "not
// modified": what it costs in time and in ledger entries.
func BenchmarkUnchanged(b *testing.B) {
	n := storetest.BenchSize(b)
	c := newCollector(b)
	src := source(b, fakeSettings{Records: n, Pages: true})
	if _, err := c.Collect(b.Context(), src, nil); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		before := entries(b, c)
		begin := time.Now()
		run, err := c.Collect(b.Context(), src, nil)
		if err != nil || run.Kinds[fakeKind].Unchanged != int64(n) || run.Kinds[fakeKind].Revised != 0 {
			b.Fatalf("run %+v, %v", run.Kinds[fakeKind], err)
		}
		b.ReportMetric(float64(n)/time.Since(begin).Seconds(), "records/s")
		b.ReportMetric(float64(entries(b, c)-before), "entries")
	}
}

func entries(b *testing.B, c *Collector) int64 {
	note, err := c.Store.(store.Ledger).Checkpoint(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	cp, err := ledger.UnverifiedCheckpoint(note)
	if err != nil {
		b.Fatal(err)
	}
	return cp.Size
}
