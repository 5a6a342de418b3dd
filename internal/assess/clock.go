package assess

import (
	"math"
	"time"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"
)

// watchClock notes the comparisons that hold until the clock passes one
// instant. Whatever else reads the clock has to be evaluated each time.
func (l *loops) watchClock(e ast.Expr) {
	if e.Kind() == ast.CallKind && namesIn(e)["now"] {
		if speeds, ok := comparesClock(e); ok {
			l.clocks[e.ID()] = speeds
		}
		if isDay(e) {
			l.days[e.ID()] = true
		}
	}
	if e.Kind() == ast.ComprehensionKind {
		c := e.AsComprehension()
		for _, part := range []ast.Expr{c.IterRange(), c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result()} {
			l.watchClock(part)
		}
	}
	for _, c := range children(e) {
		l.watchClock(c)
	}
}

// comparesClock reads a comparison of two instants or two durations of which
// the distance grows or shrinks as the clock goes on.
func comparesClock(e ast.Expr) (speeds [2]int, ok bool) {
	switch e.AsCall().FunctionName() {
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
	default:
		return speeds, false
	}
	for i, side := range e.AsCall().Args() {
		if speeds[i], ok = speed(side); !ok {
			return speeds, false
		}
	}
	return speeds, speeds[0] != speeds[1] && speeds[0]*speeds[1] >= 0 && max(speeds[0], speeds[1]) <= 1 && min(speeds[0], speeds[1]) >= -1
}

// speed says how a value moves with the clock: 1 with it, -1 against it, 0 not
// at all. That of a choice is that of its part which moves; which part it was
// shows when it is evaluated.
func speed(e ast.Expr) (int, bool) {
	if !namesIn(e)["now"] || isDay(e) {
		return 0, true
	}
	if e.Kind() == ast.IdentKind {
		return 1, true
	}
	if e.Kind() != ast.CallKind {
		return 0, false
	}
	args := e.AsCall().Args()
	switch name := e.AsCall().FunctionName(); {
	case (name == operators.Subtract || name == operators.Add) && len(args) == 2:
		a, okA := speed(args[0])
		b, okB := speed(args[1])
		if name == operators.Subtract {
			b = -b
		}
		return a + b, okA && okB && (a == 0 || b == 0)
	case name == operators.Conditional:
		a, okA := speed(args[1])
		b, okB := speed(args[2])
		if a == 0 {
			a, b = b, a
		}
		return a, okA && okB && (b == 0 || a == b) && !namesIn(args[0])["now"]
	}
	for _, c := range children(e) {
		if v, ok := speed(c); !ok || v != 0 {
			return 0, false
		}
	}
	return 0, true
}

// isDay recognises day(now).
func isDay(e ast.Expr) bool {
	return e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "day" && isName(e.AsCall().Args()[0], "now")
}

// clockCall is a comparison with the clock. Reading the clock inside it does
// not count as reading it: the scope is told how long the answer holds.
type clockCall struct {
	interpreter.InterpretableCall
	speeds [2]int
}

// Eval is part of interpreter.Interpretable.
func (c *clockCall) Eval(vars interpreter.Activation) ref.Val {
	return c.Exec(interpreter.AsFrame(vars))
}

// Exec is part of interpreter.InterpretableV2.
func (c *clockCall) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	sc := scopeOf(frame)
	if sc == nil {
		return c.InterpretableCall.Exec(frame)
	}
	before := sc.now
	var sides [2]ref.Val
	moves := 0
	for i, arg := range c.Args() {
		sc.now = false
		if sides[i] = arg.Exec(frame); types.IsUnknownOrError(sides[i]) {
			sc.now = before
			return sides[i]
		}
		if sc.now {
			moves += c.speeds[i] * (1 - 2*i)
		}
	}
	sc.now = before
	ahead, ok := distance(sides[0], sides[1])
	if !ok {
		return c.InterpretableCall.Exec(frame)
	}
	if moves != 0 {
		sc.holds(turns(c.Function(), sc.w.v.at, ahead, moves))
	}
	return types.Bool(holds(c.Function(), ahead, 0))
}

// turns gives the last instant at which a comparison has the answer it has
// at an instant. ahead is how far the first side is ahead of the second, moves
// is how that changes.
func turns(comparison string, at, ahead int64, moves int) int64 {
	left := -ahead // until both sides are equal
	if moves < 0 {
		left = ahead
	}
	atEqual := comparison == operators.LessEquals || comparison == operators.GreaterEquals
	up := comparison == operators.Greater || comparison == operators.GreaterEquals
	if atEqual == (up == (moves > 0)) { // another answer already when they are equal
		left--
	}
	if left < 0 || left > forever-max(at, 0) {
		return forever
	}
	return at + left
}

// distance is how far an instant or a duration is ahead of another.
func distance(a, b ref.Val) (int64, bool) {
	switch x := a.(type) {
	case types.Timestamp:
		if y, ok := b.(types.Timestamp); ok {
			return int64(x.Sub(y.Time)), true
		}
	case types.Duration:
		if y, ok := b.(types.Duration); ok {
			return less(x.Duration, y.Duration), true
		}
	}
	return 0, false
}

// less subtracts without running over.
func less(a, b time.Duration) int64 {
	d := a - b
	switch {
	case a >= 0 && b < 0 && d < 0:
		return math.MaxInt64
	case a < 0 && b >= 0 && d >= 0:
		return math.MinInt64 + 1
	}
	return int64(d)
}

// dayCall is day(now), which holds until the end of the day.
type dayCall struct{ interpreter.InterpretableCall }

// Eval is part of interpreter.Interpretable.
func (c *dayCall) Eval(vars interpreter.Activation) ref.Val { return c.Exec(interpreter.AsFrame(vars)) }

// Exec is part of interpreter.InterpretableV2.
func (c *dayCall) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	sc := scopeOf(frame)
	if sc == nil {
		return c.InterpretableCall.Exec(frame)
	}
	before := sc.now
	v := c.InterpretableCall.Exec(frame)
	sc.now = before
	sc.holds(instant(sc.w.v.at).Truncate(24*time.Hour).Add(24*time.Hour).UnixNano() - 1)
	return v
}
