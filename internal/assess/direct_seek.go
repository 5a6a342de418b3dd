package assess

import (
	"slices"

	"github.com/google/cel-go/common/ast"
)

// rowIndex finds the records of a list by a text of theirs, as textIndex does
// for the evaluator. Those whose text cannot be told are always among what is
// found: what they have in them shows when they are looked at.
type rowIndex struct {
	by     map[string][]int32
	always []int32
}

// sought makes what leaves of a loop's records only those that can count: those
// that have the text which the loop looks for. nil if it looks for none, or if
// the list is not the same for the whole scope.
func (d *director) sought(c ast.ComprehensionExpr) func(*frame, rowList) rowList {
	s := d.loops.seeks[c.IterRange().ID()]
	if s == nil || s.name != c.IterVar() || !d.isText(s.keyPart) || !d.isText(s.wantPart) || uses(c.IterRange(), d.locals) {
		return nil
	}
	want := d.text(s.wantPart)
	var key textOf
	var at int
	if !d.inLoop(c.IterVar(), func(n int) { at, key = n, d.text(s.keyPart) }) || key == nil || want == nil {
		return nil
	}
	form := func(f *frame, t string) string {
		if s.person {
			return f.sc.w.person(t)
		}
		return t
	}
	return func(f *frame, l rowList) rowList {
		text := form(f, want(f))
		if f.failed {
			return l
		}
		ix := f.sc.sought[s]
		if ix == nil {
			ix = &rowIndex{by: map[string][]int32{}}
			for i, row := range l.rows {
				f.loops[at].row = rowRef{l.t, row}
				t := form(f, key(f))
				if f.failed {
					f.failed = false
					ix.always = append(ix.always, int32(i))
					continue
				}
				ix.by[t] = append(ix.by[t], int32(i))
			}
			if f.sc.sought == nil {
				f.sc.sought = map[*seek]*rowIndex{}
			}
			f.sc.sought[s] = ix
		}
		places := ix.by[text]
		if len(ix.always) > 0 {
			places = slices.Concat(places, ix.always)
			slices.Sort(places)
		}
		out := rowList{l.t, make([]int32, len(places))}
		for i, p := range places {
			out.rows[i] = l.rows[p]
		}
		return out
	}
}
