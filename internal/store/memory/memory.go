// Package memory keeps a store in memory, for tests and for looking at a
// bundle. It is written apart from the SQL stores, as plainly as the contract
// allows, so that it can be the model that they are compared with.
//
// It may import internal/store, internal/evidence and internal/ledger. It
// promises the contract of store.Store but for durability.
package memory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Store is a store.Store in memory.
type Store struct {
	signer note.Signer
	now    func() time.Time

	mu sync.RWMutex
	d  data
}

var (
	_ store.Store      = (*Store)(nil)
	_ store.Verifiable = (*Store)(nil)
)

// data is everything kept. A batch works on a copy and replaces it when whole.
type data struct {
	lines    [][]byte
	at       []time.Time
	types    []evidence.EntryType
	note     []byte
	items    []*item // evidence, by position
	byKey    map[key]*item
	payloads map[evidence.Digest][]byte // nil: erased
	sizes    map[evidence.Digest]int    // of payloads, erased or not
	order    []evidence.Digest          // of payloads, as they came
	runs     []*run
	state    map[string]store.State
}

type key struct{ source, kind, key string }

// item is one revision of a key.
type item struct {
	ev    evidence.Evidence
	group string
	next  int64 // 0: none
	gone  int64
}

// run is an opened run; closed is -1 while it is open.
type run struct {
	evidence.Run
	opened, closed int64
}

// New makes an empty store. now may be nil for the system's clock.
func New(signer note.Signer, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	return &Store{signer: signer, now: now, d: data{
		byKey: map[key]*item{}, payloads: map[evidence.Digest][]byte{}, sizes: map[evidence.Digest]int{}, state: map[string]store.State{},
	}}
}

// clone copies d so that changing the copy leaves d alone.
func (d *data) clone() data {
	c := data{
		lines: slices.Clip(d.lines), at: slices.Clip(d.at), types: slices.Clip(d.types), note: d.note,
		items: make([]*item, len(d.items)), byKey: make(map[key]*item, len(d.byKey)),
		payloads: maps.Clone(d.payloads), sizes: maps.Clone(d.sizes), order: slices.Clip(d.order),
		runs: make([]*run, len(d.runs)), state: make(map[string]store.State, len(d.state)),
	}
	for i, it := range d.items {
		x := *it
		c.items[i] = &x
		if it.next == 0 {
			c.byKey[key{x.ev.Source, x.ev.Kind, x.ev.Key}] = &x
		}
	}
	for i, r := range d.runs {
		x := *r
		x.Kinds = maps.Clone(r.Kinds)
		c.runs[i] = &x
	}
	for source, st := range d.state {
		x := store.State{Cursors: map[string]string{}, Validators: map[string]json.RawMessage{}}
		for k, v := range st.Cursors {
			x.Cursors[k] = v
		}
		for k, v := range st.Validators {
			x.Validators[k] = v
		}
		c.state[source] = x
	}
	return c
}

// batch is one batch being applied to a copy.
type batch struct {
	data
	now     time.Time
	signer  note.Signer // of the checkpoint
	run     *run
	receipt store.Receipt
}

// change applies fn to a copy and keeps it, with a new checkpoint, if fn
// returns nil.
func (s *Store) change(ctx context.Context, fn func(*batch) error) (store.Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.signer == nil {
		return store.Receipt{}, errors.New("the store was opened without a signing key and cannot be written")
	}
	if err := store.CheckSigner(s.d.note, s.signer); err != nil {
		return store.Receipt{}, err
	}
	if err := ctx.Err(); err != nil {
		return store.Receipt{}, err
	}
	b := &batch{data: s.d.clone(), now: evidence.Stamp(s.now()), signer: s.signer}
	if n := len(b.at); n > 0 && b.now.Before(b.at[n-1]) {
		b.now = b.at[n-1]
	}
	first := int64(len(b.lines))
	b.receipt = store.Receipt{First: first, New: map[string]int64{}, Revised: map[string]int64{}, Unchanged: map[string]int64{}, Gone: map[string]int64{}}
	if err := fn(b); err != nil {
		return store.Receipt{}, err
	}
	if int64(len(b.lines)) > first {
		root, err := tlog.TreeHash(int64(len(b.lines)), b.hashes())
		if err != nil {
			return store.Receipt{}, err
		}
		if b.note, err = (ledger.Checkpoint{Size: int64(len(b.lines)), Root: root}).Sign(b.signer); err != nil {
			return store.Receipt{}, err
		}
	}
	b.receipt.Next, b.receipt.Checkpoint = int64(len(b.lines)), b.note
	s.d, s.signer = b.data, b.signer
	return b.receipt, nil
}

