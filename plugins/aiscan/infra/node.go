package infra

import "strings"

// kind tells what a node is.
type kind uint8

const (
	scalar kind = iota
	mapping
	sequence
)

// node is a value of a YAML, JSON, TOML or HCL file, with the line at which it
// begins. All methods may be called on nil, which is the absent value.
type node struct {
	kind  kind
	text  string   // of a scalar
	block bool     // a scalar whose text begins in the line below
	tag   string   // a tag of the file's own, without the exclamation mark: Sub, Ref, GetAtt
	line  int      //
	keys  []string // of a mapping, as written
	lines []int    // of the keys
	items []*node  // values of a mapping, in the order of keys, or of a sequence
}

// get follows keys from one mapping to the next.
func (n *node) get(keys ...string) *node {
	for _, k := range keys {
		n = n.child(k)
	}
	return n
}

func (n *node) child(key string) *node {
	if n == nil || n.kind != mapping {
		return nil
	}
	for i, k := range n.keys {
		if k == key {
			return n.items[i]
		}
	}
	return nil
}

// fold is child without regard to case.
func (n *node) fold(key string) *node {
	if n == nil || n.kind != mapping {
		return nil
	}
	for i, k := range n.keys {
		if strings.EqualFold(k, key) {
			return n.items[i]
		}
	}
	return nil
}

// str is the text of the scalar at the keys, or nothing.
func (n *node) str(keys ...string) string {
	if n = n.get(keys...); n != nil && n.kind == scalar {
		return n.text
	}
	return ""
}

// has reports whether a key is there at all.
func (n *node) has(key string) bool { return n.child(key) != nil }

// each calls f for the entries of a mapping.
func (n *node) each(f func(key string, line int, value *node)) {
	if n == nil || n.kind != mapping {
		return
	}
	for i, k := range n.keys {
		f(k, n.lines[i], n.items[i])
	}
}

// list returns the items of a sequence, or a scalar as its only item.
func (n *node) list() []*node {
	switch {
	case n == nil, n.kind == mapping:
		return nil
	case n.kind == scalar:
		if n.text == "" {
			return nil
		}
		return []*node{n}
	}
	return n.items
}

// values returns the items of a sequence or the values of a mapping.
func (n *node) values() []*node {
	if n == nil || n.kind == scalar {
		return nil
	}
	return n.items
}

// put adds an entry to a mapping.
func (n *node) put(key string, line int, value *node) {
	n.keys, n.lines, n.items = append(n.keys, key), append(n.lines, line), append(n.items, value)
}

// walk calls f for every scalar below n with the keys that lead to it, joined
// by dots. Items of sequences have the path of the sequence.
func (n *node) walk(f func(path string, key string, value *node)) { n.descend("", "", f) }

func (n *node) descend(path, key string, f func(path, key string, value *node)) {
	if n == nil || len(path) > 400 {
		return
	}
	switch n.kind {
	case scalar:
		f(path, key, n)
	case sequence:
		for _, v := range n.items {
			v.descend(path, key, f)
		}
	case mapping:
		for i, k := range n.keys {
			p := k
			if path != "" {
				p = path + "." + k
			}
			n.items[i].descend(p, k, f)
		}
	}
}

// begin is the line at which the text of a scalar begins.
func (n *node) begin() int {
	if n.block {
		return n.line + 1
	}
	return n.line
}
