package manifest

import (
	"regexp"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// podName is a pod without the part of it that is wanted.
func podName(s string) string {
	name, _, _ := strings.Cut(s, "/")
	return name
}

// podfile reads Podfile.
func podfile(f *file) {
	toks := f.tokens(rubySyntax)
	r := &gemReader{file: f}
	r.lines(toks, func(line []token) {
		if len(line) == 0 || len(r.open) > maxDepth {
			return
		}
		last := line[len(line)-1]
		switch {
		case line[0].is("pod"):
			f.pod(line, r.standing())
		case line[0].is("end") && len(r.open) > 0:
			r.open = r.open[:len(r.open)-1]
		case last.is("do") || last.is("|") && hasWord(line, "do"):
			st := fact.Direct
			if strs := stringsOf(line); len(strs) > 0 && strings.Contains(strs[0].text, "Test") {
				st = fact.Development
			}
			r.open = append(r.open, st)
		case line[0].is("if") || line[0].is("unless"):
			r.open = append(r.open, fact.Optional)
		case line[0].is("def"):
			r.open = append(r.open, fact.Direct)
		}
	})
	remarks(toks, rubySyntax, func(inner []token) {
		if len(inner) > 1 && inner[0].is("pod") && inner[1].kind == text {
			f.pod(plain(inner), fact.Commented)
		}
	})
}

func (f *file) pod(toks []token, st fact.Standing) {
	strs := stringsOf(toks)
	if len(strs) == 0 || hasWord(toks, "path") {
		return
	}
	version := ""
	if len(toks) > 3 && toks[2].is(",") && toks[3].kind == text {
		version = toks[3].text
	}
	if hasWord(toks, "configurations") && len(strs) > 1 && strings.Contains(strs[len(strs)-1].text, "Debug") {
		st = weaker(st, fact.Optional)
	}
	f.pkg(pods, podName(strs[0].text), version, strs[0].line, st)
}

// podspec reads *.podspec.
func podspec(f *file) {
	toks := plain(f.tokens(rubySyntax))
	for i := 1; i+1 < len(toks); i++ {
		if toks[i].is("dependency") && toks[i-1].is(".") {
			j := i + 1
			if toks[j].is("(") {
				j++
			}
			if j >= len(toks) || toks[j].kind != text {
				continue
			}
			version := ""
			if j+2 < len(toks) && toks[j+1].is(",") && toks[j+2].kind == text {
				version = toks[j+2].text
			}
			f.pkg(pods, podName(toks[j].text), version, toks[j].line, fact.Direct)
		}
	}
}

var podLine = regexp.MustCompile(`^"?([^\s"(]+)(?: \(([^)]*)\))?"?$`)

// podfileLock reads Podfile.lock.
func podfileLock(f *file) {
	root := f.yaml()
	g := &graph{group: pods, direct: map[string]fact.Standing{}}
	for _, d := range root.get("DEPENDENCIES").items() {
		name, _, _ := strings.Cut(d.str(), " ")
		g.direct[podName(name)] = fact.Direct
	}
	local := map[string]bool{}
	root.get("EXTERNAL SOURCES").each(func(name string, v *node) {
		if v.get(":path") != nil {
			local[podName(name)] = true
		}
	})
	take := func(id string, line int, wants *node) {
		m := podLine.FindStringSubmatch(id)
		if m == nil {
			return
		}
		n := locked{key: podName(m[1]), name: podName(m[1]), version: m[2], line: line, own: local[podName(m[1])]}
		for _, w := range wants.items() {
			if d := podLine.FindStringSubmatch(w.str()); d != nil && podName(d[1]) != n.key {
				n.deps = append(n.deps, podName(d[1]))
			}
		}
		g.nodes = append(g.nodes, n)
	}
	for _, p := range root.get("PODS").items() {
		if p.isTable() {
			p.each(func(id string, v *node) { take(id, v.line, v) })
			continue
		}
		take(p.str(), p.line, nil)
	}
	f.lock(g)
}
