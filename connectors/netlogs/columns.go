package netlogs

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// columns reads lines of separated values: CSV, TSV, Zeek's logs, W3C's
// extended format. Which column says what comes from numbers in the settings or
// from names in a header.
type columns struct {
	sep    byte
	quoted bool
	names  map[string]role // by name in the header, lower case
	roles  []role          // by column
	hosts  []int           // columns that name a host
	last   int             // the last column that is read
	header []byte          // the header, to know it again
	mark   string          // what a header begins with: #fields, #Fields:; empty: the first line
}

// newColumns takes a map of column to role. A column is a name in the header or
// a number from 1.
func newColumns(sep byte, quoted bool, names map[string]role) *columns {
	c := &columns{sep: sep, quoted: quoted, names: names}
	for name, r := range names {
		if n, err := strconv.Atoi(name); err == nil && n > 0 && n <= 4096 {
			c.set(n-1, r)
		}
	}
	c.order()
	return c
}

// numbered reports whether columns are known without a header.
func (c *columns) numbered() bool { return len(c.roles) > 0 && len(c.header) == 0 }

func (c *columns) set(i int, r role) {
	for len(c.roles) <= i {
		c.roles = append(c.roles, noRole)
	}
	c.roles[i] = r
}

func (c *columns) order() {
	c.hosts, c.last = nil, len(c.roles)-1
	for i, r := range c.roles {
		if r.ofHost() {
			c.hosts = append(c.hosts, i)
		}
	}
}

// prime reads the header out of a file's beginning.
func (c *columns) prime(head []byte) error {
	if c.mark == "" && c.numbered() {
		return nil
	}
	for len(head) > 0 {
		line, rest, whole := field(head, '\n')
		if !whole && c.mark != "" {
			break
		}
		line = bytes.TrimRight(line, "\r")
		switch {
		case c.mark == "" && len(bytes.TrimSpace(line)) > 0:
			return c.take(line)
		case c.mark != "" && bytes.HasPrefix(line, []byte(c.mark)):
			return c.take(line)
		}
		head = rest
	}
	return fmt.Errorf("no header that names the columns was found at its beginning")
}

// take reads a header.
func (c *columns) take(line []byte) error {
	text := line
	if c.mark != "" {
		text = bytes.TrimLeft(line[len(c.mark):], " \t")
	}
	c.roles = c.roles[:0]
	missing := map[string]bool{}
	for name := range c.names {
		missing[name] = true
	}
	for i, cell := range c.split(text) {
		name := strings.ToLower(strings.TrimSpace(string(cell)))
		if r := c.names[name]; r != noRole {
			c.set(i, r)
			delete(missing, name)
		}
	}
	c.header = bytes.Clone(line)
	c.order()
	if len(c.hosts) == 0 {
		return fmt.Errorf("no column of its header names the host")
	}
	if c.mark == "" && len(missing) > 0 {
		for name := range missing {
			if r := c.names[name]; r.ofHost() || r == roleTime {
				return fmt.Errorf("its header has no column %q", name)
			}
		}
	}
	return nil
}

// split returns all cells of a line.
func (c *columns) split(b []byte) [][]byte {
	var out [][]byte
	for more := true; more; {
		var f []byte
		f, b, more = c.cell(b)
		out = append(out, f)
	}
	return out
}

// cell cuts one cell off; more is false if it was the last.
func (c *columns) cell(b []byte) (f, rest []byte, more bool) {
	if c.quoted && len(b) > 0 && b[0] == '"' {
		for i := 1; i < len(b); i++ {
			if b[i] != '"' {
				continue
			}
			if i+1 < len(b) && b[i+1] == '"' { // "" is a quotation mark inside
				i++
				continue
			}
			f, rest = b[1:i], b[i+1:]
			if len(rest) == 0 {
				return f, nil, false
			}
			if rest[0] == c.sep {
				return f, rest[1:], true
			}
			return f, nil, false
		}
		return nil, nil, false // never closed
	}
	return field(b, c.sep)
}

func (c *columns) parse(b []byte, e *event) verdict {
	switch {
	case len(b) == 0:
		return other
	case c.mark != "" && b[0] == '#':
		if bytes.HasPrefix(b, []byte(c.mark)) && !bytes.Equal(b, c.header) && c.take(b) != nil {
			return bad
		}
		return other
	case len(c.roles) == 0:
		return bad
	case len(c.header) > 0 && bytes.Equal(b, c.header):
		return other
	}
	var v values
	i, left, wanted := 0, len(c.hosts), false
	for more := true; more && i <= c.last; i++ {
		var f []byte
		f, b, more = c.cell(b)
		if f == nil && !more && i < c.last {
			return bad
		}
		r := c.roles[i]
		if r == noRole || len(given(v[r])) > 0 {
			continue
		}
		v[r] = f
		if r.ofHost() && !wanted {
			if left--; left == 0 || e.to == nil {
				if wanted = v.hosts(e); !wanted && left == 0 {
					return c.turned(&v)
				}
			}
		}
	}
	if i <= c.hosts[0] {
		return bad
	}
	if !wanted && !v.hosts(e) {
		return c.turned(&v)
	}
	if i <= c.last && len(v[roleTime]) == 0 {
		return bad
	}
	return v.take(e)
}

// turned is the verdict on a line whose host no signature names.
func (c *columns) turned(v *values) verdict {
	if v.some() {
		return miss
	}
	return other // no host: another kind of line
}
