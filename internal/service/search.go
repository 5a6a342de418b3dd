package service

import (
	"context"
	"errors"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Search gives one page of evidence, without payloads. A question that cannot be
// answered is a Mistake.
func (s *Service) Search(ctx context.Context, q store.PageQuery) (store.Page, error) {
	if err := q.Check(); err != nil {
		return store.Page{}, Mistake{err, "mend what is asked for"}
	}
	p, err := s.store.Page(ctx, q)
	s.places.keep(p.Items...)
	return p, err
}

// Counts says how much evidence there is, by source and kind.
func (s *Service) Counts(ctx context.Context) ([]store.Count, error) { return s.store.Counts(ctx) }

// FindEvidence returns the evidence with a digest, without its payload.
func (s *Service) FindEvidence(ctx context.Context, d evidence.Digest) (evidence.Evidence, error) {
	ev, err := s.byDigest(ctx, d)
	if errors.Is(err, store.ErrNotFound) {
		return ev, notFound("", nil, "search for what it begins with", "no evidence has the digest %s", d)
	}
	return ev, err
}

// Revisions returns the revisions of a piece of evidence's key, the newest
// first; more says that there are older ones than those returned.
func (s *Service) Revisions(ctx context.Context, ev evidence.Evidence) (list []evidence.Evidence, more bool, err error) {
	q := store.PageQuery{Kinds: []string{ev.Kind}, Source: ev.Source, KeyPrefix: ev.Key, SubjectType: ev.Subject.Type, SubjectID: ev.Subject.ID}
	p, err := s.store.Page(ctx, q)
	if err != nil {
		return nil, false, err
	}
	for _, other := range p.Items {
		if other.Key == ev.Key {
			list = append(list, other)
		}
	}
	return list, !p.Done, nil
}

// Run returns the run of a source with an id.
func (s *Service) Run(ctx context.Context, source, id string) (evidence.Run, error) {
	for run, err := range s.store.Runs(ctx, source) {
		if err != nil {
			return run, err
		}
		if run.ID == id {
			return run, nil
		}
	}
	return evidence.Run{}, notFound("", nil, "exhibit ledger lists the runs", "there is no run %q of %q", id, source)
}

// subjectPage is how many records about one subject are looked at for a result.
const subjectPage = 50

// RestsUpon finds the evidence, some of a result's, that has these digests;
// places stay nil for what cannot be found. Most of it is about the result's
// subject or its AI systems, which an index leads to.
func (s *Service) RestsUpon(ctx context.Context, r *assess.Result, digests []evidence.Digest) ([]*evidence.Evidence, error) {
	want := make(map[evidence.Digest]int, len(digests))
	for i, d := range digests {
		want[d] = i
	}
	out := make([]*evidence.Evidence, len(digests))
	for i, d := range digests {
		if _, ok := s.places.at(d); !ok {
			continue
		}
		if ev, err := s.byDigest(ctx, d); err == nil {
			out[i] = &ev
			delete(want, d)
		}
	}
	about := []evidence.Subject{r.Subject}
	for _, id := range r.Systems {
		about = append(about, evidence.Subject{Type: "ai_system", ID: id})
	}
	for _, subject := range about {
		if len(want) == 0 {
			return out, nil
		}
		p, err := s.store.Page(ctx, store.PageQuery{SubjectType: subject.Type, SubjectID: subject.ID, Limit: subjectPage})
		if err != nil {
			return nil, err
		}
		for i := range p.Items {
			if at, ok := want[p.Items[i].Digest]; ok {
				out[at] = &p.Items[i]
				s.places.keep(p.Items[i])
				delete(want, p.Items[i].Digest)
			}
		}
	}
	for d, at := range want {
		ev, err := s.byDigest(ctx, d)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out[at] = &ev
	}
	return out, nil
}
