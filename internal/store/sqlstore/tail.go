package sqlstore

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/store"
)

// The indexes by hash (key, subject, payload) would cost a page for every
// record if rows were added one by one, because hashes fall anywhere. So the
// newest rows, the tail, are in no such index; a writer keeps their hashes in
// memory, and when there are tailMax of them sorts them into the indexes.
const tailMax = 64 << 10

// tail is the hashes of the rows that are in no index yet.
type tail struct {
	from, upto           int64 // positions it covers
	fromBlock, uptoBlock int64 // payload blocks it covers
	keys                 []tailKey
	places               []tailPlace
	byKey                map[int64]int32 // number in keys of the newest, plus one
	byPrefix             map[int64]int32 // number in places of the newest, plus one
}

type tailKey struct {
	khash, shash, seq int64
	prev              int32 // number plus one of the one before with the same hash
}

type tailPlace struct {
	store.PayloadPlace
	prev int32
}

func newTail(t tip) *tail {
	block := max(t.indexedBlock, 1)
	return &tail{
		from: t.indexed, upto: t.indexed, fromBlock: block, uptoBlock: block,
		byKey: make(map[int64]int32), byPrefix: make(map[int64]int32),
	}
}

// extend adds what follows; size and block are where the store ends now.
func (t *tail) extend(keys []tailKey, places []store.PayloadPlace, size, block int64) {
	for _, k := range keys {
		k.prev = t.byKey[k.khash]
		t.keys = append(t.keys, k)
		t.byKey[k.khash] = int32(len(t.keys))
	}
	for _, p := range places {
		t.places = append(t.places, tailPlace{p, t.byPrefix[p.Prefix]})
		t.byPrefix[p.Prefix] = int32(len(t.places))
	}
	t.upto = size
	t.uptoBlock = max(t.uptoBlock, block)
}

// newest gives the position of the newest row with a key hash, or -1.
func (t *tail) newest(khash int64) int64 {
	if i := t.byKey[khash]; i > 0 {
		return t.keys[i-1].seq
	}
	return -1
}

// all gives the positions of all rows with a key hash.
func (t *tail) all(khash int64) []int64 {
	var out []int64
	for i := t.byKey[khash]; i > 0; i = t.keys[i-1].prev {
		out = append(out, t.keys[i-1].seq)
	}
	return out
}

// blocks gives the blocks with a payload of this prefix.
func (t *tail) blocks(prefix int64) []int64 {
	var out []int64
	for i := t.byPrefix[prefix]; i > 0; i = t.places[i-1].prev {
		out = append(out, t.places[i-1].Block)
	}
	return out
}

// loadTail takes the store's tail and brings it up to date with what is
// committed. The writer before, whose transaction is over, may not have given
// it back yet; it waits for nothing that this one holds.
func (w *writer) loadTail(ctx context.Context) error {
	select {
	case w.tail = <-w.s.tails:
	case <-ctx.Done():
		return ctx.Err()
	}
	t := w.tail
	if t.from != w.tip.indexed || t.upto > w.tip.size {
		t = newTail(w.tip)
	}
	if t.upto < w.tip.size {
		keys, err := readTailKeys(ctx, w.tx, t.upto)
		if err != nil {
			return err
		}
		places, next, err := readTailPlaces(ctx, w.tx, t.uptoBlock)
		if err != nil {
			return err
		}
		t.extend(keys, places, w.tip.size, next)
	}
	w.tail = t
	return nil
}

// release gives the tail back, if it was not before.
func (w *writer) release() {
	if w.tail != nil {
		w.s.tails <- w.tail
		w.tail = nil
	}
}

// hashesSize is the length of the column hashes.
const hashesSize = 16 + store.MarkSize

func appendHashes(b []byte, r *row) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(r.khash))
	b = binary.BigEndian.AppendUint64(b, uint64(r.shash))
	return append(b, r.mark[:]...)
}

