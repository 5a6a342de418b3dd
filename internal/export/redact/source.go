package redact

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/finding"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// ErrHidden: the payload is there and this export hides it. It is a
// store.ErrErased: whoever reads goes on without it.
var ErrHidden = fmt.Errorf("payload hidden by the export's redaction: %w", store.ErrErased)

// Ledger is the reading part of a store.
type Ledger interface {
	store.Reader
	Checkpoint(ctx context.Context) ([]byte, error)
	Entries(ctx context.Context, from, to int64, types ...evidence.EntryType) iter.Seq2[evidence.Entry, error]
	tlog.HashReader
}

// Source is a Ledger without the bytes of hidden payloads.
type Source struct {
	Ledger
	p       Profile
	hidden  map[evidence.Digest]bool // payloads
	resting map[evidence.Digest]bool // evidence that names one
}

// NewSource looks through the ledger below a position for what is hidden.
func NewSource(ctx context.Context, l Ledger, p Profile, before int64) (*Source, error) {
	s := &Source{Ledger: l, p: p, hidden: map[evidence.Digest]bool{}, resting: map[evidence.Digest]bool{}}
	if p.Nothing() {
		return s, nil
	}
	for ev, err := range l.Evidence(ctx, store.EvidenceQuery{Before: before}) {
		if err != nil {
			return nil, err
		}
		if p.Hides(ev.Kind) {
			s.hidden[ev.PayloadSum] = true
		}
	}
	if len(s.hidden) == 0 {
		return s, nil
	}
	for ev, err := range l.Evidence(ctx, store.EvidenceQuery{Before: before}) {
		if err != nil {
			return nil, err
		}
		if s.hidden[ev.PayloadSum] {
			s.resting[ev.Digest] = true
		}
	}
	return s, nil
}

// Profile is what it hides by.
func (s *Source) Profile() Profile { return s.p }

// Evidence is that of the ledger without hidden payloads.
func (s *Source) Evidence(ctx context.Context, q store.EvidenceQuery) iter.Seq2[evidence.Evidence, error] {
	return func(yield func(evidence.Evidence, error) bool) {
		for ev, err := range s.Ledger.Evidence(ctx, q) {
			if s.hidden[ev.PayloadSum] {
				ev.Payload = nil
			}
			if !yield(ev, err) {
				return
			}
		}
	}
}

// Payload is that of the ledger, or ErrHidden.
func (s *Source) Payload(ctx context.Context, d evidence.Digest) ([]byte, error) {
	if s.hidden[d] {
		return nil, fmt.Errorf("payload %s: %w", d, ErrHidden)
	}
	return s.Ledger.Payload(ctx, d)
}

// Entries is that of the ledger; what conclusions about findings quoted is
// withheld, if anything is hidden. The lines are as they were.
func (s *Source) Entries(ctx context.Context, from, to int64, types ...evidence.EntryType) iter.Seq2[evidence.Entry, error] {
	return func(yield func(evidence.Entry, error) bool) {
		for e, err := range s.Ledger.Entries(ctx, from, to, types...) {
			if err == nil && e.Type == evidence.EntryFinding && len(s.hidden) > 0 {
				e.Body, err = withoutCauses(e.Body)
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// withoutCauses is the body of a finding's entry without texts that an
// assessment's reasons went into.
func withoutCauses(body []byte) (json.RawMessage, error) {
	events, err := finding.ParseBody(body)
	if err != nil {
		return nil, err
	}
	for i := range events {
		events[i].Cause = Withheld
		if f := events[i].Facts; f != nil {
			f.GradeReason, f.Owner, f.OwnerFrom = "", "", ""
		}
	}
	if len(events) == 0 {
		return body, nil
	}
	bodies, err := finding.Bodies(events)
	if err != nil {
		return nil, err
	}
	if len(bodies) != 1 {
		return nil, fmt.Errorf("a finding's entry with %d events", len(events))
	}
	return bodies[0], nil
}
