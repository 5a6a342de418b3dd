package xlsx

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/exhibit-aims/exhibit/internal/export/cell"
)

// harmless says what is wrong with a cell's text, if anything.
func harmless(s string) string {
	if !utf8.ValidString(s) {
		return "is not UTF-8"
	}
	first := true
	for _, r := range s {
		switch {
		case r < ' ' && r != '\n', r == 0x7f, cell.Hidden(r):
			return "shows a character that is not to be seen"
		case first && strings.ContainsRune("=+-@\uff1d\uff0b\uff0d\uff20\u2212", r):
			return "could be a formula"
		}
		if !unicode.IsSpace(r) {
			first = false
		}
	}
	return ""
}

func TestFit(t *testing.T) {
	units := func(s string) int { return len(utf16.Encode([]rune(s))) }
	for _, tt := range []struct {
		name, in string
		cut      bool
	}{
		{"short", "abc", false},
		{"just fits", strings.Repeat("x", maxCell), false},
		{"one too many", strings.Repeat("x", maxCell+1), true},
		{"many bytes, few characters", strings.Repeat("é", maxCell), false},
		{"surrogate pairs", strings.Repeat("😀", maxCell/2+1), true},
		{"surrogate pairs that fit", strings.Repeat("😀", maxCell/2), false},
	} {
		got := fit(tt.in, "evidence/x.json")
		if units(got) > maxCell || !utf8.ValidString(got) {
			t.Errorf("%s: %d units", tt.name, units(got))
		}
		if cut := got != tt.in; cut != tt.cut || cut && !strings.HasSuffix(got, "[cut; the whole is in evidence/x.json]") {
			t.Errorf("%s: cut %v, want %v", tt.name, cut, tt.cut)
		}
	}
}

func TestLinksEnd(t *testing.T) {
	var l links
	for i := range maxLinks {
		ok := i%2 == 0 && l.internal("A1", "x", "A1") || i%2 == 1 && l.external("A1", "https://h/")
		if !ok {
			t.Fatalf("link %d was refused", i)
		}
	}
	if l.internal("A1", "x", "A1") || l.external("A1", "https://h/") || l.room(1) {
		t.Error("a link too many was taken")
	}
}
