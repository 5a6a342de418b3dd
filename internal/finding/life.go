package finding

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// State is where a finding stands.
type State string

// States of a finding.
const (
	Open      State = "open"
	Noted     State = "acknowledged" // open, and a person has taken note
	Covered   State = "waived"       // not open while the waiver is valid
	Concluded State = "resolved"
)

// IsOpen reports whether somebody has to act.
func (s State) IsOpen() bool { return s == Open || s == Noted }

// Life is what became of a finding.
type Life struct {
	ID          string           `json:"id"`
	Expectation string           `json:"expectation"`
	Subject     evidence.Subject `json:"subject"`
	State       State            `json:"state"`
	Facts

	OpenedAt       time.Time         `json:"opened_at"`
	ReopenedAt     []time.Time       `json:"reopened_at,omitempty"`
	AcknowledgedAt *time.Time        `json:"acknowledged_at,omitempty"`
	AcknowledgedBy string            `json:"acknowledged_by,omitempty"`
	ResolvedAt     *time.Time        `json:"resolved_at,omitempty"`
	Assigned       string            `json:"assigned,omitempty"` // whom a person made the owner
	Judged         *Judgement        `json:"judged,omitempty"`   // the grade that a person gave
	ShortAt        time.Time         `json:"short_at"`           // when it was last seen to fall short, or to be due
	Checkpoint     assess.Checkpoint `json:"checkpoint"`         // of the last event
	History        []Event           `json:"history"`
}

