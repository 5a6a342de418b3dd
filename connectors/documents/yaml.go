package documents

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// decodeYAML reads the documents of a YAML stream as plain values: string,
// json.Number (with the digits as written, so that 2.0 stays 2.0), bool, nil,
// []any, map[string]any. Anchors, aliases, merge keys and tags are refused:
// nothing in a record needs them, and they make small files mean large ones.
func decodeYAML(b []byte) (docs []any, err error) {
	if len(b) > maxRecordBytes {
		return nil, fmt.Errorf("larger than %d bytes", maxRecordBytes)
	}
	defer func() {
		if r := recover(); r != nil { // the parser gave up on hostile input
			docs, err = nil, errors.New("not YAML that can be read")
		}
	}()
	f, err := parser.ParseBytes(b, 0)
	if err != nil {
		return nil, fmt.Errorf("not YAML: %s", firstLine(err.Error()))
	}
	for _, d := range f.Docs {
		if d.Body == nil {
			continue
		}
		v, err := yamlValue(d.Body, 0)
		if err != nil {
			return nil, err
		}
		if v != nil {
			docs = append(docs, v)
		}
	}
	return docs, nil
}

func yamlValue(n ast.Node, depth int) (any, error) {
	if depth > 32 {
		return nil, errors.New("nests deeper than 32")
	}
	switch n := n.(type) {
	case *ast.NullNode, nil:
		return nil, nil
	case *ast.CommentGroupNode:
		return nil, nil
	case *ast.StringNode:
		return n.Value, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.BoolNode:
		return n.Value, nil
	case *ast.IntegerNode:
		return yamlNumber(n.Value, n.Token.Value), nil
	case *ast.FloatNode:
		return yamlNumber(n.Value, n.Token.Value), nil
	case *ast.SequenceNode:
		list := make([]any, 0, len(n.Values))
		for _, e := range n.Values {
			v, err := yamlValue(e, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case *ast.MappingNode:
		return yamlMap(n.Values, depth)
	case *ast.MappingValueNode:
		return yamlMap([]*ast.MappingValueNode{n}, depth)
	}
	return nil, fmt.Errorf("line %d: anchors, aliases, tags and the like are not allowed in a record",
		n.GetToken().Position.Line)
}

// yamlNumber keeps the digits as written where JSON can carry them, and text
// such as 0x1F or 1_000 as text, because it is more often an id than a count.
func yamlNumber(v any, written string) any {
	if f, ok := v.(float64); ok && (math.IsInf(f, 0) || math.IsNaN(f)) {
		return written
	}
	if json.Valid([]byte(written)) {
		return json.Number(written)
	}
	return written
}

func yamlMap(pairs []*ast.MappingValueNode, depth int) (any, error) {
	m := make(map[string]any, len(pairs))
	for _, p := range pairs {
		k, err := yamlValue(p.Key, depth+1)
		if err != nil {
			return nil, err
		}
		var name string
		switch k := k.(type) {
		case string:
			name = k
		case json.Number:
			name = k.String()
		default:
			return nil, fmt.Errorf("line %d: a field's name must be text", p.GetToken().Position.Line)
		}
		if _, twice := m[name]; twice {
			return nil, fmt.Errorf("line %d: field %s is there twice", p.GetToken().Position.Line, printable(name))
		}
		if m[name], err = yamlValue(p.Value, depth+1); err != nil {
			return nil, err
		}
	}
	return m, nil
}
