package service

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
)

// WaiverRow is a waiver as it is printed.
type WaiverRow struct {
	people.Waiver
	State    string `json:"state"`
	DaysLeft *int   `json:"days_left,omitempty"`
	Origin   string `json:"source"`
}

// RowOfWaiver says what state a waiver is in, and for how long it is active.
func RowOfWaiver(w people.Waiver, now time.Time) WaiverRow {
	r := WaiverRow{Waiver: w, State: w.State(now), Origin: w.Source}
	if r.State == people.WaiverActive {
		days := int(w.ExpiresAt.Sub(now).Hours() / 24)
		r.DaysLeft = &days
	}
	return r
}

// FindWaiver returns the waiver with an id, one made by command before others.
func (s *Service) FindWaiver(ctx context.Context, id string) (people.Waiver, error) {
	all, err := s.Waivers(ctx)
	if err != nil {
		return people.Waiver{}, err
	}
	var ids []string
	var found *people.Waiver
	for i := range all {
		ids = append(ids, all[i].ID)
		if all[i].ID == id && (found == nil || all[i].Source == people.Source) {
			found = &all[i]
		}
	}
	if found == nil {
		return people.Waiver{}, notFound(id, ids, "exhibit waive list shows them", "there is no waiver %q", id)
	}
	return *found, nil
}

// RequestWaiver puts a request on record. subject is type/id, or * for every
// subject; w says the rest.
func (d *Desk) RequestWaiver(ctx context.Context, w people.Waiver, subject string, end time.Time) (people.Waiver, error) {
	var err error
	if w.Subject, err = d.waivedSubject(ctx, w.Expectation, subject); err != nil {
		return w, err
	}
	all, err := EverOnRecord(ctx, d.s.store, people.KindWaiver, people.ParseWaiver,
		func(id string) people.Waiver { return people.Waiver{ID: id} })
	if err != nil {
		return w, err
	}
	made, rec, err := d.Policy.Request(d.Who, w, end, all, d.Now)
	if err != nil {
		return w, err
	}
	return made, d.byCommand(ctx, rec)
}

// WaiverStep is a step that a person takes on a waiver: people.Policy.Approve,
// Reject or Revoke.
type WaiverStep func(people.Policy, people.Person, people.Waiver, string, time.Time) (people.Waiver, evidence.Record, error)

// StepWaiver takes a step on a waiver.
func (d *Desk) StepWaiver(ctx context.Context, id, because string, do WaiverStep) (people.Waiver, error) {
	w, err := d.s.FindWaiver(ctx, id)
	if err != nil {
		return w, err
	}
	w, rec, err := do(d.Policy, d.Who, w, because, d.Now)
	if err != nil {
		return w, d.onWaiver(err, w)
	}
	return w, d.byCommand(ctx, rec)
}

// KnownExpectation refuses a slug that no expectation in force has.
func (s *Service) KnownExpectation(slug string) error {
	known, err := s.Slugs()
	if err != nil {
		return err
	}
	if slices.Contains(known, slug) {
		return nil
	}
	return notFound(slug, known, "exhibit catalog explain lists them", "no expectation is called %q", slug)
}

// waivedSubject checks that an expectation and a subject of its results exist.
func (d *Desk) waivedSubject(ctx context.Context, slug, subject string) (evidence.Subject, error) {
	var none evidence.Subject
	if err := d.s.KnownExpectation(slug); err != nil {
		return none, err
	}
	if subject == "*" {
		return evidence.Subject{Type: "*", ID: "*"}, nil
	}
	subjectType, id, ok := strings.Cut(subject, "/")
	if !ok || id == "" {
		return none, mistake("for example ai_system/claims-triage; exhibit findings names them", "subject %q is not type/id", subject)
	}
	a, err := d.s.Assess(ctx, d.Now)
	if err != nil {
		return none, err
	}
	var names []string
	for _, r := range a.Results {
		if r.Expectation != slug {
			continue
		}
		if r.Subject.Type == subjectType && r.Subject.ID == id {
			return r.Subject, nil
		}
		names = append(names, r.Subject.Type+"/"+r.Subject.ID)
	}
	return none, notFound(subject, names, "it has "+firstFew(names, 5), "%s has no result for %s", slug, subject)
}
