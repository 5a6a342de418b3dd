package sheets

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/finding"
)

var summaryLayout = Layout{Name: "Summary", Tab: "22384F", Large: true, Upright: true,
	About:   "Where things stand, in numbers and pictures: status by area, age of what decided, findings over time.",
	Columns: []Column{{"key", 40}, {"1", 13}, {"2", 13}, {"3", 13}, {"4", 13}, {"5", 13}, {"6", 13}, {"7", 13}, {"8", 13}, {"9", 13}, {"10", 13}}}

// summary is the second page: counts, as tables and as pictures of them.
func (b *Book) summary(context.Context) ([]Block, error) {
	out := []Block{
		{Kind: BlockTitle, Text: "Summary"},
		{Kind: BlockNote, Text: "Counts of controls, results and findings at one instant. They are counts of evidence statuses; no mean, share or score is made of them."},
	}
	for i, c := range []Chart{b.byStatus(), b.byArea(), b.resultsByArea(), b.freshness(), b.overTime()} {
		out = append(out, Block{Kind: BlockChart, Chart: &c, Breaks: i == 2}) // controls on one page, results and findings on another
	}
	return out, nil
}

// statusColor is the colour of a status where a bar of it stands without the
// word: of the hue of its cells. In a grey print, neighbours differ, and
// satisfied differs from all that is not.
func statusColor(st assess.Status) string {
	return map[assess.Status]string{
		assess.StatusSatisfied: "CDEBDD", assess.StatusFailing: "B3361B", assess.StatusMissing: "E8A33D", assess.StatusNotAssessed: "7E868E",
		assess.StatusStale: "D9C22E", assess.StatusPendingReview: "8464BE", assess.StatusDue: "9CC6EE", assess.StatusWaived: "8A6A45",
		assess.StatusNotApplicable: "C2C7CC",
	}[st]
}

// byStatus counts the controls of each status.
func (b *Book) byStatus() Chart {
	n := make(map[assess.Status]float64)
	for _, c := range b.snap.Assessment.Controls {
		n[known(c.Status)]++
	}
	out := Chart{Title: "Controls by status", Kind: ChartColumns, Category: "status", About: "How many clauses and controls have each status."}
	one := Series{Name: "controls", Color: "22384F"}
	for _, l := range Looks() {
		out.Categories = append(out.Categories, string(l.Status))
		one.Values = append(one.Values, n[l.Status])
	}
	out.Series = []Series{one}
	return out
}

// byArea counts the controls of each area by status.
func (b *Book) byArea() Chart {
	out := Chart{Title: "Controls by area and status", Kind: ChartStackedBars, Category: "area",
		About: "For each chapter and each objective of Annex A, how many of its controls have each status."}
	return b.stacked(out, func(add func(area string, st assess.Status)) {
		for _, c := range b.snap.Assessment.Controls {
			add(b.areaOf(c.ID), c.Status)
		}
	})
}

// resultsByArea counts the results of each area by status.
func (b *Book) resultsByArea() Chart {
	out := Chart{Title: "Results by area and status", Kind: ChartStackedBars, Category: "area",
		About: "For each chapter and each objective of Annex A, how many results (one expectation, one subject) have each status."}
	return b.stacked(out, func(add func(area string, st assess.Status)) {
		for _, c := range b.snap.Assessment.Controls {
			for _, r := range b.results[c.ID] {
				add(b.areaOf(c.ID), r.Status)
			}
		}
	})
}

func (b *Book) areaOf(control string) string {
	return firstOf(b.snap.Controls[control].Area, "no area")
}

// stacked fills a chart of areas by status with what each adds to it.
func (b *Book) stacked(out Chart, each func(add func(area string, st assess.Status))) Chart {
	at := make(map[string]int)
	looks := Looks()
	for _, l := range looks {
		out.Series = append(out.Series, Series{Name: string(l.Status), Color: statusColor(l.Status)})
	}
	for _, c := range b.snap.Assessment.Controls { // areas in the order of the controls
		area := b.areaOf(c.ID)
		if _, ok := at[area]; !ok {
			at[area] = len(out.Categories)
			out.Categories = append(out.Categories, area)
		}
	}
	for i := range out.Series {
		out.Series[i].Values = make([]float64, len(out.Categories))
	}
	each(func(area string, st assess.Status) {
		i := slices.IndexFunc(looks, func(l Look) bool { return l.Status == known(st) })
		if i >= 0 {
			out.Series[i].Values[at[area]]++
		}
	})
	return out
}

