package jira

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// printable makes a string that somebody else chose fit for a record or a
// message: valid UTF-8, no control or direction characters but line breaks as
// spaces, at most limit runes.
func printable(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case r == utf8.RuneError || !unicode.IsPrint(r):
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if utf8.RuneCountInString(s) > limit {
		return string([]rune(s)[:limit]) + "…"
	}
	return s
}
