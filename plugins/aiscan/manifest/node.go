package manifest

import "strings"

// node is a value of a JSON, YAML or TOML file with the line it stands on. A
// value that has a key stands on the line of its key. All methods accept nil.
type node struct {
	kind nodeKind
	line int
	text string // of a scalar
	keys []string
	kids []*node
}

type nodeKind uint8

const (
	none   nodeKind = iota
	str             // a string
	scalar          // a number, a boolean, a date
	list
	table
)

// get follows keys from table to table.
func (n *node) get(path ...string) *node {
	for _, key := range path {
		if n == nil || n.kind != table {
			return nil
		}
		var next *node
		for i, k := range n.keys {
			if k == key {
				next = n.kids[i] // the last of several, as parsers take it
			}
		}
		n = next
	}
	return n
}

// each calls visit for each key of a table, in the order of the file.
func (n *node) each(visit func(key string, v *node)) {
	if n == nil || n.kind != table {
		return
	}
	for i, k := range n.keys {
		visit(k, n.kids[i])
	}
}

// items is the values of a list; a table or a scalar has none.
func (n *node) items() []*node {
	if n == nil || n.kind != list {
		return nil
	}
	return n.kids
}

// one is the items of a list, or the value itself where one may stand for a list.
func (n *node) one() []*node {
	if n == nil || n.kind == none {
		return nil
	}
	if n.kind == list {
		return n.kids
	}
	return []*node{n}
}

// str is the text of a scalar, empty for anything else.
func (n *node) str() string {
	if n == nil {
		return ""
	}
	return n.text
}

func (n *node) isTrue() bool { return n != nil && n.text == "true" }

func (n *node) isTable() bool { return n != nil && n.kind == table }

func (n *node) isStr() bool { return n != nil && n.kind == str }

// has reports whether a list of strings holds one.
func (n *node) has(s string) bool {
	for _, k := range n.items() {
		if k.text == s {
			return true
		}
	}
	return false
}

// at is the line of a node, or the other line for none.
func (n *node) at(line int) int {
	if n == nil || n.line == 0 {
		return line
	}
	return n.line
}

// slab hands out nodes in blocks and bounds their number.
type slab struct {
	block []node
	used  int
}

func (s *slab) new(k nodeKind, line int) *node {
	if len(s.block) == 0 {
		s.block = make([]node, min(4096, 64+s.used))
	}
	n := &s.block[0]
	s.block = s.block[1:]
	s.used++
	n.kind, n.line = k, line
	return n
}

func (s *slab) full() bool { return s.used > maxNodes }

// put sets a key of a table.
func (n *node) put(key string, v *node) {
	n.keys = append(n.keys, key)
	n.kids = append(n.kids, v)
}

// fields splits text at white space and at commas.
func fields(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' || r == '\n' })
}
