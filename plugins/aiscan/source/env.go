package source

import (
	"bytes"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// names reads variables by the names that stand in code: process.env.NAME,
// settings.NAME, $NAME, NAME = …
func (t *text) names() {
	for i, tok := range t.tokens {
		if tok.kind != word {
			continue
		}
		b := t.b[tok.start:tok.end]
		if b = bytes.TrimLeft(b, "$"); envName(b) && t.hints.known(fact.Env, string(b)) && !t.deniedAt(i) {
			t.env(string(b), tok.line)
		}
	}
}

func (t *text) env(name string, line int) {
	t.out.add(fact.Fact{Class: fact.Env, Group: t.lang.Name, Name: name, Line: line})
}

// envIn reads variables that a string names: as a whole where something is
// read by name, or in the form of the shell within it.
func (t *text) envIn(i int, s []byte) {
	if envName(s) {
		if t.hints.known(fact.Env, string(s)) && t.readsName(i) {
			f := fact.Fact{Class: fact.Env, Group: t.lang.Name, Name: string(s), Line: t.tokens[i].line}
			if how := t.tabled(i); how == Element || how == Key && !t.is(i+2, word) && !t.environment(i) {
				f.Attrs = tableAttrs(how)
			}
			t.out.add(f)
		}
		return
	}
	t.filledIn(s, t.tokens[i].line)
}

// filledIn reads the variables that are put into a text: $X, ${X},
// ${process.env.X}, #{ENV['X']}.
func (t *text) filledIn(s []byte, line int) {
	if at := bytes.Index(s, []byte("env(")); at >= 0 { // %env(X)%, env(X)
		rest := bytes.TrimLeft(s[at+4:], "'\"")
		if n := wordLen(rest); n > 0 && envName(rest[:n]) {
			t.env(string(rest[:n]), line+bytes.Count(s[:at], []byte("\n")))
		}
	}
	for from := 0; from < len(s); {
		at := bytes.IndexAny(s[from:], "$#")
		if at < 0 {
			return
		}
		at += from + 1
		from = at
		end := at + wordLen(s[at:])
		if hasPrefix(s[at:], "{") {
			at++
			n := bytes.IndexByte(s[at:min(len(s), at+200)], '}')
			if n < 0 {
				continue
			}
			end = at + n
		}
		for at < end {
			n := wordLen(s[at:end])
			if n > 0 && envName(s[at:at+n]) {
				t.env(string(s[at:at+n]), line+bytes.Count(s[:at], []byte("\n")))
			}
			at += max(n, 1)
		}
	}
}

// envName reports whether a text is written like the name of a variable: in
// capitals, of at least two words.
func envName(b []byte) bool {
	if len(b) < 5 || len(b) > 100 || b[0] == '_' || b[0] >= '0' && b[0] <= '9' {
		return false
	}
	split := false
	for _, c := range b {
		switch {
		case c == '_':
			split = true
		case c >= 'A' && c <= 'Z' || c >= '0' && c <= '9':
		default:
			return false
		}
	}
	return split
}

// readsName reports whether a string is given to something that reads a
// variable: getenv("X"), ENV["X"], config("X"), env: { name: "X" }.
func (t *text) readsName(i int) bool {
	if t.deniedAt(i) {
		return false
	}
	if next := t.at(i + 1); next == ":" || next == "=" || t.at(i-1) == "[" && next == "]" && t.is(i-2, word) {
		return true // a variable that is set, or read by its name
	}
	for n, j := 0, i-1; j >= 0 && n < 10; n, j = n+1, j-1 {
		if t.is(j, word) && readsByName(t.at(j)) {
			return true
		}
		if t.is(j, str) && n > 1 || t.at(j) == ";" || t.tokens[j].line < t.tokens[i].line-2 {
			return false
		}
	}
	return false
}

func readsByName(w string) bool {
	n := strings.ToLower(w)
	for _, part := range []string{"env", "config", "secret", "setting", "param", "vault", "getkey", "apikey", "api_key", "credential", "require", "property", "option", "lookup", "fetch", "value", "token"} {
		if strings.Contains(n, part) {
			return true
		}
	}
	return n == "var" || n == "name" || n == "key" || n == "get"
}
