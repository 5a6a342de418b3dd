package gate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// MinLength is the length of the shortest text that can be looked for.
const MinLength = 4

const (
	gateBits = 20 // size of the table, as a power of two of bits
	hashMul  = 0x9E3779B1
)

// Gate looks for a set of texts. Upper and lower case differ.
type Gate struct {
	needles []string
	bits    [1 << (gateBits - 6)]uint64
	slots   []slot // a hash table without deletions; its size is a power of two
	mask    uint32
	places  []place
	max     int
}

// slot is four bytes and the needles that are looked for by them.
type slot struct {
	word     uint32 // little endian
	from, to int32  // of places; empty if they are the same
}

// place says that the four bytes stand at offset off of a needle.
type place struct {
	needle, off int32
}

// errShort is returned for a text that cannot be looked for.
var errShort = errors.New("too short to be looked for")

// New prepares the search for texts, each at least MinLength bytes long.
func New(texts []string) (*Gate, error) {
	g := &Gate{needles: slices.Compact(slices.Sorted(slices.Values(texts)))}
	by, rare := map[uint32][]place{}, newRarer()
	for i, n := range g.needles {
		if len(n) < MinLength {
			return nil, fmt.Errorf("%w: %q", errShort, n)
		}
		g.max = max(g.max, len(n))
		off := rare.rarest(n)
		w := binary.LittleEndian.Uint32([]byte(n[off : off+4]))
		by[w] = append(by[w], place{int32(i), int32(off)})
		h := w * hashMul >> (32 - gateBits)
		g.bits[h>>6] |= 1 << (h & 63)
	}
	size := uint32(16)
	for size < 4*uint32(len(by)) {
		size *= 2
	}
	g.slots, g.mask = make([]slot, size), size-1
	for w, places := range by {
		from := int32(len(g.places))
		g.places = append(g.places, places...)
		at := g.first(w)
		for g.slots[at].from != g.slots[at].to {
			at = (at + 1) & g.mask
		}
		g.slots[at] = slot{w, from, int32(len(g.places))}
	}
	return g, nil
}

// first is where in the table the search for four bytes begins: not by the same
// bits as in the table of bits.
func (g *Gate) first(w uint32) uint32 {
	w ^= w >> 15
	return (w * 0x85EBCA6B >> 7) & g.mask
}

// Len returns the number of texts looked for.
func (g *Gate) Len() int { return len(g.needles) }

// MaxLen returns the length of the longest one: windows of a longer text have
// to overlap by one byte less.
func (g *Gate) MaxLen() int { return g.max }

// Any reports whether one of the texts is in b.
func (g *Gate) Any(b []byte) bool {
	_, ok := g.Find(b, 0)
	return ok
}

// Find returns where the first of the texts that is met from an offset on
// stands. It is not always the one that begins first: texts are met by their
// four bytes.
func (g *Gate) Find(b []byte, from int) (at int, ok bool) {
	i := from
	bits := &g.bits
	for ; i+11 <= len(b); i += 8 {
		v := binary.LittleEndian.Uint64(b[i:])
		x := uint64(binary.LittleEndian.Uint32(b[i+7:]))
		h0, h1 := uint32(v)*hashMul>>(32-gateBits), uint32(v>>8)*hashMul>>(32-gateBits)
		h2, h3 := uint32(v>>16)*hashMul>>(32-gateBits), uint32(v>>24)*hashMul>>(32-gateBits)
		h4, h5 := uint32(v>>32)*hashMul>>(32-gateBits), uint32(v>>40|x<<16)*hashMul>>(32-gateBits)
		h6, h7 := uint32(v>>48|x<<8)*hashMul>>(32-gateBits), uint32(x)*hashMul>>(32-gateBits)
		m := bits[h0>>6]>>(h0&63) | bits[h1>>6]>>(h1&63) | bits[h2>>6]>>(h2&63) | bits[h3>>6]>>(h3&63) |
			bits[h4>>6]>>(h4&63) | bits[h5>>6]>>(h5&63) | bits[h6>>6]>>(h6&63) | bits[h7>>6]>>(h7&63)
		if m&1 == 0 {
			continue
		}
		for j := i; j < i+8; j++ {
			if at, ok := g.verify(b, j, from); ok {
				return at, true
			}
		}
	}
	for ; i+4 <= len(b); i++ {
		if at, ok := g.verify(b, i, from); ok {
			return at, true
		}
	}
	return 0, false
}

// verify looks up in full the four bytes at i, and compares.
func (g *Gate) verify(b []byte, i, from int) (int, bool) {
	w := binary.LittleEndian.Uint32(b[i:])
	if h := w * hashMul >> (32 - gateBits); g.bits[h>>6]>>(h&63)&1 == 0 {
		return 0, false
	}
	for at := g.first(w); ; at = (at + 1) & g.mask {
		s := &g.slots[at]
		if s.from == s.to {
			return 0, false
		}
		if s.word == w {
			return g.compare(b, i, from, g.places[s.from:s.to])
		}
	}
}

func (g *Gate) compare(b []byte, i, from int, places []place) (int, bool) {
	for _, p := range places {
		n := g.needles[p.needle]
		at := i - int(p.off)
		if at >= from && at+len(n) <= len(b) && string(b[at:at+len(n)]) == n {
			return at, true
		}
	}
	return 0, false
}

// Present returns which of the texts are in b, in their order.
func (g *Gate) Present(b []byte) (texts []string) {
	seen := map[int32]bool{}
	for i := 0; i+4 <= len(b); i++ {
		w := binary.LittleEndian.Uint32(b[i:])
		if h := w * hashMul >> (32 - gateBits); g.bits[h>>6]>>(h&63)&1 == 0 {
			continue
		}
		for at := g.first(w); g.slots[at].from != g.slots[at].to; at = (at + 1) & g.mask {
			if s := &g.slots[at]; s.word == w {
				g.note(b, i, g.places[s.from:s.to], seen)
				break
			}
		}
	}
	for i, n := range g.needles {
		if seen[int32(i)] {
			texts = append(texts, n)
		}
	}
	return texts
}

// note adds the needles that stand where four bytes of theirs do.
func (g *Gate) note(b []byte, i int, places []place, seen map[int32]bool) {
	for _, p := range places {
		n := g.needles[p.needle]
		if at := i - int(p.off); !seen[p.needle] && at >= 0 && at+len(n) <= len(b) && string(b[at:at+len(n)]) == n {
			seen[p.needle] = true
		}
	}
}
