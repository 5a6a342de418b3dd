package notify

import "time"

// Clock is a time of day, as the time since midnight.
type Clock time.Duration

// on returns that time on a day, or on the day n days later. A time that the
// day skips is the one that the clock shows instead.
func (c Clock) on(day time.Time, n int) time.Time {
	d := time.Duration(c)
	return time.Date(day.Year(), day.Month(), day.Day()+n, int(d/time.Hour), int(d%time.Hour/time.Minute), 0, 0, day.Location())
}

// Digest says when what can wait is told together.
type Digest struct {
	At     Clock
	Zone   *time.Location
	Weekly bool
	Day    time.Weekday // of a weekly one
}

// next returns the first digest after an instant.
func (d *Digest) next(now time.Time) time.Time {
	local := now.In(d.Zone)
	for n := 0; ; n++ {
		t := d.At.on(local, n)
		if t.After(now) && (!d.Weekly || t.Weekday() == d.Day) {
			return t
		}
	}
}

// Quiet says when nobody is disturbed. From may be after To: then it is night
// in between. Equal times mean the whole day.
type Quiet struct {
	From, To Clock
	Zone     *time.Location
	Days     []time.Weekday // days that are quiet as a whole, beside the hours
	Hours    bool           // From and To are set
	Through  []string       // severities that break through
}

// until returns when an instant's quiet ends; the instant itself if it is not
// quiet.
func (q *Quiet) until(now time.Time) time.Time {
	t := now.In(q.Zone)
	for range 400 { // each step passes the end of one stretch: a week of quiet days at most, then hours
		end, quiet := q.stretch(t)
		if !quiet {
			break
		}
		t = end
	}
	return t
}

// stretch returns the end of the quiet that an instant lies in.
func (q *Quiet) stretch(t time.Time) (end time.Time, quiet bool) {
	for _, d := range q.Days {
		if t.Weekday() == d {
			return Clock(0).on(t, 1), true
		}
	}
	if !q.Hours {
		return t, false
	}
	for n := -1; n <= 0; n++ { // the stretch may have begun yesterday
		from, to := q.From.on(t, n), q.To.on(t, n)
		if q.To <= q.From {
			to = q.To.on(t, n+1)
		}
		if !t.Before(from) && t.Before(to) {
			return to, true
		}
	}
	return t, false
}

// ready returns when a change may be sent to where it goes.
func (o *Options) ready(c *Change, digest bool, now time.Time) time.Time {
	t := now
	if digest && o.Digest != nil {
		t = o.Digest.next(now)
	}
	if o.Quiet == nil || o.Quiet.through(c) {
		return t
	}
	return o.Quiet.until(t)
}

// through reports whether a change breaks through. That something is over or
// was handed to somebody else wakes nobody.
func (q *Quiet) through(c *Change) bool {
	switch c.Type {
	case Opened, Reopened, Overdue:
	default:
		return false
	}
	for _, s := range q.Through {
		if s == c.Item.Severity {
			return true
		}
	}
	return false
}
