package xlsx

import (
	"math"
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

// TestDigestsAreWhole: an id or a digest is shown to its end, in as many lines as
// it needs, but in sheets whose rows are one line; there a run's id fits.
func TestDigestsAreWhole(t *testing.T) {
	s := sample(t)
	f := open(t, workbook(t, s))
	seen := 0
	for _, l := range bookOf(t, s.Snapshot).Sheets() {
		if l.Page != nil {
			continue
		}
		rows, err := f.GetRows(l.Name)
		if err != nil {
			t.Fatal(err)
		}
		for r := range rows {
			for c, v := range rows[r] {
				cell := cellName(c, r+1)
				id, err := f.GetCellStyle(l.Name, cell)
				if err != nil {
					t.Fatal(err)
				}
				style, err := f.GetStyle(id)
				if err != nil {
					t.Fatal(err)
				}
				if v == "" || style.Font == nil || style.Font.Family != "Consolas" {
					continue
				}
				seen++
				fits := float64(len(v)) <= l.Columns[c].Width
				if l.Flat {
					if !fits && len(v) < 64 {
						t.Errorf("%s!%s: %q is cut off", l.Name, cell, v)
					}
					continue
				}
				high, err := f.GetRowHeight(l.Name, r+1)
				if need := lineHeight(int(math.Ceil(float64(len(v)) / l.Columns[c].Width))); err != nil || !fits && (!style.Alignment.WrapText || high < need) {
					t.Errorf("%s!%s: %q is cut off: wrapped %v, height %v, want %v; %v", l.Name, cell, v, style.Alignment.WrapText, high, need, err)
				}
			}
		}
	}
	if seen == 0 {
		t.Error("no id or digest was looked at")
	}
}
