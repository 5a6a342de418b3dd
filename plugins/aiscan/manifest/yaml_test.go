package manifest

import (
	"strings"
	"testing"
)

// sameYAML holds the quick reader against the full one on whatever both accept.
func sameYAML(t *testing.T, text string) bool {
	t.Helper()
	quick, ok := plainYAML([]byte(text))
	if !ok {
		return false
	}
	f := &file{format: "yaml"}
	docs, sound := f.yamlTrees([]byte(text))
	if !sound || len(docs) != 1 {
		t.Fatalf("the quick reader accepts what the full one refuses\n%s", text)
	}
	if got, want := quick.String(), docs[0].String(); got != want {
		t.Fatalf("quick: %s\n full: %s\n%s", got, want, text)
	}
	return true
}

var yamlTexts = []string{
	"a: 1\nb: 'x'\nc: \"y\"\nd:\ne: ~\nf: true\ng: 1.5\nh: 2024-01-01\ni: ^1.0\nj: 4.47.1\n",
	"---\na:\n  b:\n    c: d\n  e: f\n",
	"a:\n- x\n- y: 1\n  z: 2\n- 'q'\nb: c\n",
	"a:\n  - x\n  - y: 1\n    z:\n      w: 2\n",
	"- a: b\n  c: d\n- e: f\n",
	"a: {b: c, 'd/e': [f, 'g', 1], h: {}}\ni: []\n",
	"# remark\na: b\n\n  # another\nc: d\n",
	"'@a/b@1.0.0(c@2.0.0)':\n  resolution: {integrity: sha512-abc==}\n",
	"a: http://x/y\nb: x#y\nc: -1\nd: yes\ne: on\nf: no\ng: 0x10\nh: 1e3\n",
	"a: '>=14'\nb: \">1\"\nc: npm:x@1\n",
}

func TestPlainYAMLAgreesWithTheFullReader(t *testing.T) {
	for _, text := range yamlTexts {
		if !sameYAML(t, text) {
			t.Errorf("given up: %q", text)
		}
	}
	taken := 0
	for _, s := range samples(t) {
		if strings.HasSuffix(s.path, ".yaml") || strings.HasSuffix(s.path, ".yml") || strings.HasSuffix(s.path, ".lock") {
			if sameYAML(t, string(s.data)) {
				taken++
			}
		}
	}
	if taken < 5 {
		t.Errorf("only %d samples are plain", taken)
	}
	sameYAML(t, big["pnpm-lock.yaml"](50))
}

// TestPlainYAMLGivesUp wants no guess at what is not plain.
func TestPlainYAMLGivesUp(t *testing.T) {
	for _, text := range []string{"", "a: &x 1\nb: *x\n", "a: |\n  x\n", "a: b\n  c\n", "a: [b,\n  c]\n", "? a\n: b\n", "a: b # remark\n",
		"<<: {a: b}\n", "a: b\n---\nc: d\n", "a: 'it''s'\n", "a: \"\\n\"\n", "a: \u00e9\n", "- - a\n", "a\n", "a: b: c\n", "a: !!str 1\n", "-\n  a: b\n"} {
		if _, ok := plainYAML([]byte(text)); ok {
			sameYAML(t, text)
			t.Logf("taken: %q", text)
		}
	}
}

func FuzzPlainYAML(f *testing.F) {
	for _, text := range yamlTexts {
		f.Add(text)
	}
	for _, s := range samples(f) {
		if strings.HasSuffix(s.path, ".yaml") || strings.HasSuffix(s.path, ".yml") {
			f.Add(string(s.data))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) < 1<<14 {
			sameYAML(t, text)
		}
	})
}
