package assess

import (
	"strings"
	"time"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// truth makes a direct evaluation of a condition that is true or false; nil if
// there is none.
func (d *director) truth(e ast.Expr) truthOf {
	var out truthOf
	switch e.Kind() {
	case ast.LiteralKind:
		if b, ok := e.AsLiteral().(types.Bool); ok {
			return func(*frame) bool { return bool(b) }
		}
	case ast.SelectKind:
		out = d.truthField(e)
	case ast.CallKind:
		out = d.truthCall(e)
	case ast.ComprehensionKind:
		out = d.quantified(e.AsComprehension())
	}
	if out == nil {
		if v := d.left(e); v != nil {
			return func(f *frame) bool { return v(f) == types.True }
		}
	}
	return out
}

// truthField reads has(x.f), or a field that is true or false.
func (d *director) truthField(e ast.Expr) truthOf {
	sel := e.AsSelect()
	k := d.recordKind(d.typeOf(sel.Operand()))
	if k == nil {
		return nil
	}
	row := d.row(sel.Operand())
	if row == nil {
		return nil
	}
	field := k.byName[sel.FieldName()]
	switch {
	case !sel.IsTestOnly():
		cell := d.fieldCell(row, field)
		if cell == nil || field.form != formBool {
			return nil
		}
		return func(f *frame) bool { return cell(f) == 1 }
	case sel.FieldName() == "_event_time":
		return func(f *frame) bool {
			r := row(f)
			return !f.failed && r.t.meta(r.row).event != absent
		}
	case field == nil:
		return nil
	}
	return func(f *frame) bool {
		r := row(f)
		return !f.failed && r.t.cell(r.row, field.index) != absentCell
	}
}

func (d *director) truthCall(e ast.Expr) truthOf {
	call := e.AsCall()
	args := call.Args()
	switch name := call.FunctionName(); name {
	case operators.LogicalAnd, operators.LogicalOr:
		return d.junction(args, name == operators.LogicalOr)
	case operators.LogicalNot:
		of := d.truth(args[0])
		if of == nil {
			return nil
		}
		return func(f *frame) bool { return !of(f) }
	case operators.Conditional:
		return either(d.truth(args[0]), d.truth(args[1]), d.truth(args[2]))
	case operators.Equals, operators.NotEquals:
		return d.equal(args[0], args[1], name == operators.Equals)
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return d.compared(e, name)
	case operators.In:
		return d.member(args[0], args[1])
	}
	return d.truthFunction(call)
}

// junction is true as soon as one part is what decides.
func (d *director) junction(args []ast.Expr, decides bool) truthOf {
	parts := make([]truthOf, len(args))
	for i, a := range args {
		if parts[i] = d.truth(a); parts[i] == nil {
			return nil
		}
	}
	return func(f *frame) bool {
		for _, p := range parts {
			if p(f) == decides || f.failed {
				return decides
			}
		}
		return !decides
	}
}

func (d *director) equal(x, y ast.Expr, want bool) truthOf {
	tx, ty := d.typeOf(x), d.typeOf(y)
	switch {
	case !tx.IsExactType(ty):
	case d.isText(x):
		if a, b := d.text(x), d.text(y); a != nil && b != nil {
			return func(f *frame) bool { return (a(f) == b(f)) == want }
		}
	case d.isNumber(x):
		if a, b := d.number(x), d.number(y); a != nil && b != nil {
			return func(f *frame) bool { return (a(f) == b(f)) == want }
		}
	case tx.IsExactType(types.BoolType):
		if a, b := d.truth(x), d.truth(y); a != nil && b != nil {
			return func(f *frame) bool { return (a(f) == b(f)) == want }
		}
	}
	return nil
}

// compared compares two numbers or texts. A comparison with the clock says how long it
// holds, as clockCall does.
func (d *director) compared(e ast.Expr, how string) truthOf {
	args := e.AsCall().Args()
	if d.isText(args[0]) && d.isText(args[1]) {
		if a, b := d.text(args[0]), d.text(args[1]); a != nil && b != nil {
			return func(f *frame) bool {
				x, y := a(f), b(f)
				return holds(how, int64(strings.Compare(x, y)), 0)
			}
		}
		return nil
	}
	if !d.isNumber(args[0]) || !d.typeOf(args[0]).IsExactType(d.typeOf(args[1])) {
		return nil
	}
	a, b := d.number(args[0]), d.number(args[1])
	if a == nil || b == nil {
		return nil
	}
	speeds, clock := d.loops.clocks[e.ID()]
	if !clock {
		return func(f *frame) bool {
			x, y := a(f), b(f)
			return holds(how, x, y)
		}
	}
	sides := [2]numberOf{a, b}
	return func(f *frame) bool {
		sc := f.sc
		before, moves := sc.now, 0
		var got [2]int64
		for i, side := range sides {
			sc.now = false
			if got[i] = side(f); f.failed {
				sc.now = before
				return false
			}
			if sc.now {
				moves += speeds[i] * (1 - 2*i)
			}
		}
		sc.now = before
		if moves != 0 {
			sc.holds(turns(how, sc.w.v.at, less(time.Duration(got[0]), time.Duration(got[1])), moves))
		}
		return holds(how, got[0], got[1])
	}
}

func holds(how string, x, y int64) bool {
	switch how {
	case operators.Less:
		return x < y
	case operators.LessEquals:
		return x <= y
	case operators.Greater:
		return x > y
	}
	return x >= y
}

// member looks for a text in a list.
func (d *director) member(x, list ast.Expr) truthOf {
	if !d.isText(x) || !d.isTexts(list) {
		return nil
	}
	of, in := d.text(x), d.texts(list)
	if of == nil || in == nil {
		return nil
	}
	return func(f *frame) bool {
		want := of(f)
		l := in(f)
		f.left -= l.n / 16
		for i := 0; i < l.n && !f.failed; i++ {
			if l.at(f, i) == want {
				return true
			}
		}
		return false
	}
}

// truthFunction knows functions that answer true or false.
func (d *director) truthFunction(call ast.CallExpr) truthOf {
	args := call.Args()
	switch call.FunctionName() {
	case "@filled", "@named", "@answerable":
		if !d.isText(args[0]) {
			return nil
		}
		empty := map[string]func(string) bool{"@filled": saysNothing, "@named": namesNobody, "@answerable": noAnswerer}[call.FunctionName()]
		if of := d.text(args[0]); of != nil {
			return func(f *frame) bool { return !empty(of(f)) }
		}
	case "samePerson":
		if a, b := d.text(args[0]), d.text(args[1]); a != nil && b != nil {
			return func(f *frame) bool {
				x, y := a(f), b(f)
				return !f.failed && (x == y || f.sc.w.person(x) == f.sc.w.person(y))
			}
		}
	case "aiFile", "isProduction":
		return d.systemTruth(call.FunctionName(), args)
	}
	return nil
}

// systemTruth knows functions of a registered system and two texts.
func (d *director) systemTruth(name string, args []ast.Expr) truthOf {
	sys, a, b := d.row(args[0]), d.text(args[1]), d.text(args[2])
	if sys == nil || a == nil || b == nil {
		return nil
	}
	return func(f *frame) bool {
		r := sys(f)
		x, y := a(f), b(f)
		if f.failed {
			return false
		}
		reg := f.sc.w.v.reg
		s := reg.byRow[r.row]
		switch {
		case s == nil:
			f.failed = true
			return false
		case name == "aiFile":
			return s.isAI(x, y)
		}
		return reg.isProduction(s, x, y)
	}
}

// quantified knows exists and all.
func (d *director) quantified(c ast.ComprehensionExpr) truthOf {
	step := c.LoopStep()
	if c.IterVar2() != "" || step.Kind() != ast.CallKind || !isName(c.Result(), c.AccuVar()) {
		return nil
	}
	init, ok := c.AccuInit().AsLiteral().(types.Bool)
	args := step.AsCall().Args()
	exists := step.AsCall().FunctionName() == operators.LogicalOr
	if !ok || bool(init) == exists || !exists && step.AsCall().FunctionName() != operators.LogicalAnd ||
		len(args) != 2 || !isName(args[0], c.AccuVar()) || uses(args[1], []string{c.AccuVar()}) {
		return nil
	}
	over := d.elements(c.IterRange())
	if over == nil {
		return nil
	}
	var of truthOf
	var at int
	found := d.sought(c)
	if !d.inLoop(c.IterVar(), func(n int) { at, of = n, d.truth(args[1]) }) || of == nil {
		return nil
	}
	return func(f *frame) bool {
		list := over(f)
		if found != nil && list.n >= seekFrom && list.rows.t != nil {
			list.rows = found(f, list.rows)
			list.n = len(list.rows.rows)
		}
		for i := 0; i < list.n && f.next(); i++ {
			list.into(f, i, &f.loops[at])
			if of(f) == exists {
				return exists
			}
		}
		return !exists
	}
}

// either is one of two values by a condition; nil unless all three can be had.
func either[T any](cond func(*frame) bool, a, b func(*frame) T) func(*frame) T {
	if cond == nil || a == nil || b == nil {
		return nil
	}
	return func(f *frame) T {
		if cond(f) {
			return a(f)
		}
		return b(f)
	}
}
