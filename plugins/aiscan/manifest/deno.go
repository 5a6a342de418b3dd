package manifest

import (
	"regexp"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// denoJSON reads deno.json, deno.jsonc and import maps.
func denoJSON(f *file) {
	root := f.json()
	take := func(t *node, st fact.Standing) {
		t.each(func(_ string, v *node) { f.specifier(v.str(), v.line, st) })
	}
	take(root.get("imports"), fact.Direct)
	root.get("scopes").each(func(_ string, t *node) { take(t, fact.Optional) })
	f.sharedVersions(root)
	for _, s := range npmSections { // a deno.json may hold none; a package.json beside it does
		root.get(s.name).each(func(name string, v *node) { f.npmSpec(name, v.str(), v.line, s.st) })
	}
	for _, v := range root.get("compilerOptions", "types").items() {
		f.specifier(v.str(), v.line, fact.Development)
	}
}

var cdn = regexp.MustCompile(`^https://(?:esm\.sh|esm\.run|cdn\.jsdelivr\.net/npm|unpkg\.com|cdn\.skypack\.dev|ga\.jspm\.io|jspm\.dev|cdn\.esm\.sh)/(?:v\d+/|stable/|npm:|gh/)*((?:@[\w.-]+/)?[\w.-]+)(?:@([^/?&#]+))?`)
var denoX = regexp.MustCompile(`^https://deno\.land/x/([\w-]+)(?:@([^/?#]+))?`)
var specRE = regexp.MustCompile(`^/?((?:@[\w.-]+/)?[\w.-]+)(?:@([^/]+))?(?:/.*)?$`)

// specifier takes what a module is imported from: npm:name@1/sub, jsr:@scope/name,
// an address of one of the networks that deliver packages of npm.
func (f *file) specifier(s string, line int, st fact.Standing) {
	group, rest := "", ""
	switch {
	case strings.HasPrefix(s, "npm:"):
		group, rest = npm, s[4:]
	case strings.HasPrefix(s, "jsr:"):
		group, rest = jsr, s[4:]
	}
	if group != "" {
		if m := specRE.FindStringSubmatch(rest); m != nil {
			f.pkg(group, m[1], m[2], line, st)
		}
		return
	}
	if m := cdn.FindStringSubmatch(s); m != nil {
		f.pkg(npm, m[1], m[2], line, st)
		return
	}
	if m := denoX.FindStringSubmatch(s); m != nil {
		f.pkg(denoland, m[1], m[2], line, st)
	}
}

// denoLock reads deno.lock.
func denoLock(f *file) {
	root := f.json()
	g := &graph{group: npm, direct: map[string]fact.Standing{}}
	where := root
	if p := root.get("packages"); p != nil {
		where = p
	}
	f.denoRoots(root, where, g)
	npmPart := where.get("npm")
	if p := npmPart.get("packages"); p != nil {
		npmPart = p
	}
	for _, part := range []struct {
		group string
		t     *node
	}{{npm, npmPart}, {jsr, where.get("jsr")}} {
		part.t.each(func(key string, v *node) {
			n := locked{key: part.group + ":" + barePeers(key), line: v.line, group: part.group}
			n.name, n.version = splitVersion(barePeers(key))
			n.deps = denoWants(part.group, v)
			g.nodes = append(g.nodes, n)
		})
	}
	completeNames(g)
	f.lock(g)
	root.get("remote").each(func(url string, v *node) {
		if cdn.MatchString(url) || denoX.MatchString(url) {
			f.specifier(url, v.line, fact.Transitive)
		}
	})
}

// completeNames puts the versions to names that were given alone.
func completeNames(g *graph) {
	only := map[string]string{}
	for _, n := range g.nodes {
		only[n.group+":"+n.name+"@"] = n.key
	}
	for i := range g.nodes {
		for j, d := range g.nodes[i].deps {
			if strings.HasSuffix(d, "@") {
				g.nodes[i].deps[j] = only[d]
			}
		}
	}
}

// barePeers takes the peers off a key: name@1.0.0_peer@2.0.0.
func barePeers(key string) string {
	name, version := cutSpec(key)
	version, _, _ = strings.Cut(version, "_")
	if version == "" {
		return name
	}
	return name + "@" + version
}

// denoRoots notes what the workspace asks for.
func (f *file) denoRoots(root, where *node, g *graph) {
	resolved := where.get("specifiers")
	var asked []*node
	asked = append(asked, root.get("workspace", "dependencies").items()...)
	asked = append(asked, root.get("workspace", "packageJson", "dependencies").items()...)
	root.get("workspace", "members").each(func(_ string, m *node) {
		asked = append(asked, m.get("dependencies").items()...)
		asked = append(asked, m.get("packageJson", "dependencies").items()...)
	})
	note := func(spec, version string) {
		scheme, rest, ok := strings.Cut(spec, ":")
		if !ok || version == "" {
			return
		}
		if _, v, full := strings.Cut(version, ":"); full { // the whole target, in older files
			g.direct[scheme+":"+barePeers(v)] = fact.Direct
			return
		}
		name, _ := splitVersion(rest)
		if strings.IndexByte(strings.TrimPrefix(version, "@"), '@') > 0 {
			g.direct[scheme+":"+barePeers(version)] = fact.Direct
			return
		}
		g.direct[scheme+":"+barePeers(name+"@"+version)] = fact.Direct
	}
	if len(asked) == 0 { // older files: everything that is imported
		resolved.each(func(spec string, v *node) { note(spec, v.str()) })
		where.get("npm", "specifiers").each(func(spec string, v *node) { note("npm:"+spec, v.str()) })
		return
	}
	for _, a := range asked {
		note(a.str(), resolved.get(a.str()).str())
	}
}

func denoWants(group string, v *node) []string {
	var keys []string
	d := v.get("dependencies")
	bare := func(s string) string { // a name alone, if the file holds one version of it
		if name, version := cutSpec(s); version == "" {
			return group + ":" + name + "@"
		}
		return group + ":" + barePeers(s)
	}
	for _, item := range d.items() {
		if strings.Contains(item.str(), ":") {
			scheme, rest, _ := strings.Cut(item.str(), ":")
			keys = append(keys, scheme+":"+rest)
			continue
		}
		keys = append(keys, bare(item.str()))
	}
	d.each(func(_ string, to *node) { keys = append(keys, group+":"+barePeers(to.str())) })
	return keys
}
