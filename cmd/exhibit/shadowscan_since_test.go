package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/aiscan"
)

// shown is a report of one provider: each place as scope, path and excerpt.
func shown(list ...[3]string) aiscan.Report {
	bySc := map[string]*aiscan.Sighting{}
	var order []string
	for i, p := range list {
		f := bySc[p[0]]
		if f == nil {
			f = &aiscan.Sighting{Provider: "openai", Scope: aiscan.Scope(p[0])}
			bySc[p[0]] = f
			order = append(order, p[0])
		}
		f.Signals = append(f.Signals, aiscan.Signal{Path: p[1], Line: i + 1, Signature: "openai/packages", Excerpt: p[2], Version: strings.TrimPrefix(p[2][1:], " ")})
		f.Count++
	}
	r := aiscan.Report{}
	for _, scope := range order {
		r.Sightings = append(r.Sightings, *bySc[scope])
	}
	return r
}

func TestOnlyNew(t *testing.T) {
	product, test := string(aiscan.Product), string(aiscan.Supporting)
	for name, c := range map[string]struct {
		before, now aiscan.Report
		want        string
	}{
		"nothing before":       {shown(), shown([3]string{product, "a", "x"}), "product a x\n"},
		"the same":             {shown([3]string{product, "a", "x"}), shown([3]string{product, "a", "x"}), ""},
		"lines moved":          {shown([3]string{product, "a", "x"}), shown([3]string{test, "t", "y"}, [3]string{product, "a", "x"}), "supporting t y\n"},
		"renamed":              {shown([3]string{product, "a", "x"}), shown([3]string{product, "b", "x"}), ""},
		"renamed, and more":    {shown([3]string{product, "a", "x"}), shown([3]string{product, "b", "x"}, [3]string{product, "c", "x"}), "product c x\n"},
		"another version":      {shown([3]string{product, "a", "x 1"}), shown([3]string{product, "a", "x 2"}), ""},
		"copied":               {shown([3]string{product, "a", "x"}), shown([3]string{product, "a", "x"}, [3]string{product, "b", "x"}), "product b x\n"},
		"into the product":     {shown([3]string{test, "package.json", "x"}), shown([3]string{product, "package.json", "x"}), "product package.json x\n"},
		"from tests to source": {shown([3]string{test, "tests/a", "x"}), shown([3]string{product, "src/a", "x"}), "product src/a x\n"},
		"taken away":           {shown([3]string{product, "a", "x"}, [3]string{product, "b", "x"}), shown([3]string{product, "b", "x"}), ""},
	} {
		got := ""
		for _, f := range onlyNew(c.now, c.before).Sightings {
			if f.Count != len(f.Signals) {
				t.Errorf("%s: counts %d of %d", name, f.Count, len(f.Signals))
			}
			for _, sig := range f.Signals {
				got += fmt.Sprintln(f.Scope, sig.Path, sig.Excerpt)
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
