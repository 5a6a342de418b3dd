package assess

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Sweep assesses at instants in forward order over a span of the past. State.At
// evaluates everything anew for an instant before the newest record; a Sweep
// does so once and then only what became known, went away or ran out between
// two of its instants, so that a year of days costs what happened in it.
//
// It sees what State.At sees, later captures included. It is good only as long
// as nothing more is applied to the State.
type Sweep struct {
	s       *State
	caches  []*planCache
	tables  map[string]*sweepTable
	moments []moment // still to come, in order
	from    int64
	to      int64
	at      int64
	applied int

	register int // counts changes of what the register says
}

// sweepTable is who has to know about changes of a kind.
type sweepTable struct {
	populations []*planCache
	watchers    [][]watcher
}

// moment is an instant at which a row may begin or cease to be in force.
type moment struct {
	at  int64
	t   *table
	row int32
	new bool // it replaces the revision before
}

// Sweep begins at from and can go as far as to.
func (s *State) Sweep(from, to time.Time) (*Sweep, error) {
	if from.IsZero() || to.Before(from) {
		return nil, errors.New("assess: a sweep needs two instants, the first not after the second")
	}
	w := &Sweep{s: s, tables: map[string]*sweepTable{}, from: nanos(precise(from)), to: nanos(precise(to)), at: absent, applied: s.applied}
	for _, c := range s.caches {
		w.caches = append(w.caches, w.cache(c.plan))
	}
	for _, t := range s.tables {
		w.moments = append(w.moments, w.momentsOf(t)...)
	}
	slices.SortFunc(w.moments, func(a, b moment) int { return cmp.Compare(a.at, b.at) })
	return w, nil
}

// precise brings an instant to the precision of assessments.
func precise(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// cache makes an empty cache of a plan and enters it where changes are told.
func (w *Sweep) cache(p *plan) *planCache {
	c := newPlanCache(p, w.s)
	if c.table != nil {
		st := w.table(c.table)
		st.populations = append(st.populations, c)
	}
	for i, j := range p.joins {
		st := w.table(w.s.tables[j.kind.kind.ID])
		st.watchers[j.index] = append(st.watchers[j.index], watcher{cache: c, join: i})
	}
	return c
}

func (w *Sweep) table(t *table) *sweepTable {
	id := t.info.kind.ID
	if w.tables[id] == nil {
		w.tables[id] = &sweepTable{watchers: make([][]watcher, len(t.indexes))}
	}
	return w.tables[id]
}

// momentsOf lists when rows of a table may begin or cease to be in force.
func (w *Sweep) momentsOf(t *table) []moment {
	var out []moment
	add := func(at int64, row int32, replaces bool) {
		if at > w.from && at <= w.to {
			out = append(out, moment{at: at, t: t, row: row, new: replaces})
		}
	}
	reach := w.reach(t)
	for i := range t.rows() {
		row := int32(i)
		m := t.meta(row)
		add(m.collected, row, true)
		if m.gone != notGone {
			add(m.gone, row, false)
		}
		if t.info.event && m.event != absent {
			add(m.event, row, false)
			if m.prev < 0 && m.event < m.collected {
				add(reach(m), row, false)
			}
		}
		if t.info.kind.ID == uploadKind {
			if at := t.time(row, "reviewed_at"); at != absent {
				add(at, row, false)
			}
		}
	}
	return out
}

// reach returns a function that says from when on some later reading reaches
// back to an instant at which a row was not yet read.
func (w *Sweep) reach(t *table) func(*rowMeta) int64 {
	earliest := map[text][]int64{} // by source: of each reading and those after it, how far back one reaches
	for source, cv := range w.s.coverage.kinds[t.info.kind.ID] {
		name, ok := t.texts.lookup(source)
		if !ok {
			continue
		}
		list := make([]int64, len(cv.readings))
		best := int64(notGone)
		for i := len(list) - 1; i >= 0; i-- {
			best = min(best, cv.readings[i].since) // without limit is the least of all
			list[i] = best
		}
		earliest[name] = list
	}
	return func(m *rowMeta) int64 {
		source := t.slot(m.slot).source
		cv := w.s.coverage.kinds[t.info.kind.ID][t.texts.str(source)]
		if cv == nil {
			return absent
		}
		n, _ := slices.BinarySearchFunc(cv.readings, m.collected, func(r reading, at int64) int { return cmp.Compare(r.finished, at) })
		if list := earliest[source]; n < len(list) && list[n] != absent {
			return max(list[n], m.event)
		}
		return m.event
	}
}

// At assesses at an instant that is not before the last one asked for. The
// assessment has no populations, and its results do not say when the evidence
// was collected last; all else is as State.At has it.
func (w *Sweep) At(asOf time.Time, cp Checkpoint) (*Assessment, error) {
	at := nanos(precise(asOf))
	switch {
	case w.applied != w.s.applied:
		return nil, errors.New("assess: the state changed under a sweep")
	case at < w.from || at > w.to || at < w.at:
		return nil, fmt.Errorf("assess: a sweep cannot go to %s", stamp(at))
	}
	w.advance(at)
	v := w.s.view(at)
	v.register = w.register
	f := newFinisher(v, w.caches)
	f.lean = true
	eng := w.s.eng
	a := &Assessment{
		AsOf: precise(asOf), Checkpoint: cp, Catalog: CatalogRef{ID: eng.cat.ID, Version: eng.cat.Version, Digest: eng.digest},
		Controls: []Control{}, Results: []*Result{}, Populations: []Population{}, Runs: w.s.coverage.newest(at),
	}
	f.controls(a, f.results(a))
	return a, nil
}

// advance tells the caches what may have changed up to an instant.
func (w *Sweep) advance(at int64) {
	w.at = at
	for len(w.moments) > 0 && w.moments[0].at <= at {
		m := w.moments[0]
		w.moments = w.moments[1:]
		w.touch(m.t, m.row)
		if prev := m.t.meta(m.row).prev; m.new && prev >= 0 {
			w.touch(m.t, prev)
		}
		if w.registers(m) {
			w.register++
		}
	}
}

// registers reports whether a moment alters what functions about the register
// answer.
func (w *Sweep) registers(m moment) bool {
	switch m.t.info.kind.ID {
	case systemKind, uploadKind, vendorKind:
		return true
	case repositoryKind:
		return !m.new || w.s.changesRegister(m.t, m.row)
	}
	return false
}

// touch marks whatever may come out differently because of a row.
func (w *Sweep) touch(t *table, row int32) {
	st := w.tables[t.info.kind.ID]
	if st == nil {
		return
	}
	var room [4]uint64
	for i, ix := range t.indexes {
		if len(st.watchers[i]) == 0 {
			continue
		}
		hashes := ix.hashes(t, row, room[:0])
		for _, x := range st.watchers[i] {
			x.touched(hashes)
		}
	}
	for _, c := range st.populations {
		c.mark(t.meta(row).slot)
	}
}
