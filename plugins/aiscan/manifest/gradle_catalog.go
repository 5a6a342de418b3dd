package manifest

import (
	"path"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// Attributes by which the facts of several files find each other.
const (
	attrAlias   = "alias"   // the name under which another file explains this one
	attrExplain = "explain" // the names that this one explains, with blanks between
)

// versionCatalog reads libs.versions.toml.
func versionCatalog(f *file) {
	root, comments := f.toml()
	catalog := strings.TrimSuffix(path.Base(f.path), ".versions.toml")
	versions := map[string]string{}
	root.get("versions").each(func(name string, v *node) { versions[name] = catalogVersion(v, nil) })
	bundles := map[string][]string{}
	root.get("bundles").each(func(name string, v *node) {
		for _, lib := range v.items() {
			bundles[lib.text] = append(bundles[lib.text], catalog+".bundles."+dotted(name))
		}
	})
	root.get("libraries").each(func(name string, v *node) {
		id, version := catalogEntry(v, versions)
		explains := append([]string{catalog + "." + dotted(name)}, bundles[name]...)
		f.add(fact.Fact{Group: maven, Name: id, Version: version, Line: v.line, Standing: fact.Central,
			Attrs: map[string]string{attrExplain: strings.Join(explains, " ")}})
	})
	root.get("plugins").each(func(_ string, v *node) {
		id, version, _ := strings.Cut(v.str(), ":")
		if v.isTable() {
			id, version = v.get("id").str(), catalogVersion(v.get("version"), versions)
		}
		if id != "" {
			f.pkg(maven, id+":"+id+".gradle.plugin", version, v.line, fact.Central)
		}
	})
	for _, c := range comments {
		if len(c.path) == 0 || c.path[0] != "libraries" {
			continue
		}
		p := &tomlParser{text: []byte(c.text), line: c.line}
		p.root = p.new(table, c.line)
		if t := p.new(table, c.line); p.pair(t, 0) && len(t.kids) == 1 {
			id, version := catalogEntry(t.kids[0], versions)
			f.pkg(maven, id, version, c.line, fact.Commented)
		}
	}
}

func catalogEntry(v *node, versions map[string]string) (id, version string) {
	if !v.isTable() {
		g, rest, _ := strings.Cut(v.str(), ":")
		name, version, _ := strings.Cut(rest, ":")
		if name == "" {
			return "", ""
		}
		return g + ":" + name, version
	}
	id = v.get("module").str()
	if id == "" && v.get("group").str() != "" {
		id = v.get("group").str() + ":" + v.get("name").str()
	}
	return id, catalogVersion(v.get("version"), versions)
}

// catalogVersion is a version: a string, the name of one, or one of several wishes.
func catalogVersion(v *node, versions map[string]string) string {
	if !v.isTable() {
		return v.str()
	}
	if ref := v.get("ref").str(); ref != "" {
		return versions[ref]
	}
	for _, key := range []string{"strictly", "require", "prefer"} {
		if s := v.get(key).str(); s != "" {
			return s
		}
	}
	return ""
}

// dotted is a name as build files write it: every separator is a dot.
func dotted(s string) string { return strings.NewReplacer("-", ".", "_", ".").Replace(s) }

// gradleLock reads gradle.lockfile and buildscript-gradle.lockfile.
func gradleLock(f *file) {
	f.lines(func(n int, line string) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || strings.HasPrefix(line, "empty=") {
			return
		}
		id, confs, _ := strings.Cut(line, "=")
		parts := strings.Split(id, ":")
		if len(parts) < 3 {
			f.fail(n, "not a line of a lockfile")
			return
		}
		st := fact.Development
		for _, c := range strings.Split(confs, ",") {
			if confStanding(c, fact.Direct) == fact.Direct && !strings.Contains(path.Base(f.path), "buildscript") {
				st = fact.Transitive
			}
		}
		f.pkg(maven, parts[0]+":"+parts[1], parts[2], n, st)
	})
}

// buildSrc reads the sources of a build: coordinates that build files name by a constant.
func buildSrc(f *file) {
	toks := plain(f.tokens(groovySyntax))
	g := &gradleReader{file: f, vars: map[string]string{}, maps: map[string]token{}}
	g.variables(toks)
	var names []string // of the objects around
	var depth []int
	level := 0
	for i, t := range toks {
		switch {
		case t.is("{"):
			level++
			if i > 1 && toks[i-1].kind == word && (toks[i-2].is("object") || toks[i-2].is("class")) {
				names, depth = append(names, toks[i-1].text), append(depth, level)
			}
		case t.is("}"):
			if n := len(depth); n > 0 && depth[n-1] == level {
				names, depth = names[:n-1], depth[:n-1]
			}
			level--
		case t.kind == text && i > 1 && toks[i-1].is("=") && toks[i-2].kind == word && strings.Count(t.text, ":") >= 1:
			name := strings.Join(append(slices.Clone(names), toks[i-2].text), ".")
			at := len(g.facts)
			g.coordinate(t, fact.Central)
			if len(g.facts) > at {
				g.facts[at].Attrs = map[string]string{attrExplain: name}
			}
		}
	}
}

// resolve implements Resolve.
func resolve(files map[string][]fact.Fact) {
	type source struct {
		dir string
		fact.Fact
	}
	known := map[string][]source{}
	var paths []string
	for p := range files {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	for _, p := range paths {
		for _, e := range files[p] {
			for _, name := range strings.Fields(e.Attrs[attrExplain]) {
				known[e.Group+" "+name] = append(known[e.Group+" "+name], source{explainedFrom(p), e})
			}
		}
	}
	if len(known) == 0 {
		return
	}
	for _, p := range paths {
		var out []fact.Fact
		for _, e := range files[p] {
			best := -1
			var found []fact.Fact
			for _, s := range known[e.Group+" "+e.Attrs[attrAlias]] {
				if e.Attrs[attrAlias] == "" || !below(p, s.dir) || len(s.dir) < best {
					continue
				}
				if len(s.dir) > best {
					best, found = len(s.dir), nil
				}
				named := e
				named.Name, named.Attrs = s.Name, nil
				if named.Version == "" {
					named.Version = s.Version
				}
				if named.Standing == fact.Templated {
					named.Standing = fact.Direct
				}
				found = append(found, named)
			}
			if found == nil {
				found = []fact.Fact{e}
			}
			out = append(out, found...)
		}
		slices.SortStableFunc(out, compare)
		files[p] = out
	}
}

// explainedFrom is the folder for which a file explains names: the one above gradle/ and buildSrc/.
func explainedFrom(p string) string {
	dir := path.Dir(p)
	if i := strings.Index(dir+"/", "buildSrc/"); i >= 0 {
		return strings.TrimSuffix(dir[:i], "/")
	}
	if path.Base(dir) == "gradle" {
		dir = path.Dir(dir)
	}
	if dir == "." {
		return ""
	}
	return dir
}

func below(p, dir string) bool { return dir == "" || strings.HasPrefix(p, dir+"/") }
