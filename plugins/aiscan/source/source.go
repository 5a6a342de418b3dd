package source

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// Hints are what a reader is told of what is looked for.
type Hints struct {
	// Calls are texts that show a use. One that is a name has to stand in code
	// as a whole; any other may stand in a string.
	Calls []string
	// Present returns those of Calls that are in a text: looking for each of them
	// costs more. Nil looks for each.
	Present func(text []byte) []string
	// Known says whether anything is known by a fact of this name. It saves the
	// work of finding out what an unknown name is there for. Nil takes all.
	Known func(class fact.Class, name string) bool
}

func (h Hints) known(c fact.Class, name string) bool { return h.Known == nil || h.Known(c, name) }

// Attributes of facts.
const (
	// Address is put on a Host that a client is told to ask instead of its
	// vendor's, and on a Client: the host, or Unknown if it is filled in later.
	Address = "address"
	// Client is put on a Call that makes a client of the protocol that several
	// vendors speak: the name of what was called.
	Client = "client"
	// REST is the Client of an address of the protocol itself, asked without any
	// client.
	REST = "rest"
	// Table is put on a Host, an Env or a Call that stands in a table by its name
	// alone, so that nothing there asks or reads it: as a Key or as an Element.
	Table   = "table"
	Key     = "key"
	Element = "element"
	// Named is a Table that is no use even alone: it only counts with the others.
	Named = "named"
	// Unknown is an Address that the text does not show.
	Unknown = "unknown"
	// Elsewhere is the Address of a client that by its own name asks somebody
	// else than the vendor whose package it comes with.
	Elsewhere = "elsewhere"
)

// maxFacts bounds what one file can say.
const maxFacts = 20000

// Read returns the facts of a text in its order. It never fails: what is not
// understood says nothing.
func (l *Language) Read(b []byte, hints Hints) []fact.Fact {
	t := &text{lang: l, b: b, hints: hints, out: &collector{group: l.Name, seen: map[key]bool{}}}
	if l.settings {
		t.settingsText()
		return t.out.done()
	}
	t.lex()
	if l.imports != nil {
		l.imports(t)
	}
	t.strings()
	t.names()
	t.calls(t.wanted())
	t.clients()
	return t.out.done()
}

// collector gathers facts, each once.
type collector struct {
	group string
	facts []fact.Fact
	seen  map[key]bool
}

type key struct {
	table    string
	class    fact.Class
	name     string
	line     int
	standing fact.Standing
}

func (o *collector) add(f fact.Fact) {
	k := key{f.Attrs[Table], f.Class, f.Name, f.Line, f.Standing}
	if len(o.facts) >= maxFacts || o.seen[k] && (f.Attrs == nil || k.table != "") || f.Name == "" {
		return
	}
	o.seen[k] = true
	o.facts = append(o.facts, f)
}

func (o *collector) done() []fact.Fact {
	slices.SortStableFunc(o.facts, func(a, b fact.Fact) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Name, b.Name))
	})
	return o.facts
}

func (t *text) imported(name string, line int, s fact.Standing) {
	if len(name) > 300 {
		return
	}
	t.out.add(fact.Fact{Class: fact.Import, Group: t.lang.Name, Name: name, Line: line, Standing: s})
}

// wanted are the texts to be looked for. In a language without case all are.
func (t *text) wanted() []string {
	if t.hints.Present == nil || t.lang == sql {
		return t.hints.Calls
	}
	return t.hints.Present(t.plain)
}

// Unclosed returns what opens the comment or the string that a text ends in, so
// that it can stand before what follows; empty if it ends in none.
func (l *Language) Unclosed(b []byte) string {
	t := &text{lang: l, b: b, out: &collector{group: l.Name, seen: map[key]bool{}}}
	if l.settings {
		t.lexSettings()
	} else {
		t.lex()
	}
	return t.unclosed
}

// calls finds the texts that show a use.
func (t *text) calls(texts []string) {
	code := t.codeOnly()
	if t.lang == sql { // without regard to case
		code = bytes.ToLower(code)
	}
	for _, want := range texts {
		in := t.plain
		name, told := isName(want), want
		if t.lang == sql {
			want = strings.ToLower(want)
		}
		if name {
			in = code
		}
		n := 0
		for from := 0; ; {
			at := bytes.Index(in[from:], []byte(want))
			if at < 0 {
				break
			}
			at += from
			from = at + len(want)
			if name && (at > 0 && wordByte(in[at-1]) && wordByte(want[0]) || from < len(in) && wordByte(in[from]) && wordByte(want[len(want)-1])) {
				continue
			}
			if !name && managed(want, in[from:]) {
				continue
			}
			f := fact.Fact{Class: fact.Call, Group: t.lang.Name, Name: told, Line: t.lineAt(at)}
			if i := t.stringAt(at); !name && i >= 0 {
				f.Attrs = tableAttrs(t.tabled(i))
			}
			t.out.add(f)
			if n++; n == maxCalls {
				break
			}
		}
	}
}

// maxCalls is how often one text is noted in a file.
const maxCalls = 20

// managed reports whether the name of a cloud's service ends where the text that
// begins it does: client("bedrock") administers models, client("bedrock-runtime")
// asks them.
func managed(want string, after []byte) bool {
	if !strings.HasSuffix(want, "bedrock") && !strings.HasSuffix(want, "sagemaker") {
		return false // of other services one client does both
	}
	at := strings.LastIndexAny(want, "'\"")
	return at >= 0 && at < len(want)-1 && len(after) > 0 && after[0] == want[at]
}

// codeOnly is the text with comments and strings as spaces.
func (t *text) codeOnly() []byte {
	code := bytes.Clone(t.plain)
	for _, tok := range t.tokens {
		if tok.kind == str {
			for i := tok.start; i < tok.end; i++ {
				if code[i] != '\n' {
					code[i] = ' '
				}
			}
		}
	}
	return code
}

func (t *text) lineAt(at int) int { return 1 + bytes.Count(t.b[:at], []byte("\n")) }

func isName(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 0x7f || !wordByte(byte(r)) && r != '.' }) < 0
}

func wordByte(c byte) bool { return isLetter(c) || c >= '0' && c <= '9' || c == '_' || c == '$' }
