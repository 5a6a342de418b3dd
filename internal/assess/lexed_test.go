package assess

import (
	"io/fs"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/catalog"
)

func TestMentions(t *testing.T) {
	for text, want := range map[string][3][]string{
		`has(x.f) && now > x.g.h`:               {{"now", "x"}, {"has"}, {"f", "g", "h"}},
		`"now " + a.b + ' systems.x' + "\"now"`: {{"a"}, nil, {"b"}},
		`r"\" + now`:                            {{"now"}, nil, nil},
		`list.map(y, y.z).size() > 0`:           {{"list", "y"}, {"map", "size"}, {"z"}},
		"systems\n  .exists(s, s.id == 'a')":    {{"s", "systems"}, {"exists"}, {"id"}},
		`systemsOfVendor( v.id ) + x . y`:       {{"v", "x"}, {"systemsOfVendor"}, {"id", "y"}},
		`b"now" == """now""" || f2 == 3d`:       {{"d", "f2"}, nil, nil},
	} {
		m := mentions(text)
		got := [3][]string{slices.Sorted(maps.Keys(m.roots)), slices.Sorted(maps.Keys(m.calls)), slices.Sorted(maps.Keys(m.fields))}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", text, diff)
		}
	}
}

// TestLaterIsTheSame: what is found without parsing the shipped conditions is
// what the type checker finds, and each type-checks when it is first needed.
func TestLaterIsTheSame(t *testing.T) {
	cat, err := catalog.Load(config.FS)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := fs.Sub(config.FS, "expectations")
	if err != nil {
		t.Fatal(err)
	}
	now, err := Compile(cat, Options{Rules: rules})
	if err != nil {
		t.Fatal(err)
	}
	later, err := Compile(cat, Options{Rules: rules, Trusted: true})
	if err != nil {
		t.Fatal(err)
	}
	if now.digest != later.digest {
		t.Error("the digests differ")
	}
	for i, r := range now.rules {
		for j, p := range r.plans {
			q := later.rules[i].plans[j]
			if p.usesNow != q.usesNow || p.whereNow != q.whereNow || p.usesSystems != q.usesSystems {
				t.Errorf("%s: the plans differ", r.Slug)
			}
			for k, a := range p.programs() {
				if b := q.programs()[k]; a != nil {
					compareMentions(t, r.Slug, p, a, b)
				}
			}
		}
		if diff := cmp.Diff(r.inForce(), later.rules[i].inForce()); diff != "" {
			t.Errorf("%s:\n%s", r.Slug, diff)
		}
	}
}

func compareMentions(t *testing.T, slug string, p *plan, a, b *program) {
	t.Helper()
	if a.usesNow != b.usesNow || a.usesView != b.usesView {
		t.Errorf("%s: %q: now %v and %v, register %v and %v", slug, a.text, a.usesNow, b.usesNow, a.usesView, b.usesView)
	}
	names := []string{"systems"}
	for _, j := range p.joins {
		names = append(names, j.name)
	}
	for _, name := range names {
		if a.vars[name] != b.vars[name] {
			t.Errorf("%s: %q: %s is seen %v and %v", slug, a.text, name, a.vars[name], b.vars[name])
		}
	}
	if err := b.prepare(); err != nil {
		t.Errorf("%s: %q: %v", slug, a.text, err)
	}
	if a.nesting != b.nesting || a.growth != b.growth {
		t.Errorf("%s: %q: cost differs", slug, a.text)
	}
}
