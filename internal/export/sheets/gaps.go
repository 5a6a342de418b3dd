package sheets

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/finding"
)

var gapsLayout = Layout{Name: "Gaps",
	About: "One row per open finding: what falls short, since when, whose move it is, by when, and the next step. Which runs looked for what is missing is in Results.",
	Tab:   "B3361B", Large: true, Frozen: 1, Columns: []Column{
		{"finding id", 16}, {"requirement", 11}, {"expectation", 26}, {"subject type", 13}, {"subject", 28}, {"systems", 18}, {"status", 15},
		{"reason", 42}, {"severity", 11}, {"suggested grade", 11}, {"reason for the grade", 28}, {"graded by a person", 24}, {"opened (UTC)", 18},
		{"age, days", 7}, {"reopened", 9}, {"acknowledged (UTC)", 18}, {"acknowledged by", 16}, {"owner", 18}, {"owner known from", 12},
		{"next step", 40}, {"due (UTC)", 18}, {"overdue", 8}, {"ticket", 18},
	}}

// gaps writes one row per open finding, the most severe and most urgent first.
func (b *Book) gaps(_ context.Context, w Writer) error {
	now := make(map[string]assess.Finding)
	for _, f := range assess.Findings(b.snap.Assessment) {
		now[f.ID] = f
	}
	open := b.openLives()
	if len(open) == 0 {
		return alone(w, gapsLayout, "none open", "No finding was open as of the snapshot: none was opened by an assessment, or all were resolved or are waived.")
	}
	for _, l := range open {
		b.gap(w, l, now[l.ID])
		if err := w.End(); err != nil {
			return err
		}
	}
	return nil
}

// openLives are the findings that somebody has to act on.
func (b *Book) openLives() []*finding.Life {
	var out []*finding.Life
	for _, l := range b.snap.Lives {
		if l.State.IsOpen() {
			out = append(out, l)
		}
	}
	due := func(l *finding.Life) time.Time {
		if l.DueAt == nil {
			return time.Unix(1<<40, 0)
		}
		return *l.DueAt
	}
	slices.SortStableFunc(out, func(x, y *finding.Life) int {
		return cmp.Or(cmp.Compare(severityRank[y.Severity], severityRank[x.Severity]), due(x).Compare(due(y)), cmp.Compare(x.Control, y.Control),
			cmp.Compare(x.Expectation, y.Expectation), cmp.Compare(x.Subject.ID, y.Subject.ID), cmp.Compare(x.ID, y.ID))
	})
	return out
}

// gap writes the row of a finding; f is what the assessment says of it now.
func (b *Book) gap(w Writer, l *finding.Life, f assess.Finding) {
	w.Key(l.ID)
	w.Link(l.ID, Ref{resultsLayout.Name, l.ID})
	w.Code(l.Control)
	w.Text(l.Expectation)
	w.Text(l.Subject.Type)
	w.Text(l.Subject.ID)
	w.List(l.Systems)
	w.Status(l.Status)
	w.Text(assess.Brief(firstOf(f.Reason, lastCause(l))))
	w.Text(l.Severity)
	w.Text(l.Grade)
	w.Text(firstOf(f.GradeReason, l.GradeReason))
	if j := l.Judged; j != nil {
		w.Text(fmt.Sprintf("%s, by %s %s: %s", j.Grade, j.By, j.At.UTC().Format(time.DateOnly), j.Because))
	} else {
		w.Blank()
	}
	w.Date(l.OpenedAt)
	w.Number(int64(b.snap.AsOf.Sub(l.Since()) / (24 * time.Hour)))
	w.Number(int64(len(l.ReopenedAt)))
	datep(w, l.AcknowledgedAt)
	w.Text(l.AcknowledgedBy)
	owner, from := l.OwnedBy()
	w.Text(firstOf(owner, "nobody is named"))
	w.Text(from)
	w.Text(nextStep(f))
	datep(w, l.DueAt)
	w.Yes(l.Overdue(b.snap.AsOf))
	w.Blank()
}

// nextStep is what to do about a finding. One that the assessment does not see
// any more is open until it can be told that it is over.
func nextStep(f assess.Finding) string {
	if f.ID == "" {
		return "Read all its sources completely: then it is resolved."
	}
	return f.NextStep
}

func lastCause(l *finding.Life) string {
	if len(l.History) == 0 {
		return ""
	}
	return l.History[len(l.History)-1].Cause
}
