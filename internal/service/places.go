package service

import (
	"context"
	"sync"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// keptPlaces bounds how many places are remembered.
const keptPlaces = 50_000

// places remembers where in the ledger evidence stands that was found before: it
// stands there for ever, and what is shown is mostly what was listed just now.
type places struct {
	sync.Mutex
	of map[evidence.Digest]int64
}

func (p *places) keep(items ...evidence.Evidence) {
	p.Lock()
	defer p.Unlock()
	if p.of == nil || len(p.of)+len(items) > keptPlaces {
		p.of = map[evidence.Digest]int64{}
	}
	for i := range items {
		p.of[items[i].Digest] = items[i].Seq
	}
}

func (p *places) at(d evidence.Digest) (int64, bool) {
	p.Lock()
	defer p.Unlock()
	seq, ok := p.of[d]
	return seq, ok
}

// byDigest is the store's EvidenceByDigest, faster for what was found before.
func (s *Service) byDigest(ctx context.Context, d evidence.Digest) (evidence.Evidence, error) {
	if seq, ok := s.places.at(d); ok {
		p, err := s.store.Page(ctx, store.PageQuery{After: seq, Before: seq + 1, Limit: 1})
		if err != nil {
			return evidence.Evidence{}, err
		}
		if len(p.Items) == 1 && p.Items[0].Digest == d {
			return p.Items[0], nil
		}
	}
	ev, err := s.store.EvidenceByDigest(ctx, d)
	if err == nil {
		s.places.keep(ev)
	}
	return ev, err
}
