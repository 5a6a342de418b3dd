package assess_test

import (
	"testing"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// one person under several names is one person, wherever people are compared.
func TestNamesOfPeople(t *testing.T) {
	eng := shipped(t)
	for name, c := range map[string]struct {
		names []string // payloads of directory.names
		want  assess.Status
	}{
		"nobody knows the names":         {nil, assess.StatusSatisfied},
		"the assessor's address":         {[]string{`{"person":"bob","names":["bob.smith@acme.example","Bob Smith"]}`}, assess.StatusFailing},
		"an address that two people use": {[]string{`{"person":"bob","names":["bob.smith@acme.example"]}`, `{"person":"cid","names":["Bob.Smith@acme.example"]}`}, assess.StatusSatisfied},
		"a name that is another's id":    {[]string{`{"person":"bob","names":["bob.smith@acme.example"]}`, `{"person":"bob.smith@acme.example","names":[]}`}, assess.StatusSatisfied},
		"somebody else's names":          {[]string{`{"person":"cid","names":["bob.smith@acme.example"]}`}, assess.StatusSatisfied},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(eng)
			w.item(t, "inventory.ai_system", "ai_system/s1", `{"system_id":"s1","owner":"ann","in_scope":true}`)
			w.item(t, "risk.assessment", "ai_system/s1", `{"assessment_id":"R-1","system_id":"s1","risks":[{"id":"X"}],"assessor":"bob",
				"approved_by":"bob.smith@acme.example","approved_at":"2026-02-01T00:00:00Z"}`).EventTime = w.at.AddDate(0, -1, 0)
			for _, payload := range c.names {
				w.item(t, "directory.names", "person/"+payload, payload)
			}
			s := eng.NewState()
			w.load(t, s)
			a, err := s.At(w.at, assess.Checkpoint{})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range a.Results {
				if r.Expectation == "risk-assessment-per-system" && r.Status != c.want {
					t.Errorf("%s: %s, want %s", r.Status, r.Reason, c.want)
				}
			}
		})
	}
}

// A name that becomes known later is used from then on: what was remembered is
// evaluated anew.
func TestNameKnownLater(t *testing.T) {
	eng := shipped(t)
	w := newWorld(eng)
	w.item(t, "inventory.ai_system", "ai_system/s1", `{"system_id":"s1","owner":"ann","in_scope":true}`)
	w.item(t, "risk.assessment", "ai_system/s1", `{"assessment_id":"R-1","system_id":"s1","risks":[{"id":"X"}],"assessor":"bob",
		"approved_by":"bob.smith@acme.example","approved_at":"2026-02-01T00:00:00Z"}`).EventTime = w.at.AddDate(0, -1, 0)
	s := eng.NewState()
	w.load(t, s)
	status := func() assess.Status {
		a, err := s.At(w.at, assess.Checkpoint{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range a.Results {
			if r.Expectation == "risk-assessment-per-system" {
				return r.Status
			}
		}
		return ""
	}
	if got := status(); got != assess.StatusSatisfied {
		t.Fatalf("before: %s", got)
	}
	if err := s.Apply(*w.item(t, "directory.names", "person/bob", `{"person":"bob","names":["Bob.Smith@ACME.example"]}`)); err != nil {
		t.Fatal(err)
	}
	if got := status(); got != assess.StatusFailing {
		t.Errorf("after: %s", got)
	}
}
