package manifest

import (
	"slices"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// Ecosystems, as facts name them.
const (
	pypi     = "pypi"
	conda    = "conda"
	npm      = "npm"
	jsr      = "jsr"
	denoland = "deno"
	golang   = "go"
	maven    = "maven"
	nuget    = "nuget"
	gem      = "gem"
	cargo    = "cargo"
	composer = "composer"
	hex      = "hex"
	pub      = "pub"
	swift    = "swift"
	pods     = "cocoapods"
	cran     = "cran"
	julia    = "julia"
	hackage  = "hackage"
	conan    = "conan"
	vcpkg    = "vcpkg"
	cpan     = "cpan"
	luarocks = "luarocks"
)

// pkg takes a package of an ecosystem.
func (f *file) pkg(group, name, version string, line int, st fact.Standing) {
	f.add(fact.Fact{Group: group, Name: name, Version: version, Line: line, Standing: st})
}

// section is a part of a file and the standing of what is in it.
type section struct {
	name string
	st   fact.Standing
}

// weaker is the standing of a thing inside something of another standing: what
// is no use stays none, development before optional before direct.
func weaker(a, b fact.Standing) fact.Standing {
	rank := []fact.Standing{fact.Direct, fact.Templated, fact.Optional, fact.Transitive, fact.Development, fact.Central, fact.Excluded, fact.Commented}
	if slices.Index(rank, b) > slices.Index(rank, a) {
		return b
	}
	return a
}

// groupStanding is the standing of a named group of packages.
func groupStanding(name string, otherwise fact.Standing) fact.Standing {
	if isDev(name) {
		return fact.Development
	}
	return otherwise
}

// locked is one package of a lockfile.
type locked struct {
	key     string // as others of the file depend on it
	name    string
	version string
	line    int
	deps    []string // keys
	own     bool     // the project itself or a part of it: no package, but what depends on some
	dev     bool     // the file says that only development needs it
	extra   bool     // the file says that it is optional
	group   string   // ecosystem, if not the graph's
}

// graph is the packages of a lockfile and what is asked for directly.
type graph struct {
	group string
	nodes []locked
	// direct is the keys that the project asks for. If it is nil, these are
	// what nothing else of the file depends on: a lockfile holds nothing that
	// nobody wants.
	direct map[string]fact.Standing
}

// lock takes the packages of a lockfile. What is reached from a direct package
// is transitive, by way of the first one in the order of the file that leads to it.
func (f *file) lock(g *graph) {
	index := make(map[string][]int, len(g.nodes))
	for i, n := range g.nodes {
		index[n.key] = append(index[n.key], i)
	}
	seen, via := g.reach(index, g.roots(index))
	for i, n := range g.nodes {
		if n.own {
			continue
		}
		st := fact.Transitive
		if s, ok := seen[i]; ok && (via[i] == "" || s == fact.Development) {
			st = s
		}
		if n.dev {
			st = fact.Development
		} else if n.extra && st == fact.Direct {
			st = fact.Optional
		}
		group := g.group
		if n.group != "" {
			group = n.group
		}
		f.add(fact.Fact{Group: group, Name: n.name, Version: n.version, Line: n.line, Standing: st, Via: via[i]})
	}
}

// root is a package that is asked for directly.
type root struct {
	at int
	st fact.Standing
}

// roots is the direct packages: those for users first, so that what both need is theirs.
func (g *graph) roots(index map[string][]int) []root {
	direct := g.direct
	if direct == nil {
		direct = map[string]fact.Standing{}
		wanted := map[string]bool{}
		for _, n := range g.nodes {
			for _, d := range n.deps {
				if d != n.key {
					wanted[d] = true
				}
			}
		}
		for _, n := range g.nodes {
			if !wanted[n.key] {
				direct[n.key] = fact.Direct
			}
		}
	}
	var roots []root
	for i, n := range g.nodes {
		st, ok := direct[n.key]
		if !ok || index[n.key][0] != i && g.direct == nil {
			continue
		}
		if n.dev {
			st = fact.Development
		}
		roots = append(roots, root{i, st})
	}
	order := map[fact.Standing]int{fact.Direct: 0, fact.Templated: 1, fact.Optional: 2, fact.Development: 3}
	slices.SortStableFunc(roots, func(a, b root) int { return order[a.st] - order[b.st] })
	return roots
}

// reach walks from the roots, each in turn, so that Via is a direct package.
func (g *graph) reach(index map[string][]int, roots []root) (map[int]fact.Standing, map[int]string) {
	seen := make(map[int]fact.Standing, len(g.nodes))
	via := map[int]string{}
	for _, r := range roots {
		if _, ok := seen[r.at]; !ok {
			seen[r.at] = r.st
		}
	}
	for _, r := range roots {
		queue := []int{r.at}
		for len(queue) > 0 {
			n := g.nodes[queue[0]]
			queue = queue[1:]
			for _, d := range n.deps {
				for _, i := range index[d] {
					if _, ok := seen[i]; ok {
						continue
					}
					seen[i], via[i] = r.st, g.nodes[r.at].name
					queue = append(queue, i)
				}
			}
		}
	}
	return seen, via
}
