package sqlstore

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"sync"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// unit is what is unpacked together: hits in one block of lines, and the
// payload blocks they need.
type unit struct {
	hits   []hit
	lines  lineBlock
	blocks map[int64]*payloadBlock
	out    chan unpacked
}

type unpacked struct {
	list []evidence.Evidence
	err  error
}

// unitsAhead is how many units are read before the consumer asks for them.
const unitsAhead = 4

// Evidence implements store.Reader. One goroutine reads rows and blocks on one
// snapshot, others unpack them; the consumer gets them in ledger order.
func (s *Store) Evidence(ctx context.Context, q store.EvidenceQuery) iter.Seq2[evidence.Evidence, error] {
	return func(yield func(evidence.Evidence, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		order := make(chan *unit, unitsAhead)
		jobs := make(chan *unit, unitsAhead)
		names := &sync.Map{}
		var readErr error
		wg.Go(func() {
			defer close(order)
			defer close(jobs)
			readErr = s.db.Read(ctx, func(tx Tx) error {
				return s.readUnits(ctx, tx, q, names, func(u *unit) error {
					u.out = make(chan unpacked, 1)
					for _, ch := range []chan *unit{jobs, order} {
						select {
						case ch <- u:
						case <-ctx.Done():
							return ctx.Err()
						}
					}
					return nil
				})
			})
		})
		for range min(runtime.GOMAXPROCS(0), 4) {
			wg.Go(func() {
				d := decoder{s: s, q: q, names: names}
				for u := range jobs {
					list, err := d.decode(u)
					u.out <- unpacked{list, err}
				}
			})
		}
		for u := range order {
			got := <-u.out
			for i := range got.list {
				if !yield(got.list[i], nil) {
					return
				}
			}
			if got.err != nil {
				yield(evidence.Evidence{}, got.err)
				return
			}
		}
		if readErr != nil {
			yield(evidence.Evidence{}, readErr)
		}
	}
}

// readUnits reads the rows a query selects and the blocks behind them.
func (s *Store) readUnits(ctx context.Context, tx Tx, q store.EvidenceQuery, names *sync.Map, emit func(*unit) error) error {
	sel, err := newSelection(ctx, tx, q)
	if err != nil {
		return err
	}
	err = each(ctx, tx, func(r Rows) error {
		var id int64
		var name string
		if err := r.Scan(&id, &name); err != nil {
			return err
		}
		names.Store(id, name)
		return nil
	}, "SELECT id, name FROM names")
	if err != nil {
		return err
	}
	var last *lineBlock
	kept := make(map[int64]*payloadBlock)
	for {
		hits, err := sel.next(ctx, tx)
		if err != nil || len(hits) == 0 {
			return err
		}
		for len(hits) > 0 {
			if !last.has(hits[0].seq) {
				if last, err = readLineBlock(ctx, tx, hits[0].seq); err != nil {
					return err
				}
			}
			n := 1
			for n < len(hits) && last.has(hits[n].seq) {
				n++
			}
			u := &unit{hits: hits[:n], lines: *last}
			if q.Payloads {
				if u.blocks, err = payloadBlocksOf(ctx, tx, u.hits, kept); err != nil {
					return err
				}
				kept = u.blocks
			}
			if err := emit(u); err != nil {
				return err
			}
			hits = hits[n:]
		}
	}
}

// payloadBlocksOf reads the payload blocks of hits, but for those at hand.
func payloadBlocksOf(ctx context.Context, tx Tx, hits []hit, kept map[int64]*payloadBlock) (map[int64]*payloadBlock, error) {
	out := make(map[int64]*payloadBlock)
	for _, h := range hits {
		if out[h.pblock] != nil {
			continue
		}
		b := kept[h.pblock]
		if b == nil {
			var err error
			if b, err = payloadBlockAt(ctx, tx, h.pblock); err != nil {
				return nil, fmt.Errorf("entry %d: %w", h.seq, err)
			}
		}
		out[h.pblock] = b
	}
	return out, nil
}

// decoder unpacks units; it belongs to one goroutine.
type decoder struct {
	s     *Store
	q     store.EvidenceQuery
	names *sync.Map
	p     evidence.Parser
	space []byte                               // what lines are unpacked into: evidence holds nothing of a line
	kept  map[int64]map[evidence.Digest][]byte // payloads of the last unit's blocks
}

func (d *decoder) decode(u *unit) ([]evidence.Evidence, error) {
	lines, err := u.lines.linesInto(&d.space)
	if err != nil {
		return nil, err
	}
	if d.q.Payloads {
		if err := d.unpackPayloads(u); err != nil {
			return nil, err
		}
	}
	out := make([]evidence.Evidence, 0, len(u.hits))
	for _, h := range u.hits {
		e, err := evidence.SplitLine(h.seq, lines[h.seq-u.lines.first])
		if err != nil {
			return out, fmt.Errorf("%w: %w", store.ErrTampered, err)
		}
		ev, err := d.p.Evidence(e)
		if err != nil {
			return out, fmt.Errorf("entry %d: %w: %w", h.seq, store.ErrTampered, err)
		}
		if d.q.Subject != nil && ev.Subject != *d.q.Subject {
			continue // another subject with the same hash
		}
		name, ok := d.names.Load(h.source)
		if !ok {
			return out, fmt.Errorf("entry %d: source %d has no name: %w", h.seq, h.source, store.ErrTampered)
		}
		ev.Source, _ = name.(string)
		if h.gone != 0 && (d.q.Before <= 0 || h.gone < d.q.Before) {
			ev.GoneAt = micros(h.goneAt)
		}
		if d.q.Payloads {
			body, ok := d.kept[h.pblock][ev.PayloadSum]
			if !ok {
				return out, fmt.Errorf("entry %d: payload %s is not in block %d: %w", h.seq, ev.PayloadSum, h.pblock, store.ErrTampered)
			}
			ev.Payload = body
		}
		out = append(out, ev)
	}
	return out, nil
}

// unpackPayloads unpacks the unit's payload blocks, but for those it has.
// Every digest is checked: a payload is never other than its evidence says.
func (d *decoder) unpackPayloads(u *unit) error {
	next := make(map[int64]map[evidence.Digest][]byte, len(u.blocks))
	for block, b := range u.blocks {
		if have := d.kept[block]; have != nil {
			next[block] = have
			continue
		}
		items, bodies, err := b.payloads()
		if err != nil {
			return err
		}
		m := make(map[evidence.Digest][]byte, len(items))
		for i, it := range items {
			if !it.erased && evidence.Sum(bodies[i]) != it.sum {
				return fmt.Errorf("payload %s: stored bytes have another digest: %w", it.sum, store.ErrTampered)
			}
			m[it.sum] = bodies[i]
		}
		next[block] = m
	}
	d.kept = next
	return nil
}
