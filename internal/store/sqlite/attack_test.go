package sqlite_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlite"
	"github.com/exhibit-aims/exhibit/internal/store/storetest"
)

func TestAttack(t *testing.T) { storetest.Attack(t, open) }

// unsealed are the columns that the ledger does not hold, and so cannot vouch
// for; and the state, which TestState changes: it is sealed where no run is open.
var unsealed = []string{"evidence.grp", "evidence_groups.", "state.", "tally.unchanged"}

// TestFlip changes single values and bytes in every column of every table of a
// small store, and expects verification to notice each.
func TestFlip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	key := fillSmall(t, path)
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)&_pragma=foreign_keys(0)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	s, err := sqlite.Open(path, sqlite.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	storetest.VerifyStore(t, s, key)
	before := storetest.Dump(t, s)
	flips := 0
	for _, c := range columns(t, db) {
		for _, f := range flipsOf(t, db, c) {
			flips++
			if _, err := db.Exec(f.set, f.value, f.row); err != nil {
				continue // the schema itself refuses it
			}
			err := storetest.VerifyError(t, s, key)
			switch {
			case err == nil && c.column == "indexed" || err == nil && c.column == "indexed_block":
				// A bound that still holds: nothing that is read may differ.
				if !reflect.DeepEqual(storetest.Dump(t, s), before) {
					t.Errorf("%s.%s row %v: not noticed, and reads differ", c.table, c.column, f.row)
				}
			case err == nil:
				t.Errorf("%s.%s row %v, %s: not noticed", c.table, c.column, f.row, f.what)
			}
			if _, err := db.Exec(f.set, f.was, f.row); err != nil {
				t.Fatalf("put back: %v", err)
			}
		}
	}
	storetest.VerifyStore(t, s, key)
	if flips < 500 {
		t.Errorf("only %d flips were tried", flips)
	}
	t.Logf("%d flips", flips)
}

