package sheets

import (
	"context"
	"maps"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/finding"
)

var resultsLayout = Layout{Name: "Results",
	About: "One row per expectation and subject: what was expected, what was seen, why it has its status.",
	Tab:   "3E6A94", Large: true, Frozen: 2, Columns: []Column{
		{"requirement", 11}, {"expectation", 26}, {"what is expected", 64}, {"severity", 11}, {"subject type", 13}, {"subject", 26},
		{"subject name", 22}, {"tier", 9}, {"status", 14}, {"reason", 42}, {"underlying status", 14}, {"event time (UTC)", 18},
		{"age, days", 8}, {"window, days", 8}, {"last complete collection (UTC)", 18}, {"collection age, hours", 10}, {"due at (UTC)", 18},
		{"evidence", 24}, {"evidence items", 9}, {"waiver", 14}, {"finding", 16}, {"late capture", 8}, {"owner", 18}, {"next step", 34}, {"rule version", 10},
		{"thresholds", 40}, {"whose rule", 22},
	}}

// maxListed is how many evidence ids a result's cell lists; the bundle's
// assessment.json has them all.
const maxListed = 4

// ordered yields the results in the order of the controls.
func (b *Book) ordered() []*assess.Result {
	by := maps.Clone(b.results)
	out := make([]*assess.Result, 0, len(b.snap.Assessment.Results))
	for _, c := range b.snap.Assessment.Controls {
		out = append(out, by[c.ID]...)
		delete(by, c.ID)
	}
	for _, id := range sortedKeys(by) {
		out = append(out, by[id]...)
	}
	return out
}

// resultRows writes one row per expectation and subject.
func (b *Book) resultRows(_ context.Context, w Writer) error {
	first := make(map[string]bool)
	for _, r := range b.ordered() {
		id, life := b.findingOf(r)
		if !first[r.Control] || life != nil {
			first[r.Control] = true
			w.Key(id)
		}
		b.resultRow(w, r, life)
		if err := w.End(); err != nil {
			return err
		}
		b.Counts.Results++
	}
	return nil
}

// resultRef leads to the row of a result that is the first of its control, or
// that there is a finding of.
func resultRef(r *assess.Result) Ref {
	return Ref{resultsLayout.Name, assess.FindingID(r.Expectation, r.Subject)}
}

// findingOf returns the id of the finding that a result is, or would be, and
// its life if it has one that is not over.
func (b *Book) findingOf(r *assess.Result) (string, *finding.Life) {
	id := assess.FindingID(r.Expectation, r.Subject)
	l := b.lives[id]
	if l == nil || l.State == finding.Concluded {
		return id, nil
	}
	return id, l
}

func (b *Book) resultRow(w Writer, r *assess.Result, life *finding.Life) {
	rule, sys := b.snap.Expectations[r.Expectation], b.subjectSystem(r)
	w.Code(r.Control)
	w.Text(r.Expectation)
	w.Text(firstOf(rule.Statement, rule.Title))
	w.Text(r.Severity)
	w.Text(r.Subject.Type)
	w.Text(r.Subject.ID)
	w.Text(sys.Name)
	w.Text(firstOf(r.Tier, sys.Tier))
	w.Status(r.Status)
	w.Text(r.Reason)
	if r.Underlying != "" {
		w.Status(r.Underlying)
	} else {
		w.Blank()
	}
	datep(w, b.happened(r))
	b.age(w, b.happened(r), 24*time.Hour)
	if rule.Window > 0 {
		w.Decimal(rule.Window.Hours() / 24)
	} else {
		w.Blank()
	}
	datep(w, r.CollectedAt)
	b.age(w, r.CollectedAt, time.Hour)
	datep(w, r.DueAt)
	b.evidenceLink(w, r)
	w.Number(int64(len(r.Evidence)))
	if r.Waiver != "" {
		w.Link(r.Waiver, Ref{waiversLayout.Name, r.Waiver})
	} else {
		w.Blank()
	}
	switch {
	case life == nil:
		w.Blank()
	case life.State.IsOpen():
		w.Link(life.ID, Ref{gapsLayout.Name, life.ID})
	default:
		w.Text(life.ID + " " + string(life.State))
	}
	if r.LateCapture {
		w.Text("Y")
	} else {
		w.Blank()
	}
	w.Text(r.Owner)
	w.Text(r.Remedy)
	w.Text(rule.Version)
	w.Text(rule.Thresholds)
	w.Text(rule.Whose)
}

// happened is the event that decided a result. A rule that judges the as-of
// itself, such as that nothing is overdue now, has none.
func (b *Book) happened(r *assess.Result) *time.Time {
	if r.EventTime != nil && r.EventTime.Equal(b.snap.AsOf) {
		return nil
	}
	return r.EventTime
}

// evidenceLink lists the evidence ids, leading to the row of the first.
func (b *Book) evidenceLink(w Writer, r *assess.Result) {
	if len(r.Evidence) == 0 {
		w.Blank()
		return
	}
	var text strings.Builder
	for i, d := range r.Evidence {
		if i == maxListed {
			text.WriteString(" \u2026")
			break
		}
		if i > 0 {
			text.WriteByte(' ') // a line break inside a link is not shown everywhere
		}
		text.WriteString(d.String()[:16])
	}
	w.Link(text.String(), evidenceRef(r.Evidence[0]))
}

// age writes how old an instant was at the as-of, in units.
func (b *Book) age(w Writer, t *time.Time, unit time.Duration) {
	if t == nil || t.IsZero() {
		w.Blank()
		return
	}
	w.Decimal(float64(b.snap.AsOf.Sub(*t)) / float64(unit))
}

// subjectSystem is the registered system that a result is about, if it is one,
// or the only one that it concerns.
func (b *Book) subjectSystem(r *assess.Result) export.System {
	if r.Subject.Type == "ai_system" {
		return b.system(r.Subject.ID)
	}
	if len(r.Systems) == 1 {
		return export.System{Tier: b.system(r.Systems[0]).Tier}
	}
	return export.System{}
}

func (b *Book) system(id string) export.System {
	for _, s := range b.snap.Systems {
		if s.ID == id {
			return s
		}
	}
	return export.System{}
}

func firstOf(s ...string) string {
	for _, v := range s {
		if v != "" {
			return v
		}
	}
	return ""
}
