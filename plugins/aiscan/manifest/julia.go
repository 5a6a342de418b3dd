package manifest

import (
	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// juliaProject reads Project.toml: names with the identifiers of their packages.
func juliaProject(f *file) {
	root, comments := f.toml()
	compat := root.get("compat")
	local := root.get("sources")
	for _, t := range []section{{"deps", fact.Direct}, {"weakdeps", fact.Optional}, {"extras", fact.Development}} {
		root.get(t.name).each(func(name string, v *node) {
			if v.isStr() && len(v.text) == 36 && local.get(name, "path") == nil {
				f.pkg(julia, name, compat.get(name).str(), v.line, t.st)
			}
		})
	}
	for _, c := range comments {
		if len(c.path) == 1 && c.path[0] == "deps" {
			f.tomlRemarks([]comment{{line: c.line, text: c.text, path: c.path}}, julia, func([]string) bool { return true })
		}
	}
}

// juliaManifest reads Manifest.toml of both versions: direct is what no other package wants.
func juliaManifest(f *file) {
	root, _ := f.toml()
	packages := root.get("deps")
	if packages == nil || packages.kind != table {
		packages = root
	}
	g := &graph{group: julia}
	packages.each(func(name string, v *node) {
		for _, p := range v.items() {
			if p.get("uuid") == nil {
				continue
			}
			n := locked{key: name, name: name, version: p.get("version").str(), line: p.line, own: p.get("path") != nil}
			deps := p.get("deps")
			for _, d := range deps.items() {
				n.deps = append(n.deps, d.text)
			}
			deps.each(func(d string, _ *node) { n.deps = append(n.deps, d) })
			g.nodes = append(g.nodes, n)
		}
	})
	f.lock(g)
}
