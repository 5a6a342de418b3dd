package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestTableFits: on a terminal of any width no line is longer than it, and no word of
// a cell is lost; what is not a terminal gets a row a line.
func TestTableFits(t *testing.T) {
	tb := table{head: []string{"FINDING", "STATUS", "WHY"}}
	tb.add("F-1", "pending_review", "nobody reviewed meridian-harbour/policy-assistant@e6492c6e698e236049e06b658daa148e00fa266d, which is in production")
	tb.add("F-2", "", "")
	all := func(s string) string { return strings.Join(strings.Fields(s), "") }
	var wide bytes.Buffer
	tb.print(&wide)
	if n := strings.Count(wide.String(), "\n"); n != 3 {
		t.Errorf("%d lines:\n%s", n, &wide)
	}
	for columns := 16; columns < 200; columns++ {
		var out bytes.Buffer
		tb.printIn(&out, columns)
		for line := range strings.Lines(out.String()) {
			if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > columns {
				t.Fatalf("%d columns: %q", columns, line)
			}
		}
		if columns > 60 && (!strings.Contains(out.String(), "pending_review") || strings.Count(out.String(), "F-") != 2) {
			t.Fatalf("%d columns:\n%s", columns, &out)
		}
		if got := all(out.String()); len(got) < len(all(wide.String()))-len("FINDINGSTATUSWHY") {
			t.Fatalf("%d columns: something is lost:\n%s", columns, &out)
		}
	}
}
