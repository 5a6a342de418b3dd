package grants

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/coverage"
)

// Days are sums by application and UTC day. Nothing of a person is kept beyond
// the run. It is not safe for concurrent use.
type Days struct {
	sums map[dayKey]*Sum
}

type dayKey struct{ place, day string }

// Sum is what happened to an application on a day.
type Sum struct {
	Place       string
	Day         string // 2026-11-28
	Requests    int64
	Blocked     int64
	Bytes       int64
	First, Last time.Time
	Scopes      []string

	people map[string]struct{}
}

// People is how many different people there were.
func (s *Sum) People() int64 { return int64(len(s.people)) }

// Event is one use of an application.
type Event struct {
	Place   string
	At      time.Time
	Who     string // empty if the source does not say
	Blocked bool
	Bytes   int64 // that the application was sent
	Scopes  []string
}

// Add counts an event.
func (d *Days) Add(e Event) {
	if d.sums == nil {
		d.sums = map[dayKey]*Sum{}
	}
	at := e.At.UTC()
	k := dayKey{e.Place, at.Format(time.DateOnly)}
	s := d.sums[k]
	if s == nil {
		s = &Sum{Place: e.Place, Day: k.day, First: at, Last: at, people: map[string]struct{}{}}
		d.sums[k] = s
	}
	s.Requests++
	s.Bytes += e.Bytes
	if e.Blocked {
		s.Blocked++
	}
	if at.Before(s.First) {
		s.First = at
	}
	if at.After(s.Last) {
		s.Last = at
	}
	if e.Who != "" {
		s.people[e.Who] = struct{}{}
	}
	for _, scope := range e.Scopes {
		if len(s.Scopes) < 10*maxScopes && !slices.Contains(s.Scopes, scope) {
			s.Scopes = append(s.Scopes, scope)
		}
	}
}

// Merge takes over the sums of other days, none of which are here yet.
func (d *Days) Merge(other *Days) {
	if d.sums == nil {
		d.sums = map[dayKey]*Sum{}
	}
	maps.Copy(d.sums, other.sums)
}

// All returns the sums, by place and day.
func (d *Days) All() []*Sum {
	var out []*Sum
	for _, s := range d.sums {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b *Sum) int { return cmp.Or(cmp.Compare(a.Place, b.Place), cmp.Compare(a.Day, b.Day)) })
	return out
}

// Midnight is the beginning of a day, UTC.
func Midnight(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// Reading is how far a log was read for one application: from First on, in
// earlier runs too, up to Until.
type Reading struct {
	First time.Time `json:"first"`
	Until time.Time `json:"until"`
}

// Positions are the readings of a log, kept as one cursor. The day that a run
// ended on and the one before it are read again by the next, whole: events come
// late, and a sum is of a whole day.
type Positions struct {
	name    string
	book    *coverage.Book
	now     time.Time
	oldest  time.Time
	read    map[string]Reading
	current map[string]Reading
}

// maxPositions is how many applications fit into a cursor.
const maxPositions = 500

// OpenPositions reads the cursor of a log. history is how many days are read
// of an application that none was read of; since is the run's own limit.
func OpenPositions(b *coverage.Book, name string, now time.Time, history int, since time.Time) *Positions {
	p := &Positions{name: name, book: b, now: now.UTC().Truncate(time.Second), read: map[string]Reading{}, current: map[string]Reading{}}
	p.oldest = Midnight(now).AddDate(0, 0, -history)
	if m := Midnight(since); m.After(p.oldest) {
		p.oldest = m
	}
	if !b.Position(name, &p.read) || p.read == nil {
		p.read = map[string]Reading{}
	}
	return p
}

// From is the midnight from which on the log is to be read for an application.
func (p *Positions) From(place string) time.Time {
	last, ok := p.read[place]
	if !ok || last.Until.After(p.now) || last.First.After(last.Until) || last.Until.Before(p.oldest) {
		p.current[place] = Reading{First: p.oldest, Until: p.now}
		return p.oldest
	}
	p.current[place] = Reading{First: last.First, Until: p.now}
	from := Midnight(last.Until).AddDate(0, 0, -1)
	if from.Before(Midnight(last.First)) {
		return Midnight(last.First)
	}
	return from
}

// Done notes that the log was read for an application, and since when its
// whole history is known.
func (p *Positions) Done(place string, kinds ...string) {
	p.read[place] = p.current[place]
	p.book.Since(p.read[place].First, kinds...)
}

// Save keeps the positions of what was read in this run.
func (p *Positions) Save() error {
	out := map[string]Reading{}
	for place := range p.current {
		if r, ok := p.read[place]; ok && len(out) < maxPositions {
			out[place] = r
		}
	}
	return p.book.Cursor(p.name, out)
}
