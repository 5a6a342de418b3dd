package manifest

import (
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// setupLists are the arguments of setup() that hold requirements.
var setupLists = map[string]fact.Standing{
	"install_requires": fact.Direct,
	"setup_requires":   fact.Development,
	"tests_require":    fact.Development,
	"extras_require":   fact.Optional,
}

// setupPy reads setup.py without running it: lists of strings, directly or by
// the name of a list of the same file.
func setupPy(f *file) {
	toks := f.tokens(pythonSyntax)
	s := &setupReader{file: f, toks: toks, lists: map[string][]span{}}
	for i := 0; i+2 < len(toks); i++ {
		if toks[i].kind == word && toks[i+1].is("=") && (toks[i+2].is("[") || toks[i+2].is("{")) {
			s.lists[toks[i].text] = append(s.lists[toks[i].text], span{i + 2, closing(toks, i+2)})
		}
		if i+3 < len(toks) && toks[i].kind == word && toks[i+1].is("+") && toks[i+2].is("=") && toks[i+3].is("[") {
			s.lists[toks[i].text] = append(s.lists[toks[i].text], span{i + 3, closing(toks, i+3)})
		}
	}
	for i := 0; i+2 < len(toks); i++ {
		st, ok := setupLists[toks[i].text]
		if !ok || toks[i].kind != word && toks[i].kind != text || !toks[i+1].is("=") && !toks[i+1].is(":") {
			continue
		}
		s.value(i+2, st)
	}
}

type setupReader struct {
	*file
	toks  []token
	lists map[string][]span
}

// value reads what is given for an argument, up to the comma after it.
func (s *setupReader) value(i int, st fact.Standing) {
	for ; i < len(s.toks); i++ {
		t := s.toks[i]
		switch {
		case t.is("[") || t.is("{"):
			end := closing(s.toks, i)
			s.list(i, end, st)
			i = end
		case t.is("("):
			i = closing(s.toks, i)
		case t.kind == word:
			for _, sp := range s.lists[t.text] {
				s.list(sp.from, min(sp.to, len(s.toks)), st)
			}
			delete(s.lists, t.text)
		case t.is("+") || t.kind == lineBreak || t.kind == remark || t.is("*"):
		default:
			return
		}
	}
}

// list reads the strings between brackets; those before a colon are names of extras.
func (s *setupReader) list(from, to int, st fact.Standing) {
	cur := st
	for i := from; i < to; i++ {
		t := s.toks[i]
		switch {
		case t.kind == text && i+1 < len(s.toks) && s.toks[i+1].is(":"):
			cur = groupStanding(t.text, st)
			if strings.Contains(t.text, ":") { // a condition in the name of an extra
				cur = fact.Optional
			}
		case t.kind == text && !strings.Contains(t.text, "\n"):
			s.require(strings.ReplaceAll(t.text, "{", string(blank)+"{"), t.line, cur)
		case t.kind == word && i+1 < to && s.toks[i-1].is(":"):
			for _, sp := range s.lists[t.text] {
				s.list(sp.from, min(sp.to, from), cur)
			}
		case t.kind == remark:
			inner, _ := lex([]byte(t.text), pythonSyntax, t.line)
			for _, c := range stringsOf(inner) {
				s.require(c.text, c.line, fact.Commented)
			}
		}
	}
}

// setupCfg reads setup.cfg: lists that go on in indented lines.
func setupCfg(f *file) {
	section, key := "", ""
	f.lines(func(n int, line string) {
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || trimmed[0] == ';':
			return
		case trimmed[0] == '[' && line[0] == '[':
			section, key = strings.Trim(trimmed, "[]"), ""
			return
		case line[0] != ' ' && line[0] != '\t' && line[0] != '#':
			name, value, ok := strings.Cut(line, "=")
			if !ok {
				key = ""
				return
			}
			key, trimmed = strings.TrimSpace(name), strings.TrimSpace(value)
		}
		st, ok := cfgStanding(section, key)
		if !ok {
			return
		}
		if rest, off := strings.CutPrefix(trimmed, "#"); off {
			trimmed, st = rest, fact.Commented
		}
		if i := strings.Index(trimmed, " #"); i >= 0 {
			trimmed = trimmed[:i]
		}
		if !strings.HasPrefix(strings.TrimSpace(trimmed), "file:") {
			f.require(trimmed, n, st)
		}
	})
}

func cfgStanding(section, key string) (fact.Standing, bool) {
	switch section {
	case "options":
		st, ok := setupLists[strings.ReplaceAll(key, "-", "_")]
		return st, ok
	case "options.extras_require":
		return groupStanding(key, fact.Optional), key != ""
	}
	return "", false
}
