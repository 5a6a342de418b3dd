package sandbox

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// ago is a time as the data files write it: relative to Now, in days, hours
// and minutes (-34d6h30m, +12d). The zero value means "not at all".
type ago struct {
	offset time.Duration
	set    bool
}

var agoPattern = regexp.MustCompile(`^([+-])(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?$`)

// parseAgo reads a relative time.
func parseAgo(s string) (ago, error) {
	m := agoPattern.FindStringSubmatch(s)
	if m == nil || len(s) < 2 {
		return ago{}, fmt.Errorf("%q is not a relative time; write -34d6h30m or +12d", s)
	}
	var d time.Duration
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute} {
		if m[i+2] == "" {
			continue
		}
		n, err := strconv.Atoi(m[i+2])
		if err != nil {
			return ago{}, fmt.Errorf("%q: %w", s, err)
		}
		d += time.Duration(n) * unit
	}
	if m[1] == "-" {
		d = -d
	}
	return ago{offset: d, set: true}, nil
}

// UnmarshalYAML reads a relative time from a data file.
func (a *ago) UnmarshalYAML(unmarshal func(any) error) error {
	var s string
	if err := unmarshal(&s); err != nil {
		return err
	}
	var err error
	*a, err = parseAgo(s)
	return err
}

// at is the instant that a means when it is now.
func (a ago) at(now time.Time) time.Time { return now.Add(a.offset) }

// stamp is the instant as GitHub writes it, or nil if a is not set.
func (a ago) stamp(now time.Time) any {
	if !a.set {
		return nil
	}
	return stamp(a.at(now))
}

// or returns a, or other if a is not set.
func (a ago) or(other ago) ago {
	if a.set {
		return a
	}
	return other
}

// stamp writes a time to the second, in UTC.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
