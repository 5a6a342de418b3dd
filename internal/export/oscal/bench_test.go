package oscal_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/oscal"
)

// large is a snapshot in which one expectation has n results, one in a hundred
// of them failing.
func large(t testing.TB, n int) *export.Snapshot {
	t.Helper()
	s := sample(t)
	var digests []evidence.Digest
	for ev, err := range s.Ledger.Used(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, ev.Digest)
	}
	results := make([]*assess.Result, n)
	for i := range results {
		r := result(assess.StatusSatisfied, "1 approval by m.ek before the merge", "major", fmt.Sprintf("nordlicht/claims-model#%d", i))
		if i%100 == 0 {
			r.Status, r.Reason = assess.StatusFailing, "merged by its author without a review"
		}
		r.Systems = []string{"claims-triage"}
		r.Evidence = []evidence.Digest{digests[i%len(digests)]}
		results[i] = r
	}
	a := *s.Snapshot.Assessment
	a.Controls = []assess.Control{{ID: "A.6.2.5", Title: "AI system deployment", Status: assess.StatusFailing, Applicable: true, Results: results,
		Counts: map[assess.Status]int{}}}
	a.Results = results
	s.Snapshot.Assessment = &a
	return s.Snapshot
}

// counter keeps how much was written and the highest heap seen meanwhile.
type counter struct{ bytes, calls, heap int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	if c.calls++; c.calls%64 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		c.heap = max(c.heap, int64(m.HeapInuse))
	}
	return len(p), nil
}

// BenchmarkResults writes the assessment results of 100,000 results.
func BenchmarkResults(b *testing.B) {
	const n = 100_000
	s := large(b, n)
	m, err := oscal.New(b.Context(), s)
	if err != nil {
		b.Fatal(err)
	}
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		c := &counter{}
		if err := m.Write(b.Context(), c, oscal.AssessmentResults); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(c.bytes)/1e6, "MB")
		b.ReportMetric(float64(c.heap-int64(before.HeapInuse))/1e6, "MB-heap")
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "results/s")
}

// TestStreams: observations are not held. What the references need is: 1,000
// bytes a result would be more than the documents' own bookkeeping.
func TestStreams(t *testing.T) {
	const n = 20_000
	defer debug.SetGCPercent(debug.SetGCPercent(100)) // as the program runs
	m, err := oscal.New(t.Context(), large(t, n))
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	c := &counter{}
	if err := m.Write(t.Context(), c, oscal.AssessmentResults); err != nil {
		t.Fatal(err)
	}
	if c.bytes < n*1000 {
		t.Fatalf("only %d bytes", c.bytes)
	}
	if grown := c.heap - int64(before.HeapInuse); grown > c.bytes/2 {
		t.Errorf("%d bytes were written with %d bytes of heap", c.bytes, grown)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// TestStops: a context that ended, and a disk that is full, end the writing
// with an error.
func TestStops(t *testing.T) {
	m, err := oscal.New(t.Context(), large(t, 5000))
	if err != nil {
		t.Fatal(err)
	}
	for _, model := range oscal.Models() {
		if err := m.Write(t.Context(), full{}, model); err == nil {
			t.Errorf("%s: no error on a full disk", model)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, model := range []oscal.Model{oscal.AssessmentResults, oscal.POAM} {
		if err := m.Write(ctx, io.Discard, model); err == nil {
			t.Errorf("%s: no error when cancelled", model)
		}
	}
	if err := m.Write(t.Context(), io.Discard, "ssp"); err == nil {
		t.Error("a model that is none was written")
	}
}
