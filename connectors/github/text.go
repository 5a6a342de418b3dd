package github

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/exhibit-aims/exhibit/plugins/records"
)

// maxID is the largest number that JSON can carry exactly.
const maxID = 1 << 53

func unfitRune(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError
}

// fitID reports whether a number from the API is an id that JSON can carry.
func fitID(n int64) bool { return n > 0 && n <= maxID }

// line makes a hostile text one printable line of at most limit runes.
func line(s string, limit int) string {
	s, _, _ = strings.Cut(s, "\n")
	if len(s) > 8*limit {
		s = s[:8*limit]
	}
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unfitRune(r) || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " ")))
	if utf8.RuneCountInString(s) > limit {
		return string([]rune(s)[:limit]) + "…"
	}
	return s
}

// validFullName reports whether s is OWNER/NAME as GitHub allows them, and so
// safe to be part of a path.
func validFullName(s string) bool {
	owner, name, ok := strings.Cut(s, "/")
	return ok && validSegment(owner) && validSegment(name)
}

func validSegment(s string) bool {
	if s == "" || s == "." || s == ".." || len(s) > 200 {
		return false
	}
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	return strings.Trim(s, allowed) == "" && utf8.ValidString(s)
}

// isSHA reports whether s is an object id of git.
func isSHA(s string) bool {
	return (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
}

// escapePath escapes a file's path for use in a URL, segment by segment.
func escapePath(p string) string {
	segs := strings.Split(p, "/")
	for i, s := range segs {
		segs[i] = url.PathEscape(s)
	}
	return strings.Join(segs, "/")
}

// cleanPath reports whether a path in a tree is one that a record may carry
// and a URL can name.
func cleanPath(p string) bool {
	if !records.Fit(p) || len(p) > 900 {
		return false
	}
	for seg := range strings.SplitSeq(p, "/") {
		if seg == "" || seg == "." || seg == ".." {
			return false
		}
	}
	return true
}

// glob is a pattern of path segments; ** stands for any number of them.
type glob []string

func parseGlob(s string) (glob, error) {
	if s == "" || strings.HasPrefix(s, "/") {
		return nil, errors.New("want a path from the repository's root, without a leading slash")
	}
	if strings.Count(s, "**") > 4 {
		return nil, fmt.Errorf("%q: more than four **", s)
	}
	g := glob(strings.Split(s, "/"))
	for _, seg := range g {
		if seg == "" || seg == "." || seg == ".." {
			return nil, fmt.Errorf("%q: a segment that is empty, . or .. names nothing", s)
		}
		if _, err := path.Match(seg, ""); err != nil {
			return nil, fmt.Errorf("%q: %w", s, err)
		}
	}
	return g, nil
}

func matchAny(globs []glob, p string) bool {
	segs := strings.Split(p, "/")
	for _, g := range globs {
		if g.match(segs) {
			return true
		}
	}
	return false
}

func (g glob) match(segs []string) bool {
	for i, pat := range g {
		if pat == "**" {
			for n := range len(segs) - i + 1 {
				if g[i+1:].match(segs[i+n:]) {
					return true
				}
			}
			return false
		}
		if i >= len(segs) {
			return false
		}
		if ok, err := path.Match(pat, segs[i]); err != nil || !ok {
			return false
		}
	}
	return len(segs) == len(g)
}
