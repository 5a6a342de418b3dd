package verify_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/verify"
)

func TestPath(t *testing.T) {
	s := sample(t)
	key := verifier(t, s.Key.Public)
	wb, bd := makeWorkbook(t, s), makeBundle(t, s)
	damaged := append([]byte("XX"), wb[2:]...)
	for _, tt := range []struct {
		name    string
		content []byte
		what    string
		ok      bool
	}{
		{"a.xlsx", wb, verify.WhatWorkbook, true},
		{"named-otherwise.dat", wb, verify.WhatWorkbook, true},
		{"a.zip", bd, verify.WhatBundle, true},
		{"bundle", bd, verify.WhatBundle, true},
		{"damaged.xlsx", damaged, verify.WhatWorkbook, false},
		{"damaged.zip", []byte("PK"), verify.WhatBundle, false},
		{"cut", bd[:len(bd)-1], verify.WhatBundle, false},
	} {
		path := filepath.Join(t.TempDir(), tt.name)
		if err := os.WriteFile(path, tt.content, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := verify.Path(t.Context(), path, verify.Options{Key: key})
		if err != nil || r.What != tt.what || r.OK() != tt.ok || r.Path != path {
			t.Errorf("%s: %+v, %v", tt.name, r, err)
		}
		if (r.Err() == nil) != tt.ok || !tt.ok && !errors.Is(r.Err(), store.ErrTampered) {
			t.Errorf("%s: %v", tt.name, r.Err())
		}
	}
}

func TestPathLeavesOthersAlone(t *testing.T) {
	dir := t.TempDir()
	db := filepath.Join(dir, "exhibit.db")
	if err := os.WriteFile(db, []byte("SQLite format 3\x00 and so on"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{db, dir} {
		if _, err := verify.Path(t.Context(), path, verify.Options{}); !errors.Is(err, verify.ErrUnknown) {
			t.Errorf("%s: %v, want ErrUnknown", path, err)
		}
	}
	if _, err := verify.Path(t.Context(), filepath.Join(dir, "none"), verify.Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// A bundle of a part of the ledger verifies as well: the rest is there as
// hashes.
func TestPartOfTheLedger(t *testing.T) {
	s := sample(t)
	n := 0
	s.Ledger.Keep = func(ev evidence.Evidence) bool { n++; return ev.Seq%5 != 3 }
	s.Snapshot.Assessment.Results = nil
	for i := range s.Snapshot.Assessment.Controls {
		s.Snapshot.Assessment.Controls[i].Results = nil
	}
	r := checkBundle(t, makeBundle(t, s), verifier(t, s.Key.Public))
	if !r.OK() || n == 0 {
		t.Fatal(r.First)
	}
}

func TestErasedPayload(t *testing.T) {
	s := sample(t)
	s.EraseFirst(t.Fatal)
	if r := checkBundle(t, makeBundle(t, s), verifier(t, s.Key.Public)); !r.OK() {
		t.Fatal(r.First)
	}
}
