package assess

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"io/fs"
	"maps"
	"math"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"google.golang.org/protobuf/proto"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/catalog"
)

// What comes checked with the program is what a check of every shipped
// condition gives, and is read as it was written.
func TestCheckedConditions(t *testing.T) {
	eng := compileShipped(t, Options{Trusted: true})
	fresh := map[conditionKey]*ast.AST{}
	for _, p := range programsOf(eng) {
		checked, err := p.env.check(p.text)
		if err != nil {
			t.Fatalf("%s: %v", p.text, err)
		}
		key := keyOf(p.env.words(), p.text)
		if before := fresh[key]; before != nil {
			equalAST(t, p.text, before, checked)
		}
		fresh[key] = checked
	}
	w := newCheckedWriter()
	for _, key := range slices.SortedFunc(maps.Keys(fresh), func(a, b conditionKey) int { return bytes.Compare(a[:], b[:]) }) {
		w.condition(t, key, fresh[key])
	}
	in := circumstances(programsOf(eng)[0].env.base, eng.cat)
	text := w.file(celRequired(t), in)
	if flag.Lookup("update").Value.String() == "true" { // as golden files are
		if err := os.WriteFile("../../config/conditions.bin", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if text != config.Conditions {
		t.Error("the conditions, the kinds or the language have changed: go test ./internal/assess -run TestCheckedConditions -update")
	}
	c := openChecked(text, in)
	for key, want := range fresh {
		got := c.find(key)
		if got == nil {
			t.Fatal("a condition is not found")
		}
		equalAST(t, "a condition as it is read", want, got)
	}
}

// Each condition of the trusted rules is found, with nothing parsed.
func TestCheckedConditionsAreUsed(t *testing.T) {
	eng := compileShipped(t, Options{Trusted: true, Checked: config.Conditions})
	for _, p := range programsOf(eng) {
		if p.env.checked().find(keyOf(p.env.words(), p.text)) == nil {
			t.Errorf("%q is checked anew", p.text)
		}
	}
}

// Whatever a check depends on is part of what a condition is found by.
func TestCheckedConditionsElsewhere(t *testing.T) {
	eng := compileShipped(t, Options{Trusted: true, Checked: config.Conditions})
	programs := programsOf(eng)
	p := programs[0]
	for _, other := range programs {
		if len(other.env.vars) > len(p.env.vars) {
			p = other
		}
	}
	words := p.env.words()
	if p.env.checked().find(keyOf(words, p.text)) == nil {
		t.Fatal("not found at all")
	}
	for name, key := range map[string]conditionKey{
		"another text":       keyOf(words, p.text+" "),
		"another variable":   keyOf(words+"more string\n", p.text),
		"a variable is gone": keyOf(p.env.schema.words(p.env.vars[1:]), p.text),
		"of another type":    keyOf(strings.Replace(words, "list(", "map(", 1), p.text),
	} {
		if p.env.checked().find(key) != nil {
			t.Errorf("%s: found", name)
		}
	}
	base, in := p.env.base, circumstances(p.env.base, eng.cat)
	cat := *eng.cat
	cat.Kinds = slices.Clone(cat.Kinds)
	changed := *cat.Kinds[3]
	changed.Fields = append(slices.Clone(changed.Fields), catalog.Field{Name: "more", Type: catalog.Type{Name: catalog.String}})
	cat.Kinds[3] = &changed
	more, err := base.Extend(registerFunctions())
	if err != nil {
		t.Fatal(err)
	}
	if circumstances(more, eng.cat) != in {
		t.Error("the same functions twice are something else")
	}
	if circumstances(base, &cat) == in {
		t.Error("a kind with another field is the same")
	}
	if openChecked(config.Conditions, circumstances(base, &cat)) != nil {
		t.Error("conditions are used with another kind")
	}
	if openChecked(config.Conditions, in) == nil {
		t.Error("conditions are not used")
	}
}

// A condition that is damaged is checked anew, or means what it says: nothing
// ends badly.
func TestDamagedConditions(t *testing.T) {
	eng := compileShipped(t, Options{Trusted: true, Checked: config.Conditions})
	p := programsOf(eng)[0]
	in := circumstances(p.env.base, eng.cat)
	text := config.Conditions
	whole := openChecked(text, in)
	begin := len(text) - len(whole.bodies) - len(whole.index)
	for at := 0; at < begin; at += 997 {
		if openChecked(text[:at], in) != nil {
			t.Errorf("cut at %d: read", at)
		}
		_ = openChecked(text[:at]+"\xff"+text[at+1:], in)
	}
	for at := range 2000 { // wherever it begins to read
		_ = (&checkedReader{of: whole, rest: whole.bodies[at:]}).condition()
		c := whole.bodies[at : at+200]
		_ = (&checkedReader{of: whole, rest: c[:20] + "\xff" + c[21:]}).condition()
	}
}

func compileShipped(t *testing.T, o Options) *Engine {
	t.Helper()
	cat, err := catalog.Load(config.FS)
	if err != nil {
		t.Fatal(err)
	}
	if o.Rules, err = fs.Sub(config.FS, "expectations"); err != nil {
		t.Fatal(err)
	}
	eng, err := Compile(cat, o)
	if err != nil {
		t.Fatal(err)
	}
	return eng
}

func programsOf(eng *Engine) []*program {
	var out []*program
	for _, r := range eng.rules {
		for _, p := range r.plans {
			out = append(out, slices.DeleteFunc(p.programs(), func(p *program) bool { return p == nil })...)
		}
	}
	return out
}

// celRequired is the version of celModule in go.mod, as celVersion gives it.
func celRequired(t *testing.T) string {
	t.Helper()
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^\s+` + regexp.QuoteMeta(celModule) + ` (v\S+)`).FindSubmatch(mod)
	if m == nil || bytes.Contains(mod, []byte("replace "+celModule)) {
		t.Fatal("go.mod does not say which " + celModule)
	}
	return celModule + " " + string(m[1])
}

func equalAST(t *testing.T, what string, want, got *ast.AST) {
	t.Helper()
	if !maps.EqualFunc(want.TypeMap(), got.TypeMap(), sameType) {
		t.Errorf("%s: the types differ:\n%v\n%v", what, want.TypeMap(), got.TypeMap())
	}
	if !reflect.DeepEqual(want.ReferenceMap(), got.ReferenceMap()) {
		t.Errorf("%s: the references differ", what)
	}
	a, err := ast.ExprToProto(want.Expr())
	if err != nil {
		t.Fatal(err)
	}
	b, err := ast.ExprToProto(got.Expr())
	if err != nil || !proto.Equal(a, b) {
		t.Errorf("%s: the expressions differ:\n%v\n%v, %v", what, a, b, err)
	}
}

func sameType(a, b *types.Type) bool {
	return a.IsExactType(b) && a.String() == b.String() && a.Kind() == b.Kind() && slices.EqualFunc(a.Parameters(), b.Parameters(), sameType)
}

// checkedWriter writes what checkedReader reads.
type checkedWriter struct {
	words, types, refs *numbered
	index, bodies      []byte
	count              int

	t   *testing.T
	ast *ast.AST
}

// numbered is a list of what has been written, each once.
type numbered struct {
	at   map[string]uint64
	list [][]byte
}

func (n *numbered) place(b []byte) uint64 {
	at, ok := n.at[string(b)]
	if !ok {
		at = uint64(len(n.list))
		n.at[string(b)] = at
		n.list = append(n.list, b)
	}
	return at
}

func newCheckedWriter() *checkedWriter {
	list := func() *numbered { return &numbered{at: map[string]uint64{}} }
	return &checkedWriter{words: list(), types: list(), refs: list()}
}

func (w *checkedWriter) file(version string, in [sha256.Size]byte) string {
	b := append(appendText(nil, version), in[:]...)
	for _, l := range []*numbered{w.words, w.types, w.refs} {
		b = binary.AppendUvarint(b, uint64(len(l.list)))
		b = append(b, bytes.Join(l.list, nil)...)
	}
	b = binary.AppendUvarint(b, uint64(w.count))
	return string(append(append(b, w.index...), w.bodies...))
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func (w *checkedWriter) word(s string) uint64 { return w.words.place(appendText(nil, s)) }

func (w *checkedWriter) typ(t *types.Type) uint64 {
	b := binary.AppendUvarint(nil, uint64(t.Kind()))
	b = binary.AppendUvarint(b, w.word(t.TypeName()))
	b = binary.AppendUvarint(b, uint64(len(t.Parameters())))
	for _, p := range t.Parameters() {
		b = binary.AppendUvarint(b, w.typ(p))
	}
	return w.types.place(b)
}

func (w *checkedWriter) reference(r *ast.ReferenceInfo) uint64 {
	if r.Value != nil {
		w.t.Fatalf("%s is a constant: nothing writes one", r.Name)
	}
	b := binary.AppendUvarint(nil, w.word(r.Name))
	b = binary.AppendUvarint(b, uint64(len(r.OverloadIDs)))
	for _, id := range r.OverloadIDs {
		b = binary.AppendUvarint(b, w.word(id))
	}
	return w.refs.place(b)
}

func (w *checkedWriter) condition(t *testing.T, key conditionKey, a *ast.AST) {
	w.t, w.ast = t, a
	w.index = binary.BigEndian.AppendUint32(append(w.index, key[:]...), uint32(len(w.bodies)))
	w.count++
	w.bodies = binary.AppendUvarint(w.bodies, uint64(len(a.TypeMap())))
	w.bodies = binary.AppendUvarint(w.bodies, uint64(len(a.ReferenceMap())))
	w.expr(a.Expr())
}

func (w *checkedWriter) number(n uint64) { w.bodies = binary.AppendUvarint(w.bodies, n) }

func (w *checkedWriter) exprs(list []ast.Expr) {
	w.number(uint64(len(list)))
	for _, e := range list {
		w.expr(e)
	}
}

func (w *checkedWriter) head(form uint64, e ast.Expr) {
	w.number(form)
	w.number(uint64(e.ID()))
	typ, ref := uint64(0), uint64(0)
	if t := w.ast.TypeMap()[e.ID()]; t != nil {
		typ = w.typ(t) + 1
	}
	if r := w.ast.ReferenceMap()[e.ID()]; r != nil {
		ref = w.reference(r) + 1
	}
	w.number(typ)
	w.number(ref)
}

func (w *checkedWriter) expr(e ast.Expr) {
	switch e.Kind() {
	case ast.CallKind:
		call := e.AsCall()
		if call.IsMemberFunction() {
			w.head(partMember, e)
			w.number(w.word(call.FunctionName()))
			w.expr(call.Target())
		} else {
			w.head(partCall, e)
			w.number(w.word(call.FunctionName()))
		}
		w.exprs(call.Args())
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		w.head(partLoop, e)
		for _, name := range []string{c.IterVar(), c.IterVar2(), c.AccuVar()} {
			w.number(w.word(name))
		}
		for _, part := range []ast.Expr{c.IterRange(), c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()} {
			w.expr(part)
		}
	case ast.IdentKind:
		w.head(partName, e)
		w.number(w.word(e.AsIdent()))
	case ast.ListKind:
		w.head(partList, e)
		w.exprs(e.AsList().Elements())
	case ast.MapKind:
		w.head(partMap, e)
		w.number(uint64(e.AsMap().Size()))
		for _, entry := range e.AsMap().Entries() {
			w.number(uint64(entry.ID()))
			w.expr(entry.AsMapEntry().Key())
			w.expr(entry.AsMapEntry().Value())
		}
	case ast.SelectKind:
		form := uint64(partField)
		if e.AsSelect().IsTestOnly() {
			form = partHas
		}
		w.head(form, e)
		w.number(w.word(e.AsSelect().FieldName()))
		w.expr(e.AsSelect().Operand())
	case ast.LiteralKind:
		w.literal(e)
	default:
		w.t.Fatalf("an expression of kind %v: nothing writes one", e.Kind())
	}
}

func (w *checkedWriter) literal(e ast.Expr) {
	switch v := e.AsLiteral().(type) {
	case types.String:
		w.head(partText, e)
		w.number(w.word(string(v)))
	case types.Int:
		w.head(partInt, e)
		w.number(uint64(v)<<1 ^ uint64(v>>63))
	case types.Uint:
		w.head(partUint, e)
		w.number(uint64(v))
	case types.Double:
		w.head(partDouble, e)
		w.number(math.Float64bits(float64(v)))
	case types.Bool:
		w.head(partBool, e)
		w.number(map[types.Bool]uint64{true: 1}[v])
	case types.Null:
		w.head(partNull, e)
	default:
		w.t.Fatalf("%v is a %s: nothing writes one", v, v.Type())
	}
}
