package assess

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// candidate is a record that may renew a periodic expectation.
type candidate struct {
	ref rowRef
	at  int64
}

// candidates collects what freshness.of yields, newest first.
func (sc *scope) candidates(o *outcome) ([]candidate, bool) {
	var out []candidate
	for _, i := range sc.p.of {
		t, rows := sc.ofRows(i)
		if sc.failed != nil {
			o.unknown(sc.failed)
			return nil, false
		}
		for _, row := range rows {
			c := candidate{ref: rowRef{t, row}, at: t.meta(row).event}
			if sc.p.latestAt != nil {
				var err error
				sc.with(sc.p.latest, &record{v: sc.w.v, t: t, row: row}, func() { c.at, err = sc.p.latestAt.time(sc) })
				if err != nil {
					o.unknown(fmt.Errorf("freshness.at: %w", err))
					return nil, false
				}
			}
			if c.at > sc.w.v.at {
				o.holdsUntil(c.at - 1)
				continue
			}
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b candidate) int { return cmp.Compare(b.at, a.at) })
	return out, true
}

func (sc *scope) ofRows(i int) (*table, []int32) {
	if i < 0 {
		return sc.subject.t, []int32{sc.subject.row}
	}
	jd := sc.join(i)
	return sc.w.v.s.table(sc.p.joins[i].kind), jd.rows
}

// periodic looks for the newest record that qualifies and is young enough.
func (w *worker) periodic(p *plan, sc *scope, o *outcome) {
	list, ok := sc.candidates(o)
	if !ok {
		return
	}
	if len(list) == 0 {
		o.status, o.reason = StatusMissing, "no "+p.ofWords()+" found"
		return
	}
	var rejected outcome
	var chosen, pending *candidate
	for i := range list {
		c := &list[i]
		qualified := true
		if len(p.qualifies) > 0 || c.at == absent {
			r := outcome{event: c.at, evidence: []rowRef{c.ref}}
			sc.with(p.latest, &record{v: w.v, t: c.ref.t, row: c.ref.row}, func() { qualified = sc.runChecks(p.qualifies, &r) })
			if qualified && c.at == absent {
				qualified = false
				r.unknown(fmt.Errorf("%s %s has no event time", c.ref.t.info.kind.ID, c.ref.t.subjectID(c.ref.row)))
			}
			if !qualified && rejected.status == "" {
				rejected = r
			}
		}
		if qualified && w.byHand(c.ref.t, c.ref.row) {
			if pending == nil {
				pending = c
			}
			continue
		}
		if qualified {
			chosen = c
			break
		}
	}
	w.choose(p, sc, o, chosen, pending, rejected)
}

// choose settles a periodic outcome from what was found.
func (w *worker) choose(p *plan, sc *scope, o *outcome, chosen, pending *candidate, rejected outcome) {
	limit := p.rule.Freshness.EventMaxAge
	young := func(c *candidate) bool { return c != nil && w.v.at-c.at <= int64(limit) }
	switch {
	case young(chosen):
	case young(pending):
		o.status, o.event = StatusPendingReview, pending.at
		o.reason = fmt.Sprintf("%s of %s was supplied by hand; a second person has to accept it", pending.ref.t.info.kind.ID, stamp(pending.at))
		o.evidence = []rowRef{pending.ref}
		o.holdsUntil(pending.at + int64(limit))
		return
	case chosen == nil && pending == nil:
		o.status, o.reason, o.event, o.evidence = rejected.status, rejected.reason, rejected.event, rejected.evidence
		if o.status == StatusMissing { // something is there, it only does not count
			o.status = StatusFailing
		}
		return
	case chosen == nil:
		chosen = pending
	}
	o.event, o.evidence = chosen.at, []rowRef{chosen.ref}
	age := time.Duration(w.v.at - chosen.at)
	words := fmt.Sprintf("newest %s that counts is of %s, %s old, at most %s", p.ofWords(), stamp(chosen.at), exactSpan(age, limit), span(limit))
	if !young(chosen) {
		o.status, o.reason = StatusStale, ReasonEventWindow+": "+words
		o.holdsUntil(w.v.at + int64(sameWords(age, limit)))
		return
	}
	o.holdsUntil(chosen.at + int64(limit))
	o.reason = fmt.Sprintf("newest %s that counts is of %s, at most %s old", p.ofWords(), stamp(chosen.at), span(limit))
	sc.with(p.latest, &record{v: w.v, t: chosen.ref.t, row: chosen.ref.row}, func() { sc.satisfied(o) })
}

func (p *plan) ofWords() string {
	words := ""
	for i, k := range p.of {
		kind := p.kindID()
		if k >= 0 {
			kind = p.joins[k].kind.kind.ID
		}
		if i > 0 {
			words += " or "
		}
		words += kind
	}
	return words
}

// continuous looks for holes between events.
func (w *worker) continuous(p *plan, sc *scope, o *outcome) {
	list, ok := sc.candidates(o)
	if !ok {
		return
	}
	list = slices.DeleteFunc(list, func(c candidate) bool { return c.at == absent })
	if len(list) == 0 {
		o.status, o.reason = StatusMissing, "no "+p.ofWords()+" found"
		return
	}
	limit := p.rule.Freshness.EventMaxAge
	last := list[0]
	o.event, o.evidence = last.at, []rowRef{last.ref}
	if age := w.v.at - last.at; age > int64(limit) {
		o.status = StatusStale
		o.reason = fmt.Sprintf("%s: last %s at %s, %s ago, at most %s", ReasonEventWindow, p.ofWords(), stamp(last.at),
			exactSpan(time.Duration(age), limit), span(limit))
		o.holdsUntil(w.v.at + int64(sameWords(time.Duration(age), limit)))
		return
	}
	o.holdsUntil(last.at + int64(limit))
	if w.hole(p, sc, o, list) {
		return
	}
	o.reason = fmt.Sprintf("last %s at %s, no gap over %s", p.ofWords(), stamp(last.at), span(limit))
	sc.satisfied(o)
}

// hole reports a gap between events within the look-back.
func (w *worker) hole(p *plan, sc *scope, o *outcome, list []candidate) bool {
	start := int64(absent)
	if p.rule.Freshness.Lookback > 0 {
		start = w.v.at - int64(p.rule.Freshness.Lookback)
	}
	limit := p.rule.Freshness.EventMaxAge
	gap := func(from, to int64, evidence ...rowRef) bool {
		if to-from <= int64(limit) || start != absent && to <= start {
			return false
		}
		o.status = StatusFailing
		o.reason = fmt.Sprintf("no %s between %s and %s, %s, at most %s", p.ofWords(), stamp(from), stamp(to), span(time.Duration(to-from)), span(limit))
		o.evidence = append(o.evidence, evidence...)
		if start != absent {
			o.holdsUntil(to + int64(p.rule.Freshness.Lookback) - 1)
		}
		return true
	}
	for i := 0; i+1 < len(list); i++ {
		if gap(list[i+1].at, list[i].at, list[i+1].ref, list[i].ref) {
			return true
		}
	}
	if p.since == nil {
		return false
	}
	since, err := p.since.time(sc)
	if err != nil {
		o.unknown(fmt.Errorf("since: %w", err))
		return true
	}
	return since != absent && gap(since, list[len(list)-1].at)
}
