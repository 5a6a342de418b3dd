package assess

import (
	"slices"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
)

type interpretable = interpreter.InterpretableV2

// scopeName is the hidden variable by which parts of a condition find the scope
// that they are evaluated in.
const scopeName = "@scope"

func scopeOf(vars interpreter.Activation) *scope {
	v, _ := vars.ResolveName(scopeName)
	sc, _ := v.(*scope)
	return sc
}

// with adds to the options of a program what makes it do once what can be done
// once.
func (l *loops) with(opts ...cel.ProgramOption) []cel.ProgramOption {
	if l.empty() {
		return opts
	}
	return append(opts, l.option(nil))
}

// withParts is with for a program of which some parts are evaluated by
// themselves: they are entered in parts.
func (l *loops) withParts(parts map[int64]interpretable, opts ...cel.ProgramOption) []cel.ProgramOption {
	if l.empty() && len(parts) == 0 {
		return opts
	}
	return append(opts, l.option(parts))
}

// option makes a program do once what l says can be done once. Every program
// needs its own.
func (l *loops) option(parts map[int64]interpretable) cel.ProgramOption {
	own := *l
	own.checked = nil
	own.planned = map[int64]interpretable{}
	wanted := map[int64]bool{}
	for _, s := range l.seeks {
		wanted[s.key], wanted[s.want] = true, true
	}
	return cel.CustomDecoratorV2(func(i interpretable) (interpretable, error) {
		id := i.ID()
		out := own.wrapped(i, id)
		if wanted[id] {
			own.planned[id] = out
		}
		if _, ok := parts[id]; ok {
			parts[id] = out
		}
		return out, nil
	})
}

// wrapped gives what takes the place of a part of a program.
func (l *loops) wrapped(i interpretable, id int64) interpretable {
	_, attribute := i.(interpreter.InterpretableAttribute)
	if call, ok := i.(interpreter.InterpretableCall); ok {
		if speeds, ok := l.clocks[id]; ok {
			i = &clockCall{InterpretableCall: call, speeds: speeds}
		} else if l.days[id] {
			i = &dayCall{InterpretableCall: call}
		} else if call.Function() == "distinct" {
			i = &distinctCall{interpretable: i, list: call.Args()[0]}
		}
	}
	if l.fixed[id] && !attribute {
		if call, ok := i.(interpreter.InterpretableCall); ok {
			i = &fixedCall{InterpretableCall: call, fixed: fixed{inner: i}}
		} else {
			i = &fixed{inner: i}
		}
	}
	if s := l.seeks[id]; s != nil {
		if _, done := i.(*seeker); !done {
			i = &seeker{interpretable: i, seek: s, planned: l.planned}
		}
	}
	return i
}

// remembered is a value that holds for a scope, and what it depends on.
type remembered struct {
	value ref.Val
	until int64
	now   bool
}

// once evaluates a part of a condition, or gives what it was before.
func (sc *scope) once(part any, eval func() ref.Val) ref.Val {
	if r, ok := sc.known[part]; ok {
		sc.until, sc.now = min(sc.until, r.until), sc.now || r.now
		return r.value
	}
	until, now := sc.until, sc.now
	sc.until, sc.now = forever, false
	r := remembered{value: eval()}
	r.until, r.now = sc.until, sc.now
	if sc.known == nil {
		sc.known = map[any]remembered{}
	}
	sc.known[part] = r
	sc.until, sc.now = min(until, r.until), now || r.now
	return r.value
}

// holds notes that what is evaluated holds until t only.
func (sc *scope) holds(t int64) { sc.until = min(sc.until, t) }

// fixed is a part that has one value in a scope.
type fixed struct{ inner interpretable }

// ID is part of interpreter.Interpretable.
func (f *fixed) ID() int64 { return f.inner.ID() }

// Eval is part of interpreter.Interpretable.
func (f *fixed) Eval(vars interpreter.Activation) ref.Val { return f.Exec(interpreter.AsFrame(vars)) }

// Exec is part of interpreter.InterpretableV2.
func (f *fixed) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	sc := scopeOf(frame)
	if sc == nil {
		return f.inner.Exec(frame)
	}
	return sc.once(f, func() ref.Val { return f.inner.Exec(frame) })
}

// fixedCall is fixed for a call, so that its cost is counted.
type fixedCall struct {
	interpreter.InterpretableCall
	fixed fixed
}

// Eval is part of interpreter.Interpretable.
func (f *fixedCall) Eval(vars interpreter.Activation) ref.Val {
	return f.fixed.Exec(interpreter.AsFrame(vars))
}

// Exec is part of interpreter.InterpretableV2.
func (f *fixedCall) Exec(frame *interpreter.ExecutionFrame) ref.Val { return f.fixed.Exec(frame) }

// distinctCall is distinct() that compares each text with a hash instead of all
// texts before it. It costs no more than making the list did.
type distinctCall struct {
	interpretable
	list interpretable
}

