package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/portable"
	"github.com/exhibit-aims/exhibit/internal/store/sqlite"
	"github.com/exhibit-aims/exhibit/internal/store/storetest"
)

// upgradeVar has the test binary upgrade the store that it names.
const upgradeVar = "EXHIBIT_TEST_UPGRADE"

func upgradeInChild(path string) int {
	s, err := sqlite.Open(path, sqlite.Options{Upgrade: true})
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	return 0
}

// olderStore makes a store of the first schema and returns its path.
func olderStore(t *testing.T, records int) (string, *ledger.Key) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(path, sqlite.Options{Signer: key.Signer(), Create: true, Now: storetest.Clock()})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Fill(t, s)
	for n := 0; n < records; n += 1000 {
		run := evidence.Run{ID: fmt.Sprint("more ", n), StartedAt: time.Now(), Provenance: evidence.Provenance{Source: "more"}}
		if _, err := s.Append(t.Context(), store.Batch{Open: &run, Records: storetest.BenchRecords(n, 1000)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	statement(t, path, "DROP TABLE zones; DROP TABLE evidence_counts; PRAGMA user_version = 1")
	return path, key
}

func statement(t *testing.T, path, text string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), text); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestOlder opens a store of an older version, backs it up and upgrades it.
func TestOlder(t *testing.T) {
	path, key := olderStore(t, 0)
	for _, o := range []sqlite.Options{{ReadOnly: true}, {Signer: key.Signer()}, {Signer: key.Signer(), Create: true}} {
		if _, err := sqlite.Open(path, o); !errors.Is(err, store.ErrOlder) {
			t.Errorf("%+v: %v, want ErrOlder", o, err)
		}
	}
	old, err := sqlite.Open(path, sqlite.Options{ReadOnly: true, Older: true})
	if err != nil {
		t.Fatal(err)
	}
	before := storetest.Dump(t, old)
	v, err := ledger.ParseVerifier(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	backup := storetest.Backup(t, old, v)
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	up, err := sqlite.Open(path, sqlite.Options{Signer: key.Signer(), Upgrade: true})
	if err != nil {
		t.Fatal(err)
	}
	defer up.Close()
	storetest.VerifyStore(t, up, key)
	if storetest.Dump(t, up).Root != before.Root {
		t.Error("the upgrade changed the ledger")
	}
	if _, err := sqlite.Restore(t.Context(), filepath.Join(t.TempDir(), "back.db"), storetest.FromBytes(backup, v)); err != nil {
		t.Errorf("restore of a backup from before: %v", err)
	}
}

// TestNewer opens a store of a newer version, for whatever.
func TestNewer(t *testing.T) {
	path, key := olderStore(t, 0)
	statement(t, path, "PRAGMA user_version = 99")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []sqlite.Options{{ReadOnly: true}, {ReadOnly: true, Older: true}, {Signer: key.Signer()}, {Create: true, Upgrade: true}} {
		if _, err := sqlite.Open(path, o); !errors.Is(err, store.ErrNewer) {
			t.Errorf("%+v: %v, want ErrNewer", o, err)
		}
	}
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("a store of a newer version was written to (%v)", err)
	}
}

// TestUpgradeKilled kills upgrades at random moments: the store has the old
// schema or the new one, whole.
func TestUpgradeKilled(t *testing.T) {
	path, key := olderStore(t, 4000)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	rounds := 6
	if v := os.Getenv("EXHIBIT_FAULT_ROUNDS"); v != "" {
		if rounds, err = strconv.Atoi(v); err != nil {
			t.Fatal(err)
		}
	}
	left := map[bool]int{}
	for range rounds {
		statement(t, path, "DROP TABLE IF EXISTS zones; DROP TABLE IF EXISTS evidence_counts; PRAGMA user_version = 1")
		cmd := exec.CommandContext(t.Context(), self)
		cmd.Env = append(os.Environ(), upgradeVar+"="+path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(20+rand.IntN(250)) * time.Millisecond)
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil && cmd.ProcessState.ExitCode() > 0 {
			t.Fatalf("the upgrade failed: %v", err)
		}
		s, err := sqlite.Open(path, sqlite.Options{ReadOnly: true})
		left[err == nil]++
		if errors.Is(err, store.ErrOlder) {
			s, err = sqlite.Open(path, sqlite.Options{Signer: key.Signer(), Upgrade: true})
		}
		if err != nil {
			t.Fatal(err)
		}
		storetest.VerifyStore(t, s, key)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills: %d left the old schema, %d the new one", rounds, left[false], left[true])
}

// TestRestoreFails lets restoring fail at each of its steps: nothing is left.
func TestRestoreFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "store.db")
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	v, err := ledger.ParseVerifier(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the medium is broken")
	for name, from := range map[string]func(context.Context, portable.Sink) error{
		"at once": func(context.Context, portable.Sink) error { return broken },
		"in the middle": func(_ context.Context, to portable.Sink) error {
			return errors.Join(to.Head(portable.Head{}), to.Lines(0, 1, []byte("x\n")), broken)
		},
		"while it is read": func(_ context.Context, to portable.Sink) error {
			return portable.Read(io.MultiReader(bytes.NewReader([]byte("EXHIBIT BACKUP 1\n")), failing{broken}), to)
		},
	} {
		if _, err := sqlite.Restore(t.Context(), path, portable.Restoring{From: from, Verifier: v}); !errors.Is(err, broken) {
			t.Errorf("%s: %v, want what is broken", name, err)
		}
	}
	for _, taken := range []string{path, path + "-wal"} {
		if err := os.WriteFile(taken, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := sqlite.Restore(t.Context(), path, portable.Restoring{Verifier: v}); !errors.Is(err, store.ErrNotEmpty) {
			t.Errorf("restored over %s: %v", taken, err)
		}
		if err := os.Remove(taken); err != nil {
			t.Fatal(err)
		}
	}
	rest, err := os.ReadDir(dir)
	if err != nil || len(rest) != 0 {
		t.Errorf("left behind: %v, %v", rest, err)
	}
}

// failing is a reader that fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
