package records

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
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

// sortErrors puts errors in the order of their text, so that the same values
// always give the same message.
func sortErrors(errs []error) []error {
	slices.SortFunc(errs, func(a, b error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errs
}
