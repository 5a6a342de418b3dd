package evidence

import (
	"bytes"
	"unicode/utf8"
)

// isCanonical reports whether b is certainly one JSON value in canonical form.
// It recognises the usual cases in one pass and knows nothing about the others
// (escapes beyond the short ones, fractions, names beyond ASCII): for these it
// says no, and the long way decides. It never says yes where Canonical would
// refuse or change a byte; a fuzz test holds it to that.
func isCanonical(b []byte) bool {
	c := checker{b: b}
	return c.value(0) && c.i == len(b)
}

// checker walks over JSON that it expects to be canonical.
type checker struct {
	b []byte
	i int
}

func (c *checker) next() byte {
	if c.i < len(c.b) {
		return c.b[c.i]
	}
	return 0
}

func (c *checker) lit(s string) bool {
	if len(c.b)-c.i < len(s) || string(c.b[c.i:c.i+len(s)]) != s {
		return false
	}
	c.i += len(s)
	return true
}

func (c *checker) value(depth int) bool {
	switch c.next() {
	case '"':
		_, ok := c.text()
		return ok
	case '{':
		return depth < MaxDepth && c.object(depth+1)
	case '[':
		return depth < MaxDepth && c.array(depth+1)
	case 't':
		return c.lit("true")
	case 'f':
		return c.lit("false")
	case 'n':
		return c.lit("null")
	}
	return c.number()
}

func (c *checker) object(depth int) bool {
	c.i++
	if c.lit("}") {
		return true
	}
	var last []byte
	for first := true; ; first = false {
		name, ok := c.text()
		if !ok || !first && bytes.Compare(name, last) <= 0 {
			return false
		}
		for _, ch := range name {
			// Order and equality of names are those of their bytes only
			// if they are plain ASCII, without escapes.
			if ch >= utf8.RuneSelf || ch == '\\' {
				return false
			}
		}
		if last = name; !c.lit(":") || !c.value(depth) {
			return false
		}
		if c.lit("}") {
			return true
		}
		if !c.lit(",") {
			return false
		}
	}
}

func (c *checker) array(depth int) bool {
	c.i++
	if c.lit("]") {
		return true
	}
	for {
		if !c.value(depth) {
			return false
		}
		if c.lit("]") {
			return true
		}
		if !c.lit(",") {
			return false
		}
	}
}

// text reads a string and gives what is between its quotes.
func (c *checker) text() ([]byte, bool) {
	if c.next() != '"' {
		return nil, false
	}
	c.i++
	from, ascii := c.i, true
	for ; c.i < len(c.b); c.i++ {
		switch ch := c.b[c.i]; {
		case ch == '"':
			s := c.b[from:c.i]
			c.i++
			return s, ascii || utf8.Valid(s)
		case ch == '\\':
			c.i++
			switch c.next() {
			case '"', '\\', 'b', 'f', 'n', 'r', 't':
			default:
				return nil, false
			}
		case ch < ' ':
			return nil, false
		case ch >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, false
}

// number reads an integer of up to 15 digits: the form that needs no thought.
func (c *checker) number() bool {
	from := c.i
	if c.next() == '-' {
		c.i++
	}
	digits := c.i
	for c.i < len(c.b) && '0' <= c.b[c.i] && c.b[c.i] <= '9' {
		c.i++
	}
	n := c.i - digits
	if n == 0 || n > 15 || c.b[digits] == '0' && (n > 1 || digits > from) {
		return false
	}
	ch := c.next()
	return ch != '.' && ch != 'e' && ch != 'E'
}
