// Package blackout is the times at which a source is not to be read: windows of
// the week, such as the working hours of those who depend on it.
//
// It imports the standard library only. It promises that a window is one of
// wall-clock time: it follows its zone's changes of the clock.
package blackout

import (
	"fmt"
	"strings"
	"time"
)

// Window is a part of each week. Both ends are minutes of the day; one that
// ends before it begins ends on the next day.
type Window struct {
	text     string
	days     [7]bool // days on which it begins, Sunday first
	from, to int     // minutes of the day; to is up to 24:00
	zone     *time.Location
}

// longest bounds how far Until looks: windows that follow each other without a
// gap for a week leave no time at all.
const longest = 8 * 24 * time.Hour

// Form is how a window is written.
const Form = `"Mon-Fri 08:00-18:00 Europe/Berlin"; days and zone may be left out`

var names = map[string]time.Weekday{"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}

// Parse reads "Mon-Fri 08:00-18:00 Europe/Berlin". Days are one or several,
// with commas or as a range, or left out for every day; without a zone it is UTC.
func Parse(s string) (Window, error) {
	w := Window{text: strings.Join(strings.Fields(s), " "), zone: time.UTC}
	fields := strings.Fields(s)
	if len(fields) > 0 && !strings.Contains(fields[0], ":") {
		if err := w.parseDays(fields[0]); err != nil {
			return Window{}, err
		}
		fields = fields[1:]
	} else {
		w.days = [7]bool{true, true, true, true, true, true, true}
	}
	if len(fields) == 0 || len(fields) > 2 {
		return Window{}, fmt.Errorf("%q is not a window of time", s)
	}
	if err := w.parseHours(fields[0]); err != nil {
		return Window{}, err
	}
	if len(fields) == 2 {
		zone, err := time.LoadLocation(fields[1])
		if err != nil || fields[1] == "Local" {
			return Window{}, fmt.Errorf("unknown time zone %q", fields[1])
		}
		w.zone = zone
	}
	return w, nil
}

func (w *Window) parseDays(s string) error {
	for part := range strings.SplitSeq(s, ",") {
		first, last, ranged := strings.Cut(part, "-")
		from, ok := names[strings.ToLower(first)]
		if !ok {
			return fmt.Errorf("%q is not a day; write Mon, Tue, Wed, Thu, Fri, Sat or Sun", first)
		}
		to := from
		if ranged {
			if to, ok = names[strings.ToLower(last)]; !ok {
				return fmt.Errorf("%q is not a day; write Mon, Tue, Wed, Thu, Fri, Sat or Sun", last)
			}
		}
		for d := from; ; d = (d + 1) % 7 {
			w.days[d] = true
			if d == to {
				break
			}
		}
	}
	return nil
}

func (w *Window) parseHours(s string) error {
	from, to, ok := strings.Cut(s, "-")
	if !ok {
		return fmt.Errorf("%q are not hours; write 08:00-18:00", s)
	}
	var err error
	if w.from, err = minutes(from); err != nil {
		return err
	}
	if w.to, err = minutes(to); err != nil {
		return err
	}
	if w.from == w.to || w.from == 24*60 {
		return fmt.Errorf("%q is no time at all; 00:00-24:00 is a whole day", s)
	}
	return nil
}

func minutes(s string) (int, error) {
	if s == "24:00" {
		return 24 * 60, nil
	}
	t, err := time.Parse("15:04", s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a time of day; write 08:00", s)
	}
	return t.Hour()*60 + t.Minute(), nil
}

// String is the window as it was written.
func (w Window) String() string { return w.text }

// end returns the end of the window that t lies in, or zero if it is outside.
func (w Window) end(t time.Time) time.Time {
	local := t.In(w.zone)
	for back := range 2 {
		y, m, d := local.AddDate(0, 0, -back).Date()
		start := time.Date(y, m, d, 0, w.from, 0, 0, w.zone)
		if !w.days[time.Date(y, m, d, 12, 0, 0, 0, w.zone).Weekday()] {
			continue
		}
		to := w.to
		if w.to < w.from {
			to += 24 * 60
		}
		end := time.Date(y, m, d, 0, to, 0, 0, w.zone)
		if !t.Before(start) && t.Before(end) {
			return end
		}
	}
	return time.Time{}
}

// Until returns the first instant from t on that no window covers, UTC. It is t
// itself if none does. Windows that leave no time are an error.
func Until(windows []Window, t time.Time) (time.Time, error) {
	free := t
	for moved := true; moved; {
		moved = false
		for _, w := range windows {
			if end := w.end(free); end.After(free) {
				free, moved = end, true
			}
		}
		if free.Sub(t) > longest {
			return time.Time{}, fmt.Errorf("the blackout leaves no time at all")
		}
	}
	return free.UTC(), nil
}
