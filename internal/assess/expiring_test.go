package assess_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// later is the assessment of a ledger to which nothing came but a further
// complete run shortly before an instant.
func later(t *testing.T, eng *assess.Engine, l ledger, at time.Time) map[string]*assess.Result {
	t.Helper()
	s := eng.NewState()
	l.load(t, eng, s)
	r := l.run(eng)
	r.ID, r.StartedAt, r.FinishedAt = "later", at.Add(-2*time.Second), at.Add(-time.Second)
	s.ApplyRun(r)
	a, err := s.At(at, assess.Checkpoint{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*assess.Result{}
	for _, r := range a.Results {
		out[assess.FindingID(r.Expectation, r.Subject)] = r
	}
	return out
}

// TestExpiringIsWhatComesTrue: what is said to expire is satisfied until then
// and not a second longer; what is not said to is satisfied at the end still.
func TestExpiringIsWhatComesTrue(t *testing.T) {
	eng := compiled(t, assess.Options{})
	l := newLedger(3_000)
	s := eng.NewState()
	l.load(t, eng, s)
	now := l.end
	a, err := s.At(now, assess.Checkpoint{})
	if err != nil {
		t.Fatal(err)
	}
	end := now.Add(300 * 24 * time.Hour)
	list := s.Expiring(a, end)
	said := map[string]assess.Expiry{}
	for _, e := range list {
		said[assess.FindingID(e.Expectation, e.Subject)] = e
	}
	if len(said) != len(list) || len(list) < 10 {
		t.Fatalf("%d subjects in %d lines", len(said), len(list))
	}
	satisfied := 0
	for id, r := range later(t, eng, l, now) {
		if r.Status == assess.StatusSatisfied {
			satisfied++
		} else if e, ok := said[id]; ok {
			t.Errorf("%s %s is %s and said to expire at %s", r.Expectation, r.Subject.ID, r.Status, e.At)
		}
	}
	then := later(t, eng, l, end)
	lost := 0
	for _, r := range a.Results {
		id := assess.FindingID(r.Expectation, r.Subject)
		_, ok := said[id]
		if n := then[id]; r.Status == assess.StatusSatisfied && !ok && n != nil && n.Status != assess.StatusSatisfied {
			lost++
			t.Errorf("%s %s: not said to expire, and %s at the end: %s", r.Expectation, r.Subject.ID, n.Status, n.Reason)
		}
	}
	for i := 0; i < len(list); i += max(1, len(list)/8) {
		e := list[i]
		id := assess.FindingID(e.Expectation, e.Subject)
		if r := later(t, eng, l, e.At)[id]; r == nil || r.Status != assess.StatusSatisfied {
			t.Errorf("%s %s: not satisfied at %s any more", e.Expectation, e.Subject.ID, e.At)
		}
		if r := later(t, eng, l, e.At.Add(time.Second))[id]; r == nil || r.Status != e.Then {
			t.Errorf("%s %s: not %s at %s", e.Expectation, e.Subject.ID, e.Then, e.At.Add(time.Second))
		}
	}
	again, err := s.At(now, assess.Checkpoint{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a.Results, again.Results); diff != "" {
		t.Errorf("looking ahead changed what is remembered:\n%s", diff)
	}
	t.Logf("%d of %d satisfied results expire within 300 days", len(list), satisfied)
}

// BenchmarkExpiring is looking 30 days ahead in a ledger of 100,000 records.
func BenchmarkExpiring(b *testing.B) {
	eng := compiled(b, assess.Options{Trusted: true})
	l := newLedger(100_000)
	s := eng.NewState()
	l.load(b, eng, s)
	a, err := s.At(l.end, assess.Checkpoint{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.ReportMetric(float64(len(s.Expiring(a, l.end.Add(30*24*time.Hour)))), "expiring")
	}
}
