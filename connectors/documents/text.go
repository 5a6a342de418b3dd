package documents

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// printable makes a string that somebody else chose fit for a record or a
// message: valid UTF-8, no control or direction characters, at most 500 runes.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if utf8.RuneCountInString(s) > 500 {
		return string([]rune(s)[:500]) + "…"
	}
	return s
}

// cleanPath reports whether a path in a tree is one that an ordinary checkout
// could hold and a record may carry.
func cleanPath(p string) bool {
	if !utf8.ValidString(p) || len(p) > 900 || printable(p) != p || strings.Contains(p, "\\") {
		return false
	}
	for _, seg := range strings.Split(p, "/") {
		if seg == "" || seg == "." || seg == ".." || strings.EqualFold(seg, ".git") {
			return false
		}
	}
	return true
}

// shorten keeps a scope within what may cross to the host.
func shorten(s string) string { return clip(printable(s), 900) }

// clip cuts a text to at most limit bytes, and a little to say that it did.
func clip(s string, limit int) string {
	if len(s) > limit {
		return strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return s
}

// usableID reports whether a document may be known by id.
func usableID(id string) bool { return id != "" && len(id) <= 400 && printable(id) == id }
