package assess

import (
	"hash/maphash"
	"strings"
	"sync"
)

// text is an interned string. The zero text is the empty string.
type text uint32

// interner keeps each distinct string once, in large blocks without pointers,
// so that millions of them cost the garbage collector nothing.
type interner struct {
	seed   maphash.Seed
	blocks []*strings.Builder // each filled up to its capacity, never grown
	ends   chunks[uint64]     // by text: block<<32 | offset of the end in its block
	table  []uint32           // open addressing: text+1, 0 for a free place
	used   int

	mu    sync.Mutex
	asked []string // what ask did not find
}

const internBlock = 1 << 20

func newInterner() *interner {
	in := &interner{seed: maphash.MakeSeed(), table: make([]uint32, 1<<10)}
	in.add("")
	return in
}

// of returns the text for s, keeping a copy of s if it is new.
func (in *interner) of(s string) text {
	if s == "" {
		return 0
	}
	if t, ok := in.lookup(s); ok {
		return t
	}
	return in.add(s)
}

// ofBytes is of without a conversion when the string is known already.
func (in *interner) ofBytes(b []byte) text {
	if len(b) == 0 {
		return 0
	}
	mask := uint64(len(in.table) - 1)
	for i := maphash.Bytes(in.seed, b) & mask; ; i = (i + 1) & mask {
		v := in.table[i]
		if v == 0 {
			return in.add(string(b))
		}
		if in.str(text(v-1)) == string(b) {
			return text(v - 1)
		}
	}
}

// lookup finds s without adding it.
func (in *interner) lookup(s string) (text, bool) {
	mask := uint64(len(in.table) - 1)
	for i := maphash.String(in.seed, s) & mask; ; i = (i + 1) & mask {
		v := in.table[i]
		if v == 0 {
			return 0, false
		}
		if in.str(text(v-1)) == s {
			return text(v - 1), true
		}
	}
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
func (in *interner) str(t text) string {
	end := *in.ends.at(int(t))
	start := uint64(0)
	if t > 0 {
		if before := *in.ends.at(int(t - 1)); before>>32 == end>>32 {
			start = before & 0xffffffff
		}
	}
	return in.blocks[end>>32].String()[start : end&0xffffffff]
}

func (in *interner) add(s string) text {
	if (in.used+1)*3 > len(in.table)*2 {
		in.grow()
	}
	last := len(in.blocks) - 1
	if last < 0 || in.blocks[last].Len()+len(s) > in.blocks[last].Cap() {
		in.blocks = append(in.blocks, &strings.Builder{})
		last++
		in.blocks[last].Grow(max(internBlock, len(s)))
	}
	in.blocks[last].WriteString(s)
	t := text(in.ends.add(uint64(last)<<32 | uint64(in.blocks[last].Len())))
	in.place(t, s)
	in.used++
	return t
}

func (in *interner) place(t text, s string) {
	mask := uint64(len(in.table) - 1)
	i := maphash.String(in.seed, s) & mask
	for in.table[i] != 0 {
		i = (i + 1) & mask
	}
	in.table[i] = uint32(t) + 1
}

func (in *interner) grow() {
	in.table = make([]uint32, 2*len(in.table))
	for t := range in.ends.n {
		in.place(text(t), in.str(text(t)))
	}
}
