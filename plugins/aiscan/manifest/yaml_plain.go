package manifest

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// plainYAML reads the part of YAML that programs write into lockfiles: tables
// and lists by indentation, scalars of one line, braces and brackets that end on
// their line. It reads them some six times as quickly as a reader of all of YAML. It gives
// up at the first thing it does not know, and what it gives is what that reader would.
func plainYAML(text []byte) (*node, bool) {
	for _, c := range text {
		if c < ' ' && c != '\n' || c >= 0x7f {
			return nil, false
		}
	}
	p := &plainParser{}
	if !p.cut(text) || len(p.lines) == 0 {
		return nil, false
	}
	root := p.block(p.lines[0].indent, 0)
	if p.odd || p.at != len(p.lines) || root == nil {
		return nil, false
	}
	return root, true
}

// plainLine is a line that says something.
type plainLine struct {
	n      int
	indent int
	text   string // without what stands before and behind
}

type plainParser struct {
	slab
	lines []plainLine
	at    int
	odd   bool // something is not known here
}

// cut makes lines; a document may begin with its mark and no other may follow.
func (p *plainParser) cut(text []byte) bool {
	all := string(text)
	p.lines = make([]plainLine, 0, bytes.Count(text, []byte("\n"))+1)
	for n := 1; all != ""; n++ {
		line, rest, _ := strings.Cut(all, "\n")
		all = rest
		line = strings.TrimRight(line, " ")
		body := strings.TrimLeft(line, " ")
		if body == "" || body[0] == '#' {
			continue
		}
		if line == "---" && len(p.lines) == 0 {
			continue
		}
		if strings.HasPrefix(line, "---") || strings.HasPrefix(line, "...") || line[0] == '%' {
			return false
		}
		p.lines = append(p.lines, plainLine{n, len(line) - len(body), body})
	}
	return true
}

func (p *plainParser) giveUp() *node {
	p.odd = true
	return nil
}

// block reads the table or list whose lines have the given indentation.
func (p *plainParser) block(indent, depth int) *node {
	if depth > maxDepth || p.full() {
		return p.giveUp()
	}
	first := p.lines[p.at]
	kind := table
	if first.text == "-" || strings.HasPrefix(first.text, "- ") {
		kind = list
	}
	n := p.new(kind, first.n)
	for p.at < len(p.lines) && !p.odd {
		l := p.lines[p.at]
		isItem := l.text == "-" || strings.HasPrefix(l.text, "- ")
		if l.indent < indent || kind == table && l.indent == indent && isItem {
			break
		}
		if l.indent > indent {
			return p.giveUp()
		}
		if kind == table {
			p.entry(n, l, indent, depth)
			continue
		}
		if !isItem {
			break // the table around goes on
		}
		if item := p.item(l, indent, depth); item != nil {
			n.kids = append(n.kids, item)
		}
	}
	return n
}

// item reads one item of a list.
func (p *plainParser) item(l plainLine, indent, depth int) *node {
	rest := strings.TrimLeft(l.text[1:], " ")
	switch {
	case rest == "":
		return p.giveUp()
	case rest[0] == '-' && (len(rest) == 1 || rest[1] == ' '):
		return p.giveUp()
	}
	if _, _, ok := cutKey(rest); ok { // the first key of a table stands behind the sign
		inner := indent + len(l.text) - len(rest)
		p.lines[p.at] = plainLine{l.n, inner, rest}
		return p.block(inner, depth+1)
	}
	p.at++
	p.alone(indent)
	return p.value(rest, l.n)
}

// alone gives up if the next line belongs to the scalar before it.
func (p *plainParser) alone(indent int) {
	if p.at < len(p.lines) && p.lines[p.at].indent > indent {
		p.odd = true
	}
}

// entry reads one key and what it has.
func (p *plainParser) entry(n *node, l plainLine, indent, depth int) {
	key, rest, ok := cutKey(l.text)
	if !ok || key == "<<" {
		p.odd = true
		return
	}
	p.at++
	if rest != "" {
		p.alone(indent)
		v := p.value(rest, l.n)
		if v != nil {
			n.put(key, v)
		}
		return
	}
	if p.at < len(p.lines) {
		next := p.lines[p.at]
		item := next.text == "-" || strings.HasPrefix(next.text, "- ")
		if next.indent > indent || next.indent == indent && item {
			if v := p.block(next.indent, depth+1); v != nil {
				v.line = l.n
				n.put(key, v)
			}
			return
		}
	}
	n.put(key, p.new(none, l.n))
}

// cutKey cuts key: rest. A key is plain or in quotes without escapes.
func cutKey(s string) (key, rest string, ok bool) {
	if s[0] == '\'' || s[0] == '"' {
		end := strings.IndexByte(s[1:], s[0])
		if end < 0 || strings.IndexByte(s[:end+1], '\\') >= 0 && s[0] == '"' {
			return "", "", false
		}
		key, rest = s[1:1+end], s[2+end:]
		if rest == ":" {
			return key, "", true
		}
		if !strings.HasPrefix(rest, ": ") {
			return "", "", false
		}
		return key, strings.TrimLeft(rest[2:], " "), true
	}
	if strings.IndexByte("&*!|>?{}[],#@`%", s[0]) >= 0 || s == "-" || strings.HasPrefix(s, "- ") {
		return "", "", false
	}
	i := strings.Index(s, ": ")
	if i < 0 {
		if s[len(s)-1] != ':' {
			return "", "", false
		}
		i = len(s) - 1
	}
	key = strings.TrimRight(s[:i], " ")
	if key == "" || strings.Contains(key, " #") {
		return "", "", false
	}
	return key, strings.TrimLeft(s[i+1:], " "), true
}

