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
// that nobody knows spreads them well enough.
type heads struct {
	slots  []headSlot // as many as a power of two
	used   int
	factor uint64
	seen   int32 // by ahead
}

type headSlot struct {
	key headKey
	headState
}

// minSlots is what the table begins with at least.
const minSlots = 1 << 10

// newHeads makes a table with room for n keys.
func newHeads(n int64) *heads {
	size := minSlots
	for int64(size/4*3) <= n {
		size *= 2
	}
	return &heads{slots: make([]headSlot, size), factor: rand.Uint64() | 1}
}

// at gives the state of a key, to be read or set before the next call. A key
// that was not met yet gets a place, and counts once its revision is set.
func (h *heads) at(key headKey) *headState {
	if h.used >= len(h.slots)/4*3 {
		h.grow()
	}
	s := h.slot(key)
	if s.revision == 0 {
		s.key = key
		h.used++
	}
	return &s.headState
}

// ahead looks at where the keys of items belong, which are asked for one after the
// other soon: the processor fetches from memory all at once what it would then
// have to wait for each time.
func (h *heads) ahead(items []checkedEntry) {
	for i := range items {
		n, _ := h.place(&items[i].key)
		h.seen |= h.slots[n].revision
	}
}

// place is the number of the slot where the search for a key begins.
func (h *heads) place(key *headKey) (n, mask uint64) {
	mask = uint64(len(h.slots) - 1)
	return binary.LittleEndian.Uint64(key[:]) * h.factor >> bits.LeadingZeros64(mask), mask
}

// slot finds the slot of a key, or the empty one where it belongs.
func (h *heads) slot(key headKey) *headSlot {
	i, mask := h.place(&key)
	for {
		s := &h.slots[i&mask]
		if s.revision == 0 || s.key == key {
			return s
		}
		i++
	}
}

func (h *heads) grow() {
	old := h.slots
	h.slots = make([]headSlot, 2*len(old))
	h.used = 0
	for i := range old {
		if old[i].revision != 0 {
			*h.slot(old[i].key) = old[i]
			h.used++
		}
	}
}

// all yields every key's state.
func (h *heads) all() iter.Seq[*headState] {
	return func(yield func(*headState) bool) {
		for i := range h.slots {
			if h.slots[i].revision != 0 && !yield(&h.slots[i].headState) {
				return
			}
		}
	}
}
