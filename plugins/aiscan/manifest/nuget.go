package manifest

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// msbuild reads project files and the files that these include.
func msbuild(f *file) {
	if !bytes.Contains(f.text, []byte("Package")) && !strings.HasSuffix(strings.ToLower(f.path), "proj") {
		return // the endings are those of other files too
	}
	root := f.xml()
	m := &msbuildReader{file: f, props: map[string]string{}}
	m.properties(root, 0)
	m.items(root, fact.Direct, 0)
}

type msbuildReader struct {
	*file
	props map[string]string
}

// properties notes what a file sets for use in $(…), without conditions.
func (m *msbuildReader) properties(e *element, depth int) {
	for _, k := range e.kids {
		if k.comment || depth > 10 || k.attr("Condition") != "" {
			continue
		}
		if k.name == "PropertyGroup" {
			for _, p := range k.kids {
				if !p.comment && p.attr("Condition") == "" {
					m.props[strings.ToLower(p.name)] = strings.TrimSpace(p.text)
				}
			}
			continue
		}
		m.properties(k, depth+1)
	}
}

var msbuildItems = map[string]fact.Standing{
	"PackageReference":       fact.Direct,
	"PackageVersion":         fact.Central,
	"GlobalPackageReference": fact.Development,
	"DotNetCliToolReference": fact.Development,
	"PackageDownload":        fact.Development,
}

// items reads item groups at any depth; a condition around them holds for all.
func (m *msbuildReader) items(e *element, st fact.Standing, depth int) {
	if depth > 20 {
		return
	}
	for _, k := range e.kids {
		own := st
		if k.comment {
			own = fact.Commented
		} else if k.attr("Condition") != "" || k.name == "When" || k.name == "Otherwise" {
			own = weaker(own, fact.Optional)
		}
		base, ok := msbuildItems[k.name]
		if !ok {
			m.items(k, own, depth+1)
			continue
		}
		m.item(k, weaker(own, base))
	}
}

func (m *msbuildReader) item(k *element, st fact.Standing) {
	version := k.value("Version")
	if v := k.value("VersionOverride"); v != "" {
		version = v
	}
	if all := strings.ToLower(k.value("PrivateAssets")); all == "all" {
		st = weaker(st, fact.Development)
	}
	names := k.attr("Include")
	switch {
	case k.attr("Remove") != "":
		names, st = k.attr("Remove"), weaker(st, fact.Excluded)
	case names == "":
		names, st = k.attr("Update"), weaker(st, fact.Central)
	}
	for _, name := range strings.Split(names, ";") {
		m.pkg(nuget, m.expand(name), m.expand(version), k.line, st)
	}
}

var msbuildProperty = regexp.MustCompile(`\$\(([A-Za-z_][\w.]*)\)`)

func (m *msbuildReader) expand(s string) string {
	if len(s) > 500 {
		return ""
	}
	return msbuildProperty.ReplaceAllStringFunc(s, func(p string) string {
		if v, ok := m.props[strings.ToLower(p[2:len(p)-1])]; ok && v != "" && !strings.Contains(v, "$(") {
			return v
		}
		return p
	})
}

// packagesConfig reads packages.config.
func packagesConfig(f *file) {
	root := f.xml()
	for _, list := range children(root, "packages") {
		for _, p := range children(list, "package") {
			st := fact.Direct
			if p.attr("developmentDependency") == "true" {
				st = fact.Development
			}
			if p.comment {
				st = fact.Commented
			}
			f.pkg(nuget, p.attr("id"), p.attr("version"), p.line, st)
		}
	}
}

// nuspec reads *.nuspec.
func nuspec(f *file) {
	deps := f.xml().child("package", "metadata", "dependencies")
	take := func(e *element) {
		for _, d := range children(e, "dependency") {
			st := fact.Direct
			if d.comment {
				st = fact.Commented
			}
			f.pkg(nuget, d.attr("id"), d.attr("version"), d.line, st)
		}
	}
	take(deps)
	for _, g := range children(deps, "group") {
		take(g)
	}
}

