package main

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/exhibit-aims/exhibit/internal/attest/attesttest"
	"github.com/exhibit-aims/exhibit/internal/ledger"
)

// authority runs a time-stamping authority, which is openssl, until the script
// ends: NAME_URL is its address, NAME_ROOTS the file with its root certificate.
func authority(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: authority NAME")
	}
	dir := ts.MkAbs("authority-" + args[0])
	ts.Check(os.Mkdir(dir, 0o700))
	a, err := attesttest.NewAuthority(contextOf(ts), dir)
	ts.Check(err)
	server := httptest.NewServer(a)
	ts.Defer(server.Close)
	ts.Setenv(args[0]+"_URL", server.URL)
	ts.Setenv(args[0]+"_ROOTS", a.Roots)
}

// witness runs a simulated witness that knows the log of a key file, until the
// script ends: NAME_URL is its address, NAME_KEY its verifier key.
func witness(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: witness NAME KEY-FILE")
	}
	log, err := ledger.LoadVerifier(ts.MkAbs(args[1]))
	ts.Check(err)
	w, err := attesttest.NewWitness("witness.example/"+args[0], time.Now, log)
	ts.Check(err)
	server := httptest.NewServer(w)
	ts.Defer(server.Close)
	ts.Setenv(args[0]+"_URL", server.URL)
	ts.Setenv(args[0]+"_KEY", w.Key())
}

// hook answers every POST with a status and keeps the last one in files, until
// the script ends: NAME_URL is its address, DIR/body and DIR/signature what came.
func hook(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: hook NAME DIR ANSWER")
	}
	dir := ts.MkAbs(args[1])
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		ts.Fatalf("%v", err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, "body"), body, 0o600),
			os.WriteFile(filepath.Join(dir, "signature"), []byte(r.Header.Get("Exhibit-Signature")+"\n"), 0o600))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = w.Write([]byte(args[2])) // a client that went away is its own affair
	}))
	ts.Defer(server.Close)
	ts.Setenv(args[0]+"_URL", server.URL)
}

// needs fails, with what to do, where a program that a script uses is missing.
func needs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: needs PROGRAM…")
	}
	for _, name := range args {
		if _, err := exec.LookPath(name); err != nil {
			ts.Fatalf("%s is missing: the test holds what exhibit writes against it; install the package %s and run again", name, name)
		}
	}
}
