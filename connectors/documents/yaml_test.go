package documents

import (
	"strings"
	"testing"
	"time"
)

// Small files that make some parsers work for minutes must be answered at once.
func TestYAMLThatExhausts(t *testing.T) {
	for name, s := range map[string]string{
		"flow lists":  strings.Repeat("[", 100_000),
		"block lists": strings.Repeat("- ", 100_000),
		"flow maps":   strings.Repeat("{a: ", 50_000),
		"complex":     strings.Repeat("? ", 50_000),
		"anchors":     strings.Repeat("&a ", 100_000),
		"laughs":      "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n",
		"open quote":  "a: \"" + strings.Repeat("x\n", 200_000),
	} {
		began := time.Now()
		if _, err := decodeYAML([]byte(s)); err == nil {
			t.Errorf("%s: no error", name)
		}
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("%s: took %v", name, d)
		}
	}
}
