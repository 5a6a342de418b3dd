package sheets

import (
	"context"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/export"
)

var waiversLayout = Layout{Name: "Waivers",
	About: "Accepted deviations, who accepted them and until when.",
	Tab:   "9A7B4F", Large: true, Frozen: 1, Columns: []Column{
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
func (b *Book) waivers(_ context.Context, w Writer) error {
	for _, v := range b.snap.Waivers {
		state := v.State(b.snap.AsOf)
		w.Text(v.ID)
		w.Text(v.Expectation)
		w.Text(v.Subject)
		w.Text(v.Reason)
		w.Text(v.Compensating)
		w.Text(v.RequestedBy)
		w.Text(v.ApprovedBy)
		w.Text(v.ApproverRole)
		w.Date(v.ApprovedAt)
		w.Date(v.ExpiresAt)
		if state == export.WaiverActive {
			w.Number(int64(v.ExpiresAt.Sub(b.snap.AsOf).Hours() / 24))
		} else {
			w.Blank()
		}
		w.Mark(string(state), waiverStatus[state])
		w.Yes(b.stillOpen(v))
		if err := w.End(); err != nil {
			return err
		}
	}
	return nil
}

// stillOpen reports whether a result that the waiver is about is not satisfied.
func (b *Book) stillOpen(w export.Waiver) bool {
	return slices.ContainsFunc(b.snap.Assessment.Results, func(r *assess.Result) bool {
		about := r.Expectation == w.Expectation &&
			(w.Subject == "" || w.Subject == r.Subject.ID || w.Subject == r.Subject.Type+" "+r.Subject.ID)
		return (about || w.ID != "" && r.Waiver == w.ID) && (shortfall(r) || r.Status == assess.StatusWaived)
	})
}
