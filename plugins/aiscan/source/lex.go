package source

import (
	"bytes"
	"strings"
)

// kind tells tokens apart.
type kind uint8

const (
	word  kind = iota + 1 // identifier, keyword or number
	str                   // what stands between quotes
	punct                 // one byte of anything else
)

// token is a part of the text that is no comment and no space.
type token struct {
	kind       kind
	start, end int // of a string: what stands between the quotes
	line       int
	depth      int // of brackets around it
	col        int // of its first byte, of the line
	prose      bool
}

// text is a file while it is read.
type text struct {
	lang   *Language
	hints  Hints
	b      []byte
	tokens []token
	plain  []byte // b with comments and documentation as spaces
	out    *collector
	own    map[string]bool // names that the file itself gives to modules
	flat   bool            // a template did not end: what stands in others is not followed

	unclosed string // what opens the comment or string that the text ends in
}

// maxDepth bounds what brackets are counted: beyond it only their number is
// wrong.
const maxDepth = 1 << 20

// lex takes the text apart. Whatever the bytes are, it ends: every round goes
// at least one byte on.
func (t *text) lex() {
	b := t.b
	t.plain = bytes.Clone(b)
	line, col0, depth := 1, 0, 0
	for i := 0; i < len(b); {
		c := b[i]
		if c == '\n' {
			if n := t.comment(i); n > 0 {
				line += t.blank(i, i+n)
				i += n
				col0 = i
				continue
			}
			line++
			i++
			col0 = i
			continue
		}
		if c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v' {
			i++
			continue
		}
		if n := t.comment(i); n > 0 {
			line += t.blank(i, i+n)
			i += n
			continue
		}
		tok := token{start: i, line: line, depth: depth, col: i - col0}
		if open, body, end, ok := t.quoted(i); ok {
			tok.kind, tok.start, tok.end = str, i+open, i+open+body
			t.tokens = append(t.tokens, tok)
			if i+end == len(b) && body+open == end {
				t.unclosed = string(b[i : i+open])
			}
			line += bytes.Count(b[i:i+end], []byte("\n"))
			i += end
			continue
		}
		if n := wordLen(b[i:]); n > 0 {
			tok.kind, tok.end = word, i+n
			t.tokens = append(t.tokens, tok)
			i += n
			continue
		}
		if n := t.regexp(i); n > 0 {
			t.blank(i, i+n)
			i += n
			continue
		}
		switch c {
		case '(', '[', '{':
			depth = min(depth+1, maxDepth)
		case ')', ']', '}':
			depth = max(depth-1, 0)
			tok.depth = depth
		}
		tok.kind, tok.end = punct, i+1
		t.tokens = append(t.tokens, tok)
		i++
	}
	t.markProse()
	t.markPatterns()
	if n := len(t.tokens); n > 0 && t.unclosed != "" && t.tokens[n-1].kind == str && t.tokens[n-1].end == len(b) && !t.tokens[n-1].prose {
		t.unclosed = "x=" + t.unclosed // a value, no documentation
	}
}

// blank makes a part of the plain text spaces and returns its lines.
func (t *text) blank(from, to int) (lines int) {
	for i := from; i < to; i++ {
		if t.plain[i] == '\n' {
			lines++
		} else {
			t.plain[i] = ' '
		}
	}
	return lines
}

// comment returns the length of the comment at i, 0 if there is none.
func (t *text) comment(i int) int {
	rest := t.b[i:]
	for _, k := range t.lang.block {
		if hasPrefix(rest, k[0]) {
			n := blockLen(rest, k, t.lang.nested)
			if n == len(rest) && !bytes.HasSuffix(rest[len(k[0]):], []byte(k[1])) {
				t.unclosed = k[0]
			}
			return n
		}
	}
	for _, k := range t.lang.line {
		if !hasPrefix(rest, k) || !t.begins(i, k) {
			continue
		}
		if n := bytes.IndexByte(rest, '\n'); n >= 0 {
			return n
		}
		t.unclosed = k
		return len(rest)
	}
	return 0
}

// begins reports whether what looks like a comment is one: not the // of an
// address, not the # of a colour or of ${#x}.
func (t *text) begins(i int, mark string) bool {
	if i == 0 {
		return true
	}
	before := t.b[i-1]
	if before == '\\' || mark == "//" && before == ':' && !t.lang.settings && i > 1 && isLetter(t.b[i-2]) && hostFollows(t.b[i+2:]) {
		return false
	}
	if t.lang.hash {
		return before == ' ' || before == '\t' || before == '\n' || before == ';'
	}
	if mark == "#" && t.lang == php && i+1 < len(t.b) && t.b[i+1] == '[' {
		return false
	}
	return true
}

// hostFollows keeps https://api.x.com in markup and shell from being a comment.
func hostFollows(b []byte) bool { return len(b) > 0 && isLetter(b[0]) }

func blockLen(b []byte, k [2]string, nested bool) int {
	depth := 0
	for i := 0; i < len(b); {
		switch {
		case hasPrefix(b[i:], k[0]) && (nested || depth == 0):
			depth++
			i += len(k[0])
		case hasPrefix(b[i:], k[1]):
			depth--
			i += len(k[1])
			if depth <= 0 {
				return i
			}
		default:
			i++
		}
	}
	return len(b)
}

