package records

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// clip makes a hostile string fit for an error: no control characters, at
// most 60 of the others.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

// unfit reports whether an id holds what no id should: control characters
// or bytes that are no text.
func unfit(s string) bool {
	return !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
	})
}

// sortErrors puts errors in the order of their text, so that the same values
// always give the same message.
func sortErrors(errs []error) []error {
	slices.SortFunc(errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errs
}