// hashes computes tree hashes from the lines themselves.
func (d *data) hashes() tlog.HashReader {
	var stored []tlog.Hash
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		read := func(ix []int64) ([]tlog.Hash, error) {
			out := make([]tlog.Hash, len(ix))
			for i, x := range ix {
				if x < 0 || x >= int64(len(stored)) {
					return nil, fmt.Errorf("tree hash %d: %w", x, store.ErrNotFound)
				}
				out[i] = stored[x]
			}
			return out, nil
		}
		if stored == nil {
			for n, line := range d.lines {
				hs, err := tlog.StoredHashes(int64(n), line, tlog.HashReaderFunc(read))
				if err != nil {
					return nil, err
				}
				stored = append(stored, hs...)
			}
		}
		return read(indexes)
	})
}

func (b *batch) add(e evidence.Entry) int64 {
	b.lines = append(b.lines, e.Line)
	b.at = append(b.at, e.At)
	b.types = append(b.types, e.Type)
	return int64(len(b.lines)) - 1
}

// Rotate implements store.Writer.
func (s *Store) Rotate(ctx context.Context, k store.KeyChange) (store.Receipt, error) {
	r, err := s.change(ctx, func(b *batch) error {
		if b.note == nil {
			return fmt.Errorf("%w: the ledger has no entry yet: there is nothing to hand over", store.ErrNoStore)
		}
		if err := store.CheckSigner(b.note, k.Old.Signer()); err != nil {
			return err
		}
		c, err := ledger.UnverifiedCheckpoint(b.note)
		if err != nil {
			return err
		}
		body, err := k.Entry(c)
		if err != nil {
			return err
		}
		e, err := evidence.KeyEntry(body, b.now)
		if err != nil {
			return err
		}
		b.add(e)
		b.signer = k.New.Signer()
		return nil
	})
	if err != nil {
		return store.Receipt{}, fmt.Errorf("rotate key: %w", err)
	}
	return r, nil
}

// Append implements store.Writer.
func (s *Store) Append(ctx context.Context, in store.Batch) (store.Receipt, error) {
	if err := in.Check(); err != nil {
		return store.Receipt{}, err
	}
	r, err := s.change(ctx, func(b *batch) error { return b.apply(&in) })
	if err != nil {
		return store.Receipt{}, fmt.Errorf("append: %w", err)
	}
	return r, nil
}

func (b *batch) apply(in *store.Batch) error {
	if in.Open != nil {
		if err := b.open(in.Open); err != nil {
			return err
		}
	}
	if id := in.RunID(); id != "" {
		if err := b.enter(id); err != nil {
			return err
		}
	}
	for i := range in.Records {
		if err := b.record(&in.Records[i]); err != nil {
			return err
		}
	}
	for _, a := range in.Attest {
		if err := b.attest(a); err != nil {
			return err
		}
	}
	for _, c := range in.State {
		b.setState(c)
	}
	if in.Close != nil {
		if err := b.close(in.Close); err != nil {
			return err
		}
	}
	for _, n := range in.Entries {
		at, err := store.EntryTime(n.At, b.now, b.last())
		if err != nil {
			return err
		}
		e, err := evidence.NewEntry(n.Type, at, n.Body)
		if err != nil {
			return err
		}
		b.add(e)
	}
	return nil
}

// last is when the last entry was appended.
func (b *batch) last() time.Time {
	if len(b.at) == 0 {
		return time.Time{}
	}
	return b.at[len(b.at)-1]
}

