package gate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// MinLength is the length of the shortest text that can be looked for.
const MinLength = 4

const (
	longLen  = 7  // from here on a text is sampled every four bytes
	longBits = 18 // size of the table of fours, as a power of two of bits
	wideBits = 16 // size of the table of threes
	hashMul  = 0x9E3779B1
)

// Gate looks for a set of texts. Upper and lower case differ.
type Gate struct {
	needles []string
	four    [1 << (longBits - 6)]uint64
	three   [1 << (wideBits - 6)]uint64
	byFour  map[uint32][]place // by the four bytes, little endian
	byThree map[uint32][]place
	max     int
}

// place says that the sampled bytes stand at offset off of a needle.
type place struct {
	needle int32
	off    int32
}

// errShort is returned for a text that sampling could miss.
var errShort = errors.New("too short to be looked for")

// New prepares the search for texts, each at least MinLength bytes long.
func New(texts []string) (*Gate, error) {
	g := &Gate{byFour: map[uint32][]place{}, byThree: map[uint32][]place{}}
	g.needles = slices.Compact(slices.Sorted(slices.Values(texts)))
	for i, n := range g.needles {
		if len(n) < MinLength {
			return nil, fmt.Errorf("%w: %q", errShort, n)
		}
		g.max = max(g.max, len(n))
		if len(n) >= longLen {
			g.addLong(int32(i), n)
		} else {
			g.addShort(int32(i), n)
		}
	}
	return g, nil
}

// addLong takes the rarest seven bytes of a text: of the fours at its first
// four offsets one is always sampled.
func (g *Gate) addLong(i int32, n string) {
	at := rarest(n, longLen)
	for d := range 4 {
		w := load4(n[at+d:])
		g.byFour[w] = append(g.byFour[w], place{i, int32(at + d)})
		h := w * hashMul >> (32 - longBits)
		g.four[h>>6] |= 1 << (h & 63)
	}
}

func (g *Gate) addShort(i int32, n string) {
	at := rarest(n, MinLength)
	for d := range 2 {
		w := load3(n[at+d:])
		g.byThree[w] = append(g.byThree[w], place{i, int32(at + d)})
		h := w * hashMul >> (32 - wideBits)
		g.three[h>>6] |= 1 << (h & 63)
	}
}

func load4(s string) uint32 {
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

func load3(s string) uint32 {
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16
}

// Len returns the number of texts looked for.
func (g *Gate) Len() int { return len(g.needles) }

// MaxLen returns the length of the longest one: windows of a longer text have
// to overlap by one byte less.
func (g *Gate) MaxLen() int { return g.max }

// Texts returns the texts looked for, sorted.
func (g *Gate) Texts() []string { return slices.Clone(g.needles) }

// Any reports whether one of the texts is in b.
func (g *Gate) Any(b []byte) bool {
	_, ok := g.Find(b, 0)
	return ok
}

// Find returns where the first of the texts that is met from an offset on
// stands. It is not always the one that begins first: places are met in the
// order in which they are sampled.
func (g *Gate) Find(b []byte, from int) (at int, ok bool) {
	i := from &^ 7
	// Eight bytes at a time: two samples of four, four of three. The reading of
	// nine bytes keeps the last three within the text.
	for ; i+16 <= len(b); i += 8 {
		v := binary.LittleEndian.Uint64(b[i:])
		x := binary.LittleEndian.Uint32(b[i+6:]) & 0xffffff
		a0, a1 := uint32(v)*hashMul>>(32-longBits), uint32(v>>32)*hashMul>>(32-longBits)
		t0, t1 := uint32(v&0xffffff)*hashMul>>(32-wideBits), uint32(v>>16&0xffffff)*hashMul>>(32-wideBits)
		t2, t3 := uint32(v>>32&0xffffff)*hashMul>>(32-wideBits), x*hashMul>>(32-wideBits)
		m := g.four[a0>>6]>>(a0&63) | g.four[a1>>6]>>(a1&63) |
			g.three[t0>>6]>>(t0&63) | g.three[t1>>6]>>(t1&63) | g.three[t2>>6]>>(t2&63) | g.three[t3>>6]>>(t3&63)
		if m&1 == 0 {
			continue
		}
		if at, ok := g.verify(b, i, from); ok {
			return at, true
		}
	}
	for ; i+3 <= len(b); i += 2 {
		if at, ok := g.verifyAt(b, i, from); ok {
			return at, true
		}
	}
	return 0, false
}

// verify compares in full what begins to look right in the eight bytes at i.
func (g *Gate) verify(b []byte, i, from int) (int, bool) {
	for d := 0; d < 8; d += 2 {
		if at, ok := g.verifyAt(b, i+d, from); ok {
			return at, true
		}
	}
	return 0, false
}

func (g *Gate) verifyAt(b []byte, i, from int) (int, bool) {
	t := uint32(b[i]) | uint32(b[i+1])<<8 | uint32(b[i+2])<<16
	if h := t * hashMul >> (32 - wideBits); g.three[h>>6]>>(h&63)&1 != 0 {
		if at, ok := g.compare(b, i, from, g.byThree[t]); ok {
			return at, true
		}
	}
	if i&3 != 0 || i+4 > len(b) {
		return 0, false
	}
	w := binary.LittleEndian.Uint32(b[i:])
	if h := w * hashMul >> (32 - longBits); g.four[h>>6]>>(h&63)&1 != 0 {
		return g.compare(b, i, from, g.byFour[w])
	}
	return 0, false
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

// rarest returns where the part of size bytes begins whose bytes are rarest.
func rarest(n string, size int) int {
	best, at := 0, 0
	for i := 0; i+size <= len(n); i++ {
		rank := 0
		for j := i; j < i+size; j++ {
			rank += rarity(n[j])
			if j > i && common(n[j-1], n[j]) {
				rank -= 2
			}
		}
		if rank > best {
			best, at = rank, i
		}
	}
	return at
}

// frequent are the bytes of source code by how often they stand there, the
// most frequent first, roughly.
const frequent = " etainosrlcdupmf_(),.\n\t\"=h-:g/b;0y1v'{}w2>[]kx*<SETACIR3N4L"

func rarity(c byte) int {
	if i := strings.IndexByte(frequent, c); i >= 0 {
		return 1 + i/6
	}
	return 12
}

// common reports whether two bytes often stand beside one another.
func common(a, b byte) bool {
	return strings.Contains("  er re in te st on en es or ti at ar nt se ing de al co ed me ro is it ra th he io le ur et ne ta pe to ce", string([]byte{a, b}))
}
