package sqlstore

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// storePayloads finds out which payloads of the sealed records are there, and
// gives the others a place in new blocks. What was erased stays erased.
func (w *writer) storePayloads(ctx context.Context, recs []prepared, sealed []int, rows map[int64]int) error {
	sums := make([]evidence.Digest, 0, len(sealed))
	for _, i := range sealed {
		sums = append(sums, recs[i].ev.PayloadSum)
	}
	known, err := findPayloads(ctx, w.tx, sums, w.tail.blocks)
	if err != nil {
		return err
	}
	for _, i := range sealed {
		ev := &recs[i].ev
		block, ok := known[ev.PayloadSum]
		if !ok {
			block = w.placePayload(ev)
			known[ev.PayloadSum] = block
		}
		w.rows[rows[ev.Seq]].pblock = block
	}
	return nil
}

// placePayload gives a payload that is not stored a place: its block.
func (w *writer) placePayload(ev *evidence.Evidence) int64 {
	if w.block == 0 {
		w.block = w.tail.uptoBlock
	} else if w.blockN+int64(ev.PayloadSize) > blockSize {
		w.block++
		w.blockN = 0
	}
	w.blockN += int64(ev.PayloadSize)
	w.blobs = append(w.blobs, payloadItem{sum: ev.PayloadSum, size: int64(ev.PayloadSize)})
	w.bodies = append(w.bodies, ev.Payload)
	w.placed = append(w.placed, store.PayloadPlace{Prefix: store.PayloadPrefix(ev.PayloadSum), Block: w.block})
	return w.block
}

// findPayloads gives the block of each payload that is stored, or was before
// it was erased. inTail gives the blocks that the index does not hold yet.
func findPayloads(ctx context.Context, tx Tx, sums []evidence.Digest, inTail func(prefix int64) []int64) (map[evidence.Digest]int64, error) {
	found := make(map[evidence.Digest]int64)
	byPrefix := make(map[int64][]evidence.Digest, len(sums))
	values := make([]any, 0, len(sums))
	var hits []store.PayloadPlace
	for _, d := range sums {
		p := store.PayloadPrefix(d)
		if byPrefix[p] == nil {
			values = append(values, p)
			for _, block := range inTail(p) {
				hits = append(hits, store.PayloadPlace{Prefix: p, Block: block})
			}
		}
		byPrefix[p] = append(byPrefix[p], d)
	}
	err := tx.In(ctx, values, func(r Rows) error {
		var h store.PayloadPlace
		if err := r.Scan(&h.Prefix, &h.Block); err != nil {
			return err
		}
		hits = append(hits, h)
		return nil
	}, "SELECT prefix, block FROM payload_index WHERE prefix IN @IN")
	if err != nil {
		return nil, err
	}
	heads := make(map[int64]map[evidence.Digest]bool)
	for _, h := range hits {
		if heads[h.Block] == nil {
			if heads[h.Block], err = readHead(ctx, tx, h.Block); err != nil {
				return nil, err
			}
		}
		for _, d := range byPrefix[h.Prefix] {
			if heads[h.Block][d] {
				found[d] = h.Block
			}
		}
	}
	return found, nil
}

// readHead gives the digests that a block names.
func readHead(ctx context.Context, tx Tx, block int64) (map[evidence.Digest]bool, error) {
	b := payloadBlock{block: block}
	ok, err := one(ctx, tx, []any{&b.head}, "SELECT head FROM payload_blocks WHERE block = $1", block)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("payload block %d is in the index and nowhere else: %w", block, store.ErrTampered)
	}
	items, err := b.items()
	if err != nil {
		return nil, err
	}
	out := make(map[evidence.Digest]bool, len(items))
	for _, it := range items {
		out[it.sum] = true
	}
	return out, nil
}

// readPayloadBlock reads the block that holds d, or ErrNotFound.
func readPayloadBlock(ctx context.Context, tx Tx, d evidence.Digest) (*payloadBlock, error) {
	t, err := readTip(ctx, tx)
	if err != nil {
		return nil, err
	}
	places, _, err := readTailPlaces(ctx, tx, t.indexedBlock)
	if err != nil {
		return nil, err
	}
	found, err := findPayloads(ctx, tx, []evidence.Digest{d}, func(prefix int64) (blocks []int64) {
		for _, p := range places {
			if p.Prefix == prefix {
				blocks = append(blocks, p.Block)
			}
		}
		return blocks
	})
	if err != nil {
		return nil, err
	}
	block, ok := found[d]
	if !ok {
		return nil, fmt.Errorf("payload %s: %w", d, store.ErrNotFound)
	}
	return payloadBlockAt(ctx, tx, block)
}

func payloadBlockAt(ctx context.Context, tx Tx, block int64) (*payloadBlock, error) {
	b := payloadBlock{block: block}
	ok, err := one(ctx, tx, []any{&b.head, &b.raw, &b.data}, "SELECT head, raw, data FROM payload_blocks WHERE block = $1", block)
	if err == nil && !ok {
		err = fmt.Errorf("payload block %d is missing: %w", block, store.ErrTampered)
	}
	return &b, err
}

