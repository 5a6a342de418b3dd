package shadow

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/bmatcuk/doublestar/v4"
)

// Where a hint at an owner comes from, strongest first.
const (
	FromCodeowners = "CODEOWNERS"
	FromTag        = "tag"
	FromCreator    = "creator"
	FromKey        = "key owner"
	FromCommits    = "commits"
)

var precedence = []string{FromCodeowners, FromTag, FromCreator, FromKey, FromCommits}

// hint is somebody who may own a use.
type hint struct {
	who, from string
	at        time.Time
}

// better reports whether a tells more than b: by where it comes from, then the
// newer, then by name.
func (a hint) better(b hint) bool {
	return cmp.Or(cmp.Compare(origins(a.from), origins(b.from)), b.at.Compare(a.at), cmp.Compare(a.who, b.who)) < 0
}

func origins(from string) int {
	if i := slices.Index(precedence, from); i >= 0 {
		return i
	}
	return len(precedence)
}

// addHint keeps the best hint of each origin.
func addHint(list []hint, h hint) []hint {
	h.who = strings.TrimSpace(h.who)
	if h.who == "" {
		return list
	}
	for i := range list {
		if list[i].from == h.from {
			if h.better(list[i]) {
				list[i] = h
			}
			return list
		}
	}
	return append(list, h)
}

// origin brings what a source says of the origin of a hint into the words of
// this package.
func origin(from string) string {
	low := strings.ToLower(from)
	switch {
	case strings.Contains(low, "codeowner"):
		return FromCodeowners
	case strings.Contains(low, "creator") || strings.Contains(low, "created"):
		return FromCreator
	case strings.Contains(low, "key"):
		return FromKey
	case strings.Contains(low, "commit"):
		return FromCommits
	}
	return FromTag // a label, an annotation, a cost centre: somebody wrote it on the thing
}

// ownerRule is one rule of a file of code owners.
type ownerRule struct {
	Pattern string   `json:"pattern"`
	Owners  []string `json:"owners"`
}

// ownersFile is a file of code owners, and the record it is of.
type ownersFile struct {
	at    string
	rules []ownerRule
}

// ownersOf returns who has to review a path: the last rule that matches.
func ownersOf(rules []ownerRule, path string) string {
	for _, rule := range slices.Backward(rules) {
		if covers(rule.Pattern, path) {
			return strings.Join(rule.Owners, " ")
		}
	}
	return ""
}

// covers reports whether a pattern of CODEOWNERS covers a path.
func covers(pattern, path string) bool {
	anchored := strings.Contains(strings.TrimSuffix(pattern, "/"), "/")
	p := strings.Trim(pattern, "/")
	if p == "" {
		return false
	}
	if p == "*" && !anchored {
		return true
	}
	if !anchored {
		p = "**/" + p
	}
	for _, glob := range []string{p, p + "/**"} {
		if ok, err := doublestar.Match(glob, path); err == nil && ok {
			return glob == p && !strings.HasSuffix(pattern, "/") || glob != p
		}
	}
	return false
}

// owner is the best hint at the owner of a case.
func (r *reader) owner(g *gathering, live []*group) (who, from string) {
	var best []hint
	for _, p := range live {
		for _, h := range p.hints {
			best = addHint(best, h)
		}
	}
	if g.place.typ == Repository {
		best = r.codeHints(g, live, best)
	}
	var top hint
	for _, h := range best {
		if top.who == "" || h.better(top) {
			top = h
		}
	}
	return top.who, top.from
}

// codeHints adds the owners of the code that was found, and who committed last.
func (r *reader) codeHints(g *gathering, live []*group, best []hint) []hint {
	rules := r.owners[g.place.key].rules
	var paths set
	for _, p := range live {
		paths.add(p.paths...)
	}
	if len(paths) == 0 {
		paths.add("README.md") // of a repository as a whole
	}
	for _, path := range paths {
		if who := ownersOf(rules, path); who != "" {
			best = addHint(best, hint{who: who, from: FromCodeowners})
			break
		}
	}
	if a, ok := r.in.Authors[g.place.key]; ok {
		best = addHint(best, hint{who: a.Name, from: FromCommits, at: a.At})
	}
	return best
}
