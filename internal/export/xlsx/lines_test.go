package xlsx

import (
	"strings"
	"testing"
)

// TestLines: a row is high enough for words that begin a line each, as ids and
// digests do, and no higher for what fits.
func TestLines(t *testing.T) {
	id := strings.Repeat("0", 32)
	for _, c := range []struct {
		text  string
		width float64
		want  int
	}{
		{"", 10, 1},
		{"two words", 10, 1},
		{"two words and more", 10, 2},
		{"one\ntwo\n", 10, 3},
		{strings.Repeat("ü", 11), 10, 1},
		{strings.Repeat("x", 23), 10, 3},
		{"runs " + id + ", " + id + ", " + id + " looked", 36, 3},
		{"pushed to main without a pull request: nobody else agreed to it; runs " + strings.Repeat(id+", ", 4) + id + " looked", 36, 7},
		{"soa-exclusion-not-contradicted", 20, 2},
		{"a " + strings.Repeat("y", 40) + " b", 17, 4},
	} {
		if got := lines(c.text, c.width); got != c.want {
			t.Errorf("%q in a column of %v: %d lines, want %d", c.text, c.width, got, c.want)
		}
	}
}

func BenchmarkLines(b *testing.B) {
	text := strings.Repeat("approved by somebody other than whoever wrote it; ", 5)
	for b.Loop() {
		lines(text, 36)
	}
}
