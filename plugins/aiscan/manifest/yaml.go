package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// yaml reads the first document of the file as YAML. After a fault it takes what
// is sound before it.
func (f *file) yaml() *node {
	if docs := f.documents(); len(docs) > 0 {
		return docs[0]
	}
	return nil
}

// documents reads all documents of the file.
func (f *file) documents() []*node {
	text := f.text
	if bytes.IndexByte(text, '\t') >= 0 {
		text = bytes.ReplaceAll(text, []byte("\t"), []byte(" "))
	}
	if root, ok := plainYAML(text); ok {
		return []*node{root}
	}
	if docs, ok := f.yamlTrees(text); ok {
		return docs
	}
	n := soundLines(text)
	f.fail(n+1, "not valid YAML")
	if n == 0 {
		return nil
	}
	docs, _ := f.yamlTrees(before(text, n+1))
	return docs
}

// yamlTrees reads text that is sound; false means that it is not.
func (f *file) yamlTrees(text []byte) ([]*node, bool) {
	var docs []*node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for len(docs) < 100 {
		var doc yaml.Node
		if err := dec.Decode(&doc); err != nil {
			return docs, errors.Is(err, io.EOF)
		}
		p := &yamlParser{done: map[*yaml.Node]*node{}}
		docs = append(docs, p.convert(&doc, 0))
		if p.err != "" {
			f.fail(0, p.err)
			break
		}
	}
	return docs, true
}

// isSound reports whether all of a text can be read.
func isSound(text []byte) bool {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for range 100 {
		var doc yaml.Node
		if err := dec.Decode(&doc); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
	return true
}

// soundLines is how many lines from the first one are sound together. The
// parser names the line on which what is wrong begins, which may be the first
// of the file, so it is searched for by halves; not in a file so large that this takes long.
func soundLines(text []byte) int {
	if len(text) > 1<<20 {
		return 0
	}
	low, high := 0, bytes.Count(text, []byte("\n"))+1 // low is sound, high is not
	for low+1 < high {
		mid := (low + high) / 2
		if isSound(before(text, mid+1)) {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// before is the text before a line.
func before(text []byte, line int) []byte {
	at := 0
	for n := 1; n < line; n++ {
		i := bytes.IndexByte(text[at:], '\n')
		if i < 0 {
			return text
		}
		at += i + 1
	}
	return text[:at]
}

type yamlParser struct {
	slab
	done map[*yaml.Node]*node // what anchors name; shared and not copied, so aliases cannot grow
	err  string
}

func (p *yamlParser) convert(y *yaml.Node, depth int) *node {
	if p.full() || depth > maxDepth {
		p.err = fmt.Sprintf("deeper than %d levels or more than %d values", maxDepth, maxNodes)
		return nil
	}
	switch y.Kind {
	case yaml.DocumentNode:
		if len(y.Content) == 0 {
			return nil
		}
		return p.convert(y.Content[0], depth)
	case yaml.AliasNode:
		return p.done[y.Alias] // nil while the anchor itself is being read
	case yaml.ScalarNode:
		n := p.new(scalar, y.Line)
		n.text = y.Value
		switch y.Tag {
		case "!!str":
			n.kind = str
		case "!!null":
			n.kind, n.text = none, ""
		}
		p.keep(y, n)
		return n
	case yaml.SequenceNode:
		n := p.new(list, y.Line)
		for _, c := range y.Content {
			if k := p.convert(c, depth+1); k != nil {
				n.kids = append(n.kids, k)
			}
		}
		p.keep(y, n)
		return n
	case yaml.MappingNode:
		n := p.new(table, y.Line)
		p.mapping(n, y, depth)
		p.keep(y, n)
		return n
	}
	return nil
}

func (p *yamlParser) keep(y *yaml.Node, n *node) {
	if y.Anchor != "" {
		p.done[y] = n
	}
}

func (p *yamlParser) mapping(n *node, y *yaml.Node, depth int) {
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, val := y.Content[i], y.Content[i+1]
		v := p.convert(val, depth+1)
		if v == nil {
			v = p.new(none, key.Line)
		}
		if key.Tag == "!!merge" && v.kind == table && len(n.keys) < 10_000 {
			n.keys = append(n.keys, v.keys...)
			n.kids = append(n.kids, v.kids...)
			continue
		}
		if val.Kind != yaml.AliasNode {
			v.line = key.Line
		}
		n.put(key.Value, v)
	}
}
