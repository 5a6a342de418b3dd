package xlsx

import (
	"context"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/export"
)

var waiversLayout = layout{name: "Waivers", tab: "9A7B4F", large: true, frozen: 1, columns: []column{
	{"id", 18}, {"expectation", 28}, {"subject", 26}, {"reason", 44}, {"compensating control", 36}, {"requested by", 20},
	{"approved by", 20}, {"role", 16}, {"approved (UTC)", 18}, {"expires (UTC)", 18}, {"days left", 9}, {"state", 11}, {"gap still open", 10},
}}

var waiverStatus = map[export.WaiverState]assess.Status{
	export.WaiverActive:  assess.StatusWaived,
	export.WaiverLapsed:  assess.StatusStale,
	export.WaiverRevoked: assess.StatusNotAssessed,
	export.WaiverInvalid: assess.StatusFailing,
}

// waivers writes one row per waiver, whatever it is worth now.
func (b *book) waivers(_ context.Context, s *sheet) error {
	for _, w := range b.snap.Waivers {
		state := w.State(b.snap.AsOf)
		s.text(w.ID)
		s.text(w.Expectation)
		s.text(w.Subject)
		s.text(w.Reason)
		s.text(w.Compensating)
		s.text(w.RequestedBy)
		s.text(w.ApprovedBy)
		s.text(w.ApproverRole)
		s.date(w.ApprovedAt)
		s.date(w.ExpiresAt)
		if state == export.WaiverActive {
			s.number(int(w.ExpiresAt.Sub(b.snap.AsOf).Hours() / 24))
		} else {
			s.blank()
		}
		s.styled(string(state), b.st.status[waiverStatus[state]])
		s.yes(b.stillOpen(w))
		if err := s.end(); err != nil {
			return err
		}
	}
	return nil
}

// stillOpen reports whether a result that the waiver is about is not satisfied.
func (b *book) stillOpen(w export.Waiver) bool {
	return slices.ContainsFunc(b.snap.Assessment.Results, func(r *assess.Result) bool {
		about := r.Expectation == w.Expectation &&
			(w.Subject == "" || w.Subject == r.Subject.ID || w.Subject == r.Subject.Type+" "+r.Subject.ID)
		return (about || w.ID != "" && r.Waiver == w.ID) && (shortfall(r) || r.Status == assess.StatusWaived)
	})
}
