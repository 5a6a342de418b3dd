package bundle

import (
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// inOrder is a ledger that gives payloads in its own order, which costs much
// less than asking for one after another in the order of their digests: a store
// keeps many in one packed block.
type inOrder interface {
	Evidence(ctx context.Context, q store.EvidenceQuery) iter.Seq2[evidence.Evidence, error]
}

// place is where a payload lies in a temporary file.
type place struct{ at, n int64 }

// payloadReader returns what reads the payload of a number, and what is to be
// called when all were read.
func (b *writer) payloadReader(ctx context.Context) (read func(int) ([]byte, error), done func() error, err error) {
	alone := func(i int) ([]byte, error) { return b.snap.Ledger.Payload(ctx, b.payloads[i]) }
	l, ok := b.snap.Ledger.(inOrder)
	if !ok || b.in.Scope != Whole {
		return alone, func() error { return nil }, nil
	}
	s, err := newSpool(b.tempDir)
	if err != nil {
		return nil, nil, err
	}
	places, err := b.spoolPayloads(ctx, l, s)
	if err != nil {
		return nil, nil, errors.Join(err, s.close())
	}
	return func(i int) ([]byte, error) {
		if places[i].n == 0 {
			return alone(i)
		}
		return s.read(places[i].at, places[i].n)
	}, s.close, nil
}

func (b *writer) spoolPayloads(ctx context.Context, l inOrder, s *spool) ([]place, error) {
	places := make([]place, len(b.payloads))
	for ev, err := range l.Evidence(ctx, store.EvidenceQuery{Before: b.head.Assessed.Size, Payloads: true}) {
		if err != nil {
			return nil, err
		}
		i, ok := slices.BinarySearchFunc(b.payloads, ev.PayloadSum, compareDigests)
		if !ok || places[i].n > 0 || len(ev.Payload) == 0 {
			continue
		}
		at, err := s.add(ev.Payload)
		if err != nil {
			return nil, err
		}
		places[i] = place{at, int64(len(ev.Payload))}
	}
	return places, nil
}
