package people

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Waiver is an accepted deviation as it is on record.
type Waiver struct {
	ID                   string           `json:"waiver_id"`
	Expectation          string           `json:"expectation_slug"`
	Subject              evidence.Subject `json:"subject"` // type and id * for all
	Reason               string           `json:"reason,omitempty"`
	CompensatingControls string           `json:"compensating_controls,omitempty"`
	RiskRef              string           `json:"risk_ref,omitempty"`
	RequestedBy          string           `json:"requested_by,omitempty"`
	RequestedAccount     string           `json:"requested_account,omitempty"`
	RequestedAt          moment           `json:"requested_at,omitzero"`
	ApprovedBy           string           `json:"approved_by,omitempty"`
	ApprovedAccount      string           `json:"approved_account,omitempty"`
	ApprovedAt           moment           `json:"approved_at,omitzero"`
	ExpiresAt            moment           `json:"expires_at,omitzero"`
	RejectedBy           string           `json:"rejected_by,omitempty"`
	RejectedAt           moment           `json:"rejected_at,omitzero"`
	RejectedBecause      string           `json:"rejected_because,omitempty"`
	RevokedBy            string           `json:"revoked_by,omitempty"`
	RevokedAt            moment           `json:"revoked_at,omitzero"`
	RevokedBecause       string           `json:"revoked_because,omitempty"`

	Source string `json:"-"` // whose record it is: Source, the register, an import
}

// States of a waiver.
const (
	WaiverRequested = "requested"
	WaiverActive    = "active"
	WaiverLapsed    = "lapsed"
	WaiverRejected  = "rejected"
	WaiverRevoked   = "revoked"
	WaiverInvalid   = "invalid" // approved, but not by a second person, or without an end
)

// ParseWaiver reads a waiver from evidence of KindWaiver.
func ParseWaiver(e evidence.Evidence) (Waiver, error) {
	var w Waiver
	if err := json.Unmarshal(e.Payload, &w); err != nil {
		return w, fmt.Errorf("waiver %s: %w", e.Key, err)
	}
	w.Source = e.Source
	return w, nil
}

// State tells how a waiver stands at an instant. It counts from its approval to
// its end, both inclusive.
func (w Waiver) State(now time.Time) string {
	switch {
	case !w.RevokedAt.IsZero() && !w.RevokedAt.After(now):
		return WaiverRevoked
	case w.RejectedBy != "":
		return WaiverRejected
	case w.ApprovedBy == "" || w.ApprovedAt.IsZero() || w.ApprovedAt.After(now):
		return WaiverRequested
	case Same(w.ApprovedBy, w.RequestedBy) || w.ExpiresAt.IsZero() || w.ExpiresAt.Sub(w.ApprovedAt.Time) > DefaultMaxWaiver:
		return WaiverInvalid
	case w.ExpiresAt.Before(now):
		return WaiverLapsed
	}
	return WaiverActive
}

// Request asks for a waiver. Expectation and Subject must exist: the caller
// has checked them. The id is the next free one of the year.
func (p Policy) Request(who Person, w Waiver, expires time.Time, onRecord []Waiver, now time.Time) (Waiver, evidence.Record, error) {
	if err := active(who); err != nil {
		return w, evidence.Record{}, err
	}
	for _, need := range []struct{ name, value string }{
		{"--reason", w.Reason}, {"--compensating", w.CompensatingControls},
	} {
		if blank(need.value) {
			return w, evidence.Record{}, unfit("a waiver says why the gap is accepted and what is done instead", "%s is empty", need.name)
		}
	}
	if err := p.checkEnd(expires, now); err != nil {
		return w, evidence.Record{}, err
	}
	w.ID = nextID(fmt.Sprintf("W-%d-", now.UTC().Year()), onRecord, func(w Waiver) string { return w.ID })
	w.RequestedBy, w.RequestedAccount, w.RequestedAt, w.ExpiresAt, w.Source = who.ID, who.Account, at(now), at(expires), Source
	rec, err := w.record()
	return w, rec, err
}

