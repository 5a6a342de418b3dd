package sqlstore

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestNeedle: a needle is in the texts that contain it, whatever sample it was
// made from.
func TestNeedle(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 7))
	random := func(most, letters int) []byte {
		out := make([]byte, r.IntN(most+1))
		for i := range out {
			out[i] = `"key:abc`[r.IntN(letters)]
		}
		return out
	}
	found := 0
	for range 20_000 {
		letters := 1 + r.IntN(8)
		text := random(5, letters)
		in, sample := random(200, letters), random(40, 8)
		if len(text) == 0 {
			continue
		}
		n := newNeedle(text, sample)
		want := bytes.Contains(in, text)
		if got := n.in(in); got != want {
			t.Fatalf("%q in %q: %v, by the byte at %d", text, in, got, n.rare)
		}
		if want {
			found++
		}
	}
	if found < 1000 {
		t.Errorf("%d found: too few to show anything", found)
	}
}