// quoted finds the string that begins at i: how long its beginning is, what
// stands in it, and all of it.
func (t *text) quoted(i int) (open, body, all int, ok bool) {
	rest := t.b[i:]
	for _, q := range t.lang.quotes {
		if !hasPrefix(rest, q.open) {
			continue
		}
		if q.open == `'` && (t.lang == rust || t.lang == haskel) {
			continue
		}
		if q == backtick && !t.flat {
			n, ended := templateLen(rest[1:])
			if ended {
				return 1, n, n + 2, true
			}
			t.flat = true
		}
		n, shut := stringLen(rest[len(q.open):], q)
		return len(q.open), n, len(q.open) + n + shut, true
	}
	return 0, 0, 0, false
}

// stringLen returns the length of a string's text and of its end: none if the
// line or the file ends first.
func stringLen(b []byte, q quote) (int, int) {
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == q.shut[0] && hasPrefix(b[i:], q.shut):
			return i, len(q.shut)
		case q.escape != 0 && c == q.escape && i+1 < len(b) && (q.lines || b[i+1] != '\n'):
			i++
		case c == '\n' && !q.lines:
			return i, 0
		}
	}
	return len(b), 0
}

// maxTemplates bounds how deep templates stand in one another.
const maxTemplates = 100

// templateLen returns the length of a template's text, in which code can stand,
// and templates in that; and whether it ends.
func templateLen(b []byte) (int, bool) {
	braces := []int{} // open in the code of each template around
	code := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\\':
			i++
		case !code && c == '`':
			if len(braces) == 0 {
				return i, true
			}
			code = true
		case !code && c == '$' && i+1 < len(b) && b[i+1] == '{':
			if len(braces) == maxTemplates {
				return 0, false
			}
			braces, code = append(braces, 0), true
			i++
		case code && c == '`':
			code = false
		case code && (c == '"' || c == '\''):
			i += quotedLen(b[i:])
		case code && c == '{':
			braces[len(braces)-1]++
		case code && c == '}' && braces[len(braces)-1] > 0:
			braces[len(braces)-1]--
		case code && c == '}':
			braces, code = braces[:len(braces)-1], false
		}
	}
	return 0, false
}

// quotedLen is how far a string of one line goes on, 0 if it does not end.
func quotedLen(b []byte) int {
	for i := 1; i < len(b) && b[i] != '\n'; i++ {
		switch b[i] {
		case '\\':
			i++
		case b[0]:
			return i
		}
	}
	return 0
}

// regexp returns the length of the regular expression between slashes at i.
func (t *text) regexp(i int) int {
	if !t.lang.regexps || t.b[i] != '/' || !t.valueExpected() {
		return 0
	}
	class := false
	for j := i + 1; j < len(t.b) && j < i+4096; j++ {
		switch t.b[j] {
		case '\\':
			j++
		case '\n':
			return 0
		case '[':
			class = true
		case ']':
			class = false
		case '/':
			if !class {
				return j + 1 - i
			}
		}
	}
	return 0
}

// valueExpected reports whether a value stands next, so that a slash divides
// nothing.
func (t *text) valueExpected() bool {
	if len(t.tokens) == 0 {
		return true
	}
	switch last := t.tokens[len(t.tokens)-1]; last.kind {
	case punct:
		return strings.IndexByte("(,=:[!&|?{};+-*%~^>", t.b[last.start]) >= 0
	case word:
		w := string(t.b[last.start:last.end])
		return w == "return" || w == "typeof" || w == "case"
	default:
		return false
	}
}

// markProse finds strings that document: alone as a statement, or behind a
// documenting attribute.
func (t *text) markProse() {
	for i := range t.tokens {
		tok := &t.tokens[i]
		if tok.kind != str {
			continue
		}
		switch {
		case t.lang == python && t.alone(i):
			tok.prose = true
		case t.lang == elixir && i > 0 && strings.HasSuffix(t.at(i-1), "doc"):
			tok.prose = true
		case t.lang == julia && t.alone(i):
			tok.prose = true
		}
		if tok.prose {
			t.blank(tok.start, tok.end)
		}
	}
}

// alone reports whether a string is a statement of its own.
func (t *text) alone(i int) bool {
	tok := t.tokens[i]
	if tok.depth > 0 {
		return false
	}
	if i > 0 {
		p := t.tokens[i-1]
		prefix := p.kind == word && p.line == tok.line && p.end-p.start <= 2 && (i == 1 || t.tokens[i-2].line != p.line)
		if p.line == tok.line && !prefix && t.at(i-1) != ":" {
			return false
		}
		if p.line != tok.line && strings.Contains("=([{,+\\", t.at(i-1)) {
			return false
		}
	}
	if i+1 == len(t.tokens) {
		return true
	}
	next := t.tokens[i+1]
	return next.line > tok.line && bytes.IndexByte(t.b[tok.end:next.start], '\n') >= 0
}

// at returns the text of a token, empty outside.
func (t *text) at(i int) string {
	if i < 0 || i >= len(t.tokens) {
		return ""
	}
	return string(t.b[t.tokens[i].start:t.tokens[i].end])
}

func (t *text) is(i int, k kind) bool { return i >= 0 && i < len(t.tokens) && t.tokens[i].kind == k }

// first reports whether a token begins a statement.
func (t *text) first(i int) bool {
	return i == 0 || t.tokens[i-1].line != t.tokens[i].line || t.at(i-1) == ";" || t.at(i-1) == "{" || t.at(i-1) == "}" || t.at(i-1) == ">"
}

func wordLen(b []byte) int {
	n := 0
	for n < len(b) && (isLetter(b[n]) || b[n] >= '0' && b[n] <= '9' || b[n] == '_' || b[n] == '$' || b[n] >= 0x80) {
		n++
	}
	return n
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func hasPrefix(b []byte, p string) bool { return len(b) >= len(p) && string(b[:len(p)]) == p }