func (b *batch) open(r *evidence.Run) error {
	for _, have := range b.runs {
		if have.ID == r.ID {
			return fmt.Errorf("run %.80q was opened before; a new run needs a new id", r.ID)
		}
	}
	e, err := evidence.RunOpened(*r, b.now)
	if err != nil {
		return err
	}
	parsed, err := evidence.ParseRunOpened(e)
	if err != nil {
		return err
	}
	b.runs = append(b.runs, &run{Run: parsed, opened: b.add(e), closed: -1})
	return nil
}

func (b *batch) enter(id string) error {
	for _, r := range b.runs {
		if r.ID != id {
			continue
		}
		if r.closed >= 0 {
			return fmt.Errorf("run %.80q was closed at entry %d; open a new one", id, r.closed)
		}
		b.run = r
		return nil
	}
	return fmt.Errorf("run %.80q: %w; open it first", id, store.ErrNotFound)
}

func (b *batch) record(r *evidence.Record) error {
	ev, err := store.Prepare(r)
	if err != nil {
		return err
	}
	source := b.run.Provenance.Source
	k := key{source, ev.Kind, ev.Key}
	head := b.byKey[k]
	if head != nil && head.gone == 0 && store.ContentOf(&head.ev).Same(store.ContentOf(&ev)) {
		head.group = r.Group
		b.count(ev.Kind, evidence.KindRead{Unchanged: 1})
		return nil
	}
	payload := ev.Payload
	ev.Run, ev.Source, ev.Imported, ev.Revision = b.run.ID, source, b.run.Provenance.Imported, 1
	if head != nil {
		ev.Revision = head.ev.Revision + 1
	}
	line, err := evidence.AppendEvidence(nil, b.now, &ev)
	if err != nil {
		return err
	}
	ev.Payload = nil
	ev.Digest = evidence.Sum(line)
	ev.Seq = b.add(evidence.Entry{Type: evidence.EntryEvidence, At: b.now, Line: line})
	if head != nil {
		head.next = ev.Seq
		b.count(ev.Kind, evidence.KindRead{Revised: 1})
	} else {
		b.count(ev.Kind, evidence.KindRead{New: 1})
	}
	it := &item{ev: ev, group: r.Group}
	b.items = append(b.items, it)
	b.byKey[k] = it
	if _, known := b.payloads[ev.PayloadSum]; !known {
		b.payloads[ev.PayloadSum], b.sizes[ev.PayloadSum] = payload, len(payload)
		b.order = append(b.order, ev.PayloadSum)
	}
	return nil
}

// count adds to the receipt and to the run's counts.
func (b *batch) count(kind string, n evidence.KindRead) {
	if b.run.Kinds == nil {
		b.run.Kinds = map[string]evidence.KindRead{}
	}
	k := b.run.Kinds[kind]
	k.New += n.New
	k.Revised += n.Revised
	k.Unchanged += n.Unchanged
	b.run.Kinds[kind] = k
	for _, c := range []struct {
		m map[string]int64
		n int64
	}{{b.receipt.New, n.New}, {b.receipt.Revised, n.Revised}, {b.receipt.Unchanged, n.Unchanged}} {
		if c.n > 0 {
			c.m[kind] += c.n
		}
	}
}

func (b *batch) attest(a store.Attestation) error {
	live := map[string]int64{}
	total := 0
	for k, it := range b.byKey {
		if k.source == b.run.Provenance.Source && it.gone == 0 && it.group == a.Group {
			live[k.kind]++
			total++
		}
	}
	if total != a.Count {
		return fmt.Errorf("group %.80q of source %s: %w: %d keys were said to be unchanged, %d are live; read the group in full",
			a.Group, b.run.Provenance.Source, store.ErrUnknownGroup, a.Count, total)
	}
	for kind, n := range live {
		b.count(kind, evidence.KindRead{Unchanged: n})
	}
	return nil
}

func (b *batch) setState(c store.StateChange) {
	source := b.run.Provenance.Source
	st, ok := b.state[source]
	if !ok {
		st = store.State{Cursors: map[string]string{}, Validators: map[string]json.RawMessage{}}
		b.state[source] = st
	}
	switch {
	case c.Cursor && len(c.Value) == 0:
		delete(st.Cursors, c.Key)
	case c.Cursor:
		st.Cursors[c.Key] = store.CursorText(c.Value)
	case len(c.Value) == 0:
		delete(st.Validators, c.Key)
	default:
		st.Validators[c.Key] = slices.Clone(c.Value)
	}
}

