package gather_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evaluate"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/gather"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// evaluated is what an evaluation of the world at an instant comes to.
func evaluated(t *testing.T, st store.Store, asOf time.Time) (*evaluate.Evaluator, *assess.Assessment) {
	t.Helper()
	eng, err := evaluate.Rules{Shipped: config.FS, Trusted: true, Prepared: evaluate.Prepared{Conditions: config.Conditions}}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	e := evaluate.New(eng, st)
	a, err := e.At(t.Context(), asOf)
	if err != nil {
		t.Fatal(err)
	}
	return e, a
}

// The lives of findings, other frameworks and what is different reach the
// snapshot; without what they need there is none.
func TestSnapshotIsTold(t *testing.T) {
	st, key := world(t)
	e, a := evaluated(t, st, at(11))
	note, err := st.Checkpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	since, err := gather.Since(t.Context(), st, e.State(), a, at(5))
	if err != nil {
		t.Fatal(err)
	}
	r := gather.Request{PublicKey: key.Public(), Checkpoint: note, Since: since, Shipped: config.FS,
		Duties: evaluate.Duties{Due: map[string]time.Duration{"major": 24 * time.Hour}}}
	s, err := gather.Snapshot(t.Context(), st, e.Engine(), a, r)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Lives) == 0 || s.Lives[0].OpenedAt != a.AsOf {
		t.Errorf("%d lives", len(s.Lives))
	}
	overdue := 0
	for _, l := range s.Lives {
		if l.Severity == "major" && l.DueAt != nil {
			overdue++
		}
	}
	if overdue == 0 {
		t.Error("no major finding is due")
	}
	if len(s.Crosswalk) < 3 {
		t.Errorf("%d frameworks", len(s.Crosswalk))
	}
	changed := map[string]string{}
	for _, c := range s.Since.Delta.Records {
		for _, f := range c.Fields {
			changed[f.Name] = string(f.Before) + " " + string(f.After)
		}
	}
	if changed["name"] != `"Old name" "New name"` || s.Since.Rules != nil || !s.Since.From.Equal(at(5)) {
		t.Errorf("since: %v, rules %v", changed, s.Since.Rules)
	}
	bare, err := gather.Snapshot(t.Context(), st, e.Engine(), a, gather.Request{PublicKey: key.Public(), Checkpoint: note})
	if err != nil || bare.Crosswalk != nil || bare.Since != nil {
		t.Errorf("not asked for: %v %v %v", bare.Crosswalk, bare.Since, err)
	}
	r.Shipped = fstest.MapFS{"crosswalk/broken.yaml": {Data: []byte("framework: [")}}
	if _, err := gather.Snapshot(t.Context(), st, e.Engine(), a, r); err == nil {
		t.Error("a broken crosswalk was not noticed")
	}
}

// Rules that were others when an assessment was recorded are told.
func TestRulesOfThen(t *testing.T) {
	st, _ := world(t)
	body := []byte(`{"as_of":"2026-06-03T00:00:00Z","catalog":{"id":"iso42001-2023","version":"0","digest":"` + evidence.Sum([]byte("other")).String() + `"}}`)
	if _, err := st.Append(t.Context(), store.Batch{Entries: []store.NewEntry{{Type: evidence.EntryAssessment, At: at(2), Body: body}}}); err != nil {
		t.Fatal(err)
	}
	read(t, st, "three", 11, record("inventory.ai_system", "ai_system", "s", `{"system_id":"s","name":"New name","owner":"a"}`))
	var recorded time.Time // the store dates its entries by its own clock
	for e, err := range st.Entries(t.Context(), 0, 1<<40, evidence.EntryAssessment) {
		if err != nil {
			t.Fatal(err)
		}
		recorded = e.At
	}
	e, a := evaluated(t, st, recorded.Add(time.Hour))
	for name, c := range map[string]struct {
		from time.Time
		want bool
	}{"before any was recorded": {recorded.Add(-time.Microsecond), false}, "when one was": {recorded, true}} {
		s, err := gather.Since(t.Context(), st, e.State(), a, c.from)
		if err != nil {
			t.Fatal(err)
		}
		if (s.Rules != nil) != c.want || c.want && (s.Rules.Before.Catalog.Version != "0" || s.Rules.After.Catalog != a.Catalog) {
			t.Errorf("%s: %+v", name, s.Rules)
		}
	}
}

// A later revision says when its object was read for the first time, and
// nothing says of an earlier instant what was found out after it.
func TestFirstSeenAndGone(t *testing.T) {
	st, key := world(t)
	snap := snapshot(t, st, key, at(11))
	seen := map[string]time.Time{}
	for ev, err := range snap.Ledger.Used(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Revision > 1 {
			seen[ev.Key] = snap.FirstSeen(&ev)
		}
	}
	if len(seen) != 1 || !seen["s"].Equal(at(0)) {
		t.Errorf("first seen %v", seen)
	}
	gone := func(s *export.Snapshot) (n int) {
		for ev, err := range s.Ledger.Used(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if !ev.GoneAt.IsZero() {
				n++
			}
		}
		return n
	}
	if n := gone(snapshot(t, st, key, at(5))); n != 0 {
		t.Errorf("at an instant before it went, %d items were gone", n)
	}
}
