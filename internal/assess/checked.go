package assess

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"sort"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"

	"github.com/exhibit-aims/exhibit/internal/catalog"
)

// celModule is what parses and type-checks conditions.
const celModule = "github.com/google/cel-go"

// keySize is the length of a conditionKey; in the index, its place follows it.
const keySize = 16

// conditionKey stands for a condition's text and the variables that it may use.
type conditionKey [keySize]byte

func keyOf(vars, text string) conditionKey {
	b := make([]byte, 0, 1024)
	b = append(append(append(b, vars...), 0), text...)
	sum := sha256.Sum256(b)
	return conditionKey(sum[:keySize])
}

// words says which variables a scope has and of which types, with the types of
// a rule's params, which no kind tells.
func (s *schema) words(vars []variable) string {
	var b strings.Builder
	for _, v := range vars {
		fmt.Fprintf(&b, "%s %s\n", v.name, v.typ)
		if o := s.objects[v.typ.TypeName()]; o != nil && strings.HasPrefix(o.name, "params.") {
			for _, f := range o.fields {
				fmt.Fprintf(&b, ".%s %s\n", f.name, f.cel)
			}
		}
	}
	return b.String()
}

// circumstances is a digest of what the check of every condition depends on:
// the functions, variables and macros of the language, and the kinds. The
// version of celModule is beside it. What the macros make of a condition is
// code of this package, so a test holds it against what comes with it.
func circumstances(base *cel.Env, cat *catalog.Catalog) [sha256.Size]byte {
	b := make([]byte, 0, 128<<10)
	functions := base.Functions()
	for _, name := range slices.Sorted(maps.Keys(functions)) {
		b = append(append(b, name...), '\n')
		for _, o := range functions[name].OverloadDecls() {
			b = append(append(b, o.ID()...), ' ')
			for _, t := range append(slices.Clone(o.ArgTypes()), o.ResultType()) {
				b = append(append(b, t.String()...), ' ')
			}
			if o.IsMemberFunction() {
				b = append(b, "member"...)
			}
			b = append(b, '\n')
		}
	}
	for _, v := range base.Variables() {
		b = append(append(append(append(b, v.Name()...), ' '), v.Type().String()...), '\n')
	}
	macros := base.Macros()
	keys := make([]string, len(macros))
	for i, m := range macros {
		keys[i] = m.MacroKey()
	}
	slices.Sort(keys)
	for _, k := range keys {
		b = append(append(b, k...), '\n')
	}
	for _, k := range cat.Kinds {
		b = append(append(append(b, k.ID...), ' '), k.Nature...)
		b = append(appendFields(b, k.Fields), '\n')
	}
	return sha256.Sum256(b)
}

func appendFields(b []byte, fields []catalog.Field) []byte {
	b = append(b, '{')
	for i := range fields {
		t := &fields[i].Type
		b = append(append(b, fields[i].Name...), ' ')
		for ; t.Elem != nil; t = t.Elem {
			b = append(append(b, t.Name...), ' ')
		}
		b = append(appendFields(append(b, t.Name...), t.Fields), ',')
	}
	return append(b, '}')
}

// celVersion names the celModule that a program was built with. Programs that
// tests make do not know it.
func celVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "?"
	}
	for _, d := range info.Deps {
		if d.Path == celModule {
			if d.Replace != nil {
				d = d.Replace
			}
			return d.Path + " " + d.Version
		}
	}
	if len(info.Deps) > 0 {
		return "?"
	}
	return ""
}

// checkedConditions are conditions parsed and type-checked, in a form that is
// read fifty times as fast as they are. A condition that is not among them is
// type-checked when it is needed.
//
// The text begins with the version of celModule and the circumstances. Then
// come the words that occur; the types, each with those it is made of before
// it; what names refer to; and the keys in their order, each with where
// the condition begins in the bodies, which are the rest.
type checkedConditions struct {
	words  []string
	types  []*types.Type
	refs   []*ast.ReferenceInfo
	index  string
	bodies string
}

const entrySize = keySize + 4

// openChecked returns nil if the text was not made in these circumstances.
func openChecked(text string, in [sha256.Size]byte) *checkedConditions {
	r := &checkedReader{rest: text}
	made, here := r.text(), celVersion()
	if here != "" && made != here || r.take(len(in)) != string(in[:]) {
		return nil
	}
	c := &checkedConditions{words: make([]string, r.count())}
	r.of = c
	for i := range c.words {
		c.words[i] = r.text()
	}
	c.types = make([]*types.Type, 0, r.count())
	for range cap(c.types) {
		c.types = append(c.types, r.typ())
	}
	c.refs = make([]*ast.ReferenceInfo, r.count())
	for i := range c.refs {
		c.refs[i] = r.reference()
	}
	c.index = r.take(r.count() * entrySize)
	c.bodies = r.rest
	if r.bad {
		return nil
	}
	return c
}

// find reads a condition; nil if it is not there.
func (c *checkedConditions) find(key conditionKey) *ast.AST {
	if c == nil {
		return nil
	}
	entry := func(i int) string { return c.index[i*entrySize : (i+1)*entrySize] }
	i, ok := sort.Find(len(c.index)/entrySize, func(i int) int { return cmp.Compare(string(key[:]), entry(i)[:keySize]) })
	if !ok {
		return nil
	}
	at := binary.BigEndian.Uint32([]byte(entry(i)[keySize:]))
	if int64(at) > int64(len(c.bodies)) {
		return nil
	}
	return (&checkedReader{of: c, rest: c.bodies[at:]}).condition()
}
