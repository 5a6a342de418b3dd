package yamlfile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// pair decodes itself from "a=b" or from {left: a, right: b}.
type pair struct{ left, right string }

func (p *pair) UnmarshalNode(n yamlfile.Node) {
	if s, ok := n.Text(); ok {
		var found bool
		if p.left, p.right, found = strings.Cut(s, "="); !found {
			n.Problemf("no = in it")
		}
		return
	}
	var y struct {
		Left  string `yaml:"left,required"`
		Right string `yaml:"right"`
	}
	n.Decode(&y)
	p.left, p.right = y.Left, y.Right
}

func TestUnmarshaler(t *testing.T) {
	f, err := yamlfile.Parse("x.yaml", []byte("pairs: [a=b, {left: c, right: d}, {right: e}, f]\nmore: {one: 1=2}\n"))
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Pairs []pair           `yaml:"pairs"`
		More  map[string]*pair `yaml:"more"`
	}
	f.Decode(&v)
	want := []pair{{"a", "b"}, {"c", "d"}, {"", "e"}, {"f", ""}}
	if d := cmp.Diff(want, v.Pairs, cmp.AllowUnexported(pair{})); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(&pair{"1", "2"}, v.More["one"], cmp.AllowUnexported(pair{})); d != "" {
		t.Error(d)
	}
	err = f.Err()
	for _, want := range []string{"x.yaml:1:35: pairs[2]: left is missing", "x.yaml:1:47: pairs[3]: no = in it"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
	for path, want := range map[string]bool{"pairs[3]": true, "pairs[1]": false} {
		at := yamlfile.At("pairs", int(path[6]-'0'))
		if f.Faulty(at) != want {
			t.Errorf("Faulty(%s) is not %v", path, want)
		}
	}
}

func TestNode(t *testing.T) {
	f, err := yamlfile.Parse("x.yaml", []byte("b: 1\na: [x, 0x10, {}]\nb: 2\nA.6.2: ~\n"))
	if err != nil {
		t.Fatal(err)
	}
	root := f.Root()
	if d := cmp.Diff([]string{"b", "a", "A.6.2"}, root.Keys()); d != "" {
		t.Error(d)
	}
	list := root.Child("a")
	number, _ := list.Child(1).Text()
	_, isText := list.Child(2).Text()
	got := fmt.Sprintln(root.Shape(), root.Len(), list.Shape(), list.Len(), number, isText, list.Child(2).Shape(), list.Child(9).Shape(),
		root.Child("A.6.2").Shape(), list.Child(9).Path(), root.Child("A.6.2").Path())
	const want = `a mapping 4 a list 3 0x10 false a mapping nothing nothing a[9] ["A.6.2"]` + "\n"
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Lines that may hold a secret are in no excerpt; their neighbours are.
func TestRedact(t *testing.T) {
	src := "a: secret0\nb:\n  c: |\n    secret1\n    secret2\n  d: [\"secret3\n    secret4\", x]\ne: open\n"
	f, err := yamlfile.Parse("x.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	f.Redact(yamlfile.At("a"))
	f.Redact(yamlfile.At("b"))
	f.Redact(yamlfile.At("none"))
	for line := 1; line <= 8; line++ {
		f.ProblemWithin(yamlfile.At("b", "c"), line, 0, "m")
	}
	f.Problemf(yamlfile.At("a"), "m")
	f.Problemf(yamlfile.At("b", "d", 0), "m")
	f.KeyProblemf(yamlfile.At("b"), "m")
	f.Problemf(yamlfile.At("e"), "m")
	text := f.Err().Error()
	if strings.Contains(text, "secret") || !strings.Contains(text, "e: open") {
		t.Errorf("got\n%s", text)
	}
}
