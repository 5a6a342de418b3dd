package sandbox

import (
	"path"
	"slices"
	"strings"
)

// fillTexts settles the content of every path that is there now: as the data
// file gives it, or a line of its own for a path that only changes mention.
// The first commit holds what no later change added.
func (r *repo) fillTexts() {
	r.texts = map[string]string{}
	for p, text := range r.Files {
		r.texts[p] = text
	}
	added := map[string]bool{}
	for _, c := range r.commits {
		if !c.main {
			continue
		}
		for _, f := range c.files {
			switch f.status {
			case "removed":
				delete(r.texts, f.path)
				continue
			case "renamed":
				delete(r.texts, f.previous)
				added[f.path] = true
			case "added":
				added[f.path] = true
			}
			if _, ok := r.texts[f.path]; !ok {
				r.texts[f.path] = placeholder(f.path)
			}
		}
	}
	first := r.commits[0]
	for _, p := range sortedKeys(r.texts) {
		if !added[p] {
			first.files = append(first.files, fileChange{path: p, status: "added", add: strings.Count(r.texts[p], "\n")})
		}
	}
}

// placeholder is the content of a file that no data file spells out.
func placeholder(p string) string {
	switch path.Ext(p) {
	case ".py", ".yaml", ".yml", ".toml", ".tf", ".sh":
		return "# " + p + "\n"
	case ".ts", ".tsx", ".js", ".java", ".kt", ".swift", ".go":
		return "// " + p + "\n"
	case ".json":
		return "{}\n"
	}
	return p + "\n"
}

// revisions lists the commits of the production branch that touched a path,
// oldest first.
func (r *repo) revisions(p string) []*commit {
	var out []*commit
	for _, c := range r.commits {
		if c.main && slices.ContainsFunc(c.files, func(f fileChange) bool { return touches(f, p) }) {
			out = append(out, c)
		}
	}
	return out
}

// touches reports whether a change is of a path, or of something below it.
func touches(f fileChange, p string) bool {
	p = strings.Trim(p, "/")
	return p == "" || f.path == p || f.previous == p || strings.HasPrefix(f.path, p+"/")
}

// textAt is a file's content as of a commit: the newest content, less its last
// line for every revision that came later. Files only grow here.
func (r *repo) textAt(p string, c *commit) (string, bool) {
	text, ok := r.texts[p]
	if !ok {
		return "", false
	}
	seen, later := false, 0
	for _, rev := range r.revisions(p) {
		if rev.at.After(c.at) {
			later++
		} else {
			seen = true
		}
	}
	if !seen {
		return "", false
	}
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	keep := max(1, len(lines)-later)
	return strings.TrimSuffix(strings.Join(lines[:keep], ""), "\n") + "\n", true
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
