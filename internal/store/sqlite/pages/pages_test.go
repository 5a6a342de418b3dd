package pages_test

import (
	"bytes"
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/exhibit-aims/exhibit/internal/store/sqlite/pages"
)

// open opens a database by the driver, on one connection.
func open(tb testing.TB, path, query string) *sql.DB {
	tb.Helper()
	db, err := sql.Open("sqlite", "file:"+path+query)
	if err != nil {
		tb.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

func exec(tb testing.TB, db *sql.DB, text string, args ...any) {
	tb.Helper()
	if _, err := db.ExecContext(tb.Context(), text, args...); err != nil {
		tb.Fatalf("%.60s: %v", text, err)
	}
}

// fill makes tables of all forms: rows longer than a page, a table WITHOUT
// ROWID, an index, deleted rows, and pages that are free.
func fill(tb testing.TB, db *sql.DB) {
	tb.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	exec(tb, db, "CREATE TABLE a (n INTEGER PRIMARY KEY, x, y BLOB)")
	exec(tb, db, "CREATE TABLE w (k TEXT, v, PRIMARY KEY (k)) WITHOUT ROWID")
	exec(tb, db, "CREATE INDEX a_x ON a (x)")
	exec(tb, db, "CREATE TABLE gone (n INTEGER PRIMARY KEY, y BLOB)")
	exec(tb, db, "BEGIN")
	for i := range 400 {
		size := r.IntN(200)
		if i%20 == 0 {
			size = r.IntN(200_000)
		}
		number := []int64{0, 1, -1, 127, -128, 40_000, -8_000_000, 1 << 31, -1 << 40, 1 << 50, -1 << 63}[i%11]
		exec(tb, db, "INSERT INTO a VALUES (?, ?, ?)", r.Int64()-1<<62, number, make([]byte, size))
		exec(tb, db, "INSERT OR IGNORE INTO w VALUES (?, ?)", fmt.Sprintf("%x%0*d", r.Uint64(), size%3000, 1), i)
		exec(tb, db, "INSERT INTO gone VALUES (?, ?)", i, make([]byte, 3000))
	}
	exec(tb, db, "INSERT INTO a VALUES (5, NULL, zeroblob(0)), (6, 'text', x'00')")
	exec(tb, db, "COMMIT")
	exec(tb, db, "DELETE FROM a WHERE abs(n) % 7 = 3")
	exec(tb, db, "DELETE FROM w WHERE v % 5 = 2")
	exec(tb, db, "DELETE FROM gone WHERE n > 10")
}

// file opens the pages of the snapshot that tx has.
func file(tb testing.TB, tx *sql.Tx) *pages.File {
	tb.Helper()
	var count uint32
	if err := tx.QueryRowContext(tb.Context(), "PRAGMA page_count").Scan(&count); err != nil {
		tb.Fatal(err)
	}
	f, err := pages.Open(count, func(page uint32, use func([]byte)) error {
		var b []byte
		if err := tx.QueryRowContext(tb.Context(), "SELECT data FROM sqlite_dbpage WHERE pgno = ?", page).Scan(&b); err != nil {
			return err
		}
		use(b)
		for i := range b { // as memory that is used for something else
			b[i] = 0xee
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// row is a cell, decoded; of its number as well, if it has one.
type row struct {
	n      int64
	values []pages.Value
}

func walk(tb testing.TB, f *pages.File, root uint32, kind pages.Kind, columns int) (out []row) {
	tb.Helper()
	for cells, err := range f.Walk(root, kind) {
		if err != nil {
			tb.Fatal(err)
		}
		for _, c := range cells {
			v := make([]pages.Value, columns)
			if err := pages.Decode(c.Record, v); err != nil {
				tb.Fatal(err)
			}
			for i := range v {
				v[i].Bytes = bytes.Clone(v[i].Bytes)
			}
			f.Reuse(c)
			out = append(out, row{c.Row, v})
		}
	}
	return out
}

// check walks all that fill made, and compares it with what SQL says.
func check(tb testing.TB, db *sql.DB) {
	tb.Helper()
	tx, err := db.BeginTx(tb.Context(), nil)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	compare(tb, tx)
}

func compare(tb testing.TB, tx *sql.Tx) {
	tb.Helper()
	f := file(tb, tx)
	roots := map[string]uint32{}
	for _, r := range walk(tb, f, 1, pages.Table, 5) {
		roots[string(r.values[1].Bytes)] = uint32(r.values[3].Int)
	}
	a := walk(tb, f, roots["a"], pages.Table, 3)
	same(tb, "a", a, bySQL(tb, tx, "SELECT n, NULL, x, y FROM a ORDER BY n"))
	same(tb, "gone", walk(tb, f, roots["gone"], pages.Table, 2), bySQL(tb, tx, "SELECT n, NULL, y FROM gone ORDER BY n"))
	same(tb, "w", walk(tb, f, roots["w"], pages.Index, 2), bySQL(tb, tx, "SELECT 0, k, v FROM w ORDER BY k"))
	index := walk(tb, f, roots["a_x"], pages.Index, 2)
	same(tb, "a_x", index, bySQL(tb, tx, "SELECT 0, x, n FROM a ORDER BY x, n"))
	if !slices.IsSortedFunc(index, func(a, b row) int {
		return cmp.Or(a.values[0].Compare(&b.values[0]), a.values[1].Compare(&b.values[1]))
	}) {
		tb.Error("Compare has another order than the index")
	}
	if err := f.Close(); err != nil {
		tb.Error(err)
	}
}

func bySQL(tb testing.TB, tx *sql.Tx, query string) (out []row) {
	tb.Helper()
	rows, err := tx.QueryContext(tb.Context(), query)
	if err != nil {
		tb.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		tb.Fatal(err)
	}
	for rows.Next() {
		dest, values := make([]any, len(columns)), make([]any, len(columns))
		for i := range dest {
			dest[i] = &values[i]
		}
		if err := rows.Scan(dest...); err != nil {
			tb.Fatal(err)
		}
		r := row{n: values[0].(int64)}
		for _, v := range values[1:] {
			switch v := v.(type) {
			case int64:
				r.values = append(r.values, pages.Value{Type: pages.Int, Int: v})
			case string:
				r.values = append(r.values, pages.Value{Type: pages.Text, Bytes: []byte(v)})
			case []byte:
				r.values = append(r.values, pages.Value{Type: pages.Blob, Bytes: v})
			default:
				r.values = append(r.values, pages.Value{})
			}
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		tb.Fatal(err)
	}
	return out
}

func same(tb testing.TB, table string, got, want []row) {
	tb.Helper()
	if len(got) != len(want) {
		tb.Errorf("%s: %d rows, want %d", table, len(got), len(want))
		return
	}
	for i := range want {
		if got[i].n != want[i].n {
			tb.Errorf("%s: row %d, want %d", table, got[i].n, want[i].n)
		}
		for j, w := range want[i].values {
			g := got[i].values[j]
			// The driver gives nothing for an empty blob.
			if g.Int != w.Int || !bytes.Equal(g.Bytes, w.Bytes) || g.Type != w.Type && len(g.Bytes) > 0 {
				tb.Errorf("%s, row %d, value %d: %v of %d bytes, want %v of %d", table, want[i].n, j, g.Type, len(g.Bytes), w.Type, len(w.Bytes))
			}
		}
	}
}

// TestSizes reads files of every size of pages, in both modes of the journal.
func TestSizes(t *testing.T) {
	for size := 512; size <= 1<<16; size *= 2 {
		for _, journal := range []string{"DELETE", "WAL"} {
			db := open(t, filepath.Join(t.TempDir(), "a.db"), fmt.Sprintf("?_pragma=page_size(%d)&_journal_mode=%s&_pragma=synchronous(OFF)", size, journal))
			fill(t, db)
			var got int
			if err := db.QueryRowContext(t.Context(), "PRAGMA page_size").Scan(&got); err != nil || got != size {
				t.Fatalf("pages of %d bytes, want %d: %v", got, size, err)
			}
			check(t, db)
			exec(t, db, "DELETE FROM w")
			check(t, db)
		}
	}
}

// TestSnapshot reads a snapshot while another connection writes, moves the log
// into the file and empties it: what is read is what SQL reads.
func TestSnapshot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	w := open(t, path, "?_journal_mode=WAL&_pragma=synchronous(OFF)&_pragma=wal_autocheckpoint(0)")
	fill(t, w)
	r := open(t, path, "?_pragma=query_only(ON)&_pragma=trusted_schema(OFF)")
	for round := range 4 {
		tx, err := r.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		before := bySQL(t, tx, "SELECT n, NULL, x, y FROM a ORDER BY n") // the snapshot begins
		exec(t, w, "DELETE FROM a WHERE n IN (SELECT n FROM a ORDER BY n LIMIT 20)")
		exec(t, w, "INSERT INTO a (x, y) VALUES ('new', randomblob(9000))")
		exec(t, w, "PRAGMA wal_checkpoint(PASSIVE)")
		compare(t, tx)
		same(t, "a", bySQL(t, tx, "SELECT n, NULL, x, y FROM a ORDER BY n"), before)
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		if round%2 == 1 {
			exec(t, w, "PRAGMA wal_checkpoint(TRUNCATE)")
		}
		check(t, r)
	}
}

// TestOther: files of other forms are not read.
func TestOther(t *testing.T) {
	for _, set := range []string{"encoding = 'UTF-16le'", "auto_vacuum = FULL"} {
		path := filepath.Join(t.TempDir(), "a.db")
		db := open(t, path, "")
		exec(t, db, "PRAGMA "+set)
		exec(t, db, "CREATE TABLE a (x)")
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pages.Open(2, func(_ uint32, use func([]byte)) error { use(b[:4096]); return nil }); !errors.Is(err, pages.ErrOther) {
			t.Errorf("%s: %v, want ErrOther", set, err)
		}
	}
}

// image gives the bytes of a small file that fill made.
func image(tb testing.TB) []byte {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "a.db")
	db := open(tb, path, "?_pragma=page_size(512)&_pragma=synchronous(OFF)")
	exec(tb, db, "CREATE TABLE a (n INTEGER PRIMARY KEY, x)")
	exec(tb, db, "CREATE INDEX a_x ON a (x)")
	for i := range 60 {
		exec(tb, db, "INSERT INTO a VALUES (?, ?)", i, make([]byte, i*i))
	}
	exec(tb, db, "DELETE FROM a WHERE n % 3 = 1")
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// FuzzFile walks whatever it is given as every kind of tree: it ends, and takes
// no page twice.
func FuzzFile(f *testing.F) {
	good := image(f)
	f.Add(good, uint16(0), byte(0))
	f.Add(good, uint16(2000), byte(0x80))
	f.Add(good[:1024], uint16(103), byte(5))
	f.Fuzz(func(t *testing.T, b []byte, at uint16, flip byte) {
		b = bytes.Clone(b)
		if int(at) < len(b) {
			b[at] ^= flip
		}
		const size = 512
		read := map[uint32]bool{}
		file, err := pages.Open(uint32(len(b)/size), func(page uint32, use func([]byte)) error {
			if page > 1 && read[page] {
				t.Fatalf("page %d is read twice", page)
			}
			read[page] = true
			if int(page)*size > len(b) {
				return errors.New("beyond the end")
			}
			use(b[int(page-1)*size : int(page)*size : int(page)*size])
			return nil
		})
		if err != nil {
			return
		}
		values := make([]pages.Value, 5)
		total := 0
		for root := range uint32(len(b)/size) + 1 {
			for _, kind := range []pages.Kind{pages.Table, pages.Index} {
				for cells, err := range file.Walk(root, kind) {
					if err != nil {
						break
					}
					for _, c := range cells {
						total += len(c.Record)
						_ = pages.Decode(c.Record, values) // must not panic
					}
				}
			}
		}
		if total > len(b) {
			t.Errorf("%d bytes of records in a file of %d", total, len(b))
		}
		_ = file.Close() // must not panic
	})
}
