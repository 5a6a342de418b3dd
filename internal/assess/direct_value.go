package assess

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// fieldCell reads a field that has to be there.
func (d *director) fieldCell(row rowOf, field *fieldInfo) numberOf {
	if row == nil || field == nil {
		return nil
	}
	return func(f *frame) int64 {
		r := row(f)
		if f.failed {
			return 0
		}
		c := r.t.cell(r.row, field.index)
		if c == absentCell || c == malformedCell {
			f.failed = true
		}
		return int64(c)
	}
}

// cell reads a field as it stands in a row: what a join can be looked up by.
func (d *director) cell(e ast.Expr) numberOf {
	if e.Kind() != ast.SelectKind || e.AsSelect().IsTestOnly() {
		return nil
	}
	sel := e.AsSelect()
	k := d.recordKind(d.typeOf(sel.Operand()))
	if k == nil {
		return nil
	}
	row := d.row(sel.Operand())
	if row == nil {
		return nil
	}
	if sel.FieldName() == "_subject" {
		return func(f *frame) int64 {
			r := row(f)
			if f.failed {
				return 0
			}
			return int64(r.t.meta(r.row).subjectID)
		}
	}
	field := k.byName[sel.FieldName()]
	if field == nil || field.form != formText && field.form != formInt && field.form != formTime {
		return nil
	}
	return d.fieldCell(row, field)
}

// param reads a value among the params.
func (d *director) param(sel ast.SelectExpr) func(*frame) ref.Val {
	if sel.IsTestOnly() || !isName(sel.Operand(), "params") || d.local("params") >= 0 {
		return nil
	}
	o := d.schema.objects[d.typeOf(sel.Operand()).TypeName()]
	if o == nil {
		return nil
	}
	for i, field := range o.fields {
		if field.name == sel.FieldName() {
			return func(f *frame) ref.Val {
				if p := f.sc.p.rule.params; i < len(p.values) && p.values[i] != nil {
					return p.values[i]
				}
				f.failed = true
				return types.False
			}
		}
	}
	return nil
}

// text makes a direct evaluation of a text.
func (d *director) text(e ast.Expr) textOf {
	var out textOf
	switch e.Kind() {
	case ast.LiteralKind:
		if s, ok := e.AsLiteral().(types.String); ok {
			return func(*frame) string { return string(s) }
		}
	case ast.IdentKind:
		if at := d.local(e.AsIdent()); at >= 0 && d.isText(e) {
			return func(f *frame) string { return f.loops[at].text }
		}
	case ast.SelectKind:
		out = d.textField(e.AsSelect())
	case ast.CallKind:
		out = d.textCall(e.AsCall())
	}
	if out == nil && d.isText(e) {
		if v := d.left(e); v != nil {
			return func(f *frame) string {
				s, ok := v(f).(types.String)
				f.failed = f.failed || !ok
				return string(s)
			}
		}
	}
	return out
}

func (d *director) textField(sel ast.SelectExpr) textOf {
	if sel.IsTestOnly() {
		return nil
	}
	if v := d.param(sel); v != nil {
		return func(f *frame) string {
			s, ok := v(f).(types.String)
			f.failed = f.failed || !ok
			return string(s)
		}
	}
	k := d.recordKind(d.typeOf(sel.Operand()))
	if k == nil {
		return nil
	}
	row := d.row(sel.Operand())
	if row == nil {
		return nil
	}
	name := sel.FieldName()
	switch name {
	case "_subject":
		return func(f *frame) string {
			if r := row(f); !f.failed {
				return r.t.subjectID(r.row)
			}
			return ""
		}
	case "_key", "_source":
		return func(f *frame) string {
			r := row(f)
			if f.failed {
				return ""
			}
			s := r.t.slot(r.t.meta(r.row).slot)
			if name == "_key" {
				return r.t.texts.str(s.key)
			}
			return r.t.texts.str(s.source)
		}
	}
	field := k.byName[name]
	cell := d.fieldCell(row, field)
	if cell == nil || field.form != formText {
		return nil
	}
	return func(f *frame) string {
		c := cell(f)
		if f.failed {
			return ""
		}
		return f.sc.w.v.s.texts.str(text(c))
	}
}

func (d *director) textCall(call ast.CallExpr) textOf {
	args := call.Args()
	switch call.FunctionName() {
	case operators.Add:
		return d.joined(args[0], args[1])
	case operators.Conditional:
		return either(d.truth(args[0]), d.text(args[1]), d.text(args[2]))
	case "string":
		return d.written(args[0])
	case "day":
		return d.day(args[0])
	case operators.Index:
		return d.textAt(args[0], args[1])
	case "person":
		if of := d.text(args[0]); of != nil {
			return func(f *frame) string { return f.sc.w.person(of(f)) }
		}
	case "join":
		if len(args) != 1 || !d.isTexts(call.Target()) {
			return nil
		}
		of, with := d.texts(call.Target()), d.text(args[0])
		if of == nil || with == nil {
			return nil
		}
		return func(f *frame) string {
			l := of(f)
			out := make([]string, l.n)
			for i := range out {
				out[i] = l.at(f, i)
			}
			return strings.Join(out, with(f))
		}
	}
	return nil
}

// textAt is one text of a list, by its place.
func (d *director) textAt(list, place ast.Expr) textOf {
	if !d.isTexts(list) {
		return nil
	}
	of, at := d.texts(list), d.number(place)
	if of == nil || at == nil {
		return nil
	}
	return func(f *frame) string {
		l, i := of(f), at(f)
		if f.failed = f.failed || i < 0 || i >= int64(l.n); f.failed {
			return ""
		}
		return l.at(f, int(i))
	}
}

