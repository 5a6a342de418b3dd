package service

import (
	"context"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// recordKey names a record through all of its revisions.
type recordKey struct{ source, kind, key string }

func keyOf(ev evidence.Evidence) recordKey { return recordKey{ev.Source, ev.Kind, ev.Key} }

// handsOn names everybody who had a part in any revision of the records, those
// of the first one first.
func (s *Service) handsOn(ctx context.Context, records ...recordKey) ([]people.Hand, error) {
	runs := map[string]evidence.Provenance{}
	for run, err := range s.store.Runs(ctx, "") {
		if err != nil {
			return nil, err
		}
		runs[run.ID] = run.Provenance
	}
	var out []people.Hand
	for _, r := range records {
		written := r.kind == people.KindUpload || r.kind == people.KindStatement
		for ev, err := range s.store.Evidence(ctx, store.EvidenceQuery{Kinds: []string{r.kind}, Source: r.source, Payloads: written}) {
			if err != nil {
				return nil, err
			}
			if ev.Key != r.key {
				continue
			}
			hands, err := people.HandsOn(ev, runs[ev.Run])
			if err != nil {
				return nil, err
			}
			out = append(out, hands...)
		}
	}
	return out, nil
}

// handsOnEvidence names everybody who had a part in evidence that people handed
// in or imported, in any revision of it.
func (s *Service) handsOnEvidence(ctx context.Context, digests []evidence.Digest) ([]people.Hand, error) {
	byPeople := map[string]bool{}
	for run, err := range s.store.Runs(ctx, "") {
		if err != nil {
			return nil, err
		}
		c := run.Provenance.Connector
		byPeople[run.Provenance.Source] = byPeople[run.Provenance.Source] || c == people.Source || c == agent.ImportConnector
	}
	var records []recordKey
	for _, d := range digests {
		ev, err := s.store.EvidenceByDigest(ctx, d)
		if err != nil {
			return nil, err
		}
		if byPeople[ev.Source] && !slices.Contains(records, keyOf(ev)) {
			records = append(records, keyOf(ev))
		}
	}
	return s.handsOn(ctx, records...)
}

// handsOnReview names everybody who had a part in what a review decides on. Of
// other uploads of it a name counts if it is that of a person: else anybody could
// keep all others from accepting what somebody handed in.
func (s *Service) handsOnReview(ctx context.Context, h HandedIn, u people.Upload) ([]people.Hand, error) {
	p, err := s.policy()
	if err != nil {
		return nil, err
	}
	records, others, err := s.restsOn(ctx, h, u)
	if err != nil {
		return nil, err
	}
	out, err := s.handsOn(ctx, records...)
	if err != nil || len(others) == 0 {
		return out, err
	}
	besides, err := s.handsOn(ctx, others...)
	for _, hand := range besides {
		if hand.Part == people.Began && hand.Person != "" && !p.Directory.Knows(hand.Person) {
			hand.Part = people.Named
		}
		out = append(out, hand)
	}
	return out, err
}

// restsOn finds what a review decides on: the record that was handed in, what has
// one of its digests, sealed or by its payload, and the files of these digests;
// and other uploads, which speak of them. The digest of a record means one.
func (s *Service) restsOn(ctx context.Context, h HandedIn, u people.Upload) (out, others []recordKey, err error) {
	out = []recordKey{h.at}
	digests := map[string]bool{}
	for _, d := range []string{u.SHA256, u.FileSHA256} {
		if d != "" && !digests[d] {
			digests[d] = true
			out = append(out, recordKey{people.Source, people.KindFile, d})
		}
	}
	vouched := 0
	for ev, err := range s.store.Evidence(ctx, store.EvidenceQuery{}) {
		if err != nil {
			return nil, nil, err
		}
		if (digests[ev.Digest.String()] || digests[ev.PayloadSum.String()]) && !slices.Contains(out, keyOf(ev)) {
			out = append(out, keyOf(ev))
			vouched++
		}
	}
	if vouched > 1 && u.SHA256 != u.FileSHA256 {
		return nil, nil, mistake("hand it in with the digest of the one that is meant", "%s speaks of %d records that say the same", u.ID, vouched)
	}
	for ev, err := range s.store.Evidence(ctx, store.EvidenceQuery{Kinds: []string{people.KindUpload}, Payloads: true}) {
		if err != nil {
			return nil, nil, err
		}
		if ev.Payload == nil {
			continue
		}
		other, err := people.ParseUpload(ev)
		if err != nil {
			return nil, nil, err
		}
		if (digests[other.SHA256] || digests[other.FileSHA256]) && !slices.Contains(out, keyOf(ev)) && !slices.Contains(others, keyOf(ev)) {
			others = append(others, keyOf(ev))
		}
	}
	return out, others, nil
}
