package assess

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/ext"

	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

const (
	// costLimit bounds one evaluation of one condition. A unit is about one
	// step of the evaluator, so this is some tenths of a second at most.
	costLimit = 1_000_000
	// maxExpression is the longest condition accepted, in characters.
	maxExpression = 4000
	// viewName is the hidden variable that functions about the register use.
	viewName = "@view"
	// maxRange bounds lists.range.
	maxRange = 1000
)

// baseEnv is what all conditions share.
func baseEnv(s *schema) (*cel.Env, error) {
	reg, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	return cel.NewCustomEnv(
		cel.StdLib(),
		cel.CustomTypeProvider(&provider{Registry: reg, schema: s}),
		cel.CustomTypeAdapter(types.DefaultTypeAdapter),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.ParserExpressionSizeLimit(maxExpression),
		cel.ParserRecursionLimit(60),
		cel.ExtendedValidations(),
		ext.Strings(ext.StringsMaxPrecision(20)),
		ext.Lists(ext.ListsMaxRangeSize(maxRange)),
		ext.Sets(),
		cel.Variable("now", cel.TimestampType),
		cel.Variable(viewName, viewType()),
		cel.Variable(peopleName, viewType()),
		cel.Macros(registerMacros()...),
		registerFunctions(),
		plainFunctions(),
		personFunctions(),
	)
}

func viewType() *cel.Type { return cel.OpaqueType("exhibit.view") }

// registerCalls are the functions that answer from the register, with the
// number of their arguments.
func registerCalls() map[string]int {
	return map[string]int{"systemsOfRepository": 1, "systemsOfCloud": 1, "systemsOfJira": 2, "systemsOfVendor": 1, "systemsOfModel": 1, "systemOf": 1}
}

// registerMacros rewrites f(x) to @view.f(x), so that a function reads the
// register of the instant that is being assessed.
func registerMacros() []cel.Macro {
	var out []cel.Macro
	for name, args := range registerCalls() {
		out = append(out, cel.GlobalMacro(name, args,
			func(eh cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
				return eh.NewMemberCall(name, eh.NewIdent(viewName), args...), nil
			}))
	}
	out = append(out, personMacros()...)
	return append(out, cel.GlobalMacro("given", 1, expandGiven), cel.GlobalMacro("orElse", 2, expandOrElse))
}

// expandGiven makes given(x.f) mean: x has f, and f says something.
func expandGiven(eh cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
	if args[0].Kind() != ast.SelectKind {
		return nil, eh.NewError(args[0].ID(), "given() takes a field, as in given(x.owner)")
	}
	sel := args[0].AsSelect()
	present := eh.NewPresenceTest(eh.Copy(sel.Operand()), sel.FieldName())
	return eh.NewCall("_&&_", present, eh.NewCall(filledName(sel.FieldName()), args[0])), nil
}

// expandOrElse makes orElse(x.f, d) mean: f if x has it, else d.
func expandOrElse(eh cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *cel.Error) {
	if args[0].Kind() != ast.SelectKind {
		return nil, eh.NewError(args[0].ID(), "orElse() takes a field first, as in orElse(x.owner, \"nobody\")")
	}
	sel := args[0].AsSelect()
	present := eh.NewPresenceTest(eh.Copy(sel.Operand()), sel.FieldName())
	return eh.NewCall("_?_:_", present, args[0], args[1]), nil
}

