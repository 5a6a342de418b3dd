package store

import (
	"encoding/binary"
	"iter"
	"math/bits"
	"math/rand/v2"
)

// headKey is the beginning of the digest of a source, a kind and a key.
type headKey [16]byte

// headState is the newest revision of a key so far.
type headState struct {
	seq      int64
	next     int64 // where its row says the next one is
	revision int32 // 0: the key was not met yet
	gone     bool
}

// heads is the newest revision of every key: a map that is looked up once for
// every line, in one step for finding and adding. Keys are digests, so a factor
// that nobody knows spreads them well enough. Where a key belongs in the table is
// anywhere in memory, so that the table is small: it names the key's place in a
// list, to which new keys come one after the other.
type heads struct {
	table  []uint64 // as many slots as a power of two
	list   [][]head
	used   int
	factor uint64
	seen   uint64 // by ahead
}

type head struct {
	key headKey
	headState
}

const (
	// minSlots is what the table begins with at least.
	minSlots = 1 << 10
	// headPiece is how many heads a piece of the list has.
	headPiece = 1 << 12
	// numberBits of a slot are one more than the number of a head, 0 if it is empty.
	// The others are of the key: another key mostly differs there.
	numberBits = 40
	numberMask = 1<<numberBits - 1
)

// newHeads makes a table with room for n keys.
func newHeads(n int64) *heads {
	size := minSlots
	for int64(size/4*3) <= n {
		size *= 2
	}
	return &heads{table: make([]uint64, size), factor: rand.Uint64() | 1}
}

// at gives the state of a key, to be read or set before the next call. A key
// that was not met yet gets a place, and counts once its revision is set.
func (h *heads) at(key headKey) *headState {
	slot, found := h.slot(&key)
	if found != nil {
		return &found.headState
	}
	if h.used >= len(h.table)/4*3 {
		h.grow()
		slot, _ = h.slot(&key)
	}
	return &h.add(slot, &key).headState
}

// ahead looks at where the keys of items belong, which are asked for one after the
// other soon: the processor fetches from memory all at once what it would then
// have to wait for each time.
func (h *heads) ahead(items []checkedEntry) {
	seen := h.seen
	for i := range items {
		seen |= h.table[h.place(&items[i].key)]
	}
	h.seen = seen
}

// place is the number of the slot where the search for a key begins.
func (h *heads) place(key *headKey) uint64 {
	mask := uint64(len(h.table) - 1)
	return binary.LittleEndian.Uint64(key[:]) * h.factor >> bits.LeadingZeros64(mask)
}

// mark is what a slot holds of its key.
func mark(key *headKey) uint64 { return binary.LittleEndian.Uint64(key[8:]) &^ numberMask }

// head gives the head with a number.
func (h *heads) head(n uint64) *head { return &h.list[n/headPiece][n%headPiece] }

// slot finds the slot of a key and its head, or the empty one where it belongs.
func (h *heads) slot(key *headKey) (*uint64, *head) {
	marked, last := mark(key), uint64(len(h.table)-1)
	for i := h.place(key); ; i++ {
		s := &h.table[i&last]
		if *s == 0 {
			return s, nil
		}
		if *s&^numberMask != marked {
			continue
		}
		if found := h.head(*s&numberMask - 1); found.key == *key {
			return s, found
		}
	}
}

// add gives a key that has no head one, in an empty slot.
func (h *heads) add(slot *uint64, key *headKey) *head {
	n := h.used
	if n%headPiece == 0 {
		h.list = append(h.list, make([]head, headPiece))
	}
	h.used++
	*slot = mark(key) | uint64(n+1)
	added := h.head(uint64(n))
	added.key = *key
	return added
}

// grow doubles the table.
func (h *heads) grow() {
	h.table = make([]uint64, 2*len(h.table))
	last := uint64(len(h.table) - 1)
	for n := range uint64(h.used) {
		key := &h.head(n).key
		i := h.place(key)
		for h.table[i&last] != 0 {
			i++
		}
		h.table[i&last] = mark(key) | (n + 1)
	}
}

// all yields the state of every key that counts.
func (h *heads) all() iter.Seq[*headState] {
	return func(yield func(*headState) bool) {
		for n := range uint64(h.used) {
			if s := &h.head(n).headState; s.revision != 0 && !yield(s) {
				return
			}
		}
	}
}
