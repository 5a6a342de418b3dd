package manifest

import (
	"regexp"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// coordinate is group:artifact or group:artifact:version and what may follow.
var coordinate = regexp.MustCompile(`^([A-Za-z_][\w.-]*):([A-Za-z0-9_][\w.-]*)(?::([^:@\s]*))?(?:[:@][\w.-]+)*$`)

// gradle reads build.gradle and build.gradle.kts.
func gradle(f *file) {
	toks := f.tokens(groovySyntax)
	g := &gradleReader{file: f, vars: map[string]string{}, maps: map[string]token{}}
	g.variables(toks)
	g.block(toks, gradleContext{}, 0)
	remarks(toks, groovySyntax, func(inner []token) { g.statements(inner, gradleContext{deps: true, st: fact.Commented}, 0) })
}

type gradleReader struct {
	*file
	vars map[string]string // names of versions
	maps map[string]token  // coordinates by the last part of their name
}

// gradleContext is where a statement stands.
type gradleContext struct {
	deps bool // in a list of dependencies
	st   fact.Standing
}

// variables notes strings that have a name, and takes coordinates among them,
// which are no dependencies until somebody uses the name.
func (g *gradleReader) variables(toks []token) {
	for i := 0; i+2 < len(toks); i++ {
		if toks[i].kind != word || toks[i+2].kind != text || !toks[i+1].is("=") && !toks[i+1].is(":") {
			continue
		}
		s := toks[i+2].text
		if len(s) < 100 && coordinate.MatchString(g.fill(s)) && strings.Count(s, ":") >= 1 && strings.Contains(s, ".") {
			g.maps[toks[i].text] = toks[i+2]
		} else if toks[i+1].is("=") {
			g.vars[toks[i].text] = s
		}
	}
}

var interpolation = regexp.MustCompile(`\$\{?([A-Za-z_][\w.]*)(?:\(\))?\}?`)

// fill puts the versions in that the file names.
func (g *gradleReader) fill(s string) string {
	if strings.IndexByte(s, '$') < 0 {
		return s
	}
	return interpolation.ReplaceAllStringFunc(s, func(m string) string {
		name := strings.Trim(m, "${}()")
		if v, ok := g.vars[name[strings.LastIndexByte(name, '.')+1:]]; ok && strings.IndexByte(v, '$') < 0 {
			return v
		}
		return string(blank)
	})
}

// block looks for lists of dependencies in code.
func (g *gradleReader) block(toks []token, c gradleContext, depth int) {
	if depth > 40 {
		return
	}
	for i := 0; i < len(toks); i++ {
		t := toks[i]
		if t.is("force") || t.is("substitute") {
			for j := i + 1; j < len(toks) && toks[j].kind != lineBreak; j++ {
				g.coordinate(toks[j], fact.Central)
			}
		}
		if t.is("exclude") && i+1 < len(toks) {
			g.exclude(toks[i:lineEnd(toks, i)])
		}
		if t.is("library") && i+1 < len(toks) && toks[i+1].is("(") {
			g.library(toks[i+2 : min(closing(toks, i+1), len(toks))])
		}
		if t.is("id") && i+1 < len(toks) {
			g.plugin(toks[i:lineEnd(toks, i)])
		}
		if !t.is("{") {
			continue
		}
		end := closing(toks, i)
		inner := c
		body := toks[i+1 : min(end, len(toks))]
		switch opener := openerOf(toks, i); opener {
		case "dependencies":
			inner.deps = true
			if i > 2 && toks[i-2].is(".") { // commonTest.dependencies { … }
				inner.st = groupSet(toks[i-3].text, inner.st)
			}
			g.statements(body, inner, depth+1)
		case "buildscript", "pluginManagement":
			inner.st = weaker(c.st, fact.Development)
			g.block(body, inner, depth+1)
		case "dependencyManagement", "constraints", "imports":
			inner.st = weaker(c.st, fact.Central)
			g.block(body, inner, depth+1)
		default:
			inner.st = groupSet(opener, c.st)
			g.block(body, inner, depth+1)
		}
		if opener := openerOf(toks, i); opener == "imports" || opener == "dependencySet" {
			g.statements(body, gradleContext{deps: true, st: fact.Central}, depth+1)
		}
		i = end
	}
}

// groupSet is for sets of sources: commonTest { dependencies { … } }.
func groupSet(name string, st fact.Standing) fact.Standing {
	if strings.HasSuffix(name, "Test") {
		return weaker(st, fact.Development)
	}
	return st
}

// openerOf is the word before a brace, past brackets.
func openerOf(toks []token, i int) string {
	for j := i - 1; j >= 0 && i-j < 40; j-- {
		switch {
		case toks[j].is(")"):
			for j >= 0 && !toks[j].is("(") {
				j--
			}
		case toks[j].kind == word:
			if toks[j].is("getting") || toks[j].is("creating") || toks[j].is("by") {
				continue
			}
			return toks[j].text
		case toks[j].kind == lineBreak:
			return ""
		}
	}
	return ""
}

func lineEnd(toks []token, i int) int {
	depth := 0
	for ; i < len(toks); i++ {
		t := toks[i]
		switch {
		case t.kind == sign && (t.text == "(" || t.text == "[" || t.text == "{"):
			depth++
		case t.kind == sign && (t.text == ")" || t.text == "]" || t.text == "}"):
			if depth--; depth < 0 {
				return i
			}
		case t.kind == lineBreak && depth <= 0:
			// A comma at the end of the line says that it goes on.
			if !lastOf(toks, i).is(",") {
				return i
			}
		case t.is(";") && depth <= 0:
			return i
		}
	}
	return i
}

func lastOf(toks []token, i int) token {
	for j := i - 1; j >= 0; j-- {
		if toks[j].kind != remark && toks[j].kind != lineBreak {
			return toks[j]
		}
		if toks[j].kind == lineBreak {
			break
		}
	}
	return token{}
}

// statements reads the statements of a list of dependencies.
func (g *gradleReader) statements(toks []token, c gradleContext, depth int) {
	if depth > 40 {
		return
	}
	for i := 0; i < len(toks); i++ {
		t := toks[i]
		if t.kind == lineBreak || t.kind == remark || t.is(";") {
			continue
		}
		end := lineEnd(toks, i)
		if end == i {
			continue
		}
		g.statement(toks[i:end], c, depth)
		i = end
	}
}

var gradleConf = map[string]fact.Standing{
	"annotationProcessor": fact.Development, "kapt": fact.Development, "ksp": fact.Development,
	"classpath": fact.Development, "detektPlugins": fact.Development, "developmentOnly": fact.Development,
	"lintChecks": fact.Development, "errorprone": fact.Development, "checkstyle": fact.Development, "jacocoAgent": fact.Development,
	"mavenBom": fact.Central, "coreLibraryDesugaring": fact.Development, "ktlint": fact.Development,
}

// confStanding is the standing of what a configuration holds.
func confStanding(conf string, c fact.Standing) fact.Standing {
	st := c
	lower := strings.ToLower(conf)
	switch {
	case strings.HasPrefix(lower, "test") || strings.Contains(lower, "androidtest") || strings.Contains(conf, "Test"):
		st = weaker(st, fact.Development)
	case strings.HasPrefix(lower, "debug"):
		st = weaker(st, fact.Optional)
	}
	if s, ok := gradleConf[conf]; ok {
		st = weaker(st, s)
	}
	return st
}

// statement reads one dependency: a configuration and what it holds, or a block.
func (g *gradleReader) statement(toks []token, c gradleContext, depth int) {
	first := toks[0]
	if first.kind != word && first.kind != text || len(toks) < 2 {
		return
	}
	switch first.text {
	case "constraints", "components", "modules":
		g.inner(toks, gradleContext{deps: true, st: weaker(c.st, fact.Central)}, depth)
		return
	case "if", "else", "for", "project", "configurations", "all", "try":
		g.inner(toks, gradleContext{deps: true, st: weaker(c.st, fact.Optional)}, depth)
		return
	case "def", "val", "var", "println", "return":
		return
	case "exclude":
		g.exclude(toks)
		return
	case "dependency", "dependencySet":
		c.st = weaker(c.st, fact.Central)
	}
	conf := first.text
	if first.text == "add" && len(toks) > 2 && toks[1].is("(") {
		conf = toks[2].text
	}
	if !strings.Contains(" ( ", " "+toks[1].text+" ") && toks[1].kind == sign && toks[1].text != "(" && toks[1].text != "[" {
		return
	}
	g.arguments(toks[1:], gradleContext{deps: true, st: confStanding(conf, c.st)})
}

// inner reads the block of a statement.
func (g *gradleReader) inner(toks []token, c gradleContext, depth int) {
	for i, t := range toks {
		if t.is("{") {
			g.statements(toks[i+1:min(closing(toks, i), len(toks))], c, depth+1)
			return
		}
	}
}

// arguments reads what a configuration is given.
func (g *gradleReader) arguments(toks []token, c gradleContext) {
	st := c.st
	var group, name, version token
	for i := 0; i < len(toks); i++ {
		t := toks[i]
		next := func(n int) token {
			if i+n < len(toks) {
				return toks[i+n]
			}
			return token{}
		}
		switch {
		case t.is("{"):
			end := min(closing(toks, i), len(toks))
			g.closure(toks[i+1 : end])
			i = end
		case t.is("platform") || t.is("enforcedPlatform"):
			st = weaker(st, fact.Central)
		case (t.is("project") || t.is("files") || t.is("fileTree") || t.is("because") || t.is("npm")) && next(1).is("("):
			i = closing(toks, i+1)
		case t.is("kotlin") && next(1).is("(") && next(2).kind == text:
			g.pkg(maven, "org.jetbrains.kotlin:kotlin-"+next(2).text, "", t.line, st)
			i += 3
		case t.kind == word && (next(1).is(":") || next(1).is("=")) && next(2).kind != lineBreak:
			switch t.text {
			case "group":
				group = next(2)
			case "name":
				name = next(2)
			case "version":
				version = next(2)
			}
			i += 2
		case t.kind == text:
			g.coordinate(t, st)
		case t.kind == word && next(1).is("."):
			i = g.alias(toks, i, st)
		case t.kind == word && g.maps[t.text].text != "":
			g.coordinate(token{kind: text, line: t.line, text: g.maps[t.text].text}, st)
		}
	}
	if group.text != "" && name.text != "" {
		v := ""
		if version.kind == text {
			v = version.text
		} else if version.text != "" {
			v = g.fill("$" + version.text)
		}
		g.pkg(maven, g.fill(group.text)+":"+g.fill(name.text), g.fill(v), name.line, st)
	}
}

// coordinate takes a string if it names a package.
func (g *gradleReader) coordinate(t token, st fact.Standing) {
	if t.kind != text || strings.Count(t.text, ":") < 1 || len(t.text) > 300 {
		return
	}
	group, rest, _ := strings.Cut(g.fill(t.text), ":")
	name, version, _ := strings.Cut(rest, ":")
	if !coordinate.MatchString(group+":"+strings.TrimRight(name, string(blank))) && !strings.ContainsRune(name, blank) {
		return
	}
	version, _, _ = strings.Cut(version, ":")
	version, _, _ = strings.Cut(version, "@")
	if at := strings.IndexByte(name, '@'); at > 0 {
		name = name[:at]
	}
	g.pkg(maven, group+":"+name, version, t.line, st)
}

// alias takes a name that another file, or another place of this one, explains.
func (g *gradleReader) alias(toks []token, i int, st fact.Standing) int {
	parts := []string{toks[i].text}
	j := i
	for j+2 < len(toks) && toks[j+1].is(".") && toks[j+2].kind == word {
		j += 2
		parts = append(parts, toks[j].text)
	}
	if j+1 < len(toks) && toks[j+1].is("(") { // a call: get(), asProvider()
		parts = parts[:len(parts)-1]
	}
	if len(parts) < 2 {
		return j
	}
	last := parts[len(parts)-1]
	if known, ok := g.maps[last]; ok {
		g.coordinate(token{kind: text, line: toks[i].line, text: known.text}, st)
		return j
	}
	switch parts[0] {
	case "project", "projects", "rootProject", "Versions":
		return j
	}
	if st == fact.Direct {
		st = fact.Templated
	}
	g.add(fact.Fact{Group: maven, Name: strings.Join(parts[1:], "."), Line: toks[i].line, Standing: st,
		Attrs: map[string]string{attrAlias: strings.Join(parts, ".")}})
	return j
}

// closure reads what stands in braces behind a dependency: exclusions.
func (g *gradleReader) closure(toks []token) {
	for i := range toks {
		if toks[i].is("exclude") {
			g.exclude(toks[i:lineEnd(toks, i)])
		}
	}
}

// exclude reads exclude group: 'g', module: 'm'.
func (g *gradleReader) exclude(toks []token) {
	var group, module string
	line := toks[0].line
	for i := 0; i+2 < len(toks); i++ {
		if (toks[i+1].is(":") || toks[i+1].is("=")) && toks[i+2].kind == text {
			switch toks[i].text {
			case "group":
				group = toks[i+2].text
			case "module":
				module = toks[i+2].text
			}
		}
	}
	if group != "" && module != "" {
		g.pkg(maven, group+":"+module, "", line, fact.Excluded)
	}
}

// library reads library("alias", "group:artifact:version") of a catalog that
// settings make.
func (g *gradleReader) library(args []token) {
	strs := stringsOf(args)
	if len(strs) < 2 {
		return
	}
	at, version := strs[1], ""
	id := g.fill(at.text)
	if len(strs) > 2 {
		id += ":" + g.fill(strs[2].text)
	} else if parts := strings.Split(id, ":"); len(parts) > 2 {
		id, version = parts[0]+":"+parts[1], parts[2]
	}
	g.add(fact.Fact{Group: maven, Name: id, Version: version, Line: at.line, Standing: fact.Central,
		Attrs: map[string]string{attrExplain: "libs." + dotted(strs[0].text)}})
}

// plugin reads id("org.name") version "1".
func (g *gradleReader) plugin(toks []token) {
	strs := stringsOf(toks)
	if len(strs) == 0 || !strings.Contains(strs[0].text, ".") || !coordinate.MatchString("a:"+strs[0].text) {
		return
	}
	version := ""
	for i := 0; i+1 < len(toks); i++ {
		if toks[i].is("version") && toks[i+1].kind == text {
			version = toks[i+1].text
		} else if toks[i].is("version") && i+2 < len(toks) && toks[i+2].kind == text {
			version = toks[i+2].text
		}
	}
	g.pkg(maven, strs[0].text+":"+strs[0].text+".gradle.plugin", g.fill(version), strs[0].line, fact.Development)
}
