package dashboard

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export/cell"
)

// funcs are what templates may call. None of them returns anything but text.
func funcs(a *assets) template.FuncMap {
	return template.FuncMap{
		"asset":       a.path,
		"bar":         barOf,
		"brief":       func(s string) string { return clip(300, assess.Brief(s)) },
		"clip":        clip,
		"confinement": confinementOf,
		"count":       count,
		"day":         day,
		"digest":      func(d evidence.Digest) string { return d.String()[:12] },
		"every":       everyOf,
		"iso":         iso,
		"joined":      func(list []string) string { return strings.Join(list, ", ") },
		"list":        func(items ...any) []any { return items },
		"month":       func(v any) string { return written(v, "2006-01") },
		"plural":      plural,
		"seconds":     func(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s" },
		"short":       func(s string) string { return clip(120, s) },
		"size":        size,
		"status":      statusName,
		"thresholds":  thresholdsOf,
		"time":        clock,
		"url":         webLink,
		"used":        inUse,
		"words":       words,
		"zero":        isZero,
	}
}

// statusName is a status as a class and an icon name it: one of nine.
func statusName(s assess.Status) string {
	for _, known := range statuses {
		if s == known {
			return string(s)
		}
	}
	return string(assess.StatusNotAssessed)
}

// statuses from the worst to the best.
var statuses = []assess.Status{assess.StatusFailing, assess.StatusMissing, assess.StatusNotAssessed, assess.StatusStale,
	assess.StatusPendingReview, assess.StatusDue, assess.StatusWaived, assess.StatusSatisfied, assess.StatusNotApplicable}

// words writes an identifier of ours as people read it: pending review.
func words(v any) string { return strings.ReplaceAll(fmt.Sprint(v), "_", " ") }

// clip shortens a text to some characters, and says that it did.
func clip(n int, s string) string {
	if len(s) <= n {
		return s
	}
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	i := 0
	for range n - 1 {
		_, size := utf8.DecodeRuneInString(s[i:])
		i += size
	}
	return s[:i] + "…"
}

// count writes a number with commas.
func count(v any) string {
	s := fmt.Sprint(v)
	if _, err := strconv.ParseInt(s, 10, 64); err != nil {
		return s
	}
	sign, digits := "", s
	if rest, negative := strings.CutPrefix(s, "-"); negative {
		sign, digits = "−", rest
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// plural is the number with the word for it: 1 record, 2 records.
func plural(v any, one, more string) string {
	if s := fmt.Sprint(v); s == "1" {
		return "1 " + one
	}
	return count(v) + " " + more
}

// instant reads what templates hand over as a time.
func instant(v any) time.Time {
	switch t := v.(type) {
	case time.Time:
		return t.UTC()
	case *time.Time:
		if t != nil {
			return t.UTC()
		}
	case interface{ UTC() time.Time }:
		return t.UTC()
	}
	return time.Time{}
}

func isZero(v any) bool { return instant(v).IsZero() }

// clock is a time to the minute, day to the day, iso for machines.
func clock(v any) string { return written(v, "2006-01-02 15:04") }
func day(v any) string   { return written(v, time.DateOnly) }
func iso(v any) string   { return written(v, time.RFC3339) }

func written(v any, layout string) string {
	t := instant(v)
	if t.IsZero() {
		return "–"
	}
	return t.Format(layout)
}

// webLink is a foreign address if it is one to click: http or https, and nothing
// else. Otherwise it is empty, and the text is shown as text.
func webLink(s string) string {
	if link, ok := cell.WebLink(s); ok {
		return link
	}
	return ""
}

// confinement is how a connector was confined: in a word, and the rest.
type confinement struct {
	First string
	More  []string
}

// confinementOf takes apart what a run says, nil if it says nothing.
func confinementOf(s string) *confinement {
	if s == "" {
		return nil
	}
	parts := strings.Split(s, "; ")
	return &confinement{parts[0], parts[1:]}
}
