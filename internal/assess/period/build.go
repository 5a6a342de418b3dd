package period

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// builder follows results from instant to instant.
type builder struct {
	o          Options
	instants   []time.Time
	resolution string
	bases      []assess.Basis
	rules      map[string]int
	open       [][]*entry // by rule, ordered by subject
	controls   []Control
	last       *assess.Assessment
	facts      *assess.Facts
	reads      *readDays
}

// entry is a record in the making.
type entry struct {
	rec  *Record
	last *assess.Result
}

// cause tells intervals of one status apart.
type cause struct {
	status, underlying assess.Status
	stale, waiver      string
}

func newBuilder(st *assess.State, o Options) *builder {
	b := &builder{o: o, bases: st.Bases(), rules: map[string]int{}, facts: st.Facts(), reads: newReadDays(st, o.From, o.To)}
	b.instants, b.resolution = instantsOf(o, st.RunEnds(o.From, o.To))
	b.open = make([][]*entry, len(b.bases))
	for i, r := range b.bases {
		b.rules[r.Slug] = i
	}
	return b
}

// take adds the assessment of the i-th instant.
func (b *builder) take(i int, a *assess.Assessment) {
	b.last = a
	for rest := a.Results; len(rest) > 0; {
		slug, n := rest[0].Expectation, 1
		for n < len(rest) && rest[n].Expectation == slug {
			n++
		}
		rule := b.rules[slug]
		b.open[rule] = b.merge(b.open[rule], rest[:n], i)
		rest = rest[n:]
	}
	if b.controls == nil {
		b.controls = make([]Control, len(a.Controls))
	}
	for k := range a.Controls {
		c, out := &a.Controls[k], &b.controls[k]
		out.ID, out.Title, out.Status = c.ID, c.Title, string(c.Status)
		out.Intervals = extend(out.Intervals, i, cause{status: c.Status}, c.Reason, false)
	}
}

// merge follows the results of a rule. Both lists are ordered by subject; what
// has no result at this instant stays in the list, its interval ended.
func (b *builder) merge(open []*entry, results []*assess.Result, i int) []*entry {
	out, k := open, 0
	added := false
	for _, r := range results {
		for k < len(open) && compareSubjects(open[k].rec.Subject, r.Subject) < 0 {
			k++
		}
		if k < len(open) && open[k].rec.Subject == r.Subject {
			b.follow(open[k], r, i)
			continue
		}
		e := b.entry(r)
		b.follow(e, r, i)
		out, added = append(out, e), true
	}
	if added {
		slices.SortStableFunc(out, func(x, y *entry) int { return compareSubjects(x.rec.Subject, y.rec.Subject) })
	}
	return out
}

func compareSubjects(a, b evidence.Subject) int {
	return cmp.Or(strings.Compare(a.Type, b.Type), strings.Compare(a.ID, b.ID))
}

func (b *builder) entry(r *assess.Result) *entry {
	return &entry{rec: &Record{Expectation: r.Expectation, Control: r.Control, Subject: r.Subject, Severity: r.Severity,
		Mode: b.bases[b.rules[r.Expectation]].Mode}}
}

// follow adds a result to its record.
func (b *builder) follow(e *entry, r *assess.Result, i int) {
	iv := e.rec.Intervals
	if n := len(iv) - 1; r == e.last && iv[n].last == i-1 {
		iv[n].last = i
		return
	}
	e.rec.Intervals = extend(iv, i, causeOf(r), r.Reason, r.LateCapture)
	e.rec.Systems, e.rec.Owner = r.Systems, r.Owner
	if r.Status == assess.StatusSatisfied && (e.last == nil || e.last.Status != r.Status || !slices.Equal(e.last.Evidence, r.Evidence)) {
		for _, d := range r.Evidence {
			b.rest(e.rec, d)
		}
	}
	e.last = r
}

// rest notes evidence that a satisfied result rests on.
func (b *builder) rest(rec *Record, d evidence.Digest) {
	n, ok := b.facts.Number(d)
	if !ok {
		return
	}
	if at, known := slices.BinarySearch(rec.facts, n); !known {
		rec.facts = slices.Insert(rec.facts, at, n)
	}
}

func causeOf(r *assess.Result) cause {
	c := cause{status: r.Status, underlying: r.Underlying, waiver: r.Waiver}
	if r.Status == assess.StatusStale {
		c.stale, _, _ = strings.Cut(r.Reason, ":")
	}
	return c
}

