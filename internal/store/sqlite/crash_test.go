package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlite"
	"github.com/exhibit-aims/exhibit/internal/store/storetest"
)

// What the test binary does when it is its own child.
const (
	childVar = "EXHIBIT_TEST_APPEND" // directory of the store
	runVar   = "EXHIBIT_TEST_RUN"    // name of the run
	limitVar = "EXHIBIT_TEST_LIMIT"  // largest file it may write, in bytes; empty for none
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVar); dir != "" {
		os.Exit(appendInChild(context.Background(), dir))
	}
	if path := os.Getenv(upgradeVar); path != "" {
		os.Exit(upgradeInChild(path))
	}
	os.Exit(m.Run())
}

// appendInChild appends until it is killed or fails; 7 says that it failed as
// a full disk makes it fail.
func appendInChild(ctx context.Context, dir string) int {
	if limit := os.Getenv(limitVar); limit != "" {
		n, err := strconv.ParseUint(limit, 10, 64)
		if err != nil {
			return 2
		}
		if err := limitFiles(n); err != nil {
			return 2
		}
	}
	s, err := openIn(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	err = storetest.AppendForever(ctx, s, os.Getenv(runVar), os.Stdout)
	fmt.Fprintln(os.Stderr, err)
	if cerr := s.Close(); cerr != nil {
		fmt.Fprintln(os.Stderr, "close:", cerr)
	}
	return 7
}

func openIn(dir string) (store.Store, error) {
	key, err := ledger.LoadOrCreateKey(filepath.Join(dir, "key"))
	if err != nil {
		return nil, err
	}
	return sqlite.Open(filepath.Join(dir, "store.db"), sqlite.Options{Signer: key.Signer(), Create: true})
}

func child(t *testing.T, dir, run string, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), append(env, childVar+"="+dir, runVar+"="+run)...)
	return cmd
}

func look(t *testing.T, dir string) (store.Store, *ledger.Key) {
	t.Helper()
	s, err := openIn(dir)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ledger.LoadKey(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	return s, key
}

// TestKill kills a writer at random moments.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	storetest.Crash(t, 8,
		func(run string) *exec.Cmd { return child(t, dir, run) },
		func() (store.Store, *ledger.Key) { return look(t, dir) })
}

// fullDiskTime is when a child must have met the end of its disk, which takes
// it seconds.
const fullDiskTime = time.Minute

