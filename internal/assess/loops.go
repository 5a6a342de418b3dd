package assess

import (
	"slices"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
)

// loops is what is known of a condition before it is evaluated: what has the
// same value for every element of a loop, which loops look for equal texts, and
// which comparisons with the clock say themselves how long they hold. Parts of
// the condition are named by the ids of their expressions.
type loops struct {
	checked *ast.AST
	fixed   map[int64]bool          // evaluated once
	seeks   map[int64]*seek         // by what is looped over
	clocks  map[int64][2]int        // comparisons: how fast each side moves with the clock
	days    map[int64]bool          // day(now)
	sets    bool                    // distinct() is called
	moving  []string                // names whose values change from one evaluation in a scope to the next
	planned map[int64]interpretable // parts that a seek evaluates by itself
}

// seek is a loop over a list that nothing in the loops around it changes, of
// which only elements count that have the wanted text: they are found by it.
type seek struct {
	name   string // the loop's variable
	key    int64  // of the element: a text, or a list of them
	want   int64  // a text, or a list of them
	person bool   // the texts are names of people

	keyPart, wantPart ast.Expr // what key and want stand for, until all is planned
}

// study looks for what can be done once. moving are the names whose values
// change from one evaluation in a scope to the next.
func study(checked *ast.AST, moving []string) *loops {
	l := &loops{checked: checked, fixed: map[int64]bool{}, seeks: map[int64]*seek{}, clocks: map[int64][2]int{},
		days: map[int64]bool{}, planned: map[int64]interpretable{}, moving: moving}
	l.walk(l.checked.Expr(), moving)
	l.watchClock(l.checked.Expr())
	return l
}

// empty reports whether there is nothing to do.
func (l *loops) empty() bool {
	return len(l.fixed)+len(l.seeks)+len(l.clocks)+len(l.days) == 0 && !l.sets
}

// walk goes through an expression inside loops over the names in moving.
func (l *loops) walk(e ast.Expr, moving []string) {
	l.sets = l.sets || e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "distinct"
	if len(moving) > 0 && l.worthFixing(e) && !uses(e, moving) {
		l.fixed[e.ID()] = true
		moving = nil
	}
	if e.Kind() != ast.ComprehensionKind {
		for _, c := range children(e) {
			l.walk(c, moving)
		}
		return
	}
	c := e.AsComprehension()
	l.walk(c.IterRange(), moving)
	l.walk(c.AccuInit(), moving)
	if len(moving) > 0 && !uses(c.IterRange(), moving) {
		l.seek(c)
	}
	inner := append(slices.Clone(moving), c.AccuVar(), c.IterVar())
	l.walk(c.LoopCondition(), inner)
	l.walk(c.LoopStep(), inner)
	l.walk(c.Result(), append(slices.Clone(moving), c.AccuVar()))
}

// worthFixing reports whether remembering e costs less than evaluating it.
// Selections are left alone: they become parts of what they stand in.
func (l *loops) worthFixing(e ast.Expr) bool {
	switch e.Kind() {
	case ast.ComprehensionKind:
		return true
	case ast.CallKind:
		name := e.AsCall().FunctionName()
		return name != "_[_]" && name != "_?_:_" && len(namesIn(e)) > 0
	}
	return false
}

// seek notes a loop whose elements can be found by a text.
func (l *loops) seek(c ast.ComprehensionExpr) {
	rangeID := c.IterRange().ID()
	if k := c.IterRange().Kind(); k != ast.IdentKind && k != ast.CallKind && k != ast.ComprehensionKind || c.IterVar2() != "" {
		return
	}
	step := c.LoopStep()
	if step.Kind() != ast.CallKind {
		return
	}
	args := step.AsCall().Args()
	var demand ast.Expr
	switch step.AsCall().FunctionName() {
	case "_||_": // exists
		if isName(args[0], c.AccuVar()) {
			demand = args[1]
		}
	case "_?_:_": // filter, map with a condition, exists_one
		if isName(args[2], c.AccuVar()) {
			demand = args[0]
		}
	}
	if demand == nil {
		return
	}
	for _, part := range conjuncts(demand, nil) {
		if s := l.equality(part, c.IterVar(), c.AccuVar()); s != nil {
			l.seeks[rangeID] = s
			return
		}
	}
}

