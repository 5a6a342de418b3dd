package dashboard

import (
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// runout is how much evidence runs out on each of the next days.
type runout struct {
	Days  []runoutDay
	Top   int
	Marks []int
	Sum   int
}

type runoutDay struct {
	At time.Time
	N  int
}

// runoutDays is how far ahead the drawing goes: as far as a view looks.
const runoutDays = 30

// runoutOf counts what expires by day. It is nil if nothing does.
func runoutOf(list []assess.Expiry, at time.Time) *runout {
	if len(list) == 0 {
		return nil
	}
	r := &runout{Days: make([]runoutDay, runoutDays)}
	for i := range r.Days {
		r.Days[i].At = at.AddDate(0, 0, i)
	}
	for _, e := range list {
		if day := int(e.At.Sub(at) / (24 * time.Hour)); day >= 0 && day < runoutDays {
			r.Days[day].N++
			r.Sum++
		}
	}
	for _, d := range r.Days {
		r.Top = max(r.Top, d.N)
	}
	r.Top, r.Marks = axis(r.Top)
	return r
}

// The drawing has the measures of that of findings.
const runoutSlot = (trendWidth - trendLeft - 8) / float64(runoutDays)

// X, W, Y and H are the place of a column.
func (r *runout) X(i int) string { return coordinate(trendLeft + runoutSlot*(float64(i)+0.12)) }

// W is the width of every column.
func (r *runout) W() string { return coordinate(runoutSlot * 0.76) }

// Y is the height of a number.
func (r *runout) Y(n int) string { return coordinate(plotY(n, r.Top)) }

// H is how tall the column of a number is.
func (r *runout) H(n int) string { return coordinate(plotY(0, r.Top) - plotY(n, r.Top)) }

// Named are the days that are named below the drawing.
func (r *runout) Named() []int { return []int{0, 7, 14, 21, 28} }

// plotY is where a number stands in a drawing whose axis ends at top.
func plotY(n, top int) float64 {
	return trendTop + (trendHeight-trendTop-trendBottom)*(1-float64(n)/float64(top))
}
