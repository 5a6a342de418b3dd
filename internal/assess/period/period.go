package period

import (
	"errors"
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Options says which span to look at, and how.
type Options struct {
	From, To time.Time
	// LateAfter is how long after an event it may be read first before that is
	// called a late capture; zero means DefaultLateAfter.
	LateAfter time.Duration
	// MaxInstants bounds the work; zero means DefaultMaxInstants. Day ends are
	// always looked at; of more runs' ends, some are left out.
	MaxInstants int
}

// Defaults of Options.
const (
	DefaultLateAfter   = 7 * 24 * time.Hour
	DefaultMaxInstants = 4000
)

// Period is the record of a span.
type Period struct {
	From       time.Time         `json:"from"`
	To         time.Time         `json:"to"`
	Checkpoint assess.Checkpoint `json:"checkpoint"`
	Catalog    assess.CatalogRef `json:"catalog"`
	Days       int               `json:"days"` // days that the span touches, UTC
	Instants   int               `json:"instants"`
	Resolution string            `json:"resolution"`
	LateAfter  string            `json:"late_capture_after"`
	Controls   []Control         `json:"controls"`
	Records    []*Record         `json:"records"`
	Reads      []Reads           `json:"reads"`
}

// Control is a control across the span. It is worst at an instant as the worst
// of its results is.
type Control struct {
	ID        string     `json:"id"`
	Title     string     `json:"title"`
	Status    string     `json:"status"` // at the last instant
	Days      Days       `json:"days"`
	Intervals []Interval `json:"intervals"`
	First     *Operating `json:"first_operating_record,omitempty"`
	Last      *Operating `json:"last_operating_record,omitempty"`
	Events    Events     `json:"events"`
	Gaps      int        `json:"gaps"`          // intervals of its records that are not satisfied
	Late      int        `json:"late_duties"`   // duties answered late, or not at all
	Captured  int        `json:"late_captures"` // pieces of evidence first read long after their event
	Notes     []string   `json:"notes,omitempty"`
}

// Events counts what is judged event by event and happened in the span.
type Events struct {
	Total     int `json:"total"`
	Satisfied int `json:"satisfied"` // when they were last judged
}

// Days counts the days of the span. They add up to Total.
type Days struct {
	Total        int `json:"total"`         // days on which there was something to judge
	Satisfied    int `json:"satisfied"`     // at every instant of the day, and what it rests on was read that day
	NotRead      int `json:"not_read"`      // satisfied, but a state it rests on was not read completely that day
	Waived       int `json:"waived"`        // at some instant, and never worse
	NotSatisfied int `json:"not_satisfied"` // at some instant of the day
}

// Record is one expectation for one subject across the span.
type Record struct {
	Expectation string           `json:"expectation"`
	Control     string           `json:"control"`
	Subject     evidence.Subject `json:"subject"`
	Severity    string           `json:"severity"`
	Mode        string           `json:"mode"`
	Systems     []string         `json:"systems,omitempty"`
	Owner       string           `json:"owner,omitempty"`
	Days        Days             `json:"days"`
	Intervals   []Interval       `json:"intervals"`
	First       *Operating       `json:"first_operating_record,omitempty"`
	Last        *Operating       `json:"last_operating_record,omitempty"`
	Duty        *Duty            `json:"duty,omitempty"`
	Captured    *Capture         `json:"late_capture,omitempty"`
	Notes       []string         `json:"notes,omitempty"`

	facts []int32 // evidence that satisfied intervals rest on, in order
}

// Interval is a stretch of one status. It was found at From, at To and at every
// instant between; Until is the next instant, at which it was something else,
// or the subject was no longer concerned.
type Interval struct {
	From       time.Time     `json:"from"`
	To         time.Time     `json:"to"`
	Until      *time.Time    `json:"until,omitempty"`
	Status     assess.Status `json:"status"`
	Reason     string        `json:"reason"`                 // at From
	ReasonAtTo string        `json:"reason_at_to,omitempty"` // if it was another
	Underlying assess.Status `json:"underlying,omitempty"`
	Waiver     string        `json:"waiver,omitempty"`
	Late       bool          `json:"late_capture,omitempty"` // at some instant known only from a later reading

	first, last int // instants
	cause       cause
}

// Gap reports whether the interval shows a shortfall or that nobody can tell.
func (i Interval) Gap() bool {
	return i.Status != assess.StatusSatisfied && i.Status != assess.StatusNotApplicable && i.Status != assess.StatusWaived
}

// Operating is a piece of evidence that something was done.
type Operating struct {
	At       time.Time       `json:"at"` // event time
	Kind     string          `json:"kind"`
	Evidence evidence.Digest `json:"evidence"`
}

// Duty is a duty that was not answered in time.
type Duty struct {
	DueAt      time.Time  `json:"due_at"`
	AnsweredAt *time.Time `json:"answered_at,omitempty"` // absent if it was not, by the end of the span
	Late       string     `json:"late"`                  // by how much, until then
}

// Capture is evidence of the span that was first read long after its event.
type Capture struct {
	Count int             `json:"count"`
	Of    int             `json:"of"`    // events of the span that the record rests on
	Worst string          `json:"worst"` // how long after
	At    time.Time       `json:"at"`    // the event of the worst
	Read  time.Time       `json:"first_seen"`
	Which evidence.Digest `json:"evidence"`
}

// Of makes the record of a span from a State.
func Of(st *assess.State, cp assess.Checkpoint, o Options) (*Period, error) {
	o.From, o.To = o.From.UTC().Truncate(time.Microsecond), o.To.UTC().Truncate(time.Microsecond)
	if o.From.IsZero() || !o.From.Before(o.To) {
		return nil, errors.New("period: the first instant must be before the last")
	}
	if o.LateAfter <= 0 {
		o.LateAfter = DefaultLateAfter
	}
	if o.MaxInstants <= 0 {
		o.MaxInstants = DefaultMaxInstants
	}
	b := newBuilder(st, o)
	sweep, err := st.Sweep(o.From, o.To)
	if err != nil {
		return nil, fmt.Errorf("period: %w", err)
	}
	for i, at := range b.instants {
		a, err := sweep.At(at, cp)
		if err != nil {
			return nil, fmt.Errorf("period: %w", err)
		}
		b.take(i, a)
	}
	return b.period(cp), nil
}
