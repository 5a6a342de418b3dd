package aisign

import (
	"regexp/syntax"
	"slices"
	"strings"
)

// Literals are texts of which at least one is in whatever a look-up of its kind
// can find, for a search that passes over the bytes once. They say where to
// look closer and no more: what they find is then asked with its look-up.
type Literals struct {
	Hosts    []string // parts of hosts and pages without a *, lower case
	Env      []string // variables, or their beginning before a *
	Keys     []string // prefixes of credentials
	Calls    []string // whole entries
	Models   []string // beginnings of model ids, lower case
	Settings []string // beginnings of keys
	Trailers []string // whole entries
}

// Literals returns the texts, each list sorted and without repetition.
func (s *Set) Literals() Literals {
	var l Literals
	s.lists(func(_ *Signature, from *Lists, _ bool) {
		for _, host := range slices.Concat(from.Hosts, from.Web) {
			l.Hosts = append(l.Hosts, longest(host))
		}
		for _, name := range slices.Concat(from.Env, from.EnvWeak) {
			head, _, _ := strings.Cut(name, "*")
			l.Env = append(l.Env, head)
		}
		for _, re := range from.Models {
			l.Models = append(l.Models, beginnings(re)...)
		}
		l.Calls = append(l.Calls, from.Calls...)
		l.Settings = append(l.Settings, from.Settings...)
		l.Trailers = append(l.Trailers, from.Trailers...)
	})
	for _, k := range s.keys {
		l.Keys = append(l.Keys, beginnings(k.RE().String())...)
	}
	for _, list := range []*[]string{&l.Hosts, &l.Env, &l.Keys, &l.Calls, &l.Models, &l.Settings, &l.Trailers} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return l
}

// longest is the longest part of a pattern without a *.
func longest(pattern string) string {
	best := ""
	for part := range strings.SplitSeq(pattern, "*") {
		if len(part) > len(best) {
			best = part
		}
	}
	return best
}

// beginnings are the texts with one of which all that an expression matches
// begins: as long as they can be told, and few.
func beginnings(re string) []string {
	parsed, err := syntax.Parse(re, syntax.Perl)
	if err != nil {
		return nil
	}
	heads, _ := heads(parsed.Simplify())
	return heads
}

// fewest bounds how many beginnings one expression gives.
const fewest = 64

// heads returns the beginnings of an expression, and whether each is all of it.
func heads(re *syntax.Regexp) (texts []string, whole bool) {
	switch re.Op {
	case syntax.OpLiteral:
		return []string{string(re.Rune)}, true
	case syntax.OpBeginLine, syntax.OpBeginText, syntax.OpEndLine, syntax.OpEndText, syntax.OpEmptyMatch, syntax.OpWordBoundary:
		return []string{""}, true
	case syntax.OpCapture:
		return heads(re.Sub[0])
	case syntax.OpCharClass:
		return class(re.Rune)
	case syntax.OpQuest:
		texts, whole = heads(re.Sub[0])
		return append(texts, ""), whole
	case syntax.OpAlternate:
		whole = true
		for _, sub := range re.Sub {
			t, w := heads(sub)
			texts, whole = append(texts, t...), whole && w
		}
		if len(texts) > fewest {
			return []string{""}, false
		}
		return texts, whole
	case syntax.OpConcat:
		return joined(re.Sub)
	default:
		return []string{""}, false
	}
}

// class is a small set of characters, each by itself.
func class(ranges []rune) (texts []string, whole bool) {
	for i := 0; i+1 < len(ranges); i += 2 {
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			if texts = append(texts, string(r)); len(texts) > 4 {
				return []string{""}, false
			}
		}
	}
	return texts, true
}

// joined is one expression after the other, until one is open.
func joined(subs []*syntax.Regexp) (texts []string, whole bool) {
	texts = []string{""}
	for _, sub := range subs {
		next, w := heads(sub)
		if len(texts)*len(next) > fewest {
			return texts, false
		}
		var longer []string
		for _, a := range texts {
			for _, b := range next {
				longer = append(longer, a+b)
			}
		}
		if texts = longer; !w {
			return texts, false
		}
	}
	return texts, true
}
