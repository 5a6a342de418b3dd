package assess

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/traits"
)

// elements is a list that a loop goes through.
type elements struct {
	rows  rowList
	texts textList
	n     int
}

// into puts an element in the place of the loop's variable.
func (l *elements) into(f *frame, i int, v *loopValue) {
	if l.rows.t != nil {
		v.row = rowRef{l.rows.t, l.rows.rows[i]}
		return
	}
	v.text = l.texts.at(f, i)
}

// elements makes a direct evaluation of what a loop goes through.
func (d *director) elements(e ast.Expr) func(*frame) elements {
	if d.rowKind(d.typeOf(e)) != nil {
		if of := d.rows(e); of != nil {
			return func(f *frame) elements {
				l := of(f)
				return elements{rows: l, n: len(l.rows)}
			}
		}
		return nil
	}
	if !d.isTexts(e) {
		return nil
	}
	if of := d.texts(e); of != nil {
		return func(f *frame) elements {
			l := of(f)
			return elements{texts: l, n: l.n}
		}
	}
	return nil
}

// row makes a direct evaluation of what gives one record.
func (d *director) row(e ast.Expr) rowOf {
	switch e.Kind() {
	case ast.IdentKind:
		name := e.AsIdent()
		if at := d.local(name); at >= 0 {
			return func(f *frame) rowRef { return f.loops[at].row }
		}
		return func(f *frame) rowRef { return f.named(name) }
	case ast.CallKind:
		call := e.AsCall()
		if call.FunctionName() == operators.Index {
			return d.rowAt(call)
		}
		if call.FunctionName() != "newest" || d.rowKind(d.typeOf(call.Args()[0])) == nil {
			return nil
		}
		if of := d.rows(call.Args()[0]); of != nil {
			return func(f *frame) rowRef {
				l := of(f)
				if f.failed = f.failed || len(l.rows) == 0; f.failed {
					return rowRef{}
				}
				return rowRef{l.t, l.rows[len(l.rows)-1]}
			}
		}
	}
	return nil
}

// rowAt is one record of a list, by its place.
func (d *director) rowAt(call ast.CallExpr) rowOf {
	args := call.Args()
	if d.rowKind(d.typeOf(args[0])) == nil {
		return nil
	}
	of, at := d.rows(args[0]), d.number(args[1])
	if of == nil || at == nil {
		return nil
	}
	return func(f *frame) rowRef {
		l, i := of(f), at(f)
		if f.failed = f.failed || i < 0 || i >= int64(len(l.rows)); f.failed {
			return rowRef{}
		}
		return rowRef{l.t, l.rows[i]}
	}
}

// rows makes a direct evaluation of a list of records.
func (d *director) rows(e ast.Expr) rowsOf {
	switch e.Kind() {
	case ast.IdentKind:
		if name := e.AsIdent(); d.local(name) < 0 {
			return func(f *frame) rowList { return f.list(name) }
		}
	case ast.CallKind:
		return d.rowsCall(e.AsCall())
	case ast.ComprehensionKind:
		return d.filtered(e.AsComprehension())
	}
	return nil
}

func (d *director) rowsCall(call ast.CallExpr) rowsOf {
	args := call.Args()
	name := call.FunctionName()
	if name == operators.Add {
		a, b := d.rows(args[0]), d.rows(args[1])
		if a == nil || b == nil {
			return nil
		}
		return func(f *frame) rowList {
			x, y := a(f), b(f)
			switch {
			case len(x.rows) == 0:
				return y
			case len(y.rows) == 0:
				return x
			}
			return rowList{x.t, slices.Concat(x.rows, y.rows)}
		}
	}
	if n, ok := registerCalls()[name]; !ok || n != 1 {
		return nil
	}
	of := d.text(args[0])
	if of == nil {
		return nil
	}
	return func(f *frame) rowList {
		arg := of(f)
		if f.failed {
			return rowList{}
		}
		return rowList{f.sc.w.v.s.systems, f.sc.w.answer(question{function: name, arg: arg}).rows}
	}
}

// collected is a loop that makes a list: filter and map.
type collected struct {
	over ast.Expr
	keep ast.Expr // nil: every element
	give ast.Expr
}

func collects(c ast.ComprehensionExpr) (out collected, ok bool) {
	step := c.LoopStep()
	if c.IterVar2() != "" || !isName(c.Result(), c.AccuVar()) || c.AccuInit().Kind() != ast.ListKind || c.AccuInit().AsList().Size() != 0 {
		return out, false
	}
	out.over = c.IterRange()
	if step.Kind() == ast.CallKind && step.AsCall().FunctionName() == operators.Conditional {
		args := step.AsCall().Args()
		if !isName(args[2], c.AccuVar()) {
			return out, false
		}
		out.keep, step = args[0], args[1]
	}
	if step.Kind() != ast.CallKind || step.AsCall().FunctionName() != operators.Add {
		return out, false
	}
	args := step.AsCall().Args()
	if !isName(args[0], c.AccuVar()) || args[1].Kind() != ast.ListKind || args[1].AsList().Size() != 1 {
		return out, false
	}
	out.give = args[1].AsList().Elements()[0]
	if out.keep != nil && uses(out.keep, []string{c.AccuVar()}) || uses(out.give, []string{c.AccuVar()}) {
		return out, false
	}
	return out, true
}

