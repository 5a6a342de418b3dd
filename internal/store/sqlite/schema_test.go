package sqlite_test

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlite"
	"github.com/exhibit-aims/exhibit/internal/store/storetest"
)

// TestSchemaAttack changes what readers by SQL are shown by a change of the
// schema, and leaves pages that hold together.
func TestSchemaAttack(t *testing.T) {
	for name, attack := range map[string]struct {
		names string // what the verdict names
		do    func(*testing.T, *sql.Conn, []byte)
	}{
		"pages of another file":      {"sqlite_dbpage", otherPages},
		"an index without its WHERE": {"evidence_heads", rewrite("evidence_heads", "CREATE INDEX evidence_heads ON evidence (kind)")},
		"a column's own collation":   {"names", rewrite("names", "CREATE TABLE names (\n  id   INTEGER PRIMARY KEY,\n  name TEXT NOT NULL UNIQUE COLLATE NOCASE\n)")},
		"a view in place of a table": {"own", viewInstead},
		"a view before a table": {"key_index", statements(
			"CREATE VIEW own AS SELECT 1",
			"UPDATE sqlite_master SET name = 'key_index', tbl_name = 'key_index', sql = 'CREATE TEMP VIEW key_index AS SELECT khash, seq FROM main.key_index WHERE random() % 2' WHERE name = 'own'")},
		"an index of somebody's own": {"own", statements("CREATE INDEX own ON evidence (source)")},
		"a table of somebody's own":  {"own", statements("CREATE TABLE own (x)")},
		"statistics":                 {"sqlite_stat", statements("ANALYZE")}, //nolint:misspell // as SQL spells it
		"a view":                     {"own", statements("CREATE VIEW own AS SELECT 1")},
		"a trigger":                  {"own", statements("CREATE TRIGGER own AFTER INSERT ON evidence BEGIN DELETE FROM key_index; END")},
		"a table in SQLite's name": {"sqlite_sequence", statements(
			"CREATE TABLE own (name, seq)",
			"UPDATE sqlite_master SET name = 'sqlite_sequence', tbl_name = 'sqlite_sequence', sql = 'CREATE TABLE sqlite_sequence (name, seq)' WHERE name = 'own'")},
		"an index left out":  {"no evidence_group", statements("DROP INDEX evidence_group")},
		"a DEFAULT":          {"runs", statements("UPDATE sqlite_master SET sql = replace(sql, 'closed INTEGER', 'closed INTEGER DEFAULT 7') WHERE name = 'runs'")},
		"a column left out":  {"tally", statements("ALTER TABLE tally DROP COLUMN unchanged")},
		"a generated column": {"evidence", statements("ALTER TABLE evidence ADD COLUMN own AS (next + 1)")},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			key := fillSmall(t, path)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			attacked(t, path, func(c *sql.Conn) { attack.do(t, c, data) })
			err = verdict(t, path, key)
			if !errors.Is(err, store.ErrTampered) || !strings.Contains(err.Error(), attack.names) {
				t.Errorf("%v, want ErrTampered that names %s", err, attack.names)
			}
			t.Log(err)
		})
	}
}

// TestForm: a file of a form that pages are not read in does not pass, as SQLite's
// own check does not see all.
func TestForm(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	key := fillSmall(t, path)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[47] = 3 // the form of the schema
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := verdict(t, path, key); !errors.Is(err, store.ErrTampered) || !strings.Contains(err.Error(), "form") {
		t.Errorf("%v, want ErrTampered for its form", err)
	}
}

// verdict is what opening or verification says of a store.
func verdict(t *testing.T, path string, key *ledger.Key) error {
	t.Helper()
	s, err := sqlite.Open(path, sqlite.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	err = storetest.VerifyError(t, s, key)
	if cerr := s.Close(); cerr != nil {
		t.Error(cerr)
	}
	return err
}

// attacked opens a connection that may write the schema.
func attacked(t *testing.T, path string, fn func(*sql.Conn)) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	must(t, c, "PRAGMA writable_schema = ON")
	fn(c)
}

func must(t *testing.T, c *sql.Conn, text string, args ...any) {
	t.Helper()
	if _, err := c.ExecContext(context.WithoutCancel(t.Context()), text, args...); err != nil {
		t.Fatalf("%.80s: %v", text, err)
	}
}

func statements(texts ...string) func(*testing.T, *sql.Conn, []byte) {
	return func(t *testing.T, c *sql.Conn, _ []byte) {
		for _, text := range texts {
			must(t, c, text)
		}
	}
}

func rewrite(name, text string) func(*testing.T, *sql.Conn, []byte) {
	return func(t *testing.T, c *sql.Conn, _ []byte) {
		must(t, c, "UPDATE sqlite_master SET sql = ? WHERE name = ?", text, name)
	}
}

// viewInstead gives the index by key another name, and its own to a view that
// does not always show the same.
func viewInstead(t *testing.T, c *sql.Conn, _ []byte) {
	must(t, c, "ALTER TABLE key_index RENAME TO own")
	must(t, c, "CREATE VIEW key_index AS SELECT khash, seq FROM own WHERE strftime('%Y', 'now') < '2100'")
}

// otherPages empties the index by key, and keeps the pages of the file as it was
// in a table of the name by which verification reads pages. Pages that the
// other file does not have are free ones there.
func otherPages(t *testing.T, c *sql.Conn, data []byte) {
	size := pageOf(data)
	n := len(data) / size
	must(t, c, "DELETE FROM key_index")
	must(t, c, "CREATE TABLE own (pgno INTEGER PRIMARY KEY, data BLOB)")
	for i := range n + 1 {
		page := make([]byte, size)
		if i < n {
			page = data[i*size : (i+1)*size]
		}
		must(t, c, "INSERT INTO own VALUES (?, ?)", i+1, page)
	}
	var count int
	if err := c.QueryRowContext(t.Context(), "PRAGMA page_count").Scan(&count); err != nil {
		t.Fatal(err)
	}
	head, trunk := data[:size], make([]byte, size)
	binary.BigEndian.PutUint32(trunk, binary.BigEndian.Uint32(head[32:]))
	binary.BigEndian.PutUint32(trunk[4:], uint32(count-n-1))
	for i := range count - n - 1 {
		binary.BigEndian.PutUint32(trunk[8+4*i:], uint32(n+2+i))
	}
	binary.BigEndian.PutUint32(head[32:], uint32(n+1))
	binary.BigEndian.PutUint32(head[36:], binary.BigEndian.Uint32(head[36:])+uint32(count-n))
	must(t, c, "UPDATE own SET data = ? WHERE pgno = 1", head)
	must(t, c, "UPDATE own SET data = ? WHERE pgno = ?", trunk, n+1)
	must(t, c, `UPDATE sqlite_master SET name = 'sqlite_dbpage', tbl_name = 'sqlite_dbpage',
		sql = 'CREATE TABLE sqlite_dbpage (pgno INTEGER PRIMARY KEY, data BLOB)' WHERE name = 'own'`)
}
