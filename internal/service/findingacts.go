package service

import (
	"context"
	"errors"
	"time"

	"github.com/exhibit-aims/exhibit/internal/finding"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Acknowledge puts on record that somebody has taken note of a finding.
func (d *Desk) Acknowledge(ctx context.Context, id, note string) (finding.Event, error) {
	return d.onFinding(ctx, id, func(l *finding.Life) (finding.Event, error) {
		return finding.Acknowledge(l, d.Who.ID, note, d.Now)
	})
}

// Assign makes an active person of the register the owner of a finding.
func (d *Desk) Assign(ctx context.Context, id, to, note string) (finding.Event, error) {
	owner, err := d.s.Person(to, "")
	if err != nil {
		return finding.Event{}, err
	}
	if err := mustBeActive(owner); err != nil {
		return finding.Event{}, err
	}
	return d.onFinding(ctx, id, func(l *finding.Life) (finding.Event, error) {
		return finding.Assign(l, to, d.Who.ID, note, d.Now)
	})
}

// Grade overrides the suggested grade of a finding, with the reason.
func (d *Desk) Grade(ctx context.Context, id, grade, because string) (finding.Event, error) {
	return d.onFinding(ctx, id, func(l *finding.Life) (finding.Event, error) {
		return finding.Grade(l, grade, d.Who.ID, because, d.Now)
	})
}

// Life returns the life of a finding as the ledger has it now. It is the
// caller's own.
func (s *Service) Life(ctx context.Context, id string) (*finding.Life, error) {
	s.ledgerLives.Lock()
	defer s.ledgerLives.Unlock()
	if err := s.lives.Read(ctx, s.store, time.Time{}); err != nil {
		return nil, err
	}
	l, ok := s.lives.Copy(id)
	if !ok {
		return nil, notFound(id, nil, "exhibit findings --state all lists them; exhibit assess records what is open now", "no finding %q is in the ledger", id)
	}
	return l, nil
}

// onFinding appends what a person does to a finding.
func (d *Desk) onFinding(ctx context.Context, id string, act func(*finding.Life) (finding.Event, error)) (finding.Event, error) {
	if err := mustBeActive(d.Who); err != nil {
		return finding.Event{}, err
	}
	leave, err := d.s.wait(ctx, findingsLock)
	if err != nil {
		return finding.Event{}, err
	}
	defer leave()
	l, err := d.s.Life(ctx, id)
	if err != nil {
		return finding.Event{}, err
	}
	e, err := act(l)
	if errors.Is(err, finding.ErrAct) {
		err = Mistake{err, "exhibit findings show ID shows how it stands"}
	}
	if err != nil {
		return e, err
	}
	e.Account = d.Who.Account
	entries, err := FindingEntries([]finding.Event{e}, d.Now)
	if err != nil {
		return e, err
	}
	_, err = d.s.store.Append(ctx, store.Batch{Entries: entries})
	return e, err
}

func mustBeActive(who people.Person) error {
	if who.Active {
		return nil
	}
	return mistake("name somebody who is", "%s is not active in the register", who.ID)
}
