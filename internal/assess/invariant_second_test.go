package assess_test

import (
	"io/fs"
	"testing"
	"testing/fstest"
	"time"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/fixture"
)

// TestOneSecond: for every shipped expectation, a satisfied result of one of its
// cases is current as long as the reading that it rests on is as old as may be,
// and stale one second later.
func TestOneSecond(t *testing.T) {
	byControl := map[string]string{}
	for _, e := range shipped(t).Expectations() {
		byControl[e.Slug] = e.Control
	}
	engines, cat := map[string]*assess.Engine{}, loadCatalog(t)
	for _, f := range caseFiles(t) {
		control := byControl[f.Expectation]
		if engines[control] == nil {
			engines[control] = ofControl(t, cat, control)
		}
		if !heldToTheSecond(t, cat, engines[control], f) {
			t.Errorf("%s: no case of it is satisfied and turns stale", f.Expectation)
		}
	}
}

func ofControl(t *testing.T, cat catalogOf, control string) *assess.Engine {
	t.Helper()
	src, err := fs.ReadFile(config.FS, "expectations/"+control+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	eng, err := assess.Compile(cat, assess.Options{Rules: fstest.MapFS{control + ".yaml": {Data: src}}, Trusted: true})
	if err != nil {
		t.Fatal(err)
	}
	return eng
}

// heldToTheSecond tries the satisfied cases of a file until one shows the edge.
func heldToTheSecond(t *testing.T, cat catalogOf, eng *assess.Engine, f *fixture.File) bool {
	t.Helper()
	var age time.Duration
	for _, e := range eng.Expectations() {
		if e.Slug == f.Expectation {
			age = e.Freshness.CollectionMaxAge
		}
	}
	for _, c := range f.Cases {
		if !wantsSatisfied(c) || c.Read != nil {
			continue
		}
		when := f.AsOf
		if c.AsOf != nil {
			when = *c.AsOf
		}
		run := newWorld(eng).run(eng, "run-1", when.Add(-time.Hour))
		s := eng.NewState()
		s.ApplyRun(run)
		s.ApplyRun(evidence.Run{ID: "by-upload", StartedAt: when.Add(-3 * time.Hour), FinishedAt: when.Add(-2 * time.Hour),
			Status: evidence.RunComplete, Provenance: evidence.Provenance{Source: "form", Method: "upload"}})
		for i, it := range sceneOf(f, c) {
			e, err := fixture.Seal(cat, i, it, when)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Apply(e); err != nil {
				t.Fatal(err)
			}
		}
		edge := run.FinishedAt.Add(age)
		before, now := byKey(assessed(t, s, edge)), byKey(assessed(t, s, edge.Add(time.Second)))
		shown := false
		for _, r := range assessed(t, s, when).Results {
			if r.Expectation != f.Expectation || r.Status != assess.StatusSatisfied {
				continue
			}
			if b := before[keyOf(r)]; b != nil && isGap(b) {
				t.Errorf("%s is stale at its very age of %s: %s", keyOf(r), age, b.Reason)
			}
			n := now[keyOf(r)]
			if n != nil && !isGap(n) {
				t.Errorf("%s is %s a second after its age of %s", keyOf(r), n.Status, age)
			}
			shown = shown || n != nil
		}
		if shown {
			return true
		}
	}
	return false
}
