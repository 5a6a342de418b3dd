package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

func testProofs(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	v, err := ledger.ParseVerifier(f.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	var seen []ledger.Checkpoint
	grow := func(b store.Batch) {
		c, err := ledger.OpenCheckpoint(f.append(b).Checkpoint, v)
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, c)
	}
	grow(store.Batch{Open: open("r", "a")})
	// Sizes on both sides of one full tile, and of two.
	for i, n := range []int{1, 6, 200, 47, 1, 1, 255, 2} {
		var recs []evidence.Record
		for j := range n {
			recs = append(recs, record("k", fmt.Sprintf("%d/%d", i, j), "", "x"))
		}
		grow(store.Batch{Run: "r", Records: recs})
	}
	now := seen[len(seen)-1]
	for _, e := range collect(t, f.s.Entries(t.Context(), 0, now.Size)) {
		p, err := ledger.ProveInclusion(now.Size, e.Seq, f.s)
		if err != nil {
			t.Fatal(err)
		}
		if err := ledger.VerifyInclusion(now, e.Seq, e.Line, p); err != nil {
			t.Fatal(err)
		}
		if err := ledger.VerifyInclusion(now, e.Seq, append([]byte("x"), e.Line...), p); !errors.Is(err, ledger.ErrProof) {
			t.Fatalf("proof of another line: %v, want ErrProof", err)
		}
	}
	for _, old := range seen {
		if err := ledger.CheckContinues(old, now, f.s); err != nil {
			t.Errorf("size %d to %d: %v", old.Size, now.Size, err)
		}
		forged := old
		forged.Root = tlog.RecordHash([]byte("forged"))
		if err := ledger.CheckContinues(forged, now, f.s); !errors.Is(err, ledger.ErrFork) {
			t.Errorf("forged checkpoint of size %d: %v, want ErrFork", old.Size, err)
		}
	}
	if _, err := f.s.ReadHashes([]int64{tlog.StoredHashIndex(0, now.Size)}); err == nil {
		t.Error("a hash beyond the end was read")
	}
	raw, ok := f.s.(store.Verifiable)
	if !ok {
		t.Fatal("the store cannot be verified")
	}
	for _, c := range []struct {
		name  string
		since ledger.Checkpoint
		want  error
	}{
		{"the first", seen[0], nil}, {"one between", seen[3], nil}, {"the last", now, nil},
		{"a longer one", ledger.Checkpoint{Origin: now.Origin, Size: now.Size + 1, Root: now.Root}, ledger.ErrRollback},
		{"another past", ledger.Checkpoint{Origin: now.Origin, Size: seen[3].Size, Root: seen[2].Root}, ledger.ErrFork},
		{"another log", ledger.Checkpoint{Origin: "exhibit/other", Size: seen[3].Size, Root: seen[3].Root}, ledger.ErrFork},
	} {
		_, err := store.Verify(t.Context(), raw, store.VerifyOptions{Verifier: v, Since: &c.since})
		if !errors.Is(err, c.want) || c.want != nil && !errors.Is(err, store.ErrTampered) {
			t.Errorf("since %s: %v, want %v", c.name, err, c.want)
		}
	}
	other, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verify(t.Context(), f.s, other); !errors.Is(err, store.ErrTampered) || !errors.Is(err, ledger.ErrSignature) {
		t.Errorf("with another key: %v, want ErrTampered and ErrSignature", err)
	}
}

func testClock(t *testing.T, open_ Open) {
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	times := []time.Time{base, base.Add(-time.Hour), base.Add(time.Minute).In(time.FixedZone("x", 3600)), base.Add(time.Minute + 999)}
	i := -1
	f := &fixture{t: t, key: key, s: open_(t, Options{Key: key, Now: func() time.Time {
		i++
		return times[i]
	}})}
	entry := func(at time.Time) store.Batch {
		return store.Batch{Entries: []store.NewEntry{{Type: evidence.EntryExport, At: at, Body: json.RawMessage(`{}`)}}}
	}
	f.append(entry(time.Time{}))
	f.append(entry(time.Time{}))
	f.append(entry(base.Add(30 * time.Second)))
	f.append(entry(base)) // asked for a time before the entry that precedes it
	var got []time.Time
	for _, e := range collect(t, f.s.Entries(t.Context(), 0, 9)) {
		got = append(got, e.At)
	}
	f.want("times", got, []time.Time{base, base, base.Add(30 * time.Second), base.Add(30 * time.Second)})
	f.verify()
}

