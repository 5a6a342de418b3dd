package source

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// dotted returns the name at i whose parts are joined by sep, and where it ends.
func (t *text) dotted(i int, sep string) (string, int) {
	var b strings.Builder
	for t.is(i, word) {
		b.WriteString(t.at(i))
		i++
		n := 0
		for n < len(sep) && t.at(i+n) == sep[n:n+1] && t.tokens[i+n].end == t.tokens[i].start+n+1 {
			n++
		}
		if n < len(sep) || !t.is(i+n, word) {
			break
		}
		b.WriteString(sep)
		i += n
	}
	return b.String(), i
}

// importsDotted reads languages whose imports are a keyword and a name with
// dots in it, at the beginning of a statement.
func importsDotted(keywords ...string) func(*text) {
	return func(t *text) {
		for i := range t.tokens {
			if !t.is(i, word) || !t.first(i) || !oneOf(t.at(i), keywords) {
				continue
			}
			j := i + 1
			for oneOf(t.at(j), []string{"static", "qualified", "public", "func", "struct", "class"}) {
				j++
			}
			if t.at(j+1) == "=" { // using X = A.B
				j += 2
			}
			for {
				name, end := t.dotted(j, ".")
				if name == "" || t.tokens[j].line != t.tokens[i].line {
					break
				}
				t.imported(name, t.tokens[i].line, fact.Direct)
				if t.at(end) == "." && t.at(end+1) == "{" { // A.{B, C}
					t.braced(end+2, name)
				}
				if t.at(end) != "," {
					break
				}
				j = end + 1
			}
		}
	}
}

// braced adds the names of A.{B, C}.
func (t *text) braced(i int, prefix string) {
	for n := 0; n < 50 && t.is(i, word); n++ {
		name, end := t.dotted(i, ".")
		t.imported(prefix+"."+name, t.tokens[i].line, fact.Direct)
		if t.at(end) != "," {
			return
		}
		i = end + 1
	}
}

func oneOf(s string, of []string) bool {
	for _, o := range of {
		if s == o {
			return true
		}
	}
	return false
}

func importsGo(t *text) {
	block := false
	for i := range t.tokens {
		switch {
		case t.is(i, word) && t.at(i) == "import" && t.first(i):
			block = t.at(i+1) == "("
		case t.is(i, word) && t.first(i) && oneOf(t.at(i), []string{"func", "type", "var", "const"}):
			return
		case block && t.at(i) == ")":
			block = false
		case t.is(i, str) && (block || t.at(i-1) == "import" || t.at(i-2) == "import"):
			t.imported(t.at(i), t.tokens[i].line, fact.Direct)
		}
	}
}

// importsScript reads import, export … from, require and import(), also of a
// type only, which is gone when the program runs.
func importsScript(t *text) {
	for i := range t.tokens {
		if !t.is(i, str) || t.tokens[i].end-t.tokens[i].start > 300 {
			continue
		}
		before := t.at(i - 1)
		switch {
		case t.is(i-1, word) && before == "from" && t.tokens[i-1].line == t.tokens[i].line, t.is(i-1, word) && before == "import":
			t.imported(t.at(i), t.tokens[i].line, t.typeOnly(i-1))
		case before == "(" && (t.at(i-2) == "require" || t.at(i-2) == "import" || t.at(i-2) == "resolve" && t.at(i-4) == "require"):
			t.imported(t.at(i), t.tokens[i].line, t.mocked(i-2))
		}
	}
}

// typeOnly looks back from the word before a specifier to the import that it
// belongs to.
func (t *text) typeOnly(i int) fact.Standing {
	for n := 0; n < 400 && i >= 0; n, i = n+1, i-1 {
		if t.is(i, word) && (t.at(i) == "import" || t.at(i) == "export") {
			if t.at(i+1) == "type" && t.at(i+2) != "from" && t.at(i+2) != "," {
				return fact.Optional
			}
			return fact.Direct
		}
	}
	return fact.Direct
}

// mocked: typeof import('x') is a type too.
func (t *text) mocked(i int) fact.Standing {
	if t.at(i-1) == "typeof" || t.at(i) == "import" && t.at(i-1) == ":" {
		return fact.Optional
	}
	return fact.Direct
}

func importsRuby(t *text) {
	for i := range t.tokens {
		switch {
		case t.is(i, str) && (t.at(i-1) == "require" || t.at(i-1) == "(" && t.at(i-2) == "require"):
			t.imported(t.at(i), t.tokens[i].line, fact.Direct)
		case t.is(i, word) && t.at(i-1) != ":" && isUpper(t.at(i)) && t.at(i+1) == ":" && t.at(i+2) == ":":
			if t.at(i-1) == "module" || t.at(i-1) == "class" {
				continue // its own
			}
			name, _ := t.dotted(i, "::")
			t.imported(name, t.tokens[i].line, fact.Direct)
		}
	}
}

