package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
)

// TestTableFits: on a terminal of any width no line is longer than it, and no word of
// a cell is lost; what is not a terminal gets a row a line.
func TestTableFits(t *testing.T) {
	tb := table{head: []string{"FINDING", "STATUS", "WHY"}}
	tb.add("F-1", "pending_review", "nobody reviewed meridian-harbour/policy-assistant@e6492c6e698e236049e06b658daa148e00fa266d, which is in production")
	tb.add("F-2", "", "")
	tb.add("F-3", "証拠は評価されていません", "Cafe\u0301 Zu\u0308rich "+strings.Repeat("ｆｕｌｌ証拠", 9)+" e"+strings.Repeat("\u0301", 60))
	all := func(s string) string { return strings.Join(strings.Fields(s), "") }
	var wide bytes.Buffer
	tb.print(&wide)
	if n := strings.Count(wide.String(), "\n"); n != 4 {
		t.Errorf("%d lines:\n%s", n, &wide)
	}
	for columns := 16; columns < 200; columns++ {
		var out bytes.Buffer
		tb.printIn(&out, columns)
		for line := range strings.Lines(out.String()) {
			if shownColumns(strings.TrimSuffix(line, "\n")) > columns {
				t.Fatalf("%d columns: %q", columns, line)
			}
		}
		if columns > 60 && (!strings.Contains(out.String(), "pending_review") || strings.Count(out.String(), "F-") != 3) {
			t.Fatalf("%d columns:\n%s", columns, &out)
		}
		if got := all(out.String()); len(got) < len(all(wide.String()))-len("FINDINGSTATUSWHY") {
			t.Fatalf("%d columns: something is lost:\n%s", columns, &out)
		}
	}
}

// shownColumns counts columns as a terminal does, of the letters that the test uses.
func shownColumns(line string) int {
	n := 0
	for _, r := range line {
		switch {
		case unicode.Is(unicode.Mn, r):
		case unicode.In(r, unicode.Han, unicode.Hiragana) || r >= 0xff01 && r <= 0xff60:
			n += 2
		default:
			n++
		}
	}
	return n
}

// TestHostileCells: nothing in a cell steers the terminal or ends the line.
func TestHostileCells(t *testing.T) {
	tb := table{head: []string{"A", "B"}}
	tb.add("\x1b]0;t\x07", "a\u2028b\u2029c\u0085d\u009b31m\u202e\r\n")
	var out bytes.Buffer
	tb.printIn(&out, 40)
	if want := "A       B\n·]0;t·  a·b·c·d·31m···\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
