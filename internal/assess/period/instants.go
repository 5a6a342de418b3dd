package period

import (
	"fmt"
	"slices"
	"time"
)

const day = 24 * time.Hour

// dayOf numbers days.
func dayOf(t time.Time) int { return int(t.Unix() / int64(day/time.Second)) }

// dayEnd is the last second of the day of t, as --as-of takes a date.
func dayEnd(t time.Time) time.Time { return t.Truncate(day).Add(day - time.Second) }

// instantsOf lists the instants to assess, in order, and says what they are.
func instantsOf(o Options, runs []time.Time) ([]time.Time, string) {
	out := []time.Time{o.From}
	for at := dayEnd(o.From); at.Before(o.To); at = at.Add(day) {
		if at.After(o.From) {
			out = append(out, at)
		}
	}
	out = append(out, o.To)
	kept, bucket := thin(runs, o.MaxInstants-len(out))
	how := fmt.Sprintf("the first and the last instant, the end of each day (UTC) and the end of each of %d runs", len(runs))
	if bucket > 0 {
		how = fmt.Sprintf("the first and the last instant, the end of each day (UTC) and, of %d runs, the end of the last in each %s", len(runs), bucket)
	}
	out = append(out, kept...)
	slices.SortFunc(out, time.Time.Compare)
	out = slices.CompactFunc(out, time.Time.Equal)
	return out, fmt.Sprintf("assessed at %d instants: %s; what changed between two of them is dated to the later one", len(out), how)
}

// thin keeps at most about n of the instants: the last in each stretch of a
// length that it returns, zero if all are kept.
func thin(at []time.Time, n int) ([]time.Time, time.Duration) {
	if len(at) <= n {
		return at, 0
	}
	for _, bucket := range []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour} {
		var out []time.Time
		for i, t := range at {
			if i+1 == len(at) || !at[i+1].Truncate(bucket).Equal(t.Truncate(bucket)) {
				out = append(out, t)
			}
		}
		if len(out) <= n {
			return out, bucket
		}
	}
	return nil, day
}
