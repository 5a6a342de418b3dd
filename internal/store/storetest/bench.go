package storetest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// BenchSize is how many records a benchmark appends: EXHIBIT_BENCH_RECORDS, or
// 20,000.
func BenchSize(tb testing.TB) int {
	v := os.Getenv("EXHIBIT_BENCH_RECORDS")
	if v == "" {
		return 20_000
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1000 {
		tb.Fatalf("EXHIBIT_BENCH_RECORDS=%q: want a number from 1000", v)
	}
	return n / 1000 * 1000
}

// BenchRecords gives n records from number from, alike to what a source of
// pull requests gives: about 1 KiB of payload, of which a third cannot be
// guessed from the neighbours.
func BenchRecords(from, n int) []evidence.Record {
	out := make([]evidence.Record, n)
	base := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	for i := range out {
		id := from + i
		r := rand.New(rand.NewPCG(uint64(id), 42))
		payload := fmt.Appendf(nil, `{"additions":%d,"author":{"id":%d,"login":"dev-%03d"},"base":"main","body":"`, r.IntN(900), r.IntN(1e6), r.IntN(400))
		for len(payload) < 700 {
			payload = fmt.Appendf(payload, "%s ", words[r.IntN(len(words))])
		}
		payload = fmt.Appendf(payload, `","created_at":"%s","deletions":%d,"draft":false,"files":[`, base.Add(time.Duration(id)*time.Minute).Format(time.RFC3339), r.IntN(300))
		for f := range 3 {
			if f > 0 {
				payload = append(payload, ',')
			}
			payload = fmt.Appendf(payload, `"internal/%s/%s.go"`, words[r.IntN(len(words))], words[r.IntN(len(words))])
		}
		payload = fmt.Appendf(payload, `],"head":"%016x%016x%08x","merged":true,"merged_by":"dev-%03d","number":%d,"state":"closed","title":"%s %s"}`,
			r.Uint64(), r.Uint64(), r.Uint32(), r.IntN(400), id, words[r.IntN(len(words))], words[r.IntN(len(words))])
		out[i] = evidence.Record{
			Kind: "github.pull_request", Major: 1,
			Subject:   evidence.Subject{Type: "change", ID: fmt.Sprintf("github/acme/service-%02d#%d", id%40, id)},
			Key:       fmt.Sprintf("acme/service-%02d/pull/%d", id%40, id),
			Group:     fmt.Sprintf("acme/service-%02d/pulls/%d", id%40, id/4000),
			EventTime: base.Add(time.Duration(id) * time.Minute),
			URL:       fmt.Sprintf("https://github.example/acme/service-%02d/pull/%d", id%40, id),
			Payload:   payload, CollectedAt: base.Add(time.Duration(id)*time.Minute + time.Hour),
		}
	}
	return out
}

var words = func() []string {
	r := rand.New(rand.NewPCG(1, 2))
	out := make([]string, 2000)
	for i := range out {
		b := make([]byte, 3+r.IntN(8))
		for j := range b {
			b[j] = "etaoinshrdlucmfwyp"[r.IntN(18)]
		}
		out[i] = string(b)
	}
	return out
}()

// BareInsert inserts rows of eight columns in one transaction: kind, subject
// type, subject id, key, URL, event time, collected at, payload.
type BareInsert func(rows [][]any) error

// BenchOpen opens what a benchmark measures: a new store, its key, and the
// same driver's bare table.
type BenchOpen func(tb testing.TB, dir string) (store.Store, *ledger.Key, BareInsert)

// BenchIngest measures Append against a bare bulk insert of the same records,
// in turns, so that both have the same weather. It reports records per second
// of both, their ratio, and the ratio of the last tenth's speed to the first's.
func BenchIngest(b *testing.B, open BenchOpen) {
	size := BenchSize(b)
	for b.Loop() {
		s, _, insert := open(b, b.TempDir())
		run := evidence.Run{ID: "bench", Provenance: evidence.Provenance{Source: "github"}, StartedAt: time.Now()}
		if _, err := s.Append(b.Context(), store.Batch{Open: &run}); err != nil {
			b.Fatal(err)
		}
		var ours, bare, part time.Duration
		var parts []time.Duration
		for from := 0; from < size; from += 1000 {
			recs := BenchRecords(from, 1000)
			rows := make([][]any, len(recs))
			for i, r := range recs {
				rows[i] = []any{r.Kind, r.Subject.Type, r.Subject.ID, r.Key, r.URL, r.EventTime.UnixMicro(), r.CollectedAt.UnixMicro(), []byte(r.Payload)}
			}
			start := time.Now()
			if err := insert(rows); err != nil {
				b.Fatal(err)
			}
			middle := time.Now()
			if _, err := s.Append(b.Context(), store.Batch{Run: run.ID, Records: recs}); err != nil {
				b.Fatal(err)
			}
			took := time.Since(middle)
			bare, ours, part = bare+middle.Sub(start), ours+took, part+took
			if (from+1000)%max(size/10/1000*1000, 1000) == 0 {
				parts = append(parts, part)
				part = 0
			}
		}
		b.ReportMetric(float64(size)/ours.Seconds(), "records/s")
		b.ReportMetric(float64(size)/bare.Seconds(), "bare/s")
		b.ReportMetric(bare.Seconds()/ours.Seconds(), "ratio")
		b.ReportMetric(parts[0].Seconds()/parts[len(parts)-1].Seconds(), "last/first")
		b.Logf("%d records, tenths took %v", size, parts)
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// filled gives a store with the benchmark's records.
func filled(b *testing.B, open BenchOpen) (store.Store, *ledger.Key, int) {
	b.Helper()
	size := BenchSize(b)
	s, key, _ := open(b, b.TempDir())
	run := evidence.Run{ID: "bench", Provenance: evidence.Provenance{Source: "github"}, StartedAt: time.Now()}
	for from := 0; from < size; from += 1000 {
		batch := store.Batch{Run: run.ID, Records: BenchRecords(from, 1000)}
		if from == 0 {
			batch.Open = &run
		}
		if _, err := s.Append(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
		if done := from + 1000; done%100_000 == 0 {
			fmt.Fprintf(os.Stderr, "%d of %d records are there\n", done, size) // the log of a benchmark comes at its end
		}
	}
	return s, key, size
}

// BenchVerify measures verification against hashing the same bytes on one core:
// every line as a leaf, the tree above them, and every payload.
func BenchVerify(b *testing.B, open BenchOpen) {
	s, key, size := filled(b, open)
	var bytes int
	var hashing, verifying time.Duration
	for b.Loop() {
		n, took := hashStore(b, s)
		bytes, hashing = n, hashing+took
		verifying += timed(func() { VerifyStore(b, s, key) })
	}
	n := float64(b.N)
	b.ReportMetric(float64(size)*n/verifying.Seconds(), "entries/s")
	b.ReportMetric(float64(bytes)*n/1e6/verifying.Seconds(), "MB/s")
	b.ReportMetric(float64(bytes)*n/1e6/hashing.Seconds(), "hash-MB/s")
	b.ReportMetric(hashing.Seconds()/verifying.Seconds(), "ratio")
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// timed gives how long fn takes, in a process that has collected what lies about.
func timed(fn func()) time.Duration {
	runtime.GC()
	start := time.Now()
	fn()
	return time.Since(start)
}

// hashStore hashes on one core what a verification has to hash, and gives how many
// bytes that were and how long it took without reading them.
func hashStore(b *testing.B, s store.Store) (bytes int, took time.Duration) {
	b.Helper()
	f, err := ledger.NewFrontier(0, nil)
	if err != nil {
		b.Fatal(err)
	}
	lines := pile{hash: func(line []byte) { f.Append(tlog.RecordHash(line)) }}
	for e, err := range s.Entries(b.Context(), 0, math.MaxInt64) {
		if err != nil {
			b.Fatal(err)
		}
		lines.add(e.Line)
	}
	lines.flush()
	payloads := pile{hash: func(p []byte) { evidence.Sum(p) }}
	for ev, err := range s.Evidence(b.Context(), store.EvidenceQuery{Payloads: true}) {
		if err != nil {
			b.Fatal(err)
		}
		payloads.add(ev.Payload)
	}
	payloads.flush()
	return lines.hashed + payloads.hashed, lines.took + payloads.took + timed(func() { f.Root() })
}

// pile is byte strings that are hashed in one go when there are enough of them, so
// that the time of each is not looked at. All of a store at once would weigh on
// whoever is measured next: the collector of garbage lets a large heap grow large.
type pile struct {
	hash   func([]byte)
	bytes  []byte
	ends   []int
	hashed int
	took   time.Duration
}

// pileSize is how many bytes are hashed in one go: more than a core's own memory
// holds.
const pileSize = 32 << 20

func (p *pile) add(b []byte) {
	p.bytes = append(p.bytes, b...)
	p.ends = append(p.ends, len(p.bytes))
	if len(p.bytes) >= pileSize {
		p.flush()
	}
}

func (p *pile) flush() {
	p.took += timed(func() {
		from := 0
		for _, end := range p.ends {
			p.hash(p.bytes[from:end])
			from = end
		}
	})
	p.hashed += len(p.bytes)
	p.bytes, p.ends = p.bytes[:0], p.ends[:0]
}

// BenchLatest measures reading the newest revision of every key as of half the
// ledger and as of now.
func BenchLatest(b *testing.B, open BenchOpen) {
	s, _, size := filled(b, open)
	for _, c := range []struct {
		name string
		q    store.EvidenceQuery
	}{
		{"now", store.EvidenceQuery{Latest: true}},
		{"as-of-half", store.EvidenceQuery{Latest: true, Before: int64(size) / 2}},
		{"kind", store.EvidenceQuery{Latest: true, Kinds: []string{"github.pull_request"}}},
		{"payloads", store.EvidenceQuery{Latest: true, Payloads: true}},
	} {
		b.Run(c.name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				for _, err := range s.Evidence(b.Context(), c.q) {
					if err != nil {
						b.Fatal(err)
					}
					n++
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
		})
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}
