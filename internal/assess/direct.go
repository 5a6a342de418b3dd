package assess

import (
	"slices"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"
)

// direct is a condition of a plain form, evaluated over cells of rows without
// making a value of the condition language of each. It gives the value that the
// evaluator gives, or none: whatever would be an error, or takes long, is left
// to the evaluator, which says what is wrong.
type direct struct {
	truth   truthOf
	text    textOf
	instant numberOf
	cell    numberOf // a field as it stands in a row
	rows    rowsOf
	texts   textsOf

	parts map[int64]interpretable // what is left to the evaluator within it
	limit int                     // loops that it may run before it gives up
}

type (
	truthOf  func(*frame) bool
	textOf   func(*frame) string
	numberOf func(*frame) int64 // a whole number, nanoseconds since 1970, or nanoseconds
	rowOf    func(*frame) rowRef
	rowsOf   func(*frame) rowList
	textsOf  func(*frame) textList
)

// frame is what one direct evaluation sees. Once it has failed, whatever it
// gives has no meaning.
type frame struct {
	sc     *scope
	failed bool
	left   int // loops that may still run
	loops  [maxLoops]loopValue
}

const (
	maxLoops    = 6   // loops within loops
	directLimit = 600 // loops of a condition of which the evaluator finds elements by their texts
)

// loopValue is the value of a loop's variable.
type loopValue struct {
	row  rowRef
	text string
}

// rowList is a list of records of one kind.
type rowList struct {
	t    *table
	rows []int32
}

// textList is a list of texts, of one of three forms.
type textList struct {
	in  *interner
	ids []text
	own []string
	val traits.Lister
	n   int
}

func ownTexts(list []string) textList { return textList{own: list, n: len(list)} }

func (l *textList) at(f *frame, i int) string {
	switch {
	case l.in != nil:
		return l.in.str(l.ids[i])
	case l.val != nil:
		s, ok := l.val.Get(types.Int(i)).(types.String)
		if !ok {
			f.failed = true
		}
		return string(s)
	}
	return l.own[i]
}

// director makes a direct evaluation of a checked condition.
type director struct {
	checked *ast.AST
	schema  *schema
	loops   *loops
	locals  []string // variables of the loops around
	parts   map[int64]interpretable
}

// directly makes a direct evaluation; nil if the condition is of no form that
// it knows.
func directly(s *schema, checked *ast.AST, l *loops) *direct {
	d := &director{checked: checked, schema: s, loops: l, parts: map[int64]interpretable{}}
	e, t := checked.Expr(), checked.GetType(checked.Expr().ID())
	out := &direct{parts: d.parts, limit: loopLimit}
	if len(l.fixed)+len(l.seeks) > 0 {
		out.limit = directLimit
	}
	switch {
	case t.IsExactType(types.BoolType):
		out.truth = d.truth(e)
	case t.IsExactType(types.StringType):
		out.text = d.text(e)
		out.cell = d.cell(e)
	case t.IsExactType(types.TimestampType):
		out.instant = d.number(e)
		out.cell = d.cell(e)
	case t.IsExactType(types.IntType):
		out.cell = d.cell(e)
	case d.rowKind(t) != nil:
		out.rows = d.rows(e)
	case d.isTexts(e):
		out.texts = d.texts(e)
	}
	d.checked = nil
	_, left := d.parts[plannedID(e)]
	if left || out.truth == nil && out.text == nil && out.instant == nil && out.cell == nil && out.rows == nil && out.texts == nil {
		return nil // nothing would be gained
	}
	return out
}

// complete reports whether everything is there that is left to the evaluator.
func (d *direct) complete() bool {
	for _, i := range d.parts {
		if i == nil {
			return false
		}
	}
	return true
}

// directly gives the direct evaluation of a condition in a scope, nil if the
// evaluator has to do it.
func (p *program) directly(sc *scope) *direct {
	if v := sc.w.v; v.plain || v.s.steps != nil || p.prepare() != nil || sc.slow[p] {
		return nil
	}
	return p.direct
}

// lookUp looks up what the evaluator looks up before it begins.
func (p *program) lookUp(sc *scope) {
	if p.nesting == 0 || p.growth.unbounded {
		return
	}
	for i, j := range sc.p.joins {
		if p.vars[j.name] {
			sc.join(i)
		}
	}
}

// begin opens a direct evaluation.
func (p *program) begin(sc *scope) *frame {
	if !sc.choosing {
		p.lookUp(sc)
	}
	w := sc.w
	if w.depth == len(w.frames) {
		w.frames = append(w.frames, &frame{})
	}
	f := w.frames[w.depth]
	w.depth++
	f.sc, f.failed, f.left = sc, false, p.direct.limit
	return f
}

// end closes a direct evaluation and reports whether its value counts.
func (f *frame) end(p *program) bool {
	f.sc.w.depth--
	if f.left < 0 {
		if f.sc.slow == nil {
			f.sc.slow = map[*program]bool{}
		}
		f.sc.slow[p] = true
	}
	return !f.failed
}

// next counts one more turn of a loop, and reports whether it may run.
func (f *frame) next() bool {
	if f.left--; f.left < 0 {
		f.failed = true
	}
	return !f.failed
}

// named gives the record that a condition calls by a name.
func (f *frame) named(name string) rowRef {
	sc := f.sc
	if name == sc.extra && sc.value != nil {
		if r, ok := sc.value.(*record); ok {
			return rowRef{r.t, r.row}
		}
	} else if name == sc.p.as && sc.subject != nil {
		return rowRef{sc.subject.t, sc.subject.row}
	}
	f.failed = true
	return rowRef{}
}

