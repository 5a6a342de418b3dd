package assess

import (
	"slices"
	"strings"
	"sync"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// planCache remembers the outcome of every subject of a plan, and what the
// outcome depends on.
type planCache struct {
	plan  *plan
	table *table // nil for the organisation, which is slot 0

	evaluated bool
	register  int // State.register when all was evaluated
	subjects  []subjectState
	base      []*Result // by slot; nil outside the population
	dirty     []uint32  // slots to evaluate
	order     []uint32  // slots in the population, by subject
	joins     []dependents
	chosen    []chosen // by join: what its where said of each row

	mu          sync.Mutex // of what follows and of what outcomes are taken into
	least       []int64    // by block of slots: no outcome in it ends before
	gone, added []uint32   // slots that left the population and that came to it: order is to follow
	condition   int        // slots left out by the condition of the population
	past        int        // and by the look-back

	finished int64 // the collection instant that base results carry
}

// subjectState is what is remembered of one slot beside its result.
type subjectState struct {
	until int64 // the outcome holds until this instant
	row   int32 // the row judged
	fresh bool  // the outcome is good
	in    bool  // in the population, and in order
	old   bool  // not in it because of the look-back
	now   bool  // the outcome read the clock: nothing says how long it holds
}

// dependents finds the subjects whose conditions looked at a bucket of a join.
type dependents struct {
	slots multimap
	known []uint32            // by slot: the mark of the one hash it is entered under, 0 if none
	more  map[uint32][]uint32 // by slot: the marks of all hashes, where there are several
}

func newPlanCache(p *plan, s *State) *planCache {
	c := &planCache{plan: p, finished: absent, joins: make([]dependents, len(p.joins)), chosen: make([]chosen, len(p.joins))}
	if p.kind != nil {
		c.table = s.table(p.kind)
	}
	for i := range p.joins {
		c.joins[i] = dependents{more: map[uint32][]uint32{}}
	}
	return c
}

// watch lets the tables tell c what changes.
func (c *planCache) watch(s *State) {
	if c.table != nil {
		c.table.populations = append(c.table.populations, c)
	}
	for i, j := range c.plan.joins {
		t := s.table(j.kind)
		t.watchers[j.index] = append(t.watchers[j.index], watcher{cache: c, join: i})
	}
}

// watcher is a join that looks into an index.
type watcher struct {
	cache *planCache
	join  int
}

// mark makes a slot be evaluated again.
func (c *planCache) mark(slot uint32) {
	if !c.evaluated {
		return
	}
	c.hold(int(slot) + 1)
	if c.subjects[slot].fresh {
		c.subjects[slot].fresh = false
		c.dirty = append(c.dirty, slot)
	}
}

// hold makes place for slots. What is new is to be evaluated when it is marked.
func (c *planCache) hold(n int) {
	had := len(c.subjects)
	if n <= had {
		return
	}
	c.subjects = slices.Grow(c.subjects, n-had)[:n]
	for i := had; i < n; i++ {
		c.subjects[i] = subjectState{row: -1, fresh: true, until: forever}
	}
	c.base = slices.Grow(c.base, n-had)[:n]
	clear(c.base[had:])
	for len(c.least)<<blockOfSlots < n {
		c.least = append(c.least, forever)
	}
}

// touched marks the subjects that looked at buckets.
func (w watcher) touched(hashes []uint64) {
	if !w.cache.evaluated {
		return
	}
	for _, h := range hashes {
		w.cache.joins[w.join].slots.each(h, w.cache.mark)
	}
}

// enter notes the buckets that a subject looked at.
func (d *dependents) enter(slot uint32, hashes []uint64) {
	if len(hashes) == 0 {
		return
	}
	for int(slot) >= len(d.known) {
		d.known = append(d.known, 0)
	}
	var known []uint32
	if len(d.more) > 0 {
		known = d.more[slot]
	}
	if known == nil && d.known[slot] != 0 {
		if len(hashes) == 1 && markOf(hashes[0]) == d.known[slot] {
			return
		}
		known = []uint32{d.known[slot]}
	}
	for _, h := range hashes {
		m := markOf(h)
		if slices.Contains(known, m) {
			continue
		}
		d.slots.put(h, slot)
		known = append(known, m)
		d.known[slot] = m
		if len(known) > 1 {
			d.more[slot] = known
		}
	}
}

// slots is how many keys the population may have.
func (c *planCache) slots() int {
	if c.table == nil {
		return 1
	}
	return c.table.slots.n
}

// blockOfSlots is the logarithm of how many slots are looked at together.
const blockOfSlots = 9

// due collects the slots that have to be evaluated at an instant.
func (c *planCache) due(v *view) []uint32 {
	if n := c.slots(); !c.evaluated || c.register != v.register {
		c.hold(n)
		all := make([]uint32, n)
		for i := range all {
			all[i] = uint32(i)
		}
		c.dirty = nil
		return all
	}
	for b := range c.least {
		if c.least[b] < v.at {
			c.expire(b, v.at)
		}
	}
	out := c.dirty
	c.dirty = nil
	slices.Sort(out)
	return out
}

// expire marks the slots of a block whose outcomes do not hold any more.
func (c *planCache) expire(block int, at int64) {
	from := block << blockOfSlots
	least := int64(forever)
	for slot := from; slot < min(from+1<<blockOfSlots, len(c.subjects)); slot++ {
		s := &c.subjects[slot]
		switch until := s.lasts(); {
		case !s.fresh:
		case until < at:
			s.fresh = false
			c.dirty = append(c.dirty, uint32(slot))
		default:
			least = min(least, until)
		}
	}
	c.least[block] = least
}

// lasts is until when an outcome holds, as far as is known.
func (s *subjectState) lasts() int64 {
	if s.now {
		return absent
	}
	return s.until
}

// take remembers evaluations of slots.
func (c *planCache) take(slots []uint32, outcomes []evaluation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, slot := range slots {
		o := &outcomes[i]
		st := &c.subjects[slot]
		was, wasIn := c.base[slot], st.in
		c.leftOut(st, -1)
		*st = subjectState{until: o.until, row: o.judged, fresh: true, in: o.in, old: o.old, now: o.now}
		c.leftOut(st, 1)
		c.least[slot>>blockOfSlots] = min(c.least[slot>>blockOfSlots], st.lasts())
		for j := range o.hashes {
			c.joins[j].enter(slot, o.hashes[j])
		}
		c.base[slot] = o.result
		moved := wasIn && o.in && was.Subject != o.result.Subject
		if wasIn && (!o.in || moved) {
			c.gone = append(c.gone, slot)
		}
		if o.in && (!wasIn || moved) {
			c.added = append(c.added, slot)
		}
	}
}

// leftOut counts a slot that is not in the population though there is a record.
func (c *planCache) leftOut(s *subjectState, n int) {
	switch {
	case s.in || s.row < 0:
	case s.old:
		c.past += n
	default:
		c.condition += n
	}
}

// restamp gives all results a new instant of collection. Results are never
// changed once handed out, so they are copied.
func (c *planCache) restamp(finished int64) {
	c.finished = finished
	at := timeOf(finished)
	slab := make([]Result, len(c.order))
	for i, slot := range c.order {
		slab[i] = *c.base[slot]
		slab[i].CollectedAt = at
		c.base[slot] = &slab[i]
	}
}

// reorder keeps order sorted by subject.
func (c *planCache) reorder() {
	gone, added := c.gone, c.added
	if c.gone, c.added = nil, nil; len(gone)+len(added) == 0 {
		return
	}
	slices.SortFunc(added, c.bySubject)
	if len(c.order) == 0 {
		c.order = added
		return
	}
	leaving := make(map[uint32]bool, len(gone))
	for _, s := range gone {
		leaving[s] = true
	}
	out := make([]uint32, 0, len(c.order)+len(added))
	for _, s := range c.order {
		if leaving[s] {
			continue
		}
		for len(added) > 0 && c.bySubject(added[0], s) < 0 {
			out = append(out, added[0])
			added = added[1:]
		}
		out = append(out, s)
	}
	c.order = append(out, added...)
}

// bySubject orders slots by subject type, subject id, key and source.
func (c *planCache) bySubject(a, b uint32) int {
	if d := compareSubjects(c.base[a].Subject, c.base[b].Subject); d != 0 {
		return d
	}
	if c.table == nil {
		return 0
	}
	x, y := c.table.slot(a), c.table.slot(b)
	if d := strings.Compare(c.table.texts.str(x.key), c.table.texts.str(y.key)); d != 0 {
		return d
	}
	return strings.Compare(c.table.texts.str(x.source), c.table.texts.str(y.source))
}

func compareSubjects(a, b evidence.Subject) int {
	if d := strings.Compare(a.Type, b.Type); d != 0 {
		return d
	}
	return strings.Compare(a.ID, b.ID)
}

// evaluation is what remains of an outcome.
type evaluation struct {
	in     bool
	old    bool
	now    bool
	until  int64
	judged int32
	hashes [][]uint64 // by join; nil where it was not looked at
	result *Result
}
