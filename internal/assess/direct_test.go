package assess_test

import (
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/fixture"
)

// TestDirectIsTheSame: conditions that are evaluated directly say what the
// evaluator says: over random histories, over every third case of the shipped
// expectations, which reach the ends of their conditions, and over a ledger of
// what grows with use.
func TestDirectIsTheSame(t *testing.T) {
	h := newHistories(t)
	same := func(what string, state func() *assess.State, ats ...time.Time) {
		direct, plain := state(), state()
		plain.Plainly()
		for _, at := range ats {
			if err := differ(textOf(assessed(t, plain, at)), textOf(assessed(t, direct, at))); err != nil {
				t.Errorf("%s at %s: %v", what, at, err)
			}
		}
	}
	for seed := range uint64(4) {
		d := h.draw(t, seed, seed%3 > 0)
		same("a history", func() *assess.State { return d.state(t, h.eng, nil) }, d.at, d.at.AddDate(0, 0, -20), d.at.AddDate(0, 0, 50))
	}
	engines, controls := map[string]*assess.Engine{}, map[string]string{}
	for _, e := range h.eng.Expectations() {
		controls[e.Slug] = e.Control
	}
	for i, s := range h.scenes {
		if i%3 > 0 {
			continue
		}
		control := controls[s.slug]
		if engines[control] == nil {
			engines[control] = ofControl(t, h.cat, control)
		}
		same("a case of "+s.slug, func() *assess.State { return sceneState(t, h, engines[control], s) }, historyEnd())
	}
	l := newLedger(4_000)
	same("the ledger", func() *assess.State {
		st := h.eng.NewState()
		l.load(t, h.eng, st)
		return st
	}, l.end, l.end.AddDate(0, -3, 0), l.end.AddDate(0, 2, 0))
	if direct, all := h.eng.Direct(); 2*direct < all {
		t.Errorf("%d of %d conditions are evaluated directly, want most", direct, all)
	}
}

// sceneState holds what a case does.
func sceneState(t *testing.T, h *histories, eng *assess.Engine, s scene) *assess.State {
	t.Helper()
	st := eng.NewState()
	st.ApplyRun(readAll(eng, historyEnd()))
	for i, it := range s.items {
		e, err := fixture.Seal(h.cat, i, it, historyEnd())
		if err != nil {
			t.Fatal(err)
		}
		e.Seq, e.Run = int64(i+1), "r1"
		if err := st.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	return st
}
