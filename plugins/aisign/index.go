package aisign

import (
	"slices"
	"strings"
)

// entry is one entry of one list.
type entry struct {
	sig   *Signature
	field string
	text  string // as in the data
	doubt bool
}

func (e entry) match() Match {
	return Match{Signature: e.sig, Field: e.field, Entry: e.text, Doubt: e.doubt}
}

// found gathers entries and keeps the best of each signature: the one that
// says most, and of two that say as much, the firm one.
type found struct {
	matches []Match
	weights []int
}

func (f *found) add(m Match, weight int) {
	for i, have := range f.matches {
		if have.Signature != m.Signature {
			continue
		}
		if weight > f.weights[i] || weight == f.weights[i] && have.Doubt && !m.Doubt {
			f.matches[i], f.weights[i] = m, weight
		}
		return
	}
	f.matches = append(f.matches, m)
	f.weights = append(f.weights, weight)
}

func (f *found) sorted() []Match {
	slices.SortFunc(f.matches, func(a, b Match) int { return strings.Compare(a.ID, b.ID) })
	return f.matches
}

// exact is the weight of an entry without a *: more than any with one.
const exact = 1 << 20

// index finds entries by whole names, some of which hold a *.
type index struct {
	whole map[string][]entry
	globs []globbed
}

type globbed struct {
	entry
	pattern string
}

func newIndex() *index { return &index{whole: map[string][]entry{}} }

func (x *index) add(key string, e entry) {
	if strings.Contains(key, "*") {
		x.globs = append(x.globs, globbed{e, key})
		return
	}
	x.whole[key] = append(x.whole[key], e)
}

// find adds to f what key, normalised like the entries, is.
func (x *index) find(key string, f *found) {
	if x == nil || key == "" {
		return
	}
	for _, e := range x.whole[key] {
		f.add(e.match(), exact+len(key))
	}
	for _, g := range x.globs {
		if glob(g.pattern, key) {
			f.add(g.match(), len(g.pattern))
		}
	}
}

func (x *index) matches(key string) []Match {
	var f found
	x.find(key, &f)
	return f.sorted()
}

// glob reports whether s is of the pattern, in which every * stands for any
// text, also none.
func glob(pattern, s string) bool {
	head, rest, some := strings.Cut(pattern, "*")
	if !some {
		return pattern == s
	}
	if !strings.HasPrefix(s, head) {
		return false
	}
	s = s[len(head):]
	for {
		part, after, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(s, rest)
		}
		i := strings.Index(s, part)
		if i < 0 {
			return false
		}
		s, rest = s[i+len(part):], after
	}
}

func lower(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
func upper(s string) string { return strings.ToUpper(strings.TrimSpace(s)) }

// spaced is lower case with single spaces.
func spaced(s string) string { return strings.Join(strings.Fields(strings.ToLower(s)), " ") }
