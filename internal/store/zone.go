package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Zone says about a stretch of the ledger what lets a search pass it by: which
// kinds of which sources are in it, when its evidence was collected, and the
// beginning of every line's digest. Zones cover the ledger without a hole.
type Zone struct {
	First, N  int64
	Low, High int64  // earliest and latest collected-at, microseconds; both 0 without evidence
	Pairs     []byte // numbers of source and kind, as unsigned varints, ascending, each pair once
	Sums      []byte // SumSize bytes for each line
}

// SumSize is how much of a digest a zone keeps.
const SumSize = 4

// Pair is a kind of a source, as numbers of their names.
type Pair struct{ Source, Kind int64 }

// EachPair calls fn for every pair until it returns false.
func (z *Zone) EachPair(fn func(Pair) bool) error {
	for b := z.Pairs; len(b) > 0; {
		source, n := binary.Uvarint(b)
		if n <= 0 {
			return fmt.Errorf("zone from entry %d: %w: pairs that cannot be read", z.First, ErrTampered)
		}
		kind, m := binary.Uvarint(b[n:])
		if m <= 0 {
			return fmt.Errorf("zone from entry %d: %w: pairs that cannot be read", z.First, ErrTampered)
		}
		if !fn(Pair{int64(source), int64(kind)}) {
			return nil
		}
		b = b[n+m:]
	}
	return nil
}

// Equal reports whether two zones say the same.
func (z *Zone) Equal(o *Zone) bool {
	return z.First == o.First && z.N == o.N && z.Low == o.Low && z.High == o.High &&
		bytes.Equal(z.Pairs, o.Pairs) && bytes.Equal(z.Sums, o.Sums)
}

// ZoneBuilder makes a zone line by line.
type ZoneBuilder struct {
	zone  Zone
	pairs []Pair
	seen  map[Pair]bool
}

// NewZone begins a zone at a position.
func NewZone(first int64) *ZoneBuilder {
	return &ZoneBuilder{zone: Zone{First: first}, seen: make(map[Pair]bool)}
}

// Line adds the next line by the beginning of its digest.
func (b *ZoneBuilder) Line(sum [SumSize]byte) {
	b.zone.N++
	b.zone.Sums = append(b.zone.Sums, sum[:]...)
}

// Evidence says that the line added last is evidence.
func (b *ZoneBuilder) Evidence(p Pair, collectedAt int64) {
	if len(b.pairs) == 0 {
		b.zone.Low, b.zone.High = collectedAt, collectedAt
	}
	b.zone.Low, b.zone.High = min(b.zone.Low, collectedAt), max(b.zone.High, collectedAt)
	if n := len(b.pairs); (n == 0 || b.pairs[n-1] != p) && !b.seen[p] {
		b.seen[p] = true
		b.pairs = append(b.pairs, p)
	}
}

// Zone gives what was built.
func (b *ZoneBuilder) Zone() Zone {
	slices.SortFunc(b.pairs, func(x, y Pair) int {
		if x.Source != y.Source {
			return int(x.Source - y.Source)
		}
		return int(x.Kind - y.Kind)
	})
	b.zone.Pairs = nil
	for _, p := range b.pairs {
		b.zone.Pairs = binary.AppendUvarint(b.zone.Pairs, uint64(p.Source))
		b.zone.Pairs = binary.AppendUvarint(b.zone.Pairs, uint64(p.Kind))
	}
	return b.zone
}

// LineSum is what a zone keeps of a line's digest. Verification hashes each line
// once more for it, beside the leaf hash: evidence is looked for by the digest of
// its line, which nothing else that is hashed proves, and a wrong sum would hide
// it from whoever looks.
func LineSum(line []byte) [SumSize]byte {
	d := evidence.Sum(line)
	return [SumSize]byte(d[:SumSize])
}
