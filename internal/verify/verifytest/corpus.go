package verifytest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/redact"
)

// Written is a bundle of a corpus and what verifying it must come to.
type Written struct {
	File  string `json:"file"`
	Kind  string `json:"kind"`
	Done  string `json:"done,omitempty"`
	By    By     `json:"by,omitempty"`
	Good  bool   `json:"good"`  // everything holds
	Needs Needs  `json:"needs"` // what it takes to find what is wrong
	// Against is the file that it must be held against, if it needs that.
	Against string `json:"against,omitempty"`
	// Report is what this program's report names: file, and part of the place.
	ReportFile  string `json:"report_file,omitempty"`
	ReportPlace string `json:"report_place,omitempty"`
}

// Corpus writes good and tampered bundles to dir, with exhibit.pub, the key that
// must have signed them, earlier.zip and earlier.note, which later ones are
// held against, and corpus.json, the list that it returns.
func Corpus(t testing.TB, dir string) []Written {
	t.Helper()
	l := NewLab(t)
	write := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("exhibit.pub", []byte(l.Own.Public+"\n"))
	write("earlier.note", l.Note)
	list := []Written{}
	good := func(name, kind string, b []byte) {
		write(name, b)
		list = append(list, Written{File: name, Kind: kind, Good: true})
	}
	good("good.zip", "a bundle as it was handed out", l.Good)
	good("narrow.zip", "only what the results rest on", l.Narrow)
	good("redacted.zip", "payloads hidden by a profile", l.Redacted)
	good("earlier.zip", "the same ledger two weeks before", l.Earlier)
	w := New(t, Honest(t), l.Own)
	good("customer.zip", "what a customer receives", w.Bundle(mustFind(t, "customer"), bundle.Whole))
	good("slim.zip", "a sheet is left out and nothing hidden", w.Bundle(redact.Profile{Name: "slim", Sheets: []string{"People"}}, bundle.Whole))
	good("unfitting.zip", "a profile that hides kinds which are not there", w.Bundle(redact.Profile{Name: "unfitting", Hide: []string{"jira.*"}}, bundle.Whole))
	for i, c := range Cases() {
		name := fmt.Sprintf("case-%03d.zip", i)
		write(name, c.Make(l))
		e := Written{File: name, Kind: c.Kind, Done: c.Done, By: c.By, Needs: c.Needs, ReportFile: c.File, ReportPlace: c.Place}
		if c.Needs == Past {
			e.Against = "earlier.note"
		}
		list = append(list, e)
	}
	raw, err := json.MarshalIndent(list, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	write("corpus.json", raw)
	return list
}

func mustFind(t testing.TB, name string) redact.Profile {
	t.Helper()
	p, err := redact.Find(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
