package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// json reads the file as JSON; comments and commas before a closing bracket are
// accepted, as most tools do. What stands before a fault is returned.
func (f *file) json() *node {
	text := f.text
	if bytes.Contains(text, []byte("//")) || bytes.Contains(text, []byte("/*")) || looseComma(text) {
		text = plainJSON(text)
	}
	// The buffer is read in place; InputOffset then counts in the text.
	p := &jsonParser{
		text: text,
		dec: jsontext.NewDecoder(bytes.NewBuffer(text),
			jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)),
		line: 1,
	}
	root := p.parse()
	if p.err != "" {
		f.fail(p.line, p.err)
	}
	return root
}

type jsonParser struct {
	slab
	text []byte
	dec  *jsontext.Decoder
	at   int // offset up to which lines are counted
	line int
	err  string
}

// next reads a token and counts its line. A token of more lines than one does
// not exist in JSON.
func (p *jsonParser) next() (jsontext.Token, bool) {
	tok, err := p.dec.ReadToken()
	end := int(p.dec.InputOffset())
	var fault *jsontext.SyntacticError
	if errors.As(err, &fault) && int(fault.ByteOffset) > end {
		end = int(fault.ByteOffset)
	}
	end = min(end, len(p.text))
	if end > p.at {
		p.line += bytes.Count(p.text[p.at:end], []byte("\n"))
		p.at = end
	}
	if err != nil {
		if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			p.err = "not valid JSON"
		}
		return tok, false
	}
	return tok, true
}

// parse builds the tree with a stack of its own, so that depth costs no stack.
func (p *jsonParser) parse() *node {
	var root *node
	var open []*node
	key, keyLine := "", 0
	for {
		tok, ok := p.next()
		if !ok {
			if p.err == "" && (root == nil || len(open) > 0) {
				p.err = "ends before its last bracket"
			}
			return root
		}
		if p.full() || len(open) > maxDepth {
			p.err = fmt.Sprintf("deeper than %d levels or more than %d values", maxDepth, maxNodes)
			return root
		}
		kind := tok.Kind()
		if kind == '}' || kind == ']' {
			open = open[:len(open)-1]
			if len(open) == 0 {
				return root
			}
			continue
		}
		inTable := len(open) > 0 && open[len(open)-1].kind == table
		if inTable && keyLine == 0 {
			key, keyLine = tok.String(), p.line
			continue
		}
		n := p.value(tok, kind)
		switch {
		case inTable:
			n.line = keyLine
			open[len(open)-1].put(key, n)
			keyLine = 0
		case len(open) > 0:
			open[len(open)-1].kids = append(open[len(open)-1].kids, n)
		default:
			root = n
		}
		if n.kind == table || n.kind == list {
			open = append(open, n)
		} else if len(open) == 0 {
			return root
		}
	}
}

func (p *jsonParser) value(tok jsontext.Token, kind jsontext.Kind) *node {
	switch kind {
	case '{':
		return p.new(table, p.line)
	case '[':
		return p.new(list, p.line)
	case '"':
		n := p.new(str, p.line)
		n.text = tok.String()
		return n
	case 'n':
		return p.new(none, p.line)
	}
	n := p.new(scalar, p.line)
	n.text = tok.String()
	return n
}

// looseComma reports whether a comma stands before a closing bracket anywhere.
func looseComma(text []byte) bool {
	for i, c := range text {
		if c != '}' && c != ']' {
			continue
		}
		j := i - 1
		for j >= 0 && (text[j] == ' ' || text[j] == '\n' || text[j] == '\t') {
			j--
		}
		if j >= 0 && text[j] == ',' {
			return true
		}
	}
	return false
}

// plainJSON puts blanks in the place of comments and of commas before a closing bracket.
// Line feeds stay.
func plainJSON(text []byte) []byte {
	out := bytes.Clone(text)
	comma := -1
	for i := 0; i < len(out); i++ {
		switch c := out[i]; {
		case c == '"':
			comma = -1
			for i++; i < len(out) && out[i] != '"' && out[i] != '\n'; i++ {
				if out[i] == '\\' {
					i++
				}
			}
		case c == '/' && i+1 < len(out) && out[i+1] == '/':
			for ; i < len(out) && out[i] != '\n'; i++ {
				out[i] = ' '
			}
		case c == '/' && i+1 < len(out) && out[i+1] == '*':
			end := bytes.Index(out[i+2:], []byte("*/"))
			if end < 0 {
				return out
			}
			for stop := i + end + 4; i < stop; i++ {
				if out[i] != '\n' {
					out[i] = ' '
				}
			}
			i--
		case c == ',':
			comma = i
		case (c == '}' || c == ']') && comma >= 0:
			out[comma] = ' '
			comma = -1
		case c != ' ' && c != '\t' && c != '\n':
			comma = -1
		}
	}
	return out
}