// Judgement is a person's grade.
type Judgement struct {
	Grade   string    `json:"grade"`
	Because string    `json:"because"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
}

// Since is when the shortfall began that is open now: the opening, or the last
// reopening.
func (l *Life) Since() time.Time {
	if n := len(l.ReopenedAt); n > 0 {
		return l.ReopenedAt[n-1]
	}
	return l.OpenedAt
}

// OwnedBy returns who has to act, and how that is known. Both are empty if
// nobody is named.
func (l *Life) OwnedBy() (person, from string) {
	if l.Assigned != "" {
		return l.Assigned, "assigned"
	}
	return l.Owner, l.OwnerFrom
}

// GradedAs returns the grade that counts and why: a person's, else the suggested one.
func (l *Life) GradedAs() (grade, reason string) {
	if l.Judged != nil {
		return l.Judged.Grade, l.Judged.Because
	}
	return l.Grade, l.GradeReason
}

// Overdue reports whether the finding is open past its due date.
func (l *Life) Overdue(now time.Time) bool {
	return l.State.IsOpen() && l.DueAt != nil && now.After(*l.DueAt)
}

// Book holds the lives that follow from events. The zero value is empty and
// ready.
type Book struct {
	lives    map[string]*Life
	assessed time.Time
}

// Life returns the life of a finding; the caller does not change it.
func (b *Book) Life(id string) (*Life, bool) {
	l, ok := b.lives[id]
	if ok {
		l.ShortAt = b.shortAt(l)
	}
	return l, ok
}

// Lives returns all lives, by id.
func (b *Book) Lives() []*Life {
	out := make([]*Life, 0, len(b.lives))
	for _, id := range slices.Sorted(maps.Keys(b.lives)) {
		l, _ := b.Life(id)
		out = append(out, l)
	}
	return out
}

// Assessed is the instant of the last assessment; zero before the first.
func (b *Book) Assessed() time.Time { return b.assessed }

// Clone returns a copy: what is applied to it does not show in b.
func (b *Book) Clone() *Book {
	c := &Book{lives: make(map[string]*Life, len(b.lives)), assessed: b.assessed}
	for id, l := range b.lives {
		c.lives[id] = l.clone()
	}
	return c
}

// Copy returns a life that later events leave as it is.
func (b *Book) Copy(id string) (*Life, bool) {
	l, ok := b.lives[id]
	if !ok {
		return nil, false
	}
	c := l.clone()
	c.ShortAt = b.shortAt(l)
	return c, true
}

func (l *Life) clone() *Life {
	copied := *l
	copied.History, copied.ReopenedAt = slices.Clip(l.History), slices.Clip(l.ReopenedAt)
	return &copied
}

// Mark says that an assessment as of an instant was made, after its events
// were applied: what fell short before and did not change fell short then too.
func (b *Book) Mark(at time.Time) {
	if at.After(b.assessed) {
		b.assessed = at
	}
}

// unmet reports whether a status is one in which the expectation is not met. A
// duty that is due is none that falls short, but what was read whole while it
// was due says nothing of what came after.
func unmet(s assess.Status) bool { return short(s) || s == assess.StatusDue }

// shortAt returns when a finding was last seen to fall short, or to be due.
func (b *Book) shortAt(l *Life) time.Time {
	if unmet(l.Status) && l.State != Concluded && b.assessed.After(l.ShortAt) {
		return b.assessed
	}
	return l.ShortAt
}

// Apply adds events to the lives they belong to, in order. An event that
// changes nothing, because it or its like was applied before, is passed over.
func (b *Book) Apply(events ...Event) error {
	if b.lives == nil {
		b.lives = map[string]*Life{}
	}
	for _, e := range events {
		l := b.lives[e.Finding]
		if l == nil {
			if l = begun(e); l == nil {
				return fmt.Errorf("finding %.40q is %s before it was opened", e.Finding, e.Type)
			}
			b.lives[e.Finding] = l
		}
		l.ShortAt = b.shortAt(l)
		l.apply(e)
	}
	return nil
}

// begun makes the life that an event begins, nil if it cannot begin one.
func begun(e Event) *Life {
	if e.Type != Opened && e.Type != Waived || e.Subject == nil || e.Facts == nil {
		return nil
	}
	return &Life{ID: e.Finding, Expectation: e.Expectation, Subject: *e.Subject, OpenedAt: e.At}
}

// follows reports whether an event of a type has a meaning in a state.
func follows(s State, t EventType) bool {
	switch t {
	case Opened:
		return s == ""
	case Waived:
		return s != Covered
	case Reopened:
		return s == Concluded || s == Covered
	case Acknowledged:
		return s == Open
	case Resolved, Changed:
		return s != Concluded
	}
	return true
}

func (l *Life) apply(e Event) {
	if !follows(l.State, e.Type) || l.has(e) {
		return
	}
	at := e.At
	switch e.Type {
	case Opened:
		l.State = Open
	case Reopened:
		l.reopen(at)
	case Waived:
		l.State, l.ResolvedAt = Covered, nil
	case Resolved:
		l.State, l.ResolvedAt = Concluded, &at
	case Acknowledged:
		l.State, l.AcknowledgedAt, l.AcknowledgedBy = Noted, &at, e.By
	case Reassigned:
		l.Assigned = e.Owner
	case Graded:
		l.Judged = &Judgement{Grade: e.Grade, Because: e.Cause, By: e.By, At: at}
	}
	if e.Facts != nil {
		l.Facts = *e.Facts
		if unmet(l.Status) && at.After(l.ShortAt) {
			l.ShortAt = at
		}
	}
	l.Checkpoint = e.Checkpoint
	l.History = append(l.History, e)
}

// reopen begins anew: what people decided about the shortfall before ends with
// its resolution, and what lapses with a waiver is to be acknowledged again.
func (l *Life) reopen(at time.Time) {
	if l.State == Concluded {
		l.Assigned, l.Judged = "", nil
	}
	l.State, l.ResolvedAt, l.AcknowledgedAt, l.AcknowledgedBy = Open, nil, nil, ""
	l.ReopenedAt = append(l.ReopenedAt, at)
}

// has reports whether an event was applied before.
func (l *Life) has(e Event) bool {
	return slices.ContainsFunc(l.History, func(o Event) bool {
		return o.Type == e.Type && o.At.Equal(e.At) && o.By == e.By && o.Cause == e.Cause && o.Owner == e.Owner && o.Grade == e.Grade
	})
}
