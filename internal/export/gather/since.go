package gather

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Since compares the instant of an assessment with an earlier one. state holds
// what st holds; both instants are judged by its rules.
func Since(ctx context.Context, st Source, state *assess.State, a *assess.Assessment, from time.Time) (*export.Since, error) {
	after, err := state.Moment(a.AsOf, a.Checkpoint)
	if err != nil {
		return nil, fmt.Errorf("since: %w", err)
	}
	before, err := state.Moment(from, a.Checkpoint)
	if err != nil {
		return nil, fmt.Errorf("since: %w", err)
	}
	s := &export.Since{From: from, Delta: assess.Compare(before, after)}
	payload, err := ChangedPayloads(ctx, st, s.Delta.Records, a.Checkpoint.Size)
	if err != nil {
		return nil, fmt.Errorf("since: %w", err)
	}
	if err := s.Delta.Describe(payload); err != nil {
		return nil, fmt.Errorf("since: %w", err)
	}
	s.Rules, err = rulesBetween(ctx, st, a, from)
	return s, err
}

// ChangedPayloads reads the payloads of changed records below a ledger position;
// 0 means all.
func ChangedPayloads(ctx context.Context, st Source, records []assess.RecordChange, size int64) (func(evidence.Digest) (json.RawMessage, error), error) {
	found := map[evidence.Digest]json.RawMessage{}
	q := store.EvidenceQuery{Payloads: true, Before: size}
	for _, r := range records {
		if r.Before != nil && r.After != nil {
			found[*r.Before], found[*r.After] = nil, nil
			if !slices.Contains(q.Kinds, r.Kind) {
				q.Kinds = append(q.Kinds, r.Kind)
			}
		}
	}
	if len(found) > 0 {
		for ev, err := range st.Evidence(ctx, q) {
			if err != nil {
				return nil, err
			}
			if _, wanted := found[ev.Digest]; wanted {
				found[ev.Digest] = ev.Payload
			}
		}
	}
	return func(d evidence.Digest) (json.RawMessage, error) {
		payload, ok := found[d]
		if !ok {
			return nil, fmt.Errorf("evidence %s: %w", d, store.ErrNotFound)
		}
		return payload, nil
	}, nil
}

// rulesBetween holds the rules in force against those of the last assessment
// that was recorded by the earlier instant; nil if they are the same, or if
// none was.
func rulesBetween(ctx context.Context, st Source, a *assess.Assessment, from time.Time) (*export.RulesChange, error) {
	var before *export.RulesOf
	for e, err := range st.Entries(ctx, 0, a.Checkpoint.Size, evidence.EntryAssessment) {
		if err != nil {
			return nil, err
		}
		if e.At.After(from) {
			continue
		}
		var body struct {
			Catalog assess.CatalogRef `json:"catalog"`
		}
		if err := json.Unmarshal(e.Body, &body); err != nil {
			return nil, fmt.Errorf("entry %d: %w", e.Seq, err)
		}
		before = &export.RulesOf{At: e.At, Catalog: body.Catalog}
	}
	if before == nil || before.Catalog.Digest == a.Catalog.Digest {
		return nil, nil
	}
	return &export.RulesChange{Before: *before, After: export.RulesOf{At: a.AsOf, Catalog: a.Catalog}}, nil
}