func isUpper(s string) bool { return s != "" && s[0] >= 'A' && s[0] <= 'Z' }

func importsRust(t *text) {
	t.own = map[string]bool{} // modules of the file itself
	for i := range t.tokens {
		if t.at(i) == "mod" && t.is(i+1, word) {
			t.own[t.at(i+1)] = true
		}
	}
	for i := range t.tokens {
		if !t.is(i, word) {
			continue
		}
		switch {
		case t.at(i) == "crate" && t.at(i-1) == "extern":
			t.imported(t.at(i+1), t.tokens[i].line, fact.Direct)
		case t.at(i) == "use" && t.first(i), t.at(i) == "use" && t.at(i-1) == "pub":
			name, _ := t.dotted(i+1, "::")
			t.rustPath(name, i)
		case t.at(i+1) == ":" && t.at(i+2) == ":" && t.at(i-1) != ":" && t.at(i-1) != "use":
			name, _ := t.dotted(i, "::")
			t.rustPath(name, i)
		}
	}
}

func (t *text) rustPath(name string, i int) {
	first, _, _ := strings.Cut(name, "::")
	if t.own[first] || oneOf(first, []string{"crate", "self", "super", "std", "core", "alloc", "Self"}) || isUpper(first) {
		return
	}
	t.imported(name, t.tokens[i].line, fact.Direct)
}

func importsPHP(t *text) {
	for i := range t.tokens {
		if !t.is(i, word) {
			continue
		}
		use := t.at(i) == "use" && t.first(i)
		j := i
		if use {
			if j++; t.at(j) == "function" || t.at(j) == "const" {
				j++
			}
		}
		if t.at(j) == `\` {
			j++
		}
		if !use && (t.at(i-1) != `\` && t.at(i-1) != "new" && t.at(i+1) != ":" && t.at(i+1) != `\` || !isUpper(t.at(i))) {
			continue
		}
		if !use && t.at(i-1) == `\` && t.is(i-2, word) && t.tokens[i-2].end == t.tokens[i-1].start || t.at(i-1) == "namespace" {
			continue // within a name
		}
		name, _ := t.dotted(j, `\`)
		t.imported(name, t.tokens[i].line, fact.Direct)
	}
}

func importsDart(t *text) {
	for i := range t.tokens {
		if t.is(i, str) && (t.at(i-1) == "import" || t.at(i-1) == "export") {
			if rest, ok := strings.CutPrefix(t.at(i), "package:"); ok {
				t.imported(rest, t.tokens[i].line, fact.Direct)
			}
		}
	}
}

func importsR(t *text) {
	for i := range t.tokens {
		if !t.is(i, word) {
			continue
		}
		switch {
		case oneOf(t.at(i), []string{"library", "require", "requireNamespace", "loadNamespace"}) && t.at(i+1) == "(":
			name, _ := t.dotted(i+2, ".")
			if t.is(i+2, str) {
				name = t.at(i + 2)
			}
			t.imported(name, t.tokens[i].line, fact.Direct)
		case t.at(i+1) == ":" && t.at(i+2) == ":" && t.at(i-1) != ":":
			t.imported(t.at(i), t.tokens[i].line, fact.Direct)
		}
	}
}

func importsC(t *text) {
	for i := range t.tokens {
		if t.at(i) != "include" && t.at(i) != "import" || t.at(i-1) != "#" && t.at(i-1) != "@" {
			continue
		}
		switch {
		case t.is(i+1, str):
			t.imported(t.at(i+1), t.tokens[i].line, fact.Direct)
		case t.at(i+1) == "<":
			end := i + 2
			for end < len(t.tokens) && t.at(end) != ">" && t.tokens[end].line == t.tokens[i].line {
				end++
			}
			if end > i+2 {
				t.imported(string(t.b[t.tokens[i+2].start:t.tokens[end-1].end]), t.tokens[i].line, fact.Direct)
			}
		case t.is(i+1, word):
			t.imported(t.at(i+1), t.tokens[i].line, fact.Direct)
		}
	}
}

func importsLua(t *text) {
	for i := range t.tokens {
		if t.is(i, str) && (t.at(i-1) == "require" || t.at(i-1) == "(" && t.at(i-2) == "require") {
			t.imported(t.at(i), t.tokens[i].line, fact.Direct)
		}
	}
}

func importsPerl(t *text) {
	for i := range t.tokens {
		if t.is(i, word) && (t.at(i) == "use" || t.at(i) == "require") && t.first(i) {
			name, _ := t.dotted(i+1, "::")
			t.imported(name, t.tokens[i].line, fact.Direct)
		}
	}
}

func importsClojure(t *text) {
	for i := range t.tokens {
		if t.is(i, word) && (t.at(i-1) == "[" || t.at(i-1) == "(" || t.at(i-1) == "import") {
			if name, _ := t.dotted(i, "."); strings.Contains(name, ".") {
				t.imported(name, t.tokens[i].line, fact.Direct)
			}
		}
	}
}