// value reads what stands behind a key or a sign of a list, to the end of the line.
func (p *plainParser) value(s string, line int) *node {
	switch s[0] {
	case '&', '*', '!', '|', '>', '%', '@', '`', '#', ']', '}', ',', '?', ':', '-':
		if s[0] != '-' || len(s) == 1 || s[1] == ' ' {
			return p.giveUp()
		}
	case '{', '[':
		n, rest := p.flow(s, line, 0)
		if rest != "" {
			return p.giveUp()
		}
		return n
	case '\'', '"':
		n, rest := p.quoted(s, line)
		if rest != "" {
			return p.giveUp()
		}
		return n
	}
	if strings.Contains(s, ": ") || strings.Contains(s, " #") || s[len(s)-1] == ':' {
		return p.giveUp()
	}
	return p.scalar(s, line)
}

// quoted reads a string in quotes that has none of them inside.
func (p *plainParser) quoted(s string, line int) (*node, string) {
	end := strings.IndexByte(s[1:], s[0])
	if end < 0 || s[0] == '"' && strings.IndexByte(s[:end+1], '\\') >= 0 || strings.HasPrefix(s[2+end:], "'") {
		return p.giveUp(), ""
	}
	n := p.new(str, line)
	n.text = s[1 : 1+end]
	return n, s[2+end:]
}

// scalar is a plain scalar; whether it is a string, the other reader says.
func (p *plainParser) scalar(s string, line int) *node {
	n := p.new(str, line)
	n.text = s
	if c := s[0] | 0x20; c >= 'a' && c <= 'z' && strings.IndexByte("tfnyo", c) < 0 {
		return n
	}
	switch (&yaml.Node{Kind: yaml.ScalarNode, Value: s}).ShortTag() {
	case "!!str":
	case "!!null":
		n.kind, n.text = none, ""
	case "!!merge":
		return p.giveUp()
	default:
		n.kind = scalar
	}
	return n
}

// flow reads {a: b} and [a, b] that end on their line, and returns what follows.
func (p *plainParser) flow(s string, line, depth int) (*node, string) {
	if depth > 20 || p.full() {
		return p.giveUp(), ""
	}
	closing, kind := byte(']'), list
	if s[0] == '{' {
		closing, kind = '}', table
	}
	n := p.new(kind, line)
	s = strings.TrimLeft(s[1:], " ")
	for first := true; ; first = false {
		if s == "" {
			return p.giveUp(), ""
		}
		if s[0] == closing && first {
			return n, s[1:]
		}
		key := ""
		if kind == table {
			var ok bool
			if key, s, ok = flowKey(s); !ok {
				return p.giveUp(), ""
			}
		}
		var v *node
		v, s = p.flowValue(s, line, depth)
		if p.odd {
			return nil, ""
		}
		if kind == table {
			n.put(key, v)
		} else {
			n.kids = append(n.kids, v)
		}
		s = strings.TrimLeft(s, " ")
		if s == "" || s[0] != ',' && s[0] != closing {
			return p.giveUp(), ""
		}
		end := s[0] == closing
		s = strings.TrimLeft(s[1:], " ")
		if end {
			return n, s
		}
	}
}

// flowKey reads a key inside braces.
func flowKey(s string) (key, rest string, ok bool) {
	i := strings.Index(s, ": ")
	if i <= 0 {
		return "", "", false
	}
	key = s[:i]
	if len(key) > 1 && (key[0] == '\'' || key[0] == '"') && key[len(key)-1] == key[0] {
		key = key[1 : len(key)-1]
		if strings.ContainsAny(key, `'"\`) {
			return "", "", false
		}
		return key, strings.TrimLeft(s[i+2:], " "), true
	}
	if strings.ContainsAny(key, `{}[],'"&*!|>?#@%: `+"`") || key[0] == '-' || key == "<<" {
		return "", "", false
	}
	return key, strings.TrimLeft(s[i+2:], " "), true
}

func (p *plainParser) flowValue(s string, line, depth int) (*node, string) {
	if s == "" {
		return p.giveUp(), ""
	}
	switch s[0] {
	case '{', '[':
		return p.flow(s, line, depth+1)
	case '\'', '"':
		return p.quoted(s, line)
	}
	end := strings.IndexAny(s, ",]}")
	if end <= 0 {
		return p.giveUp(), ""
	}
	v := strings.TrimRight(s[:end], " ")
	if strings.ContainsAny(v, `{[&*!|?#@%"'`+"`") || v[0] == '-' || v[0] == '>' || v[0] == ':' || strings.Contains(v, ": ") || v[len(v)-1] == ':' {
		return p.giveUp(), ""
	}
	return p.scalar(v, line), s[end:]
}

// String shows a tree in tests and in faults.
func (n *node) String() string {
	if n == nil {
		return "nil"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d/%d %q", n.kind, n.line, n.text)
	for i, k := range n.kids {
		key := ""
		if i < len(n.keys) {
			key = n.keys[i]
		}
		fmt.Fprintf(&b, " {%q %s}", key, k)
	}
	return b.String()
}
