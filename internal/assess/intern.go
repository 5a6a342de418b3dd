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

	mu    sync.Mutex
	asked []string // what ask did not find
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
	table  []uint32           // open addressing: text+1, 0 for a free place
	tags   []uint8            // of the hashes of what table holds
	used   int
}

func newInterner() *interner {
	in := &interner{seed: maphash.MakeSeed()}
	in.shards[0].append("", 0) // the zero text
	return in
}

// of returns the text for s, keeping a copy of s if it is new.
func (in *interner) of(s string) text {
	if s == "" {
		return 0
	}
	h := maphash.String(in.seed, s)
	sh := &in.shards[h&(shardCount-1)]
	if in.shared {
		sh.mu.Lock()
		defer sh.mu.Unlock()
	}
	if t, ok := sh.find(s, h); ok {
		return t
	}
	return in.add(sh, s, h)
}

// ofBytes is of without a conversion when the string is known already.
func (in *interner) ofBytes(b []byte) text {
	if len(b) == 0 {
		return 0
	}
	h := maphash.Bytes(in.seed, b)
	sh := &in.shards[h&(shardCount-1)]
	if in.shared {
		sh.mu.Lock()
		defer sh.mu.Unlock()
	}
	if len(sh.table) > 0 {
		mask := uint64(len(sh.table) - 1)
		for i := h >> shardBits & mask; sh.table[i] != 0; i = (i + 1) & mask {
			if sh.tags[i] == tagOf(h) && sh.str(text(sh.table[i]-1)) == string(b) {
				return text(sh.table[i] - 1)
			}
		}
	}
	return in.add(sh, string(b), h)
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
	return sh.find(s, h)
}

// ask is lookup for one of several readers at once. What it does not find is
// known to keepAsked.
func (in *interner) ask(s string) (text, bool) {
	t, ok := in.lookup(s)
	if !ok {
		in.mu.Lock()
		in.asked = append(in.asked, s)
		in.mu.Unlock()
	}
	return t, ok
}

// keepAsked adds what was asked for in vain, and reports whether there was
// anything. Who asks again gets a text that a later record may have.
func (in *interner) keepAsked() bool {
	asked := in.asked
	in.asked = nil
	for _, s := range asked {
		in.of(s)
	}
	return len(asked) > 0
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

func tagOf(h uint64) uint8 { return uint8(h >> 56) }

func (sh *internShard) find(s string, h uint64) (text, bool) {
	if len(sh.table) == 0 {
		return 0, false
	}
	mask := uint64(len(sh.table) - 1)
	for i := h >> shardBits & mask; sh.table[i] != 0; i = (i + 1) & mask {
		if sh.tags[i] == tagOf(h) && sh.str(text(sh.table[i]-1)) == s {
			return text(sh.table[i] - 1), true
		}
	}
	return 0, false
}

func (in *interner) add(sh *internShard, s string, h uint64) text {
	if (sh.used+1)*4 > len(sh.table)*3 {
		in.grow(sh)
	}
	t := sh.append(s, text(h&(shardCount-1)))
	if len(sh.blocks) > maxBlocks/2 {
		in.full.Store(true)
	}
	sh.place(t, h)
	sh.used++
	return t
}

// append writes s to the last block, or to a new one.
func (sh *internShard) append(s string, shard text) text {
	var head [5]byte
	head[0] = byte(len(s))
	length := head[:1]
	if len(s) >= longText {
		head[0], length = longText, head[:]
		binary.LittleEndian.PutUint32(head[1:], uint32(len(s)))
	}
	need := len(length) + len(s)
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
	b.WriteString(s)
	for b.Len()%(1<<unitBits) != 0 && b.Len() < b.Cap() {
		b.WriteByte(0)
	}
	return text(at>>unitBits)<<shardBits | shard
}

// room is how large the next block is: small ones come first, since most
// States hold little.
func (sh *internShard) room() int { return min(blockSize, 256<<min(2*len(sh.blocks), 8)) }

func (sh *internShard) place(t text, h uint64) {
	mask := uint64(len(sh.table) - 1)
	i := h >> shardBits & mask
	for sh.table[i] != 0 {
		i = (i + 1) & mask
	}
	sh.table[i], sh.tags[i] = uint32(t)+1, tagOf(h)
}

func (in *interner) grow(sh *internShard) {
	old := sh.table
	n := max(32, 2*len(old))
	sh.table, sh.tags = make([]uint32, n), make([]uint8, n)
	for _, v := range old {
		if v != 0 {
			sh.place(text(v-1), maphash.String(in.seed, sh.str(text(v-1))))
		}
	}
}
