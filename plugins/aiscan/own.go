package aiscan

import (
	"path"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// fieldOwn marks a module of the tree itself that has the name of a package.
const fieldOwn = "own"

// ownModule returns the name by which Python would import a file, and the
// folder from which it would.
func ownModule(name string) (module, dir string) {
	dir, base := path.Split(name)
	dir = strings.TrimSuffix(dir, "/")
	stem, ok := strings.CutSuffix(base, ".py")
	if !ok {
		return "", ""
	}
	if stem == "__init__" {
		if dir == "" {
			return "", ""
		}
		parent, folder := path.Split(dir)
		return folder, strings.TrimSuffix(parent, "/")
	}
	return stem, dir
}

// own notes a module of the tree whose name is that of a package.
func (w *worker) own(p *part, e Entry) {
	module, dir := ownModule(e.Path)
	if module == "" || len(w.scan.rules.set.Import("py", module)) == 0 {
		return
	}
	p.hits = append(p.hits, found{hit: hit{Fact: fact.Fact{Class: fact.File, Name: module}, Field: fieldOwn}, path: dir})
}

// withoutOwn takes away imports that mean a module of the tree: one that lies
// beside the file, or where the tree's own modules are.
func withoutOwn(hits []found) []found {
	own := map[string][]string{} // folders by module
	for _, f := range hits {
		if f.Field == fieldOwn {
			own[f.Fact.Name] = append(own[f.Fact.Name], f.path)
		}
	}
	return slices.DeleteFunc(hits, func(f found) bool {
		if f.Field == fieldOwn {
			return true
		}
		if f.Fact.Class != fact.Import || f.Fact.Group != "py" {
			return false
		}
		top, _, _ := strings.Cut(f.Fact.Name, ".")
		dir := strings.TrimSuffix(path.Dir(f.path), ".")
		return slices.ContainsFunc(own[top], func(at string) bool {
			return at == dir || at == "" || at == "src" || at == "lib"
		})
	})
}
