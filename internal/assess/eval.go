package assess

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// forever is the end of what holds without end.
const forever = math.MaxInt64

// outcome is what the rule says about one subject, before anything that is not
// about the subject (collection, applicability, waivers).
type outcome struct {
	in       bool // the subject is in the population
	status   Status
	reason   string
	event    int64
	due      int64
	until    int64 // the last instant at which this still holds, if nothing changes
	late     bool
	subject  [2]text // type, id
	id       string  // the subject's id where it is not a record's
	evidence []rowRef
	systems  []*systemView
	owner    string
	sc       *scope
}

// evaluate holds the plan against one key of its population.
func (w *worker) evaluate(p *plan, t *table, slot uint32) outcome {
	o := outcome{event: absent, due: absent, until: forever}
	sc := &scope{w: w, p: p, joined: make([]joined, len(p.joins))}
	o.sc = sc
	if t != nil {
		row, late, ok := w.v.inForce(t, slot)
		if !ok {
			return o
		}
		sc.subject, sc.late = &record{v: w.v, t: t, row: row}, late
		m := t.meta(row)
		o.subject = [2]text{m.subjectType, m.subjectID}
		o.event = m.event
	}
	if err := sc.setSystems(); err != nil {
		o.in = true
		o.unknown(err)
	} else if in, err := sc.inPopulation(); err != nil {
		o.in = true
		o.unknown(err)
	} else if in {
		o.in = true
		w.judge(p, sc, &o)
	}
	if o.in {
		o.settle(sc)
	}
	return o
}

func (sc *scope) inPopulation() (bool, error) {
	if sc.p.where == nil {
		return true, nil
	}
	in, err := sc.p.where.truth(sc)
	if err != nil {
		return false, fmt.Errorf("where: %w", err)
	}
	return in, nil
}

// unknown makes the outcome not_assessed because a condition has no answer.
func (o *outcome) unknown(err error) {
	o.status, o.reason = StatusNotAssessed, "cannot be told: "+err.Error()
}

func (o *outcome) holdsUntil(t int64) { o.until = min(o.until, t) }

// judge applies the mode.
func (w *worker) judge(p *plan, sc *scope, o *outcome) {
	switch p.rule.Freshness.Mode {
	case modePerEvent:
		if !w.inLookback(p, sc, o) {
			return
		}
		if p.duty != nil && w.dutyOpen(p, sc, o) {
			return
		}
		if sc.runChecks(p.checks, o) {
			sc.satisfied(o)
		}
	case modePeriodic:
		if sc.runChecks(p.checks, o) {
			w.periodic(p, sc, o)
		}
	case modeContinuous:
		if sc.runChecks(p.checks, o) {
			w.continuous(p, sc, o)
		}
	default:
		if sc.runChecks(p.checks, o) {
			sc.satisfied(o)
		}
	}
}

// inLookback places the subject in time; one that happened outside the
// look-back is not in the population.
func (w *worker) inLookback(p *plan, sc *scope, o *outcome) bool {
	if p.at != nil {
		at, err := p.at.time(sc)
		if err != nil {
			o.unknown(fmt.Errorf("at: %w", err))
			return false
		}
		o.event = at
	}
	if o.event == absent {
		o.unknown(fmt.Errorf("%s %s has no event time", p.kindID(), sc.subjectID()))
		return false
	}
	end := o.event + int64(p.rule.Freshness.Lookback)
	if o.event > w.v.at || w.v.at > end {
		o.in = false
		if o.event > w.v.at {
			o.holdsUntil(o.event - 1)
		}
		return false
	}
	o.holdsUntil(end)
	return true
}

func (p *plan) kindID() string {
	if p.kind == nil {
		return organization
	}
	return p.kind.kind.ID
}

func (sc *scope) subjectID() string {
	if sc.subject == nil {
		return sc.w.v.s.eng.org
	}
	return sc.subject.t.subjectID(sc.subject.row)
}

// runChecks evaluates checks in order. The first that does not hold decides.
func (sc *scope) runChecks(checks []check, o *outcome) bool {
	for _, c := range checks {
		ok, err := c.that.truth(sc)
		if sc.failed != nil {
			err = sc.failed
		}
		if err != nil {
			o.unknown(err)
			return false
		}
		if ok {
			continue
		}
		o.status, o.reason = c.otherwise, sc.say(c.because)
		return false
	}
	return true
}

// say evaluates a reason; what cannot be said is said.
func (sc *scope) say(p *program) string {
	if p == nil {
		return ""
	}
	s, err := p.string(sc)
	if err != nil {
		return "no reason can be given: " + err.Error()
	}
	return s
}

