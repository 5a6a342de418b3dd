package assess

import (
	"encoding/binary"
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"
)

// text is an interned string: which shard holds it, and where. The zero text is
// the empty string.
type text uint32

// interner keeps each distinct string once, in large blocks without pointers,
// so that millions of them cost the garbage collector nothing. It is divided,
// so that several goroutines can add at once.
type interner struct {
	seed   maphash.Seed
	shared bool        // several goroutines add
	full   atomic.Bool // no more can be relied on to fit
	shards [shardCount]internShard
}

const (
	shardBits  = 4
	shardCount = 1 << shardBits
	unitBits   = 2  // strings begin at multiples of 4 bytes
	blockBits  = 16 // a block holds 64 KiB
	blockSize  = 1 << blockBits
	maxBlocks  = 1 << (32 - shardBits + unitBits - blockBits)
)

// internShard is the part of the strings whose hashes end alike.
type internShard struct {
	mu     sync.Mutex
	blocks []*strings.Builder // each filled up to its capacity, never grown; nil for the rest of one that is larger
	places []place            // open addressing, by the hash; a power of two long
	used   int
}

// place holds a text and its hash, so that neither looking for a text nor
// growing reads others.
type place struct {
	hash uint32
	text uint32 // text+1, 0 for a free place
}

func newInterner() *interner {
	in := &interner{seed: maphash.MakeSeed()}
	b, _ := in.shards[0].append(0, 0) // the zero text
	pad(b)
	return in
}

// of returns the text for s, keeping a copy of s if it is new.
func (in *interner) of(s string) text {
	t, _ := in.enter(s)
	return t
}

// enter is of, and reports whether the text was known.
func (in *interner) enter(s string) (t text, known bool) {
	if s == "" {
		return 0, true
	}
	h := maphash.String(in.seed, s)
	sh := &in.shards[h&(shardCount-1)]
	if in.shared {
		sh.mu.Lock()
		defer sh.mu.Unlock()
	}
	if t, ok := sh.find(s, hashOf(h)); ok {
		return t, true
	}
	b, t := in.add(sh, h, len(s))
	b.WriteString(s)
	pad(b)
	return t, false
}

// ofBytes is of for a string that need not be made if it is known.
func (in *interner) ofBytes(s []byte) text {
	if len(s) == 0 {
		return 0
	}
	h := maphash.Bytes(in.seed, s)
	sh := &in.shards[h&(shardCount-1)]
	if in.shared {
		sh.mu.Lock()
		defer sh.mu.Unlock()
	}
	for i := sh.first(hashOf(h)); ; i = sh.next(i) {
		p, free := sh.at(i)
		if free {
			break
		}
		if p.hash == hashOf(h) && sh.str(text(p.text-1)) == string(s) {
			return text(p.text - 1)
		}
	}
	b, t := in.add(sh, h, len(s))
	b.Write(s)
	pad(b)
	return t
}

// lookup finds s without adding it.
func (in *interner) lookup(s string) (text, bool) {
	if s == "" {
		return 0, true
	}
	h := maphash.String(in.seed, s)
	sh := &in.shards[h&(shardCount-1)]
	if in.shared {
		sh.mu.Lock()
		defer sh.mu.Unlock()
	}
	return sh.find(s, hashOf(h))
}

// str returns the string of t; it shares the interner's memory.
func (in *interner) str(t text) string { return in.shards[t&(shardCount-1)].str(t) }

func (sh *internShard) str(t text) string {
	at := int(t>>shardBits) << unitBits
	b := sh.blocks[at>>blockBits].String()[at&(blockSize-1):]
	n := int(b[0])
	if n == longText {
		n = int(binary.LittleEndian.Uint32([]byte(b[1:5])))
		return b[5 : 5+n]
	}
	return b[1 : 1+n]
}

// longText is the length byte of a text whose length follows in four bytes.
const longText = 255

// hashOf is the part of a hash that a place keeps; the other half says which
// shard it is.
func hashOf(h uint64) uint32 { return uint32(h >> 32) }

// first gives the place where a text of a hash stands or, if others have taken
// it, before those that are next.
func (sh *internShard) first(hash uint32) uint32 { return hash & uint32(len(sh.places)-1) }

func (sh *internShard) next(i uint32) uint32 { return (i + 1) & uint32(len(sh.places)-1) }

func (sh *internShard) at(i uint32) (p place, free bool) {
	if len(sh.places) == 0 {
		return place{}, true
	}
	p = sh.places[i]
	return p, p.text == 0
}

func (sh *internShard) find(s string, hash uint32) (text, bool) {
	for i := sh.first(hash); ; i = sh.next(i) {
		p, free := sh.at(i)
		if free {
			return 0, false
		}
		if p.hash == hash && sh.str(text(p.text-1)) == s {
			return text(p.text - 1), true
		}
	}
}

// add makes room for a new text of n bytes, which are still to be written.
func (in *interner) add(sh *internShard, h uint64, n int) (*strings.Builder, text) {
	if (sh.used+1)*8 > len(sh.places)*7 {
		sh.grow()
	}
	b, t := sh.append(n, text(h&(shardCount-1)))
	if len(sh.blocks) > maxBlocks/2 {
		in.full.Store(true)
	}
	sh.put(place{hash: hashOf(h), text: uint32(t) + 1})
	sh.used++
	return b, t
}

// append begins a text of n bytes in the last block, or in a new one.
func (sh *internShard) append(n int, shard text) (*strings.Builder, text) {
	var head [5]byte
	head[0] = byte(n)
	length := head[:1]
	if n >= longText {
		head[0], length = longText, head[:]
		binary.LittleEndian.PutUint32(head[1:], uint32(n))
	}
	need := len(length) + n
	last := len(sh.blocks) - 1
	for last >= 0 && sh.blocks[last] == nil {
		last--
	}
	if last < 0 || sh.blocks[last].Len()+need > min(blockSize, sh.blocks[last].Cap()) {
		last = len(sh.blocks)
		b := &strings.Builder{}
		b.Grow(max(sh.room(), need))
		sh.blocks = append(sh.blocks, b)
		for size := blockSize; size < need; size += blockSize {
			sh.blocks = append(sh.blocks, nil)
		}
	}
	b := sh.blocks[last]
	at := last<<blockBits + b.Len()
	b.Write(length)
	return b, text(at>>unitBits)<<shardBits | shard
}

// pad ends a text.
func pad(b *strings.Builder) {
	for b.Len()%(1<<unitBits) != 0 && b.Len() < b.Cap() {
		b.WriteByte(0)
	}
}

// room is how large the next block is: small ones come first, since most
// States hold little.
func (sh *internShard) room() int { return min(blockSize, 256<<min(2*len(sh.blocks), 8)) }

func (sh *internShard) put(p place) {
	i := sh.first(p.hash)
	for sh.places[i].text != 0 {
		i = sh.next(i)
	}
	sh.places[i] = p
}

// grow doubles the places.
func (sh *internShard) grow() {
	old := sh.places
	sh.places = make([]place, max(32, 2*len(old)))
	for _, p := range old {
		if p.text != 0 {
			sh.put(p)
		}
	}
}
