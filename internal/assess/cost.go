package assess

import (
	"fmt"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"
	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"

	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// A condition is refused when it is loaded if it would reach the cost limit
// already over lists and texts of ordinary length. One that passes may still
// reach it over longer ones; then it is stopped, and its result not_assessed.
const (
	ordinaryList = 50  // records that a join finds, elements of a field
	ordinaryText = 100 // characters
)

// ordinary tells the estimator how long lists and texts are.
type ordinary struct{}

// EstimateSize is part of checker.CostEstimator.
func (ordinary) EstimateSize(n checker.AstNode) *checker.SizeEstimate {
	size := uint64(1)
	switch n.Type().Kind() {
	case types.ListKind, types.MapKind:
		size = ordinaryList
	case types.StringKind, types.BytesKind, types.DynKind:
		size = ordinaryText
	}
	return &checker.SizeEstimate{Max: size}
}

// EstimateCallCost is part of checker.CostEstimator.
func (ordinary) EstimateCallCost(function, _ string, _ *checker.AstNode, args []checker.AstNode) *checker.CallEstimate {
	if function != "lists.range" || len(args) != 1 {
		return nil
	}
	n := uint64(maxRange)
	if e := args[0].Expr(); e.Kind() == ast.LiteralKind {
		if lit, ok := e.AsLiteral().(types.Int); ok && lit >= 0 {
			n = min(n, uint64(lit))
		}
	}
	return &checker.CallEstimate{CostEstimate: checker.FixedCostEstimate(n), ResultSize: &checker.SizeEstimate{Max: n}}
}

// tooCostly records a problem with a condition that costs too much, at its
// outermost loop.
func tooCostly(env *cel.Env, e expr, checked *cel.Ast) bool {
	est, err := env.EstimateCost(checked, ordinary{})
	if err != nil || est.Max <= costLimit {
		return false // what cannot be estimated is stopped when it runs
	}
	at := loopOf(checked.NativeRep())
	problemAt(e, at, "this costs too much: over lists of %d it takes about %s steps, at most %d are allowed", ordinaryList, steps(est.Max), costLimit).
		Hint("loop less deeply: let a join pick records by field (match, where) instead of going through all of them")
	return true
}

func problemAt(e expr, at common.Location, format string, args ...any) *yamlfile.Problem {
	if at == nil || at == common.Location(common.NoLocation) {
		return e.node.Problemf(format, args...)
	}
	return e.node.File().ProblemWithin(e.node.Path(), at.Line(), max(at.Column(), 0), fmt.Sprintf(format, args...))
}

// loopOf returns where the deepest nest of loops begins.
func loopOf(a *ast.AST) common.Location {
	var at common.Location = common.NoLocation
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

// steps writes a number of steps; beyond a million millions nobody counts.
func steps(n uint64) string {
	if n > 1e12 {
		return "more than 1000000000000"
	}
	return fmt.Sprint(n)
}
