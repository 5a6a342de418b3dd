package assess

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// forever is the end of what holds without end.
const forever = math.MaxInt64

// outcome is what the rule says about one subject, before anything that is not
// about the subject (collection, applicability, waivers).
type outcome struct {
	in       bool // the subject is in the population
	old      bool // it would be, had it happened within the look-back
	status   Status
	reason   string
	event    int64
	due      int64
	answered int64
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
	o := outcome{event: absent, due: absent, answered: absent, until: forever}
	sc := &w.room // of one subject after the other: what is kept of it is in the outcome
	joins := slices.Grow(sc.joined[:0], len(p.joins))[:len(p.joins)]
	clear(joins)
	*sc = scope{w: w, p: p, joined: joins, until: forever}
	o.sc = sc
	if t != nil {
		row, late, ok := w.v.inForce(t, slot)
		if !ok {
			return o
		}
		w.subject = record{v: w.v, t: t, row: row}
		sc.subject, sc.late = &w.subject, late
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
	if in, known := sc.decided(); known {
		return in, nil
	}
	in, err := sc.p.where.truth(sc)
	if err != nil {
		return false, fmt.Errorf("where: %w", err)
	}
	return in, nil
}

// decided is inPopulation as far as it can be told directly. Joins that make no
// difference are not looked up for a subject that is left out.
func (sc *scope) decided() (in, known bool) {
	p := sc.p.where
	d := p.directly(sc)
	if d == nil || d.truth == nil {
		return false, false
	}
	sc.choosing = true
	f := p.begin(sc)
	in = d.truth(f)
	known = f.end(p) && sc.failed == nil
	sc.choosing = false
	switch {
	case !known: // say what is wrong from the beginning
		clear(sc.joined)
		sc.failed = nil
	case in:
		p.lookUp(sc)
	}
	return in, known
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
		o.in, o.old = false, true
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
	if sc.p.seen != nil {
		reason, err := sc.p.seen.string(sc)
		if sc.failed != nil {
			err = sc.failed
		}
		if err != nil { // what cannot be said was not seen
			o.unknown(fmt.Errorf("seen: %w", err))
			return
		}
		o.reason = reason
	} else if o.reason == "" {
		o.reason = "every check holds"
	}
	o.status = StatusSatisfied
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
	what := ""
	if answered {
		at, err := d.answeredAt.time(sc)
		if err != nil {
			o.unknown(fmt.Errorf("duty: answered_at: %w", err))
			return true
		}
		if at <= w.v.at {
			o.answered = at
			if at <= deadline {
				return false
			}
			o.status = StatusFailing
			o.reason = fmt.Sprintf("answered at %s, after the deadline %s", stamp(at), stamp(deadline))
			return true
		}
		o.holdsUntil(at - 1) // what is still to come is no answer yet
		what = "the answer is dated " + stamp(at) + ", which is still to come: "
	}
	if said := sc.say(d.because); said != "" {
		what = said + ": " + what
	}
	if w.v.at <= deadline {
		o.status, o.reason = StatusDue, what+"due by "+stamp(deadline)
		o.holdsUntil(deadline)
		return true
	}
	o.status, o.reason = StatusMissing, what+"was due by "+stamp(deadline)
	return true
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
		t := sc.w.v.s.table(sc.p.joins[i].kind)
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
