package manifest

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

var cargoTables = []section{
	{"dependencies", fact.Direct},
	{"dev-dependencies", fact.Development},
	{"dev_dependencies", fact.Development},
	{"build-dependencies", fact.Development},
	{"build_dependencies", fact.Development},
}

// cargoToml reads Cargo.toml.
func cargoToml(f *file) {
	root, comments := f.toml()
	for _, t := range cargoTables {
		f.crates(root.get(t.name), t.st)
	}
	root.get("target").each(func(_ string, v *node) {
		for _, t := range cargoTables {
			f.crates(v.get(t.name), weaker(t.st, fact.Optional))
		}
	})
	before := len(f.facts)
	f.crates(root.get("workspace", "dependencies"), fact.Central)
	f.explain(root.get("workspace", "dependencies"), before)
	root.get("patch").each(func(_ string, v *node) { f.crates(v, fact.Central) })
	f.tomlRemarks(comments, cargo, func(path []string) bool {
		return len(path) > 0 && strings.HasSuffix(path[len(path)-1], "dependencies")
	})
}

func (f *file) crates(t *node, st fact.Standing) {
	t.each(func(name string, v *node) {
		own := st
		p := fact.Fact{Group: cargo, Name: name, Version: v.str(), Line: v.line}
		if v.isTable() {
			p.Version = v.get("version").str()
			for _, key := range []string{"tag", "rev", "branch"} {
				if p.Version == "" {
					p.Version = v.get(key).str()
				}
			}
			if v.get("path") != nil {
				return
			}
			if real := v.get("package").str(); real != "" {
				p.Name = real
			}
			if v.get("optional").isTrue() {
				own = weaker(own, fact.Optional)
			}
			if v.get("workspace").isTrue() {
				p.Attrs = map[string]string{attrAlias: name}
			}
		}
		p.Standing = own
		f.add(p)
	})
}

// explain notes under which names the members of a workspace know its crates.
func (f *file) explain(t *node, from int) {
	names := map[int]string{}
	t.each(func(name string, v *node) { names[v.line] = name })
	for i := range f.facts[from:] {
		p := &f.facts[from+i]
		p.Attrs = map[string]string{attrExplain: names[p.Line]}
	}
}

// cargoLock reads Cargo.lock; a package without a source is the tree's own.
func cargoLock(f *file) {
	root, _ := f.toml()
	g := &graph{group: cargo, direct: map[string]fact.Standing{}}
	items := append(root.get("package").items(), root.get("root"))
	byName := map[string]string{}
	for _, p := range items {
		name := p.get("name").str()
		byName[name] = name + " " + p.get("version").str()
	}
	for _, p := range items {
		if p == nil {
			continue
		}
		n := locked{name: p.get("name").str(), version: p.get("version").str(), line: p.get("name").at(p.line), own: p.get("source") == nil}
		n.key = n.name + " " + n.version
		for _, d := range p.get("dependencies").items() {
			parts := strings.Fields(d.text)
			if len(parts) == 0 {
				continue
			}
			key := byName[parts[0]]
			if len(parts) > 1 && !strings.HasPrefix(parts[1], "(") {
				key = parts[0] + " " + parts[1]
			}
			n.deps = append(n.deps, key)
			if n.own {
				g.direct[key] = fact.Direct
			}
		}
		g.nodes = append(g.nodes, n)
	}
	f.lock(g)
}
