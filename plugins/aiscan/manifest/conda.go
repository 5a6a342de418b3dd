package manifest

import (
	"bytes"
	"path"
	"regexp"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

var condaRE = regexp.MustCompile(`^(?:[A-Za-z0-9_./-]+::?)?([A-Za-z0-9_][A-Za-z0-9_.-]*(?:` + string(blank) + `\S*)?)\s*(?:\[.*\])?\s*((?:[=<>!~]|\d|\*).*|` + string(blank) + `.*)?$`)

// condaSpec takes a package of conda: name=version=build, channel::name >=1.
func (f *file) condaSpec(s string, line int, st fact.Standing) {
	s = strings.TrimSpace(s)
	m := condaRE.FindStringSubmatch(s)
	if m == nil || len(s) > 1000 {
		return
	}
	name := strings.ToLower(m[1])
	if name == "python" || name == "pip" || name == "" {
		return
	}
	version := strings.TrimSpace(m[2])
	if v, ok := strings.CutPrefix(version, "="); ok {
		version, _, _ = strings.Cut(strings.TrimPrefix(v, "="), "=")
	}
	f.pkg(conda, name, version, line, st)
}

// condaEnv reads environment.yml.
func condaEnv(f *file) {
	if !bytes.Contains(f.text, []byte("dependencies")) { // the name is that of other files too
		return
	}
	root := f.yaml()
	st := groupStanding(strings.TrimSuffix(strings.TrimSuffix(path.Base(f.path), ".yml"), ".yaml"), fact.Direct)
	for _, d := range root.get("dependencies").items() {
		if d.isTable() {
			f.requireAll(d.get("pip"), st)
			continue
		}
		f.condaSpec(d.text, d.line, st)
	}
	if root.get("dependencies") == nil {
		return
	}
	f.lines(func(n int, line string) {
		trimmed := strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(trimmed, "#"); ok {
			if item, ok := strings.CutPrefix(strings.TrimSpace(rest), "- "); ok && !strings.ContainsAny(item, ":") {
				f.condaSpec(item, n, fact.Commented)
			}
		}
	})
}

// condaRecipe reads meta.yaml and recipe.yaml of conda packages. A selector in a comment
// behind a line makes it a condition.
func condaRecipe(f *file) {
	if !bytes.Contains(f.text, []byte("requirements")) && !bytes.Contains(f.text, []byte("requires")) {
		return
	}
	var selected []int
	f.lines(func(n int, line string) {
		if i := strings.Index(line, "# ["); i >= 0 && strings.HasSuffix(strings.TrimSpace(line), "]") {
			selected = append(selected, n)
		}
	})
	cond := map[int]bool{}
	for _, n := range selected {
		cond[n] = true
	}
	root := f.yaml()
	f.recipePart(root, cond)
	for _, o := range root.get("outputs").items() {
		f.recipePart(o, cond)
	}
}

func (f *file) recipePart(part *node, cond map[int]bool) {
	sections := map[string]fact.Standing{"run": fact.Direct, "host": fact.Development, "build": fact.Development,
		"run_constrained": fact.Central, "run_constraints": fact.Central}
	take := func(v *node, st fact.Standing) {
		for _, d := range v.one() {
			own := st
			if cond[d.line] {
				own = weaker(st, fact.Optional)
			}
			if d.isStr() {
				f.condaSpec(d.text, d.line, own)
				continue
			}
			for _, branch := range []string{"then", "else"} { // if: … then: …
				for _, c := range d.get(branch).one() {
					f.condaSpec(c.str(), c.line, weaker(st, fact.Optional))
				}
			}
		}
	}
	req := part.get("requirements")
	req.each(func(name string, v *node) {
		if st, ok := sections[name]; ok {
			take(v, st)
		}
	})
	if req != nil && req.kind == list {
		take(req, fact.Direct)
	}
	take(part.get("test", "requires"), fact.Development)
	for _, t := range part.get("tests").items() {
		take(t.get("requirements", "run"), fact.Development)
	}
}

// condaLock reads conda-lock.yml.
func condaLock(f *file) {
	g := &graph{group: conda}
	for _, p := range f.yaml().get("package").items() {
		n := locked{name: p.get("name").str(), version: p.get("version").str(), line: p.get("name").at(p.line)}
		n.dev = isDev(p.get("category").str())
		n.extra = p.get("optional").isTrue()
		if p.get("manager").str() == "pip" {
			n.group, n.name = pypi, pypiName(n.name)
		}
		n.key = n.name
		p.get("dependencies").each(func(name string, _ *node) { n.deps = append(n.deps, name) })
		g.nodes = append(g.nodes, n)
	}
	f.lock(g)
}

// pixiToml reads pixi.toml, whose tables also stand in pyproject.toml.
func pixiToml(f *file) {
	root, comments := f.toml()
	f.pixi(root)
	f.tomlRemarks(comments, pypi, func(p []string) bool { return len(p) > 0 && p[len(p)-1] == "pypi-dependencies" })
	f.tomlRemarks(comments, conda, func(p []string) bool { return len(p) > 0 && p[len(p)-1] == "dependencies" })
}

func (f *file) pixi(p *node) {
	f.pixiTables(p, fact.Direct)
	p.get("feature").each(func(name string, v *node) {
		st := groupStanding(name, fact.Optional)
		f.pixiTables(v, st)
		v.get("target").each(func(_ string, t *node) { f.pixiTables(t, weaker(st, fact.Optional)) })
	})
	p.get("target").each(func(_ string, v *node) { f.pixiTables(v, fact.Optional) })
	f.pixiTables(p.get("package"), fact.Direct)
}

func (f *file) pixiTables(t *node, st fact.Standing) {
	tables := map[string]fact.Standing{"dependencies": st, "run-dependencies": st,
		"host-dependencies": fact.Development, "build-dependencies": fact.Development}
	for _, name := range []string{"dependencies", "run-dependencies", "host-dependencies", "build-dependencies"} {
		t.get(name).each(func(pkg string, v *node) {
			version := v.str()
			if v.isTable() {
				if v.get("path") != nil {
					return
				}
				version = v.get("version").str()
			}
			if pkg != "python" && pkg != "pip" {
				f.pkg(conda, strings.ToLower(pkg), version, v.line, tables[name])
			}
		})
	}
	f.poetryTable(t.get("pypi-dependencies"), st)
}

var condaFile = regexp.MustCompile(`^(.+)-([^-]+)-[^-]+\.(?:conda|tar\.bz2)$`)

// pixiLock reads pixi.lock: addresses of files whose names tell the package.
func pixiLock(f *file) {
	for _, p := range f.yaml().get("packages").items() {
		version := p.get("version").str()
		if url := p.get("conda"); url.isStr() {
			if m := condaFile.FindStringSubmatch(path.Base(url.text)); m != nil {
				f.pkg(conda, strings.ToLower(m[1]), m[2], p.line, fact.Transitive)
			}
			continue
		}
		name := p.get("name").str()
		if p.get("kind").str() == "conda" {
			f.pkg(conda, strings.ToLower(name), version, p.line, fact.Transitive)
			continue
		}
		where := p.get("pypi").str()
		if strings.HasPrefix(where, ".") || strings.HasPrefix(where, "/") {
			continue
		}
		f.pkg(pypi, pypiName(name), version, p.line, fact.Transitive)
	}
}
