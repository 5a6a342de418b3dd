package assess_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

func momentAt(t *rapid.T, st *assess.State, at time.Time) assess.Moment {
	m, err := st.Moment(at, assess.Checkpoint{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// reversed exchanges before and after.
func reversed(d *assess.Delta) *assess.Delta {
	r := *d
	r.From, r.To = d.To, d.From
	r.SoA = assess.VersionChange{Before: d.SoA.After, After: d.SoA.Before}
	controls := func(list []assess.ControlChange) []assess.ControlChange {
		out := []assess.ControlChange{}
		for _, c := range list {
			c.Before, c.After = c.After, c.Before
			out = append(out, c)
		}
		return out
	}
	r.Controls, r.Applicability = controls(d.Controls), controls(d.Applicability)
	r.Results, r.Records, r.Waivers, r.Populations, r.Runs = []assess.ResultChange{}, []assess.RecordChange{}, []assess.WaiverChange{}, []assess.PopulationChange{}, []assess.RunChange{}
	for _, c := range d.Results {
		c.Before, c.After = c.After, c.Before
		r.Results = append(r.Results, c)
	}
	for _, c := range d.Records {
		c.Before, c.After = c.After, c.Before
		r.Records = append(r.Records, c)
	}
	for _, c := range d.Waivers {
		c.Before, c.After = c.After, c.Before
		r.Waivers = append(r.Waivers, c)
	}
	for _, c := range d.Populations {
		c.Before, c.After, c.Came, c.Left = c.After, c.Before, c.Left, c.Came
		r.Populations = append(r.Populations, c)
	}
	for _, c := range d.Runs {
		r.Runs = append(r.Runs, assess.RunChange{Source: c.Source, Complete: -c.Complete, Partial: -c.Partial, Failed: -c.Failed})
	}
	return &r
}

// TestCompare: an instant does not differ from itself; comparing the other way
// round exchanges before and after; and what a comparison calls changed is what
// the two assessments say.
func TestCompare(t *testing.T) {
	eng := storied(t)
	changed := 0
	rapid.Check(t, func(t *rapid.T) {
		s := drawStory(t)
		st := eng.NewState()
		for _, step := range s.steps {
			step.apply(t, st)
		}
		at := func(label string) time.Time {
			return storyStart.Add(time.Duration(rapid.IntRange(0, int(s.clock.Sub(storyStart)/time.Minute)+24*60).Draw(t, label)) * time.Minute)
		}
		a, b := momentAt(t, st, at("a")), momentAt(t, st, at("b"))
		changed += len(assess.Compare(momentAt(t, st, storyStart), momentAt(t, st, s.clock)).Results)
		if d := assess.Compare(a, a); !d.Empty() || len(d.Runs) > 0 {
			t.Fatalf("an instant differs from itself: %+v", d)
		}
		there, back := assess.Compare(a, b), assess.Compare(b, a)
		if diff := cmp.Diff(reversed(there), back); diff != "" {
			t.Fatalf("the other way round (-reversed +back):\n%s", diff)
		}
		was, is := statusesOf(a), statusesOf(b)
		for _, c := range there.Results {
			key := recordKey{c.Expectation, c.Subject.Type, c.Subject.ID}
			if was[key] != c.Before.Status || is[key] != c.After.Status {
				t.Fatalf("%v: %s to %s in the comparison, %s to %s in the assessments", key, c.Before.Status, c.After.Status, was[key], is[key])
			}
			delete(was, key)
			delete(is, key)
		}
		if diff := cmp.Diff(was, is); diff != "" {
			t.Fatalf("not in the comparison:\n%s", diff)
		}
	})
	if changed == 0 {
		t.Error("no story changed anything")
	}
}

func statusesOf(m assess.Moment) map[recordKey]assess.Status {
	out := map[recordKey]assess.Status{}
	for _, r := range m.Assessment.Results {
		out[recordKey{r.Expectation, r.Subject.Type, r.Subject.ID}] = r.Status
	}
	return out
}

// TestCompareNamesFields: a changed declaration is named with its fields.
func TestCompareNamesFields(t *testing.T) {
	eng := storied(t)
	w := newWorld(eng)
	first := w.item(t, "inventory.ai_system", "ai_system/triage", triage)
	first.CollectedAt = w.at.Add(-48 * time.Hour)
	second := w.item(t, "inventory.ai_system", "ai_system/triage", `{"system_id":"triage","owner":"bob","in_scope":true,"repos":["acme/a"]}`)
	second.Revision = 2
	st := eng.NewState()
	w.load(t, st)
	moment := func(at time.Time) assess.Moment {
		m, err := st.Moment(at, assess.Checkpoint{})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	d := assess.Compare(moment(w.at.Add(-24*time.Hour)), moment(w.at))
	payloads := map[evidence.Digest]json.RawMessage{w.items[0].Digest: w.items[0].Payload, w.items[1].Digest: w.items[1].Payload}
	if err := d.Describe(func(d evidence.Digest) (json.RawMessage, error) { return payloads[d], nil }); err != nil {
		t.Fatal(err)
	}
	if len(d.Records) != 1 {
		t.Fatalf("records: %+v", d.Records)
	}
	want := []assess.FieldChange{{Name: "owner", Before: json.RawMessage(`"ann"`), After: json.RawMessage(`"bob"`)},
		{Name: "risk_tier", Before: json.RawMessage(`"limited"`)}}
	if diff := cmp.Diff(want, d.Records[0].Fields); diff != "" {
		t.Error(diff)
	}
}