// equality reads a condition that asks for a text of an element.
func (l *loops) equality(e ast.Expr, element, accu string) *seek {
	if e.Kind() != ast.CallKind {
		return nil
	}
	call := e.AsCall()
	args := call.Args()
	text := func(i int) bool { return l.checked.GetType(args[i].ID()).IsExactType(types.StringType) }
	texts := func(i int) bool {
		return l.checked.GetType(args[i].ID()).IsExactType(types.NewListType(types.StringType))
	}
	person := false
	switch call.FunctionName() {
	case "samePerson":
		person = true
	case "_==_":
		if !text(0) || !text(1) {
			return nil
		}
	case "@in":
		if !text(0) || !texts(1) {
			return nil
		}
	default:
		return nil
	}
	for i := range 2 {
		key, want := args[i], args[1-i]
		if !uses(key, []string{element}) || uses(key, []string{accu}) || uses(want, []string{element, accu}) {
			continue
		}
		if l.only(key, element) {
			return &seek{name: element, key: plannedID(key), want: plannedID(want), person: person, keyPart: key, wantPart: want}
		}
	}
	return nil
}

// only reports whether an expression reads the element, the params and who is
// who alone, so that it has the same value whenever it is evaluated in a scope.
func (l *loops) only(e ast.Expr, element string) bool {
	for name := range namesIn(e) {
		if name != element && name != "params" && name != peopleName {
			return false
		}
	}
	return e.Kind() != ast.LiteralKind
}

// plannedID is the id that an expression has once it is planned: a selection
// has that of what it selects from.
func plannedID(e ast.Expr) int64 {
	switch {
	case e.Kind() == ast.SelectKind && !e.AsSelect().IsTestOnly():
		return plannedID(e.AsSelect().Operand())
	case e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "_[_]":
		return plannedID(e.AsCall().Args()[0])
	}
	return e.ID()
}

func conjuncts(e ast.Expr, out []ast.Expr) []ast.Expr {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "_&&_" {
		for _, a := range e.AsCall().Args() {
			out = conjuncts(a, out)
		}
		return out
	}
	return append(out, e)
}

func isName(e ast.Expr, name string) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == name }

// namesIn gives the variables that an expression reads and does not make itself.
func namesIn(e ast.Expr) map[string]bool {
	out := map[string]bool{}
	freeNames(e, nil, out)
	return out
}

func freeNames(e ast.Expr, own []string, out map[string]bool) {
	switch e.Kind() {
	case ast.IdentKind:
		if !slices.Contains(own, e.AsIdent()) {
			out[e.AsIdent()] = true
		}
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		freeNames(c.IterRange(), own, out)
		freeNames(c.AccuInit(), own, out)
		inner := append(slices.Clone(own), c.AccuVar(), c.IterVar(), c.IterVar2())
		freeNames(c.LoopCondition(), inner, out)
		freeNames(c.LoopStep(), inner, out)
		freeNames(c.Result(), append(slices.Clone(own), c.AccuVar()), out)
	default:
		for _, c := range children(e) {
			freeNames(c, own, out)
		}
	}
}

func uses(e ast.Expr, list []string) bool {
	for name := range namesIn(e) {
		if slices.Contains(list, name) {
			return true
		}
	}
	return false
}

// children gives the parts of an expression that is no loop.
func children(e ast.Expr) []ast.Expr {
	switch e.Kind() {
	case ast.CallKind:
		call := e.AsCall()
		if call.IsMemberFunction() {
			return append([]ast.Expr{call.Target()}, call.Args()...)
		}
		return call.Args()
	case ast.SelectKind:
		return []ast.Expr{e.AsSelect().Operand()}
	case ast.ListKind:
		return e.AsList().Elements()
	case ast.MapKind:
		var out []ast.Expr
		for _, entry := range e.AsMap().Entries() {
			out = append(out, entry.AsMapEntry().Key(), entry.AsMapEntry().Value())
		}
		return out
	case ast.StructKind:
		var out []ast.Expr
		for _, f := range e.AsStruct().Fields() {
			out = append(out, f.AsStructField().Value())
		}
		return out
	}
	return nil
}
