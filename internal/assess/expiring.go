package assess

import (
	"cmp"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Expiry says when a result that is satisfied will be it no longer, if nothing
// new is collected about its subject.
type Expiry struct {
	Expectation string           `json:"expectation"`
	Control     string           `json:"control"`
	Subject     evidence.Subject `json:"subject"`
	At          time.Time        `json:"at"`     // the last instant at which it is satisfied; to the minute where only trying tells
	Then        Status           `json:"then"`   // what it is after it
	Reason      string           `json:"reason"` // of Then
}

// expirySteps bounds how often the outcome of one subject is asked for.
const expirySteps = 200

// Expiring returns, for the satisfied results of an assessment, those that will
// not be satisfied any more before a later instant, the earliest first. It
// supposes that sources go on being read and find the same as today: a
// collection that grows old is not counted, evidence that does is. The
// assessment is one that At returned for what the State holds now. Nothing that
// the State remembers changes.
func (s *State) Expiring(a *Assessment, before time.Time) []Expiry {
	from, end := nanos(a.AsOf), nanos(before.UTC().Truncate(time.Microsecond))
	satisfied := map[resultKey]*Result{}
	for _, r := range a.Results {
		if r.Status == StatusSatisfied {
			satisfied[resultKey{r.Expectation, r.Subject}] = r
		}
	}
	first := map[resultKey]Expiry{}
	look := ahead{s: s, instants: map[int64]*instantAhead{}, from: from, end: end}
	for _, c := range s.caches {
		if !c.evaluated || c.plan.rule.Off != "" {
			continue
		}
		for _, slot := range c.order {
			key := resultKey{c.plan.rule.Slug, c.base[slot].Subject}
			r := satisfied[key]
			if st := &c.subjects[slot]; r == nil || !st.now && st.until >= end {
				continue
			}
			e, found := look.slot(c, slot)
			if was, known := first[key]; found && (!known || e.At.Before(was.At)) {
				e.Expectation, e.Control, e.Subject = r.Expectation, r.Control, r.Subject
				first[key] = e
			}
		}
	}
	out := make([]Expiry, 0, len(first))
	for _, e := range first {
		out = append(out, e)
	}
	slices.SortFunc(out, func(x, y Expiry) int {
		return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.Expectation, y.Expectation), compareSubjects(x.Subject, y.Subject))
	})
	return out
}

type resultKey struct {
	expectation string
	subject     evidence.Subject
}

// ahead evaluates subjects at instants to come.
type ahead struct {
	s         *State
	instants  map[int64]*instantAhead
	from, end int64
}

// instantAhead is what the evaluations of one instant share.
type instantAhead struct {
	view   *view
	chosen map[*plan][]chosen
}

// slot finds the last instant at which a slot is satisfied, by going from one
// end of an outcome's validity to the next. One of which nothing says how long
// it holds is halved in, to the minute. What is satisfied at the end is taken
// to be it all the while.
func (l *ahead) slot(c *planCache, slot uint32) (Expiry, bool) {
	last := l.at(c, slot, l.end)
	if !last.in || last.result.Status == StatusSatisfied {
		return Expiry{}, false
	}
	good, st := l.from, &c.subjects[slot]
	until, now := st.until, st.now
	for range expirySteps {
		if now || until >= l.end {
			return l.halve(c, slot, good, last)
		}
		then := l.at(c, slot, until+int64(time.Microsecond))
		if !then.in {
			return Expiry{}, false // it leaves the population
		}
		if then.result.Status != StatusSatisfied {
			return expiry(until, &then), true
		}
		good, until, now = until+int64(time.Microsecond), then.until, then.now
	}
	return l.halve(c, slot, good, last)
}

func (l *ahead) halve(c *planCache, slot uint32, good int64, last evaluation) (Expiry, bool) {
	bad := l.end
	for bad-good > int64(time.Minute) {
		mid := good + (bad-good)/2
		mid -= mid % int64(time.Microsecond)
		switch o := l.at(c, slot, mid); {
		case o.in && o.result.Status == StatusSatisfied:
			good = mid
		default:
			bad, last = mid, o
		}
	}
	if !last.in {
		return Expiry{}, false
	}
	return expiry(good, &last), true
}

func expiry(last int64, then *evaluation) Expiry {
	return Expiry{At: instant(last), Then: then.result.Status, Reason: then.result.Reason}
}

// at evaluates a slot at an instant, without remembering it.
func (l *ahead) at(c *planCache, slot uint32, at int64) evaluation {
	in := l.instants[at]
	if in == nil {
		if len(l.instants) > 1024 {
			clear(l.instants)
		}
		in = &instantAhead{view: l.s.view(at), chosen: map[*plan][]chosen{}}
		l.instants[at] = in
	}
	if in.chosen[c.plan] == nil {
		in.chosen[c.plan] = make([]chosen, len(c.plan.joins))
	}
	w := newWorker(in.view)
	w.chosen = in.chosen[c.plan]
	m := &maker{plan: c.plan}
	o := w.evaluate(c.plan, c.table, slot)
	return m.keep(&o)
}
