package manifest

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// packageLock reads package-lock.json and npm-shrinkwrap.json of all versions.
func packageLock(f *file) {
	root := f.json()
	if p := root.get("packages"); p != nil {
		f.packagesLock(p)
		return
	}
	g := &graph{group: npm}
	v1 := &oldLock{graph: g}
	v1.level(root.get("dependencies"), nil, 0)
	f.lock(g)
}

const modules = "node_modules/"

// packagesLock reads the table of folders: the key is where a package lies, and
// what it wants is looked for from there upwards.
func (f *file) packagesLock(p *node) {
	g := &graph{group: npm, direct: map[string]fact.Standing{}}
	at := make(map[string]int, len(p.keys))
	for i, k := range p.keys {
		at[k] = i
	}
	for i, where := range p.keys {
		v := p.kids[i]
		i := strings.LastIndex(where, modules)
		n := locked{key: where, line: v.line, version: v.get("version").str(),
			dev: v.get("dev").isTrue(), extra: v.get("optional").isTrue() || v.get("peer").isTrue()}
		if i < 0 {
			n.own = true
			f.folder(g, at, where, v)
		} else {
			n.name = where[i+len(modules):]
			if real := v.get("name").str(); real != "" {
				n.name = real
			}
			n.own = v.get("link").isTrue() || strings.HasPrefix(v.get("resolved").str(), "file:")
		}
		for _, s := range npmSections {
			if s.name == "devDependencies" {
				continue
			}
			v.get(s.name).each(func(name string, _ *node) {
				if to := resolveFrom(at, where, name); to != "" {
					n.deps = append(n.deps, to)
				}
			})
		}
		g.nodes = append(g.nodes, n)
	}
	f.lock(g)
}

// folder notes what one package of the tree asks for.
func (f *file) folder(g *graph, at map[string]int, where string, v *node) {
	for _, s := range npmSections {
		v.get(s.name).each(func(name string, _ *node) {
			to := resolveFrom(at, where, name)
			if old, ok := g.direct[to]; to != "" && (!ok || weaker(s.st, old) == old) {
				g.direct[to] = s.st
			}
		})
	}
}

// resolveFrom is where a package is found from a folder: below it or below one of
// the folders above.
func resolveFrom(at map[string]int, where, name string) string {
	for range maxDepth {
		key := modules + name
		if where != "" {
			key = where + "/" + key
		}
		if _, ok := at[key]; ok {
			return key
		}
		if where == "" {
			return ""
		}
		if i := strings.LastIndexByte(where, '/'); i >= 0 {
			where = where[:i]
		} else {
			where = ""
		}
		where = strings.TrimSuffix(strings.TrimSuffix(where, "node_modules"), "/")
	}
	return ""
}

// oldLock reads the tables of versions 1: nested as the folders are.
type oldLock struct {
	*graph
}

func (o *oldLock) level(t *node, above []map[string]string, depth int) {
	if depth > 60 {
		return
	}
	own := map[string]string{}
	prefix := strings.Repeat(">", depth)
	t.each(func(name string, v *node) { own[name] = prefix + name + "@" + v.get("version").str() })
	scope := append(above[:len(above):len(above)], own)
	t.each(func(name string, v *node) {
		n := locked{key: own[name], name: name, version: v.get("version").str(), line: v.line,
			dev: v.get("dev").isTrue(), extra: v.get("optional").isTrue()}
		n.own = strings.HasPrefix(n.version, "file:") || strings.HasPrefix(n.version, "link:")
		if real, ok := strings.CutPrefix(n.version, "npm:"); ok {
			n.name, n.version = splitVersion(real)
		}
		inner := map[string]string{}
		v.get("dependencies").each(func(k string, d *node) { inner[k] = prefix + ">" + k + "@" + d.get("version").str() })
		v.get("requires").each(func(k string, _ *node) {
			if key := lookUp(k, scope, inner); key != "" {
				n.deps = append(n.deps, key)
			}
		})
		o.nodes = append(o.nodes, n)
		o.level(v.get("dependencies"), scope, depth+1)
	})
}

func lookUp(name string, scope []map[string]string, inner map[string]string) string {
	if key, ok := inner[name]; ok {
		return key
	}
	for i := len(scope) - 1; i >= 0; i-- {
		if key, ok := scope[i][name]; ok {
			return key
		}
	}
	return ""
}

// bunLock reads bun.lock.
func bunLock(f *file) {
	root := f.json()
	g := &graph{group: npm, direct: map[string]fact.Standing{}}
	root.get("workspaces").each(func(_ string, w *node) {
		for _, s := range npmSections {
			w.get(s.name).each(func(name string, _ *node) {
				if old, ok := g.direct[name]; !ok || weaker(s.st, old) == old {
					g.direct[name] = s.st
				}
			})
		}
	})
	f.sharedVersions(root)
	f.npmOverrides(root.get("overrides"), 0)
	packages := root.get("packages")
	at := map[string]bool{}
	packages.each(func(key string, _ *node) { at[key] = true })
	packages.each(func(key string, v *node) {
		items := v.items()
		if len(items) == 0 || !items[0].isStr() {
			return
		}
		n := locked{key: key, line: v.line}
		n.name, n.version = cutSpec(items[0].text)
		n.own = strings.HasPrefix(n.version, "workspace:") || strings.HasPrefix(n.version, "file:") || strings.HasPrefix(n.version, "link:")
		for _, item := range items {
			for _, s := range npmSections {
				if s.name == "devDependencies" {
					continue
				}
				item.get(s.name).each(func(name string, _ *node) {
					if at[key+"/"+name] {
						name = key + "/" + name
					}
					n.deps = append(n.deps, name)
				})
			}
		}
		g.nodes = append(g.nodes, n)
	})
	f.lock(g)
}
