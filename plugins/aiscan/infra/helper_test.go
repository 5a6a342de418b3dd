package infra

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// fileCase is a file with the facts that it must give, one a line: line, class,
// name, then what else is set.
type fileCase struct {
	name string
	path string
	text string
	want string
}

// check reads every file with the reader that For gives it and compares all
// facts, in their order.
func check(t *testing.T, cases []fileCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			text := strings.TrimPrefix(c.text, "\n")
			r := For(c.path, []byte(text[:min(len(text), 4096)]))
			if r == nil {
				t.Fatalf("%s has no reader", c.path)
			}
			facts, err := r.Read(c.path, []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want(c.want), rendered(facts)); d != "" {
				t.Errorf("%s (%s): -want +got\n%s", c.path, r.Name(), d)
			}
		})
	}
}

// want takes a list of facts as it stands in a test apart.
func want(s string) []string {
	var all []string
	for _, l := range strings.Split(s, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			all = append(all, l)
		}
	}
	return all
}

func rendered(facts []fact.Fact) []string {
	var all []string
	for _, f := range facts {
		all = append(all, render(f))
	}
	return all
}

// render writes a fact as tests state it.
func render(f fact.Fact) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s %s", f.Line, f.Class, strings.ReplaceAll(f.Name, "\n", `\n`))
	if f.Version != "" {
		b.WriteString(" @" + f.Version)
	}
	if f.Group != "" {
		b.WriteString(" [" + f.Group + "]")
	}
	if f.Standing != fact.Direct {
		b.WriteString(" " + string(f.Standing))
	}
	for _, k := range slices.Sorted(maps.Keys(f.Attrs)) {
		b.WriteString(" " + k + "=" + f.Attrs[k])
	}
	return b.String()
}
