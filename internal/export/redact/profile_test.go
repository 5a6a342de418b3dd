package redact_test

import (
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/export/redact"
)

func TestHides(t *testing.T) {
	p := redact.Profile{Name: "x", Hide: []string{"jira.*", "github.pull_request"}, Keep: []string{"jira.project"}}
	for kind, want := range map[string]bool{"jira.issue": true, "jira.project": false, "github.pull_request": true,
		"github.pull_request_review": false, "jirax.issue": false, "": false} {
		if got := p.Hides(kind); got != want {
			t.Errorf("%q: %v", kind, got)
		}
	}
	if !(redact.Profile{Hide: []string{"*"}}).Hides("anything.at_all") {
		t.Error("* hides not everything")
	}
}

func TestFind(t *testing.T) {
	own := []redact.Profile{{Name: "customer", Hide: []string{"jira.*"}}, {Name: "broken", Hide: []string{"jira"}}}
	if p, err := redact.Find("customer", own); err != nil || p.Hides("github.pull_request") {
		t.Errorf("the organisation's own does not take the built-in one's place: %+v, %v", p, err)
	}
	if _, err := redact.Find("broken", own); err == nil || !strings.Contains(err.Error(), "is no pattern") {
		t.Errorf("%v", err)
	}
	if _, err := redact.Find("nobody", nil); err == nil {
		t.Error("a profile that is not there was found")
	}
	if p, err := redact.Find("", nil); err != nil || !p.Nothing() || p.Export() != nil {
		t.Errorf("%+v, %v", p, err)
	}
}

// Every pattern of the built-in profiles names kinds that there are.
func TestBuiltInNamesKinds(t *testing.T) {
	cat, err := catalog.Load(config.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range redact.BuiltIn() {
		if err := p.Check(); err != nil {
			t.Error(err)
		}
		for _, pattern := range append(append([]string{}, p.Hide...), p.Keep...) {
			n := 0
			for _, kind := range cat.KindIDs() {
				if (redact.Profile{Hide: []string{pattern}}).Hides(kind) {
					n++
				}
			}
			if n == 0 {
				t.Errorf("%s: %q names no kind", p.Name, pattern)
			}
		}
	}
}
