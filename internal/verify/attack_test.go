package verify_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/verify"
	"github.com/exhibit-aims/exhibit/internal/verify/verifytest"
)

var update = flag.Bool("update", false, "write ATTACKS.md anew")

// TestAttacks changes a bundle in every way that the page ATTACKS.md lists, and
// demands that each is found where the page says, with what it says is needed,
// and not before.
func TestAttacks(t *testing.T) {
	l := lab(t)
	slots := make(chan struct{}, 2)
	var mu sync.Mutex
	for _, c := range verifytest.Cases() {
		t.Run(c.Kind, func(t *testing.T) {
			mu.Lock() // making is quick and shares the lab
			b := c.Make(l)
			mu.Unlock()
			slots <- struct{}{}
			defer func() { <-slots }()
			attack(t, l, c, b)
		})
	}
}

func attack(t *testing.T, l *verifytest.Lab, c verifytest.Case, b []byte) {
	full := verifytest.Options(t, l.Own)
	check := func(o verify.Options) verify.Report {
		t.Helper()
		r, err := verify.Bundle(t.Context(), bytes.NewReader(b), o)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	clean := func(what string, r verify.Report) {
		t.Helper()
		if !r.OK() {
			t.Errorf("%s it is found already: %v", what, r.First)
		}
	}
	switch c.Needs {
	case verifytest.TheKey:
		r := check(verify.Options{Recompute: full.Recompute})
		clean("without a key", r)
		if r.Established {
			t.Error("the identity is called established by the bundle's own key")
		}
	case verifytest.Past:
		before := check(full)
		clean("without anything kept", before)
		if !strings.Contains(strings.Join(before.Notes, "\n"), "not established: that the key's holder did not write the ledger anew, or leave out what came last") {
			t.Errorf("without anything kept the notes say only %q", before.Notes)
		}
		full.Against = []verify.Earlier{{Name: "earlier.note", Note: l.Note}}
	case verifytest.Computing:
		clean("without recomputing", check(verify.Options{Key: full.Key}))
	case verifytest.Alone:
		full.Recompute = nil
	}
	r := check(full)
	switch {
	case r.OK():
		t.Fatalf("not noticed: recomputed %s", r.Recomputed)
	case !strings.HasPrefix(r.First.File, c.File) || !strings.Contains(r.First.Place, c.Place):
		t.Errorf("the report names %q at %q: %v; want %q at %q", r.First.File, r.First.Place, r.First, c.File, c.Place)
	}
}

// TestAttacksPage holds the page to the cases.
func TestAttacksPage(t *testing.T) {
	var out strings.Builder
	seen := map[string]bool{}
	cases := verifytest.Cases()
	fmt.Fprintf(&out, "# What somebody could change, and where it is found\n\n"+
		"%d kinds of tampering with a bundle, each a test (`TestAttacks`) that makes it and demands that `exhibit verify` names the file and place below.\n"+
		"Who has nothing but write access to the file has no key; who has the organisation's key can seal a bundle again; who has the database too can write\n"+
		"the ledger anew, so that nothing in the new bundle disagrees. The last is found only against something that left the house before:\n"+
		"a checkpoint or bundle kept by the reader, a time-stamp, a witness. This page is generated; `go test ./internal/verify -run TestAttacksPage -update` writes it anew.\n\n"+
		"| kind | what is done | with | found in | needs |\n|---|---|---|---|---|\n", len(cases))
	for _, c := range cases {
		if seen[c.Kind] {
			t.Errorf("two kinds are called %q", c.Kind)
		}
		seen[c.Kind] = true
		where := strings.TrimSuffix(c.File, ": ")
		if where == "" {
			where = "the file concerned"
		}
		if c.Place != "" {
			where += ", " + c.Place
		}
		needs := string(c.Needs)
		if needs == "" {
			needs = "the bundle alone"
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s | %s |\n", c.Kind, c.Done, c.By, where, needs)
	}
	if len(cases) < 50 {
		t.Errorf("%d kinds", len(cases))
	}
	if *update {
		if err := os.WriteFile("ATTACKS.md", []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile("ATTACKS.md"); err != nil || string(have) != out.String() {
		t.Errorf("ATTACKS.md is not what the cases say; run with -update (%v)", err)
	}
}

// TestAttacksOnTheContainer are refused before any content is looked at.
func TestAttacksOnTheContainer(t *testing.T) {
	s := sample(t)
	for what, good := range map[string][]byte{verify.WhatBundle: makeBundle(t, s), verify.WhatWorkbook: makeWorkbook(t, s)} {
		central := good[len(good)-6:]
		dir := int(central[0]) | int(central[1])<<8 | int(central[2])<<16 | int(central[3])<<24
		tests := map[string][]byte{
			"truncated":       good[:len(good)-10],
			"half":            good[:len(good)/2],
			"empty":           nil,
			"appended":        append(bytes.Clone(good), 'x'),
			"prepended":       append([]byte{0}, good...),
			"two directories": append(bytes.Clone(good), good[dir:]...),
			"two archives":    append(bytes.Clone(good), good...),
			"gap":             append(append(bytes.Clone(good[:dir]), 0, 0), good[dir:]...),
		}
		for name, data := range tests {
			t.Run(what+" "+name, func(t *testing.T) {
				r, err := verify.Bundle(t.Context(), bytes.NewReader(data), verify.Options{Key: verifier(t, s.Key.Public)})
				if what == verify.WhatWorkbook {
					r, err = verify.Workbook(t.Context(), bytes.NewReader(data), verifier(t, s.Key.Public))
				}
				if err != nil || r.OK() {
					t.Fatalf("%v, %+v", err, r.First)
				}
			})
		}
	}
}