// fillSmall makes a small store with a little of everything, everything
// indexed.
func fillSmall(t *testing.T, path string) *ledger.Key {
	t.Helper()
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(path, sqlite.Options{Signer: key.Signer(), Create: true, Now: storetest.Clock()})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Fill(t, s)
	if err := s.Reindex(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return key
}

type column struct{ table, column, rowid string }

func columns(t *testing.T, db *sql.DB) []column {
	t.Helper()
	rows, err := db.Query(`SELECT m.name, c.name, m.sql FROM sqlite_master AS m, pragma_table_info(m.name) AS c WHERE m.type = 'table'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []column
	for rows.Next() {
		var c column
		var text string
		if err := rows.Scan(&c.table, &c.column, &text); err != nil {
			t.Fatal(err)
		}
		c.rowid = "rowid"
		if bytes.Contains([]byte(text), []byte("WITHOUT ROWID")) {
			// The first column will do: a few rows have the same, and all change.
			c.rowid = text[bytes.IndexByte([]byte(text), '(')+1:]
			fmt.Sscan(c.rowid, &c.rowid)
		}
		if !slices.ContainsFunc(unsealed, func(u string) bool { return bytes.HasPrefix([]byte(c.table+"."+c.column), []byte(u)) }) {
			out = append(out, c)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// flip is one change and the way back.
type flip struct {
	set, what  string
	value, was any
	row        any
}

// flipsOf gives changes of a column: each integer by one, text by a letter,
// blobs at every byte (long ones at every fourth) of the first two rows and at
// one byte of the others.
func flipsOf(t *testing.T, db *sql.DB, c column) []flip {
	t.Helper()
	if c.rowid == c.column || c.rowid != "rowid" {
		return keyFlips(t, db, c)
	}
	rows, err := db.Query(fmt.Sprintf("SELECT rowid, %s FROM %s ORDER BY rowid", c.column, c.table))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []flip
	for n := 0; rows.Next(); n++ {
		var f flip
		if err := rows.Scan(&f.row, &f.was); err != nil {
			t.Fatal(err)
		}
		f.set = fmt.Sprintf("UPDATE %s SET %s = ? WHERE rowid = ?", c.table, c.column)
		switch v := f.was.(type) {
		case int64:
			if c.column == rowidAlias[c.table] {
				// The row's own number: put back by its new name.
				out = append(out, keyFlip(c, v))
				continue
			}
			for _, delta := range []int64{1, -1, 1 << 33} {
				f.value, f.what = v+delta, fmt.Sprintf("%+d", delta)
				out = append(out, f)
			}
		case string:
			f.value, f.what = "X"+v[1:], "a letter"
			out = append(out, f)
		case []byte:
			was := bytes.Clone(v)
			f.was = was
			for i := range was {
				if n > 1 && i != len(was)/2 || len(was) > 300 && i%4 != 0 {
					continue
				}
				b := bytes.Clone(was)
				b[i] ^= 1 << (i % 8)
				f.value, f.what = b, fmt.Sprintf("byte %d", i)
				out = append(out, f)
			}
		case nil:
			f.value, f.what = int64(3), "a value"
			out = append(out, f)
		default:
			t.Fatalf("%s.%s holds %T", c.table, c.column, v)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// rowidAlias are the columns that are their row's number.
var rowidAlias = map[string]string{
	"line_blocks": "first", "checkpoint": "id", "payload_blocks": "block", "entry_types": "seq",
	"runs": "opened", "evidence": "seq", "names": "id", "zones": "first",
}

// keyFlip moves rows to another number or name.
func keyFlip(c column, v any) flip {
	other, literal := any(int64(1000000007)), "1000000007"
	if _, text := v.(string); text {
		other, literal = "another", "'another'"
	}
	return flip{
		set:   fmt.Sprintf("UPDATE %s SET %s = ?1 WHERE %s = CASE WHEN ?1 = ?2 THEN %s ELSE ?2 END", c.table, c.column, c.column, literal),
		value: other, was: v, row: v, what: "its number",
	}
}

// keyFlips changes the columns of an index by hash.
func keyFlips(t *testing.T, db *sql.DB, c column) []flip {
	t.Helper()
	rows, err := db.Query(fmt.Sprintf("SELECT DISTINCT %s FROM %s", c.column, c.table))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []flip
	for rows.Next() {
		var v any
		if err := rows.Scan(&v); err != nil {
			t.Fatal(err)
		}
		out = append(out, keyFlip(c, v))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestDamage tears a store's file and expects an error, never a panic and
// never an empty store.
func TestDamage(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "store.db")
	key := fillSmall(t, whole)
	data, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func([]byte) []byte{
		"cut to the head":   func(b []byte) []byte { return b[:100] },
		"cut in a page":     func(b []byte) []byte { return b[:len(b)/2+77] },
		"cut at a page":     func(b []byte) []byte { return b[:len(b)/2/16384*16384] },
		"last page missing": func(b []byte) []byte { return b[:len(b)-16384] },
		"head overwritten":  func(b []byte) []byte { return append(make([]byte, 100), b[100:]...) },
		"pages overwritten": func(b []byte) []byte {
			return append(append(b[:16384:16384], make([]byte, 16384*3)...), b[16384*4:]...)
		},
		"text instead": func([]byte) []byte { return []byte("dear diary, today I lost a database; it was all my own fault\n") },
		"every page but one": func(b []byte) []byte {
			return append(b[:len(b)/3/16384*16384:len(b)/3/16384*16384], b[len(b)/3/16384*16384+16384:]...)
		},
		"head of each page":   heads,
		"somebody's database": func([]byte) []byte { return foreign(t) },
	} {
		path := filepath.Join(t.TempDir(), "torn.db")
		if err := os.WriteFile(path, damage(bytes.Clone(data)), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, o := range []sqlite.Options{{ReadOnly: true}, {Signer: key.Signer()}, {Signer: key.Signer(), Create: true}} {
			s, err := sqlite.Open(path, o)
			if err == nil {
				err = storetest.VerifyError(t, s, key)
				if cerr := s.Close(); cerr != nil {
					t.Logf("%s: close: %v", name, cerr)
				}
			}
			if err == nil || errors.Is(err, store.ErrNoStore) {
				t.Errorf("%s, %+v: %v, want an error that is not ErrNoStore", name, o, err)
			}
		}
	}
}

// heads changes the first bytes of every page but the first.
func heads(b []byte) []byte {
	for i := 16384; i < len(b); i += 16384 {
		b[i], b[i+3] = b[i]^0xff, b[i+3]^0xff
	}
	return b
}

// foreign gives a database of something else.
func foreign(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "other.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE checkpoint (x); INSERT INTO checkpoint VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
