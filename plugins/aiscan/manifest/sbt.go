package manifest

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// sbt reads build.sbt and the Scala files of a build: "group" %% "name" % "version".
// Mill's ivy"group::name:version" stands in the same kind of file.
func sbt(f *file) {
	toks := f.tokens(scalaSyntax)
	s := &sbtReader{file: f, vals: map[string]string{}}
	code := plain(toks)
	for i := 0; i+3 < len(code); i++ {
		if code[i].is("val") && code[i+2].is("=") && code[i+3].kind == text {
			s.vals[code[i+1].text] = code[i+3].text
		}
	}
	s.read(code, fact.Direct)
	remarks(toks, scalaSyntax, func(inner []token) { s.read(plain(inner), fact.Commented) })
}

type sbtReader struct {
	*file
	vals map[string]string
}

func (s *sbtReader) read(toks []token, st fact.Standing) {
	cur := st
	for i := 0; i < len(toks); i++ {
		t := toks[i]
		switch {
		case t.is("dependencyOverrides"):
			cur = weaker(st, fact.Central)
		case t.is("libraryDependencies") || t.is("val") || t.is("def"):
			cur = st
		case t.is("addSbtPlugin") || t.is("addCompilerPlugin") || t.is("compilerPlugin"):
			if i+2 < len(toks) {
				s.module(toks, i+2, weaker(st, fact.Development))
			}
			i = closing(toks, i+1)
			cur = st
		case t.is("exclude") || t.is("ExclusionRule"):
			i = s.excluded(toks, i)
		case (t.is("ivy") || t.is("mvn")) && i+1 < len(toks) && toks[i+1].kind == text:
			s.mill(toks[i+1], st)
		case t.kind == text:
			i = s.module(toks, i, cur)
		}
	}
}

// module reads one module id that begins at i and returns where it ends.
func (s *sbtReader) module(toks []token, i int, st fact.Standing) int {
	if i >= len(toks) || toks[i].kind != text {
		return i
	}
	group := toks[i]
	j := percents(toks, i+1)
	if j == i+1 || j >= len(toks) || toks[j].kind != text {
		return i
	}
	name := toks[j]
	k := percents(toks, j+1)
	if k == j+1 || k >= len(toks) {
		return j
	}
	version := toks[k].text
	if toks[k].kind != text {
		for k+2 < len(toks) && toks[k+1].is(".") { // V.name
			k += 2
		}
		var ok bool
		if version, ok = s.vals[toks[k].text]; !ok {
			version = string(blank)
		}
	}
	if c := percents(toks, k+1); c > k+1 && c < len(toks) {
		conf := strings.ToLower(toks[c].text)
		switch {
		case strings.Contains(conf, "test") && !strings.Contains(conf, "compile"):
			st = weaker(st, fact.Development)
		case strings.Contains(conf, "optional"):
			st = weaker(st, fact.Optional)
		}
		k = c
	}
	s.pkg(maven, group.text+":"+name.text, version, name.line, st)
	return k
}

// percents passes the signs between the parts of a module id.
func percents(toks []token, i int) int {
	for i < len(toks) && toks[i].is("%") {
		i++
	}
	return i
}

func (s *sbtReader) excluded(toks []token, i int) int {
	if i+1 >= len(toks) || !toks[i+1].is("(") {
		return i
	}
	end := min(closing(toks, i+1), len(toks))
	if strs := stringsOf(toks[i+1 : end]); len(strs) == 2 {
		s.pkg(maven, strs[0].text+":"+strs[1].text, "", strs[1].line, fact.Excluded)
	}
	return end
}

func (s *sbtReader) mill(t token, st fact.Standing) {
	parts := strings.FieldsFunc(t.text, func(r rune) bool { return r == ':' })
	if len(parts) < 2 {
		return
	}
	version := ""
	if len(parts) > 2 {
		version = parts[2]
	}
	s.pkg(maven, parts[0]+":"+parts[1], version, t.line, st)
}