func testStop(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	var recs []evidence.Record
	for i := range 3000 {
		recs = append(recs, record("k", fmt.Sprint(i), "", strings.Repeat("x", i%50)))
	}
	f.append(store.Batch{Open: open("r", "a"), Records: recs})
	for stop := 1; stop < 3000; stop += 700 {
		n := 0
		for _, err := range f.s.Evidence(t.Context(), store.EvidenceQuery{Payloads: true}) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n == stop {
				break
			}
		}
		n = 0
		for range f.s.Entries(t.Context(), 0, 3001) {
			if n++; n == stop {
				break
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	var last error
	for _, err := range f.s.Evidence(ctx, store.EvidenceQuery{Payloads: true}) {
		if n++; n == 10 {
			cancel()
		}
		last = err
	}
	if !errors.Is(last, context.Canceled) || n > 2999 {
		t.Errorf("after cancel: %d items, then %v, want context.Canceled", n, last)
	}
	if _, err := f.s.Append(ctx, store.Batch{Run: "r", Records: recs[:1]}); !errors.Is(err, context.Canceled) {
		t.Errorf("Append with a cancelled context: %v", err)
	}
	f.append(store.Batch{Run: "r", Records: []evidence.Record{record("k", "after", "", "y")}})
	f.verify()
}

// testReaders reads while batches are appended: every reader sees whole
// batches only.
func testReaders(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	f.append(store.Batch{Open: open("r", "a")})
	const batches, each = 30, 20
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				n := 0
				for ev, err := range f.s.Evidence(t.Context(), store.EvidenceQuery{Latest: true, Payloads: true}) {
					if err != nil {
						t.Error(err)
						return
					}
					if len(ev.Payload) != ev.PayloadSize {
						t.Errorf("payload of %d bytes, want %d", len(ev.Payload), ev.PayloadSize)
					}
					n++
				}
				if n%each != 0 {
					t.Errorf("a reader saw %d records: part of a batch", n)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for b := range batches {
		var recs []evidence.Record
		for i := range each {
			recs = append(recs, record("k", fmt.Sprintf("%d/%d", b, i), "", fmt.Sprint(b, i)))
		}
		// A writer may write while it reads.
		for range f.s.Evidence(t.Context(), store.EvidenceQuery{}) {
			f.append(store.Batch{Run: "r", Records: recs})
			recs = nil
			break
		}
		if recs != nil {
			f.append(store.Batch{Run: "r", Records: recs})
		}
	}
	close(done)
	wg.Wait()
	f.want("records", f.verify().Evidence, int64(batches*each))
}

// testWriters appends from several goroutines, each to a run of its own: every
// key comes twice unchanged and once changed, and some batches are refused.
func testWriters(t *testing.T, open_ Open) {
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	tick := clock()
	f := &fixture{t: t, key: key, s: open_(t, Options{Key: key, Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return tick()
	}})}
	const writers, batches, each = 6, 30, 5
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			source := fmt.Sprint("source ", w)
			add := func(b store.Batch) {
				if _, err := f.s.Append(t.Context(), b); err != nil {
					t.Errorf("writer %d: %v", w, err)
				}
			}
			add(store.Batch{Open: open(source, source)})
			for i := range batches {
				var recs []evidence.Record
				for j := range each {
					// Batch 3n is new, 3n+1 the same again, 3n+2 changed; payloads are shared by all.
					recs = append(recs, record("k", fmt.Sprintf("%d/%d", i/3, j), "", fmt.Sprint(i/3, j, i%3/2)))
				}
				add(store.Batch{Run: source, Records: recs})
				if _, err := f.s.Append(t.Context(), store.Batch{Run: source, Records: recs, Attest: []store.Attestation{{Group: "none", Count: 1}}}); !errors.Is(err, store.ErrUnknownGroup) {
					t.Errorf("writer %d: %v, want ErrUnknownGroup", w, err)
				}
			}
			add(store.Batch{Close: closing(source, evidence.RunComplete, nil)})
		})
	}
	wg.Wait()
	for _, r := range collect(t, f.s.Runs(t.Context(), "")) {
		const n = batches / 3 * each
		f.want(r.ID, r.Kinds["k"], evidence.KindRead{IndependentCount: -1, New: n, Revised: n, Unchanged: n})
	}
	f.verify()
	if err := f.s.Reindex(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	f.verify()
}

func testLarge(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	big := strings.Repeat("0123456789abcdef", 300_000/16)
	long := record("k", strings.Repeat("k", store.MaxKey), strings.Repeat("g", store.MaxName), big)
	long.URL, long.Subject.ID = "", strings.Repeat("s", store.MaxKey)
	many := evidence.Run{ID: "r", Status: evidence.RunPartial, FinishedAt: base}
	for i := range 3000 {
		many.Gaps = append(many.Gaps, evidence.Gap{Kinds: []string{"k"}, Scope: fmt.Sprintf("repository %d", i), Reason: "denied"})
	}
	var gone []evidence.Record
	for i := range 2500 {
		gone = append(gone, record("many", fmt.Sprintf("%05d", i), "", "x"))
	}
	f.append(store.Batch{Open: open("r", "a"), Records: append(gone, record("k", "small", "", "s"), long, record("k", "small too", "", "s2"))})
	many.Kinds = map[string]evidence.KindRead{"many": whole}
	r := f.append(store.Batch{Close: &store.RunClose{Run: many, Seen: func(_, key, _ string) bool { return key == "00042" }}})
	f.want("gone", r.Gone, counts{"many": 2499})
	f.want("entries of the close", r.Next-r.First, int64(4))
	got := f.evidence(store.EvidenceQuery{Kinds: []string{"k"}})
	f.want("large payload", got[1].Text == big, true)
	f.want("its neighbours", []brief{got[0], got[2]}, []brief{{"a", "small", "s", 1, false}, {"a", "small too", "s2", 1, false}})
	f.want("gaps", len(collect(t, f.s.Runs(t.Context(), ""))[0].Gaps), 3000)
	f.verify()
}
