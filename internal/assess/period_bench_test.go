package assess_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/assess/period"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// BenchmarkYear makes the record of a year that was read every day: of 10,000
// pieces of evidence, or EXHIBIT_BENCH_RECORDS, each read on the day it
// happened. ns/instant says what one more instant costs.
func BenchmarkYear(b *testing.B) {
	size := 10_000
	if s := os.Getenv("EXHIBIT_BENCH_RECORDS"); s != "" {
		var err error
		if size, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	eng := shipped(b)
	l := newLedger(size)
	st := eng.NewState()
	days := int(l.end.Sub(l.start)/(24*time.Hour)) + 1
	for d := range days {
		r := l.run(eng)
		r.ID = fmt.Sprintf("run-%d", d)
		r.FinishedAt = l.start.Add(time.Duration(d)*24*time.Hour + 23*time.Hour)
		r.StartedAt = r.FinishedAt.Add(-time.Hour)
		st.ApplyRun(r)
	}
	for e := range l.all() {
		e.CollectedAt = e.EventTime.Truncate(24 * time.Hour).Add(22*time.Hour + 30*time.Minute)
		if e.Kind == "inventory.ai_system" {
			e.CollectedAt = l.start.Add(22 * time.Hour)
		}
		e.Run = fmt.Sprintf("run-%d", int(e.CollectedAt.Sub(l.start)/(24*time.Hour)))
		if err := st.Apply(e); err != nil {
			b.Fatal(err)
		}
	}
	to := l.end.Add(-time.Hour)
	b.ReportAllocs()
	for b.Loop() {
		p, err := period.Of(st, assess.Checkpoint{}, period.Options{From: to.AddDate(-1, 0, 0), To: to})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(p.Instants), "instants")
		b.ReportMetric(float64(len(p.Records)), "records")
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(p.Instants)/float64(b.N), "ns/instant")
	}
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
