package source

import (
	"bytes"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// tabled says how a string stands in a table that is written out: Key, Element,
// or not at all. What is given to a function stands in none, unless the
// function makes a table.
func (t *text) tabled(i int) string {
	next := t.at(i + 1)
	if (next == ":" && t.at(i-1) != "?" && t.at(i-1) != "case") || next == "=" && t.at(i+2) == ">" {
		return Key
	}
	j := i - 1
	for j >= 0 && t.is(j, word) && t.tokens[j].end == t.tokens[i].start-1 { // r"…", b"…"
		j--
	}
	if p := t.at(j); p == "" || !strings.Contains("[{(,:>", p) || t.is(j, str) || !strings.Contains(",]})", next) && t.is(i+1, punct) {
		return ""
	}
	open := t.opening(i)
	if open < 0 || t.at(open) == "(" && t.is(open-1, word) && !makesTable(t.at(open-1)) {
		return ""
	}
	return Element
}

// maxBack is how far back the beginning of a table is looked for.
const maxBack = 800

// opening finds the bracket that a token stands in, -1 if it is far away.
func (t *text) opening(i int) int {
	depth := t.tokens[i].depth
	for j := i - 1; j >= 0 && j > i-maxBack; j-- {
		if t.tokens[j].depth < depth {
			return j
		}
	}
	return -1
}

// makesTable reports whether a function of this name makes a list, a set or a
// table of what it is given.
func makesTable(name string) bool {
	return oneOf(name, []string{"of", "ofEntries", "entry", "asList", "listOf", "setOf", "mapOf", "arrayOf", "hashMapOf", "hashSetOf", "mutableListOf", "mutableSetOf", "mutableMapOf",
		"frozenset", "set", "tuple", "list", "dict", "Set", "Map", "Seq", "List", "Array", "array", "vec", "c", "put", "qw"})
}

// environment reports whether a key stands in a table of that name: what is
// set there is read by somebody.
func (t *text) environment(i int) bool {
	open := t.opening(i)
	for j := open - 1; open > 0 && j >= 0 && j > open-4; j-- {
		if t.is(j, word) || t.is(j, str) {
			n := strings.ToLower(t.at(j))
			return n == "env" || n == "envs" || n == "environ" || n == "environment" || n == "env_vars" || strings.HasSuffix(n, "environmentvariables")
		}
	}
	return false
}

// tableAttrs are those of a fact that stands in a table, nil if it does not.
func tableAttrs(how string) map[string]string {
	if how == "" {
		return nil
	}
	return map[string]string{Table: how}
}

// host keeps a host that stands without a scheme, as the whole of a string.
func (t *text) host(i int, h string) {
	how := t.tabled(i)
	standing := t.hostStanding(i, nil)
	if how == Key {
		standing = fact.Direct
	}
	t.out.add(fact.Fact{Class: fact.Host, Group: t.lang.Name, Name: h, Line: t.tokens[i].line, Standing: standing, Attrs: tableAttrs(how)})
}

// stringAt finds the string that an offset lies in, -1 if it is in none.
func (t *text) stringAt(at int) int {
	i, _ := slices.BinarySearchFunc(t.tokens, at, func(tok token, at int) int {
		switch {
		case tok.end <= at:
			return -1
		case tok.start > at:
			return 1
		}
		return 0
	})
	if i < len(t.tokens) && t.is(i, str) && t.tokens[i].start <= at {
		return i
	}
	return -1
}

// markPatterns finds strings that are regular expressions: they say what is
// looked for, and ask nobody.
func (t *text) markPatterns() {
	for i := range t.tokens {
		tok := &t.tokens[i]
		if tok.kind != str || tok.prose || tok.end == tok.start {
			continue
		}
		if t.matches(i) || expression(t.b[tok.start:tok.end]) {
			tok.prose = true
			t.blank(tok.start, tok.end)
		}
	}
}

// matches reports whether a string is given to what makes or asks a regular
// expression.
func (t *text) matches(i int) bool {
	j := i - 1
	if t.is(j, word) && t.tokens[j].end-t.tokens[j].start <= 2 { // r"…"
		j--
	}
	if t.at(j) != "(" || !t.is(j-1, word) {
		return false
	}
	name, of := t.at(j-1), ""
	if t.at(j-2) == "." || t.at(j-2) == ":" {
		if of = t.at(j - 3); of == ":" {
			of = t.at(j - 4)
		}
	}
	switch name {
	case "MustCompile", "MustCompilePOSIX", "RegExp", "Regex", "NSRegularExpression", "preg_match", "preg_match_all", "preg_replace", "grepl", "gsub", "regexpr":
		return true
	case "compile", "match", "search", "fullmatch", "findall", "finditer", "sub", "Compile", "MatchString", "new", "IsMatch", "Match", "Matches", "matches", "quote":
		return oneOf(of, []string{"re", "regex", "regexp", "Regex", "Regexp", "RegExp", "Pattern", "RegexBuilder", "RegexSet"})
	}
	return false
}

// expression reports whether a short text has what only regular expressions
// have.
func expression(s []byte) bool {
	if len(s) > 400 || bytes.IndexByte(s, '\\') < 0 && bytes.IndexByte(s, '(') < 0 && bytes.IndexByte(s, '[') < 0 {
		return false
	}
	for _, sign := range []string{`\.`, `(?:`, `(?i`, `(?P<`, `(?=`, `(?!`, `[a-z`, `[A-Z`, `[0-9`, `\w+`, `\d+`, `\s+`, `\s*`, `[^"`, `[^'`} {
		if bytes.Contains(s, []byte(sign)) {
			return true
		}
	}
	return false
}

// named notes what a list on one line names, without taking it for use.
func (t *text) named(list []byte, line int) {
	n := 0
	for part := range bytes.SplitSeq(list, []byte(",")) {
		if n++; n > 200 {
			return
		}
		part = bytes.Trim(part, "\"' \t")
		class, name := fact.Env, string(part)
		if !envName(part) {
			if class, name = fact.Host, hostAt(part); !bareHost(name) || len(name) != len(part) {
				continue
			}
		}
		t.out.add(fact.Fact{Class: class, Group: t.lang.Name, Name: name, Line: line, Attrs: tableAttrs(Named)})
	}
}
