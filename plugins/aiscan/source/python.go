package source

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// importsPython reads import, from … import and importlib. What stands under
// TYPE_CHECKING or is tried in case it is there is optional.
func importsPython(t *text) {
	var tries []branch
	for i := range t.tokens {
		if !t.is(i, word) || t.tokens[i].depth > 0 {
			if t.is(i, str) {
				t.byName(i)
			}
			continue
		}
		tok := t.tokens[i]
		if t.first(i) || t.at(i-1) == ":" {
			for len(tries) > 0 && tok.col <= tries[len(tries)-1].col && tok.line > tries[len(tries)-1].line {
				tries = tries[:len(tries)-1]
			}
		}
		if !t.first(i) && t.at(i-1) != ":" {
			continue
		}
		standing := fact.Direct
		if len(tries) > 0 {
			standing = fact.Optional
		}
		switch t.at(i) {
		case "try":
			if t.missing(i) {
				tries = append(tries, branch{tok.col, tok.line})
			}
		case "if":
			if t.at(i+1) == "TYPE_CHECKING" || t.at(i+3) == "TYPE_CHECKING" {
				tries = append(tries, branch{tok.col, tok.line})
			}
		case "import":
			t.pythonImport(i, standing)
		case "from":
			t.pythonFrom(i, standing)
		}
	}
}

// branch is where a block begins whose imports are optional.
type branch struct{ col, line int }

// missing reports whether a try is followed, at its own column, by an except
// for a module that is not there.
func (t *text) missing(i int) bool {
	for j := i + 1; j < len(t.tokens) && j < i+3000; j++ {
		tok := t.tokens[j]
		if !t.is(j, word) || !t.first(j) || tok.col > t.tokens[i].col {
			continue
		}
		if t.at(j) != "except" {
			return false
		}
		for k := j + 1; k < len(t.tokens) && t.tokens[k].line == tok.line; k++ {
			if t.at(k) == "ImportError" || t.at(k) == "ModuleNotFoundError" {
				return true
			}
		}
	}
	return false
}

func (t *text) pythonImport(i int, s fact.Standing) {
	for j := i + 1; ; {
		name, end := t.dotted(j, ".")
		if name == "" || t.tokens[j].line != t.tokens[i].line && t.at(j-1) != "," {
			return
		}
		t.imported(name, t.tokens[i].line, s)
		if t.at(end) == "as" {
			end += 2
		}
		if t.at(end) != "," {
			return
		}
		j = end + 1
	}
}

// pythonFrom gives each name its whole path, for from google import genai is
// google.genai.
func (t *text) pythonFrom(i int, s fact.Standing) {
	module, j := t.dotted(i+1, ".")
	if module == "" || t.at(j) != "import" {
		return
	}
	if j++; t.at(j) == "(" {
		j++
	}
	any := false
	for n := 0; n < 100 && t.is(j, word); n++ {
		t.imported(module+"."+t.at(j), t.tokens[i].line, s)
		any = true
		if j++; t.at(j) == "as" {
			j += 2
		}
		if t.at(j) != "," {
			break
		}
		j++
	}
	if !any {
		t.imported(module, t.tokens[i].line, s)
	}
}

// byName reads importlib.import_module("x") and __import__("x").
func (t *text) byName(i int) {
	if t.at(i-1) == "(" && oneOf(t.at(i-2), []string{"import_module", "__import__", "importorskip", "lazy_import", "LazyLoader"}) && !strings.HasPrefix(t.at(i), ".") {
		t.imported(t.at(i), t.tokens[i].line, fact.Direct)
	}
}
