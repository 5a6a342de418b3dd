package assess

import "slices"

// slotOf returns the slot of a key, a new one if the key is not known.
func (t *table) slotOf(source, key text) uint32 {
	if s, known := t.find(source, key); known {
		return s
	}
	return t.newSlot(source, key)
}

func (t *table) newSlot(source, key text) uint32 {
	s := uint32(t.slots.add(slot{source: source, key: key, head: -1}))
	t.keys.put(keyHash(source, key), s)
	return s
}

// link puts a new row into the chain of its key, before every revision that
// was read later, in whatever order the ledger got them.
func (t *table) link(row int32) {
	m := t.meta(row)
	next, prev := int32(-1), t.slot(m.slot).head
	for prev >= 0 && m.before(t.meta(prev)) {
		next, prev = prev, t.meta(prev).prev
	}
	m.prev = prev
	if next < 0 {
		t.slot(m.slot).head = row
	} else {
		t.meta(next).prev = row
	}
}

func (m *rowMeta) before(other *rowMeta) bool {
	if m.collected != other.collected {
		return m.collected < other.collected
	}
	return m.seq < other.seq
}

// newestAt returns the revision of a key that was read last by an instant, or
// -1.
func (t *table) newestAt(slot uint32, at int64) int32 {
	row := t.slot(slot).head
	for row >= 0 && t.meta(row).collected > at {
		row = t.meta(row).prev
	}
	return row
}

// markGone notes that a key was found gone at an instant. The mark is of the
// revision that was in force then; of several marks of one revision the first
// counts. It returns the row that changed, or -1.
func (t *table) markGone(slot uint32, at int64) int32 {
	row := t.newestAt(slot, at)
	if row < 0 {
		t.keepMark(slot, at)
		return -1
	}
	m := t.meta(row)
	if m.gone <= at {
		if m.gone < at {
			t.keepMark(slot, at)
		}
		return -1
	}
	if m.gone != notGone {
		t.keepMark(slot, m.gone)
	}
	m.gone = at
	return row
}

// keepMark keeps a mark that no row carries: a revision that the ledger gets
// later may have been the one in force.
func (t *table) keepMark(slot uint32, at int64) {
	if !slices.Contains(t.spare[slot], at) {
		t.spare[slot] = append(t.spare[slot], at)
	}
}

// remark hands out again the marks that a new row may have to carry, and
// returns the rows that changed.
func (t *table) remark(row int32) []int32 {
	m := t.meta(row)
	var changed []int32
	var marks []int64
	if len(t.spare) > 0 {
		marks = t.spare[m.slot]
		delete(t.spare, m.slot)
	}
	if m.prev >= 0 {
		if p := t.meta(m.prev); p.gone != notGone && p.gone >= m.collected {
			marks = append(marks, p.gone)
			p.gone = notGone
			changed = append(changed, m.prev)
		}
	}
	for _, at := range marks {
		if r := t.markGone(m.slot, at); r >= 0 && !slices.Contains(changed, r) {
			changed = append(changed, r)
		}
	}
	return changed
}
