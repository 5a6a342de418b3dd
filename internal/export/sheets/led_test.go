package sheets

import (
	"testing"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// A kind of which there are millions leaves room for links to others.
func TestLinksOfManyItems(t *testing.T) {
	b, _ := smallBook(t, nil)
	led := func(kind string, n int) (count int) {
		for i := range n {
			ev := evidence.Evidence{Kind: kind, Digest: evidence.Sum([]byte{byte(i), byte(i >> 8), byte(i >> 16), kind[0]})}
			first, again := b.leadsTo(&ev), b.leadsTo(&ev)
			if first != again {
				t.Fatalf("%s %d: %v, then %v", kind, i, first, again)
			}
			if first {
				count++
			}
		}
		return count
	}
	if n := led("github.pull_request", maxLed+10); n != maxLed {
		t.Errorf("%d changes are led to", n)
	}
	if n := led("risk.assessment", 7); n != 7 {
		t.Errorf("%d assessments of seven are led to", n)
	}
	if n := led(reviewKind, 7) + led("github.workflow_run", 7); n != 0 {
		t.Errorf("%d items are led to, though no row leads there", n)
	}
}
