package finding

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// ErrPast: the assessment is of an instant before one that was taken already.
var ErrPast = errors.New("an assessment of the past opens and resolves nothing")

// Policy is what an organisation decides about findings.
type Policy struct {
	Due map[string]time.Duration // by severity: how long a shortfall may stay open; 0 or absent: no due date
	// Owner names who has to act on a result, and which part of the register
	// says so. nil: whom the result names.
	Owner func(*assess.Result) (person, from string)
	// Active reports whether a person is still there. nil: everybody is.
	Active func(person string) bool
	// Ended says how a waiver ended: lapsed, was revoked. nil: it lapsed.
	Ended func(waiver string) string
}

// short reports whether a status is a shortfall. A duty whose deadline has not
// passed is none; what is waived falls short underneath.
func short(s assess.Status) bool {
	switch s {
	case assess.StatusFailing, assess.StatusMissing, assess.StatusStale, assess.StatusNotAssessed, "",
		assess.StatusPendingReview, assess.StatusWaived:
		return true
	}
	return false
}

// Update returns the events that an assessment adds to the lives in b, in the
// order of its results. It changes nothing; apply the events, then Mark.
func Update(b *Book, a *assess.Assessment, p Policy) ([]Event, error) {
	if a.AsOf.Before(b.assessed) {
		return nil, fmt.Errorf("%w: as of %s, after %s", ErrPast, stamp(a.AsOf), stamp(b.assessed))
	}
	u := newUpdater(b, a, p)
	for _, r := range u.results() {
		u.result(r)
	}
	for _, l := range b.Lives() {
		if u.seen[l.ID] == nil && l.State != Concluded {
			u.left(l)
		}
	}
	return u.events, nil
}

type updater struct {
	book        *Book
	a           *assess.Assessment
	p           Policy
	graded      map[string]assess.Finding
	inForce     map[string]assess.InForce
	populations map[string]assess.Population
	excluded    map[string]string // why, by control
	seen        map[string]*assess.Result
	events      []Event
}

func newUpdater(b *Book, a *assess.Assessment, p Policy) *updater {
	u := &updater{book: b, a: a, p: p, graded: map[string]assess.Finding{}, inForce: map[string]assess.InForce{},
		populations: map[string]assess.Population{}, excluded: map[string]string{}, seen: map[string]*assess.Result{}}
	for _, f := range assess.Findings(a) {
		u.graded[f.ID] = f
	}
	for _, e := range a.Expectations {
		u.inForce[e.Slug] = e
	}
	for _, pop := range a.Populations {
		u.populations[pop.Expectation] = pop
	}
	for _, c := range a.Controls {
		if !c.Applicable {
			u.excluded[c.ID] = c.Reason
		}
	}
	return u
}

// about is what a finding is about.
type about struct {
	expectation string
	subject     evidence.Subject
}

// results returns one result for each finding, in the order of the assessment:
// of several about the same subject, one that falls short. What is in order
// and always was is passed over: of a million results most are.
func (u *updater) results() []*assess.Result {
	known := make(map[about]bool, len(u.book.lives))
	for _, l := range u.book.lives {
		known[about{l.Expectation, l.Subject}] = true
	}
	var ids []string
	for _, r := range u.a.Results {
		if !short(r.Status) && !known[about{r.Expectation, r.Subject}] {
			continue
		}
		id := assess.FindingID(r.Expectation, r.Subject)
		before, twice := u.seen[id]
		if !twice {
			ids = append(ids, id)
		}
		if !twice || short(r.Status) && !short(before.Status) {
			u.seen[id] = r
		}
	}
	out := make([]*assess.Result, len(ids))
	for i, id := range ids {
		out[i] = u.seen[id]
	}
	return out
}

// result takes one result.
func (u *updater) result(r *assess.Result) {
	l := u.book.lives[assess.FindingID(r.Expectation, r.Subject)]
	switch {
	case l == nil && !short(r.Status):
	case r.Status == assess.StatusWaived:
		u.waived(l, r)
	case short(r.Status):
		u.short(l, r)
	case l.State == Concluded:
	case r.Status == assess.StatusDue:
		u.changed(l, r, "a duty was opened anew; its deadline has not passed: "+r.Reason)
	default:
		u.good(l, r)
	}
}

