package assess

import (
	"slices"
	"strings"
	"sync"

	"github.com/google/cel-go/common/types/ref"

	"github.com/exhibit-aims/exhibit/internal/catalog"
)

// view is a State as of an instant.
type view struct {
	s   *State
	at  int64
	all bool // nothing applied is later than at: the newest revision is the one in force
	reg *registerView

	mu      sync.Mutex
	decoded map[structured]ref.Val // of the structured values that were read last

	register int  // which version of the register this is; see State.register
	plain    bool // every condition is left to the evaluator
}

// structured is the JSON text of a value, and the type that it is read as.
type structured struct {
	json text
	as   *catalog.Type
}

// maxDecoded bounds how many values a view keeps.
const maxDecoded = 4096

// decode reads a structured value, mostly once.
func (v *view) decode(json text, as *catalog.Type) (ref.Val, error) {
	of := structured{json, as}
	v.mu.Lock()
	val, known := v.decoded[of]
	v.mu.Unlock()
	if known {
		return val, nil
	}
	val, err := decodeJSON(v.s.texts.str(json), as)
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.decoded == nil || len(v.decoded) >= maxDecoded {
		v.decoded = map[structured]ref.Val{}
	}
	v.decoded[of] = val
	return val, nil
}

func (s *State) view(at int64) *view {
	v := &view{s: s, at: at, all: at >= s.newest, register: s.register, plain: s.plain}
	v.reg = newRegisterView(v)
	return v
}

// inForce returns the revision of a key that holds at the instant, if any.
// late says that it was read only after the instant.
//
// A reading of a state holds from when it was read until a later reading, or
// until a complete run did not find the key any more. An event counts from
// when it happened, even if it was read later, provided that the later run
// claims to have seen everything back to the instant.
func (v *view) inForce(t *table, slot uint32) (row int32, late, ok bool) {
	if row = t.slot(slot).head; row < 0 {
		return 0, false, false // only known to be gone
	}
	if v.all {
		m := t.meta(row)
		return row, false, m.gone > v.at
	}
	oldest := row
	for ; row >= 0; row = t.meta(row).prev {
		m := t.meta(row)
		if m.collected <= v.at {
			return row, false, m.gone > v.at && (!t.info.event || m.event <= v.at)
		}
		oldest = row
	}
	m := t.meta(oldest)
	if !t.info.event || m.event == absent || m.event > v.at {
		return 0, false, false
	}
	cv := v.s.coverage.kinds[t.info.kind.ID][t.texts.str(t.slot(slot).source)]
	if cv == nil {
		return 0, false, false
	}
	n, _ := slices.BinarySearchFunc(cv.readings, m.collected, func(r reading, at int64) int {
		switch {
		case r.finished < at:
			return -1
		case r.finished > at:
			return 1
		}
		return 0
	})
	return oldest, true, cv.reaches(n, v.at)
}

// lookup returns the rows of an index that have the wanted values and are in
// force, ordered by event time, then by key.
func (v *view) lookup(t *table, ix *index, hashes []uint64, want [][]uint64) (rows []int32, late bool) {
	for _, h := range hashes {
		ix.keys.each(h, func(slot uint32) {
			row, isLate, ok := v.inForce(t, slot)
			if ok && ix.matches(t, row, want) {
				rows = append(rows, row)
				late = late || isLate
			}
		})
	}
	if len(rows) > 1 {
		slices.SortFunc(rows, t.byTime)
		rows = slices.Compact(rows)
	}
	return rows, late
}

// byTime orders rows by event time (records without one first), then by key,
// source and row, so that the order does not depend on how they were read.
func (t *table) byTime(a, b int32) int {
	if a == b {
		return 0
	}
	x, y := t.meta(a), t.meta(b)
	if x.event != y.event {
		if x.event < y.event {
			return -1
		}
		return 1
	}
	return t.byKey(a, b)
}

// byKey orders rows by key, source and row.
func (t *table) byKey(a, b int32) int {
	sx, sy := t.slot(t.meta(a).slot), t.slot(t.meta(b).slot)
	if c := strings.Compare(t.texts.str(sx.key), t.texts.str(sy.key)); c != 0 {
		return c
	}
	if c := strings.Compare(t.texts.str(sx.source), t.texts.str(sy.source)); c != 0 {
		return c
	}
	return int(a - b)
}

// live calls f for every key of a kind that is in force, by key and source.
func (v *view) live(kind string, f func(t *table, row int32, late bool)) {
	t := v.s.tables[kind]
	if t == nil {
		return
	}
	type found struct {
		row  int32
		late bool
	}
	var rows []found
	for slot := range t.slots.n {
		if row, late, ok := v.inForce(t, uint32(slot)); ok {
			rows = append(rows, found{row, late})
		}
	}
	slices.SortFunc(rows, func(a, b found) int { return t.byKey(a.row, b.row) })
	for _, r := range rows {
		f(t, r.row, r.late)
	}
}

// text returns a text field of a row, empty if absent.
func (t *table) text(row int32, name string) string {
	f := t.info.byName[name]
	if f == nil {
		return ""
	}
	c := t.cell(row, f.index)
	if c == absentCell || c == malformedCell {
		return ""
	}
	return t.texts.str(text(c))
}

// time returns a time field of a row.
func (t *table) time(row int32, name string) int64 {
	f := t.info.byName[name]
	if f == nil {
		return absent
	}
	c := t.cell(row, f.index)
	if c == malformedCell {
		return absent
	}
	return int64(c)
}

// textList returns a list of texts of a row.
func (t *table) textList(row int32, name string) []string {
	f := t.info.byName[name]
	if f == nil {
		return nil
	}
	c := t.cell(row, f.index)
	if c == absentCell || c == malformedCell {
		return nil
	}
	var out []string
	for _, s := range t.list(c) {
		out = append(out, t.texts.str(s))
	}
	return out
}

// raw returns the JSON text of a structured field of a row, empty if absent.
func (t *table) raw(row int32, name string) string { return t.text(row, name) }

var _ ref.Val = (*viewVal)(nil)
