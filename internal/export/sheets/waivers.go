package sheets

import (
	"context"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/export"
)

var waiversLayout = Layout{Name: "Waivers",
	About: "Deviations that somebody asked to accept, who decided what, and until when they hold.",
	Tab:   "9A7B4F", Large: true, Frozen: 1, Columns: tail(
		Column{"id", 18}, Column{"expectation", 28}, Column{"subject", 26}, Column{"reason", 44}, Column{"compensating control", 36},
		Column{"requested by", 28}, Column{"approved by", 28}, Column{"role", 20}, Column{"approved (UTC)", 18}, Column{"expires (UTC)", 18},
		Column{"days left", 9}, Column{"state", 11}, Column{"gap still open", 10}, Column{"rejected or revoked", 36})}

func waiverKinds() []string { return []string{"waiver.record"} }

var waiverStatus = map[export.WaiverState]assess.Status{
	export.WaiverRequested: assess.StatusPendingReview,
	export.WaiverActive:    assess.StatusWaived,
	export.WaiverLapsed:    assess.StatusStale,
	export.WaiverRejected:  assess.StatusNotAssessed,
	export.WaiverRevoked:   assess.StatusNotAssessed,
	export.WaiverInvalid:   assess.StatusFailing,
}

// waivers writes one row per waiver, whatever it is worth now.
func (b *Book) waivers(ctx context.Context, w Writer) error {
	people, err := b.directory(ctx)
	if err != nil {
		return err
	}
	return rows(b, w, waiversLayout, b.snap.Waivers, func(v *export.Waiver) error {
		at := item{digest: v.Evidence, kind: "waiver.record", key: v.ID, broken: v.Broken}
		if v.Broken != "" {
			return b.brokenRow(w, waiversLayout, at)
		}
		state := v.State(b.snap.AsOf)
		w.Key(v.ID)
		w.Text(v.ID)
		w.Text(v.Expectation)
		w.Text(v.Subject)
		w.Text(v.Reason)
		w.Text(v.Compensating)
		w.Text(people.label(v.RequestedBy))
		w.Text(people.label(v.ApprovedBy))
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
		w.Text(ended(v, state))
		return b.shown(w, at)
	}, "waiver.record")
}

// ended says who turned a waiver down or ended it, when and why.
func ended(v *export.Waiver, state export.WaiverState) string {
	switch state {
	case export.WaiverRejected:
		return joined(", ", joined(" ", "rejected by", v.RejectedBy), onDay(v.RejectedAt), v.Because)
	case export.WaiverRevoked:
		return joined(", ", joined(" ", "revoked by", firstOf(v.RevokedBy, "nobody named")), onDay(v.RevokedAt), v.Because)
	}
	return ""
}

// stillOpen reports whether a result that the waiver is about is not satisfied.
func (b *Book) stillOpen(w *export.Waiver) bool {
	return slices.ContainsFunc(b.snap.Assessment.Results, func(r *assess.Result) bool {
		about := r.Expectation == w.Expectation &&
			(w.Subject == "" || w.Subject == "* *" || w.Subject == r.Subject.ID || w.Subject == r.Subject.Type+" "+r.Subject.ID || w.Subject == r.Subject.Type+" *")
		return (about || w.ID != "" && r.Waiver == w.ID) && (shortfall(r) || r.Status == assess.StatusWaived)
	})
}
