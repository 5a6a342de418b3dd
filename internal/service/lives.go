package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/finding"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// findingsLock is held by whoever adds to the lives of findings, so that of two
// who assess at the same time one goes on from what the other left.
const findingsLock = "findings"

// RecordAssessment appends an entry that names what an assessment was made
// from and what it found. One as of now opens, changes and resolves findings:
// their entry comes before it, in the same transaction. One of the past, or
// one that another has overtaken, leaves them as they are.
func (s *Service) RecordAssessment(ctx context.Context, a *assess.Assessment, asOfNow bool) error {
	_, err := s.recordAssessment(ctx, a, asOfNow)
	return err
}

func (s *Service) recordAssessment(ctx context.Context, a *assess.Assessment, asOfNow bool) (store.Receipt, error) {
	now := s.clock()
	leave, err := s.wait(ctx, findingsLock)
	if err != nil {
		return store.Receipt{}, fmt.Errorf("the assessment was not recorded: %w", err)
	}
	defer leave()
	var entries []store.NewEntry
	var states map[finding.State]int
	if asOfNow {
		if entries, states, err = s.updateFindings(ctx, a, now); err != nil {
			return store.Receipt{}, err
		}
	}
	body, err := assessmentBody(a, states)
	if err != nil {
		return store.Receipt{}, err
	}
	entries = append(entries, store.NewEntry{Type: evidence.EntryAssessment, At: now.UTC(), Body: body})
	receipt, err := s.store.Append(ctx, store.Batch{Entries: entries})
	if errors.Is(err, store.ErrLocked) {
		err = fmt.Errorf("the assessment was not recorded: %w", err)
	}
	return receipt, err
}

// updateFindings returns the entries that an assessment as of now adds to the
// lives of findings, and how many are in each state after it.
func (s *Service) updateFindings(ctx context.Context, a *assess.Assessment, now time.Time) ([]store.NewEntry, map[finding.State]int, error) {
	s.ledgerLives.Lock()
	defer s.ledgerLives.Unlock()
	if err := s.lives.Read(ctx, s.store, time.Time{}); err != nil {
		return nil, nil, err
	}
	p, err := FindingPolicy(ctx, s.Config(), s.store, now)
	if err != nil {
		return nil, nil, err
	}
	after, events, err := s.lives.With(a, p)
	if errors.Is(err, finding.ErrPast) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	entries, err := FindingEntries(events, now)
	return entries, countStates(after), err
}

// assessmentBody is the body of an assessment's entry. Only one that the lives
// of findings followed from says how many are in each state.
func assessmentBody(a *assess.Assessment, states map[finding.State]int) (json.RawMessage, error) {
	results, err := json.Marshal(a.Results)
	if err != nil {
		return nil, err
	}
	statuses := map[string]assess.Status{}
	for _, c := range a.Controls {
		statuses[c.ID] = c.Status
	}
	body := map[string]any{
		"as_of":      a.AsOf,
		"checkpoint": a.Checkpoint,
		"catalog":    a.Catalog,
		"results":    map[string]any{"count": len(a.Results), "sha256": evidence.Sum(results)},
		"controls":   statuses,
	}
	if states != nil {
		body["findings"] = states
	}
	return json.Marshal(body)
}

// countStates counts lives by state, so that an assessment's entry says what
// was open after it.
func countStates(b *finding.Book) map[finding.State]int {
	out := map[finding.State]int{finding.Open: 0}
	for _, l := range b.Lives() {
		out[l.State]++
	}
	return out
}