// extend lengthens the last interval, or begins another.
func extend(list []Interval, i int, c cause, reason string, late bool) []Interval {
	if n := len(list) - 1; n >= 0 && list[n].last == i-1 && list[n].cause == c {
		list[n].last = i
		list[n].Late = list[n].Late || late
		list[n].ReasonAtTo = reason
		return list
	}
	return append(list, Interval{Status: c.status, Underlying: c.underlying, Waiver: c.waiver, Reason: reason, Late: late,
		first: i, last: i, cause: c})
}

// period closes the books.
func (b *builder) period(cp assess.Checkpoint) *Period {
	p := &Period{
		From: b.o.From, To: b.o.To, Checkpoint: cp, Catalog: b.last.Catalog, Days: b.reads.days, Instants: len(b.instants),
		Resolution: b.resolution, LateAfter: words(b.o.LateAfter), Controls: b.controls, Records: []*Record{},
	}
	byControl := map[string][]int{}
	for i, r := range b.bases {
		byControl[r.Control] = append(byControl[r.Control], i)
	}
	for i := range b.bases {
		read := b.reads.together(b.bases[i].States)
		for _, e := range b.open[i] {
			b.close(e, read)
			p.Records = append(p.Records, e.rec)
		}
	}
	for i := range p.Controls {
		b.closeControl(&p.Controls[i], byControl[p.Controls[i].ID])
	}
	p.Reads = b.reads.sorted()
	return p
}

func (b *builder) close(e *entry, read []bool) {
	rec := e.rec
	rec.Intervals = b.dated(rec.Intervals)
	rec.Days = b.count(rec.Intervals, read)
	rec.Duty = dutyOf(e.last, b.o.To)
	found := b.evidence(rec.facts)
	rec.First, rec.Last, rec.Captured, rec.Notes = found.first, found.last, found.captured, found.notes(b.o)
}

// dated writes out the instants of intervals.
func (b *builder) dated(list []Interval) []Interval {
	for i := range list {
		iv := &list[i]
		iv.From, iv.To = b.instants[iv.first], b.instants[iv.last]
		if iv.last+1 < len(b.instants) {
			until := b.instants[iv.last+1]
			iv.Until = &until
		}
		if iv.ReasonAtTo == iv.Reason {
			iv.ReasonAtTo = ""
		}
	}
	return list
}

// Ranks of a day, from best to worst.
const (
	nothing = iota // nothing to judge
	satisfied
	waived
	short
)

// count counts the days of intervals. read says on which days what the record
// rests on was read.
func (b *builder) count(list []Interval, read []bool) Days {
	ranks := make([]uint8, b.reads.days)
	for _, iv := range list {
		rank := uint8(short)
		switch iv.Status {
		case assess.StatusSatisfied:
			rank = satisfied
		case assess.StatusWaived:
			rank = waived
		case assess.StatusNotApplicable:
			continue
		}
		for d := dayOf(iv.From) - b.reads.first; d <= dayOf(iv.To)-b.reads.first; d++ {
			ranks[d] = max(ranks[d], rank)
		}
	}
	var out Days
	for d, rank := range ranks {
		if rank == nothing {
			continue
		}
		out.Total++
		switch {
		case rank == short:
			out.NotSatisfied++
		case rank == waived:
			out.Waived++
		case !read[d]:
			out.NotRead++
		default:
			out.Satisfied++
		}
	}
	return out
}

// closeControl sums up the records of a control.
func (b *builder) closeControl(c *Control, rules []int) {
	c.Intervals = b.dated(c.Intervals)
	var states []string
	var facts []int32
	for _, i := range rules {
		if len(b.open[i]) == 0 {
			continue
		}
		if b.bases[i].Severity != "observation" {
			states = append(states, b.bases[i].States...)
		}
		for _, e := range b.open[i] {
			facts = append(facts, e.rec.facts...)
			for _, iv := range e.rec.Intervals {
				if iv.Gap() {
					c.Gaps++
				}
			}
			if e.rec.Duty != nil {
				c.Late++
			}
			b.event(&c.Events, e)
		}
	}
	c.Days = b.count(c.Intervals, b.reads.together(states))
	slices.Sort(facts)
	found := b.evidence(slices.Compact(facts))
	c.First, c.Last, c.Notes = found.first, found.last, found.notes(b.o)
	if found.captured != nil {
		c.Captured = found.captured.Count
	}
}

// event counts a record that is about an event of the span.
func (b *builder) event(n *Events, e *entry) {
	at := e.last.EventTime
	if e.rec.Mode != "per_event" || at == nil || at.Before(b.o.From) || at.After(b.o.To) || e.last.Status == assess.StatusNotApplicable {
		return
	}
	n.Total++
	if e.last.Status == assess.StatusSatisfied {
		n.Satisfied++
	}
}
