package manifest

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
)

// flat is a tree as lines of path = value, so that trees of two readers can be compared.
func flat(prefix string, v any, out *[]string) {
	switch x := v.(type) {
	case map[string]any:
		for k, kid := range x {
			flat(prefix+"/"+k, kid, out)
		}
	case []any:
		for i, kid := range x {
			flat(fmt.Sprintf("%s[%d]", prefix, i), kid, out)
		}
	case []map[string]any:
		for i, kid := range x {
			flat(fmt.Sprintf("%s[%d]", prefix, i), kid, out)
		}
	case string:
		*out = append(*out, prefix+" = "+x)
	default:
		*out = append(*out, prefix+" is scalar") // numbers and times are not compared by their spelling
	}
}

func flatNode(prefix string, n *node, out *[]string) {
	switch n.kind {
	case table:
		for i, k := range n.keys {
			flatNode(prefix+"/"+k, n.kids[i], out)
		}
	case list:
		for i, kid := range n.kids {
			flatNode(fmt.Sprintf("%s[%d]", prefix, i), kid, out)
		}
	case str:
		*out = append(*out, prefix+" = "+n.text)
	default:
		*out = append(*out, prefix+" is scalar")
	}
}

// agree holds the reader of TOML against the usual one on text that the latter accepts.
func agree(t *testing.T, text string) {
	t.Helper()
	var theirs map[string]any
	if _, err := toml.Decode(text, &theirs); err != nil {
		return
	}
	f := &file{format: "toml", text: []byte(text)}
	root, _ := f.toml()
	if f.err != nil {
		t.Fatalf("%v: refused, but the other reader accepts\n%s", f.err, text)
	}
	var want, got []string
	flat("", theirs, &want)
	flatNode("", root, &got)
	sort.Strings(want)
	sort.Strings(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("(-other +own):\n%s\n%s", diff, text)
	}
}

var tomlTexts = []string{
	"a = 1\nb = 'x'\nc = \"\\u00e9\\n\\\"\"\n",
	"a.b.c = 1\na.d = [1, 2, [3, 'x']]\n",
	"[t]\nx = {a = 1, b = {c = 'd'}, \"e.f\" = true}\n",
	"[[l]]\na = 1\n[l.sub]\nb = 2\n[[l]]\na = 3\n[[l.deep]]\nc = 4\n",
	"m = \"\"\"\nline one\nline \\\n   two \"\" three\"\"\"\nr = '''\nraw \\ '' text'''\n",
	"d = 1979-05-27T07:32:00Z\nt = 07:32:00\nf = 1e10\nh = 0xFF\ni = -inf\nn = nan\n",
	"a = [ # comment\n  'x', # another\n  # only a comment\n  'y'\n]\n",
	"\"quoted key\" = 1\n'lit.eral' = 2\nq.\"w.x\" = 3\n",
	"# nothing\n",
	"[a.b]\nx = 1\n[a]\ny = 2\n[a.c]\nz = 3\n",
	"s = \"\"\"a\"\"\"\"\"\n",
	"s = ''''''\nt = \"\"\n",
}

func TestTOMLAgreesWithTheUsualReader(t *testing.T) {
	for _, text := range tomlTexts {
		var any map[string]any
		if _, err := toml.Decode(text, &any); err != nil {
			t.Errorf("the other reader refuses %q: %v", text, err)
		}
		agree(t, text)
	}
	for _, s := range samples(t) {
		if strings.HasSuffix(s.path, ".toml") || strings.HasSuffix(strings.ToLower(s.path), ".lock") || s.path == "Pipfile" {
			agree(t, string(s.data))
		}
	}
}

// TestTOMLLines holds the line of each value of a file against where it is written.
func TestTOMLLines(t *testing.T) {
	text := "a1 = 'x'\n\n[t]\nb4 = [\n  'c5',\n\n  {d7 = 'x'},\n]\ne9 = \"\"\"\n\n\"\"\"\nf12 = {g12 = 1,\n h13 = 2}\n[[l14]]\n"
	f := &file{format: "toml", text: []byte(text)}
	root, _ := f.toml()
	for _, tt := range []struct {
		n    *node
		line int
	}{{root.get("a1"), 1}, {root.get("t", "b4"), 4}, {root.get("t", "b4").items()[0], 5}, {root.get("t", "b4").items()[1].get("d7"), 7},
		{root.get("t", "e9"), 9}, {root.get("t", "f12"), 12}, {root.get("t", "f12", "h13"), 13}, {root.get("l14").items()[0], 14}} {
		if tt.n.line != tt.line {
			t.Errorf("line %d, want %d", tt.n.line, tt.line)
		}
	}
	if f.err != nil {
		t.Error(f.err)
	}
}

func FuzzTOML(f *testing.F) {
	for _, text := range tomlTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsAny(text, "\r\x00") || len(text) > 1<<16 {
			return // the reader is given text without them
		}
		agree(t, text)
	})
}
