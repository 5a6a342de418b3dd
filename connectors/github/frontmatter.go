package github

import (
	"bytes"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxMatter bounds the front matter that is read, in bytes.
const maxMatter = 16 << 10

// frontMatter returns the fields that a Markdown file states about itself
// between two lines of --- at its start: texts, numbers, yes or no, and lists
// of them, all as text. Anything else there is left out; nil if there is none.
func frontMatter(b []byte) (fields map[string]any) {
	matter := matterOf(b)
	if matter == nil {
		return nil
	}
	defer func() {
		if recover() != nil { // the parser gave up on hostile input
			fields = nil
		}
	}()
	f, err := parser.ParseBytes(matter, 0)
	if err != nil || len(f.Docs) != 1 {
		return nil
	}
	var pairs []*ast.MappingValueNode
	switch body := f.Docs[0].Body.(type) {
	case *ast.MappingNode:
		pairs = body.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{body}
	}
	fields = map[string]any{}
	for _, p := range pairs {
		name, ok := scalar(p.Key)
		if !ok {
			continue
		}
		if list, isList := p.Value.(*ast.SequenceNode); isList {
			values := []string{}
			for _, e := range list.Values {
				if s, ok := scalar(e); ok {
					values = append(values, s)
				}
			}
			fields[name] = values
		} else if s, ok := scalar(p.Value); ok {
			fields[name] = s
		}
	}
	return fields
}

func matterOf(b []byte) []byte {
	first, rest, found := bytes.Cut(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")), []byte("\n"))
	if !found || string(bytes.TrimRight(first, " \r")) != "---" {
		return nil
	}
	for at := 0; at < len(rest) && at <= maxMatter; {
		l, _, _ := bytes.Cut(rest[at:], []byte("\n"))
		if string(bytes.TrimRight(l, " \r")) == "---" {
			return rest[:at]
		}
		at += len(l) + 1
	}
	return nil
}

// scalar returns a single value as it is written.
func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return line(n.Value, 500), true
	case *ast.IntegerNode:
		return line(n.Token.Value, 500), true
	case *ast.FloatNode:
		return line(n.Token.Value, 500), true
	case *ast.BoolNode:
		return line(n.Token.Value, 500), true
	}
	return "", false
}