func (p Policy) checkEnd(expires, now time.Time) error {
	switch longest := p.maxWaiver(); {
	case !expires.After(now):
		return unfit("choose a time to come", "it would end at %s, which is past", expires.UTC().Format(time.RFC3339))
	case expires.Sub(now) > longest:
		last := now.Add(longest).UTC()
		return unfit(fmt.Sprintf("the latest end from now is %s; the latest whole day %s", last.Format(time.RFC3339), lastDay(last).Format(time.DateOnly)),
			"it would last until %s, longer than %s", expires.UTC().Format(time.RFC3339), days(longest))
	}
	return nil
}

// lastDay is the last day that is over by an instant.
func lastDay(t time.Time) time.Time {
	return t.Add(time.Second).Truncate(24 * time.Hour).Add(-time.Second)
}

func days(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
	return d.String()
}

// Approve accepts the deviation from now on.
func (p Policy) Approve(who Person, w Waiver, now time.Time) (Waiver, evidence.Record, error) {
	if err := w.undecided(now); err != nil {
		return w, evidence.Record{}, err
	}
	if err := p.may(who, ActWaiver, []Hand{{w.RequestedBy, w.RequestedAccount, Began}}); err != nil {
		return w, evidence.Record{}, err
	}
	if err := p.checkEnd(w.ExpiresAt.Time, now); err != nil {
		return w, evidence.Record{}, err
	}
	w.ApprovedBy, w.ApprovedAccount, w.ApprovedAt = who.ID, who.Account, at(now)
	rec, err := w.record()
	return w, rec, err
}

// Reject turns a request down.
func (p Policy) Reject(who Person, w Waiver, because string, now time.Time) (Waiver, evidence.Record, error) {
	if err := w.undecided(now); err != nil {
		return w, evidence.Record{}, err
	}
	if err := p.may(who, ActWaiver, []Hand{{w.RequestedBy, w.RequestedAccount, Began}}); err != nil {
		return w, evidence.Record{}, err
	}
	if blank(because) {
		return w, evidence.Record{}, refuse("say why with --because", "a rejection without a reason helps nobody")
	}
	w.RejectedBy, w.RejectedAt, w.RejectedBecause = who.ID, at(now), because
	rec, err := w.record()
	return w, rec, err
}

// Revoke ends a waiver early. One person is enough: it accepts no deviation.
func (p Policy) Revoke(who Person, w Waiver, because string, now time.Time) (Waiver, evidence.Record, error) {
	if err := active(who); err != nil {
		return w, evidence.Record{}, err
	}
	if err := w.ours(); err != nil {
		return w, evidence.Record{}, err
	}
	switch state := w.State(now); state {
	case WaiverRejected, WaiverRevoked, WaiverLapsed:
		return w, evidence.Record{}, refuse("nothing is left to do", "waiver %s is %s", w.ID, state)
	}
	if blank(because) {
		return w, evidence.Record{}, refuse("say why with --because", "a revocation without a reason helps nobody")
	}
	w.RevokedBy, w.RevokedAt, w.RevokedBecause = who.ID, at(now), because
	rec, err := w.record()
	return w, rec, err
}

func (w Waiver) undecided(now time.Time) error {
	if err := w.ours(); err != nil {
		return err
	}
	if state := w.State(now); state != WaiverRequested {
		return refuse("ask for a new one: exhibit waive request", "waiver %s is %s, not a request", w.ID, state)
	}
	return nil
}

// ours refuses what another source declared: it is changed there.
func (w Waiver) ours() error {
	if w.Source != Source {
		return refuse("change it there and collect", "waiver %s comes from %s", w.ID, w.Source)
	}
	return nil
}

func (w Waiver) record() (evidence.Record, error) {
	return record(KindWaiver, evidence.Subject{Type: "record", ID: w.ID}, w.ID, w.ApprovedAt.Time, w)
}

// nextID gives prefix and the first number that is free, two digits at least.
func nextID[T any](prefix string, taken []T, id func(T) string) string {
	for n := 1; ; n++ {
		next := fmt.Sprintf("%s%02d", prefix, n)
		if !slices.ContainsFunc(taken, func(t T) bool { return id(t) == next }) {
			return next
		}
	}
}
