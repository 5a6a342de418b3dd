package oscal

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// How many characters a text may have; the whole is in the evidence.
const (
	maxLine  = 300
	maxProse = 4000
	maxValue = 1000
)

// line is a text as an OSCAL markup line that renders as the text.
func line(s string) string { return escape(value(s, maxLine)) }

// prose is a text as OSCAL Markdown that renders as the text; its lines stay.
func prose(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	s = cut(strings.ToValidUTF8(s, "\uFFFD"), maxProse)
	var out []string
	for _, l := range strings.Split(s, "\n") {
		if l = escape(visible(l)); l != "" || len(out) > 0 && out[len(out)-1] != "" {
			out = append(out, l)
		}
	}
	return strings.TrimSpace(strings.Join(out, "\n"))
}

// value is a text as the value of a property: one line, and no markup to
// escape, since readers take it as it is.
func value(s string, most int) string {
	if printable(s) {
		return cut(strings.TrimSpace(s), most)
	}
	return cut(visible(strings.ToValidUTF8(s, "\uFFFD")), most)
}

// printable reports whether s has nothing but characters of ASCII that can be
// seen, and spaces, as almost every text.
func printable(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	n := utf8.RuneCountInString(s)
	if n <= most {
		return s
	}
	note := fmt.Sprintf(" \u2026 (cut: %d characters)", n)
	keep := string([]rune(s)[:most-utf8.RuneCountInString(note)])
	return strings.TrimRightFunc(keep, unicode.IsSpace) + note
}

// visible returns s in one line, without space around it and without
// characters that hide or reorder others.
func visible(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r), hidden(r):
			return utf8.RuneError
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

// hidden reports whether r changes how others look, or cannot be exchanged.
// The joiners that scripts and emoji need are neither.
func hidden(r rune) bool {
	return unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d' || unicode.Is(unicode.Cs, r) || unicode.Is(unicode.Noncharacter_Code_Point, r)
}

// escape makes one line of text render as itself, in Markdown and in HTML.
func escape(s string) string {
	if !strings.ContainsAny(s, "\\`*[]{}~^|<>&_#+-=:.)") {
		return s
	}
	var b strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		switch r {
		case '&':
			b.WriteString("&amp;")
			continue
		case '<':
			b.WriteString("&lt;")
			continue
		case '>':
			b.WriteString("&gt;")
			continue
		case '\\', '`', '*', '[', ']', '{', '}', '~', '^', '|':
			b.WriteByte('\\')
		case '_':
			if !between(runes, i) {
				b.WriteByte('\\')
			}
		case '#', '+', '-', '=', ':':
			if i == 0 {
				b.WriteByte('\\')
			}
		case '.', ')':
			if numbers(runes[:i]) && (i == len(runes)-1 || runes[i+1] == ' ') {
				b.WriteByte('\\')
			}
		}
		b.WriteRune(r)
	}
	return b.String()
}

// between reports whether the character at i is inside a word.
func between(s []rune, i int) bool {
	word := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	return i > 0 && i < len(s)-1 && word(s[i-1]) && word(s[i+1])
}

// numbers reports whether s is how an ordered list's line begins.
func numbers(s []rune) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return len(s) > 0
}

// web returns a link that may be followed, or nothing.
func web(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || len(s) > 2000 {
		return ""
	}
	return u.String()
}

// when returns a time that OSCAL can write, or nothing.
func when(t *time.Time) *time.Time {
	if t == nil || t.Year() < 1900 || t.Year() > 2999 {
		return nil
	}
	u := t.UTC()
	return &u
}
