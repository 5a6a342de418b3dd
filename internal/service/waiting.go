package service

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/people"
)

// What waits for a second person.
const (
	WaitingWaiver    = "waiver"
	WaitingStatement = "statement of applicability"
	WaitingUpload    = "evidence handed in"
	WaitingCase      = "shadow AI decision"
)

// Waiting is something that one person began and another one has to decide on.
type Waiting struct {
	What    string    `json:"what"`
	ID      string    `json:"id"`
	Title   string    `json:"title"`
	By      string    `json:"by"`      // who began it, and cannot be the second person
	Account string    `json:"account"` // under which
	Since   time.Time `json:"since,omitzero"`
}

// EndingWaiver is a waiver that covers something and is about to end.
type EndingWaiver struct {
	people.Waiver
	Ends time.Time
}

// AwaitsSecond lists what waits for a second person now, what waits longest
// first.
func (s *Service) AwaitsSecond(ctx context.Context) ([]Waiting, error) {
	now := s.clock()
	var out []Waiting
	waivers, err := s.Waivers(ctx)
	if err != nil {
		return nil, err
	}
	for _, w := range waivers {
		if w.State(now) == people.WaiverRequested {
			out = append(out, Waiting{WaitingWaiver, w.ID, w.Expectation + " for " + w.Subject.Type + "/" + w.Subject.ID, w.RequestedBy, w.RequestedAccount, w.RequestedAt.Time})
		}
	}
	statements, err := s.Statements(ctx)
	if err != nil {
		return nil, err
	}
	inForce, _ := people.InForce(statements, now)
	for _, st := range statements {
		if st.ApprovedBy == "" && st.ProposedAt.After(inForce.ApprovedAt.Time) {
			out = append(out, Waiting{WaitingStatement, st.Version, "version " + st.Version, st.ProposedBy, st.ProposedAccount, st.ProposedAt.Time})
		}
	}
	pile, err := s.Pile(ctx)
	if err != nil {
		return nil, err
	}
	for _, h := range pile {
		if h.State == "pending" {
			account := ""
			if h.Upload != nil {
				account = h.Upload.UploaderAccount
			}
			out = append(out, Waiting{WaitingUpload, h.ID, h.What, h.By, account, h.At})
		}
	}
	decisions, err := s.CaseDecisions(ctx)
	if err != nil {
		return nil, err
	}
	for _, d := range decisions {
		if d.NeedsSecond() && d.ApprovedBy == "" {
			out = append(out, Waiting{WaitingCase, d.ID, d.Decision + ": " + cmp.Or(d.Title, d.Case), d.DecidedBy, d.DecidedAccount, d.DecidedAt.Time})
		}
	}
	slices.SortStableFunc(out, func(x, y Waiting) int { return x.Since.Compare(y.Since) })
	return out, nil
}

// WaiversEnding lists the waivers in force whose end is not further off than
// within, the soonest first.
func (s *Service) WaiversEnding(ctx context.Context, within time.Duration) ([]EndingWaiver, error) {
	now := s.clock()
	all, err := s.Waivers(ctx)
	if err != nil {
		return nil, err
	}
	var out []EndingWaiver
	for _, w := range all {
		if w.State(now) == people.WaiverActive && w.ExpiresAt.Sub(now) <= within {
			out = append(out, EndingWaiver{w, w.ExpiresAt.Time})
		}
	}
	slices.SortStableFunc(out, func(x, y EndingWaiver) int { return x.Ends.Compare(y.Ends) })
	return out, nil
}