// short takes a result that falls short and that no waiver covers.
func (u *updater) short(l *Life, r *assess.Result) {
	facts := u.facts(l, r)
	because := string(facts.Status) + ": " + r.Reason
	switch {
	case l == nil:
		facts.DueAt = u.due(facts.Severity, u.a.AsOf)
		u.add(Event{Type: Opened, Expectation: r.Expectation, Subject: &r.Subject, Cause: because}, r, facts)
		return
	case l.State == Concluded:
		facts.DueAt = u.due(facts.Severity, u.a.AsOf)
		u.add(Event{Type: Reopened, Cause: fmt.Sprintf("%s (was %s)", because, l.Status)}, r, facts)
		return
	case l.State == Covered:
		facts.DueAt = u.due(facts.Severity, u.a.AsOf)
		u.add(Event{Type: Reopened, Cause: u.uncovered(l, r) + ": " + because}, r, facts)
	default:
		u.changed(l, r, because)
	}
	u.reassigned(l, r, facts)
}

// uncovered says why a waiver covers a shortfall no more.
func (u *updater) uncovered(l *Life, r *assess.Result) string {
	gap := r.Status == assess.StatusStale && strings.HasPrefix(r.Reason, assess.ReasonCollectionGap)
	switch {
	case l.Waiver == "":
		return "no waiver covers it"
	case r.Status == assess.StatusFailing, r.Status == assess.StatusMissing, r.Status == assess.StatusStale && !gap:
		if u.p.Ended != nil {
			return "waiver " + l.Waiver + " " + u.p.Ended(l.Waiver)
		}
		return "waiver " + l.Waiver + " lapsed"
	}
	return "waiver " + l.Waiver + " does not cover what nobody can tell"
}

// waived takes a shortfall that a valid waiver covers.
func (u *updater) waived(l *Life, r *assess.Result) {
	facts := u.facts(l, r)
	facts.DueAt = nil
	e := Event{Type: Waived, Cause: r.Reason}
	switch {
	case l == nil:
		e.Expectation, e.Subject = r.Expectation, &r.Subject
		u.add(e, r, facts)
	case l.State != Covered:
		u.add(e, r, facts)
		u.reassigned(l, r, facts)
	default:
		u.changed(l, r, r.Reason)
		u.reassigned(l, r, facts)
	}
}

// good takes a result that is in order, or that does not apply.
func (u *updater) good(l *Life, r *assess.Result) {
	because := string(r.Status) + ": " + r.Reason
	rests, decided := u.rests(l)
	since := u.book.shortAt(l)
	switch {
	case decided != "":
		u.resolved(l, r, because+" ("+decided+")")
	case rests.After(since):
		u.resolved(l, r, because+", by what was read whole at "+stamp(rests))
	default:
		u.changed(l, r, because+"; stays open until all it rests on was read whole after "+stamp(since))
	}
}

// left takes a finding whose subject no result speaks of any more.
func (u *updater) left(l *Life) {
	gone := &assess.Result{Expectation: l.Expectation, Control: l.Control, Subject: l.Subject, Severity: l.Severity, Systems: l.Systems,
		Status: assess.StatusNotApplicable, Owner: l.Owner}
	rests, decided := u.rests(l)
	pop, since := u.populations[l.Expectation], u.book.shortAt(l)
	switch {
	case decided != "":
		u.resolved(l, gone, decided)
	case u.excluded[l.Control] != "" && rests.After(since):
		u.resolved(l, gone, u.excluded[l.Control])
	case pop.Complete && rests.After(since):
		u.resolved(l, gone, "it left the population, read whole at "+stamp(rests))
	default:
		u.changed(l, gone, "no longer in the population; stays open until that was read whole after "+stamp(since))
	}
}

// rests returns when what a finding's expectation rests on was last read
// whole, zero if never. decided says that no reading is needed, because the
// expectation is not in force.
func (u *updater) rests(l *Life) (at time.Time, decided string) {
	rule, inForce := u.inForce[l.Expectation]
	switch {
	case !inForce:
		return time.Time{}, "the expectation " + l.Expectation + " is no longer in force"
	case rule.Off != "":
		return time.Time{}, "the expectation is switched off: " + rule.Off
	case u.excluded[rule.Control] != "":
		return u.a.Readings.Applicability, ""
	}
	return u.a.Readings.Expectations[l.Expectation], ""
}

// resolved ends a finding.
func (u *updater) resolved(l *Life, r *assess.Result, cause string) {
	facts := u.facts(l, r)
	facts.DueAt, facts.Owner, facts.OwnerFrom = l.DueAt, l.Owner, l.OwnerFrom
	u.add(Event{Type: Resolved, Cause: cause}, r, facts)
}

