package manifest

import (
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// pyproject reads pyproject.toml: the standard tables and those of the tools.
func pyproject(f *file) {
	root, comments := f.toml()
	local := f.localSources(root)
	before := len(f.facts)
	project := root.get("project")
	f.requireAll(project.get("dependencies"), fact.Direct)
	project.get("optional-dependencies").each(func(extra string, v *node) {
		f.requireAll(v, groupStanding(extra, fact.Optional))
	})
	root.get("dependency-groups").each(func(group string, v *node) {
		f.requireAll(v, groupStanding(group, fact.Optional))
	})
	f.requireAll(root.get("build-system", "requires"), fact.Development)
	tool := root.get("tool")
	f.poetry(tool.get("poetry"))
	f.pythonTools(tool)
	f.hatch(tool.get("hatch"))
	f.pixi(tool.get("pixi"))
	kept := f.facts[:before]
	for _, p := range f.facts[before:] {
		if name, _, _ := strings.Cut(p.Name, "["); !local[name] {
			kept = append(kept, p)
		}
	}
	f.facts = kept
	f.tomlRemarks(comments, pypi, func(path []string) bool {
		return len(path) > 0 && (path[0] == "project" || path[0] == "dependency-groups" ||
			strings.Contains(strings.Join(path, "."), "dependencies"))
	})
}

// localSources is the names that uv takes from the tree itself.
func (f *file) localSources(root *node) map[string]bool {
	local := map[string]bool{}
	root.get("tool", "uv", "sources").each(func(name string, v *node) {
		for _, s := range v.one() {
			if s.get("path") != nil || s.get("workspace").isTrue() {
				local[pypiName(name)] = true
			}
		}
	})
	return local
}

func (f *file) pythonTools(tool *node) {
	f.requireAll(tool.get("uv", "dev-dependencies"), fact.Development)
	f.requireAll(tool.get("uv", "constraint-dependencies"), fact.Central)
	f.requireAll(tool.get("uv", "override-dependencies"), fact.Central)
	f.requireAll(tool.get("uv", "build-constraint-dependencies"), fact.Central)
	f.requireAll(tool.get("rye", "dev-dependencies"), fact.Development)
	tool.get("pdm", "dev-dependencies").each(func(_ string, v *node) { f.requireAll(v, fact.Development) })
	f.requireAll(tool.get("pdm", "resolution", "overrides"), fact.Central)
	flit := tool.get("flit", "metadata")
	f.requireAll(flit.get("requires"), fact.Direct)
	f.requireAll(flit.get("dev-requires"), fact.Development)
	flit.get("requires-extra").each(func(extra string, v *node) {
		f.requireAll(v, groupStanding(extra, fact.Optional))
	})
}

func (f *file) hatch(hatch *node) {
	hatch.get("envs").each(func(_ string, env *node) {
		f.requireAll(env.get("dependencies"), fact.Development)
		f.requireAll(env.get("extra-dependencies"), fact.Development)
	})
	hatch.get("build", "hooks").each(func(_ string, hook *node) {
		f.requireAll(hook.get("dependencies"), fact.Development)
	})
}

func (f *file) poetry(p *node) {
	f.poetryTable(p.get("dependencies"), fact.Direct)
	f.poetryTable(p.get("dev-dependencies"), fact.Development)
	p.get("group").each(func(name string, g *node) {
		st := groupStanding(name, fact.Direct)
		if g.get("optional").isTrue() {
			st = weaker(st, fact.Optional)
		}
		f.poetryTable(g.get("dependencies"), st)
	})
}

// poetryTable reads a table of names to versions; a value may be a table or a list of them.
func (f *file) poetryTable(t *node, st fact.Standing) {
	t.each(func(name string, v *node) {
		if name == "python" {
			return
		}
		for _, one := range v.one() {
			f.pythonEntry(name, v.line, one, st)
		}
	})
}

func (f *file) pythonEntry(name string, line int, v *node, st fact.Standing) {
	version, with := v.str(), ""
	if v.isTable() {
		if v.get("path") != nil || v.get("workspace").isTrue() || strings.HasPrefix(v.get("url").str(), "file:") || v.get("file") != nil {
			return
		}
		version = v.get("version").str()
		var list []string
		for _, e := range v.get("extras").items() {
			list = append(list, e.text)
		}
		with = extras(strings.Join(list, ","))
		for _, key := range []string{"tag", "rev", "ref"} {
			if version == "" {
				version = v.get(key).str()
			}
		}
		if v.get("optional").isTrue() {
			st = weaker(st, fact.Optional)
		}
		for _, key := range []string{"markers", "python", "platform", "sys_platform", "platform_machine"} {
			if v.get(key) != nil {
				st = weaker(st, fact.Optional)
			}
		}
	}
	f.pkg(pypi, pypiName(name)+with, version, line, st)
}

// tomlRemarks takes packages that are commented out: a quoted requirement, or a
// name with a version, in a table of packages.
func (f *file) tomlRemarks(comments []comment, group string, in func([]string) bool) {
	for _, c := range comments {
		if !in(c.path) {
			continue
		}
		s := strings.TrimSuffix(c.text, ",")
		if group == pypi && len(s) > 2 && (s[0] == '"' || s[0] == '\'') && strings.Count(s, s[:1]) == 2 && s[len(s)-1] == s[0] {
			f.require(s[1:len(s)-1], c.line, fact.Commented)
			continue
		}
		name, value, ok := strings.Cut(s, "=")
		value = strings.TrimSpace(value)
		name = strings.Trim(strings.TrimSpace(name), `"'`)
		if !ok || value == "" || !strings.ContainsAny(value[:1], `"'{`) || strings.ContainsAny(name, " .") {
			continue
		}
		p := &tomlParser{text: []byte(value), line: c.line}
		v, ok := p.value(0)
		if !ok {
			continue
		}
		if group == pypi {
			name = pypiName(name)
		} else if real := v.get("package").str(); real != "" {
			name = real
		}
		version := v.str()
		if v.isTable() {
			version = v.get("version").str()
		}
		if group == julia { // what stands there is an identifier
			version = ""
		}
		f.pkg(group, name, version, c.line, fact.Commented)
	}
}

// pipfile reads Pipfile.
func pipfile(f *file) {
	root, comments := f.toml()
	root.each(func(section string, t *node) {
		switch section {
		case "source", "requires", "pipenv", "scripts":
			return
		case "packages":
			f.poetryTable(t, fact.Direct)
		default:
			f.poetryTable(t, groupStanding(strings.TrimSuffix(section, "-packages"), fact.Optional))
		}
	})
	f.tomlRemarks(comments, pypi, func(path []string) bool {
		return len(path) == 1 && strings.HasSuffix(path[0], "packages")
	})
}

// pipfileLock reads Pipfile.lock. It notes an index for what is asked for directly.
func pipfileLock(f *file) {
	f.json().each(func(section string, t *node) {
		if section == "_meta" {
			return
		}
		dev := section != "default" && (section == "develop" || isDev(section))
		t.each(func(name string, v *node) {
			if v.get("path") != nil || v.get("file") != nil {
				return
			}
			st := fact.Transitive
			switch {
			case dev:
				st = fact.Development
			case v.get("index") != nil || v.get("git") != nil:
				st = fact.Direct
			}
			version := v.get("version").str()
			if version == "" {
				version = v.get("ref").str()
			}
			f.pkg(pypi, pypiName(name), version, v.line, st)
		})
	})
}

// isLocalSource reports whether a lockfile's source of a package is the tree itself.
func isLocalSource(v *node) bool {
	return slices.ContainsFunc([]string{"editable", "virtual", "directory", "path", "workspace"}, func(k string) bool {
		return v.get(k) != nil
	})
}
