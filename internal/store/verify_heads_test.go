package store

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"
)

// TestHeads holds the table against a map, through several growths.
func TestHeads(t *testing.T) {
	h, want := newHeads(0), map[headKey]headState{}
	for i := range 20_000 {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i%7_000)))
		key := headKey(sum[:])
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
