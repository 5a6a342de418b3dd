package storetest

import (
	"context"
	"iter"
	"slices"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// testVerifyPages verifies a store whose pages are small, and overwritten as soon as
// the next is asked for, as they may be.
func testVerifyPages(t *testing.T, open_ Open) {
	f := newFixture(t, open_)
	fill(f)
	if err := f.s.Reindex(t.Context(), nil); err != nil { // the indexes by hash have rows then
		t.Fatal(err)
	}
	raw, ok := f.s.(store.Verifiable)
	if !ok {
		t.Fatal("the store cannot be verified")
	}
	v, err := ledger.ParseVerifier(f.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Verify(t.Context(), again{raw}, store.VerifyOptions{Verifier: v}); err != nil {
		t.Error(err)
	}
}

// again is a store that uses the memory of its pages again at once.
type again struct{ store.Verifiable }

func (s again) Snapshot(ctx context.Context, fn func(store.Raw) error) error {
	return s.Verifiable.Snapshot(ctx, func(r store.Raw) error { return fn(againRaw{r}) })
}

type againRaw struct{ store.Raw }

// smallPage is how many rows a page has.
const smallPage = 3

func overwritten[T any](seq iter.Seq2[[]T, error]) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		page := make([]T, smallPage)
		for all, err := range seq {
			if err != nil {
				yield(nil, err)
				return
			}
			for some := range slices.Chunk(all, smallPage) {
				if !yield(page[:copy(page, some)], nil) {
					return
				}
				clear(page)
			}
		}
	}
}

func (r againRaw) Rows(ctx context.Context) iter.Seq2[[]store.IndexRow, error] {
	return overwritten(r.Raw.Rows(ctx))
}

func (r againRaw) Index(ctx context.Context, which store.HashIndex) iter.Seq2[[]store.IndexEntry, error] {
	return overwritten(r.Raw.Index(ctx, which))
}
