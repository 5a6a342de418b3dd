package sqlite_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlite"
	"github.com/exhibit-aims/exhibit/internal/store/storetest"
)

// TestState changes cursors and validators of a source at rest, as somebody
// would who wants the next run to pass over events, and every byte of them.
func TestState(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	key := fillSmall(t, path)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ofC := " WHERE source = (SELECT id FROM names WHERE name = 'c')"
	attacks := []string{
		`UPDATE state SET value = '"2027-01-01"' ` + ofC + " AND is_cursor = 1",
		"UPDATE state SET name = 'until'" + ofC + " AND is_cursor = 1",
		"UPDATE state SET is_cursor = 0" + ofC + " AND is_cursor = 1",
		"UPDATE state SET is_cursor = 1" + ofC + " AND name = '/a'",
		"UPDATE state SET is_cursor = 2" + ofC + " AND name = '/a'",
		"UPDATE state SET source = 1000" + ofC,
		"UPDATE state SET source = (SELECT id FROM names WHERE name = 'b')" + ofC,
		"DELETE FROM state" + ofC,
		"DELETE FROM state" + ofC + " AND name = '/b'",
		"INSERT INTO state (source, is_cursor, name, value) SELECT id, 0, '/c', '{}' FROM names WHERE name = 'c'",
		"INSERT INTO state (source, is_cursor, name, value) VALUES (1000, 1, 'since', '1')",
	}
	for name, size := range map[string]int{"since": len(`"2026-02-02"`), "/a": len(`{"etag": "a"}`), "/b": len(`{"etag":"b"}`)} {
		for i := range size {
			attacks = append(attacks, fmt.Sprintf(`UPDATE state SET value =
CAST(substr(value, 1, %d) || char(unicode(substr(CAST(value AS TEXT), %d, 1)) + 1) || substr(value, %d) AS BLOB)%s AND name = '%s'`, i, i+1, i+2, ofC, name))
		}
	}
	torn := filepath.Join(t.TempDir(), "torn.db")
	for _, text := range attacks {
		if err := os.WriteFile(torn, bytes.Clone(data), 0o600); err != nil {
			t.Fatal(err)
		}
		change(t, torn, text)
		s, err := sqlite.Open(torn, sqlite.Options{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := storetest.VerifyError(t, s, key); !errors.Is(err, store.ErrTampered) {
			t.Errorf("%s: %v, want ErrTampered", text, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// change runs a statement that has to change something.
func change(t *testing.T, path, text string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	r, err := db.Exec(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("%s: %d rows, %v", text, n, err)
	}
}
