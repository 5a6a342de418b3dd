package pages_test

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/store/sqlite/pages"
)

// TestLongNumbers writes a number of a cell in more bytes than it needs. SQLite
// reads it where it goes through rows, and something else where it looks for one:
// a row that a walk meets and that nobody would find.
func TestLongNumbers(t *testing.T) {
	for name, x := range map[string]struct {
		table, byKey string
		kind         pages.Kind
		hidden       bool // and no row is found by its key
		change       func(cell []byte) []byte
	}{
		"length of a payload": {"a", "SELECT x FROM a WHERE n = 300", pages.Table, false, func(c []byte) []byte {
			return append(bytes.Repeat([]byte{0x80}, 8), c...)
		}},
		"length of a payload, another": {"a", "SELECT x FROM a WHERE n = 300", pages.Table, true, func(c []byte) []byte {
			return append(append(bytes.Repeat([]byte{0x80}, 8), c[0]|0x80), c[1:]...)
		}},
		"number of a row": {"a", "SELECT x FROM a WHERE n = 300", pages.Table, false, func(c []byte) []byte {
			return append([]byte{c[0], 0x80}, c[1:]...)
		}},
		"length of a record's head": {"w", "SELECT v FROM w WHERE k = 70000", pages.Index, true, func(c []byte) []byte {
			return append([]byte{c[0] + 1, 0x80, c[1] + 1}, c[2:]...)
		}},
		"type of a value": {"w", "SELECT v FROM w WHERE k = 70000", pages.Index, false, func(c []byte) []byte {
			return append([]byte{c[0] + 1, c[1] + 1, c[2], 0x80}, c[3:]...)
		}},
	} {
		path := filepath.Join(t.TempDir(), "long.db")
		root := oneRow(t, path, x.table)
		rewriteCell(t, path, root, x.change)
		db := open(t, path, "?mode=ro")
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		err = tx.QueryRowContext(t.Context(), x.byKey).Scan(&v)
		if hidden := errors.Is(err, sql.ErrNoRows); hidden != x.hidden {
			t.Errorf("%s: by its key %v, %v, want it hidden: %t", name, v, err, x.hidden)
		}
		if err := damagedTree(file(t, tx), root, x.kind); err == nil {
			t.Errorf("%s: walked", name)
		}
		_ = tx.Rollback() // nothing was written
	}
}

// TestEmptyLeaf takes all cells from a leaf below the root: SQLite gives up
// where it comes to one.
func TestEmptyLeaf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "empty.db")
	root := oneRow(t, path, "a")
	db := open(t, path, "")
	for i := range 40 {
		exec(t, db, "INSERT INTO a VALUES (?, zeroblob(1000))", 1000+i)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := int(binary.BigEndian.Uint16(b[16:]))
	last := int(binary.BigEndian.Uint32(b[int(root-1)*size+8:]))
	p := b[(last-1)*size : last*size]
	copy(p[1:8], []byte{0, 0, 0, 0, byte(size >> 8), byte(size), 0})
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	tx, err := open(t, path, "?mode=ro").BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	var n int
	if err := tx.QueryRowContext(t.Context(), "SELECT count(x) FROM a").Scan(&n); err == nil {
		t.Errorf("SQLite counts %d", n)
	}
	var d *pages.Damage
	if err := damagedTree(file(t, tx), root, pages.Table); !errors.As(err, &d) || d.Page != uint32(last) {
		t.Errorf("%v, want damage of page %d", err, last)
	}
}

// damagedTree walks a tree of two columns and gives what is wrong with it.
func damagedTree(f *pages.File, root uint32, kind pages.Kind) error {
	for cells, err := range f.Walk(root, kind) {
		if err != nil {
			return err
		}
		for _, c := range cells {
			if err := pages.Decode(c.Record, make([]pages.Value, 2)); err != nil {
				return err
			}
		}
	}
	return nil
}

// oneRow makes a file whose tables have a row each, and gives a table's page.
func oneRow(t *testing.T, path, table string) (root uint32) {
	t.Helper()
	db := open(t, path, "")
	exec(t, db, "CREATE TABLE a (n INTEGER PRIMARY KEY, x)")
	exec(t, db, "CREATE TABLE w (k INTEGER PRIMARY KEY, v) WITHOUT ROWID")
	exec(t, db, "INSERT INTO a VALUES (300, 'text')")
	exec(t, db, "INSERT INTO w VALUES (70000, 'text')")
	if err := db.QueryRowContext(t.Context(), "SELECT rootpage FROM sqlite_master WHERE name = ?", table).Scan(&root); err != nil {
		t.Fatal(err)
	}
	return root
}

// rewriteCell changes the only cell of a leaf.
func rewriteCell(t *testing.T, path string, page uint32, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size := int(binary.BigEndian.Uint16(b[16:]))
	p := b[int(page-1)*size : int(page)*size]
	cell := change(bytes.Clone(p[binary.BigEndian.Uint16(p[8:]):]))
	at := size - len(cell)
	copy(p[at:], cell)
	binary.BigEndian.PutUint16(p[5:], uint16(at))
	binary.BigEndian.PutUint16(p[8:], uint16(at))
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
