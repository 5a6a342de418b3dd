package manifest

import (
	"regexp"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

var rFields = map[string]fact.Standing{"Depends": fact.Direct, "Imports": fact.Direct, "LinkingTo": fact.Direct,
	"Suggests": fact.Optional, "Enhances": fact.Optional}

var rPackage = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9.]*)\s*(?:\(([^)]*)\))?$`)

// rDescription reads DESCRIPTION of packages of R.
func rDescription(f *file) {
	field := ""
	f.lines(func(n int, line string) {
		rest := line
		if line != "" && line[0] != ' ' && line[0] != '\t' {
			name, value, ok := strings.Cut(line, ":")
			if !ok {
				field = ""
				return
			}
			field, rest = name, value
		}
		st, ok := rFields[field]
		if !ok {
			return
		}
		for _, part := range strings.Split(rest, ",") {
			if m := rPackage.FindStringSubmatch(strings.TrimSpace(part)); m != nil && m[1] != "R" {
				f.pkg(cran, m[1], strings.TrimSpace(m[2]), n, st)
			}
		}
	})
}

// renvLock reads renv.lock: direct is what no other package requires.
func renvLock(f *file) {
	g := &graph{group: cran}
	f.json().get("Packages").each(func(name string, v *node) {
		n := locked{key: name, name: name, version: v.get("Version").str(), line: v.line, own: v.get("Source").str() == "Local"}
		for _, d := range v.get("Requirements").items() {
			n.deps = append(n.deps, d.text)
		}
		for _, key := range []string{"Imports", "Depends", "LinkingTo"} { // newer files repeat the package's own fields
			for _, d := range v.get(key).items() {
				if m := rPackage.FindStringSubmatch(d.text); m != nil {
					n.deps = append(n.deps, m[1])
				}
			}
		}
		g.nodes = append(g.nodes, n)
	})
	f.lock(g)
}

// rprofile packages: pak and packrat locks share one shape with DESCRIPTION.
func packratLock(f *file) {
	name, version, line := "", "", 0
	flush := func() {
		if name != "" {
			f.pkg(cran, name, version, line, fact.Transitive)
		}
		name, version = "", ""
	}
	f.lines(func(n int, l string) {
		key, value, ok := strings.Cut(l, ":")
		switch {
		case !ok:
			if strings.TrimSpace(l) == "" {
				flush()
			}
		case key == "Package":
			flush()
			name, line = strings.TrimSpace(value), n
		case key == "Version":
			version = strings.TrimSpace(value)
		}
	})
	flush()
}
