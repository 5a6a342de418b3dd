package verify_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/verify"
	"github.com/exhibit-aims/exhibit/internal/verify/verifytest"
)

func TestPath(t *testing.T) {
	s := sample(t)
	key := verifier(t, s.Key.Public)
	wb, bd := makeWorkbook(t, s), makeBundle(t, s)
	saved := resaved(t, wb)
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
		{"returned.xlsx", saved, verify.WhatWorkbook, false},
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

// resaved packs a workbook as other programs do.
func resaved(t *testing.T, wb []byte) []byte {
	t.Helper()
	zr, err := zip.NewReader(bytes.NewReader(wb), int64(len(wb)))
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	zw := zip.NewWriter(&buf)
	for _, f := range zr.File {
		w, err := zw.Create(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(w, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// TestReturned: a workbook that came back from a spreadsheet program is called
// a workbook, and the report says what happened to it.
func TestReturned(t *testing.T) {
	s := sample(t)
	path := filepath.Join(t.TempDir(), "returned.xlsx")
	if err := os.WriteFile(path, resaved(t, makeWorkbook(t, s)), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := verify.Path(t.Context(), path, verify.Options{Key: verifier(t, s.Key.Public)})
	if err != nil || r.OK() || r.What != verify.WhatWorkbook || !strings.Contains(r.First.Found, "saved again by a spreadsheet program") {
		t.Errorf("%+v, %v, first %v", r, err, r.First)
	}
}

// TestNotUnpacked: what is larger than was sealed is refused before any of it
// is unpacked, or a few megabytes fill the memory of whoever verifies.
func TestNotUnpacked(t *testing.T) {
	l := lab(t)
	for _, name := range []string{"manifest.json", "assessment.json"} {
		r, err := verify.Bundle(t.Context(), bytes.NewReader(l.Swollen(name)), verifytest.Options(t, l.Own))
		if err != nil || r.OK() || r.First.File != name || !strings.Contains(r.First.Found, ", packed ") {
			t.Errorf("%s: %v, first %v", name, err, r.First)
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
