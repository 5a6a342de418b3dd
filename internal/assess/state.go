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
	byKind   []*table // the same by the number of the kind
	systems  *table   // of the register; nil if no rule looks at it
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
		byKind: make([]*table, len(eng.schema.kinds)), newest: absent, lastAt: absent, sums: map[evidence.Digest]evidence.Digest{},
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
		s.tables[id], s.byKind[k.number] = t, t
	}
	s.systems = s.tables[systemKind]
	for _, r := range eng.rules {
		for _, p := range r.plans {
			c := newPlanCache(p, s)
			c.watch(s)
			s.caches = append(s.caches, c)
		}
	}
	return s
}

// table gives the records of a kind that some rule looks at.
func (s *State) table(k *kindInfo) *table { return s.byKind[k.number] }

// Apply takes a piece of evidence, in ledger order and with its payload. One
// that was applied before (the same ledger position) only has its GoneAt taken
// over. Evidence whose payload was erased counts as having no fields.
func (s *State) Apply(e evidence.Evidence) error {
	t := s.admit(&e)
	if t == nil {
		return nil
	}
	seen, a := effect{newest: absent}, arrivalOf(&e)
	err := s.enter(t, &a, &seen)
	s.count(seen)
	return err
}

// admit notes what does not depend on the payload and gives the table that a
// row has to be entered in, nil if there is none.
func (s *State) admit(e *evidence.Evidence) *table {
	s.applied++
	cv := s.coverage.delivered(e.Kind, e.Source, nanos(e.CollectedAt))
	t := s.tables[e.Kind]
	if t == nil || !cv.readable(e, t.info.kind.Major) {
		return nil
	}
	if r := s.coverage.runs[e.Run]; r != nil && r.Provenance.Method == methodUpload {
		s.sums[e.Digest] = e.PayloadSum
	}
	return t
}

// enter makes a row of evidence.
func (s *State) enter(t *table, a *arrival, seen *effect) error {
	source := t.source.of(s.texts, a.source)
	if row, ok := t.findRow(a, source); ok {
		s.enterGone(t, t.meta(row).slot, a.gone, seen)
		return nil
	}
	if t.rows() == math.MaxInt32 || s.texts.full.Load() {
		return fmt.Errorf("assess: more records of %s than can be held", t.info.kind.ID)
	}
	row, err := t.add(a, source)
	if err != nil {
		return fmt.Errorf("assess: %s %s, ledger position %d: %w", t.info.kind.ID, a.key, a.seq, err)
	}
	t.lastSeq = max(t.lastSeq, a.seq)
	m := t.meta(row)
	seen.newest = max(seen.newest, m.event, m.collected)
	changed := t.remark(row)
	s.touch(t, row, seen)
	for _, r := range changed {
		s.touch(t, r, seen)
	}
	s.enterGone(t, m.slot, a.gone, seen)
	return nil
}

// ApplyGone takes a gone entry of the ledger: keys that a complete run no
// longer found. The run must have been applied before.
func (s *State) ApplyGone(g evidence.Gone) error {
	t, name, err := s.goneFrom(g)
	if err != nil || t == nil {
		return err
	}
	source := s.texts.of(name)
	seen := effect{newest: absent}
	for _, k := range g.Keys {
		s.enterGone(t, t.slotOf(source, s.texts.of(k)), nanos(g.At), &seen)
	}
	s.count(seen)
	return nil
}

// goneFrom gives the table and the source that a gone entry is about; no table
// if nothing looks at the kind.
func (s *State) goneFrom(g evidence.Gone) (*table, string, error) {
	r := s.coverage.runs[g.Run]
	if r == nil {
		return nil, "", fmt.Errorf("assess: gone entry names run %s, which is not known", g.Run)
	}
	return s.tables[g.Kind], r.Provenance.Source, nil
}

// enterGone notes that a key was found gone.
func (s *State) enterGone(t *table, slot uint32, at int64, seen *effect) {
	if at == absent {
		return
	}
	seen.newest = max(seen.newest, at)
	seen.applied++
	if row := t.markGone(slot, at); row >= 0 {
		s.touch(t, row, seen)
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
func (t *table) findRow(a *arrival, source text) (int32, bool) {
	if t.rows() == 0 || t.lastSeq < a.seq {
		return 0, false
	}
	key, ok := t.texts.lookup(a.key)
	if !ok {
		return 0, false
	}
	slot, ok := t.find(source, key)
	if !ok {
		return 0, false
	}
	for row := t.slot(slot).head; row >= 0; row = t.meta(row).prev {
		if t.meta(row).seq == a.seq {
			return row, true
		}
	}
	return 0, false
}

// touch enters a new or changed row into the indexes and marks whatever may
// come out differently because of it.
func (s *State) touch(t *table, row int32, seen *effect) {
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
		seen.register++
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
