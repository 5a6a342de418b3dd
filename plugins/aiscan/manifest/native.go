package manifest

import (
	"regexp"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

var conanRef = regexp.MustCompile(`^([a-z0-9_][a-z0-9_+.-]*)/(\[[^\]]*\]|[^\s@#:%]+)`)

func (f *file) conanPackage(s string, line int, st fact.Standing) {
	if m := conanRef.FindStringSubmatch(strings.TrimSpace(s)); m != nil {
		f.pkg(conan, m[1], strings.Trim(m[2], "[]"), line, st)
	}
}

var conanSections = map[string]fact.Standing{"requires": fact.Direct, "build_requires": fact.Development,
	"tool_requires": fact.Development, "test_requires": fact.Development, "python_requires": fact.Development}

// conanTxt reads conanfile.txt.
func conanTxt(f *file) {
	section := ""
	f.lines(func(n int, line string) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") && !strings.Contains(line, "/") {
			section = strings.Trim(line, "[]")
			return
		}
		st, ok := conanSections[section]
		if rest, off := strings.CutPrefix(line, "#"); off {
			line, st = rest, fact.Commented
		}
		if ok {
			f.conanPackage(line, n, st)
		}
	})
}

// conanPy reads conanfile.py without running it.
func conanPy(f *file) {
	toks := f.tokens(pythonSyntax)
	for i := 0; i+1 < len(toks); i++ {
		st, ok := conanSections[toks[i].text]
		if !ok || toks[i].kind != word {
			continue
		}
		var args []token
		switch {
		case toks[i+1].is("("):
			args = toks[i+2 : min(closing(toks, i+1), len(toks))]
			if strs := stringsOf(args); len(strs) > 1 {
				args = strs[:1]
			}
		case toks[i+1].is("=") && i+2 < len(toks):
			end := lineEnd(toks, i+2)
			if toks[i+2].is("(") || toks[i+2].is("[") {
				end = min(closing(toks, i+2), len(toks))
			}
			args = toks[i+2 : max(end, i+2)]
		}
		for _, t := range stringsOf(args) {
			f.conanPackage(t.text, t.line, st)
		}
	}
	remarks(toks, pythonSyntax, func(inner []token) {
		if len(inner) > 2 && inner[0].is("self") || hasWord(inner, "requires") {
			for _, t := range stringsOf(inner) {
				f.conanPackage(t.text, t.line, fact.Commented)
			}
		}
	})
}

// conanLock reads conan.lock.
func conanLock(f *file) {
	root := f.json()
	for _, s := range []section{{"requires", fact.Transitive}, {"build_requires", fact.Development}, {"python_requires", fact.Development}} {
		for _, r := range root.get(s.name).items() {
			f.conanPackage(r.str(), r.line, s.st)
		}
	}
	root.get("graph_lock", "nodes").each(func(_ string, v *node) {
		f.conanPackage(v.get("ref").str(), v.get("ref").at(v.line), fact.Transitive)
	})
}

// vcpkgJSON reads vcpkg.json.
func vcpkgJSON(f *file) {
	root := f.json()
	take := func(v *node, st fact.Standing) {
		for _, d := range v.items() {
			own, name, version := st, d.str(), ""
			if d.isTable() {
				name, version = d.get("name").str(), d.get("version>=").str()
				if d.get("host").isTrue() {
					own = weaker(own, fact.Development)
				}
				if d.get("platform") != nil {
					own = weaker(own, fact.Optional)
				}
			}
			f.pkg(vcpkg, name, version, d.get("name").at(d.line), own)
		}
	}
	take(root.get("dependencies"), fact.Direct)
	root.get("features").each(func(name string, v *node) { take(v.get("dependencies"), groupStanding(name, fact.Optional)) })
	for _, o := range root.get("overrides").items() {
		version := o.get("version").str()
		f.pkg(vcpkg, o.get("name").str(), version, o.get("name").at(o.line), fact.Central)
	}
}

var perlVerbs = map[string]fact.Standing{"requires": fact.Direct, "recommends": fact.Optional, "suggests": fact.Optional,
	"test_requires": fact.Development, "build_requires": fact.Development, "configure_requires": fact.Development,
	"author_requires": fact.Development, "conflicts": fact.Excluded}

// cpanfile reads cpanfile: requires 'Name' => 'version', in phases and features.
func cpanfile(f *file) {
	toks := f.tokens(perlSyntax)
	read := func(toks []token, commented bool) {
		var open []fact.Standing
		pending := fact.Direct
		for i := 0; i+1 < len(toks); i++ {
			t := toks[i]
			switch {
			case t.is("on") && toks[i+1].kind != sign:
				pending = groupStanding(toks[i+1].text, fact.Direct)
				if toks[i+1].text == "configure" {
					pending = fact.Development
				}
			case t.is("feature"):
				pending = fact.Optional
			case t.is("{"):
				open, pending = append(open, pending), fact.Direct
			case t.is("}") && len(open) > 0:
				open = open[:len(open)-1]
			}
			st, ok := perlVerbs[t.text]
			if !ok || t.kind != word || toks[i+1].kind != text || toks[i+1].text == "perl" {
				continue
			}
			for _, o := range open {
				st = weaker(st, o)
			}
			if commented {
				st = fact.Commented
			}
			version := ""
			for j := i + 2; j < len(toks) && j < i+5 && !toks[j].is(";"); j++ {
				if toks[j].kind == text {
					version = toks[j].text
				}
			}
			f.pkg(cpan, strings.TrimSpace(toks[i+1].text), version, toks[i+1].line, st)
		}
	}
	read(plain(toks), false)
	remarks(toks, perlSyntax, func(inner []token) { read(plain(inner), true) })
}

var rockSections = map[string]fact.Standing{"dependencies": fact.Direct, "build_dependencies": fact.Development, "test_dependencies": fact.Development}

// rockspec reads *.rockspec: lists of "name >= version".
func rockspec(f *file) {
	toks := f.tokens(luaSyntax)
	for i := 0; i+2 < len(toks); i++ {
		st, ok := rockSections[toks[i].text]
		if !ok || toks[i].kind != word || !toks[i+1].is("=") || !toks[i+2].is("{") {
			continue
		}
		end := min(closing(toks, i+2), len(toks))
		for _, t := range toks[i+3 : end] {
			strs, own := []token{t}, st
			if t.kind == remark {
				inner, _ := lex([]byte(t.text), luaSyntax, t.line)
				strs, own = stringsOf(inner), fact.Commented
			}
			for _, s := range strs {
				name, version, _ := strings.Cut(strings.TrimSpace(s.text), " ")
				if s.kind == text && name != "lua" {
					f.pkg(luarocks, name, strings.TrimSpace(version), s.line, own)
				}
			}
		}
		i = end
	}
}
