package manifest

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// comment is a comment of a file that is otherwise data.
type comment struct {
	line int
	text string   // without its mark
	path []string // of the table that it stands in
}

// toml reads the file as TOML. After a fault it goes on with the next table.
func (f *file) toml() (*node, []comment) {
	p := &tomlParser{text: f.text, line: 1}
	p.root = p.new(table, 1)
	p.parse()
	if p.err != "" {
		f.fail(p.errLine, p.err)
	}
	return p.root, p.comments
}

type tomlParser struct {
	slab
	text     []byte
	at       int
	line     int
	root     *node
	path     []string
	comments []comment
	index    map[*node]map[string]int // keys of large tables
	err      string
	errLine  int
}

func (p *tomlParser) fail(what string) bool {
	if p.err == "" {
		p.err, p.errLine = what, p.line
	}
	return false
}

func (p *tomlParser) parse() {
	top := p.root
	for p.skip(true); p.at < len(p.text); p.skip(true) {
		if p.full() {
			p.fail(fmt.Sprintf("more than %d values", maxNodes))
			return
		}
		if p.text[p.at] == '[' {
			if t, ok := p.header(); ok {
				top = t
				continue
			}
			top = p.new(table, p.line) // of a header that is broken: read, and not kept
			p.restOfLine()
			continue
		}
		if !p.pair(top, 0) || !p.endOfLine() {
			p.recover()
		}
	}
}

// recover goes to the next line that begins a table or a pair.
func (p *tomlParser) recover() {
	for {
		p.restOfLine()
		if p.at >= len(p.text) {
			return
		}
		rest := p.text[p.at:]
		if end := bytes.IndexByte(rest, '\n'); end >= 0 {
			rest = rest[:end]
		}
		if len(rest) > 0 && (rest[0] == '[' && bytes.IndexByte(rest, ']') > 1 && bytes.IndexByte(rest, ',') < 0 && bytes.IndexAny(rest, `"'`) != 1 ||
			isBare(rest[0]) && bytes.IndexByte(rest, '=') > 0) {
			return
		}
	}
}

func (p *tomlParser) restOfLine() {
	if i := bytes.IndexByte(p.text[p.at:], '\n'); i >= 0 {
		p.at += i + 1
		p.line++
		return
	}
	p.at = len(p.text)
}

// skip passes blanks and, if asked, line ends; comments are kept.
func (p *tomlParser) skip(lines bool) {
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == ' ' || c == '\t':
			p.at++
		case c == '\n' && lines:
			p.at++
			p.line++
		case c == '#':
			end := bytes.IndexByte(p.text[p.at:], '\n')
			if end < 0 {
				end = len(p.text) - p.at
			}
			if end < 1000 && len(p.comments) < 100_000 {
				p.comments = append(p.comments, comment{line: p.line, text: strings.TrimSpace(string(p.text[p.at+1 : p.at+end])), path: p.path})
			}
			p.at += end
		default:
			return
		}
	}
}

// endOfLine wants the line to end here.
func (p *tomlParser) endOfLine() bool {
	p.skip(false)
	if p.at < len(p.text) && p.text[p.at] != '\n' {
		return p.fail("something follows the value")
	}
	return true
}

// header reads [a.b] or [[a.b]] and returns its table.
func (p *tomlParser) header() (*node, bool) {
	double := p.at+1 < len(p.text) && p.text[p.at+1] == '['
	line := p.line
	p.at++
	if double {
		p.at++
	}
	path, ok := p.key()
	if !ok {
		return nil, false
	}
	end := "]"
	if double {
		end = "]]"
	}
	if !bytes.HasPrefix(p.text[p.at:], []byte(end)) {
		return nil, p.fail("a table's name does not end")
	}
	p.at += len(end)
	p.path = path
	if !p.endOfLine() {
		return nil, false
	}
	parent := p.root
	for _, k := range path[:len(path)-1] {
		if parent = p.descend(parent, k, line); parent == nil {
			return nil, p.fail("a value stands where a table is named")
		}
	}
	last := path[len(path)-1]
	if !double {
		t := p.descend(parent, last, line)
		if t == nil {
			return nil, p.fail("a value stands where a table is named")
		}
		return t, true
	}
	l := p.find(parent, last)
	if l == nil {
		l = p.new(list, line)
		p.set(parent, last, l)
	}
	if l.kind != list {
		return nil, p.fail("a value stands where a list is named")
	}
	t := p.new(table, line)
	l.kids = append(l.kids, t)
	return t, true
}

