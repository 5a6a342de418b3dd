package main

import (
	"database/sql"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	_ "modernc.org/sqlite" // the driver of the stores that scripts tamper with

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/sandbox"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlite"
)

// startSandbox runs the sandbox organisation until the script ends and writes
// its files. WEAK_TOKEN is a GitHub token without rights.
func startSandbox(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: sandbox DIR")
	}
	org, err := sandbox.Start(contextOf(ts), sandbox.Options{Now: time.Now().UTC(), Dir: ts.MkAbs(args[0])})
	ts.Check(err)
	ts.Defer(func() { org.Close() })
	ts.Setenv("WEAK_TOKEN", org.GitHubWeakToken)
	ts.Setenv("GITHUB_TOKEN", org.GitHubToken)
	ts.Setenv("JIRA_TOKEN", org.JiraToken)
	ts.Setenv("AWS_SECRET", org.AWSSecretAccessKey)
}

// serve answers with the files of a folder, as they are at the time, until the
// script ends, and sets a variable to the address.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: serve DIR VAR")
	}
	server := httptest.NewServer(http.FileServer(http.Dir(ts.MkAbs(args[0]))))
	ts.Defer(server.Close)
	ts.Setenv(args[1], server.URL)
}

// instant sets a variable to now, for --as-of.
func instant(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: instant VAR")
	}
	ts.Setenv(args[0], time.Now().UTC().Format(time.RFC3339Nano))
}

// size sets a variable to the bytes of a store with what lies beside it.
func size(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: size VAR STORE")
	}
	ts.Setenv(args[0], strconv.FormatInt(bytesOf(ts, args[1]), 10))
}

// grew fails if a store grew by MAX bytes or more since size.
func grew(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: grew VAR STORE MAX")
	}
	before, err := strconv.ParseInt(ts.Getenv(args[0]), 10, 64)
	ts.Check(err)
	limit, err := strconv.ParseInt(args[2], 10, 64)
	ts.Check(err)
	if by := bytesOf(ts, args[1]) - before; by >= limit {
		ts.Fatalf("%s grew by %d bytes, want less than %d", args[1], by, limit)
	}
}

func bytesOf(ts *testscript.TestScript, path string) int64 {
	var n int64
	for _, name := range []string{path, path + "-wal"} {
		info, err := os.Stat(ts.MkAbs(name))
		if errors.Is(err, fs.ErrNotExist) && name != path {
			continue
		}
		ts.Check(err)
		n += info.Size()
	}
	return n
}

// busy holds the write lock of a store until the script ends.
func busy(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: busy STORE")
	}
	db, err := sql.Open("sqlite", "file:"+ts.MkAbs(args[0]))
	ts.Check(err)
	conn, err := db.Conn(contextOf(ts))
	ts.Check(err)
	_, err = conn.ExecContext(contextOf(ts), "BEGIN IMMEDIATE")
	ts.Check(err)
	ts.Defer(func() { conn.Close(); db.Close() })
}

// statement changes a store behind Exhibit's back.
func statement(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: statement STORE SQL")
	}
	db, err := sql.Open("sqlite", "file:"+ts.MkAbs(args[0]))
	ts.Check(err)
	defer db.Close()
	res, err := db.ExecContext(contextOf(ts), args[1])
	ts.Check(err)
	n, err := res.RowsAffected()
	ts.Check(err)
	if n == 0 && !strings.Contains(args[1], "PRAGMA") { // of which nothing is counted
		ts.Fatalf("%s changed nothing", args[1])
	}
}

func openStoreOf(ts *testscript.TestScript, path string) store.Store {
	st, err := sqlite.Open(ts.MkAbs(path), sqlite.Options{ReadOnly: true})
	ts.Check(err)
	return st
}

// runs compares the statuses of a source's runs, oldest first.
func runs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: runs STORE SOURCE STATUS…")
	}
	st := openStoreOf(ts, args[0])
	defer st.Close()
	var got []string
	for run, err := range st.Runs(contextOf(ts), args[1]) {
		ts.Check(err)
		status := string(run.Status)
		if run.Status == evidence.RunOpen {
			status = "open"
		}
		got = append(got, status)
	}
	if strings.Join(got, " ") != strings.Join(args[2:], " ") {
		ts.Fatalf("runs of %s: %v, want %v", args[1], got, args[2:])
	}
}

// held compares how many keys a store holds of a source, and in how many
// revisions.
func held(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: held STORE SOURCE KEYS REVISIONS")
	}
	st := openStoreOf(ts, args[0])
	defer st.Close()
	keys, revisions := map[string]bool{}, 0
	for ev, err := range st.Evidence(contextOf(ts), store.EvidenceQuery{Source: args[1]}) {
		ts.Check(err)
		keys[ev.Kind+" "+ev.Key] = true
		revisions++
	}
	if got := []string{strconv.Itoa(len(keys)), strconv.Itoa(revisions)}; got[0] != args[2] || got[1] != args[3] {
		ts.Fatalf("%s holds %s keys of %s in %s revisions, want %s in %s", args[0], got[0], args[1], got[1], args[2], args[3])
	}
}

// entries sets a variable to how many ledger entries of a type a store holds.
func entries(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: entries VAR STORE TYPE")
	}
	st := openStoreOf(ts, args[1])
	defer st.Close()
	note, err := st.Checkpoint(contextOf(ts))
	ts.Check(err)
	cp, err := ledger.UnverifiedCheckpoint(note)
	ts.Check(err)
	n := 0
	for _, err := range st.Entries(contextOf(ts), 0, cp.Size, evidence.EntryType(args[2])) {
		ts.Check(err)
		n++
	}
	ts.Setenv(args[0], strconv.Itoa(n))
}

// await waits until a file holds a text, at most half a minute.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await FILE TEXT")
	}
	var text []byte
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		text, _ = os.ReadFile(ts.MkAbs(args[0])) // it may not be there yet
		if strings.Contains(string(text), args[1]) {
			return
		}
	}
	ts.Fatalf("%s never held %q:\n%s", args[0], args[1], text)
}

// payload sets a variable to the digest of a source's newest payload.
func payload(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: payload VAR STORE SOURCE")
	}
	st := openStoreOf(ts, args[1])
	defer st.Close()
	digest := ""
	for ev, err := range st.Evidence(contextOf(ts), store.EvidenceQuery{Source: args[2], Payloads: true}) {
		ts.Check(err)
		digest = evidence.Sum(ev.Payload).String()
	}
	ts.Setenv(args[0], digest)
}
