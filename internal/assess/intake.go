package assess

import (
	"errors"
	"iter"
	"runtime"
	"sync"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Change is one entry of the ledger that ApplyAll takes: evidence, or keys that
// were found gone.
type Change struct {
	Evidence evidence.Evidence
	Gone     *evidence.Gone // in place of Evidence
}

// ApplyAll applies many changes, in ledger order, as Apply and ApplyGone would,
// on all cores: records of one kind stay in order, and those of several kinds
// are taken in side by side. The runs that they name have to be applied before,
// and nothing else may be asked of the State meanwhile. It stops at the first
// error, after which the State is of no use. Payloads are copied: their memory
// may be used again as soon as the next change is asked for.
func (s *State) ApplyAll(changes iter.Seq2[Change, error]) (err error) {
	var in *intake
	defer func() {
		if in != nil {
			if found := in.close(); found != nil {
				err = found
			}
		}
	}()
	alone := runtime.GOMAXPROCS(0) < 2 || s.remembers()
	n := 0
	for c, err := range changes {
		if n++; !alone && n == intakeFrom {
			in = newIntake(s)
		}
		switch {
		case err != nil:
		case in != nil:
			err = in.take(&c)
		default:
			err = s.change(c)
		}
		if err != nil {
			return err
		}
	}
	if in != nil {
		in.finish()
	}
	return nil
}

func (s *State) change(c Change) error {
	if c.Gone != nil {
		return s.ApplyGone(*c.Gone)
	}
	return s.Apply(c.Evidence)
}

// remembers reports whether something was judged already: then each change
// marks what may come out differently, which only one may do at a time.
func (s *State) remembers() bool {
	for _, c := range s.caches {
		if c.evaluated {
			return true
		}
	}
	return false
}

// intake hands changes to several workers. Those of one table wait in its
// queue; a table that has some waiting and that nobody works on is ready.
type intake struct {
	s       *State
	queues  map[*table]*queue
	workers sync.WaitGroup

	mu      sync.Mutex
	changed *sync.Cond // something is ready, there is room, or it is over
	ready   []*queue
	spare   []*batch
	waiting int // batches in queues, or being worked on
	over    bool
	seen    effect
	err     error
	errSeq  int64
}

// queue is what waits for one table.
type queue struct {
	t       *table
	filling *batch
	full    []*batch
	busy    bool
}

// batch is some changes of one table.
type batch struct {
	items []intakeItem
	bytes []byte // payloads
}

type intakeItem struct {
	arrival            // its payload is set when it is taken out
	from, to int       // the payload in the batch's bytes; from is -1 without one
	keys     []goneKey // in place of the evidence
}

// goneKey is a key that was found gone.
type goneKey struct {
	source, key string
	at          int64
}

const (
	batchItems = 128
	batchBytes = 64 << 10
	maxWaiting = 16   // batches
	intakeFrom = 1000 // changes from which several work
)

func newIntake(s *State) *intake {
	in := &intake{s: s, queues: map[*table]*queue{}, seen: effect{newest: absent}}
	in.changed = sync.NewCond(&in.mu)
	s.texts.shared = true
	for range runtime.GOMAXPROCS(0) {
		in.workers.Go(in.work)
	}
	return in
}

// take puts a change into the queue of its table.
func (in *intake) take(c *Change) error {
	if c.Gone != nil {
		return in.takeGone(*c.Gone)
	}
	e := &c.Evidence
	t := in.s.admit(e)
	if t == nil {
		return nil
	}
	q := in.queue(t)
	b := q.filling
	item := intakeItem{arrival: arrivalOf(e), from: -1}
	if e.Payload != nil {
		item.from = len(b.bytes)
		b.bytes = append(b.bytes, e.Payload...)
		item.to = len(b.bytes)
	}
	item.payload = nil
	b.items = append(b.items, item)
	return in.filled(q)
}

func (in *intake) takeGone(g evidence.Gone) error {
	t, source, err := in.s.goneFrom(g)
	if err != nil || t == nil {
		return err
	}
	item := intakeItem{keys: make([]goneKey, len(g.Keys))}
	for i, k := range g.Keys {
		item.keys[i] = goneKey{source: source, key: k, at: nanos(g.At)}
	}
	q := in.queue(t)
	q.filling.items = append(q.filling.items, item)
	return in.filled(q)
}

func (in *intake) queue(t *table) *queue {
	q := in.queues[t]
	if q == nil {
		q = &queue{t: t}
		in.queues[t] = q
	}
	if q.filling == nil {
		in.mu.Lock()
		if n := len(in.spare); n > 0 {
			q.filling, in.spare = in.spare[n-1], in.spare[:n-1]
		} else {
			q.filling = &batch{}
		}
		in.mu.Unlock()
	}
	return q
}

// filled hands on a batch that is full, and waits while many are.
func (in *intake) filled(q *queue) error {
	if len(q.filling.items) < batchItems && len(q.filling.bytes) < batchBytes {
		return nil
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	for in.waiting >= maxWaiting && in.err == nil {
		in.changed.Wait()
	}
	in.hand(q)
	if in.err != nil {
		return errStopped
	}
	return nil
}

// hand makes the batch that is being filled wait for a worker.
func (in *intake) hand(q *queue) {
	q.full = append(q.full, q.filling)
	q.filling = nil
	in.waiting++
	if !q.busy && len(q.full) == 1 {
		in.ready = append(in.ready, q)
		in.changed.Broadcast()
	}
}

// errStopped says that a worker has found an error, which close gives.
var errStopped = errors.New("assess: taking in stopped")

// finish waits until everything is taken in.
func (in *intake) finish() {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, q := range in.queues {
		if q.filling != nil {
			in.hand(q)
		}
	}
	for in.waiting > 0 && in.err == nil {
		in.changed.Wait()
	}
}

// close ends the workers and gives what went wrong.
func (in *intake) close() error {
	in.mu.Lock()
	in.over = true
	in.changed.Broadcast()
	in.mu.Unlock()
	in.workers.Wait()
	in.s.texts.shared = false
	in.s.count(in.seen)
	return in.err
}

// work takes batches until it is over.
func (in *intake) work() {
	in.mu.Lock()
	defer in.mu.Unlock()
	for {
		for len(in.ready) == 0 && !in.over {
			in.changed.Wait()
		}
		if in.over {
			return
		}
		q := in.ready[0]
		in.ready = in.ready[1:]
		b := q.full[0]
		q.full = q.full[1:]
		q.busy = true
		in.mu.Unlock()
		seen, seq, err := in.s.enterAll(q.t, b)
		in.mu.Lock()
		q.busy = false
		if len(q.full) > 0 {
			in.ready = append(in.ready, q)
		}
		in.waiting--
		in.seen.add(seen)
		if err != nil && (in.err == nil || seq < in.errSeq) {
			in.err, in.errSeq = err, seq
		}
		b.items, b.bytes = b.items[:0], b.bytes[:0]
		in.spare = append(in.spare, b)
		in.changed.Broadcast()
	}
}

// enterAll takes a batch into its table.
func (s *State) enterAll(t *table, b *batch) (seen effect, seq int64, err error) {
	seen = effect{newest: absent}
	for i := range b.items {
		item := &b.items[i]
		if item.keys != nil {
			for _, g := range item.keys {
				s.enterGone(t, t.slotOf(s.texts.of(g.source), s.texts.of(g.key)), g.at, &seen)
			}
			item.keys = nil
			continue
		}
		if item.from >= 0 {
			item.payload = b.bytes[item.from:item.to]
		}
		if err := s.enter(t, &item.arrival, &seen); err != nil {
			return seen, item.seq, err
		}
	}
	return seen, 0, nil
}

// effect is what entering rows adds up to, beside the rows.
type effect struct {
	newest   int64
	applied  int
	register int
}

func (a *effect) add(b effect) {
	a.newest = max(a.newest, b.newest)
	a.applied += b.applied
	a.register += b.register
}

// count adds an effect to what s knows.
func (s *State) count(t effect) {
	s.newest = max(s.newest, t.newest)
	s.applied += t.applied
	s.register += t.register
}
