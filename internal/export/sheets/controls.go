package sheets

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

var controlsLayout = Layout{Name: "Control status",
	About: "One row per clause and Annex A control: status, counts, suggested grade, and room for the auditor's note and conclusion.",
	Tab:   "22384F", Large: true, Frozen: 2, Columns: []Column{
		{"id", 9}, {"title", 34}, {"area", 20}, {"lifecycle stages", 16}, {"applicable", 10}, {"justification", 26}, {"status", 14},
		{"reason", 34}, {"n satisfied", 10}, {"n applicable", 10}, {"failing", 8}, {"missing", 8}, {"not assessed", 9}, {"stale", 7},
		{"pending", 8}, {"due", 6}, {"waived", 8}, {"highest open severity", 12}, {"suggested grade", 26}, {"owner", 20},
		{"first operating record", 18}, {"last event", 18}, {"next due", 18}, {"auditor note", 26}, {"auditor conclusion", 12},
	}}

// conclusions are what an auditor can choose from.
func conclusions() *Choices {
	return &Choices{Column: len(controlsLayout.Columns) - 1, Values: []string{"C", "Minor", "Major", "OFI", "NA"}, Title: "Auditor's conclusion",
		About: "C conform, Minor, Major, OFI opportunity for improvement, NA not audited"}
}

// controls writes one row per clause and control.
func (b *Book) controls(_ context.Context, w Writer) error {
	gaps := make(map[string]string) // the most urgent finding of a control
	for _, l := range b.openLives() {
		if gaps[l.Control] == "" {
			gaps[l.Control] = l.ID
		}
	}
	grades := b.suggestions()
	for _, c := range b.snap.Assessment.Controls {
		about, of := b.snap.Controls[c.ID], b.standing(b.results[c.ID])
		w.Key(c.ID)
		if results := b.results[c.ID]; len(results) > 0 {
			w.Link(c.ID, resultRef(results[0]))
		} else {
			w.Text(c.ID)
		}
		w.Text(c.Title)
		w.Text(about.Area)
		w.List(about.Stages)
		w.Yes(c.Applicable)
		w.Text(about.Justification)
		w.Status(c.Status)
		w.Text(c.Reason)
		w.Number(int64(c.Satisfied))
		w.Number(int64(c.Total))
		for _, st := range []assess.Status{assess.StatusFailing, assess.StatusMissing, assess.StatusNotAssessed, assess.StatusStale,
			assess.StatusPendingReview, assess.StatusDue, assess.StatusWaived} {
			w.Number(int64(c.Counts[st]))
		}
		if id := gaps[c.ID]; id != "" {
			w.Link(of.severity, Ref{gapsLayout.Name, id})
		} else {
			w.Text(of.severity)
		}
		w.Text(grades[c.ID])
		w.List(of.owners)
		if b.snap.Redaction.Omitted(evidenceLayout.Name) {
			w.Text(unknown)
		} else {
			w.Date(b.operated[c.ID])
		}
		w.Date(of.last)
		w.Date(of.due)
		w.Input()
		w.Input()
		if err := w.End(); err != nil {
			return err
		}
		b.Counts.Controls++
	}
	return nil
}

// standing is what the results of a control come to, beside their status.
type standing struct {
	severity  string
	owners    []string
	last, due time.Time
}

var severityRank = map[string]int{"major": 3, "minor": 2, "observation": 1}

// shortfall reports whether a result is a shortfall that somebody has to act on.
func shortfall(r *assess.Result) bool {
	switch r.Status {
	case assess.StatusSatisfied, assess.StatusNotApplicable, assess.StatusWaived:
		return false
	}
	return true
}

func (b *Book) standing(results []*assess.Result) standing {
	var st standing
	for _, r := range results {
		if at := b.happened(r); at != nil && at.After(st.last) {
			st.last = *at
		}
		if r.Status == assess.StatusDue && r.DueAt != nil && (st.due.IsZero() || r.DueAt.Before(st.due)) {
			st.due = *r.DueAt
		}
		if !shortfall(r) {
			continue
		}
		if severityRank[r.Severity] > severityRank[st.severity] {
			st.severity = r.Severity
		}
		if r.Owner != "" && !slices.Contains(st.owners, r.Owner) {
			st.owners = append(st.owners, r.Owner)
		}
	}
	slices.Sort(st.owners)
	return st
}

// gradeNames are suggested grades as the sheet writes them, the worst last.
var gradeNames = []struct{ grade, name string }{{"observation", "OFI"}, {"minor", "Minor"}, {"major", "Major"}}

// suggestions are the grades that an auditor might start from, by control: the
// worst of those that its findings have in Gaps, with the reason. The auditor
// decides.
func (b *Book) suggestions() map[string]string {
	worst, out := make(map[string]int), make(map[string]string)
	for _, f := range assess.Findings(b.snap.Assessment) {
		for rank, g := range gradeNames {
			if f.Grade == g.grade && rank+1 > worst[f.Control] {
				worst[f.Control] = rank + 1
				out[f.Control] = g.name + ": " + f.GradeReason + ", " + f.Expectation
			}
		}
	}
	return out
}

// openBySystem counts the open findings that concern each system, as Gaps
// lists them.
func (b *Book) openBySystem() map[string]int {
	out := make(map[string]int)
	for _, l := range b.openLives() {
		for _, id := range l.Systems {
			out[id]++
		}
		if l.Subject.Type == "ai_system" && !slices.Contains(l.Systems, l.Subject.ID) {
			out[l.Subject.ID]++
		}
	}
	return out
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
