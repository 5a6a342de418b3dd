package agent

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/exhibit-aims/exhibit/internal/agent/blackout"
)

// Scheduled is a source with the times at which it is to be read.
type Scheduled struct {
	Source    string
	Connector string
	Spec      string            // cron expression, five fields or a descriptor such as @hourly; empty: only when asked
	Zone      *time.Location    // nil means UTC
	Jitter    time.Duration     // spread: a fixed part of it, by source name, is added to each time
	Blackout  []blackout.Window // a time inside a window is put off to its end
	Priority  int               // 1 first … 4 last; 0 means 2
	Budget    Budget            // of the credential that the source is read with
}

// Budget is how many requests all sources of one credential may make together.
// The zero value is no limit.
type Budget struct {
	Name     string        `json:"name,omitempty"`
	Requests int           `json:"requests,omitempty"`
	Per      time.Duration `json:"per,omitempty"`
}

// rate is the requests of a second.
func (b Budget) rate() float64 {
	if b.Per <= 0 {
		return 0
	}
	return float64(b.Requests) / b.Per.Seconds()
}

// tick is a time of a schedule: when it is due, and when a run may begin.
type tick struct{ due, at time.Time }

// next returns the first tick after t.
func (s Scheduled) next(t time.Time) (tick, error) {
	parsed, err := cron.ParseStandard(s.Spec)
	if err != nil {
		return tick{}, fmt.Errorf("source %s: schedule %q: %w", s.Source, s.Spec, err)
	}
	shift := s.shift()
	due := nextWall(parsed, t.Add(-shift).In(s.zone()))
	if due.IsZero() {
		return tick{}, fmt.Errorf("source %s: schedule %q never comes due", s.Source, s.Spec)
	}
	due = due.Add(shift).UTC()
	at, err := blackout.Until(s.Blackout, due)
	if err != nil {
		return tick{}, fmt.Errorf("source %s: %w", s.Source, err)
	}
	return tick{due: due, at: at}, nil
}

func (s Scheduled) zone() *time.Location {
	if s.Zone == nil {
		return time.UTC
	}
	return s.Zone
}

func (s Scheduled) priority() int {
	if s.Priority < 1 || s.Priority > 4 {
		return 2
	}
	return s.Priority
}

func (s Scheduled) shift() time.Duration {
	if s.Jitter <= 0 {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte(s.Source))
	return time.Duration(h.Sum64() % uint64(s.Jitter)).Truncate(time.Second)
}

// anyHour is the mark that cron sets where the hour is *.
const anyHour = 1 << 63

// nextWall is the first time after t that a schedule names on the wall clock of
// t's zone. What falls into an hour that a change of the clock leaves out comes
// as long after the change as it would have been after the hour's begin; an
// hour that comes twice counts once, unless the schedule means every hour.
func nextWall(s cron.Schedule, t time.Time) time.Time {
	spec, ok := s.(*cron.SpecSchedule)
	if !ok {
		return s.Next(t)
	}
	n := s.Next(t)
	for spec.Hour&anyHour == 0 && !n.IsZero() && repeated(n) {
		n = s.Next(n)
	}
	if n.IsZero() {
		return n
	}
	for at := firstChange(t); !at.IsZero() && at.Before(n); _, at = at.ZoneBounds() {
		if lost, ok := inGap(s, t, at); ok && lost.Before(n) {
			return lost
		}
	}
	return n
}

// firstChange is the last change of the clock at or before t, or the first after it.
func firstChange(t time.Time) time.Time {
	start, end := t.ZoneBounds()
	if start.IsZero() {
		return end
	}
	return start
}

// inGap returns the first time after t that a schedule names within what the
// change of the clock at an instant leaves out.
func inGap(s cron.Schedule, t, change time.Time) (time.Time, bool) {
	before := change.Add(-time.Second)
	_, off := before.Zone()
	_, now := change.Zone()
	gap := time.Duration(now-off) * time.Second
	if gap <= 0 {
		return time.Time{}, false
	}
	from := before
	if t.After(from) {
		from = t
	}
	n := s.Next(from.In(time.FixedZone("", off)))
	if n.IsZero() || !n.Before(change.Add(gap)) {
		return time.Time{}, false
	}
	return n.In(t.Location()), true
}

// repeated reports whether the wall clock showed t's time once before.
func repeated(t time.Time) bool {
	start, _ := t.ZoneBounds()
	if start.IsZero() {
		return false
	}
	_, before := start.Add(-time.Second).Zone()
	_, now := t.Zone()
	back := time.Duration(before-now) * time.Second
	return back > 0 && t.Sub(start) < back
}

// definition is a Scheduled as it is kept.
type definition struct {
	Source    string        `json:"source"`
	Connector string        `json:"connector,omitempty"`
	Spec      string        `json:"spec,omitempty"`
	Zone      string        `json:"zone,omitempty"`
	Jitter    time.Duration `json:"jitter,omitempty"`
	Blackout  []string      `json:"blackout,omitempty"`
	Priority  int           `json:"priority"`
	Budget    *Budget       `json:"budget,omitempty"`
}

func (s Scheduled) encode() (string, error) {
	d := definition{Source: s.Source, Connector: s.Connector, Spec: s.Spec, Zone: s.zone().String(), Jitter: s.Jitter, Priority: s.priority()}
	for _, w := range s.Blackout {
		d.Blackout = append(d.Blackout, w.String())
	}
	if s.Budget.Name != "" {
		d.Budget = &s.Budget
	}
	b, err := json.Marshal(d)
	return string(b), err
}

func decodeScheduled(text string) (Scheduled, error) {
	var d definition
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return Scheduled{}, fmt.Errorf("kept schedule: %w", err)
	}
	zone, err := time.LoadLocation(d.Zone)
	if err != nil {
		return Scheduled{}, fmt.Errorf("kept schedule of %s: %w", d.Source, err)
	}
	s := Scheduled{Source: d.Source, Connector: d.Connector, Spec: d.Spec, Zone: zone, Jitter: d.Jitter, Priority: d.Priority}
	for _, text := range d.Blackout {
		w, err := blackout.Parse(text)
		if err != nil {
			return Scheduled{}, fmt.Errorf("kept schedule of %s: %w", d.Source, err)
		}
		s.Blackout = append(s.Blackout, w)
	}
	if d.Budget != nil {
		s.Budget = *d.Budget
	}
	return s, nil
}
