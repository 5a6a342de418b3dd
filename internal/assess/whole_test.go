package assess_test

import (
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// TestReadings: what an expectation rests on was read whole when the source
// that lags behind last read all of it; runs that saw only a part, or that
// failed, do not count, and what was never asked for is no reading.
func TestReadings(t *testing.T) {
	eng := shipped(t)
	w := newWorld(eng)
	first := w.runs[0].FinishedAt
	hours := func(n int) time.Time { return first.Add(time.Duration(n) * time.Hour) }
	read := func(what string, want time.Time, more ...evidence.Run) {
		t.Helper()
		s := eng.NewState()
		w.load(t, s)
		for _, r := range more {
			s.ApplyRun(r)
		}
		a, err := s.At(hours(24), assess.Checkpoint{})
		if err != nil {
			t.Fatal(err)
		}
		for slug, got := range a.Readings.Expectations {
			if !got.Equal(want) {
				t.Fatalf("%s: %s was read whole at %s, want %s", what, slug, got, want)
			}
		}
		if n := len(a.Readings.Expectations); n != len(eng.Expectations()) && !want.IsZero() {
			t.Fatalf("%s: readings of %d expectations, want %d", what, n, len(eng.Expectations()))
		} else if n > 0 && want.IsZero() {
			t.Fatalf("%s: readings of %d expectations, want none", what, n)
		}
		if !a.Readings.Applicability.Equal(want) {
			t.Fatalf("%s: the statement of applicability was read at %s, want %s", what, a.Readings.Applicability, want)
		}
	}
	later := func(id, source string, change func(*evidence.Run)) evidence.Run {
		r := w.run(eng, id, hours(2))
		r.Provenance.Source = source
		if change != nil {
			change(&r)
		}
		return r
	}
	partly := func(gaps ...evidence.Gap) func(*evidence.Run) {
		return func(r *evidence.Run) {
			r.Status, r.Gaps = evidence.RunPartial, gaps
			for kind, k := range r.Kinds {
				k.Coverage = "partial"
				r.Kinds[kind] = k
			}
		}
	}
	read("one complete run", first)
	read("a later complete run", hours(2), later("r2", "s", nil))
	read("a partial run", first, later("r2", "s", partly()))
	read("a partial run that names what it did not see", first,
		later("r2", "s", partly(evidence.Gap{Kinds: eng.Kinds(), Scope: "repository acme/a", Reason: "denied"})))
	read("a failed run", first, later("r2", "s", func(r *evidence.Run) { r.Status = evidence.RunFailed }))
	read("another source that read all", first, later("r2", "other", nil))
	read("another source that never read all", time.Time{}, later("r2", "other", partly()))
	read("a run after the instant", first, func() evidence.Run { return w.run(eng, "r3", hours(25)) }())
}
