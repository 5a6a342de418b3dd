package infra

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// parseJSON reads JSON as programs write it and as people do: with comments and
// trailing commas. What was read before a mistake is returned with the error.
func parseJSON(data []byte) (*node, error) {
	p := &jsonParser{data: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), line: 1, left: maxNodes}
	n := p.value(0)
	if p.err == nil {
		if p.space(); p.at < len(p.data) && n == nil {
			p.fail(ErrSyntax)
		}
	}
	return n, p.err
}

// maxKeys is how many keys an object may have.
const maxKeys = 50000

type jsonParser struct {
	data []byte
	at   int
	line int
	left int
	err  error
}

func (p *jsonParser) fail(err error) *node {
	if p.err == nil {
		p.err = fmt.Errorf("line %d: %w", p.line, err)
	}
	return nil
}

// space skips blanks and comments, and counts lines.
func (p *jsonParser) space() {
	for p.at < len(p.data) {
		switch c := p.data[p.at]; {
		case c == '\n':
			p.line++
			p.at++
		case c == ' ' || c == '\t' || c == '\r':
			p.at++
		case c == '/' && p.at+1 < len(p.data) && p.data[p.at+1] == '/':
			end := bytes.IndexByte(p.data[p.at:], '\n')
			if end < 0 {
				end = len(p.data) - p.at
			}
			p.at += end
		case c == '/' && p.at+1 < len(p.data) && p.data[p.at+1] == '*':
			end := bytes.Index(p.data[p.at+2:], []byte("*/"))
			if end < 0 {
				p.at = len(p.data)
				return
			}
			p.line += bytes.Count(p.data[p.at:p.at+2+end], []byte("\n"))
			p.at += end + 4
		default:
			return
		}
	}
}

func (p *jsonParser) value(depth int) *node {
	p.space()
	if p.left--; p.left <= 0 {
		return p.fail(ErrTooMany)
	}
	switch {
	case p.at >= len(p.data):
		return p.fail(ErrSyntax)
	case depth > maxDepth:
		return p.fail(ErrTooDeep)
	}
	n := &node{line: p.line}
	switch c := p.data[p.at]; c {
	case '{':
		p.at++
		n.kind = mapping
		p.object(n, depth)
	case '[':
		p.at++
		n.kind = sequence
		p.array(n, depth)
	case '"':
		n.text = p.text()
	default:
		start := p.at
		for p.at < len(p.data) && isBareJSON(p.data[p.at]) {
			p.at++
		}
		if p.at == start {
			return p.fail(ErrSyntax)
		}
		if n.text = string(p.data[start:p.at]); n.text == "null" {
			n.text = ""
		}
	}
	return n
}

func isBareJSON(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '-' || c == '+' || c == '.'
}

func (p *jsonParser) object(n *node, depth int) {
	for p.err == nil {
		if p.space(); p.at >= len(p.data) {
			p.fail(ErrSyntax)
			return
		}
		switch p.data[p.at] {
		case '}':
			p.at++
			return
		case ',':
			p.at++
			continue
		case '"':
		default:
			p.fail(ErrSyntax)
			return
		}
		line, key := p.line, p.text()
		if p.space(); p.at >= len(p.data) || p.data[p.at] != ':' {
			p.fail(ErrSyntax)
			return
		}
		p.at++
		if len(n.keys) >= maxKeys {
			p.fail(ErrTooMany)
			return
		}
		if v := p.value(depth + 1); v != nil {
			n.put(key, line, v)
		}
	}
}

func (p *jsonParser) array(n *node, depth int) {
	for p.err == nil {
		if p.space(); p.at >= len(p.data) {
			p.fail(ErrSyntax)
			return
		}
		switch p.data[p.at] {
		case ']':
			p.at++
			return
		case ',':
			p.at++
			continue
		}
		if v := p.value(depth + 1); v != nil {
			n.items = append(n.items, v)
		}
	}
}

// text reads a string at a quote.
func (p *jsonParser) text() string {
	p.at++
	start := p.at
	for p.at < len(p.data) {
		switch p.data[p.at] {
		case '"':
			s := string(p.data[start:p.at])
			p.at++
			return unescape(s)
		case '\\':
			p.at++
		case '\n':
			p.line++ // not allowed, but seen
		}
		p.at++
	}
	p.at = len(p.data)
	p.fail(ErrSyntax)
	return ""
}

// unescape resolves the escapes of a JSON string.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 >= len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		case 'b', 'f':
			b.WriteByte(' ')
		case 'u':
			r := hex4(s[i+1:])
			if r < 0 {
				b.WriteRune(utf8.RuneError)
				continue
			}
			i += 4
			if utf16.IsSurrogate(r) && strings.HasPrefix(s[i+1:], `\u`) {
				if low := hex4(s[i+3:]); low >= 0 {
					r, i = utf16.DecodeRune(r, low), i+6
				}
			}
			b.WriteRune(r)
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func hex4(s string) rune {
	if len(s) < 4 {
		return -1
	}
	v, err := strconv.ParseUint(s[:4], 16, 16)
	if err != nil {
		return -1
	}
	return rune(v)
}
