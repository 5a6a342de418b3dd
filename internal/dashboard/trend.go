package dashboard

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/finding"
	"github.com/exhibit-aims/exhibit/internal/service"
)

// trend is how many findings were open over the last weeks, day by day.
type trend struct {
	Days  []trendDay // the oldest first; the last one is the instant of the view
	Top   int        // the upper end of the axis
	Marks []int      // of the axis
}

type trendDay struct {
	At             time.Time
	Open, Severe   int // of which major
	Opened, Closed int // since the day before
}

// trendDays is how far back the drawing goes.
const trendDays = 84

// trend follows the lives of findings. It is nil if nothing was ever open.
func (p *prepared) trend() *trend {
	return once(p, "trend", func(v *service.View) *trend {
		end := v.Assessment.AsOf
		t := &trend{Days: make([]trendDay, trendDays+1)}
		for i := range t.Days {
			t.Days[i].At = end.AddDate(0, 0, i-trendDays)
		}
		any := false
		for i := range v.Findings {
			life, ok := v.Life(v.Findings[i].ID)
			if !ok {
				continue
			}
			for _, s := range openSpans(life, end) {
				any = true
				t.add(s, life.Severity == "major")
			}
		}
		if !any {
			return nil
		}
		for _, d := range t.Days {
			t.Top = max(t.Top, d.Open)
		}
		t.Top, t.Marks = axis(t.Top)
		return t
	})
}

// span is a time during which a finding was open; a zero to is now.
type span struct{ from, to time.Time }

// openSpans reads from a life when its finding was open.
func openSpans(l *finding.Life, end time.Time) []span {
	var out []span
	open := false
	for _, e := range l.History {
		switch e.Type {
		case finding.Opened, finding.Reopened:
			if !open {
				out, open = append(out, span{from: e.At}), true
			}
		case finding.Resolved, finding.Waived:
			if open {
				out[len(out)-1].to, open = e.At, false
			}
		}
	}
	return slices.DeleteFunc(out, func(s span) bool { return s.from.After(end) })
}

func (t *trend) add(s span, severe bool) {
	for i := range t.Days {
		d := &t.Days[i]
		if d.At.Before(s.from) || !s.to.IsZero() && !d.At.Before(s.to) {
			continue
		}
		d.Open++
		if severe {
			d.Severe++
		}
	}
	for i := 1; i < len(t.Days); i++ {
		within := func(at time.Time) bool { return at.After(t.Days[i-1].At) && !at.After(t.Days[i].At) }
		if within(s.from) {
			t.Days[i].Opened++
		}
		if !s.to.IsZero() && within(s.to) {
			t.Days[i].Closed++
		}
	}
}

// axis gives a round upper end above a number, and the marks up to it.
func axis(top int) (end int, marks []int) {
	step := 1.0
	for float64(top)/step > 4 {
		for _, f := range []float64{2, 2.5, 2} {
			if step *= f; float64(top)/step <= 4 {
				break
			}
		}
	}
	whole := max(1, int(math.Ceil(step)))
	end = max(whole, (top+whole-1)/whole*whole)
	for m := 0; m <= end; m += whole {
		marks = append(marks, m)
	}
	return end, marks
}

// Measures of the drawing, in its own units.
const (
	trendWidth  = 720
	trendHeight = 180
	trendLeft   = 40
	trendBottom = 24
	trendTop    = 10
)

// X and Y are places in the drawing.
func (t *trend) X(i int) string {
	return coordinate(trendLeft + float64(i)*(trendWidth-trendLeft-8)/float64(len(t.Days)-1))
}

// Y is the height of a number.
func (t *trend) Y(n int) string { return coordinate(plotY(n, t.Top)) }

// Line and Area draw all that were open; Severe those that are major.
func (t *trend) Line() string { return t.steps(func(d trendDay) int { return d.Open }) }

// Severe is the line of those that are major.
func (t *trend) Severe() string { return t.steps(func(d trendDay) int { return d.Severe }) }

// Area is what lies below Line.
func (t *trend) Area() string {
	return t.Line() + " L" + t.X(len(t.Days)-1) + " " + t.Y(0) + " L" + t.X(0) + " " + t.Y(0) + " Z"
}

func (t *trend) steps(n func(trendDay) int) string {
	var b strings.Builder
	for i, d := range t.Days {
		if i == 0 {
			b.WriteString("M" + t.X(i) + " " + t.Y(n(d)))
			continue
		}
		b.WriteString(" H" + t.X(i) + " V" + t.Y(n(d)))
	}
	return b.String()
}

// Weeks are the days that are named below the drawing and in the table.
func (t *trend) Weeks() []int {
	var out []int
	for i := 0; i < len(t.Days); i += 14 {
		out = append(out, i)
	}
	return out
}

// Week sums up what was opened and closed in the fortnight before a day.
func (t *trend) Week(i int) trendDay {
	d := t.Days[i]
	d.Opened, d.Closed = 0, 0
	for k := max(1, i-13); k <= i; k++ {
		d.Opened += t.Days[k].Opened
		d.Closed += t.Days[k].Closed
	}
	return d
}

// Now is the last day.
func (t *trend) Now() trendDay { return t.Days[len(t.Days)-1] }

// Then is the first day.
func (t *trend) Then() trendDay { return t.Days[0] }

func coordinate(x float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.1f", x), "0"), ".")
}
