package manifest

import (
	"regexp"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// mixExs reads mix.exs: the tuples of the function named deps.
func mixExs(f *file) {
	toks := f.tokens(elixirSyntax)
	in := false
	for i := 0; i+1 < len(toks); i++ {
		t := toks[i]
		switch {
		case (t.is("def") || t.is("defp")) && toks[i+1].kind == word:
			in = strings.HasSuffix(toks[i+1].text, "deps") || strings.HasSuffix(toks[i+1].text, "dependencies")
		case t.is("deps") && i+2 < len(toks) && toks[i+1].is(":") && toks[i+2].is("["):
			in = true
		case in && t.is("{"):
			end := min(closing(toks, i), len(toks))
			f.mixTuple(plain(toks[i+1:end]), fact.Direct)
			i = end
		case in && t.kind == remark:
			inner, _ := lex([]byte(t.text), elixirSyntax, t.line)
			if len(inner) > 1 && inner[0].is("{") {
				f.mixTuple(plain(inner[1:min(closing(inner, 0), len(inner))]), fact.Commented)
			}
		}
	}
}

// mixTuple reads :name, "version", option: value.
func (f *file) mixTuple(toks []token, st fact.Standing) {
	if len(toks) < 4 || !toks[0].is(":") || toks[1].kind == sign || !toks[2].is(",") {
		return
	}
	name, version := toks[1].text, ""
	line := toks[1].line
	if toks[3].kind == text {
		version = toks[3].text
	}
	for j := 3; j+2 < len(toks); j++ {
		if toks[j].kind != word || !toks[j+1].is(":") {
			continue
		}
		switch v := toks[j+2]; toks[j].text {
		case "path", "in_umbrella":
			return
		case "only":
			if onlyDevEnvs(toks[j+2:]) {
				st = weaker(st, fact.Development)
			}
		case "optional":
			if v.is("true") {
				st = weaker(st, fact.Optional)
			}
		case "tag", "ref", "branch":
			if version == "" && v.kind == text {
				version = v.text
			}
		case "hex":
			if v.kind == text {
				name = v.text
			} else if j+3 < len(toks) && v.is(":") {
				name = toks[j+3].text
			}
		}
	}
	f.pkg(hex, name, version, line, st)
}

// onlyDevEnvs reports whether the environments at the head of tokens are for development.
func onlyDevEnvs(toks []token) bool {
	seen := false
	many := len(toks) > 0 && toks[0].is("[")
	for i, t := range toks {
		if t.is("]") || !many && t.is(",") {
			break
		}
		if t.kind == word && i > 0 && toks[i-1].is(":") {
			seen = true
			if !isDev(t.text) {
				return false
			}
		}
	}
	return seen
}

var (
	mixLockLine = regexp.MustCompile(`^\s*"([\w.-]+)":\s*\{:(hex|git),\s*(?::"?([\w.-]+)"?|"([^"]*)"),\s*"([^"]*)"`)
	mixLockDep  = regexp.MustCompile(`\{:(\w+), "`)
)

// mixLock reads mix.lock, one package a line; direct is what no other one wants.
func mixLock(f *file) {
	g := &graph{group: hex}
	f.lines(func(n int, line string) {
		m := mixLockLine.FindStringSubmatch(line)
		if m == nil {
			return
		}
		p := locked{key: m[1], name: m[1], version: m[5], line: n}
		if m[2] == "hex" {
			p.name = m[3]
		}
		rest := line[strings.Index(line, m[5])+len(m[5]):]
		for _, d := range mixLockDep.FindAllStringSubmatch(rest, -1) {
			p.deps = append(p.deps, d[1])
		}
		g.nodes = append(g.nodes, p)
	})
	f.lock(g)
}

// gleam reads gleam.toml.
func gleam(f *file) {
	root, comments := f.toml()
	for _, t := range []section{{"dependencies", fact.Direct}, {"dev-dependencies", fact.Development}, {"dev_dependencies", fact.Development}} {
		root.get(t.name).each(func(name string, v *node) {
			if v.kind == str || v.isTable() && v.get("path") == nil {
				f.pkg(hex, name, v.str(), v.line, t.st)
			}
		})
	}
	f.tomlRemarks(comments, hex, func(path []string) bool {
		return len(path) == 1 && strings.HasSuffix(path[0], "dependencies")
	})
}