func registerFunctions() cel.EnvOption {
	systems := cel.ListType(cel.ObjectType(systemKind))
	one := func(name string) cel.EnvOption {
		return cel.Function(name, cel.MemberOverload("view_"+name, []*cel.Type{viewType(), cel.StringType}, systems,
			cel.BinaryBinding(func(v, arg ref.Val) ref.Val {
				return v.(*viewVal).w.systemsBy(name, string(arg.(types.String)), "")
			})))
	}
	return cel.Lib(functions{
		one("systemsOfRepository"), one("systemsOfCloud"), one("systemsOfVendor"), one("systemsOfModel"), one("systemOf"),
		cel.Function("systemsOfJira", cel.MemberOverload("view_systemsOfJira",
			[]*cel.Type{viewType(), cel.StringType, cel.StringType}, systems,
			cel.FunctionBinding(func(args ...ref.Val) ref.Val {
				return args[0].(*viewVal).w.systemsBy("systemsOfJira", string(args[1].(types.String)), string(args[2].(types.String)))
			}))),
		systemFunction("aiPath", []*cel.Type{cel.StringType}, func(_ *registerView, sys *systemView, args []string) bool {
			return sys.isAI("", args[0])
		}),
		systemFunction("aiFile", []*cel.Type{cel.StringType, cel.StringType}, func(_ *registerView, sys *systemView, args []string) bool {
			return sys.isAI(args[0], args[1])
		}),
		systemFunction("isProduction", []*cel.Type{cel.StringType, cel.StringType}, func(reg *registerView, sys *systemView, args []string) bool {
			return reg.isProduction(sys, args[0], args[1])
		}),
	})
}

// systemFunction is a function of a registered system and texts.
func systemFunction(name string, args []*cel.Type, f func(*registerView, *systemView, []string) bool) cel.EnvOption {
	return cel.Function(name, cel.Overload("system_"+name, append([]*cel.Type{cel.ObjectType(systemKind)}, args...), cel.BoolType,
		cel.FunctionBinding(func(vals ...ref.Val) ref.Val {
			r, ok := vals[0].(*record)
			if !ok || r.system() == nil {
				return types.NewErr("%s: not a registered system", name)
			}
			texts := make([]string, 0, len(vals)-1)
			for _, v := range vals[1:] {
				texts = append(texts, string(v.(types.String)))
			}
			return types.Bool(f(r.v.reg, r.system(), texts))
		})))
}

func plainFunctions() cel.EnvOption {
	elem := cel.TypeParamType("T")
	return cel.Lib(functions{
		cel.Function("@filled", cel.Overload("filled_dyn", []*cel.Type{cel.DynType}, cel.BoolType, cel.UnaryBinding(filled))),
		cel.Function("says", cel.Overload("says_dyn", []*cel.Type{cel.DynType}, cel.BoolType, cel.UnaryBinding(says))),
		cel.Function("@named", cel.Overload("named_dyn", []*cel.Type{cel.DynType}, cel.BoolType, cel.UnaryBinding(named))),
		cel.Function("@answerable", cel.Overload("answerable_dyn", []*cel.Type{cel.DynType}, cel.BoolType, cel.UnaryBinding(answerable))),
		cel.Function("newest", cel.Overload("newest_list", []*cel.Type{cel.ListType(elem)}, elem, cel.UnaryBinding(newest))),
		cel.Function("day", cel.Overload("day_timestamp", []*cel.Type{cel.TimestampType}, cel.StringType,
			cel.UnaryBinding(func(t ref.Val) ref.Val {
				return types.String(t.(types.Timestamp).Format(time.DateOnly))
			}))),
		cel.Function("businessDays", cel.Overload("business_days_after", []*cel.Type{cel.TimestampType, cel.IntType}, cel.TimestampType,
			cel.BinaryBinding(func(t, n ref.Val) ref.Val {
				days := int64(n.(types.Int))
				if days < 0 || days > maxBusinessDays {
					return types.NewErr("businessDays: %d is not between 0 and %d", days, maxBusinessDays)
				}
				return types.Timestamp{Time: businessDays(t.(types.Timestamp).Time, int(days))}
			}))),
	})
}

// newest is the last of a list; joins are ordered by event time.
func newest(v ref.Val) ref.Val {
	l, ok := v.(interface {
		Size() ref.Val
		Get(ref.Val) ref.Val
	})
	if !ok {
		return types.MaybeNoSuchOverloadErr(v)
	}
	n := l.Size().(types.Int)
	if n == 0 {
		return types.NewErr("newest: the list is empty")
	}
	return l.Get(n - 1)
}