// satisfied closes an outcome whose checks all hold.
func (sc *scope) satisfied(o *outcome) {
	for _, in := range sc.p.invalid {
		hit, err := in.that.truth(sc)
		if sc.failed != nil {
			err = sc.failed
		}
		if err != nil {
			o.unknown(err)
			return
		}
		if hit {
			o.status, o.reason = StatusStale, ReasonInvalidated+": "+sc.say(in.because)
			return
		}
	}
	o.status = StatusSatisfied
	if sc.p.seen != nil {
		o.reason = sc.say(sc.p.seen)
	} else if o.reason == "" {
		o.reason = "every check holds"
	}
}

// dutyOpen decides while an answer is due, or came too late; it reports
// whether the outcome is settled.
func (w *worker) dutyOpen(p *plan, sc *scope, o *outcome) bool {
	d := p.duty
	deadline := o.event + int64(d.within)
	if d.days > 0 {
		deadline = businessDays(instant(o.event), d.days).UnixNano()
	}
	if d.until != nil {
		until, err := d.until.time(sc)
		if err != nil {
			o.unknown(fmt.Errorf("duty: until: %w", err))
			return true
		}
		deadline = min(deadline, until)
	}
	answered, err := d.answered.truth(sc)
	if sc.failed != nil {
		err = sc.failed
	}
	if err != nil {
		o.unknown(fmt.Errorf("duty: %w", err))
		return true
	}
	o.due = deadline
	if answered {
		at, err := d.answeredAt.time(sc)
		switch {
		case err != nil:
			o.unknown(fmt.Errorf("duty: answered_at: %w", err))
		case at > deadline:
			o.status = StatusFailing
			o.reason = fmt.Sprintf("answered at %s, after the deadline %s", stamp(at), stamp(deadline))
		default:
			return false
		}
		return true
	}
	what := sc.say(d.because)
	if what != "" {
		what += ": "
	}
	if w.v.at <= deadline {
		o.status, o.reason = StatusDue, what+"due by "+stamp(deadline)
		o.holdsUntil(deadline)
		return true
	}
	o.status, o.reason = StatusMissing, what+"was due by "+stamp(deadline)
	return true
}

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
	return sc.w.v.s.tables[sc.p.joins[i].kind.kind.ID], jd.rows
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

// settle fills in what the result carries beside its status.
func (o *outcome) settle(sc *scope) {
	p := sc.p
	o.late = sc.late
	o.systems = sc.list
	if p.subject != nil {
		id, err := p.subject.string(sc)
		if err != nil || id == "" {
			o.id = "(unknown)"
		} else {
			o.id = id
		}
	}
	switch {
	case p.owner != nil:
		if s, err := p.owner.string(sc); err == nil {
			o.owner = s
		}
	case p.kind != nil && p.kind.kind.SubjectType == "vendor" && sc.w.v.reg.vendors[sc.subjectID()] != "":
		o.owner = sc.w.v.reg.vendors[sc.subjectID()]
	default:
		for _, s := range sc.list {
			if s.owner != "" {
				o.owner = s.owner
				break
			}
		}
	}
	o.collectEvidence(sc)
	if o.status == StatusSatisfied && slices.ContainsFunc(o.evidence, func(r rowRef) bool { return sc.w.byHand(r.t, r.row) }) {
		o.status = StatusPendingReview
		o.reason = "rests on evidence supplied by hand; a second person has to accept it"
	}
}

// collectEvidence lists what the outcome rests on: the subject's record, the
// joined records that conditions looked at, and the systems' entries. Where a
// mode has chosen a record, other candidates are left out.
func (o *outcome) collectEvidence(sc *scope) {
	out := o.evidence
	chosen := len(out) > 0
	if sc.subject != nil {
		out = append(out, rowRef{sc.subject.t, sc.subject.row})
	}
	for i := range sc.joined {
		if chosen && slices.Contains(sc.p.of, i) {
			continue
		}
		t := sc.w.v.s.tables[sc.p.joins[i].kind.kind.ID]
		for _, row := range sc.joined[i].rows {
			out = append(out, rowRef{t, row})
		}
	}
	for _, s := range sc.list {
		out = append(out, rowRef{s.rec.t, s.rec.row})
	}
	if len(out) > 1 {
		slices.SortFunc(out, func(a, b rowRef) int { return cmp.Compare(a.t.meta(a.row).seq, b.t.meta(b.row).seq) })
		out = slices.CompactFunc(out, func(a, b rowRef) bool { return a.t.meta(a.row).seq == b.t.meta(b.row).seq })
	}
	o.evidence = out
}
