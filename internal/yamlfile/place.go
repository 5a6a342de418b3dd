package yamlfile

import (
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

// Has reports whether there is a value at the path; null counts as none.
func (f *File) Has(at Path) bool {
	n, deep := f.find(at)
	return deep == len(at) && n != nil && n.Type() != ast.NullType
}

// Position returns where the value at a path begins, both from 1; if there is
// no such value, the nearest thing around it.
func (f *File) Position(at Path) (line, column int) {
	n, deep := f.find(at)
	if deep < len(at) && deep > 0 {
		// The value is absent: its parent's key says more than its first child.
		if _, isKey := at[deep-1].(string); isKey {
			return f.keyPosition(at[:deep])
		}
	}
	return start(n)
}

// keyPosition returns where the key of the last step begins.
func (f *File) keyPosition(at Path) (line, column int) {
	if len(at) == 0 {
		return start(f.root)
	}
	parent, deep := f.find(at[:len(at)-1])
	key, isKey := at[len(at)-1].(string)
	if deep == len(at)-1 && isKey {
		for _, v := range pairs(parent) {
			if keyText(v) == key {
				p := v.Key.GetToken().Position
				return p.Line, p.Column
			}
		}
	}
	return f.Position(at)
}

// find walks as far along the path as values exist and says how many steps
// that were.
func (f *File) find(at Path) (ast.Node, int) {
	n := f.root
	for i, step := range at {
		next := child(n, step)
		if next == nil {
			return n, i
		}
		n = next
	}
	return n, len(at)
}

func child(n ast.Node, step any) ast.Node {
	switch s := step.(type) {
	case string:
		for _, v := range pairs(n) {
			if keyText(v) == s {
				return v.Value
			}
		}
	case int:
		if list, ok := n.(*ast.SequenceNode); ok && s >= 0 && s < len(list.Values) {
			return list.Values[s]
		}
	}
	return nil
}

// pairs returns the entries of a mapping, nil for anything else.
func pairs(n ast.Node) []*ast.MappingValueNode {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}
	}
	return nil
}

func keyText(v *ast.MappingValueNode) string {
	switch k := v.Key.(type) {
	case *ast.StringNode:
		return k.Value
	case nil:
		return ""
	default:
		return k.GetToken().Value
	}
}

// start is where a value begins in the text.
func start(n ast.Node) (line, column int) {
	if n == nil {
		return 1, 1
	}
	switch m := n.(type) {
	case *ast.MappingNode:
		if !m.IsFlowStyle && len(m.Values) > 0 {
			return start(m.Values[0])
		}
	case *ast.MappingValueNode:
		if m.Key != nil {
			p := m.Key.GetToken().Position
			return p.Line, p.Column
		}
	}
	t := n.GetToken()
	if t == nil || t.Position == nil {
		return 1, 1
	}
	return t.Position.Line, t.Position.Column
}

// within finds line and column of a scalar's text in the file.
func (f *File) within(at Path, line, column int) (int, int) {
	n, deep := f.find(at)
	l, c := start(n)
	if deep < len(at) {
		return f.Position(at)
	}
	switch s := n.(type) {
	case *ast.LiteralNode:
		if !strings.HasPrefix(s.Start.Value, "|") {
			return l, c
		}
		return f.withinLiteral(l, line, column)
	case *ast.StringNode:
		if line > 1 || strings.ContainsRune(s.Value, '\n') {
			return l, c
		}
		if l <= len(f.lines) && c >= 1 && c <= utf8.RuneCountInString(f.lines[l-1]) {
			if q := []rune(f.lines[l-1])[c-1]; q == '"' || q == '\'' {
				c++
			}
		}
		return l, c + column
	}
	return l, c
}

// withinLiteral counts from the first line below the | of a literal block.
func (f *File) withinLiteral(header, line, column int) (int, int) {
	first := header
	for first < len(f.lines) && strings.TrimSpace(f.lines[first]) == "" {
		first++
	}
	if first >= len(f.lines) {
		return header, 1
	}
	text := f.lines[first]
	indent := len(text) - len(strings.TrimLeft(text, " "))
	return min(header+line, len(f.lines)), indent + column + 1
}

// lastLine is where a value ends in the text.
func lastLine(n ast.Node) int {
	line, _ := start(n)
	switch v := n.(type) {
	case nil:
	case *ast.MappingNode, *ast.MappingValueNode:
		for _, e := range pairs(v) {
			line = max(line, lastLine(e.Value))
		}
	case *ast.SequenceNode:
		for _, item := range v.Values {
			line = max(line, lastLine(item))
		}
	case *ast.LiteralNode:
		line += strings.Count(v.Value.GetToken().Origin, "\n") + 1
	default:
		if t := n.GetToken(); t != nil {
			line += strings.Count(strings.TrimSpace(t.Origin), "\n")
		}
	}
	return line
}
