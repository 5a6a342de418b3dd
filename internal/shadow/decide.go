package shadow

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/people"
)

// decided returns the decision that counts for a case, and one that was made
// since and waits for a second person.
func (r *reader) decided(id string) (counts, waits *people.CaseDecision) {
	for _, d := range r.decisions[id] {
		if d.DecidedAt.After(r.in.Now) {
			continue
		}
		since := d.Since()
		switch {
		case since.IsZero() || since.After(r.in.Now):
			if waits == nil || newer(d, waits) {
				waits = d
			}
		case counts == nil || newer(d, counts):
			counts = d
		}
	}
	if waits != nil && counts != nil && !newer(waits, counts) {
		waits = nil
	}
	return counts, waits
}

func newer(a, b *people.CaseDecision) bool {
	return cmp.Or(a.DecidedAt.Compare(b.DecidedAt.Time), cmp.Compare(a.ID, b.ID)) > 0
}

// blockWithin is how long what was blocked may still be there.
const blockWithin = 30 * day

// decide gives a case its state, by what the register accounts for and what
// people decided.
func (r *reader) decide(c *Case, live []*group, a account) {
	r.judge(c, live, a, len(live) > 0)
}

// judge is decide for what is there, though nothing of it may be readable.
func (r *reader) judge(c *Case, live []*group, a account, there bool) {
	d, waits := r.decided(c.ID)
	if waits != nil {
		c.Pending = waits.ID
	}
	if d != nil {
		c.Decision, c.DecisionID, c.DecisionBy, c.DecisionAt, c.Reason = d.Decision, d.ID, d.DecidedBy, at(d.DecidedAt.Time), d.Reason
	}
	switch {
	case !there:
		c.Status = Gone
	case len(a.systems) > 0:
		c.Status, c.Systems, c.System, c.Basis = Registered, a.systems, a.systems[0], a.basis
	case d == nil:
		r.open(c, a, "", time.Time{})
	case d.Decision == people.CaseTaken:
		r.open(c, a, "", time.Time{})
		c.Status, c.Owner, c.DueAt = Due, d.DecidedBy, at(d.DueAt.Time)
	default:
		r.hold(c, live, a, d)
	}
}

// hold applies a decision that closes, unless what it was made on has changed.
func (r *reader) hold(c *Case, live []*group, a account, d *people.CaseDecision) {
	if because, since := r.changed(c, live, d); because != "" {
		r.open(c, a, because, since)
		return
	}
	switch d.Decision {
	case people.CaseRegistered:
		c.Status, c.Systems, c.System, c.Basis = Registered, []string{d.System}, d.System, ByDecision
	case people.CaseAccepted:
		c.Status, c.ExpiresAt = Accepted, at(d.Until())
	case people.CaseBlocked:
		c.Status = Blocked
	case people.CaseFalsePositive:
		c.Status = FalsePositive
	default:
		r.open(c, a, "decision "+d.ID+" says "+d.Decision+", which closes nothing", d.DecidedAt.Time)
	}
}

// changed says why a decision no longer holds, and since when.
func (r *reader) changed(c *Case, live []*group, d *people.CaseDecision) (because string, since time.Time) {
	if more := added(c.Items, d.Items); len(more) > 0 {
		return "since it was decided on, there is also " + strings.Join(phrases(more), ", "), r.firstOf(live, d.Since())
	}
	switch d.Decision {
	case people.CaseFalsePositive:
		if because := c.showsMore(d.Items); because != "" {
			return because, r.firstOf(live, d.Since())
		}
	case people.CaseAccepted:
		if end := d.Until(); end.Before(r.in.Now) {
			return "the acceptance by " + d.DecidedBy + " ended on " + end.UTC().Format(time.DateOnly), end
		}
	case people.CaseRegistered:
		if !slices.ContainsFunc(r.systems, func(s system) bool { return s.id == d.System && s.live }) {
			return d.System + ", which was to account for it, is no registered system that is in use", r.in.Now
		}
	case people.CaseBlocked:
		return r.afterBlock(c, live, d)
	}
	return "", time.Time{}
}

const backAfterBlock = "it was gone after it was blocked, and is there again"

// afterBlock says whether what was blocked came back, was used later, or stands
// too long. That it came back is forgotten only when somebody decides anew.
func (r *reader) afterBlock(c *Case, live []*group, d *people.CaseDecision) (because string, since time.Time) {
	if was := r.earlier[c.ID]; was.DecisionID == d.ID && (was.Status == Gone || was.Reopened == backAfterBlock) {
		return backAfterBlock, r.in.Now
	}
	var last time.Time
	for _, g := range live {
		last = later(last, g.last)
	}
	at := d.DecidedAt.UTC()
	if !last.IsZero() && last.UTC().Truncate(day).After(at.Truncate(day)) {
		return "it was used on " + last.UTC().Format(time.DateOnly) + ", after it was blocked on " + at.Format(time.DateOnly), last
	}
	standing := len(live) == 0 || slices.ContainsFunc(live, func(g *group) bool { return g.standing && !g.weak })
	if end := at.Add(blockWithin); standing && end.Before(r.in.Now) {
		return "it was blocked on " + at.Format(time.DateOnly) + " and is still there", end
	}
	return "", time.Time{}
}

// firstOf is when what came after a decision was seen first; now, if nothing
// says.
func (r *reader) firstOf(live []*group, after time.Time) time.Time {
	var first time.Time
	for _, g := range live {
		if g.since.After(after) {
			first = earlier(first, g.since)
		}
	}
	return or(first, r.in.Now)
}

// open makes a case ask for a decision, within the time that is given for it
// from when it was seen first, or from when it opened again.
func (r *reader) open(c *Case, a account, because string, since time.Time) {
	c.Status, c.Unexplained, c.Reopened = New, a.why, because
	was := r.earlier[c.ID]
	switch {
	case because != "" && was.Reopened == because && !was.TriageDue.IsZero():
		c.TriageDue = was.TriageDue // it opened again once, however often that is looked at
		return
	case because == "" && was.Status == Gone:
		c.Reopened, since = "it was gone, and is there again", r.in.Now
	case because == "" && was.Status == Registered:
		c.Reopened, since = or(strings.Join(was.Systems, ", "), "a system")+" accounted for it, and does not any more", r.in.Now
	case because == "" && Open(was.Status) && was.Reopened != "" && (c.Decision == people.CaseTaken || was.DecisionID == c.DecisionID):
		c.Reopened, c.TriageDue = was.Reopened, was.TriageDue
		return
	}
	c.TriageDue = at(later(c.FirstSeen.Time, since).Add(r.in.triageWithin()))
}

// phrases brings items of content into words.
func phrases(items []string) []string {
	out := make([]string, 0, len(items))
	for _, item := range items {
		kind, what, _ := strings.Cut(item, ":")
		switch kind {
		case "use":
			provider, scope, _ := strings.Cut(what, "@")
			if scope != "" {
				what = provider + " in scope " + scope
			}
			out = append(out, what)
		case "in":
			out = append(out, "a use in "+what)
		default:
			out = append(out, item)
		}
	}
	return out
}
