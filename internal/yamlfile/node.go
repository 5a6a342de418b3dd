package yamlfile

import (
	"github.com/goccy/go-yaml/ast"
)

// Shape is the form of a value.
type Shape int

// Shapes of a value. The zero value is an absent value or null.
const (
	Null Shape = iota
	Scalar
	Sequence
	Mapping
)

func (s Shape) String() string {
	return [...]string{"nothing", "a single value", "a list", "a mapping"}[s]
}

// Node is a value in a file. A field of type Node keeps the value undecoded,
// so that a reader can decode it once it knows what it is.
type Node struct {
	file *File
	node ast.Node
	at   Path
}

// Unmarshaler decodes itself. Problems are recorded with n.Problemf or by
// n.Decode.
type Unmarshaler interface {
	UnmarshalNode(n Node)
}

// Root returns the whole file as a Node.
func (f *File) Root() Node { return Node{file: f, node: f.root} }

// Shape returns the form of the value.
func (n Node) Shape() Shape {
	switch n.node.(type) {
	case nil, *ast.NullNode:
		return Null
	case *ast.MappingNode, *ast.MappingValueNode:
		return Mapping
	case *ast.SequenceNode:
		return Sequence
	}
	return Scalar
}

// Path leads to the value from the root of its file.
func (n Node) Path() Path { return n.at }

// File is the file the value stands in; nil for the zero Node.
func (n Node) File() *File { return n.file }

// Keys returns the keys of a mapping in the order of the text, without
// repetitions.
func (n Node) Keys() []string {
	var out []string
	seen := map[string]bool{}
	for _, v := range pairs(n.node) {
		if k := keyText(v); !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	return out
}

// Len returns the number of items of a list, or of entries of a mapping,
// repetitions included.
func (n Node) Len() int {
	if s, ok := n.node.(*ast.SequenceNode); ok {
		return len(s.Values)
	}
	return len(pairs(n.node))
}

// Text returns a single value as it is written, be it text or a number, and
// false for anything else.
func (n Node) Text() (string, bool) {
	switch v := n.node.(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.LiteralNode:
		return v.Value.Value, true
	}
	if n.Shape() != Scalar {
		return "", false
	}
	return n.node.GetToken().Value, true
}

// Child returns the value under a key (string) or index (int); its Shape is
// Null if there is none.
func (n Node) Child(step any) Node {
	return Node{file: n.file, node: child(n.node, step), at: n.at.Then(step)}
}

// Decode decodes the value into a pointer as File.Decode does.
func (n Node) Decode(into any) { n.file.decodeInto(n.node, n.at, into) }

// Problemf records a problem with the value.
func (n Node) Problemf(format string, args ...any) *Problem {
	return n.file.Problemf(n.at, format, args...)
}

// Place says where the value stands.
func (n Node) Place() Place { return Place{file: n.file, at: n.at} }

// Place is where a value stands, without the value. It keeps nothing of a
// file that was told to Forget.
type Place struct {
	file *File
	at   Path
}

// File is the file of the place; nil for the zero Place.
func (p Place) File() *File { return p.file }

// Path leads to the place from the root of its file.
func (p Place) Path() Path { return p.at }

// Child is the place under a key (string) or index (int).
func (p Place) Child(step any) Place { return Place{file: p.file, at: p.at.Then(step)} }

// Problemf records a problem with what stands at the place.
func (p Place) Problemf(format string, args ...any) *Problem {
	return p.file.Problemf(p.at, format, args...)
}

// Forget drops the parsed text, which takes several times the room of the file.
// Values cannot be decoded any more, and problems are recorded without a line.
func (f *File) Forget() { f.root = nil }
