package assess

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// worker evaluates subjects against one view. Each goroutine has its own.
type worker struct {
	v       *view
	self    *viewVal
	now     ref.Val
	answers map[question]*answer
	people  map[string]string // the form in which a name is compared
	frames  []*frame          // of direct evaluations within each other
	depth   int
	room    scope // of the subject at hand
	subject record
	hand    map[text]bool // by run: supplied by hand
	asked   []string      // texts that nobody knows, and that were looked for
	chosen  []chosen      // by join of the plan at hand; nil if nothing is remembered
}

func newWorker(v *view) *worker {
	w := &worker{v: v, now: types.Timestamp{Time: instant(v.at)}, answers: map[question]*answer{}, hand: map[text]bool{}}
	w.self = &viewVal{w: w}
	return w
}

// known gives the text of a string. One that is looked for in vain is
// remembered: who looked has to be marked when a record comes that has it.
func (w *worker) known(s string) (text, bool) {
	t, ok := w.v.s.texts.lookup(s)
	if !ok {
		w.asked = append(w.asked, s)
	}
	return t, ok
}

// rowRef is a row of a table.
type rowRef struct {
	t   *table
	row int32
}

// scope is what the conditions of one subject see. Joins are looked up when a
// condition first asks for them; only those are what the result rests on.
type scope struct {
	w       *worker
	p       *plan
	subject *record
	systems ref.Val
	list    []*systemView
	joined  []joined
	extra   string // one more name: the candidate, or the element of a join
	value   ref.Val
	late    bool
	now     bool  // some condition has read the clock
	ticks   bool  // some join has
	until   int64 // what the conditions said holds until then

	choosing bool  // it is not known yet whether the subject is in the population
	failed   error // a join's match could not be evaluated
	known    map[any]remembered

	located    bool              // list is known, systems is made when asked for
	systemRows []int32           // of list
	slow       map[*program]bool // conditions that take long in this scope
	sought     map[*seek]*rowIndex
}

// joined is a join's records for one subject.
type joined struct {
	known  bool
	t      *table
	rows   []int32
	list   ref.Val // nil until it is made, or an error
	hashes []uint64
	want   [][]uint64
	found  []int32 // what was looked up, before a where keeps some
	late   bool
	width  int    // elements of the longest list in sight
	mark   uint64 // of the rows: the same for the same rows only
}

var _ cel.Activation = (*scope)(nil)

// Parent is part of cel.Activation.
func (sc *scope) Parent() cel.Activation { return nil }

// ResolveName gives a condition the value of a name.
func (sc *scope) ResolveName(name string) (any, bool) {
	switch name {
	case sc.extra:
		if sc.value != nil {
			return sc.value, true
		}
	case sc.p.as:
		return sc.subject, sc.subject != nil
	case "systems":
		if sc.systems == nil && sc.located {
			sc.systems = recordList(sc.list)
		}
		return sc.systems, sc.systems != nil
	case "params":
		return sc.p.rule.params, true
	case "now":
		sc.now = true
		return sc.w.now, true
	case viewName, peopleName:
		return sc.w.self, true
	case scopeName:
		return sc, true
	}
	for i, j := range sc.p.joins {
		if j.name == name {
			return sc.join(i).value(sc.w.v), true
		}
	}
	return nil, false
}

// width bounds the length of every list that a condition can loop over. The
// joins that it names are looked up.
func (sc *scope) width(p *program) int {
	w := max(sc.w.v.reg.width, sc.p.rule.width)
	if sc.subject != nil {
		w = max(w, int(sc.subject.t.meta(sc.subject.row).width))
	}
	if r, ok := sc.value.(*record); ok {
		w = max(w, int(r.t.meta(r.row).width))
	}
	for i, j := range sc.p.joins {
		if !p.vars[j.name] {
			continue
		}
		w = max(w, sc.join(i).width)
	}
	return w
}

// with evaluates under one more name.
func (sc *scope) with(name string, v ref.Val, f func()) {
	oldName, oldValue := sc.extra, sc.value
	sc.extra, sc.value = name, v
	f()
	sc.extra, sc.value = oldName, oldValue
}

// join looks up the i-th join's records.
func (sc *scope) join(i int) *joined {
	jd := &sc.joined[i]
	if jd.known {
		return jd
	}
	jd.known = true
	read, choosing := sc.now, sc.choosing
	sc.now, sc.choosing = false, false
	sc.find(i, jd)
	sc.ticks, sc.now, sc.choosing = sc.ticks || sc.now, read, choosing
	return jd
}

// find fills in a join's records.
func (sc *scope) find(i int, jd *joined) {
	j := sc.p.joins[i]
	t := sc.w.v.s.table(j.kind)
	jd.t = t
	ix := t.indexes[j.index]
	want := make([][]uint64, len(j.match))
	hashes := []uint64{hashStart}
	for k, m := range j.match {
		if cells, ok := m.wanted(sc); ok {
			want[k] = cells
			hashes = combine(hashes, cells)
			continue
		}
		v, err := m.eval(sc)
		if err != nil {
			if sc.failed == nil {
				sc.failed = fmt.Errorf("%s: match %s: %w", j.name, j.fields[k], err)
			}
			jd.list = types.WrapErr(sc.failed)
			return
		}
		want[k] = ix.fields[k].wanted(sc.w, v, nil)
		hashes = combine(hashes, want[k])
	}
	slices.Sort(hashes)
	jd.hashes, jd.want = slices.Compact(hashes), want
	sc.lookUp(i, jd)
	if count := sc.w.v.s.steps; count != nil {
		count.Add(int64(len(jd.found)))
	}
	sc.late = sc.late || jd.late
	jd.rows = sc.kept(i, t, jd.found)
	jd.width, jd.mark = len(jd.rows), hashStart
	for _, row := range jd.rows {
		jd.mark = mix(jd.mark, uint64(row))
		jd.width = max(jd.width, int(t.meta(row).width))
	}
}

