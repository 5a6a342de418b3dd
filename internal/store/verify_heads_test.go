package store

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"
)

// TestHeads holds the table against a map, through several growths.
func TestHeads(t *testing.T) {
	testHeads(t, func(i int) headKey {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i%7_000)))
		return headKey(sum[:])
	})
}

// TestHeadsAlike does so for keys that belong in one place, and those whose slots
// hold the same of them.
func TestHeadsAlike(t *testing.T) {
	for _, at := range []int{0, 5, 8, 14} { // where the two bytes are in which keys differ
		testHeads(t, func(i int) (key headKey) {
			binary.BigEndian.PutUint16(key[at:], uint16(i%1_500))
			return key
		})
	}
}

func testHeads(t *testing.T, keyOf func(i int) headKey) {
	t.Helper()
	h, want := newHeads(0), map[headKey]headState{}
	for i := range 20_000 {
		key := keyOf(i)
		got := h.at(key)
		if *got != want[key] {
			t.Fatalf("step %d: %+v, want %+v", i, *got, want[key])
		}
		if i%3 == 1 && got.revision == 0 {
			continue // looked up, and not met after all
		}
		*got = headState{seq: int64(i), revision: got.revision + 1, gone: i%5 == 0}
		want[key] = *got
	}
	n := 0
	for s := range h.all() {
		n++
		if s.revision == 0 {
			t.Error("a key that was never met is among all")
		}
	}
	if n != len(want) {
		t.Errorf("%d keys, want %d", n, len(want))
	}
}