func (b *batch) close(c *store.RunClose) error {
	out := c.Run
	out.ID = b.run.ID
	out.Kinds = map[string]evidence.KindRead{}
	for kind, k := range c.Run.Kinds {
		k.New, k.Revised, k.Unchanged, k.Gone = 0, 0, 0, 0
		out.Kinds[kind] = k
	}
	for kind, n := range b.run.Kinds {
		k, ok := out.Kinds[kind]
		if !ok {
			k.IndependentCount = -1
		}
		k.New, k.Revised, k.Unchanged = n.New, n.Revised, n.Unchanged
		out.Kinds[kind] = k
	}
	var kinds []string
	for kind, k := range out.Kinds {
		if store.Enumerated(k) {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	for _, kind := range kinds {
		n, err := b.findGone(kind, c)
		if err != nil {
			return err
		}
		k := out.Kinds[kind]
		k.Gone = n
		out.Kinds[kind] = k
		if n > 0 {
			b.receipt.Gone[kind] = n
		}
	}
	var err error
	if out.State, err = store.StateDigest(stateRows(b.state[b.run.Provenance.Source], 0)); err != nil {
		return err
	}
	e, err := evidence.RunClosed(out, b.now)
	if err != nil {
		return err
	}
	parsed, err := evidence.ParseRunClosed(e)
	if err != nil {
		return err
	}
	parsed.Provenance, parsed.StartedAt = b.run.Provenance, b.run.StartedAt
	b.run.Run, b.run.closed = parsed, b.add(e)
	return nil
}

func (b *batch) findGone(kind string, c *store.RunClose) (int64, error) {
	var gone []string
	for k, it := range b.byKey {
		if k.source == b.run.Provenance.Source && k.kind == kind && it.gone == 0 && !c.Seen(kind, k.key, it.group) {
			gone = append(gone, k.key)
		}
	}
	slices.Sort(gone)
	for part := range slices.Chunk(gone, evidence.MaxGoneKeys) {
		e, err := evidence.GoneEntry(evidence.Gone{Run: b.run.ID, Kind: kind, Keys: part, At: c.Run.FinishedAt}, b.now)
		if err != nil {
			return 0, err
		}
		seq := b.add(e)
		for _, name := range part {
			it := b.byKey[key{b.run.Provenance.Source, kind, name}]
			it.gone, it.ev.GoneAt = seq, evidence.Stamp(c.Run.FinishedAt)
		}
	}
	return int64(len(gone)), nil
}

// Erase implements store.Writer.
func (s *Store) Erase(ctx context.Context, er store.Erasure) (store.Receipt, error) {
	return s.EraseAll(ctx, []store.Erasure{er})
}

// EraseAll implements store.Writer.
func (s *Store) EraseAll(ctx context.Context, list []store.Erasure) (store.Receipt, error) {
	r, err := s.change(ctx, func(b *batch) error {
		for _, er := range list {
			if err := b.erase(er); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return store.Receipt{}, fmt.Errorf("erase: %w", err)
	}
	return r, nil
}

func (b *batch) erase(er store.Erasure) error {
	body, known := b.payloads[er.Payload]
	if !known {
		return fmt.Errorf("payload %s: %w", er.Payload, store.ErrNotFound)
	}
	if body == nil {
		return fmt.Errorf("payload %s: %w before", er.Payload, store.ErrErased)
	}
	at, err := store.EntryTime(er.At, b.now, b.last())
	if err != nil {
		return err
	}
	e, err := evidence.ErasureEntry(evidence.Erasure{Payload: er.Payload, By: er.By, Reason: er.Reason}, at)
	if err != nil {
		return err
	}
	b.add(e)
	b.payloads[er.Payload] = nil
	return nil
}

// Reindex implements store.Writer. There is no index but the data itself.
func (s *Store) Reindex(_ context.Context, progress func(done, total int64)) error {
	if progress != nil {
		s.mu.RLock()
		n := int64(len(s.d.lines))
		s.mu.RUnlock()
		progress(n, n)
	}
	return nil
}

// Close implements store.Store.
func (s *Store) Close() error { return nil }
