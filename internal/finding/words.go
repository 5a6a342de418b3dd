package finding

import (
	"strings"
	"time"
	"unicode/utf8"
)

// maxCause is how many characters of a cause are kept: reasons may quote what
// a source wrote.
const maxCause = 600

// clip shortens a cause, and makes one line of it.
func clip(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) <= maxCause {
		return s
	}
	return string([]rune(s)[:maxCause-1]) + "…"
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return t.UTC().Format(time.RFC3339)
}

func stampOf(t *time.Time) string {
	if t == nil {
		return ""
	}
	return stamp(*t)
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
