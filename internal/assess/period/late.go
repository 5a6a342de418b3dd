package period

import (
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
)

// dutyOf says by how much a duty is late, if it is.
func dutyOf(r *assess.Result, end time.Time) *Duty {
	if r.DueAt == nil {
		return nil
	}
	at, answered := end, r.AnsweredAt != nil && r.AnsweredAt.Before(end)
	switch {
	case answered:
		at = *r.AnsweredAt
	case !shortfall(r.Status) && !shortfall(r.Underlying): // nobody can tell that there is no answer
		return nil
	}
	if !at.After(*r.DueAt) {
		return nil
	}
	return &Duty{DueAt: *r.DueAt, AnsweredAt: r.AnsweredAt, Late: words(at.Sub(*r.DueAt))}
}

func shortfall(s assess.Status) bool { return s == assess.StatusMissing || s == assess.StatusFailing }

// found is what evidence says about when something was done.
type found struct {
	first, last *Operating
	captured    *Capture
	events      int // of operation, in the span
	happened    stretch
	read        stretch // first
}

// stretch is from the first to the last of some instants.
type stretch struct{ from, to time.Time }

func (s *stretch) add(t time.Time) {
	if s.from.IsZero() || t.Before(s.from) {
		s.from = t
	}
	if t.After(s.to) {
		s.to = t
	}
}

// evidence looks at the facts that satisfied results rest on.
func (b *builder) evidence(facts []int32) found {
	var out found
	var worst time.Duration
	for _, n := range facts {
		f := b.facts.Fact(n)
		if f.EventTime.IsZero() {
			continue
		}
		inside := !f.EventTime.Before(b.o.From) && !f.EventTime.After(b.o.To)
		if f.Strength == catalog.Operation {
			op := Operating{At: f.EventTime, Kind: f.Kind, Evidence: f.Digest}
			if out.first == nil || op.At.Before(out.first.At) {
				out.first = &op
			}
			if out.last == nil || op.At.After(out.last.At) {
				out.last = &op
			}
			if inside {
				out.events++
				out.happened.add(f.EventTime)
				out.read.add(f.FirstSeen)
			}
		}
		if !inside {
			continue
		}
		if out.captured == nil {
			out.captured = &Capture{}
		}
		c := out.captured
		c.Of++
		if after := f.FirstSeen.Sub(f.EventTime); after > b.o.LateAfter {
			c.Count++
			if after > worst {
				worst = after
				c.Worst, c.At, c.Read, c.Which = words(after), f.EventTime, f.FirstSeen, f.Digest
			}
		}
	}
	if out.captured != nil && out.captured.Count == 0 {
		out.captured = nil
	}
	return out
}

// Events that all lie within week, of a span of at least four, are named if
// there are at least severalEvents.
const (
	week          = 7 * day
	severalEvents = 3
)

// notes says what an auditor would ask about.
func (f found) notes(o Options) []string {
	if f.events < severalEvents || o.To.Sub(o.From) < 4*week {
		return nil
	}
	date := func(t time.Time) string { return t.Format(time.DateOnly) }
	switch {
	case f.happened.to.Sub(f.happened.from) <= week:
		return []string{fmt.Sprintf("all %d events of the period lie in one week, %s to %s", f.events, date(f.happened.from), date(f.happened.to))}
	case f.read.to.Sub(f.read.from) <= week:
		return []string{fmt.Sprintf("all %d events of the period were first read in one week, %s to %s", f.events, date(f.read.from), date(f.read.to))}
	}
	return nil
}

// words writes a duration with its two largest units.
func words(d time.Duration) string {
	days, hours, minutes := int(d/day), int(d%day/time.Hour), int(d%time.Hour/time.Minute)
	switch {
	case days > 0 && hours > 0:
		return fmt.Sprintf("%dd%dh", days, hours)
	case days > 0:
		return fmt.Sprintf("%dd", days)
	case hours > 0 && minutes > 0:
		return fmt.Sprintf("%dh%dm", hours, minutes)
	case hours > 0:
		return fmt.Sprintf("%dh", hours)
	case minutes > 0:
		return fmt.Sprintf("%dm", minutes)
	}
	return fmt.Sprintf("%ds", int(d/time.Second))
}
