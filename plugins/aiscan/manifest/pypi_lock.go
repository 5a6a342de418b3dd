package manifest

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// poetryLock reads poetry.lock: direct is what no other package wants.
func poetryLock(f *file) {
	root, _ := f.toml()
	g := &graph{group: pypi}
	for _, p := range root.get("package").items() {
		n := locked{name: pypiName(p.get("name").str()), version: p.get("version").str(), line: p.get("name").at(p.line), extra: p.get("optional").isTrue()}
		n.key = n.name
		if t := p.get("source", "type").str(); t == "directory" || t == "file" {
			n.own = true
		}
		n.dev = p.get("category").str() == "dev" || onlyDev(p.get("groups"))
		p.get("dependencies").each(func(name string, _ *node) { n.deps = append(n.deps, pypiName(name)) })
		g.nodes = append(g.nodes, n)
	}
	f.lock(g)
}

// onlyDev reports whether all groups of a list are for development.
func onlyDev(groups *node) bool {
	for _, g := range groups.items() {
		if !isDev(g.text) {
			return false
		}
	}
	return len(groups.items()) > 0
}

// pdmLock reads pdm.lock.
func pdmLock(f *file) {
	root, _ := f.toml()
	g := &graph{group: pypi}
	for _, p := range root.get("package").items() {
		n := locked{name: pypiName(p.get("name").str()), version: p.get("version").str(), line: p.get("name").at(p.line)}
		n.key = n.name
		n.own = p.get("path") != nil || p.get("editable").isTrue() && p.get("git") == nil
		n.dev = onlyDev(p.get("groups"))
		n.extra = len(p.get("groups").items()) > 0 && !p.get("groups").has("default")
		for _, d := range p.get("dependencies").items() {
			if r, ok := parseRequirement(d.text); ok {
				n.deps = append(n.deps, pypiName(r.name))
			}
		}
		g.nodes = append(g.nodes, n)
	}
	f.lock(g)
}

// pylock reads pylock.toml, the lockfile that all tools can write.
func pylock(f *file) {
	root, _ := f.toml()
	g := &graph{group: pypi}
	for _, p := range root.get("packages").items() {
		n := locked{name: pypiName(p.get("name").str()), version: p.get("version").str(), line: p.get("name").at(p.line)}
		n.key = n.name
		n.own = p.get("directory") != nil
		n.extra = strings.Contains(p.get("marker").str(), "extras") || strings.Contains(p.get("marker").str(), "dependency_groups")
		for _, d := range p.get("dependencies").items() {
			n.deps = append(n.deps, pypiName(d.get("name").str()))
		}
		g.nodes = append(g.nodes, n)
	}
	f.lock(g)
}

// uvLock reads uv.lock, which holds the project itself among its packages.
func uvLock(f *file) {
	root, _ := f.toml()
	g := &graph{group: pypi, direct: map[string]fact.Standing{}}
	for _, p := range root.get("package").items() {
		n := locked{name: pypiName(p.get("name").str()), version: p.get("version").str(), line: p.get("name").at(p.line)}
		n.key = n.name
		n.own = isLocalSource(p.get("source"))
		n.deps = uvNames(p.get("dependencies"))
		if n.own {
			f.uvProject(g, p, n.deps)
		} else {
			p.get("optional-dependencies").each(func(_ string, v *node) { n.deps = append(n.deps, uvNames(v)...) })
		}
		g.nodes = append(g.nodes, n)
	}
	f.lock(g)
}

func uvNames(v *node) []string {
	var names []string
	for _, d := range v.items() {
		names = append(names, pypiName(d.get("name").str()))
	}
	return names
}

// uvProject notes what one project of the tree asks for.
func (f *file) uvProject(g *graph, p *node, deps []string) {
	ask := func(names []string, st fact.Standing) {
		for _, name := range names {
			if old, ok := g.direct[name]; !ok || weaker(st, old) == old {
				g.direct[name] = st
			}
		}
	}
	ask(deps, fact.Direct)
	p.get("optional-dependencies").each(func(extra string, v *node) {
		ask(uvNames(v), groupStanding(extra, fact.Optional))
	})
	for _, table := range []string{"dev-dependencies", "dependency-groups"} {
		p.get(table).each(func(group string, v *node) { ask(uvNames(v), fact.Development) })
	}
}
