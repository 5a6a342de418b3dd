package store

import (
	"context"
	"fmt"
	"hash/maphash"
	"iter"
	"runtime"
	"slices"
	"sync"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// multiset is a keyed sum over index entries: equal sets have equal sums, and
// different ones have not, but with a chance of 2^-64 that nobody can better
// without knowing the seed.
type multiset struct {
	seed maphash.Seed
	n    int64
	sum  uint64
}

func (m *multiset) add(e IndexEntry) {
	m.n++
	m.sum += maphash.Comparable(m.seed, e)
}

// part begins a sum that can be joined with this one.
func (m *multiset) part() multiset { return multiset{seed: m.seed} }

func (m *multiset) join(o multiset) {
	m.n += o.n
	m.sum += o.sum
}

// ordered runs jobs of one goroutine on all cores and hands the results on in
// order. produce stops when emit returns an error; consume's error ends all.
// worker is called once for each of the goroutines that work.
func ordered[J, R any](ctx context.Context, produce func(ctx context.Context, emit func(J) error) error, worker func() func(J) (R, error), consume func(R) error) error {
	type slot struct {
		job J
		out R
		err error
		ok  chan struct{}
	}
	ctx, cancel := context.WithCancel(ctx)
	workers := runtime.GOMAXPROCS(0)
	jobs, order := make(chan *slot, 2*workers), make(chan *slot, 4*workers)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	var produced error
	wg.Go(func() {
		defer close(order)
		defer close(jobs)
		produced = produce(ctx, func(j J) error {
			s := &slot{job: j, ok: make(chan struct{})}
			for _, ch := range []chan *slot{jobs, order} {
				select {
				case ch <- s:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
	})
	for range workers {
		wg.Go(func() {
			work := worker()
			for s := range jobs {
				s.out, s.err = work(s.job)
				close(s.ok)
			}
		})
	}
	for s := range order {
		<-s.ok
		if s.err != nil {
			return s.err
		}
		if err := consume(s.out); err != nil {
			return err
		}
	}
	return produced
}

// storedJob is a block of payloads, or a page of an index by hash: what can be
// checked before the ledger is read.
type storedJob struct {
	payloads RawPayloads
	which    HashIndex
	page     []IndexEntry
}

// checkedPayloads is a block whose payloads have their digests, or the sum of
// a page.
type checkedPayloads struct {
	number int64
	block  *payloadBlock
	which  HashIndex
	sum    multiset // of a page; of a block, what the index of payloads has to hold of it
	bytes  int64
	erased int64
}

// checkPayloads holds every payload against its digest, and sums up the
// indexes by hash on the way.
func (v *verifier) checkPayloads(ctx context.Context) error {
	v.payloads = make(map[int64]*payloadBlock)
	for _, which := range hashIndexes {
		seed := maphash.MakeSeed()
		v.want[which], v.got[which] = &multiset{seed: seed}, &multiset{seed: seed}
	}
	worker := func() func(storedJob) (checkedPayloads, error) {
		w := &payloadWorker{v: v, seen: make(map[int64]bool)}
		return w.check
	}
	return ordered(ctx, v.readStored, worker, func(c checkedPayloads) error {
		if c.which != 0 {
			v.got[c.which].join(c.sum)
			return nil
		}
		return v.addPayloads(c)
	})
}

// hashIndexes are all indexes by hash.
var hashIndexes = [...]HashIndex{KeyIndex, SubjectIndex, PayloadIndex}

// readStored reads payloads, and beside each block, which keeps the workers
// busy for a while, a page of an index.
func (v *verifier) readStored(ctx context.Context, emit func(storedJob) error) error {
	pages := func(yield func(storedJob, error) bool) {
		for _, which := range hashIndexes {
			for page, err := range v.raw.Index(ctx, which) {
				if !yield(storedJob{which: which, page: append(v.pages.get(0), page...)}, err) {
					return
				}
			}
		}
	}
	nextPage, stop := iter.Pull2(pages)
	defer stop()
	more := true
	emitPage := func() error {
		var j storedJob
		var err error
		if j, err, more = nextPage(); err != nil || !more {
			return err
		}
		return emit(j)
	}
	for b, err := range v.raw.Payloads(ctx) {
		if err != nil {
			return err
		}
		if err := emit(storedJob{payloads: b}); err != nil {
			return err
		}
		if more {
			if err := emitPage(); err != nil {
				return err
			}
		}
	}
	for more {
		if err := emitPage(); err != nil {
			return err
		}
	}
	return nil
}

// payloadWorker checks blocks of payloads, and sums up pages, one at a time.
type payloadWorker struct {
	v      *verifier
	memory []byte
	items  []RawPayload
	seen   map[int64]bool // prefixes of a block: an index names a block once
}

func (w *payloadWorker) check(j storedJob) (checkedPayloads, error) {
	if j.which != 0 {
		sum := w.v.got[j.which].part()
		for _, e := range j.page {
			sum.add(e)
		}
		w.v.pages.put(j.page)
		return checkedPayloads{which: j.which, sum: sum}, nil
	}
	items, err := j.payloads.Unpack(&w.memory, w.items)
	if err != nil {
		return checkedPayloads{}, err
	}
	w.items = items
	out := checkedPayloads{number: j.payloads.Block, sum: w.v.want[PayloadIndex].part()}
	out.block = &payloadBlock{items: make([]payloadState, len(items)), last: len(items) - 1}
	clear(w.seen)
	for i, p := range items {
		if err := w.payload(&out, i, p); err != nil {
			return out, err
		}
	}
	return out, nil
}

// payload checks payload i of a block.
func (w *payloadWorker) payload(out *checkedPayloads, i int, p RawPayload) error {
	if p.Erased {
		out.erased++
	} else if got := evidence.Sum(p.Body); got != p.Sum {
		return differs(fmt.Sprintf("payload %d in block %d", i, out.number), "digest "+p.Sum.String(), got)
	}
	have := out.block.items
	prefix := PayloadPrefix(p.Sum)
	if w.seen[prefix] && slices.ContainsFunc(have[:i], func(have payloadState) bool { return have.sum == p.Sum }) {
		return differs("payload "+p.Sum.String(), fmt.Sprintf("once in block %d", out.number), "twice")
	}
	have[i] = payloadState{sum: p.Sum, size: p.Size, erased: p.Erased}
	out.bytes += int64(len(p.Body))
	if out.number < w.v.tip.IndexedBlock && !w.seen[prefix] {
		out.sum.add(IndexEntry{Hash: prefix, Place: out.number})
	}
	w.seen[prefix] = true
	return nil
}

func (v *verifier) addPayloads(c checkedPayloads) error {
	if v.payloads[c.number] != nil {
		return differs(fmt.Sprintf("payload block %d", c.number), "there once", "there again")
	}
	v.payloads[c.number] = c.block
	v.want[PayloadIndex].join(c.sum)
	v.out.Payloads += int64(len(c.block.items))
	v.out.PayloadBytes += c.bytes
	v.out.Erased += c.erased
	v.o.Progress("payloads", v.out.Payloads)
	return nil
}