// Payload implements store.Reader.
func (s *Store) Payload(ctx context.Context, d evidence.Digest) (out []byte, err error) {
	s.mu.Lock()
	last := s.kept
	s.mu.Unlock()
	err = s.db.Read(ctx, func(tx Tx) error {
		t, err := readTip(ctx, tx)
		if err != nil {
			return err
		}
		if body, ok := last.get(d, t.note); ok {
			out = bytes.Clone(body)
			return nil
		}
		b, err := readPayloadBlock(ctx, tx, d)
		if err != nil {
			return err
		}
		next, err := keepPayloads(b, t.note)
		if err != nil {
			return err
		}
		if next.erased[d] {
			return fmt.Errorf("payload %s: %w", d, store.ErrErased)
		}
		body, ok := next.bodies[d]
		if !ok {
			return fmt.Errorf("payload %s: %w", d, store.ErrNotFound)
		}
		if evidence.Sum(body) != d {
			return fmt.Errorf("payload %s: stored bytes have another digest: %w", d, store.ErrTampered)
		}
		out = bytes.Clone(body)
		s.mu.Lock()
		s.kept = next
		s.mu.Unlock()
		return nil
	})
	return out, err
}

// keptPayloads is the payload block that was read last: who reads payloads in
// ledger order reads each block once. It stands as long as the ledger does not
// grow, since an erasure is an entry too.
type keptPayloads struct {
	note   []byte // the checkpoint at which it was read
	bodies map[evidence.Digest][]byte
	erased map[evidence.Digest]bool
}

func keepPayloads(b *payloadBlock, note []byte) (*keptPayloads, error) {
	items, bodies, err := b.payloads()
	if err != nil {
		return nil, err
	}
	u := &keptPayloads{note: note, bodies: make(map[evidence.Digest][]byte, len(items)), erased: map[evidence.Digest]bool{}}
	for i, it := range items {
		if it.erased {
			u.erased[it.sum] = true
			continue
		}
		u.bodies[it.sum] = bodies[i]
	}
	return u, nil
}

// get returns a payload that has the digest, if the ledger still ends at note.
func (u *keptPayloads) get(d evidence.Digest, note []byte) ([]byte, bool) {
	if u == nil || !bytes.Equal(u.note, note) {
		return nil, false
	}
	body, ok := u.bodies[d]
	return body, ok && evidence.Sum(body) == d
}

// Erase implements store.Writer.
func (s *Store) Erase(ctx context.Context, er store.Erasure) (store.Receipt, error) {
	return s.EraseAll(ctx, []store.Erasure{er})
}

// EraseAll implements store.Writer.
func (s *Store) EraseAll(ctx context.Context, list []store.Erasure) (store.Receipt, error) {
	var w *writer
	defer func() {
		if w != nil {
			w.release()
		}
	}()
	err := s.db.Write(ctx, func(tx Tx) (err error) {
		if w, err = s.begin(ctx, tx); err != nil {
			return err
		}
		if err := w.erase(ctx, list); err != nil {
			return err
		}
		return w.finish(ctx)
	})
	if err != nil {
		return store.Receipt{}, fmt.Errorf("erase: %w", err)
	}
	w.committed()
	if err := s.db.Forget(ctx); err != nil {
		return w.receipt, fmt.Errorf("erased, but old copies may still be in the database's files: %w", err)
	}
	return w.receipt, nil
}

// erase appends an entry for each payload and rewrites their blocks.
func (w *writer) erase(ctx context.Context, list []store.Erasure) error {
	sums := make([]evidence.Digest, len(list))
	for i, er := range list {
		sums[i] = er.Payload
	}
	places, err := findPayloads(ctx, w.tx, sums, w.tail.blocks)
	if err != nil {
		return err
	}
	goes := make(map[int64]map[evidence.Digest]bool) // by block
	for _, er := range list {
		block, ok := places[er.Payload]
		if !ok {
			return fmt.Errorf("payload %s: %w", er.Payload, store.ErrNotFound)
		}
		if goes[block] == nil {
			goes[block] = make(map[evidence.Digest]bool)
		}
		if goes[block][er.Payload] {
			return fmt.Errorf("payload %s: %w before", er.Payload, store.ErrErased)
		}
		goes[block][er.Payload] = true
		at, err := store.EntryTime(er.At, w.now, w.tip.at)
		if err != nil {
			return err
		}
		e, err := evidence.ErasureEntry(evidence.Erasure{Payload: er.Payload, By: er.By, Reason: er.Reason}, at)
		if err != nil {
			return err
		}
		w.add(e)
	}
	for _, block := range slices.Sorted(maps.Keys(goes)) {
		if err := w.eraseIn(ctx, block, goes[block]); err != nil {
			return err
		}
	}
	return nil
}

// eraseIn rewrites a block without the bytes of some payloads.
func (w *writer) eraseIn(ctx context.Context, block int64, goes map[evidence.Digest]bool) error {
	b, err := payloadBlockAt(ctx, w.tx, block)
	if err != nil {
		return err
	}
	items, bodies, err := b.payloads()
	if err != nil {
		return err
	}
	var head, raw []byte
	for i := range items {
		if goes[items[i].sum] {
			if items[i].erased {
				return fmt.Errorf("payload %s: %w before", items[i].sum, store.ErrErased)
			}
			items[i].erased, bodies[i] = true, nil
		}
		head = appendHead(head, items[i])
		raw = append(raw, bodies[i]...)
	}
	return w.tx.Exec(ctx, "UPDATE payload_blocks SET head = $1, raw = $2, data = $3 WHERE block = $4",
		head, int64(len(raw)), pack(raw), b.block)
}
