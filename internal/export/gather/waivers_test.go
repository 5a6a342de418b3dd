package gather_test

import (
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
)

// Who approved is looked up under every name, and a record that cannot be read
// stops nothing.
func TestRecordsAsTheyStood(t *testing.T) {
	st, key := world(t)
	waiver := func(id, rest string) evidence.Record {
		return record("waiver.record", "record", id, `{"waiver_id":"`+id+`","expectation_slug":"x","subject":{"type":"ai_system","id":"s"},`+rest+`}`)
	}
	read(t, st, "three", 20,
		record("inventory.ai_system", "ai_system", "s", `{"system_id":"s","name":"Newest","repos":["acme/s"],"repositories":[{"name":"acme/s"},{"name":"acme/t"}]}`),
		record("inventory.ai_system", "ai_system", "odd", `{"system_id":"odd","go_live":"soon"}`),
		record("risk.assessment", "ai_system", "s", `{"assessment_id":"R","system_id":["s"]}`),
		record("directory.names", "person", "ann", `{"person":"ann","names":["Ann Berg","shared"]}`),
		record("directory.names", "person", "bob", `{"person":"bob","names":["Bob","shared"]}`),
		record("role.assignment", "person", "1", `{"role":"risk-owner","person":"ann","start":"2026-01-01T00:00:00Z","end":"2026-06-15T00:00:00Z"}`),
		record("role.assignment", "person", "2", `{"role":"officer","person":"Ann.Berg","start":"2026-01-01T00:00:00Z"}`),
		waiver("W-2", `"requested_by":"ann","approved_by":"Ann Berg","approved_at":"2026-06-10T00:00:00Z","expires_at":"2026-12-01T00:00:00Z"`),
		waiver("W-3", `"requested_by":"shared","approved_by":"ann","approved_at":"2026-06-20T00:00:00Z","expires_at":"2026-12-01T00:00:00Z"`),
		waiver("W-4", `"requested_by":"ann","rejected_by":"bob","rejected_at":"2026-06-19T00:00:00Z","rejected_because":"no need"`),
		waiver("W-5", `"requested_by":"ann","requested_at":["never"]`))
	s := snapshot(t, st, key, at(21))
	if len(s.Waivers) != 4 {
		t.Fatalf("%d waivers, want four: %+v", len(s.Waivers), s.Waivers)
	}
	for i, want := range []struct {
		state  export.WaiverState
		role   string
		why    string
		broken bool
	}{
		{export.WaiverInvalid, "officer, risk-owner", "", false},
		{export.WaiverActive, "officer", "", false},
		{export.WaiverRejected, "", "no need", false},
		{export.WaiverInvalid, "", "", true},
	} {
		w := s.Waivers[i]
		if w.State(at(21)) != want.state || w.ApproverRole != want.role || w.Because != want.why || strings.HasPrefix(w.Broken, "its payload is not what the kind says") != want.broken {
			t.Errorf("%s: %s %+v, want %+v", w.ID, w.State(at(21)), w, want)
		}
	}
	if s.Waivers[0].Subject != "ai_system s" {
		t.Errorf("about %q", s.Waivers[0].Subject)
	}
	if len(s.Systems) != 2 || s.Systems[0].ID != "odd" || s.Systems[0].Broken == "" || s.Systems[1].Broken != "" || strings.Join(s.Systems[1].Repositories, " ") != "acme/s acme/t" {
		t.Errorf("systems: %+v", s.Systems)
	}
}
