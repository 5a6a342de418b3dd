package people

import (
	"errors"
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
