package assess

import (
	"fmt"
	"time"
)

// maxBusinessDays bounds how far businessDays counts.
const maxBusinessDays = 10_000

// businessDays returns the instant n working days after t, at the same time of
// day in UTC. Saturdays and Sundays do not count; public holidays are not
// known. From a weekend, counting begins on Monday.
func businessDays(t time.Time, n int) time.Time {
	t = t.UTC()
	weeks := n / 5
	for range n % 5 {
		t = nextWorkday(t)
	}
	if weeks > 0 && isWeekend(t) { // a whole number of weeks from a weekend ends on a Friday
		t = lastWorkday(t)
	}
	return t.AddDate(0, 0, 7*weeks)
}

func isWeekend(t time.Time) bool {
	d := t.Weekday()
	return d == time.Saturday || d == time.Sunday
}

func nextWorkday(t time.Time) time.Time {
	t = t.AddDate(0, 0, 1)
	for isWeekend(t) {
		t = t.AddDate(0, 0, 1)
	}
	return t
}

func lastWorkday(t time.Time) time.Time {
	for isWeekend(t) {
		t = t.AddDate(0, 0, -1)
	}
	return t
}

// span writes a duration as people say it: 14 days, 36 hours, 5 minutes.
func span(d time.Duration) string {
	unit := func(n time.Duration, word string) string {
		if n == 1 {
			return "1 " + word
		}
		return fmt.Sprintf("%d %ss", n, word)
	}
	switch {
	case d >= 48*time.Hour || d == 24*time.Hour:
		return unit(d/(24*time.Hour), "day")
	case d >= 2*time.Hour || d == time.Hour:
		return unit(d/time.Hour, "hour")
	case d >= time.Minute:
		return unit(d/time.Minute, "minute")
	}
	return unit(d/time.Second, "second")
}

// exactSpan is span without rounding away what decides: 365 days and 1 second.
func exactSpan(d, limit time.Duration) string {
	if rest := d - limit; rest > 0 && rest < 24*time.Hour && limit > 0 {
		return span(limit) + " and " + span(rest)
	}
	return span(d)
}

// sameWords is how much longer exactSpan says the same of an age that grows.
func sameWords(age, limit time.Duration) time.Duration {
	if rest := age - limit; rest > 0 && rest < 24*time.Hour && limit > 0 {
		age = rest
	}
	unit := time.Second
	switch {
	case age == 24*time.Hour || age == time.Hour:
		return 0
	case age >= 48*time.Hour:
		unit = 24 * time.Hour
	case age >= 2*time.Hour:
		unit = time.Hour
	case age >= time.Minute:
		unit = time.Minute
	}
	return unit - age%unit - 1
}

func stamp(ns int64) string { return instant(ns).Format("2006-01-02 15:04:05Z") }
