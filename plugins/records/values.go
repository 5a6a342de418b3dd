package records

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Longest texts that a host takes, in bytes.
const maxLink = 4000

// Line makes a text that somebody else chose one printable line of at most
// limit runes: valid UTF-8, without control or direction characters.
func Line(s string, limit int) string {
	if len(s) > 8*limit {
		s = s[:8*limit]
	}
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD")))
	if utf8.RuneCountInString(s) > limit {
		return string([]rune(s)[:limit]) + "…"
	}
	return s
}

// Fit reports whether a text that somebody else chose can be a key, a group
// or a subject's id as it is.
func Fit(s string) bool {
	return s != "" && len(s) <= maxID && !unfit(s) && !strings.ContainsRune(s, utf8.RuneError)
}

// Link returns raw if it is an address that a person can safely follow, else
// nothing.
func Link(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || len(raw) > maxLink || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http") ||
		unfit(raw) || strings.ContainsRune(raw, utf8.RuneError) {
		return ""
	}
	return raw
}

// Stamp writes a time as payloads have it, RFC 3339 in UTC; empty for none.
func Stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// Moment reads a time in RFC 3339, as APIs give them and Stamp writes them;
// zero for an empty text.
func Moment(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no time", Line(s, 40))
	}
	return at.UTC(), nil
}

// Unix reads seconds since 1970 as APIs give them; zero for none and for what
// cannot be a date of our age.
func Unix(seconds int64) time.Time {
	if seconds <= 0 || seconds > 1<<40 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
