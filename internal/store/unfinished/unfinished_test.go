package unfinished_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/store/unfinished"
)

// childEnv makes this program a process that writes in a folder until it is
// killed.
const childEnv = "EXHIBIT_TEST_UNFINISHED"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		p, err := unfinished.Begin(dir)
		if err == nil {
			err = os.WriteFile(p.Path("half"), []byte("half of it"), 0o600)
		}
		if err != nil {
			panic(err)
		}
		os.Stdout.WriteString("writing\n")
		select {}
	}
	os.Exit(m.Run())
}

// TestKilled: what a killed process left is removed by the next one, and not
// while the process lives; other files are nobody's business.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	const early, room = ".exhibit-2026-11.backup.123456789", ".exhibit-room-123456789"
	for _, other := range []string{early, room, ".exhibit-room-notes", ".exhibit-other", ".exhibit-unfinished-notes", ".exhibit-unfinished-notes.d"} {
		if err := os.WriteFile(filepath.Join(dir, other), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ours, err := unfinished.Begin(dir)
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childEnv+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	sweep := func(what string, want, files int) {
		t.Helper()
		n, err := unfinished.Sweep(dir)
		left, readErr := os.ReadDir(dir)
		if err != nil || readErr != nil || n != want || len(left) != files {
			t.Errorf("%s: %d swept, %d files left, %v %v; want %d and %d", what, n, len(left), err, readErr, want, files)
		}
	}
	named := func(what string, want int) {
		t.Helper()
		if got, err := unfinished.Left(dir); err != nil || len(got) != want || !slices.Contains(got, early) || !slices.Contains(got, room) {
			t.Errorf("%s: left are %v, %v; want %d", what, got, err, want)
		}
	}
	named("while both live", 2)
	sweep("while both live", 0, 10)
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	named("one was killed", 3)
	sweep("one was killed", 1, 8)
	sweep("again", 0, 8)
	if err := ours.End(); err != nil {
		t.Fatal(err)
	}
	sweep("ours has ended", 0, 6)
}
