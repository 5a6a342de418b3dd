package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/evaluate"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/finding"
	"github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// lifeBook is the lives of findings as a ledger has them.
type lifeBook struct{ evaluate.Lives }

// read takes the entries that came after those read before. Of an instant that
// is not zero, what happened later is left out.
func (b *lifeBook) read(ctx context.Context, st store.Store, until time.Time) error {
	return b.Read(ctx, st, until)
}

// with returns the lives as they are after an assessment, and the events that
// it adds to them.
func (b *lifeBook) with(a *assess.Assessment, p finding.Policy) (*finding.Book, []finding.Event, error) {
	return b.With(a, p)
}

// findingEntries makes the ledger entries of events.
func findingEntries(events []finding.Event, now time.Time) ([]store.NewEntry, error) {
	bodies, err := finding.Bodies(events)
	if err != nil {
		return nil, err
	}
	out := make([]store.NewEntry, len(bodies))
	for i, b := range bodies {
		out[i] = store.NewEntry{Type: evidence.EntryFinding, At: now.UTC(), Body: b}
	}
	return out, nil
}

// recordAssessment appends an entry that names what an assessment was made
// from and what it found. One as of now opens, changes and resolves findings:
// their entry comes before it, in the same transaction. One of the past, or
// one that another has overtaken, leaves them as they are.
func (w *workplace) recordAssessment(ctx context.Context, a *assess.Assessment, asOfNow bool) error {
	now := time.Now()
	var entries []store.NewEntry
	var states map[finding.State]int
	if asOfNow {
		var err error
		if entries, states, err = w.updateFindings(ctx, a, now); err != nil {
			return err
		}
	}
	body, err := assessmentBody(a, states)
	if err != nil {
		return err
	}
	entries = append(entries, store.NewEntry{Type: evidence.EntryAssessment, At: now.UTC(), Body: body})
	_, err = w.store.Append(ctx, store.Batch{Entries: entries})
	if errors.Is(err, store.ErrLocked) {
		return fmt.Errorf("the assessment was not recorded: %w", err)
	}
	return err
}

// updateFindings returns the entries that an assessment as of now adds to the
// lives of findings, and how many are in each state after it.
func (w *workplace) updateFindings(ctx context.Context, a *assess.Assessment, now time.Time) ([]store.NewEntry, map[finding.State]int, error) {
	if err := w.lives.read(ctx, w.store, time.Time{}); err != nil {
		return nil, nil, err
	}
	p, err := findingPolicy(ctx, w.cfg, w.store, now)
	if err != nil {
		return nil, nil, err
	}
	after, events, err := w.lives.with(a, p)
	if errors.Is(err, finding.ErrPast) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	entries, err := findingEntries(events, now)
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

// findingPolicy is what the configuration and the register say about findings.
func findingPolicy(ctx context.Context, cfg *configfile.Config, st store.Store, now time.Time) (finding.Policy, error) {
	o, err := evaluate.ReadOwners(ctx, st, cfg.Findings.OwnerRole, evaluate.Span{AsOf: now})
	if err != nil {
		return finding.Policy{}, err
	}
	p := o.Policy(cfg.Findings.Due)
	p.Active = nil
	if cfg.Register != "" {
		if reg, err := register.Load(cfg.Register, register.Known{}); err == nil {
			p.Active = func(id string) bool {
				who, ok := reg.Person(id)
				return ok && who.IsActive()
			}
		}
	}
	return p, nil
}