// filtered knows filter over records.
func (d *director) filtered(c ast.ComprehensionExpr) rowsOf {
	loop, ok := collects(c)
	if !ok || loop.keep == nil || !isName(loop.give, c.IterVar()) || d.rowKind(d.typeOf(loop.over)) == nil {
		return nil
	}
	over := d.rows(loop.over)
	if over == nil {
		return nil
	}
	var keep truthOf
	var at int
	found := d.sought(c)
	if !d.inLoop(c.IterVar(), func(n int) { at, keep = n, d.truth(loop.keep) }) || keep == nil {
		return nil
	}
	return func(f *frame) rowList {
		l := over(f)
		if found != nil && len(l.rows) >= seekFrom {
			l = found(f, l)
		}
		out := rowList{t: l.t}
		for i := 0; i < len(l.rows) && f.next(); i++ {
			f.loops[at].row = rowRef{l.t, l.rows[i]}
			if keep(f) {
				out.rows = append(out.rows, l.rows[i])
			}
		}
		return out
	}
}

// texts makes a direct evaluation of a list of texts.
func (d *director) texts(e ast.Expr) textsOf {
	var out textsOf
	switch e.Kind() {
	case ast.SelectKind:
		out = d.textsField(e.AsSelect())
	case ast.ListKind:
		out = d.textsWritten(e.AsList())
	case ast.ComprehensionKind:
		out = d.mapped(e.AsComprehension())
	case ast.CallKind:
		out = d.textsCall(e.AsCall())
	}
	if out == nil {
		if v := d.left(e); v != nil {
			return func(f *frame) textList { return listed(f, v(f)) }
		}
	}
	return out
}

func listed(f *frame, v any) textList {
	l, ok := v.(traits.Lister)
	if !ok || f.failed {
		f.failed = true
		return textList{}
	}
	n, _ := l.Size().(types.Int)
	return textList{val: l, n: int(n)}
}

func (d *director) textsField(sel ast.SelectExpr) textsOf {
	if v := d.param(sel); v != nil {
		return func(f *frame) textList { return listed(f, v(f)) }
	}
	k := d.recordKind(d.typeOf(sel.Operand()))
	if k == nil || sel.IsTestOnly() {
		return nil
	}
	field, row := k.byName[sel.FieldName()], d.row(sel.Operand())
	if field == nil || field.form != formTexts || row == nil {
		return nil
	}
	return func(f *frame) textList {
		r := row(f)
		if f.failed {
			return textList{}
		}
		c := r.t.cell(r.row, field.index)
		if c == absentCell || c == malformedCell {
			f.failed = true
			return textList{}
		}
		ids := r.t.list(c)
		return textList{in: r.t.texts, ids: ids, n: len(ids)}
	}
}

func (d *director) textsWritten(l ast.ListExpr) textsOf {
	parts := make([]textOf, l.Size())
	if len(l.OptionalIndices()) > 0 {
		return nil
	}
	constant := true
	for i, e := range l.Elements() {
		if parts[i] = d.text(e); parts[i] == nil {
			return nil
		}
		constant = constant && e.Kind() == ast.LiteralKind
	}
	all := func(f *frame) textList {
		out := make([]string, len(parts))
		for i, p := range parts {
			out[i] = p(f)
		}
		return ownTexts(out)
	}
	if constant {
		list := all(nil)
		return func(*frame) textList { return list }
	}
	return all
}

// mapped knows map to texts, and filter over texts.
func (d *director) mapped(c ast.ComprehensionExpr) textsOf {
	loop, ok := collects(c)
	if !ok || !d.isText(loop.give) {
		return nil
	}
	over := d.elements(loop.over)
	if over == nil {
		return nil
	}
	keep := func(*frame) bool { return true }
	var give textOf
	var at int
	if !d.inLoop(c.IterVar(), func(n int) {
		at, give = n, d.text(loop.give)
		if loop.keep != nil {
			keep = d.truth(loop.keep)
		}
	}) || give == nil || keep == nil {
		return nil
	}
	return func(f *frame) textList {
		l := over(f)
		out := make([]string, 0, l.n)
		for i := 0; i < l.n && f.next(); i++ {
			l.into(f, i, &f.loops[at])
			if keep(f) {
				out = append(out, give(f))
			}
		}
		return ownTexts(out)
	}
}

func (d *director) textsCall(call ast.CallExpr) textsOf {
	args := call.Args()
	switch call.FunctionName() {
	case "distinct":
		if !d.isTexts(call.Target()) {
			return nil
		}
		of := d.texts(call.Target())
		if of == nil {
			return nil
		}
		return func(f *frame) textList {
			l := of(f)
			out := make([]string, 0, l.n)
			for i := 0; i < l.n && f.next(); i++ {
				f.left -= len(out) / 16
				if s := l.at(f, i); !slices.Contains(out, s) {
					out = append(out, s)
				}
			}
			return ownTexts(out)
		}
	case operators.Conditional:
		return either(d.truth(args[0]), d.texts(args[1]), d.texts(args[2]))
	}
	return nil
}
