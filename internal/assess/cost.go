package assess

import (
	"fmt"
	"math"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
)

// A condition is refused when it is loaded if it would reach the cost limit
// already over short lists. One that passes may still reach it
// over longer ones; then it is stopped, and its result not_assessed.
const shortList = 5 // records that a join finds, elements of a field

// tooCostly records a problem with a condition that costs too much, at its
// deepest nest of loops.
func tooCostly(e expr, checked *cel.Ast) bool {
	a := checked.NativeRep()
	n := estimate(a.Expr())
	if n <= costLimit {
		return false
	}
	words := fmt.Sprintf("this costs too much: over lists of %d it takes about %.0f steps, at most %d are allowed", shortList, n, costLimit)
	at := loopOf(a)
	e.node.File().ProblemWithin(e.node.Path(), at.Line(), max(at.Column(), 0), words).
		Hint("loop less deeply: let a join pick records by field (match, where) instead of going through all of them")
	return true
}

// estimate is how many steps an expression takes over short lists.
func estimate(e ast.Expr) float64 {
	n := 1.0
	switch e.Kind() {
	case ast.CallKind:
		if e.AsCall().IsMemberFunction() {
			n += estimate(e.AsCall().Target())
		}
		for _, arg := range e.AsCall().Args() {
			n += estimate(arg)
		}
	case ast.SelectKind:
		n += estimate(e.AsSelect().Operand())
	case ast.ListKind:
		for _, x := range e.AsList().Elements() {
			n += estimate(x)
		}
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			n += estimate(entry.AsMapEntry().Key()) + estimate(entry.AsMapEntry().Value())
		}
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		n += estimate(c.IterRange()) + estimate(c.AccuInit()) + estimate(c.Result()) +
			length(c.IterRange())*(estimate(c.LoopCondition())+estimate(c.LoopStep()))
	}
	return n
}

// length is how long a list is taken to be.
func length(e ast.Expr) float64 {
	switch e.Kind() {
	case ast.ListKind:
		return float64(len(e.AsList().Elements()))
	case ast.ComprehensionKind: // filter and map: as long as what they go through
		return length(e.AsComprehension().IterRange())
	case ast.CallKind:
		call := e.AsCall()
		switch call.FunctionName() {
		case "lists.range":
			if arg := call.Args()[0]; arg.Kind() == ast.LiteralKind {
				if n, ok := arg.AsLiteral().(types.Int); ok {
					return math.Min(math.Max(float64(n), 0), maxRange)
				}
			}
			return maxRange
		case "_+_":
			return length(call.Args()[0]) + length(call.Args()[1])
		case "distinct", "sort", "slice", "reverse":
			if call.IsMemberFunction() {
				return length(call.Target())
			}
		}
	}
	return shortList
}

// loopOf returns where the deepest nest of loops begins.
func loopOf(a *ast.AST) common.Location {
	var at common.Location
	deepest := 0
	ast.PreOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.ComprehensionKind {
			return
		}
		if n := nesting(e); n > deepest {
			deepest, at = n, a.SourceInfo().GetStartLocation(e.AsComprehension().IterRange().ID())
		}
	}))
	return at
}
