package usage

import (
	"net/http"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/coverage"
)

const (
	// Settled is how long after midnight a day is asked for.
	Settled = 3 * time.Hour
	// Unsettled days are read again: use can arrive late, and a day that
	// changed is a new revision of its record.
	Unsettled = 3
)

// Midnight is the beginning of a day, UTC.
func Midnight(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// Behind is now, or the time by the source's clock if that is behind: a day is
// over once it is over on both sides.
func Behind(h http.Header, now time.Time) time.Time {
	if at, err := http.ParseTime(h.Get("Date")); err == nil && at.Before(now.Add(-time.Minute)) && at.After(now.Add(-48*time.Hour)) {
		return at.UTC()
	}
	return now
}

// Days are the days to read, from one midnight to another. First is the day
// from which on all were read, in earlier runs too. Kept as a cursor, they are
// where the next run goes on.
type Days struct {
	First time.Time `json:"first"`
	Until time.Time `json:"until"`
	From  time.Time `json:"-"`
}

// Window is how far back a run reads.
type Window struct {
	Now     time.Time
	Since   time.Time // nothing from before; zero for no such limit
	History int       // days, where nothing was read yet
}

// Days returns the days that a report is to be read for, by the cursor that an
// earlier run left. One that cannot be is as none.
func (w Window) Days(b *coverage.Book, cursor string) Days {
	until := Midnight(w.Now.Add(-Settled))
	oldest := until.AddDate(0, 0, -w.History)
	if since := Midnight(w.Since); since.After(oldest) {
		oldest = since
	}
	var last Days
	if !b.Position(cursor, &last) || last.Until.After(until) || last.First.After(last.Until) {
		return Days{First: oldest, Until: until, From: oldest}
	}
	from := last.Until.AddDate(0, 0, -Unsettled)
	if from.Before(last.First) {
		from = last.First
	}
	return Days{First: last.First, Until: until, From: from}
}

// hold reports whether a day is one of those that are read.
func (d Days) hold(at time.Time) bool {
	return !at.Before(d.From) && at.Before(d.Until) && at.Equal(Midnight(at))
}
