package sqlite

import (
	"errors"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlstore"
)

// TestStill: a file that is read at rest is refused if somebody began to write
// during the read, and is read with SQLite's own care from then on.
func TestStill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	writer, err := open(path, Options{Create: true, LockTimeout: defaultLockTimeout})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = writer.Close() }()
	write := func(value string) error {
		return writer.Write(t.Context(), func(tx sqlstore.Tx) error {
			return errors.Join(tx.Exec(t.Context(), "CREATE TABLE IF NOT EXISTS seen (value TEXT)"), tx.Exec(t.Context(), "INSERT INTO seen VALUES (?)", value))
		})
	}
	if err := errors.Join(write("first"), writer.Forget(t.Context())); err != nil {
		t.Fatal(err)
	}
	reader, err := open(path, Options{ReadOnly: true, LockTimeout: defaultLockTimeout})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	var ok bool
	if reader.still, ok = reader.stillOf(); !ok {
		t.Fatal("the file is not at rest")
	}
	if err := reader.tryReaders(url.Values{"mode": {"ro"}, "immutable": {"1"}}); err != nil {
		t.Fatal(err)
	}
	err = reader.Read(t.Context(), func(sqlstore.Tx) error { return write("second") })
	if !errors.Is(err, store.ErrLocked) {
		t.Errorf("read while somebody began to write: %v, want ErrLocked", err)
	}
	for _, value := range []string{"second", "third"} {
		err := reader.Read(t.Context(), func(tx sqlstore.Tx) error {
			rows, err := tx.Query(t.Context(), "SELECT value FROM seen WHERE value = ?", value)
			if err != nil {
				return err
			}
			if !rows.Next() {
				t.Errorf("%s is not seen", value)
			}
			return errors.Join(rows.Err(), rows.Close())
		})
		if err != nil {
			t.Error(err)
		}
		if value == "second" {
			if err := write("third"); err != nil {
				t.Fatal(err)
			}
		}
	}
}
