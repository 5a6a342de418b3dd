package storetest

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// testVerifyBeside appends while a verification reads, at every sequence that it
// begins and in the middle of each: the verification sees the state that it began
// with, and the writer is not kept waiting.
func testVerifyBeside(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	fill(f)
	before := f.verify()
	raw, ok := f.s.(store.Verifiable)
	if !ok {
		t.Fatal("the store cannot be verified")
	}
	v, err := ledger.ParseVerifier(f.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	w := &besideWriter{to: func(b store.Batch) (store.Receipt, error) { return f.s.Append(t.Context(), b) }}
	got, err := store.Verify(t.Context(), beside{raw, w}, store.VerifyOptions{Verifier: v})
	if err != nil || w.err != nil {
		t.Fatalf("verification %v, writer %v", err, w.err)
	}
	if got.Entries != before.Entries || got.Checkpoint.Root != before.Checkpoint.Root {
		t.Errorf("verified %d entries, want the %d from before the writer", got.Entries, before.Entries)
	}
	if w.n < 8 {
		t.Errorf("only %d appends beside the verification", w.n)
	}
	if after := f.verify(); after.Entries != before.Entries+w.entries {
		t.Errorf("%d entries after all, want %d and %d", after.Entries, before.Entries, w.entries)
	}
}

// besideWriter appends batches that change all there is: new keys, revisions, keys
// that are gone, state, a run that stays open.
type besideWriter struct {
	to      func(store.Batch) (store.Receipt, error)
	n       int
	entries int64
	err     error
}

func (w *besideWriter) append() {
	if w.err != nil || w.n >= 24 {
		return
	}
	w.n++
	id := fmt.Sprintf("beside %d", w.n)
	b := store.Batch{
		Open: open(id, "a"), Records: []evidence.Record{record("k", id, "g0", id), record("k", "key 4", "g1", id)},
		State: []store.StateChange{{Key: "v", Value: fmt.Appendf(nil, `{"etag":"%d"}`, w.n)}},
	}
	if w.n%3 == 0 {
		b.Close = closing(id, evidence.RunComplete, map[string]evidence.KindRead{"k": whole}, id)
	}
	r, err := w.to(b)
	w.entries, w.err = w.entries+r.Next-r.First, err
}

// beside is a store that somebody appends to while it is verified.
type beside struct {
	store.Verifiable
	w *besideWriter
}

func (s beside) Snapshot(ctx context.Context, fn func(store.Raw) error) error {
	return s.Verifiable.Snapshot(ctx, func(r store.Raw) error { return fn(besideRaw{r, s.w}) })
}

type besideRaw struct {
	store.Raw
	w *besideWriter
}

// during appends before the first item of a sequence and after it.
func during[T any](w *besideWriter, seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		w.append()
		n := 0
		for v, err := range seq {
			if !yield(v, err) {
				return
			}
			if n++; n == 1 {
				w.append()
			}
		}
	}
}

func (r besideRaw) Tables(ctx context.Context) (store.Tables, error) {
	r.w.append()
	return r.Raw.Tables(ctx)
}

func (r besideRaw) Lines(ctx context.Context) iter.Seq2[store.RawLines, error] {
	return during(r.w, r.Raw.Lines(ctx))
}

func (r besideRaw) Payloads(ctx context.Context) iter.Seq2[store.RawPayloads, error] {
	return during(r.w, r.Raw.Payloads(ctx))
}

func (r besideRaw) Rows(ctx context.Context) iter.Seq2[[]store.IndexRow, error] {
	return during(r.w, r.Raw.Rows(ctx))
}

func (r besideRaw) Tiles(ctx context.Context) iter.Seq2[ledger.Tile, error] {
	return during(r.w, r.Raw.Tiles(ctx))
}

func (r besideRaw) Index(ctx context.Context, which store.HashIndex) iter.Seq2[[]store.IndexEntry, error] {
	return during(r.w, r.Raw.Index(ctx, which))
}

func (r besideRaw) Zones(ctx context.Context) iter.Seq2[store.Zone, error] {
	return during(r.w, r.Raw.Zones(ctx))
}
