package assess

import (
	"fmt"
	"math"
	"sync/atomic"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// State is the evidence as the rules need it, built in ledger order. It is not
// safe for concurrent use.
type State struct {
	eng      *Engine
	texts    *interner
	tables   map[string]*table
	coverage *coverage
	newest   int64 // the latest instant that anything applied speaks of
	applied  int   // counts what was applied

	caches   []*planCache                        // by plan number; what At remembers
	lastAt   int64                               // the newest instant that At was asked for, with caches
	register int                                 // counts changes of what the register says
	steps    *atomic.Int64                       // of the evaluator, if somebody counts them
	plain    bool                                // nothing is evaluated but by the evaluator
	sums     map[evidence.Digest]evidence.Digest // payload digests of evidence supplied by hand
}

// NewState returns an empty State.
func (eng *Engine) NewState() *State {
	s := &State{
		eng: eng, texts: newInterner(), tables: map[string]*table{}, coverage: newCoverage(),
		newest: absent, lastAt: absent, sums: map[evidence.Digest]evidence.Digest{},
	}
	for id, k := range eng.schema.kinds {
		if !k.used {
			continue
		}
		t := newTable(k, s.texts)
		for _, fields := range k.indexes {
			t.indexes = append(t.indexes, newIndex(k, fields))
		}
		t.watchers = make([][]watcher, len(t.indexes))
		s.tables[id] = t
	}
	for _, r := range eng.rules {
		for _, p := range r.plans {
			c := newPlanCache(p, s)
			c.watch(s)
			s.caches = append(s.caches, c)
		}
	}
	return s
}

// Apply takes a piece of evidence, in ledger order and with its payload. One
// that was applied before (the same ledger position) only has its GoneAt taken
// over. Evidence whose payload was erased counts as having no fields.
func (s *State) Apply(e evidence.Evidence) error {
	s.applied++
	s.coverage.delivered(e.Kind, e.Source, nanos(e.CollectedAt))
	t := s.tables[e.Kind]
	if t == nil || !s.coverage.readable(e, t.info.kind.Major) {
		return nil
	}
	source := s.texts.of(e.Source)
	if row, ok := t.findRow(e, source); ok {
		s.setGone(t, t.meta(row).slot, nanos(e.GoneAt))
		return nil
	}
	if t.rows() == math.MaxInt32 || s.texts.ends.n >= math.MaxUint32-16 {
		return fmt.Errorf("assess: more records of %s than can be held", e.Kind)
	}
	row, err := t.add(e, s.texts.of(e.Run), source)
	if err != nil {
		return fmt.Errorf("assess: %s %s, ledger position %d: %w", e.Kind, e.Key, e.Seq, err)
	}
	if r := s.coverage.runs[e.Run]; r != nil && r.Provenance.Method == methodUpload {
		s.sums[e.Digest] = e.PayloadSum
	}
	t.lastSeq = max(t.lastSeq, e.Seq)
	m := t.meta(row)
	s.newest = max(s.newest, m.event, m.collected)
	changed := t.remark(row)
	s.touch(t, row)
	for _, r := range changed {
		s.touch(t, r)
	}
	s.setGone(t, m.slot, nanos(e.GoneAt))
	return nil
}

// ApplyGone takes a gone entry of the ledger: keys that a complete run no
// longer found. The run must have been applied before.
func (s *State) ApplyGone(g evidence.Gone) error {
	r := s.coverage.runs[g.Run]
	if r == nil {
		return fmt.Errorf("assess: gone entry names run %s, which is not known", g.Run)
	}
	t := s.tables[g.Kind]
	if t == nil {
		return nil
	}
	source := s.texts.of(r.Provenance.Source)
	for _, k := range g.Keys {
		s.setGone(t, t.slotOf(source, s.texts.of(k)), nanos(g.At))
	}
	return nil
}

// setGone notes that a key was found gone.
func (s *State) setGone(t *table, slot uint32, at int64) {
	if at == absent {
		return
	}
	s.newest = max(s.newest, at)
	s.applied++
	if row := t.markGone(slot, at); row >= 0 {
		s.touch(t, row)
	}
}

// ApplyRun takes a run; once when it opens, if wanted, and once it has ended.
func (s *State) ApplyRun(r evidence.Run) {
	s.applied++
	s.coverage.run(r)
	s.newest = max(s.newest, nanos(r.StartedAt), nanos(r.FinishedAt))
	s.texts.of(r.Provenance.Source)
}

// Rows is how many pieces of evidence the State holds.
func (s *State) Rows() int {
	n := 0
	for _, t := range s.tables {
		n += t.rows()
	}
	return n
}

// findRow returns the row of evidence that was applied before.
func (t *table) findRow(e evidence.Evidence, source text) (int32, bool) {
	if t.rows() == 0 || t.lastSeq < e.Seq {
		return 0, false
	}
	key, ok := t.texts.lookup(e.Key)
	if !ok {
		return 0, false
	}
	slot, ok := t.find(source, key)
	if !ok {
		return 0, false
	}
	for row := t.slot(slot).head; row >= 0; row = t.meta(row).prev {
		if t.meta(row).seq == e.Seq {
			return row, true
		}
	}
	return 0, false
}

// touch enters a new or changed row into the indexes and marks whatever may
// come out differently because of it.
func (s *State) touch(t *table, row int32) {
	m := t.meta(row)
	for i, ix := range t.indexes {
		var hashes, before []uint64
		if row >= t.indexedTo {
			hashes, before = ix.add(t, row, m.prev)
		} else {
			hashes = ix.hashes(t, row, nil)
		}
		for _, w := range t.watchers[i] {
			w.touched(hashes)
			w.touched(before)
		}
	}
	t.indexedTo = max(t.indexedTo, row+1)
	for _, c := range t.populations {
		c.mark(m.slot)
	}
	if s.changesRegister(t, row) {
		s.register++
	}
}

// changesRegister reports whether a row alters what functions about the
// register answer.
func (s *State) changesRegister(t *table, row int32) bool {
	id := t.info.kind.ID
	if id != systemKind && id != repositoryKind && id != uploadKind && id != vendorKind && id != namesKind {
		return false
	}
	m := t.meta(row)
	if m.prev < 0 || m.gone != notGone || t.meta(m.prev).gone != notGone {
		return true
	}
	if id == repositoryKind {
		f := t.info.byName["default_branch"]
		return t.cell(row, f.index) != t.cell(m.prev, f.index)
	}
	return true
}