// functions makes a library of options.
type functions []cel.EnvOption

func (f functions) CompileOptions() []cel.EnvOption     { return f }
func (f functions) ProgramOptions() []cel.ProgramOption { return nil }

// expr is a condition in a file: its text and where it stands.
type expr struct {
	text string
	node yamlfile.Place
}

// UnmarshalNode reads the text and remembers the place.
func (e *expr) UnmarshalNode(n yamlfile.Node) {
	e.node = n.Place()
	n.Decode(&e.text)
	e.text = strings.TrimRight(e.text, " \n")
}

// MarshalText gives the text: it is what the digest of the rules covers.
func (e expr) MarshalText() ([]byte, error) { return []byte(e.text), nil }

// UnmarshalText takes what MarshalText gave.
func (e *expr) UnmarshalText(b []byte) error {
	e.text = string(b)
	return nil
}

func (e expr) empty() bool { return e.text == "" }

// program is a condition ready to be evaluated. Counting its cost takes as long
// as evaluating it, so that is left out where the lists in sight are so short
// that the limit cannot be reached.
type program struct {
	text     string
	env      *scopeEnv
	usesNow  bool
	usesView bool
	vars     map[string]bool
	fields   map[string]bool // names after a dot; only of one that is prepared later

	prepare func() error                // type-checks and plans, once; what is below is there after it
	direct  *direct                     // in place of fast, where it can
	fast    func() (cel.Program, error) // made when first needed, if there is direct
	limited func() (cel.Program, error) // made when first needed
	nesting int                         // loops within loops
	growth  growth
}

// compile type-checks e. What is wrong is recorded in e's file, with the place
// of the offending part; the result is nil then, as for an empty e.
func compile(env *scopeEnv, e expr, want ...*cel.Type) *program {
	if e.empty() || env == nil {
		return nil
	}
	if env.lazy {
		return later(env, e, want)
	}
	own, err := env.own()
	if err != nil { // said when the scope was made
		return nil
	}
	checked, issues := own.Compile(e.text)
	if issues != nil && issues.Err() != nil {
		for _, err := range issues.Errors() {
			p := e.node.File().ProblemWithin(e.node.Path(), err.Location.Line(), max(err.Location.Column(), 0), sentence(err.Message))
			if near := nearestName(own, err.Message); near != "" {
				p.Hint("did you mean %s?", near)
			}
		}
		return nil
	}
	if len(want) > 0 && !typeIn(checked.OutputType(), want) {
		names := make([]string, len(want))
		for i, t := range want {
			names[i] = typeWords(t)
		}
		e.node.Problemf("this gives %s, want %s", typeWords(checked.OutputType()), strings.Join(names, " or "))
		return nil
	}
	if tooCostly(e, checked) {
		return nil
	}
	p := &program{text: e.text, env: env, vars: map[string]bool{}, prepare: func() error { return nil }}
	if err := p.plan(checked.NativeRep()); err != nil {
		e.node.Problemf("%s", sentence(err.Error()))
		return nil
	}
	for _, r := range checked.NativeRep().ReferenceMap() {
		switch r.Name {
		case "now":
			p.usesNow = true
		case viewName:
			p.usesView = true
		}
		p.vars[r.Name] = true
	}
	return p
}

// later is compile for a condition that is type-checked when first evaluated.
func later(env *scopeEnv, e expr, want []*cel.Type) *program {
	m := mentions(e.text)
	p := &program{text: e.text, env: env, usesNow: m.roots["now"], vars: m.roots, fields: m.fields}
	for name := range registerCalls() {
		p.usesView = p.usesView || m.calls[name]
	}
	p.prepare = sync.OnceValue(func() error {
		checked, err := env.check(e.text)
		if err != nil {
			return err
		}
		if t := checked.GetType(checked.Expr().ID()); len(want) > 0 && !typeIn(t, want) {
			return fmt.Errorf("this gives %s", typeWords(t))
		}
		return p.plan(checked)
	})
	return p
}