// TestFullDisk lets a writer run into the end of its disk.
func TestFullDisk(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit string
		dir   func(t *testing.T) (string, bool)
	}{
		{"file size limit", "2400000", func(t *testing.T) (string, bool) { return t.TempDir(), true }},
		{"small file system", "", smallDisk},
	} {
		dir, ok := c.dir(t)
		if !ok {
			t.Logf("%s: needs the right to mount; the other way is tested", c.name)
			continue
		}
		cmd := child(t, dir, "run", limitVar+"="+c.limit)
		var out, complaint strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &complaint
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		late := time.AfterFunc(fullDiskTime, func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		if !late.Stop() {
			t.Fatalf("%s: the child still appends after %v: it was not told that its disk is full", c.name, fullDiskTime)
		}
		if cmd.ProcessState.ExitCode() != 7 {
			t.Fatalf("%s: child: %v: %s", c.name, err, complaint.String())
		}
		if got := complaint.String(); !strings.Contains(got, "nothing acknowledged is lost") {
			t.Errorf("%s: the error does not say what it means: %s", c.name, got)
		}
		acknowledged := map[string]bool{}
		for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
			for _, key := range strings.Fields(line)[1:] {
				acknowledged[key] = true
			}
		}
		if len(acknowledged) == 0 {
			t.Errorf("%s: nothing was acknowledged before the disk was full", c.name)
		}
		// Full as the disk is, the store can be read and verified.
		s, err := sqlite.Open(filepath.Join(dir, "store.db"), sqlite.Options{ReadOnly: true})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		key, err := ledger.LoadKey(filepath.Join(dir, "key"))
		if err != nil {
			t.Fatal(err)
		}
		storetest.CheckAcknowledged(t, s, acknowledged)
		storetest.VerifyStore(t, s, key)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// smallDisk mounts 6 MB of memory as a file system, if this process may.
func smallDisk(t *testing.T) (string, bool) {
	t.Helper()
	dir := t.TempDir()
	unmount, err := mountMemory(dir)
	if err != nil {
		return "", false
	}
	t.Cleanup(func() {
		if err := unmount(); err != nil {
			t.Error(err)
		}
	})
	return dir, true
}

// TestReadOnFullDisk: a store at rest on a disk that is full can be read, though
// SQLite finds no room for its files beside it; and whoever reads on sees what
// somebody writes when there is room again.
func TestReadOnFullDisk(t *testing.T) {
	dir, ok := smallDisk(t)
	if !ok {
		t.Log("needs the right to mount; the script of the full disk tests it")
		return
	}
	s, key := look(t, dir)
	begin := func(s store.Store, id string) error {
		_, err := s.Append(t.Context(), store.Batch{Open: &evidence.Run{ID: id, Provenance: evidence.Provenance{Source: "s", Connector: "c"}, StartedAt: time.Unix(1700000000, 0).UTC()}, Run: id})
		return err
	}
	if err := errors.Join(begin(s, "first"), s.Close()); err != nil {
		t.Fatal(err)
	}
	fill := filepath.Join(dir, "fill")
	if err := os.WriteFile(fill, make([]byte, 8<<20), 0o600); !sqlite.NoRoom(err) {
		t.Fatalf("the disk did not become full: %v", err)
	}
	reader, err := sqlite.Open(filepath.Join(dir, "store.db"), sqlite.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if _, err := reader.Checkpoint(t.Context()); err != nil {
		t.Error(err)
	}
	storetest.VerifyStore(t, reader, key)
	if err := os.Remove(fill); err != nil {
		t.Fatal(err)
	}
	writer, err := sqlite.Open(filepath.Join(dir, "store.db"), sqlite.Options{Signer: key.Signer()})
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	if err := begin(writer, "second"); err != nil {
		t.Fatal(err)
	}
	same := func(when string) {
		t.Helper()
		want, err1 := writer.Checkpoint(t.Context())
		got, err2 := reader.Checkpoint(t.Context())
		if err := errors.Join(err1, err2); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: the reader has %q, the writer %q: %v", when, got, want, err)
		}
	}
	same("while somebody writes")
	if err := begin(writer, "third"); err != nil {
		t.Fatal(err)
	}
	same("after more was written")
}

// TestLocked holds the write lock in one store and writes in another.
func TestLocked(t *testing.T) {
	dir := t.TempDir()
	first, _ := look(t, dir)
	defer first.Close()
	key, err := ledger.LoadKey(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := sqlite.Open(filepath.Join(dir, "store.db"), sqlite.Options{Signer: key.Signer(), LockTimeout: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	storetest.Locked(t, first, second)
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "store.db")
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []sqlite.Options{{}, {ReadOnly: true}, {ReadOnly: true, Create: true}} {
		if _, err := sqlite.Open(path, o); !errors.Is(err, store.ErrNoStore) {
			t.Errorf("absent file, %+v: %v, want ErrNoStore", o, err)
		}
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("absent file, %+v: something was made: %v", o, err)
		}
	}
	if _, err := sqlite.Open(dir, sqlite.Options{Create: true}); err == nil {
		t.Error("a directory was opened")
	}
	s, err := sqlite.Open(path, sqlite.Options{Create: true, Signer: key.Signer()})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600 (%v)", info.Mode(), err)
	}
	storetest.Fill(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path + "-wal", path + "-shm"} {
		if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("after Close %s is left: %v", filepath.Base(name), err)
		}
	}
	ro, err := sqlite.Open(path, sqlite.Options{ReadOnly: true, Signer: key.Signer()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ro.Append(t.Context(), store.Batch{}); err == nil {
		t.Error("a store opened for reading was written")
	}
	if err := ro.Close(); err != nil {
		t.Error(err)
	}
	other, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]sqlite.Options{"no key": {}, "another key": {Signer: other.Signer()}} {
		s, err := sqlite.Open(path, o)
		if err != nil {
			t.Fatal(err)
		}
		entry := store.Batch{Entries: []store.NewEntry{{Type: evidence.EntryExport, Body: []byte(`{}`)}}}
		if _, err := s.Append(t.Context(), entry); err == nil {
			t.Errorf("%s: appended", name)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestNames opens stores whose paths mean something in a URL.
func TestNames(t *testing.T) {
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"with space.db", "a?b=c.db", "x#y.db", "100%.db", "%41.db", "ä&ö.db", ":memory:", "file:x.db"} {
		path := filepath.Join(t.TempDir(), name)
		s, err := sqlite.Open(path, sqlite.Options{Create: true, Signer: key.Signer()})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		storetest.Fill(t, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s: the file is not where it should be: %v", name, err)
		}
	}
}

// TestConcurrent appends from several stores on one file.
func TestConcurrent(t *testing.T) {
	dir := t.TempDir()
	var stores []store.Store
	var key *ledger.Key
	for range 3 {
		s, k := look(t, dir)
		defer s.Close()
		stores, key = append(stores, s), k
	}
	storetest.Concurrent(t, key, stores...)
}
