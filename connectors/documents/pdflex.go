package documents

import (
	"bytes"
	"strconv"
)

// Kinds of token in a PDF's content.
const (
	opToken = iota
	numberToken
	stringToken
	nameToken
	arrayToken
)

// pdfToken is an operator or one of its arguments. A dictionary is an array
// of its parts: nothing that is read here looks into one.
type pdfToken struct {
	kind   int
	text   string
	number float64
	items  []pdfToken
}

// flat returns the items of an array, or the token itself.
func (t pdfToken) flat() []pdfToken {
	if t.kind == arrayToken {
		return t.items
	}
	return []pdfToken{t}
}

// pdfLexer takes a content stream, or a map of characters, apart.
type pdfLexer struct {
	b      []byte
	at     int
	broken bool
}

func (l *pdfLexer) next() (pdfToken, bool) { return l.token(0) }

func (l *pdfLexer) token(depth int) (pdfToken, bool) {
	l.skipSpace()
	if l.at >= len(l.b) {
		return pdfToken{}, false
	}
	switch c := l.b[l.at]; {
	case c == '(':
		return pdfToken{kind: stringToken, text: l.literal()}, true
	case c == '<' && l.peek(1) != '<':
		return pdfToken{kind: stringToken, text: l.hex()}, true
	case c == '[' || c == '<':
		return l.array(depth)
	case c == '/':
		l.at++
		return pdfToken{kind: nameToken, text: pdfName(l.word())}, true
	case c == ']' || c == '>' || c == ')' || c == '{' || c == '}':
		l.at++ // out of place, or PostScript
		return pdfToken{text: string(c)}, true
	}
	w := l.word()
	if n, err := strconv.ParseFloat(string(w), 64); err == nil {
		return pdfToken{kind: numberToken, number: n}, true
	}
	return pdfToken{text: string(w)}, true
}

func (l *pdfLexer) peek(n int) byte {
	if l.at+n < len(l.b) {
		return l.b[l.at+n]
	}
	return 0
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func (l *pdfLexer) skipSpace() {
	for l.at < len(l.b) {
		switch c := l.b[l.at]; {
		case c == '%':
			for l.at < len(l.b) && l.b[l.at] != '\n' && l.b[l.at] != '\r' {
				l.at++
			}
		case isSpace(c):
			l.at++
		default:
			return
		}
	}
}

// word reads up to what separates tokens, at least one byte.
func (l *pdfLexer) word() []byte {
	from := l.at
	for l.at < len(l.b) && !isSpace(l.b[l.at]) && bytes.IndexByte([]byte("()<>[]{}/%"), l.b[l.at]) < 0 {
		l.at++
	}
	return l.b[from:l.at]
}

// pdfName decodes #20 and the like.
func pdfName(b []byte) string {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '#' && i+2 < len(b) {
			if n, err := strconv.ParseUint(string(b[i+1:i+3]), 16, 8); err == nil {
				out = append(out, byte(n))
				i += 2
				continue
			}
		}
		out = append(out, b[i])
	}
	return string(out)
}

func (l *pdfLexer) array(depth int) (pdfToken, bool) {
	closing := byte(']')
	l.at++
	if l.b[l.at-1] == '<' {
		closing = '>'
		l.at++
	}
	t := pdfToken{kind: arrayToken}
	for {
		l.skipSpace()
		if l.at >= len(l.b) || depth == 16 {
			l.broken = true
			return t, l.at < len(l.b)
		}
		if l.b[l.at] == closing {
			if l.at++; closing == '>' && l.peek(0) == '>' {
				l.at++
			}
			return t, true
		}
		item, ok := l.token(depth + 1)
		if !ok {
			return t, false
		}
		if len(t.items) < 65536 {
			t.items = append(t.items, item)
		}
	}
}

func (l *pdfLexer) literal() string {
	var out []byte
	depth := 0
	for l.at < len(l.b) {
		c := l.b[l.at]
		l.at++
		switch c {
		case '(':
			if depth++; depth > 1 {
				out = append(out, c)
			}
		case ')':
			if depth--; depth == 0 {
				return string(out)
			}
			out = append(out, c)
		case '\\':
			out = l.escape(out)
		default:
			out = append(out, c)
		}
	}
	l.broken = true
	return string(out)
}

func (l *pdfLexer) escape(out []byte) []byte {
	c := l.peek(0)
	l.at++
	switch c {
	case 'n':
		return append(out, '\n')
	case 'r':
		return append(out, '\r')
	case 't':
		return append(out, '\t')
	case 'b':
		return append(out, '\b')
	case 'f':
		return append(out, '\f')
	case '\r':
		if l.peek(0) == '\n' {
			l.at++
		}
		return out
	case '\n', 0:
		return out
	}
	if c < '0' || c > '7' {
		return append(out, c)
	}
	n := int(c - '0')
	for range 2 {
		if d := l.peek(0); d >= '0' && d <= '7' {
			n = n*8 + int(d-'0')
			l.at++
		}
	}
	return append(out, byte(n))
}

func (l *pdfLexer) hex() string {
	var out []byte
	half, has := byte(0), false
	for l.at++; l.at < len(l.b); l.at++ {
		c := l.b[l.at]
		if c == '>' {
			l.at++
			break
		}
		n, err := strconv.ParseUint(string(c), 16, 8)
		if err != nil {
			continue
		}
		if has {
			out = append(out, half<<4|byte(n))
		}
		half, has = byte(n), !has
	}
	if has {
		out = append(out, half<<4)
	}
	return string(out)
}

// skipImage skips the bytes of an image that stands in the content.
func (l *pdfLexer) skipImage() {
	for l.at < len(l.b) {
		i := bytes.Index(l.b[l.at:], []byte("EI"))
		if i < 0 {
			l.at = len(l.b)
			return
		}
		l.at += i + 2
		if i > 0 && isSpace(l.b[l.at-3]) && (l.at >= len(l.b) || isSpace(l.b[l.at])) {
			return
		}
	}
}
