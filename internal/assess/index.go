package assess

import (
	"slices"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	"math"
)

// index finds the keys of a kind whose records have given values in some
// fields. A bucket may hold keys whose newest revision no longer matches, or
// whose values only share the hash: whoever reads it compares again.
type index struct {
	fields []indexField
	keys   multimap
	room   [2][]uint64 // for the hashes of the row at hand and of the one before
}

// indexField is a field of an index: a cell, or the record's subject.
type indexField struct {
	subject bool
	cell    int
	form    cellForm
}

func newIndex(k *kindInfo, fields []string) *index {
	ix := &index{}
	for _, name := range fields {
		if name == "_subject" {
			ix.fields = append(ix.fields, indexField{subject: true, form: formText})
			continue
		}
		f := k.byName[name]
		ix.fields = append(ix.fields, indexField{cell: f.index, form: f.form})
	}
	return ix
}

// values returns the values of one field of a row; more than one for a list.
// Absent and malformed fields have none.
func (f indexField) values(t *table, row int32, buf []uint64) []uint64 {
	c, ok := f.value(t, row)
	if !ok {
		return buf
	}
	if f.form != formTexts {
		return append(buf, c)
	}
	for _, v := range t.list(c) {
		buf = append(buf, uint64(v))
	}
	return buf
}

// hashes returns the hash of every combination of a row's values.
func (ix *index) hashes(t *table, row int32, buf []uint64) []uint64 {
	out := append(buf[:0], hashStart)
	for _, f := range ix.fields {
		if f.form == formTexts {
			out = combine(out, f.values(t, row, nil))
			continue
		}
		v, ok := f.value(t, row)
		if !ok {
			return out[:0]
		}
		for i := range out {
			out[i] = mix(out[i], v)
		}
	}
	return out
}

// value returns the value of a field that is no list.
func (f indexField) value(t *table, row int32) (uint64, bool) {
	if f.subject {
		return uint64(t.meta(row).subjectID), true
	}
	c := t.cell(row, f.cell)
	return c, c != absentCell && c != malformedCell
}

// combine extends every hash by every value.
func combine(hashes, values []uint64) []uint64 {
	if len(values) == 1 {
		for i := range hashes {
			hashes[i] = mix(hashes[i], values[0])
		}
		return hashes
	}
	out := make([]uint64, 0, len(hashes)*len(values))
	for _, h := range hashes {
		for _, v := range values {
			out = append(out, mix(h, v))
		}
	}
	return out
}

const hashStart = 0x9e3779b97f4a7c15

func mix(h, v uint64) uint64 {
	h ^= v + hashStart + h<<6 + h>>2
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}

// add enters a new row. prev is the revision before, or -1: where it has the
// same values, the key is in the bucket already. What it gives is good until
// the next row.
func (ix *index) add(t *table, row, prev int32) (hashes, before []uint64) {
	hashes = ix.hashes(t, row, ix.room[0])
	ix.room[0] = hashes
	if prev >= 0 {
		before = ix.hashes(t, prev, ix.room[1])
		ix.room[1] = before
	}
	for _, h := range hashes {
		if !slices.Contains(before, h) {
			ix.keys.put(h, t.meta(row).slot)
		}
	}
	return hashes, before
}

// matches reports whether a row has, in every field, one of the wanted values.
func (ix *index) matches(t *table, row int32, want [][]uint64) bool {
	for i, f := range ix.fields {
		var room [8]uint64
		if !slices.ContainsFunc(f.values(t, row, room[:0]), func(v uint64) bool { return slices.Contains(want[i], v) }) {
			return false
		}
	}
	return true
}

// wanted brings the value of a match condition into the form of the field. A
// text that nobody knows gives nothing, and is remembered as asked for; a list
// gives each of its elements.
func (f indexField) wanted(w *worker, v ref.Val, buf []uint64) []uint64 {
	if l, ok := v.(traits.Lister); ok {
		for it := l.Iterator(); it.HasNext() == types.True; {
			buf = f.wanted(w, it.Next(), buf)
		}
		return buf
	}
	switch x := v.(type) {
	case types.String:
		if t, ok := w.known(string(x)); ok {
			return append(buf, uint64(t))
		}
	case types.Int:
		return append(buf, uint64(x))
	case types.Double:
		return append(buf, math.Float64bits(float64(x)))
	case types.Bool:
		if x {
			return append(buf, 1)
		}
		return append(buf, 0)
	case types.Timestamp:
		return append(buf, uint64(nanos(x.Time)))
	}
	return buf
}