// changed notes what is different about a finding, if anything is.
func (u *updater) changed(l *Life, r *assess.Result, because string) {
	facts := u.facts(l, r)
	if l.State == Covered {
		facts.DueAt = nil
	}
	facts.Owner, facts.OwnerFrom = l.Owner, l.OwnerFrom
	what := differences(l.Facts, facts)
	if len(what) == 0 {
		return
	}
	u.add(Event{Type: Changed, Cause: strings.Join(what, ", ") + "; " + because}, r, facts)
}

// differences names what is different between two assessments' facts. The
// reason of a grade counts others and is no difference by itself.
func differences(was, is Facts) []string {
	var out []string
	differ := func(name, a, b string) {
		if a != b {
			out = append(out, fmt.Sprintf("%s %s → %s", name, orNone(a), orNone(b)))
		}
	}
	differ("status", string(was.Status), string(is.Status))
	differ("underneath", string(was.Underlying), string(is.Underlying))
	differ("reason", was.Stale, is.Stale)
	differ("waiver", was.Waiver, is.Waiver)
	differ("control", was.Control, is.Control)
	differ("severity", was.Severity, is.Severity)
	differ("systems", strings.Join(was.Systems, " "), strings.Join(is.Systems, " "))
	differ("due", stampOf(was.DueAt), stampOf(is.DueAt))
	differ("deadline of the duty", stampOf(was.DutyAt), stampOf(is.DutyAt))
	if is.Grade != "" { // what nobody can tell takes back no grade
		differ("grade", was.Grade, is.Grade)
		differ("extent", was.Extent, is.Extent)
	}
	return out
}

// reassigned notes that the register names another owner. Whom a person
// assigned stays the owner while active.
func (u *updater) reassigned(l *Life, r *assess.Result, facts Facts) {
	cause := fmt.Sprintf("the register names %s (%s)", orNone(facts.Owner), orNone(facts.OwnerFrom))
	switch {
	case l.Assigned != "" && (u.p.Active == nil || u.p.Active(l.Assigned)):
		return
	case l.Assigned != "":
		cause = l.Assigned + " is not active in the register any more; " + cause
	case facts.Owner == l.Owner && facts.OwnerFrom == l.OwnerFrom:
		return
	}
	u.add(Event{Type: Reassigned, Cause: cause}, r, facts)
}

// facts returns what the assessment says about a result.
func (u *updater) facts(l *Life, r *assess.Result) Facts {
	id := assess.FindingID(r.Expectation, r.Subject)
	f := Facts{Control: r.Control, Status: r.Status, Underlying: r.Underlying, Waiver: r.Waiver, Severity: r.Severity,
		Systems: slices.Clone(r.Systems), DutyAt: r.DueAt}
	if f.Status == "" {
		f.Status = assess.StatusNotAssessed
	}
	if r.Status == assess.StatusStale {
		f.Stale, _, _ = strings.Cut(r.Reason, ":")
	}
	if g, ok := u.graded[id]; ok && g.Grade != "" {
		f.Grade, f.Extent, f.GradeReason = g.Grade, g.Extent, g.GradeReason
	} else if l != nil {
		f.Grade, f.Extent, f.GradeReason = l.Grade, l.Extent, l.GradeReason
	}
	f.Owner, f.OwnerFrom = r.Owner, "expectation"
	if u.p.Owner != nil {
		f.Owner, f.OwnerFrom = u.p.Owner(r)
	}
	if f.Owner == "" {
		f.OwnerFrom = ""
	}
	f.DueAt = u.dueOf(l, f)
	return f
}

func (u *updater) dueOf(l *Life, f Facts) *time.Time {
	if l == nil {
		return nil
	}
	return u.due(f.Severity, l.Since())
}

// due counts from when a shortfall was opened.
func (u *updater) due(severity string, from time.Time) *time.Time {
	d := u.p.Due[severity]
	if d <= 0 {
		return nil
	}
	at := from.Add(d)
	return &at
}

// add completes an event.
func (u *updater) add(e Event, r *assess.Result, f Facts) {
	e.Finding = assess.FindingID(r.Expectation, r.Subject)
	e.At, e.Checkpoint, e.Status, e.Facts = u.a.AsOf, u.a.Checkpoint, f.Status, &f
	e.Cause = clip(e.Cause)
	u.events = append(u.events, e)
}
