package assess_test

import (
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// lean leaves out what a Sweep does not give.
func lean(a *assess.Assessment) ([]assess.Result, []assess.Status) {
	var results []assess.Result
	for _, r := range a.Results {
		c := *r
		c.CollectedAt = nil
		results = append(results, c)
	}
	var controls []assess.Status
	for _, c := range a.Controls {
		controls = append(controls, c.Status)
	}
	return results, controls
}

// TestSweepEqualsAt: a sweep over the past sees at each instant what assessing
// that instant alone sees.
func TestSweepEqualsAt(t *testing.T) {
	eng := storied(t)
	rapid.Check(t, func(t *rapid.T) {
		s := drawStory(t)
		st := eng.NewState()
		first, last := time.Time{}, s.clock.Add(10*24*time.Hour)
		var instants []time.Time
		for _, step := range s.steps {
			step.apply(t, st)
			for _, at := range step.moments() {
				if first.IsZero() || at.Before(first) {
					first = at
				}
				shift := time.Duration(rapid.IntRange(-1, 1).Draw(t, "shift")) * time.Microsecond
				instants = append(instants, at.Add(shift))
			}
		}
		for range rapid.IntRange(1, 6).Draw(t, "more") {
			instants = append(instants, first.Add(time.Duration(rapid.IntRange(0, int(last.Sub(first)/time.Minute)).Draw(t, "minute"))*time.Minute))
		}
		slices.SortFunc(instants, time.Time.Compare)
		instants = slices.DeleteFunc(instants, func(at time.Time) bool { return at.Before(first) || rapid.IntRange(0, 3).Draw(t, "take") > 0 })
		if len(instants) == 0 {
			return
		}
		sweep, err := st.Sweep(first, instants[len(instants)-1])
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range instants {
			got, err := sweep.At(at, assess.Checkpoint{Size: 1, Root: "r"})
			if err != nil {
				t.Fatal(err)
			}
			wantResults, wantControls := lean(assessAt(t, st, at))
			gotResults, gotControls := lean(got)
			if diff := cmp.Diff(wantResults, gotResults); diff != "" {
				t.Fatalf("at %s (-at +sweep):\n%s", at, diff)
			}
			if diff := cmp.Diff(wantControls, gotControls); diff != "" {
				t.Fatalf("controls at %s (-at +sweep):\n%s", at, diff)
			}
		}
	})
}

// storied has the expectations that a story is about.
func storied(t testing.TB) *assess.Engine {
	t.Helper()
	rules := fstest.MapFS{}
	for _, name := range []string{"4.3", "8.1", "8.2", "8.4", "A.3.2", "A.6.2.4", "A.6.2.5", "A.6.2.6", "A.10.3"} {
		text, err := fs.ReadFile(config.FS, "expectations/"+name+".yaml")
		if err != nil {
			t.Fatal(err)
		}
		rules[name+".yaml"] = &fstest.MapFile{Data: text}
	}
	return compiled(t, assess.Options{Rules: rules})
}

// moments are the instants that a step of a story speaks of.
func (s *step) moments() []time.Time {
	var out []time.Time
	add := func(t time.Time) {
		if !t.IsZero() {
			out = append(out, t)
		}
	}
	if s.item != nil {
		add(s.item.EventTime)
		add(s.item.CollectedAt)
	}
	if s.run != nil {
		add(s.run.StartedAt)
		add(s.run.FinishedAt)
		for _, k := range s.run.Kinds {
			add(k.Since)
		}
	}
	if s.gone != nil {
		add(s.gone.At)
	}
	return out
}

// TestSweepKeepsEventsToCome: a record that is dated after it was read begins
// to count when its time comes.
func TestSweepKeepsEventsToCome(t *testing.T) {
	eng := storied(t)
	w := merged(t, eng)
	w.items[0].CollectedAt = w.at.Add(-48 * time.Hour)
	w.items[1].EventTime = w.at.Add(2 * time.Hour)
	w.items[1].Payload = evidencePayload(t, `{"repo":"acme/a","number":1,"author":"bob","head_sha":"h","base_ref":"main","files":["x"],"merged_at":"2026-03-10T14:00:00Z"}`)
	st := eng.NewState()
	w.load(t, st)
	sweep, err := st.Sweep(w.at, w.at.Add(6*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	count := func(hours int) int {
		a, err := sweep.At(w.at.Add(time.Duration(hours)*time.Hour), assess.Checkpoint{})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, r := range a.Results {
			if r.Expectation == releaseOf && r.Subject.ID == "acme/a#1" {
				n++
			}
		}
		return n
	}
	if before, after := count(0), count(3); before != 0 || after != 1 {
		t.Errorf("%d before its time, %d after", before, after)
	}
	if _, err := sweep.At(w.at, assess.Checkpoint{}); err == nil {
		t.Error("a sweep goes back")
	}
	w.load(t, st)
	if _, err := sweep.At(w.at.Add(5*time.Hour), assess.Checkpoint{}); err == nil {
		t.Error("a sweep goes on over a state that changed")
	}
}

func evidencePayload(t *testing.T, text string) []byte {
	t.Helper()
	out, err := evidence.CanonicalObject([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return out
}
