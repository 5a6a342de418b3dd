package yamlfile

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Decode decodes the file into a pointer and records every problem it meets:
// unknown and repeated keys, wrong types, required fields that are missing.
// What is right is decoded all the same, so that a reader can go on checking.
//
// A struct field takes part if it has a tag `yaml:"name"` or
// `yaml:"name,required"`; text that is required must not be blank. Types: string, bool, integers, floats, slices, maps
// with string keys, pointers, structs, time.Time (a date or RFC 3339; UTC),
// time.Duration (see ParseDuration), json.RawMessage (anything), any, Node,
// and types with UnmarshalNode or UnmarshalText. Null is the same as absent.
func (f *File) Decode(into any) { f.decodeInto(f.root, nil, into) }

func (f *File) decodeInto(n ast.Node, at Path, into any) {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		panic(fmt.Sprintf("yamlfile: Decode needs a pointer, not %T", into))
	}
	if n == nil {
		n = &ast.MappingNode{BaseNode: &ast.BaseNode{}} // an empty file: report what is required
		if v.Elem().Kind() != reflect.Struct {
			return
		}
	}
	f.value(n, at, v.Elem())
}

var (
	typeTime     = reflect.TypeFor[time.Time]()
	typeDuration = reflect.TypeFor[time.Duration]()
	typeRaw      = reflect.TypeFor[json.RawMessage]()
	typeNode     = reflect.TypeFor[Node]()
)

// value decodes one node. v is settable.
func (f *File) value(n ast.Node, at Path, v reflect.Value) {
	if v.Type() == typeNode {
		v.Set(reflect.ValueOf(Node{file: f, node: n, at: at}))
		return
	}
	if n == nil || n.Type() == ast.NullType {
		return
	}
	if u, ok := v.Addr().Interface().(Unmarshaler); ok {
		u.UnmarshalNode(Node{file: f, node: n, at: at})
		return
	}
	switch v.Type() {
	case typeTime:
		f.time(n, at, v)
		return
	case typeDuration:
		f.duration(n, at, v)
		return
	case typeRaw:
		f.raw(n, at, v)
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if s, ok := f.text(n, at); ok {
			if err := u.UnmarshalText([]byte(s)); err != nil {
				f.Problemf(at, "%s", err)
			}
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		f.value(n, at, p.Elem())
		v.Set(p)
	case reflect.Struct:
		f.structure(n, at, v)
	case reflect.Slice:
		f.list(n, at, v)
	case reflect.Map:
		f.mapping(n, at, v)
	case reflect.Interface:
		if got := f.free(n, at); got != nil {
			v.Set(reflect.ValueOf(got))
		}
	default:
		f.scalar(n, at, v)
	}
}

type fieldTag struct {
	name     string
	index    int
	required bool
}

func tagsOf(t reflect.Type) []fieldTag {
	var out []fieldTag
	for i := range t.NumField() {
		tag, ok := t.Field(i).Tag.Lookup("yaml")
		if !ok || tag == "-" {
			continue
		}
		name, option, _ := strings.Cut(tag, ",")
		out = append(out, fieldTag{name: name, index: i, required: option == "required"})
	}
	return out
}

func (f *File) structure(n ast.Node, at Path, v reflect.Value) {
	if !f.shaped(n, at, Mapping) {
		return
	}
	tags := tagsOf(v.Type())
	seen := map[string]bool{}
	for _, e := range pairs(n) {
		key := keyText(e)
		i := slices.IndexFunc(tags, func(t fieldTag) bool { return t.name == key })
		switch {
		case seen[key]:
			f.repeated(e, at)
		case i < 0:
			f.unknown(e, at, tags)
		default:
			f.value(e.Value, at.Then(key), v.Field(tags[i].index))
		}
		seen[key] = true
	}
	for _, t := range tags {
		switch {
		case !t.required:
		case !hasValue(n, t.name):
			f.missing(n, at, t.name, seen[t.name])
		case isBlank(child(n, t.name)):
			f.Problemf(at.Then(t.name), "is empty")
		}
	}
}

func hasValue(n ast.Node, key string) bool {
	c := child(n, key)
	return c != nil && c.Type() != ast.NullType
}

// isBlank reports whether a value is text without anything in it.
func isBlank(n ast.Node) bool {
	switch s := n.(type) {
	case *ast.StringNode:
		return strings.TrimSpace(s.Value) == ""
	case *ast.LiteralNode:
		return strings.TrimSpace(s.Value.Value) == ""
	}
	return false
}

func (f *File) missing(n ast.Node, at Path, name string, written bool) {
	if written {
		f.Problemf(at.Then(name), "has no value")
		return
	}
	line, col := 1, 1
	if len(pairs(n)) > 0 {
		line, col = start(n)
	}
	f.add(f.place(line, col, at.String(), fmt.Sprintf("%s is missing", name)))
}

// repeated reports the second use of a key at its own place.
func (f *File) repeated(e *ast.MappingValueNode, at Path) {
	key := keyText(e)
	p := e.Key.GetToken().Position
	f.add(f.place(p.Line, p.Column, at.Then(key).String(), "is written twice"))
}

func (f *File) unknown(e *ast.MappingValueNode, at Path, tags []fieldTag) {
	key := keyText(e)
	p := e.Key.GetToken().Position
	names := make([]string, 0, len(tags))
	for _, t := range tags {
		names = append(names, t.name)
	}
	pr := f.add(f.place(p.Line, p.Column, at.String(), fmt.Sprintf("unknown key %q", key)))
	if near := Nearest(key, names); near != "" {
		pr.Hint("did you mean %s?", near)
	} else {
		slices.Sort(names)
		pr.Hint("known keys: %s", strings.Join(names, ", "))
	}
}

func (f *File) list(n ast.Node, at Path, v reflect.Value) {
	if !f.shaped(n, at, Sequence) {
		return
	}
	items := n.(*ast.SequenceNode).Values
	out := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		if item == nil || item.Type() == ast.NullType {
			f.Problemf(at.Then(i), "an item without a value")
			continue
		}
		f.value(item, at.Then(i), out.Index(i))
	}
	v.Set(out)
}

func (f *File) mapping(n ast.Node, at Path, v reflect.Value) {
	if v.Type().Key().Kind() != reflect.String {
		panic(fmt.Sprintf("yamlfile: map keys must be strings, not %s", v.Type().Key()))
	}
	if !f.shaped(n, at, Mapping) {
		return
	}
	out := reflect.MakeMap(v.Type())
	for _, e := range pairs(n) {
		key := reflect.ValueOf(keyText(e)).Convert(v.Type().Key())
		if out.MapIndex(key).IsValid() {
			f.repeated(e, at)
			continue
		}
		item := reflect.New(v.Type().Elem()).Elem()
		f.value(e.Value, at.Then(keyText(e)), item)
		out.SetMapIndex(key, item)
	}
	v.Set(out)
}

// shaped reports whether n has the form wanted, and records it if not.
func (f *File) shaped(n ast.Node, at Path, want Shape) bool {
	got := Node{node: n}.Shape()
	if got == want {
		return true
	}
	f.Problemf(at, "want %s, this is %s", want, got)
	return false
}
