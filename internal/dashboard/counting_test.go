package dashboard

import (
	"context"
	"iter"
	"sync/atomic"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// countingStore counts how often a store is read.
type countingStore struct {
	store.Store
	reads atomic.Int64
}

func (s *countingStore) Evidence(ctx context.Context, q store.EvidenceQuery) iter.Seq2[evidence.Evidence, error] {
	s.reads.Add(1)
	return s.Store.Evidence(ctx, q)
}

func (s *countingStore) Runs(ctx context.Context, source string) iter.Seq2[evidence.Run, error] {
	s.reads.Add(1)
	return s.Store.Runs(ctx, source)
}

func (s *countingStore) Entries(ctx context.Context, from, to int64, types ...evidence.EntryType) iter.Seq2[evidence.Entry, error] {
	s.reads.Add(1)
	return s.Store.Entries(ctx, from, to, types...)
}

func (s *countingStore) Page(ctx context.Context, q store.PageQuery) (store.Page, error) {
	s.reads.Add(1)
	return s.Store.Page(ctx, q)
}

func (s *countingStore) RunPage(ctx context.Context, q store.RunQuery) (store.RunPage, error) {
	s.reads.Add(1)
	return s.Store.RunPage(ctx, q)
}

func (s *countingStore) Counts(ctx context.Context) ([]store.Count, error) {
	s.reads.Add(1)
	return s.Store.Counts(ctx)
}

func (s *countingStore) EvidenceByDigest(ctx context.Context, d evidence.Digest) (evidence.Evidence, error) {
	s.reads.Add(1)
	return s.Store.EvidenceByDigest(ctx, d)
}

func (s *countingStore) Payload(ctx context.Context, d evidence.Digest) ([]byte, error) {
	s.reads.Add(1)
	return s.Store.Payload(ctx, d)
}

func (s *countingStore) Checkpoint(ctx context.Context) ([]byte, error) {
	s.reads.Add(1)
	return s.Store.Checkpoint(ctx)
}
