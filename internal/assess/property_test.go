package assess_test

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// TestMain lowers how many stories a property is held against: each takes the
// time of assessing by every shipped rule several times.
func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	if !asked {
		if err := flag.Set("rapid.checks", "6"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

func assessAt(t *rapid.T, st *assess.State, at time.Time) *assess.Assessment {
	a, err := st.At(at, assess.Checkpoint{Size: 1, Root: "r"})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func jsonOf(t *rapid.T, v any) string {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestIncrementalEqualsFresh: what a State remembers never shows.
func TestIncrementalEqualsFresh(t *testing.T) {
	eng := shipped(t)
	rapid.Check(t, func(t *rapid.T) {
		s := drawStory(t)
		inc := eng.NewState()
		var kept *assess.Assessment
		var keptText string
		for i, st := range s.steps {
			st.apply(t, inc)
			if rapid.IntRange(0, 2).Draw(t, "assess") > 0 && i < len(s.steps)-1 {
				continue
			}
			at := s.steps[i].known()
			if at.IsZero() {
				at = s.steps[i].run.StartedAt
			}
			at = at.Add(time.Duration(rapid.IntRange(-48, 24*20).Draw(t, "later")) * time.Hour)
			fresh := eng.NewState()
			for _, st := range s.steps[:i+1] {
				st.apply(t, fresh)
			}
			want, got := assessAt(t, fresh, at), assessAt(t, inc, at)
			if diff := cmp.Diff(jsonOf(t, want), jsonOf(t, got)); diff != "" {
				t.Fatalf("after step %d at %s (-fresh +incremental):\n%s", i, at, diff)
			}
			if kept != nil && jsonOf(t, kept) != keptText {
				t.Fatal("an assessment changed after it was handed out")
			}
			kept, keptText = got, jsonOf(t, got)
		}
	})
}

// TestLaterNeverChangesEarlier: an assessment as of an instant does not change
// when more becomes known, but for what is flagged as captured late.
func TestLaterNeverChangesEarlier(t *testing.T) {
	eng := shipped(t)
	rapid.Check(t, func(t *rapid.T) {
		s := drawStory(t)
		cut := rapid.IntRange(1, len(s.steps)).Draw(t, "cut")
		asOf := s.steps[cut-1].known()
		if asOf.IsZero() {
			asOf = s.steps[cut-1].run.StartedAt
		}
		then, later := eng.NewState(), eng.NewState()
		for i, st := range s.steps {
			if known := st.known(); i < cut || !known.IsZero() && !known.After(asOf) {
				st.apply(t, then)
			}
			st.apply(t, later)
		}
		byKey := func(a *assess.Assessment) map[string]*assess.Result {
			out := map[string]*assess.Result{}
			for _, r := range a.Results {
				out[r.Expectation+" "+r.Subject.Type+"/"+r.Subject.ID] = r
			}
			return out
		}
		was, is := byKey(assessAt(t, then, asOf)), byKey(assessAt(t, later, asOf))
		late := map[string]bool{}
		for _, r := range is {
			late[r.Expectation] = late[r.Expectation] || r.LateCapture
		}
		for k, r := range is {
			if !r.LateCapture && !late[r.Expectation] {
				if diff := cmp.Diff(was[k], r); diff != "" {
					t.Fatalf("%s as of %s changed without a flag (-then +later):\n%s", k, asOf, diff)
				}
			}
		}
		for k, r := range was {
			if is[k] == nil && !late[r.Expectation] {
				t.Fatalf("%s as of %s is gone", k, asOf)
			}
		}
	})
}

// TestLosingAConnectorOnlyMakesStale: without runs of a source from some
// moment on, the same instant shows the same or stale results.
func TestLosingAConnectorOnlyMakesStale(t *testing.T) {
	eng := shipped(t)
	rapid.Check(t, func(t *rapid.T) {
		s := drawStory(t)
		lost := rapid.SampledFrom([]string{"register", "hub", "docs", "vendor", "tracker"}).Draw(t, "lost")
		with, without := eng.NewState(), eng.NewState()
		for _, st := range s.steps {
			st.apply(t, with)
			st.apply(t, without)
		}
		// The source goes on in one world, reading everything and finding nothing new; in the other it fails.
		at := s.clock.Add(time.Duration(rapid.IntRange(1, 24*20).Draw(t, "hours")) * time.Hour)
		for source, kinds := range storySources() {
			r := evidence.Run{ID: "last-" + source, StartedAt: at.Add(-2 * time.Minute), FinishedAt: at.Add(-time.Minute), Status: evidence.RunComplete,
				Provenance: evidence.Provenance{Source: source}, Kinds: map[string]evidence.KindRead{}}
			for _, k := range kinds {
				r.Kinds[k] = evidence.KindRead{Coverage: "complete", IndependentCount: -1}
			}
			with.ApplyRun(r)
			if source == lost {
				r.Status, r.Kinds = evidence.RunFailed, map[string]evidence.KindRead{}
			}
			without.ApplyRun(r)
		}
		a, b := assessAt(t, with, at), assessAt(t, without, at)
		was := map[string]assess.Status{}
		for _, r := range a.Results {
			was[r.Expectation+" "+r.Subject.ID] = r.Status
		}
		for _, r := range b.Results {
			before, same := was[r.Expectation+" "+r.Subject.ID]
			switch {
			case same && r.Status == before:
			case r.Status == assess.StatusStale && strings.HasPrefix(r.Reason, assess.ReasonCollectionGap):
			case r.Status == assess.StatusNotAssessed && neverComplete(s, lost):
			default:
				t.Fatalf("%s %s: %q with the source, %q without: %s", r.Expectation, r.Subject.ID, before, r.Status, r.Reason)
			}
		}
	})
}

// neverComplete reports whether a source never read all its kinds.
func neverComplete(s *story, source string) bool {
	seen := map[string]bool{}
	for _, st := range s.steps {
		if st.run == nil || st.run.Provenance.Source != source || st.run.Status == evidence.RunFailed {
			continue
		}
		for k, read := range st.run.Kinds {
			seen[k] = seen[k] || read.Coverage == "complete"
		}
	}
	for _, k := range storySources()[source] {
		if !seen[k] {
			return true
		}
	}
	return false
}
