package assess_test

import (
	"slices"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// TestInvariantsBite gives each law something that breaks it: an assessment
// that was tampered with, a rule that claims too much, a clock that lies. A law
// that finds nothing then would find nothing ever.
func TestInvariantsBite(t *testing.T) {
	h := newHistories(t)
	find := func(name string, fault func(x *trial) error) {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(8) {
				if fault(h.trial(t, seed)) != nil {
					return
				}
			}
			t.Error("the fault was not found in any history")
		})
	}
	find("a record more", func(x *trial) error {
		dropped := false
		return differ(textOf(x.base), textOf(assessed(x, x.d.state(x, x.eng, func(st step) bool {
			lose := !dropped && st.item != nil && st.item.Kind == "inventory.ai_system"
			dropped = dropped || lose
			return !lose
		}), x.d.at)))
	})
	find("a clock that lies", func(x *trial) error { // what is read today says that it was read long ago
		then := x.d.at.AddDate(0, 0, -3)
		was := x.d.state(x, x.eng, func(st step) bool { return !st.order().After(then) })
		return unchanged(assessed(x, was, then), assessed(x, backdated(x, then), then))
	})
	find("a lost source that looks empty", func(x *trial) error {
		return onlyStaler(x.base, assessed(x, x.d.state(x, x.eng, func(st step) bool { return st.item == nil || st.item.Source != "source-0" }), x.d.at))
	})
	find("an age that nothing exceeds", func(x *trial) error {
		later := x.d.at.AddDate(30, 0, 0)
		s := x.d.state(x, x.eng, nil)
		for _, source := range sources() {
			s.ApplyRun(x.again(source, later.Add(-time.Minute)))
		}
		return x.nothingStands(assessed(x, s, later), "source-0")
	})
	find("a setting that claims operation", func(x *trial) error {
		own := parsed(t, []byte(claimant))
		eng := compiled(t, assess.Options{Rules: emptyRules(), Files: []*yamlfile.File{own}})
		s := eng.NewState()
		w := newWorld(eng)
		w.item(t, "cloud.guardrail", "guardrail/g", `{"guardrail_id":"g","name":"g"}`)
		w.load(t, s)
		return noOperation(eng, assessed(t, s, w.at))
	})
	find("a waiver that has lapsed", func(x *trial) error { return waivedRightly(x.base, tampered(x.base, assess.StatusWaived), nil) })
	find("evidence from nowhere", func(x *trial) error { return traceable(x.base, map[evidence.Digest]*evidence.Evidence{}, nil) })
	find("absence without a reading", func(x *trial) error {
		items := map[evidence.Digest]*evidence.Evidence{}
		for _, st := range x.d.steps {
			if st.item != nil {
				items[st.item.Digest] = st.item
			}
		}
		return traceable(x.base, items, map[string]*evidence.Run{})
	})
	find("an observation that worsens", func(x *trial) error {
		worse := *x.base
		worse.Controls = slices.Clone(worse.Controls)
		for i := range worse.Controls {
			if worse.Controls[i].Status == assess.StatusSatisfied {
				worse.Controls[i].Status = assess.StatusFailing
			}
		}
		return rolledUp(&worse)
	})
	find("another order that says otherwise", func(x *trial) error { return sameSaid(x.base, tampered(x.base, assess.StatusFailing)) })
}

const claimant = `control: A.6.2.6
expectations:
  - slug: claims-too-much
    version: 1
    title: T
    statement: S
    severity: minor
    strength: operation
    automation: full
    per: organization
    population: {kind: organization}
    uses:
      guardrails: {kind: cloud.guardrail}
      runs: {kind: evaluation.run}
    freshness: {mode: state, collection_max_age: 2d}
    checks:
      - {that: guardrails.size() > 0, because: '"no guardrail"'}
    remedy: R
`

// backdated is a state whose later evidence claims to have been read before then.
func backdated(x *trial, then time.Time) *assess.State {
	s := x.eng.NewState()
	for _, st := range x.d.steps {
		if st.item != nil && st.item.CollectedAt.After(then) {
			e := *st.item
			e.CollectedAt = then.Add(-time.Hour)
			st.item = &e
		}
		feed(x, s, st)
	}
	return s
}

// tampered is an assessment in which all that was missing shows another status.
func tampered(a *assess.Assessment, status assess.Status) *assess.Assessment {
	out := *a
	out.Results = nil
	for _, r := range a.Results {
		c := *r
		if c.Status == assess.StatusMissing {
			c.Status = status
		}
		out.Results = append(out.Results, &c)
	}
	return &out
}