// descend is the table of a key, made if there is none; the last of a list of tables.
func (p *tomlParser) descend(n *node, key string, line int) *node {
	kid := p.find(n, key)
	if kid == nil {
		kid = p.new(table, line)
		p.set(n, key, kid)
	}
	if kid.kind == list && len(kid.kids) > 0 {
		kid = kid.kids[len(kid.kids)-1]
	}
	if kid.kind != table {
		return nil
	}
	return kid
}

// find looks a key up; tables of many keys have an index.
func (p *tomlParser) find(n *node, key string) *node {
	if len(n.keys) < 32 {
		return n.get(key)
	}
	if i, ok := p.indexOf(n)[key]; ok {
		return n.kids[i]
	}
	return nil
}

func (p *tomlParser) indexOf(n *node) map[string]int {
	ix := p.index[n]
	if ix == nil {
		if p.index == nil {
			p.index = map[*node]map[string]int{}
		}
		ix = make(map[string]int, 2*len(n.keys))
		p.index[n] = ix
		for i, k := range n.keys {
			ix[k] = i
		}
	}
	return ix
}

func (p *tomlParser) set(n *node, key string, v *node) {
	n.put(key, v)
	if ix := p.index[n]; ix != nil {
		ix[key] = len(n.kids) - 1
	}
}

// key reads a key, dotted or not.
func (p *tomlParser) key() ([]string, bool) {
	var path []string
	for {
		p.blanks()
		if p.at >= len(p.text) {
			return nil, p.fail("a key does not end")
		}
		c := p.text[p.at]
		switch {
		case c == '"' || c == '\'':
			s, ok := p.quoted(c)
			if !ok {
				return nil, false
			}
			path = append(path, s)
		case isBare(c):
			start := p.at
			for p.at < len(p.text) && isBare(p.text[p.at]) {
				p.at++
			}
			path = append(path, string(p.text[start:p.at]))
		default:
			return nil, p.fail("not a key")
		}
		if len(path) > maxDepth {
			return nil, p.fail("a key of too many parts")
		}
		p.blanks()
		if p.at >= len(p.text) || p.text[p.at] != '.' {
			return path, true
		}
		p.at++
	}
}

func (p *tomlParser) blanks() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\t') {
		p.at++
	}
}

// isBare reports whether a byte may be in a key without quotes; bytes beyond
// ASCII may, for the mark of templates.
func isBare(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c >= utf8.RuneSelf
}

// pair reads key = value into a table.
func (p *tomlParser) pair(t *node, depth int) bool {
	line := p.line
	path, ok := p.key()
	if !ok {
		return false
	}
	if p.at >= len(p.text) || p.text[p.at] != '=' {
		return p.fail("a key without a value")
	}
	p.at++
	for _, k := range path[:len(path)-1] {
		if t = p.descend(t, k, line); t == nil {
			return p.fail("a value stands where a table is named")
		}
	}
	v, ok := p.value(depth)
	if v != nil {
		v.line = line
		p.set(t, path[len(path)-1], v)
	}
	return ok
}

// value reads one value. What was read before a fault is returned beside false.
func (p *tomlParser) value(depth int) (*node, bool) {
	p.blanks()
	if depth > maxDepth || p.full() {
		return nil, p.fail(fmt.Sprintf("deeper than %d levels or more than %d values", maxDepth, maxNodes))
	}
	if p.at >= len(p.text) {
		return nil, p.fail("a value is missing")
	}
	switch c := p.text[p.at]; c {
	case '"', '\'':
		n := p.new(str, p.line)
		s, ok := p.quoted(c)
		if !ok {
			return nil, false
		}
		n.text = s
		return n, true
	case '[':
		return p.array(depth)
	case '{':
		return p.inline(depth)
	}
	start := p.at
	for p.at < len(p.text) && bytes.IndexByte([]byte(",]}#\n"), p.text[p.at]) < 0 {
		p.at++
	}
	text := strings.TrimSpace(string(p.text[start:p.at]))
	if !isScalar(text) {
		return nil, p.fail("not a value")
	}
	n := p.new(scalar, p.line)
	n.text = text
	return n, true
}

