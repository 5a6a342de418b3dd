package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/memory"
)

// Compare appends random sequences of batches to a store and to the memory
// store, and fails the test unless both give the same receipts, errors and
// contents, line for line, and the store verifies.
func Compare(t *testing.T, open Open, sequences, batches int) {
	CompareReads(t, open, sequences, batches, VerifyStore)
}

// CompareReads is Compare with another last check than verification.
func CompareReads(t *testing.T, open Open, sequences, batches int, last func(testing.TB, store.Store, *ledger.Key) store.Verified) {
	for seed := range sequences {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			key, err := ledger.GenerateKey()
			if err != nil {
				t.Fatal(err)
			}
			w := &walk{
				r:     rand.New(rand.NewPCG(uint64(seed), 7)),
				s:     open(t, Options{Key: key, Now: clock()}),
				model: memory.New(key.Signer(), clock()),
				key:   key, open: map[string]string{}, payloads: map[evidence.Digest]bool{},
			}
			for i := range batches {
				w.step(t, i)
			}
			w.same(t)
			if err := w.s.Reindex(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			w.same(t)
			last(t, w.s, key)
		})
	}
}

// walk is one random sequence.
type walk struct {
	r        *rand.Rand
	s        store.Store
	model    *memory.Store
	key      *ledger.Key
	open     map[string]string // source by open run
	payloads map[evidence.Digest]bool
	runs     int
}

func (w *walk) pick(list ...string) string { return list[w.r.IntN(len(list))] }

func (w *walk) step(t *testing.T, i int) {
	t.Helper()
	if len(w.payloads) > 0 && w.r.IntN(12) == 0 {
		w.erase(t)
		return
	}
	b := w.batch()
	got, gotErr := w.s.Append(t.Context(), b)
	want, wantErr := w.model.Append(t.Context(), b)
	w.sameErrors(t, gotErr, wantErr)
	if gotErr == nil {
		if b.Close != nil {
			delete(w.open, b.RunID())
		}
	} else if b.Open != nil {
		delete(w.open, b.Open.ID)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("receipt of batch %d (-model +store):\n%s", i, d)
	}
	if w.r.IntN(10) == 0 {
		w.same(t)
	}
}

func (w *walk) sameErrors(t *testing.T, got, want error) {
	t.Helper()
	for _, sentinel := range []error{store.ErrUnknownGroup, store.ErrNotFound, store.ErrErased} {
		if errors.Is(got, sentinel) != errors.Is(want, sentinel) {
			t.Fatalf("store: %v; model: %v", got, want)
		}
	}
	if (got == nil) != (want == nil) {
		t.Fatalf("store: %v; model: %v", got, want)
	}
}

func (w *walk) erase(t *testing.T) {
	t.Helper()
	var list []evidence.Digest
	for _, ev := range collect(t, w.model.Evidence(t.Context(), store.EvidenceQuery{})) {
		list = append(list, ev.PayloadSum)
	}
	if len(list) == 0 {
		return
	}
	e := store.Erasure{Payload: list[w.r.IntN(len(list))], By: "x", Reason: "y"}
	_, got := w.s.Erase(t.Context(), e)
	_, want := w.model.Erase(t.Context(), e)
	w.sameErrors(t, got, want)
}

// batch makes a batch that is mostly right.
func (w *walk) batch() store.Batch {
	var b store.Batch
	if len(w.open) == 0 || w.r.IntN(4) == 0 {
		w.runs++
		b.Open = open(fmt.Sprintf("run %d", w.runs), w.pick("a", "b"))
		b.Open.Provenance.Imported = w.r.IntN(5) == 0
		w.open[b.Open.ID] = b.Open.Provenance.Source
		b.Run = b.Open.ID
	} else {
		for id := 1; b.Run == ""; id++ {
			name := fmt.Sprintf("run %d", id)
			if _, ok := w.open[name]; ok && (w.r.IntN(2) == 0 || id >= w.runs) {
				b.Run = name
			} else if id > w.runs {
				id = 0
			}
		}
	}
	for range w.r.IntN(60) {
		b.Records = append(b.Records, w.record())
	}
	for range w.r.IntN(3) - 1 {
		b.Attest = append(b.Attest, store.Attestation{Group: w.pick("g0", "g1", "g2"), Count: w.r.IntN(4)})
	}
	for range w.r.IntN(3) {
		b.State = append(b.State, store.StateChange{
			Cursor: w.r.IntN(2) == 0, Key: w.pick("x", "y"), Value: json.RawMessage(w.pick("", `"1"`, `{"etag":"2"}`)),
		})
	}
	if w.r.IntN(4) == 0 {
		b.Close = w.close(b.Run)
	}
	if w.r.IntN(5) == 0 {
		b.Entries = []store.NewEntry{{Type: evidence.EntryRegister, Body: json.RawMessage(fmt.Sprintf(`{"n":%d}`, w.r.IntN(9)))}}
	}
	return b
}

func (w *walk) record() evidence.Record {
	n := w.r.IntN(120)
	rec := record(w.pick("k", "l", "m"), fmt.Sprintf("key %d", n), w.pick("", "g0", "g1", "g2", "g3"), fmt.Sprint(w.r.IntN(4)))
	rec.Subject.ID = fmt.Sprintf("subject %d", n%11)
	if w.r.IntN(20) == 0 {
		rec.Period = &evidence.Period{From: base, To: base.AddDate(0, 3, 0)}
	}
	if w.r.IntN(3) == 0 {
		rec.EventTime = base.AddDate(0, 0, -n)
	}
	w.payloads[evidence.Sum(rec.Payload)] = true
	return rec
}

func (w *walk) close(run string) *store.RunClose {
	kinds := map[string]evidence.KindRead{}
	for _, kind := range []string{"k", "l", "never"} {
		kinds[kind] = evidence.KindRead{Coverage: w.pick("complete", "complete", "partial", ""), Enumerated: w.r.IntN(3) > 0, IndependentCount: -1}
	}
	modulus := byte(2 + w.r.IntN(5))
	return &store.RunClose{
		Run: evidence.Run{ID: run, Status: evidence.RunComplete, FinishedAt: base.Add(1e9), Kinds: kinds},
		// Any rule will do, as long as both stores are told the same.
		Seen: func(kind, key, group string) bool { return (key[len(key)-1]+kind[0]+byte(len(group)))%modulus != 0 },
	}
}

// same compares all that can be read.
func (w *walk) same(t *testing.T) {
	t.Helper()
	if d := diff(dump(t, w.model), dump(t, w.s)); d != "" {
		t.Fatalf("contents (-model +store):\n%s", d)
	}
	for _, q := range []store.EvidenceQuery{
		{Kinds: []string{"l", "m"}, Latest: true},
		{Kinds: []string{"k"}, Source: "b"},
		{Subject: &evidence.Subject{Type: "thing", ID: "subject 3"}, Payloads: true},
		{Subject: &evidence.Subject{Type: "thing", ID: "subject 4"}, Latest: true, Kinds: []string{"k", "l"}},
		{Run: "run 1"}, {Source: "a", Latest: true, Before: 70}, {After: 30, Before: 90},
	} {
		d := diff(collect(t, w.model.Evidence(t.Context(), q)), collect(t, w.s.Evidence(t.Context(), q)))
		if d != "" {
			t.Fatalf("query %+v (-model +store):\n%s", q, d)
		}
	}
}

// diff is cmp.Diff, quick when there is none.
func diff(want, got any) string {
	if reflect.DeepEqual(want, got) {
		return ""
	}
	return cmp.Diff(want, got)
}
