package people

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestFileNames: what is refused, why, and what it is saved as if it came into the
// ledger by another way.
func TestFileNames(t *testing.T) {
	for _, c := range []struct{ name, why, saved string }{
		{"report.pdf", "", "report.pdf"},
		{"Gutachten März 2026 (2).pdf", "", "Gutachten März 2026 (2).pdf"},
		{".env", "", ".env"},
		{"console.txt", "", "console.txt"},
		{"com.txt", "", "com.txt"},
		{"com10.txt", "", "com10.txt"},
		{"a.nul", "", "a.nul"},
		{"NUL", "device", "_NUL"},
		{"con.txt", "device", "_con.txt"},
		{"Aux .tar.gz", "device", "_Aux .tar.gz"},
		{"lpt9.csv", "device", "_lpt9.csv"},
		{"COM¹", "device", "_COM¹"},
		{"CONIN$", "device", "_CONIN$"},
		{"report.pdf.", "ends with", "report.pdf"},
		{"report.pdf ", "ends with", "report.pdf"},
		{"con. .", "ends with", "_con"},
		{"in\u200bvoice.pdf", "character 3 (U+200B)", "in_voice.pdf"},
		{"invoice\u202efdp.exe", "character 8 (U+202E)", "invoice_fdp.exe"},
		{"\ufeffa", "character 1 (U+FEFF)", "_a"},
		{"a\u3164", "character 2 (U+3164)", "a_"},
		// What is written with it, and what only looks like something else.
		{"گزارش\u200cها.pdf", "", "گزارش\u200cها.pdf"},
		{"क्\u200dष.pdf", "", "क्\u200dष.pdf"},
		{"\U0001f469\U0001f3fd\u200d\U0001f4bb plan.md", "", "\U0001f469\U0001f3fd\u200d\U0001f4bb plan.md"},
		{"\u2764\ufe0f\u200d\U0001f525.png", "", "\u2764\ufe0f\u200d\U0001f525.png"},
		{"1\ufe0f\u20e3.txt", "", "1\ufe0f\u20e3.txt"},
		{"葛\U000e0100.txt", "", "葛\U000e0100.txt"},
		{"Ru\u0308ckmeldung.pdf", "", "Ru\u0308ckmeldung.pdf"},
		{"in\u200dvoice.pdf", "character 3 (U+200D)", "in_voice.pdf"},
		{"invoice\ufe0f.pdf", "character 8 (U+FE0F)", "invoice_.pdf"},
		{"\u2764\ufe0f\ufe0f", "character 3 (U+FE0F)", "\u2764\ufe0f_"},
		{"invoice\U000e0100.pdf", "character 8 (U+E0100)", "invoice_.pdf"},
		{"گزارش\u200c.pdf", "character 6 (U+200C)", "گزارش_.pdf"},
		{"گزارش\u200c\u200cها", "character 6 (U+200C)", "گزارش__ها"},
		{strings.Repeat("گ\u200c", 60) + "گ", "no name of a file", strings.Repeat("گ\u200c", 50) + "گ"},
		{"../exhibit.key", "no name of a file", ".._exhibit.key"},
		{`..\exhibit.key`, "no name of a file", ".._exhibit.key"},
		{"report.pdf:hidden", "no name of a file", "report.pdf_hidden"},
		{"what?.pdf", "no name of a file", "what_.pdf"},
		{"a\nb", "no name of a file", "a_b"},
		{"a\xffb", "no name of a file", "a_b"},
		{"", "no name of a file", "_"},
		{"..", "no name of a file", "_"},
		{" ", "no name of a file", "_"},
		{strings.Repeat("ü", 200), "no name of a file", strings.Repeat("ü", 127)},
	} {
		_, _, err := File(c.name, "", []byte("x"))
		var refused *Refusal
		switch {
		case c.why == "" && err != nil:
			t.Errorf("%q: %v", c.name, err)
		case c.why != "" && (err == nil || !strings.Contains(err.Error(), c.why) || !errors.As(err, &refused) || refused.Hint() == ""):
			t.Errorf("%q: %v, want %q and what to do", c.name, err, c.why)
		}
		if got := SaveName(c.name); got != c.saved || checkName(got) != nil {
			t.Errorf("%q is saved as %q (%v), want %q", c.name, got, checkName(got), c.saved)
		}
	}
}

// TestSaveName: whatever is on record can be saved, under a name that is not changed
// again.
func TestSaveName(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 11))
	pieces := []string{"a", "1", ".", " ", "/", ":", "\xff", "\n", "con", "\u200c", "\u200d", "\u200d", "\ufe0f", "\u20e3", "\u202e", "\U000e0100",
		"ه", "گ", "\u064b", "क", "\u094d", "葛", "\u2764", "\U0001f469", "\U0001f3fd", "\u0308"}
	kept := 0
	for range 20_000 {
		var b strings.Builder
		for range r.IntN(12) {
			b.WriteString(strings.Repeat(pieces[r.IntN(len(pieces))], 1+r.IntN(2)*r.IntN(2)*r.IntN(60)))
		}
		name := b.String()
		saved := SaveName(name)
		if err := checkName(saved); err != nil || SaveName(saved) != saved {
			t.Fatalf("%q is saved as %q: %v", name, saved, err)
		}
		if saved == name {
			kept++
		}
	}
	if kept < 100 {
		t.Errorf("%d names fit: too few to show anything", kept)
	}
}
