package verify_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/redact"
	"github.com/exhibit-aims/exhibit/internal/verify"
	"github.com/exhibit-aims/exhibit/internal/verify/verifytest"
)

// made holds the one lab of all tests: it takes a second to make.
var made struct {
	sync.Mutex
	lab *verifytest.Lab
}

func lab(t *testing.T) *verifytest.Lab {
	t.Helper()
	made.Lock()
	defer made.Unlock()
	if made.lab == nil {
		made.lab = verifytest.NewLab(t)
	}
	return made.lab.In(t)
}

func verified(t *testing.T, b []byte, o verify.Options) verify.Report {
	t.Helper()
	r, err := verify.Bundle(t.Context(), bytes.NewReader(b), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRecomputed(t *testing.T) {
	l := lab(t)
	full := verifytest.Options(t, l.Own)
	r := verified(t, l.Good, full)
	if !r.OK() || r.Recomputed != "yes" || len(r.Attested) != 2 || r.Scope != bundle.Whole || r.MadeBy != verifytest.Tool {
		t.Fatalf("%v, %+v", r.First, r)
	}
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{"narrowed": {l.Narrow, "no: narrowed"}, "redacted": {l.Redacted, "no: payloads are hidden by the profile partner"}} {
		if r := verified(t, c.b, full); !r.OK() || !strings.HasPrefix(r.Recomputed, c.want) {
			t.Errorf("%s: %v, recomputed %q", name, r.First, r.Recomputed)
		}
	}
	if r := verified(t, l.Good, verify.Options{Key: full.Key}); !r.OK() || r.Recomputed != "no: not asked for" {
		t.Errorf("not asked for: %v, %q", r.First, r.Recomputed)
	}
}

// What another version of the program made may come out differently without
// anybody having changed it: that is said, and is no failure.
func TestMadeByAnotherVersion(t *testing.T) {
	l := lab(t)
	full := verifytest.Options(t, l.Own)
	full.Recompute.Tool = "exhibit 2.0.0"
	if r := verified(t, l.Good, full); !r.OK() || r.Recomputed != "yes" {
		t.Errorf("the same bytes: %v, %q", r.First, r.Recomputed)
	}
	for _, c := range verifytest.Cases() {
		if c.Kind != "cell edited" {
			continue
		}
		r := verified(t, c.Make(l), full)
		if !r.OK() || !strings.HasPrefix(r.Recomputed, "differs: made by exhibit 1.0.0-test, this is exhibit 2.0.0: ") || len(r.Notes) == 0 {
			t.Errorf("%v, %q, %q", r.First, r.Recomputed, r.Notes)
		}
	}
}

// A bundle is held against states that were kept: the good one continues them,
// and an older one does not continue a newer.
func TestAgainst(t *testing.T) {
	l := lab(t)
	dir := t.TempDir()
	path := func(name string, b []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	earlier := func(p string) verify.Earlier {
		e, err := verify.ReadEarlier(p)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	full := verifytest.Options(t, l.Own)
	full.Recompute = nil
	for _, p := range []string{path("earlier.zip", l.Earlier), path("earlier.note", l.Note), path("same.zip", l.Good)} {
		full.Against = []verify.Earlier{earlier(p)}
		if r := verified(t, l.Good, full); !r.OK() || !strings.Contains(strings.Join(r.Notes, " "), "continued by") {
			t.Errorf("against %s: %v, %q", p, r.First, r.Notes)
		}
	}
	full.Against = []verify.Earlier{earlier(path("later.zip", l.Good))}
	if r := verified(t, l.Earlier, full); r.OK() || !strings.Contains(r.First.Found, "rollback") {
		t.Errorf("an older one against a newer: %v", r.First)
	}
	full.Against = []verify.Earlier{earlier(path("earlier.zip", l.Earlier))}
	if r := verified(t, l.Narrow, full); !r.OK() || !strings.Contains(strings.Join(r.Notes, " "), "cannot be told") {
		t.Errorf("a narrowed one: %v, %q", r.First, r.Notes)
	}
	if _, err := verify.ReadEarlier(path("none.txt", []byte("nothing"))); err == nil {
		t.Error("a file that is no checkpoint is taken for one")
	}
}

// No file of a redacted bundle has a byte of what is hidden, nor the workbook's
// parts: a text is planted in a hidden payload that a reason would quote.
func TestHiddenIsNowhere(t *testing.T) {
	key := verifytest.Key(t, "exhibit/test")
	w := verifytest.New(t, verifytest.Honest(t), key)
	var search func(b []byte) []string
	search = func(b []byte) []string {
		var found []string
		p := verifytest.Unpack(t, b)
		for _, name := range p.Names() {
			if strings.Contains(p.Text(name), verifytest.Canary) {
				found = append(found, name)
			}
			if name == bundle.WorkbookFile {
				found = append(found, search([]byte(p.Text(name)))...)
			}
		}
		return found
	}
	if found := search(w.Bundle(redact.Profile{}, bundle.Whole)); len(found) < 3 {
		t.Fatalf("without a profile it is only in %v: the test looks for nothing", found)
	}
	customer, err := redact.Find("customer", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []redact.Profile{verifytest.Partner, customer} {
		for _, scope := range []string{bundle.Whole, bundle.Used} {
			b := w.Bundle(p, scope)
			if found := search(b); len(found) > 0 {
				t.Errorf("%s, %s: the hidden text is in %v", p.Name, scope, found)
			}
			if r := verified(t, b, verifytest.Options(t, key)); !r.OK() {
				t.Errorf("%s, %s: %v", p.Name, scope, r.First)
			}
		}
	}
}

// Every check that a bundle's report lists is explained.
func TestExplained(t *testing.T) {
	l := lab(t)
	full := verifytest.Options(t, l.Own)
	full.Against = []verify.Earlier{{Name: "note", Note: l.Note}}
	for _, b := range [][]byte{l.Good, l.Redacted} {
		r := verified(t, b, full).Explained()
		for _, c := range r.Checked {
			if c.Explained == nil {
				t.Errorf("%q is not explained", c.Name)
			}
		}
		if _, err := json.Marshal(r); err != nil {
			t.Error(err)
		}
	}
}
