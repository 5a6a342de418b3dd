package sheets

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/export"
)

var populationsLayout = Layout{Name: "Populations",
	About: "One row per population: what an expectation was held against, how it was obtained, and how it is known to be whole.",
	Tab:   "3E6A94", Large: true, Frozen: 1, Columns: []Column{
		{"expectation", 30}, {"requirement", 11}, {"subject type", 14}, {"as of (UTC)", 18}, {"source query", 40}, {"items", 8}, {"ids sha256", 20},
		{"excluded", 9}, {"reasons", 32}, {"reconciled with", 28}, {"reconciled count", 14}, {"difference", 14}, {"canary", 20}, {"complete", 9},
		{"not covered", 30}, {"statement", 70}, {"seed for sampler", 20}, {"command", 52},
	}}

// unknown stands where a record does not say.
const unknown = "not established"

// populations writes one row per population, in the order of the expectations.
func (b *Book) populations(_ context.Context, w Writer) error {
	for i := range b.snap.Assessment.Populations {
		b.population(w, &b.snap.Assessment.Populations[i])
		if err := w.End(); err != nil {
			return err
		}
	}
	return nil
}

func (b *Book) population(w Writer, p *assess.Population) {
	w.Key(p.Expectation)
	w.Link(p.Expectation, Ref{itemsLayout.Name, p.Expectation})
	w.Code(b.controlOf(p.Expectation))
	w.Text(p.SubjectType)
	w.Date(b.snap.AsOf)
	w.List(perReading(p, false, func(r *assess.PopulationReading) string { return r.Kind + ": " + firstOf(r.Query, unknown) }))
	w.Number(int64(p.Count))
	w.Code(p.IDs.String())
	excluded, reasons := excluded(p)
	if excluded < 0 {
		w.Text(unknown)
	} else {
		w.Number(excluded)
	}
	w.List(reasons)
	w.List(perReading(p, false, func(r *assess.PopulationReading) string {
		if r.Independent == nil {
			return unknown
		}
		return "another count of " + r.Kind + " in " + r.Source
	}))
	b.counted(w, p, func(r *assess.PopulationReading) *int64 { return r.Independent })
	b.counted(w, p, func(r *assess.PopulationReading) *int64 { return r.Difference })
	w.List(perReading(p, true, func(r *assess.PopulationReading) string { return canary(r.Canary) }))
	w.Yes(p.Complete)
	w.List(p.NotCovered)
	w.Text(p.Statement)
	w.Code(b.seed())
	w.Text(fmt.Sprintf("exhibit sample %s --seed %s --as-of %s", p.Expectation, b.seed(), export.Time(b.snap.AsOf)))
}

// seed is what a draw depends on unless the auditor chooses another: the same
// snapshot gives the same draw.
func (b *Book) seed() string { return b.Digests.Snapshot.String()[:16] }

// controlOf is the control of an expectation.
func (b *Book) controlOf(slug string) string {
	i := slices.IndexFunc(b.snap.Assessment.Expectations, func(e assess.InForce) bool { return e.Slug == slug })
	if i < 0 {
		return ""
	}
	return b.snap.Assessment.Expectations[i].Control
}

// perReading says something of each reading that a population was made from,
// the same only once if it was asked for.
func perReading(p *assess.Population, once bool, say func(*assess.PopulationReading) string) []string {
	var out []string
	for i := range p.Readings {
		if v := say(&p.Readings[i]); !once || !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	if len(out) == 0 {
		return []string{unknown}
	}
	return out
}

// counted writes a number of each reading: as a number if there is one.
func (b *Book) counted(w Writer, p *assess.Population, of func(*assess.PopulationReading) *int64) {
	if len(p.Readings) == 1 {
		if n := of(&p.Readings[0]); n != nil {
			w.Number(*n)
			return
		}
	}
	w.List(perReading(p, false, func(r *assess.PopulationReading) string {
		if n := of(r); n != nil {
			return fmt.Sprintf("%s: %d", r.Kind, *n)
		}
		return unknown
	}))
}

// excluded counts the records that are not in a population, with the reasons;
// -1 if no complete run says what there was.
func excluded(p *assess.Population) (n int64, reasons []string) {
	for _, e := range p.Exclusions {
		n += int64(e.Count)
		reasons = append(reasons, fmt.Sprintf("%d of %s %s", e.Count, e.Kind, e.Reason))
	}
	if len(p.Exclusions) > 0 || slices.ContainsFunc(p.Readings, func(r assess.PopulationReading) bool { return r.Run != "" }) {
		return n, reasons
	}
	return -1, []string{unknown}
}

func canary(c assess.CanaryCheck) string {
	out := strings.ReplaceAll(string(c.Result), "_", " ")
	if len(c.Names) > 0 {
		out = strings.Join(c.Names, ", ") + " " + out
	}
	if c.Detail != "" {
		out += ": " + c.Detail
	}
	return out
}
