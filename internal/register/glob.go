package register

import (
	"errors"
	"path"
	"strings"
)

// checkGlob checks a pattern of paths in a repository: segments as in
// path.Match, separated by /, where a segment ** stands for any number of
// segments.
func checkGlob(g string) error {
	switch {
	case g == "":
		return errors.New("an empty pattern")
	case len(g) > 256:
		return errors.New("the pattern is longer than 256 characters")
	case strings.HasPrefix(g, "/") || strings.HasSuffix(g, "/"):
		return errors.New("a pattern begins and ends with a name, not with /")
	case strings.ContainsAny(g, "\\"):
		return errors.New(`a pattern separates names with /, not with \`)
	case strings.Count(g, "**") > 4:
		return errors.New("a pattern may have at most four **")
	}
	for _, s := range strings.Split(g, "/") {
		switch {
		case s == "**":
		case s == "" || s == "." || s == "..":
			return errors.New("a pattern names files of the repository, without empty names, . or ..")
		case strings.Contains(s, "**"):
			return errors.New("** stands alone between two /")
		default:
			if _, err := path.Match(s, ""); err != nil {
				return errors.New("the brackets of the pattern do not match")
			}
		}
	}
	return nil
}

// MatchPath reports whether a path of a repository matches a pattern that the
// register accepts.
func MatchPath(pattern, name string) bool {
	return matchSegments(strings.Split(pattern, "/"), strings.Split(name, "/"))
}

func matchSegments(pattern, name []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			for i := range len(name) + 1 {
				if matchSegments(pattern[1:], name[i:]) {
					return true
				}
			}
			return false
		}
		if len(name) == 0 {
			return false
		}
		if ok, err := path.Match(pattern[0], name[0]); err != nil || !ok {
			return false
		}
		pattern, name = pattern[1:], name[1:]
	}
	return len(name) == 0
}