// age is a bucket of the freshness chart, up to and with its limit.
type age struct {
	name  string
	limit time.Duration
}

func ages() []age {
	const day = 24 * time.Hour
	return []age{{"up to 7 days", 7 * day}, {"up to 30 days", 30 * day}, {"up to 90 days", 90 * day}, {"up to 365 days", 365 * day}, {"older", 1<<63 - 1}}
}

// freshness counts the results by the age of the event that decided them, and
// by that of the last complete collection.
func (b *Book) freshness() Chart {
	out := Chart{Title: "Age of what decided the results", Kind: ChartColumns, Category: "age at the as-of",
		About: "Results by the age of the event that decided them, and by the age of the last complete collection that they rest on. " +
			"A reading of a current state has no event; what nothing decided has neither."}
	for _, a := range ages() {
		out.Categories = append(out.Categories, a.name)
	}
	out.Categories = append(out.Categories, "none or unknown")
	event, read := make([]float64, len(out.Categories)), make([]float64, len(out.Categories))
	for _, r := range b.snap.Assessment.Results {
		if r.Status == assess.StatusNotApplicable {
			continue
		}
		event[b.bucket(b.happened(r))]++
		read[b.bucket(r.CollectedAt)]++
	}
	out.Series = []Series{{"event that decided", "22384F", event}, {"last complete collection", "E8A33D", read}}
	return out
}

// bucket is the index of the age of an instant; the last if there is none.
func (b *Book) bucket(t *time.Time) int {
	list := ages()
	if t == nil || t.IsZero() {
		return len(list)
	}
	for i, a := range list {
		if b.snap.AsOf.Sub(*t) <= a.limit {
			return i
		}
	}
	return len(list)
}

// maxMonths is how many months a chart of the period shows, the last ones.
const maxMonths = 24

// overTime counts the findings that were opened and resolved in each month, and
// those that were open at its end.
func (b *Book) overTime() Chart {
	months := b.months()
	out := Chart{Title: "Findings over time", Kind: ChartLines, Category: "month",
		About: fmt.Sprintf("Findings that were opened (or opened again) and resolved in each month, and open at its end, %s to %s. "+
			"A finding is opened by an assessment: before the first one there are none.",
			months[0].Format("2006-01"), months[len(months)-1].Format("2006-01"))}
	opened, resolved, open := make([]float64, len(months)), make([]float64, len(months)), make([]float64, len(months))
	in := func(t time.Time) int {
		return slices.IndexFunc(months, func(m time.Time) bool { return !t.Before(m) && t.Before(m.AddDate(0, 1, 0)) })
	}
	for _, l := range b.snap.Lives {
		for _, e := range l.History {
			i := in(e.At)
			if i < 0 {
				continue
			}
			switch e.Type {
			case finding.Opened, finding.Reopened:
				opened[i]++
			case finding.Resolved:
				resolved[i]++
			}
		}
		for i, m := range months {
			if openAt(l, m.AddDate(0, 1, 0)) {
				open[i]++
			}
		}
	}
	for _, m := range months {
		out.Categories = append(out.Categories, m.Format("2006-01"))
	}
	out.Series = []Series{{"opened", "B3361B", opened}, {"resolved", "2E7D5B", resolved}, {"open at the end", "22384F", open}}
	return out
}

// openAt reports whether a finding was open just before an instant.
func openAt(l *finding.Life, t time.Time) bool {
	open := false
	for _, e := range l.History {
		if !e.At.Before(t) {
			break
		}
		switch e.Type {
		case finding.Opened, finding.Reopened:
			open = true
		case finding.Resolved, finding.Waived:
			open = false
		}
	}
	return open
}

// months are the firsts of the months of the period, or of the twelve that end
// with the as-of.
func (b *Book) months() []time.Time {
	to := b.snap.AsOf.UTC()
	from := time.Date(to.Year(), to.Month()-11, 1, 0, 0, 0, 0, time.UTC)
	if p := b.snap.Period; p != nil {
		if p.To.Before(to) {
			to = p.To.UTC()
		}
		from = time.Date(p.From.UTC().Year(), p.From.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
	}
	last := time.Date(to.Year(), to.Month(), 1, 0, 0, 0, 0, time.UTC)
	if from.After(last) {
		from = last
	}
	var out []time.Time
	for m := from; !m.After(last); m = m.AddDate(0, 1, 0) {
		out = append(out, m)
	}
	if len(out) > maxMonths {
		out = out[len(out)-maxMonths:]
	}
	return out
}