// Eval is part of interpreter.Interpretable.
func (d *distinctCall) Eval(vars interpreter.Activation) ref.Val {
	return d.Exec(interpreter.AsFrame(vars))
}

// Exec is part of interpreter.InterpretableV2.
func (d *distinctCall) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	v := d.list.Exec(frame)
	list, ok := v.(traits.Lister)
	if !ok {
		return v
	}
	seen, out := map[types.String]bool{}, []ref.Val{}
	for it := list.Iterator(); it.HasNext() == types.True; {
		t, ok := it.Next().(types.String)
		if !ok {
			return d.interpretable.Exec(frame)
		}
		if !seen[t] {
			seen[t] = true
			out = append(out, t)
		}
	}
	return types.NewRefValList(types.DefaultTypeAdapter, out)
}

// seeker gives a loop only the elements that can count.
type seeker struct {
	interpretable
	seek    *seek
	planned map[int64]interpretable
}

// seekFrom is the length of a list from which it is worth finding elements by
// their texts.
const seekFrom = 8

// Eval is part of interpreter.Interpretable.
func (s *seeker) Eval(vars interpreter.Activation) ref.Val { return s.Exec(interpreter.AsFrame(vars)) }

// Exec is part of interpreter.InterpretableV2.
func (s *seeker) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	v := s.interpretable.Exec(frame)
	list, ok := v.(traits.Lister)
	if !ok || list.Size().(types.Int) < seekFrom {
		return v
	}
	sc, key, want := scopeOf(frame), s.planned[s.seek.key], s.planned[s.seek.want]
	if sc == nil || key == nil || want == nil {
		return v
	}
	texts, ok := s.texts(sc, want.Exec(frame))
	if !ok {
		return v
	}
	found := sc.once(s, func() ref.Val { return s.index(frame, list, key) })
	ix, ok := found.(*textIndex)
	if !ok {
		return v
	}
	return ix.with(texts)
}

// texts brings a text or a list of texts into the form they are found by. A
// value that cannot be told gives none: it is up to the loop what follows.
func (s *seeker) texts(sc *scope, v ref.Val) ([]string, bool) {
	form := func(t types.String) string {
		if s.seek.person {
			return sc.w.v.reg.person(string(t))
		}
		return string(t)
	}
	switch x := v.(type) {
	case types.String:
		return []string{form(x)}, true
	case traits.Lister:
		out := make([]string, 0, int(x.Size().(types.Int)))
		for it := x.Iterator(); it.HasNext() == types.True; {
			t, ok := it.Next().(types.String)
			if !ok {
				return nil, false
			}
			out = append(out, form(t))
		}
		return out, true
	}
	return nil, false
}

// index puts the elements of a list in order of their texts.
func (s *seeker) index(frame *interpreter.ExecutionFrame, list traits.Lister, key interpretable) ref.Val {
	ix := &textIndex{list: list, by: map[string][]int{}, lists: map[string]ref.Val{}}
	at := &element{Activation: frame, name: s.seek.name}
	inner := interpreter.AsFrame(at)
	for i := 0; i < int(list.Size().(types.Int)); i++ {
		at.value = list.Get(types.Int(i))
		texts, ok := s.texts(scopeOf(frame), key.Exec(inner))
		if !ok {
			ix.always = append(ix.always, i)
		}
		for _, t := range texts {
			if had := ix.by[t]; len(had) == 0 || had[len(had)-1] != i {
				ix.by[t] = append(had, i)
			}
		}
	}
	return ix
}

// element names one element of a list to what is evaluated over it.
type element struct {
	interpreter.Activation
	name  string
	value ref.Val
}

// ResolveName is part of interpreter.Activation.
func (e *element) ResolveName(name string) (any, bool) {
	if name == e.name {
		return e.value, true
	}
	return e.Activation.ResolveName(name)
}

// Parent is part of interpreter.Activation.
func (e *element) Parent() interpreter.Activation { return e.Activation }

// textIndex finds the elements of a list by a text of theirs. Those whose
// texts cannot be told are always among what is found.
type textIndex struct {
	viewVal // never seen by a condition
	list    traits.Lister
	by      map[string][]int
	always  []int
	lists   map[string]ref.Val
}

// with gives the elements that have one of some texts, in the list's order.
func (ix *textIndex) with(texts []string) ref.Val {
	if len(texts) == 1 {
		if l, ok := ix.lists[texts[0]]; ok {
			return l
		}
	}
	at := slices.Clone(ix.always)
	for _, t := range texts {
		at = append(at, ix.by[t]...)
	}
	slices.Sort(at)
	at = slices.Compact(at)
	vals := make([]ref.Val, len(at))
	for i, k := range at {
		vals[i] = ix.list.Get(types.Int(k))
	}
	l := types.NewRefValList(types.DefaultTypeAdapter, vals)
	if len(texts) == 1 {
		ix.lists[texts[0]] = l
	}
	return l
}