// lookUp finds the rows that a join matches. Several joins that look for the
// same look once.
func (sc *scope) lookUp(i int, jd *joined) {
	j := sc.p.joins[i]
	for k := range sc.joined {
		other := &sc.joined[k]
		if k == i || other.t != jd.t || sc.p.joins[k].index != j.index || other.found == nil {
			continue
		}
		if slices.Equal(other.hashes, jd.hashes) && slices.EqualFunc(other.want, jd.want, slices.Equal[[]uint64]) {
			jd.found, jd.late = other.found, other.late
			return
		}
	}
	jd.found, jd.late = sc.w.v.lookup(jd.t, jd.t.indexes[j.index], jd.hashes, jd.want)
}

// value gives the records as a list of the condition language, which is made
// when somebody asks for it.
func (jd *joined) value(v *view) ref.Val {
	if jd.list == nil {
		recs := make([]record, len(jd.rows))
		vals := make([]ref.Val, len(jd.rows))
		for k, row := range jd.rows {
			recs[k] = record{v: v, t: jd.t, row: row}
			vals[k] = &recs[k]
		}
		jd.list = types.NewRefValList(types.DefaultTypeAdapter, vals)
	}
	return jd.list
}

// kept gives the rows that a join's where keeps.
func (sc *scope) kept(i int, t *table, rows []int32) []int32 {
	j := sc.p.joins[i]
	if j.where == nil || len(rows) == 0 {
		return rows
	}
	var out []int32
	clock := sc.now
	r := &record{v: sc.w.v, t: t}
	past := sc.past(i)
	for _, row := range rows {
		if keep, until, known := past.look(row, sc.w.v.at); known {
			sc.holds(until)
			if keep {
				out = append(out, row)
			}
			continue
		}
		until, failed := sc.until, sc.failed
		sc.until, sc.now = forever, false
		r.row = row
		keep := sc.keeps(j, r)
		if keep {
			out = append(out, row)
		}
		if !sc.now && errors.Is(sc.failed, failed) {
			past.note(row, keep, sc.until)
		}
		clock = clock || sc.now
		sc.until = min(sc.until, until)
	}
	sc.now = clock
	return out
}

// keeps applies a join's where. A record that it cannot tell about is kept out
// and makes the subject not assessable.
func (sc *scope) keeps(j *join, r *record) bool {
	if j.where == nil {
		return true
	}
	keep := false
	sc.with(j.as, r, func() {
		ok, err := j.where.truth(sc)
		if err != nil && sc.failed == nil {
			sc.failed = fmt.Errorf("%s: where: %w", j.name, err)
		}
		keep = ok
	})
	return keep
}

// setSystems evaluates which registered systems the subject belongs to.
func (sc *scope) setSystems() error {
	if sc.p.systems == nil {
		if sc.subject != nil && sc.subject.t.info.kind.ID == systemKind {
			sc.list = []*systemView{sc.subject.system()}
			sc.systems = types.NewRefValList(types.DefaultTypeAdapter, []ref.Val{sc.subject})
			return nil
		}
		sc.systems = types.NewRefValList(types.DefaultTypeAdapter, []ref.Val{})
		return nil
	}
	if sc.systemsDirectly() {
		return nil
	}
	v, err := sc.p.systems.eval(sc)
	if err != nil {
		return fmt.Errorf("systems: %w", err)
	}
	l, ok := v.(interface {
		Size() ref.Val
		Get(ref.Val) ref.Val
	})
	if !ok {
		return fmt.Errorf("systems: gives %s", v.Type().TypeName())
	}
	n := int(l.Size().(types.Int))
	for i := range n {
		if r, ok := l.Get(types.Int(i)).(*record); ok && r.system() != nil && !slices.Contains(sc.list, r.system()) {
			sc.list = append(sc.list, r.system())
		}
	}
	if len(sc.list) != n {
		slices.SortFunc(sc.list, func(a, b *systemView) int { return strings.Compare(a.id, b.id) })
		v = recordList(sc.list)
	}
	sc.systems = v
	return nil
}

// recordList lists the records of systems.
func recordList(list []*systemView) ref.Val {
	recs := make([]ref.Val, len(list))
	for i, s := range list {
		recs[i] = s.rec
	}
	return types.NewRefValList(types.DefaultTypeAdapter, recs)
}

// byHand reports whether a row was supplied by hand and nobody else accepted
// it yet.
func (w *worker) byHand(t *table, row int32) bool {
	if t.info.kind.ID == uploadKind {
		return !w.v.reg.accepted(t, row, w.v.at)
	}
	m := t.meta(row)
	hand, known := w.hand[m.run]
	if !known {
		r := w.v.s.coverage.runs[t.texts.str(m.run)]
		hand = r != nil && r.Provenance.Method == methodUpload
		w.hand[m.run] = hand
	}
	return hand && !w.v.reg.vouched(m.digest, m.seq) && !w.v.reg.vouched(w.v.s.sums[m.digest], m.seq)
}

// methodUpload marks evidence that a person handed in.
const methodUpload = "upload"
