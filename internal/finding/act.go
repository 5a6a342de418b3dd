package finding

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// ErrAct: what a person asks for cannot be done to the finding as it stands.
var ErrAct = errors.New("cannot be done")

// Grades are what a person may grade a finding as.
var Grades = []string{"major", "minor", "observation"}

// maxWords is how much text a person may give: what is kept is never cut.
const maxWords = 600

// act is what all acts of people have in common. The words must say something.
func act(l *Life, t EventType, by, words string, at time.Time) (Event, error) {
	switch {
	case strings.TrimSpace(by) == "":
		return Event{}, fmt.Errorf("%w: nobody is named who does it", ErrAct)
	case !strings.ContainsFunc(words, seen):
		return Event{}, fmt.Errorf("%w: no reason is given", ErrAct)
	case len([]rune(words)) > maxWords:
		return Event{}, fmt.Errorf("%w: the text has more than %d characters", ErrAct, maxWords)
	case l.State == Concluded:
		return Event{}, fmt.Errorf("%w: the finding was resolved at %s", ErrAct, stampOf(l.ResolvedAt))
	case at.Before(l.last()):
		return Event{}, fmt.Errorf("%w: %s is before the last event, at %s", ErrAct, stamp(at), stamp(l.last()))
	}
	return Event{Finding: l.ID, Type: t, At: at.UTC(), By: by, Cause: clip(words), Status: l.Status, Checkpoint: l.Checkpoint}, nil
}

// seen reports whether a letter or sign can be seen: what cannot is no reason.
func seen(r rune) bool {
	return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.Is(unicode.Mn, r)
}

// last is when the last event happened.
func (l *Life) last() time.Time {
	if n := len(l.History); n > 0 {
		return l.History[n-1].At
	}
	return time.Time{}
}

// Acknowledge says that a person has taken note of an open finding.
func Acknowledge(l *Life, by, note string, at time.Time) (Event, error) {
	e, err := act(l, Acknowledged, by, note, at)
	switch {
	case err != nil:
		return e, err
	case l.State == Noted:
		return e, fmt.Errorf("%w: %s acknowledged it at %s", ErrAct, l.AcknowledgedBy, stampOf(l.AcknowledgedAt))
	case l.State == Covered:
		return e, fmt.Errorf("%w: a waiver covers it; it is acknowledged when that lapses", ErrAct)
	}
	return e, nil
}

// Assign makes somebody the owner of a finding, until it is resolved or the
// person leaves.
func Assign(l *Life, to, by, note string, at time.Time) (Event, error) {
	if note == "" {
		note = "assigned to " + to
	}
	e, err := act(l, Reassigned, by, note, at)
	if err == nil && l.Assigned == to {
		err = fmt.Errorf("%w: it is assigned to %s already", ErrAct, to)
	}
	e.Owner = to
	return e, err
}

// Grade overrides the suggested grade, until the finding is resolved.
func Grade(l *Life, grade, by, because string, at time.Time) (Event, error) {
	if !slices.Contains(Grades, grade) {
		return Event{}, fmt.Errorf("%w: %q is not a grade; grades are %s", ErrAct, grade, strings.Join(Grades, ", "))
	}
	e, err := act(l, Graded, by, because, at)
	if err == nil && l.Judged != nil && l.Judged.Grade == grade && l.Judged.Because == e.Cause {
		err = fmt.Errorf("%w: it is graded %s for that reason already", ErrAct, grade)
	}
	e.Grade = grade
	return e, err
}
