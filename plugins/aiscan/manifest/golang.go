package manifest

import (
	"errors"
	"regexp"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// goMod reads go.mod. Lines that cannot be read are left out and named.
func goMod(f *file) {
	m := parseMod(f)
	if m == nil {
		return
	}
	required := map[string]fact.Standing{}
	for _, r := range m.Require {
		st := fact.Direct
		if r.Indirect {
			st = fact.Transitive
			for _, t := range m.Tool {
				if t.Path == r.Mod.Path || strings.HasPrefix(t.Path, r.Mod.Path+"/") {
					st = fact.Development
				}
			}
		}
		required[r.Mod.Path] = st
		f.pkg(golang, r.Mod.Path, r.Mod.Version, r.Syntax.Start.Line, st)
	}
	for _, x := range m.Exclude {
		f.pkg(golang, x.Mod.Path, x.Mod.Version, x.Syntax.Start.Line, fact.Excluded)
	}
	f.goReplace(m.Replace, required)
	f.goRemarks()
}

// goReplace takes what stands in for a module, unless it is a folder.
func (f *file) goReplace(replace []*modfile.Replace, required map[string]fact.Standing) {
	for _, r := range replace {
		if modfile.IsDirectoryPath(r.New.Path) || r.New.Path == r.Old.Path {
			continue
		}
		st, ok := required[r.Old.Path]
		if !ok {
			st = fact.Central
		}
		f.pkg(golang, r.New.Path, r.New.Version, r.Syntax.Start.Line, st)
	}
}

// parseMod parses until no line is wrong, each time without those that are.
func parseMod(f *file) *modfile.File {
	text := f.text
	for range 20 {
		m, err := modfile.Parse("go.mod", text, keepVersion)
		if err == nil {
			return m
		}
		var list modfile.ErrorList
		var one *modfile.Error
		if !errors.As(err, &list) && errors.As(err, &one) {
			list = modfile.ErrorList{*one}
		}
		if len(list) == 0 {
			f.fail(0, "not a go.mod file")
			return nil
		}
		lines := strings.Split(string(text), "\n")
		for _, e := range list {
			f.fail(e.Pos.Line, "not a line of go.mod")
			if e.Pos.Line < 1 || e.Pos.Line > len(lines) {
				return nil
			}
			lines[e.Pos.Line-1] = ""
		}
		text = []byte(strings.Join(lines, "\n"))
	}
	return nil
}

// keepVersion accepts every version as it is: branches are versions until they are tidied.
func keepVersion(_, version string) (string, error) { return version, nil }

var goRemark = regexp.MustCompile(`^\s*//\s*(?:require\s+)?([a-z0-9][a-z0-9.-]*\.[a-z]{2,}(?:/[\w.~-]+)*)\s+(v\d+\.\d+\.\d+\S*)\s*(?://.*)?$`)

// goRemarks takes modules that are commented out.
func (f *file) goRemarks() {
	f.lines(func(n int, line string) {
		if m := goRemark.FindStringSubmatch(line); m != nil {
			f.pkg(golang, m[1], m[2], n, fact.Commented)
		}
	})
}

// goWork reads go.work, whose modules name themselves; what it replaces is for
// the case that one of them wants it.
func goWork(f *file) {
	w, err := modfile.ParseWork("go.work", f.text, nil)
	if err != nil {
		line := 0
		var list modfile.ErrorList
		if errors.As(err, &list) && len(list) > 0 {
			line = list[0].Pos.Line
		}
		f.fail(line, "not a line of go.work")
		return
	}
	f.goReplace(w.Replace, nil)
}

// goSum reads go.sum: the modules of which more than the go.mod was fetched.
func goSum(f *file) {
	f.lines(func(n int, line string) {
		parts := strings.Fields(line)
		if len(parts) == 0 {
			return
		}
		if len(parts) != 3 {
			f.fail(n, "not a line of go.sum")
			return
		}
		if !strings.HasSuffix(parts[1], "/go.mod") {
			f.pkg(golang, parts[0], parts[1], n, fact.Transitive)
		}
	})
}

// goVendor reads vendor/modules.txt: modules, and below each the packages that
// are compiled, which tell more of a module of many services.
func goVendor(f *file) {
	module, version, st := "", "", fact.Transitive
	line := 0
	flush := func() {
		if module != "" {
			f.pkg(golang, module, version, line, st)
		}
		module = ""
	}
	current := ""
	f.lines(func(n int, l string) {
		switch {
		case strings.HasPrefix(l, "## "):
			if strings.Contains(l, "explicit") {
				st = fact.Direct
			}
		case strings.HasPrefix(l, "# "):
			flush()
			parts := strings.Fields(l[2:])
			if len(parts) < 2 || parts[1] == "=>" {
				current = ""
				return
			}
			module, version, st, line = parts[0], parts[1], fact.Transitive, n
			current = module
		case l != "" && strings.HasPrefix(l, current+"/") && current != "":
			f.add(fact.Fact{Group: golang, Name: l, Line: n, Standing: fact.Transitive, Via: current})
		}
	})
	flush()
}

// gopkgToml reads Gopkg.toml.
func gopkgToml(f *file) {
	root, _ := f.toml()
	for _, c := range root.get("constraint").items() {
		f.dep(c, fact.Direct)
	}
	for _, c := range root.get("override").items() {
		f.dep(c, fact.Central)
	}
	for _, r := range root.get("required").items() {
		f.pkg(golang, r.str(), "", r.line, fact.Development)
	}
}

func (f *file) dep(c *node, st fact.Standing) {
	version := c.get("version").str()
	for _, key := range []string{"branch", "revision"} {
		if version == "" {
			version = c.get(key).str()
		}
	}
	f.pkg(golang, c.get("name").str(), version, c.get("name").at(c.line), st)
}

// gopkgLock reads Gopkg.lock; its list of imports tells what is direct.
func gopkgLock(f *file) {
	root, _ := f.toml()
	imports := root.get("input-imports")
	if imports == nil {
		imports = root.get("solve-meta", "input-imports")
	}
	for _, p := range root.get("projects").items() {
		st, name := fact.Transitive, p.get("name").str()
		for _, i := range imports.items() {
			if i.text == name || strings.HasPrefix(i.text, name+"/") {
				st = fact.Direct
			}
		}
		f.dep(p, st)
		for _, sub := range p.get("packages").items() {
			if sub.text != "." && sub.text != "" {
				f.add(fact.Fact{Group: golang, Name: name + "/" + sub.text, Line: sub.line, Standing: fact.Transitive, Via: name})
			}
		}
	}
}

// glide reads glide.yaml.
func glide(f *file) {
	root := f.yaml()
	for _, s := range []section{{"import", fact.Direct}, {"testImport", fact.Development}} {
		for _, p := range root.get(s.name).items() {
			f.pkg(golang, p.get("package").str(), p.get("version").str(), p.get("package").at(p.line), s.st)
		}
	}
}
