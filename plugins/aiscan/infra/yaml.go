package infra

import (
	"bytes"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Limits of a YAML file: the largest document, and how many.
const (
	maxDocument  = 2 << 20
	maxDocuments = 10000
)

// eachYAML reads the documents of a file one by one. A document that is broken
// or too large is an error and does not hide the others.
func eachYAML(data []byte, f func(doc *node)) error {
	var errs []error
	all, err := documents(data)
	if err != nil {
		errs = append(errs, err)
	}
	for _, d := range all {
		doc, err := parseYAML(d.text, d.line)
		if err != nil && len(errs) < 8 {
			errs = append(errs, err)
		}
		if doc != nil {
			f(doc)
		}
	}
	return errors.Join(errs...)
}

// document is a part of a file between two lines of three dashes.
type document struct {
	text []byte
	line int // lines before it
}

// documents splits a file. Empty documents are left out.
func documents(data []byte) ([]document, error) {
	var all []document
	add := func(text []byte, line int) {
		if len(bytes.Trim(text, "- \t\r\n")) > 0 {
			all = append(all, document{text, line})
		}
	}
	start, startLine, line := 0, 0, 0
	for at := 0; at < len(data); line++ {
		end := bytes.IndexByte(data[at:], '\n')
		if end < 0 {
			end = len(data) - at
		}
		if l := bytes.TrimRight(data[at:at+end], "\r"); at > start && isMarker(l) {
			add(data[start:at], startLine)
			start, startLine = at, line
			if len(all) >= maxDocuments {
				return all, ErrTooMany
			}
		}
		at += end + 1
	}
	add(data[start:], startLine)
	return all, nil
}

func isMarker(line []byte) bool {
	return bytes.HasPrefix(line, []byte("---")) && (len(line) == 3 || line[3] == ' ' || line[3] == '\t')
}

// parseYAML reads one document. Aliases and merge keys are written out, up to a
// number of nodes.
func parseYAML(text []byte, before int) (doc *node, err error) {
	if len(text) > maxDocument {
		return nil, fmt.Errorf("line %d: %w", before+1, ErrTooLarge)
	}
	defer func() {
		// The reader of YAML promises no panic, but is not ours to answer for.
		if r := recover(); r != nil {
			doc, err = nil, fmt.Errorf("line %d: %w", before+1, ErrSyntax)
		}
	}()
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, fmt.Errorf("line %d: %w", before+1, ErrSyntax)
	}
	if len(root.Content) == 0 {
		return nil, nil
	}
	c := converter{left: maxNodes, before: before}
	doc = c.node(root.Content[0], 0)
	if c.left <= 0 {
		err = fmt.Errorf("line %d: %w", before+1, ErrTooMany)
	}
	return doc, err
}

// converter writes out a YAML tree.
type converter struct {
	left   int
	before int
}

func (c *converter) node(y *yaml.Node, depth int) *node {
	for y != nil && y.Kind == yaml.AliasNode && depth < maxDepth {
		y, depth = y.Alias, depth+1
	}
	if c.left--; c.left <= 0 || y == nil || depth >= maxDepth {
		return nil
	}
	n := &node{line: y.Line + c.before}
	if len(y.Tag) > 1 && y.Tag[0] == '!' && y.Tag[1] != '!' {
		n.tag = y.Tag[1:]
	}
	switch y.Kind {
	case yaml.SequenceNode:
		n.kind = sequence
		for _, item := range y.Content {
			if v := c.node(item, depth+1); v != nil {
				n.items = append(n.items, v)
			}
		}
	case yaml.MappingNode:
		n.kind = mapping
		c.mapping(n, y, depth)
	default:
		if y.Tag != "!!null" {
			n.text = y.Value
			n.block = y.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0
		}
	}
	return n
}

func (c *converter) mapping(n *node, y *yaml.Node, depth int) {
	var merged []*node
	for i := 0; i+1 < len(y.Content) && c.left > 0; i += 2 {
		k, v := y.Content[i], c.node(y.Content[i+1], depth+1)
		if v == nil || k.Kind != yaml.ScalarNode {
			continue
		}
		if k.Tag == "!!merge" {
			merged = append(merged, v)
			continue
		}
		n.put(k.Value, k.Line+c.before, v)
	}
	if len(merged) == 0 {
		return
	}
	own := make(map[string]bool, len(n.keys))
	for _, k := range n.keys {
		own[k] = true
	}
	for _, m := range merged {
		from := []*node{m}
		if m.kind == sequence {
			from = m.items
		}
		for _, f := range from {
			f.each(func(key string, line int, value *node) {
				if !own[key] {
					own[key] = true
					n.put(key, line, value)
				}
			})
		}
	}
}