// plan makes what evaluates a checked condition. What it is made from takes
// ten times the room of the rest, so none of it is kept: where a program is
// seldom needed, the condition is checked again.
func (p *program) plan(checked *ast.AST) error {
	p.nesting = nesting(checked.Expr())
	p.growth.see(checked.Expr())
	l := study(checked, p.env.moving)
	if p.direct = directly(p.env.schema, checked, l); p.direct == nil || len(p.direct.parts) > 0 {
		parts := map[int64]interpretable{}
		if p.direct != nil {
			parts = p.direct.parts
		}
		fast, err := p.env.base.PlanProgram(checked, l.withParts(parts, cel.EvalOptions(cel.OptOptimize))...)
		if err != nil {
			return err
		}
		p.fast = func() (cel.Program, error) { return fast, nil }
	}
	if p.direct != nil && !p.direct.complete() {
		p.direct = nil
	}
	for _, s := range l.seeks {
		s.keyPart, s.wantPart = nil, nil
	}
	l.checked = nil
	if p.direct != nil {
		p.fast = p.again(cel.EvalOptions(cel.OptOptimize))
	}
	p.limited = p.again(cel.EvalOptions(cel.OptOptimize), cel.CostLimit(costLimit))
	return nil
}

// again makes a program of the condition when it is first needed.
func (p *program) again(opts ...cel.ProgramOption) func() (cel.Program, error) {
	return sync.OnceValues(func() (cel.Program, error) {
		checked, err := p.env.check(p.text)
		if err != nil {
			return nil, err
		}
		return p.env.base.PlanProgram(checked, study(checked, p.env.moving).with(opts...)...)
	})
}

// typeWords names a type without the names of its implementation.
func typeWords(t *cel.Type) string {
	return strings.NewReplacer("google.protobuf.Timestamp", "timestamp", "google.protobuf.Duration", "duration").Replace(t.String())
}

func typeIn(t *cel.Type, want []*cel.Type) bool {
	for _, w := range want {
		if t.IsExactType(w) {
			return true
		}
	}
	return false
}

// sentence makes an evaluator's message one line.
func sentence(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return strings.TrimSuffix(strings.ReplaceAll(s, " (in container '')", ""), ".")
}

// nearestName proposes a variable for an undeclared one.
func nearestName(env *cel.Env, message string) string {
	_, rest, found := strings.Cut(message, "undeclared reference to '")
	if !found {
		return ""
	}
	word, _, _ := strings.Cut(rest, "'")
	var names []string
	for _, v := range env.Variables() {
		if !strings.HasPrefix(v.Name(), "@") && !strings.Contains(v.Name(), ".") {
			names = append(names, v.Name())
		}
	}
	for name := range registerCalls() {
		names = append(names, name)
	}
	names = append(names, "aiPath", "aiFile", "isProduction", "newest", "day", "businessDays", "given", "says", "orElse", "person", "samePerson")
	slices.Sort(names)
	return yamlfile.Nearest(word, names)
}

// loopLimit is the number of times that the body of a condition's innermost
// loop may run without its cost being counted.
const loopLimit = 20_000

// cheap reports whether the loops of a condition cannot run long over what the
// scope holds.
func (p *program) cheap(sc *scope) bool {
	if p.nesting == 0 {
		return true
	}
	if p.growth.unbounded {
		return false
	}
	width, steps := max(sc.width(p), 1)*(p.growth.sums+1), 1
	for range p.nesting + p.growth.flattened {
		if steps *= width; steps > loopLimit {
			return false
		}
	}
	return true
}

// growth says how much longer than what is in sight the lists can become that
// a condition makes.
type growth struct {
	unbounded bool // by a count or a text
	flattened int  // lists of lists made into one
	sums      int  // lists put together
}