// list gives the records that a condition calls by a name.
func (f *frame) list(name string) rowList {
	sc := f.sc
	if name == "systems" {
		return f.systems()
	}
	for i, j := range sc.p.joins {
		if j.name == name {
			jd := sc.join(i)
			if jd.list != nil && types.IsError(jd.list) {
				break
			}
			return rowList{jd.t, jd.rows}
		}
	}
	f.failed = true
	return rowList{}
}

func (f *frame) systems() rowList {
	sc := f.sc
	if sc.systems == nil && !sc.located {
		f.failed = true
		return rowList{}
	}
	out := rowList{t: sc.w.v.s.systems}
	if len(sc.list) > 0 && len(sc.systemRows) == 0 {
		for _, s := range sc.list {
			if s == nil {
				f.failed = true
				return out
			}
			sc.systemRows = append(sc.systemRows, s.rec.row)
		}
	}
	out.rows = sc.systemRows
	return out
}

// left gives what evaluates a part of the condition that is of no form known
// here; nil if the part is a loop, or depends on one around it. What does not
// change from one evaluation in a scope to the next is evaluated once.
func (d *director) left(e ast.Expr) func(*frame) ref.Val {
	if uses(e, d.locals) || nesting(e) > 0 {
		return nil
	}
	id, parts := plannedID(e), d.parts
	parts[id] = nil
	of := func(f *frame) ref.Val { return parts[id].Exec(interpreter.AsFrame(f.sc)) }
	if moving := d.loops.moving; len(moving) > 0 && !uses(e, moving) {
		each, part := of, new(int64)
		of = func(f *frame) ref.Val { return f.sc.once(part, func() ref.Val { return each(f) }) }
	}
	return func(f *frame) ref.Val {
		v := of(f)
		if types.IsUnknownOrError(v) {
			f.failed = true
		}
		return v
	}
}

// rowKind gives the kind of the records that a list type holds, nil if it is
// no such type.
func (d *director) rowKind(t *types.Type) *kindInfo {
	if t.Kind() != types.ListKind {
		return nil
	}
	return d.recordKind(t.Parameters()[0])
}

// recordKind gives the kind of a record type.
func (d *director) recordKind(t *types.Type) *kindInfo {
	if t.Kind() != types.StructKind {
		return nil
	}
	return d.schema.kinds[t.TypeName()]
}

func (d *director) typeOf(e ast.Expr) *types.Type { return d.checked.GetType(e.ID()) }

func (d *director) isText(e ast.Expr) bool { return d.typeOf(e).IsExactType(types.StringType) }

func (d *director) isTexts(e ast.Expr) bool {
	return d.typeOf(e).IsExactType(types.NewListType(types.StringType))
}

func (d *director) isNumber(e ast.Expr) bool {
	t := d.typeOf(e)
	return t.IsExactType(types.IntType) || t.IsExactType(types.TimestampType) || t.IsExactType(types.DurationType)
}

// local gives the place of a loop's variable, -1 if the name is none.
func (d *director) local(name string) int {
	for i := len(d.locals) - 1; i >= 0; i-- {
		if d.locals[i] == name {
			return i
		}
	}
	return -1
}

// inLoop makes what stands inside a loop over a variable.
func (d *director) inLoop(name string, inside func(at int)) bool {
	if len(d.locals) == maxLoops {
		return false
	}
	d.locals = append(d.locals, name)
	inside(len(d.locals) - 1)
	d.locals = d.locals[:len(d.locals)-1]
	return true
}

// wanted gives what a join looks for, as cells, where it is a field or some
// texts.
func (p *program) wanted(sc *scope) ([]uint64, bool) {
	d := p.directly(sc)
	switch {
	case d == nil:
		return nil, false
	case d.cell != nil:
		f := p.begin(sc)
		c := d.cell(f)
		return []uint64{uint64(c)}, f.end(p)
	case d.texts == nil:
		return nil, false
	}
	f := p.begin(sc)
	l := d.texts(f)
	out := make([]uint64, 0, l.n)
	for i := 0; i < l.n && !f.failed; i++ {
		if l.in != nil {
			out = append(out, uint64(l.ids[i]))
		} else if t, known := sc.w.known(l.at(f, i)); known {
			out = append(out, uint64(t))
		}
	}
	return out, f.end(p)
}

// systemsDirectly finds out which registered systems the subject belongs to
// and reports whether it could.
func (sc *scope) systemsDirectly() bool {
	p := sc.p.systems
	d := p.directly(sc)
	if d == nil || d.rows == nil {
		return false
	}
	f := p.begin(sc)
	found := d.rows(f)
	if !f.end(p) {
		return false
	}
	list := make([]*systemView, 0, len(found.rows))
	for _, row := range found.rows {
		if s := sc.w.v.reg.byRow[row]; s != nil && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	if len(list) != len(found.rows) {
		slices.SortFunc(list, func(a, b *systemView) int { return strings.Compare(a.id, b.id) })
	}
	sc.list, sc.located = list, true
	return true
}

// person gives the form in which a name is compared, once.
func (w *worker) person(name string) string {
	form, ok := w.people[name]
	if !ok {
		if w.people == nil {
			w.people = map[string]string{}
		}
		form = w.v.reg.person(name)
		w.people[name] = form
	}
	return form
}
