package gapreport

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/config"
)

// TestPhrases: each phrase is one that a shipped expectation says, or it
// decides about nothing.
func TestPhrases(t *testing.T) {
	names, err := fs.Glob(config.FS, "expectations/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	var all strings.Builder
	for _, name := range names {
		b, err := fs.ReadFile(config.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(strings.ToLower(string(b)))
	}
	for _, p := range append(approvalPhrases(), ownerPhrases()...) {
		if !strings.Contains(all.String(), p) {
			t.Errorf("no expectation says %q", p)
		}
		if p != strings.ToLower(p) {
			t.Errorf("%q is compared with small letters", p)
		}
	}
}
