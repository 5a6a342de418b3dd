package manifest

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// isPlatform reports whether a requirement of PHP is no package: the language, its extensions.
func isPlatform(name string) bool { return !strings.Contains(name, "/") }

// composerJSON reads composer.json.
func composerJSON(f *file) {
	root := f.json()
	for _, s := range []section{{"require", fact.Direct}, {"require-dev", fact.Development}, {"conflict", fact.Excluded}} {
		root.get(s.name).each(func(name string, v *node) {
			if !isPlatform(name) && v.isStr() {
				f.pkg(composer, strings.ToLower(name), v.text, v.line, s.st)
			}
		})
	}
}

// composerLock reads composer.lock: direct is what no other package requires.
func composerLock(f *file) {
	root := f.json()
	g := &graph{group: composer}
	for _, section := range []string{"packages", "packages-dev"} {
		for _, p := range root.get(section).items() {
			n := locked{name: strings.ToLower(p.get("name").str()), version: p.get("version").str(),
				line: p.get("name").at(p.line), dev: section == "packages-dev", own: p.get("dist", "type").str() == "path"}
			n.key = n.name
			p.get("require").each(func(name string, _ *node) { n.deps = append(n.deps, strings.ToLower(name)) })
			g.nodes = append(g.nodes, n)
		}
	}
	f.lock(g)
}