// isScalar accepts booleans, numbers and times, and the mark of templates.
func isScalar(s string) bool {
	if s == "true" || s == "false" || strings.ContainsRune(s, blank) {
		return true
	}
	s = strings.TrimLeft(s, "+-")
	return s == "inf" || s == "nan" || s != "" && s[0] >= '0' && s[0] <= '9'
}

func (p *tomlParser) array(depth int) (*node, bool) {
	n := p.new(list, p.line)
	p.at++
	for {
		p.skip(true)
		if p.at < len(p.text) && p.text[p.at] == ']' {
			p.at++
			return n, true
		}
		line := p.line
		v, ok := p.value(depth + 1)
		if v != nil {
			v.line = line
			n.kids = append(n.kids, v)
		}
		if !ok {
			return n, false
		}
		p.skip(true)
		switch {
		case p.at < len(p.text) && p.text[p.at] == ',':
			p.at++
		case p.at < len(p.text) && p.text[p.at] == ']':
		default:
			return n, p.fail("a list does not end")
		}
	}
}

func (p *tomlParser) inline(depth int) (*node, bool) {
	n := p.new(table, p.line)
	p.at++
	for {
		p.skip(true)
		if p.at < len(p.text) && p.text[p.at] == '}' {
			p.at++
			return n, true
		}
		if !p.pair(n, depth+1) {
			return n, false
		}
		p.skip(true)
		switch {
		case p.at < len(p.text) && p.text[p.at] == ',':
			p.at++
		case p.at < len(p.text) && p.text[p.at] == '}':
		default:
			return n, p.fail("a table in braces does not end")
		}
	}
}

// quoted reads a string that begins with the given mark, of one line or many.
func (p *tomlParser) quoted(mark byte) (string, bool) {
	triple := []byte{mark, mark, mark}
	if bytes.HasPrefix(p.text[p.at:], triple) {
		return p.long(mark, triple)
	}
	p.at++
	start := p.at
	for p.at < len(p.text) && p.text[p.at] != '\n' {
		switch {
		case p.text[p.at] == mark:
			s := string(p.text[start:p.at])
			p.at++
			if mark == '"' && strings.IndexByte(s, '\\') >= 0 {
				return unescape(s), true
			}
			return s, true
		case p.text[p.at] == '\\' && mark == '"':
			p.at++
		}
		p.at++
	}
	p.at = min(p.at, len(p.text))
	return "", p.fail("a string does not end")
}

func (p *tomlParser) long(mark byte, triple []byte) (string, bool) {
	start := p.at + 3
	for i := start; i < len(p.text); i++ {
		if p.text[i] == '\\' && mark == '"' {
			i++
			continue
		}
		if !bytes.HasPrefix(p.text[i:], triple) {
			continue
		}
		for i+3 < len(p.text) && p.text[i+3] == mark { // quotes may stand before the end
			i++
		}
		s := string(p.text[start:i])
		p.line += strings.Count(s, "\n")
		p.at = i + 3
		s = strings.TrimPrefix(s, "\n")
		if mark == '"' && strings.IndexByte(s, '\\') >= 0 {
			s = unescape(s)
		}
		return s, true
	}
	return "", p.fail("a string of several lines does not end")
}

// unescape reads the escapes of a string.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		size := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[i]]
		if size > 0 && i+size < len(s) {
			if r, err := strconv.ParseUint(s[i+1:i+1+size], 16, 32); err == nil {
				b.WriteRune(rune(r))
				i += size
			}
			continue
		}
		switch s[i] {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'e':
			b.WriteByte(0x1b)
		case ' ', '\t', '\n':
			rest := strings.TrimLeft(s[i:], " \t\n")
			i = len(s) - len(rest) - 1
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
