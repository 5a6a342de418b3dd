package assess

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// slotsAtOnce is how many subjects of a plan are evaluated one after the other,
// and how many evaluations are held beside what is remembered of them.
const slotsAtOnce = 1024

// part is some subjects of one plan that have to be evaluated.
type part struct {
	cache  *planCache
	slots  []uint32
	chosen []chosen // what is remembered of joined rows; nil if others evaluate the same plan
}

// refresh brings what is remembered of plans up to the instant of a view, on
// all cores. What it comes to does not depend on them.
func refresh(v *view, caches []*planCache) {
	var parts []part
	for _, c := range caches {
		slots := c.due(v)
		c.register, c.evaluated = v.register, true
		alone := c.chosen
		if len(slots) > slotsAtOnce {
			alone = nil
		}
		for len(slots) > 0 {
			n := min(len(slots), slotsAtOnce)
			parts = append(parts, part{cache: c, slots: slots[:n], chosen: alone})
			slots = slots[n:]
		}
	}
	var mu sync.Mutex
	var again []part
	var asked []string
	evaluate := func(e *evaluator, p part) {
		vain := e.part(p)
		if len(vain) == 0 {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		again, asked = append(again, p), append(asked, vain...)
	}
	evaluateAll(v, parts, evaluate)
	if len(again) == 0 {
		return
	}
	for _, text := range asked { // a record may come that has what was looked for: then who looked has to be marked
		v.s.texts.of(text)
	}
	evaluateAll(v, again, func(e *evaluator, p part) { e.part(p) })
}

// evaluateAll calls f for every part, on all cores.
func evaluateAll(v *view, parts []part, f func(*evaluator, part)) {
	each(len(parts), func() func(int) {
		e := &evaluator{w: newWorker(v)}
		return func(i int) { f(e, parts[i]) }
	})
}

// each calls a function for the numbers below n, on all cores. Every goroutine
// makes its own.
func each(n int, do func() func(int)) {
	cores := min(runtime.GOMAXPROCS(0), n)
	if cores < 2 {
		f := do()
		for i := range n {
			f(i)
		}
		return
	}
	var wg sync.WaitGroup
	var next atomic.Int64
	for range cores {
		wg.Go(func() {
			f := do()
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	wg.Wait()
}

// evaluator evaluates parts, one after the other.
type evaluator struct {
	w      *worker
	plan   *plan    // of the last part
	chosen []chosen // its joined rows, if others evaluate it too
	room   []evaluation
}

// part evaluates a part and has it remembered. If a text was looked for that
// nobody knows, it gives that back instead.
func (e *evaluator) part(p part) (asked []string) {
	if e.plan != p.cache.plan {
		e.plan, e.chosen = p.cache.plan, make([]chosen, len(p.cache.plan.joins))
	}
	e.w.chosen, e.w.asked = p.chosen, nil
	if p.chosen == nil {
		e.w.chosen = e.chosen
	}
	m := newMaker(p.cache, len(p.slots))
	e.room = e.room[:0]
	for _, slot := range p.slots {
		o := e.w.evaluate(p.cache.plan, p.cache.table, slot)
		e.room = append(e.room, m.keep(&o))
	}
	if len(e.w.asked) == 0 {
		p.cache.take(p.slots, e.room)
	}
	clear(e.room)
	return e.w.asked
}
