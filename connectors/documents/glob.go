package documents

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// glob is a pattern of slash-separated segments. A segment is matched as by
// path.Match; ** stands for any number of segments, none included.
type glob []string

func parseGlob(s string) (glob, error) {
	if s == "" || strings.HasPrefix(s, "/") {
		return nil, errors.New("want a path from the repository's root, without a leading slash")
	}
	g := glob(strings.Split(s, "/"))
	for _, seg := range g {
		if seg == "" || seg == "." || seg == ".." {
			return nil, fmt.Errorf("%q: empty, . and .. are no folders in a repository", s)
		}
		if _, err := path.Match(seg, ""); err != nil {
			return nil, fmt.Errorf("%q: %w", s, err)
		}
	}
	if strings.Count(s, "**") > 4 {
		return nil, fmt.Errorf("%q: more than four **", s)
	}
	return g, nil
}

// match reports whether g takes the file at p.
func (g glob) match(p string) bool { return matchSegments(g, strings.Split(p, "/")) }

// matchDir reports whether g may take a file somewhere below dir.
func (g glob) matchDir(dir string) bool {
	segs := strings.Split(dir, "/")
	for i, pat := range g {
		if pat == "**" || i == len(segs) {
			return true
		}
		if ok, _ := path.Match(pat, segs[i]); !ok {
			return false
		}
	}
	return false
}

func matchSegments(g, segs []string) bool {
	for len(g) > 0 {
		if g[0] == "**" {
			for i := range len(segs) + 1 {
				if matchSegments(g[1:], segs[i:]) {
					return true
				}
			}
			return false
		}
		if len(segs) == 0 {
			return false
		}
		if ok, _ := path.Match(g[0], segs[0]); !ok {
			return false
		}
		g, segs = g[1:], segs[1:]
	}
	return len(segs) == 0
}