// joined puts texts together, and those that they are put together of.
func (d *director) joined(x, y ast.Expr) textOf {
	if !d.isText(x) || !d.isText(y) {
		return nil
	}
	var parts []textOf
	var flat func(e ast.Expr) bool
	flat = func(e ast.Expr) bool {
		if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Add {
			return flat(e.AsCall().Args()[0]) && flat(e.AsCall().Args()[1])
		}
		p := d.text(e)
		parts = append(parts, p)
		return p != nil
	}
	if !flat(x) || !flat(y) {
		return nil
	}
	return func(f *frame) string {
		var room [12]string
		out := room[:0]
		for _, p := range parts {
			out = append(out, p(f))
			if f.failed {
				return ""
			}
		}
		return strings.Join(out, "")
	}
}

// written is string() of an instant or a whole number.
func (d *director) written(e ast.Expr) textOf {
	t := d.typeOf(e)
	of := d.number(e)
	switch {
	case of == nil:
	case t.IsExactType(types.TimestampType):
		return func(f *frame) string { return instant(of(f)).Format(time.RFC3339Nano) }
	case t.IsExactType(types.IntType):
		return func(f *frame) string { return strconv.FormatInt(of(f), 10) }
	}
	return nil
}

// day gives the day of an instant. That of the clock holds until the day ends,
// as with dayCall.
func (d *director) day(e ast.Expr) textOf {
	if isName(e, "now") {
		return nil
	}
	if of := d.number(e); of != nil {
		return func(f *frame) string { return instant(of(f)).Format(time.DateOnly) }
	}
	return nil
}

// number makes a direct evaluation of a whole number, an instant or a duration.
func (d *director) number(e ast.Expr) numberOf {
	if !d.isNumber(e) {
		return nil
	}
	var out numberOf
	switch e.Kind() {
	case ast.LiteralKind:
		if n, ok := e.AsLiteral().(types.Int); ok {
			return func(*frame) int64 { return int64(n) }
		}
	case ast.IdentKind:
		if isName(e, "now") && d.local("now") < 0 {
			return func(f *frame) int64 {
				f.sc.now = true
				return f.sc.w.v.at
			}
		}
	case ast.SelectKind:
		out = d.numberField(e.AsSelect())
	case ast.CallKind:
		out = d.numberCall(e.AsCall())
	}
	if out == nil {
		if v := d.left(e); v != nil {
			return func(f *frame) int64 { return numberOfValue(f, v(f)) }
		}
	}
	return out
}

// numberOfValue brings a value into the form that numbers have here. One that
// is too far away has none.
func numberOfValue(f *frame, v ref.Val) int64 {
	switch x := v.(type) {
	case types.Int:
		return int64(x)
	case types.Duration:
		return int64(x.Duration)
	case types.Timestamp:
		if y := x.Year(); y > 1700 && y < 2250 {
			return x.UnixNano()
		}
	}
	f.failed = true
	return 0
}

func (d *director) numberField(sel ast.SelectExpr) numberOf {
	if sel.IsTestOnly() {
		return nil
	}
	if v := d.param(sel); v != nil {
		return func(f *frame) int64 { return numberOfValue(f, v(f)) }
	}
	k := d.recordKind(d.typeOf(sel.Operand()))
	if k == nil {
		return nil
	}
	row := d.row(sel.Operand())
	if row == nil {
		return nil
	}
	switch name := sel.FieldName(); name {
	case "_event_time", "_collected_at":
		return func(f *frame) int64 {
			r := row(f)
			if f.failed {
				return 0
			}
			m := r.t.meta(r.row)
			if name == "_collected_at" {
				return m.collected
			}
			f.failed = m.event == absent
			return m.event
		}
	}
	field := k.byName[sel.FieldName()]
	if field == nil || field.form != formInt && field.form != formTime {
		return nil
	}
	return d.fieldCell(row, field)
}

func (d *director) numberCall(call ast.CallExpr) numberOf {
	args := call.Args()
	switch name := call.FunctionName(); name {
	case operators.Conditional:
		return either(d.truth(args[0]), d.number(args[1]), d.number(args[2]))
	case operators.Add, operators.Subtract:
		a, b := d.number(args[0]), d.number(args[1])
		if a == nil || b == nil {
			return nil
		}
		return func(f *frame) int64 { return sum(f, a(f), b(f), name == operators.Subtract) }
	case "businessDays":
		from, days := d.number(args[0]), d.number(args[1])
		if from == nil || days == nil {
			return nil
		}
		return func(f *frame) int64 {
			t, n := from(f), days(f)
			if f.failed = f.failed || n < 0 || n > maxBusinessDays; f.failed {
				return 0
			}
			return numberOfValue(f, types.Timestamp{Time: businessDays(instant(t), int(n))})
		}
	case "size":
		of := call.Target()
		if !call.IsMemberFunction() {
			of = args[0]
		}
		if list := d.elements(of); list != nil {
			return func(f *frame) int64 { return int64(list(f).n) }
		}
	}
	return nil
}

// sum adds or subtracts; what runs over has no value.
func sum(f *frame, a, b int64, subtract bool) int64 {
	if subtract {
		f.failed = f.failed || b == math.MinInt64
		b = -b
	}
	s := a + b
	if (a > 0) == (b > 0) && (s > 0) != (a > 0) {
		f.failed = f.failed || a != 0 && b != 0
	}
	return s
}
