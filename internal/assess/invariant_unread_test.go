package assess_test

import (
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// TestUnknownForms: evidence of a kind that is not known, or in a later major
// version of one, satisfies nothing; what it is about is named as not seen.
func TestUnknownForms(t *testing.T) {
	eng := shipped(t)
	const good = `{"system_id":"s1","in_scope":true,"owner":"ann"}`
	owner := func(items ...func(*world) *evidence.Evidence) *assess.Result {
		w := newWorld(eng)
		for _, add := range items {
			add(w)
		}
		s := eng.NewState()
		w.load(t, s)
		for _, r := range assessed(t, s, w.at).Results {
			if r.Expectation == "ai-system-owner-named" {
				return r
			}
		}
		return nil
	}
	system := func(major int, ago time.Duration) func(*world) *evidence.Evidence {
		return func(w *world) *evidence.Evidence {
			e := w.item(t, "inventory.ai_system", "ai_system/s1", good)
			e.Major, e.CollectedAt = major, w.at.Add(-ago)
			return e
		}
	}
	known := owner(system(1, 2*time.Hour))
	if known == nil || known.Subject.ID != "s1" || len(known.Evidence) == 0 {
		t.Fatalf("a system in the known form gives %+v", known)
	}
	for name, r := range map[string]*assess.Result{
		"a later major version":  owner(system(2, 2*time.Hour)),
		"a kind nobody knows":    owner(func(w *world) *evidence.Evidence { return w.item(t, "inventory.ai_sistem", "ai_system/s1", good) }),
		"an earlier known state": owner(system(1, 40*24*time.Hour), system(2, 20*24*time.Hour)),
	} {
		if r != nil && r.Status == assess.StatusSatisfied {
			t.Errorf("%s satisfies: %s", name, r.Reason)
		}
	}
	if r := owner(system(2, 2*time.Hour)); r.Status != assess.StatusNotAssessed || r.Subject.ID != "s1" || !strings.Contains(r.Reason, "major version 2") {
		t.Errorf("%+v, want s1 not assessed because of its form", r)
	}
	if r := owner(system(2, 3*time.Hour), system(1, 2*time.Hour)); r.Status != known.Status {
		t.Errorf("%s after the form is known again, want %s", r.Status, known.Status)
	}
}
