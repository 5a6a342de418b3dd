package plain_test

import (
	"context"
	"io"
	"iter"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
	"github.com/exhibit-aims/exhibit/internal/export/plain"
)

// many is a ledger of n evidence items that exist while they are looked at.
type many struct {
	*exporttest.Ledger
	n int
}

// samePayload is that of every item.
const samePayload = `{"number":1}`

// Payload is part of export.Ledger.
func (m many) Payload(context.Context, evidence.Digest) ([]byte, error) {
	return []byte(samePayload), nil
}

func (m many) Used(context.Context) iter.Seq2[evidence.Evidence, error] {
	return func(yield func(evidence.Evidence, error) bool) {
		sum := evidence.Sum([]byte(samePayload))
		for i := range m.n {
			id := strconv.Itoa(i)
			ev := evidence.Evidence{
				Seq: int64(i), Digest: evidence.Sum([]byte(id)), PayloadSum: sum, Run: "run-0001", Source: "github",
				Kind: "github.pull_request", Major: 1, Subject: evidence.Subject{Type: "change", ID: "nordlicht/claims-model#" + id}, Key: "claims-model/" + id,
				Revision: 1, EventTime: exporttest.AsOf.Add(-time.Duration(i) * time.Minute), CollectedAt: exporttest.AsOf.Add(-time.Hour),
				URL: "https://github.example/nordlicht/claims-model/pull/" + id,
			}
			if !yield(ev, nil) {
				return
			}
		}
	}
}

// nowhere is a Sink that keeps nothing.
type nowhere struct{}

func (nowhere) Add(_ string, write func(io.Writer) error) (plain.Sum, error) {
	return plain.Sum{}, write(io.Discard)
}

// BenchmarkEvidence writes the Evidence sheet and says how much memory was in
// use at most. EXHIBIT_BENCH_ROWS sets the number of rows.
func BenchmarkEvidence(b *testing.B) {
	n := 50_000
	if v, err := strconv.Atoi(os.Getenv("EXHIBIT_BENCH_ROWS")); err == nil {
		n = v
	}
	for _, format := range []plain.Format{plain.CSV, plain.JSONL} {
		b.Run(string(format), func(b *testing.B) {
			s := sample(b)
			s.Snapshot.Ledger = many{s.Ledger, n}
			runtime.GC()
			var peak atomic.Uint64
			done := make(chan struct{})
			go func() {
				for {
					select {
					case <-done:
						return
					case <-time.After(20 * time.Millisecond):
					}
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					peak.Store(max(peak.Load(), m.HeapInuse))
				}
			}()
			for b.Loop() {
				if _, err := plain.Write(b.Context(), nowhere{}, s.Snapshot, plain.Options{Format: format, Sheets: []string{"Evidence"}}); err != nil {
					b.Fatal(err)
				}
			}
			close(done)
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(peak.Load())/(1<<20), "peak-MB")
		})
	}
}