func (g *growth) see(e ast.Expr) {
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		switch e.AsCall().FunctionName() {
		case "lists.range", "split":
			g.unbounded = true
		case "flatten":
			g.flattened++
		case "_+_":
			g.sums++
		}
	}))
}

// nesting counts the loops within loops of an expression.
func nesting(e ast.Expr) int {
	deepest := 0
	see := func(list ...ast.Expr) {
		for _, c := range list {
			deepest = max(deepest, nesting(c))
		}
	}
	switch e.Kind() {
	case ast.CallKind:
		if e.AsCall().IsMemberFunction() {
			see(e.AsCall().Target())
		}
		see(e.AsCall().Args()...)
	case ast.SelectKind:
		see(e.AsSelect().Operand())
	case ast.ListKind:
		see(e.AsList().Elements()...)
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			see(entry.AsMapEntry().Key(), entry.AsMapEntry().Value())
		}
	case ast.StructKind:
		for _, f := range e.AsStruct().Fields() {
			see(f.AsStructField().Value())
		}
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		see(c.IterRange(), c.AccuInit())
		deepest = max(deepest, 1+nesting(c.LoopCondition()), 1+nesting(c.LoopStep()), nesting(c.Result()))
	}
	return deepest
}

// eval runs the program over a scope.
func (p *program) eval(sc *scope) (ref.Val, error) {
	if err := p.prepare(); err != nil {
		return nil, err
	}
	until, now := sc.until, sc.now
	v, err := p.run(sc)
	if err != nil {
		sc.until, sc.now = min(until, sc.until), now || p.usesNow // it may have ended anywhere
		return nil, errors.New(sentence(err.Error()))
	}
	if types.IsUnknownOrError(v) {
		return nil, fmt.Errorf("%v", v)
	}
	return v, nil
}

// run evaluates, with the cost counted where it may grow or somebody wants to
// know it.
func (p *program) run(sc *scope) (ref.Val, error) {
	cheap, count := p.cheap(sc), sc.w.v.s.steps
	if cheap && count == nil {
		fast, err := p.fast()
		if err != nil {
			return nil, err
		}
		v, _, err := fast.Eval(sc)
		return v, err
	}
	limited, err := p.limited()
	if err != nil {
		return nil, err
	}
	v, details, err := limited.Eval(sc)
	if count != nil {
		if cost := details.ActualCost(); cost != nil {
			count.Add(int64(*cost))
		}
	}
	return v, err
}

func (p *program) truth(sc *scope) (bool, error) {
	if d := p.directly(sc); d != nil && d.truth != nil {
		f := p.begin(sc)
		if b := d.truth(f); f.end(p) {
			return b, nil
		}
	}
	v, err := p.eval(sc)
	if err != nil {
		return false, err
	}
	b, ok := v.(types.Bool)
	if !ok {
		return false, fmt.Errorf("gives %s, want true or false", v.Type().TypeName())
	}
	return bool(b), nil
}

func (p *program) string(sc *scope) (string, error) {
	if d := p.directly(sc); d != nil && d.text != nil {
		f := p.begin(sc)
		if s := d.text(f); f.end(p) {
			return s, nil
		}
	}
	v, err := p.eval(sc)
	if err != nil {
		return "", err
	}
	s, ok := v.(types.String)
	if !ok {
		return "", fmt.Errorf("gives %s, want text", v.Type().TypeName())
	}
	return string(s), nil
}

func (p *program) time(sc *scope) (int64, error) {
	if d := p.directly(sc); d != nil && d.instant != nil {
		f := p.begin(sc)
		if t := d.instant(f); f.end(p) {
			return nanos(instant(t)), nil
		}
	}
	v, err := p.eval(sc)
	if err != nil {
		return 0, err
	}
	t, ok := v.(types.Timestamp)
	if !ok {
		return 0, fmt.Errorf("gives %s, want a time", v.Type().TypeName())
	}
	return nanos(t.Time), nil
}