// splitHashes reads the column hashes of the row at seq.
func splitHashes(seq int64, b []byte) (khash, shash int64, mark [store.MarkSize]byte, err error) {
	if len(b) != hashesSize {
		return 0, 0, mark, fmt.Errorf("evidence row %d: hashes of %d bytes: %w", seq, len(b), store.ErrTampered)
	}
	khash = int64(binary.BigEndian.Uint64(b))
	shash = int64(binary.BigEndian.Uint64(b[8:]))
	return khash, shash, [store.MarkSize]byte(b[16:]), nil
}

func readTailKeys(ctx context.Context, tx Tx, from int64) ([]tailKey, error) {
	var keys []tailKey
	var hashes []byte
	err := each(ctx, tx, func(r Rows) error {
		var k tailKey
		if err := r.Scan(&k.seq, &hashes); err != nil {
			return err
		}
		var err error
		k.khash, k.shash, _, err = splitHashes(k.seq, hashes)
		keys = append(keys, k)
		return err
	}, "SELECT seq, hashes FROM evidence WHERE seq >= $1 ORDER BY seq", from)
	return keys, err
}

// readTailPlaces reads where payloads are, from block from, and the number of
// the next block.
func readTailPlaces(ctx context.Context, tx Tx, from int64) ([]store.PayloadPlace, int64, error) {
	var places []store.PayloadPlace
	next := from
	err := each(ctx, tx, func(r Rows) error {
		var b payloadBlock
		if err := r.Scan(&b.block, &b.head); err != nil {
			return err
		}
		next = b.block + 1
		items, err := b.items()
		for _, it := range items {
			places = append(places, store.PayloadPlace{Prefix: store.PayloadPrefix(it.sum), Block: b.block})
		}
		return err
	}, "SELECT block, head FROM payload_blocks WHERE block >= $1 ORDER BY block", from)
	return places, next, err
}

// mergeTail sorts the tail and what this transaction added into the indexes,
// if there is enough of it.
func (w *writer) mergeTail(ctx context.Context) error {
	t := w.tail
	if len(t.keys)+len(w.added) < w.s.tailMax && len(t.places)+len(w.placed) < w.s.tailMax {
		return nil
	}
	keys := slices.Concat(t.keys, w.added)
	places := slices.Clone(w.placed)
	for _, p := range t.places {
		places = append(places, p.PayloadPlace)
	}
	if err := insertIndexes(ctx, w.tx, keys, places); err != nil {
		return err
	}
	w.merged = true
	w.tip.indexed = w.tip.size
	w.tip.indexedBlock = max(t.uptoBlock, w.block+1)
	return nil
}

// insertIndexes adds rows to the three indexes, each in its order.
func insertIndexes(ctx context.Context, tx Tx, keys []tailKey, places []store.PayloadPlace) error {
	args := make([]any, 0, 2*max(len(keys), len(places)))
	slices.SortFunc(keys, func(a, b tailKey) int { return cmp.Or(cmp.Compare(a.khash, b.khash), cmp.Compare(a.seq, b.seq)) })
	for _, k := range keys {
		args = append(args, k.khash, k.seq)
	}
	if err := tx.Insert(ctx, tableKeyIdx, args); err != nil {
		return err
	}
	args = args[:0]
	slices.SortFunc(keys, func(a, b tailKey) int { return cmp.Or(cmp.Compare(a.shash, b.shash), cmp.Compare(a.seq, b.seq)) })
	for _, k := range keys {
		args = append(args, k.shash, k.seq)
	}
	if err := tx.Insert(ctx, tableSubjectIdx, args); err != nil {
		return err
	}
	args = args[:0]
	slices.SortFunc(places, func(a, b store.PayloadPlace) int {
		return cmp.Or(cmp.Compare(a.Prefix, b.Prefix), cmp.Compare(a.Block, b.Block))
	})
	for i, p := range places {
		if i > 0 && p == places[i-1] {
			continue // two payloads whose digests begin alike, in one block
		}
		args = append(args, p.Prefix, p.Block)
	}
	return tx.Insert(ctx, tablePayloadIdx, args)
}
