package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/ledger"
)

// TestSynchronous: what Append acknowledges is on the disk. No kill shows the
// opposite, only a loss of power does: the system keeps what a dead process wrote.
func TestSynchronous(t *testing.T) {
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(path, Options{Signer: key.Signer(), Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	d := &database{path: path}
	if err := d.openWriter(Options{LockTimeout: defaultLockTimeout}); err != nil {
		t.Fatal(err)
	}
	defer d.writer.Close()
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal"} {
		var got string
		if err := d.writer.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s is %s, want %s", pragma, got, want)
		}
	}
}