// nugetLock reads packages.lock.json.
func nugetLock(f *file) {
	f.json().get("dependencies").each(func(_ string, framework *node) {
		g := &graph{group: nuget, direct: map[string]fact.Standing{}}
		framework.each(func(name string, v *node) {
			n := locked{key: strings.ToLower(name), name: name, version: v.get("resolved").str(), line: v.line}
			switch v.get("type").str() {
			case "Direct":
				g.direct[n.key] = fact.Direct
			case "Project":
				n.own = true
				v.get("dependencies").each(func(d string, _ *node) { g.direct[strings.ToLower(d)] = fact.Direct })
			}
			v.get("dependencies").each(func(d string, _ *node) { n.deps = append(n.deps, strings.ToLower(d)) })
			g.nodes = append(g.nodes, n)
		})
		f.lock(g)
	})
}

// nugetAssets reads project.assets.json, which a build leaves behind.
func nugetAssets(f *file) {
	root := f.json()
	g := &graph{group: nuget, direct: map[string]fact.Standing{}}
	root.get("project", "frameworks").each(func(_ string, fw *node) {
		fw.get("dependencies").each(func(name string, d *node) {
			if t := d.get("target").str(); t == "" || t == "Package" {
				g.direct[strings.ToLower(name)] = fact.Direct
			}
		})
	})
	wants := map[string][]string{}
	root.get("targets").each(func(_ string, target *node) {
		target.each(func(id string, v *node) {
			name, _, _ := strings.Cut(strings.ToLower(id), "/")
			v.get("dependencies").each(func(d string, _ *node) { wants[name] = append(wants[name], strings.ToLower(d)) })
		})
	})
	root.get("libraries").each(func(id string, v *node) {
		name, version, _ := strings.Cut(id, "/")
		key := strings.ToLower(name)
		g.nodes = append(g.nodes, locked{key: key, name: name, version: version, line: v.line,
			own: v.get("type").str() == "project", deps: wants[key]})
	})
	f.lock(g)
}

// dotnetTools reads .config/dotnet-tools.json.
func dotnetTools(f *file) {
	f.json().get("tools").each(func(name string, v *node) {
		f.pkg(nuget, name, v.get("version").str(), v.line, fact.Development)
	})
}

// paket reads paket.dependencies and paket.references.
func paket(f *file) {
	st := fact.Direct
	references := strings.HasSuffix(f.path, "paket.references")
	f.lines(func(n int, line string) {
		own := st
		trimmed := strings.TrimSpace(line)
		for _, mark := range []string{"//", "#"} {
			if rest, ok := strings.CutPrefix(trimmed, mark); ok {
				trimmed, own = strings.TrimSpace(rest), fact.Commented
				if references {
					return
				}
			}
		}
		parts := strings.Fields(trimmed)
		switch {
		case len(parts) == 0:
		case parts[0] == "group" && len(parts) > 1:
			if own != fact.Commented {
				st = groupStanding(parts[1], fact.Direct)
			}
		case (parts[0] == "nuget" || parts[0] == "clitool") && len(parts) > 1:
			version := strings.TrimSpace(strings.SplitN(trimmed, parts[1], 2)[1])
			for _, cut := range []string{" //", " framework:", " storage:", " content:", " redirects:", " copy_local:", " import_targets:", " condition:"} {
				version, _, _ = strings.Cut(" "+version, cut)
			}
			f.pkg(nuget, parts[1], version, n, own)
		case references && !strings.Contains(parts[0], ":"):
			f.pkg(nuget, parts[0], "", n, own)
		}
	})
}

var paketLine = regexp.MustCompile(`^( +)([A-Za-z0-9][\w.-]*) \(([^)]*)\)`)

// paketLock reads paket.lock: four blanks before a package, six before what it wants.
func paketLock(f *file) {
	g := &graph{group: nuget}
	in := false
	f.lines(func(n int, line string) {
		if line != "" && line[0] != ' ' {
			in = strings.HasPrefix(line, "NUGET")
			return
		}
		m := paketLine.FindStringSubmatch(line)
		switch {
		case m == nil || !in:
		case len(m[1]) == 4:
			g.nodes = append(g.nodes, locked{key: strings.ToLower(m[2]), name: m[2], version: m[3], line: n})
		case len(g.nodes) > 0:
			last := &g.nodes[len(g.nodes)-1]
			last.deps = append(last.deps, strings.ToLower(m[2]))
		}
	})
	f.lock(g)
}
