package manifest

import (
	"regexp"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// pnpmLock reads pnpm-lock.yaml of versions 5 to 9.
func pnpmLock(f *file) {
	for _, root := range f.documents() { // one of them may be for the settings' own packages
		f.pnpmDocument(root)
	}
}

func (f *file) pnpmDocument(root *node) {
	g := &graph{group: npm, direct: map[string]fact.Standing{}}
	f.npmOverrides(root.get("overrides"), 0)
	root.get(catalogsKey).each(func(_ string, t *node) {
		t.each(func(name string, v *node) { f.npmSpec(name, v.get("version").str(), v.line, fact.Central) })
	})
	p := &pnpm{g: g}
	p.importer(root)
	root.get("importers").each(func(_ string, v *node) { p.importer(v) })
	deps := map[string][]string{}
	root.get("snapshots").each(func(key string, v *node) {
		k := pnpmKey(key)
		deps[k] = append(deps[k], p.wants(v)...)
	})
	root.get("packages").each(func(key string, v *node) {
		k := pnpmKey(key)
		n := locked{key: k, line: v.line, dev: v.get("dev").isTrue(), extra: v.get("optional").isTrue()}
		n.name, n.version = cutSpec(k)
		if name := v.get("name").str(); name != "" {
			n.name = name
		}
		if version := v.get("version").str(); version != "" {
			n.version = version
		}
		if n.version == "" {
			return
		}
		n.own = strings.Contains(k, "@file:") || strings.HasPrefix(k, "file:") || strings.HasPrefix(n.version, "link:")
		if isAddress(n.name) || strings.Contains(n.name, ".com/") {
			n.own = true
		}
		n.deps = append(p.wants(v), deps[k]...)
		g.nodes = append(g.nodes, n)
	})
	f.lock(g)
}

type pnpm struct{ g *graph }

// importer notes what one project asks for.
func (p *pnpm) importer(v *node) {
	for _, s := range npmSections {
		v.get(s.name).each(func(name string, d *node) {
			version := d.str()
			if d.isTable() {
				version = d.get("version").str()
			}
			key := pnpmTarget(name, version)
			if old, ok := p.g.direct[key]; key != "" && (!ok || weaker(s.st, old) == old) {
				p.g.direct[key] = s.st
			}
		})
	}
}

func (p *pnpm) wants(v *node) []string {
	var keys []string
	for _, section := range []string{"dependencies", "optionalDependencies"} {
		v.get(section).each(func(name string, d *node) {
			if key := pnpmTarget(name, d.str()); key != "" {
				keys = append(keys, key)
			}
		})
	}
	return keys
}

// pnpmTarget is the key of a package by the name somebody gives it and its
// version, which may name another package.
func pnpmTarget(name, version string) string {
	if version == "" || strings.HasPrefix(version, "link:") || strings.HasPrefix(version, "file:") {
		return ""
	}
	if c := version[0]; c == '/' || c == '@' {
		return pnpmKey(version)
	}
	version = bareVersion(version)
	if strings.IndexByte(version, '@') > 0 && !strings.Contains(version, "://") {
		return version
	}
	return name + "@" + version
}

// pnpmKey is name@version of all the forms a key had: /name/1.0.0_peer,
// /name@1.0.0(peer), name@1.0.0.
func pnpmKey(key string) string {
	s, slash := strings.CutPrefix(key, "/")
	if i := strings.IndexByte(s, '/'); i > 0 && !slash && strings.IndexByte(s[:i], '.') > 0 {
		if rest := registryHost.ReplaceAllString(s, ""); rest != s {
			s, slash = rest, true
		}
	}
	if i := strings.IndexByte(s, '('); i > 0 {
		s = s[:i]
	}
	if !slash {
		return s
	}
	if m := oldKey.FindStringSubmatch(s); m != nil {
		return m[1] + "@" + m[2]
	}
	name, version := cutSpec(s)
	return name + "@" + bareVersion(version)
}

// registryHost is what stood before the name of a package of a registry.
var registryHost = regexp.MustCompile(`^[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?/`)

// oldKey is name/1.0.0 with or without peers behind it.
var oldKey = regexp.MustCompile(`^((?:@[^/]+/)?[^/@]+)/(\d[^/_]*)`)

func bareVersion(v string) string {
	if i := strings.IndexByte(v, '('); i > 0 {
		v = v[:i]
	}
	if i := strings.IndexByte(v, '_'); i > 0 {
		v = v[:i]
	}
	return v
}
