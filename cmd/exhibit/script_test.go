package main

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

	"github.com/rogpeppe/go-internal/testscript"
)

// binaries builds exhibit and its connectors once, as a user gets them, unless
// EXHIBIT_BIN says where make test has just done that.
func binaries(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("EXHIBIT_BIN"); dir != "" {
		return dir
	}
	dir := t.TempDir()
	build(t, dir+string(filepath.Separator), "./cmd/...")
	lock(t, dir, dir)
	return dir
}

// faults builds the connector that misbehaves into a folder of its own, so
// that it is not among those that a user gets.
func faults(t *testing.T, bin string) string {
	t.Helper()
	dir := t.TempDir()
	build(t, filepath.Join(dir, "exhibit-connector-faulty"), "./cmd/exhibit/testdata/faulty")
	junk := "#!/bin/sh\necho this is no connector\n"
	if err := os.WriteFile(filepath.Join(dir, "exhibit-connector-junk"), []byte(junk), 0o755); err != nil {
		t.Fatal(err)
	}
	lock(t, bin, dir)
	return dir
}

func build(t testing.TB, out, what string) {
	t.Helper()
	// Like make build, without the tables for debuggers: they take half of the linking.
	cmd := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-s -w", "-o", out, what)
	cmd.Dir = "../.."
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", what, err, text)
	}
}

// lock trusts the connectors in dir, as a user does.
func lock(t testing.TB, bin, dir string) {
	t.Helper()
	config := filepath.Join(t.TempDir(), "exhibit.yaml")
	text := "version: 1\norganization: lock\nconnectors: {dir: " + dir + "}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "exhibit"), "connectors", "lock", "--config", config)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("locking connectors: %v\n%s", err, text)
	}
}

// TestScripts runs the scripts under testdata/scripts against the real
// binaries, each in a directory and with a HOME of its own. In them BIN is
// where the binaries are, FAULTS a folder with connectors that misbehave, ROOT
// the project, for files that others use as they stand.
func TestScripts(t *testing.T) {
	bin := binaries(t)
	bad := faults(t, bin)
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "../../testdata/scripts",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", bin+string(filepath.ListSeparator)+os.Getenv("PATH"))
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("NO_COLOR", "1")
			env.Setenv("YEAR", time.Now().UTC().Format("2006"))
			env.Setenv("SOON", time.Now().UTC().AddDate(0, 0, 90).Format(time.DateOnly))
			env.Setenv("BIN", bin)
			env.Setenv("ROOT", root)
			env.Setenv("FAULTS", bad)
			env.Values[contextKey{}] = t.Context()
			return nil
		},
		Cmds:                commands(),
		Condition:           func(cond string) (bool, error) { return condition(t.Context(), cond) },
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// contextKey is where a script finds the test's context.
type contextKey struct{}

func contextOf(ts *testscript.TestScript) context.Context {
	return ts.Value(contextKey{}).(context.Context)
}

// commands are what scripts may use besides testscript's own.
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"exits":     exits,        // exits CODE COMMAND…
		"flip":      flip,         // flip FILE [OFFSET]
		"flips":     flips,        // flips N FILE KEY
		"edit":      edit,         // edit FILE OLD NEW
		"instant":   instant,      // instant VAR
		"size":      size,         // size VAR STORE
		"grew":      grew,         // grew VAR STORE MAX
		"sandbox":   startSandbox, // sandbox DIR
		"story":     story,        // story, on the output of assess -o json
		"same":      same,         // same FILE, on the output of assess -o json
		"busy":      busy,         // busy STORE
		"json":      jsonValue,    // json PATH WANT
		"contract":  contract,     // contract NAME
		"runs":      runs,         // runs STORE SOURCE STATUS…
		"payload":   payload,      // payload VAR STORE SOURCE
		"held":      held,         // held STORE SOURCE KEYS ENTRIES
		"entries":   entries,      // entries VAR STORE TYPE
		"await":     await,        // await FILE TEXT
		"agrees":    agrees,
		"settled":   settled,     // agrees PATH [FIELD]
		"absent":    absent,      // absent TEXT PATH…
		"statement": statement,   // statement STORE SQL
		"serve":     serve,       // serve DIR VAR
		"fill":      fillIn,      // fill FILE SHEET ROW-WITH COLUMN TEXT
		"docx":      docxText,    // docx FILE
		"authority": authority,   // authority NAME
		"witness":   witness,     // witness NAME KEY-FILE
		"hook":      hook,        // hook NAME DIR ANSWER
		"needs":     needs,       // needs PROGRAM…
		"oscal":     oscalFolder, // oscal DIR, on the output of assess -o json
		"evidence":  evidenceOf,  // evidence BUNDLE ASSESSMENT-RESULTS
	}
}

// condition answers [tmpfs]: a small file system can be mounted.
func condition(ctx context.Context, cond string) (bool, error) {
	if cond != "tmpfs" {
		return false, fmt.Errorf("no condition %q", cond)
	}
	return exec.CommandContext(ctx, "unshare", "--mount", "--map-root-user", "sh", "-c", "mount -t tmpfs tmpfs /mnt").Run() == nil, nil
}

// exits runs a command and expects an exit code: exits 12 exhibit verify x.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = strconv.Itoa(exit.ExitCode())
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// flip inverts one bit of a file: at an offset, from the end if it is
// negative, or in the middle.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: flip FILE [OFFSET]")
	}
	path := ts.MkAbs(args[0])
	b, err := os.ReadFile(path)
	ts.Check(err)
	at := len(b) / 2
	if len(args) == 2 {
		at, err = strconv.Atoi(args[1])
		ts.Check(err)
		if at < 0 {
			at += len(b)
		}
	}
	b[at] ^= 1
	ts.Check(os.WriteFile(path, b, 0o600))
}

// flips inverts one bit of a file at each of N places, and expects that
// verifying finds each.
func flips(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: flips N FILE KEY")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	path := ts.MkAbs(args[1])
	whole, err := os.ReadFile(path)
	ts.Check(err)
	copied := path + ".flipped"
	for i := range n {
		at := i * (len(whole) - 1) / (n - 1)
		b := bytes.Clone(whole)
		b[at] ^= 1 << (i % 8)
		ts.Check(os.WriteFile(copied, b, 0o600))
		err := ts.Exec("exhibit", "verify", "--quiet", copied, "--key", args[2])
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != exitTampered {
			ts.Fatalf("bit %d of byte %d of %s was inverted, and verify says %v", i%8, at, args[1], err)
		}
	}
}

// edit replaces text that must be in a file, once.
func edit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: edit FILE OLD NEW")
	}
	text := ts.ReadFile(args[0])
	if strings.Count(text, args[1]) != 1 {
		ts.Fatalf("%s: %q is there %d times, want once", args[0], args[1], strings.Count(text, args[1]))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(text, args[1], args[2], 1)), 0o600))
}
