package corpus

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan"
	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// Found is what a scanner says of one product in one scope. Scanners that know
// no scopes, confidences or places leave them empty.
type Found struct {
	Provider   string
	Scope      aiscan.Scope
	Confidence string
	Signals    []aiscan.Signal
}

// FoundIn takes what counts for the score from a report.
func FoundIn(rep aiscan.Report) []Found {
	out := make([]Found, 0, len(rep.Sightings))
	for _, s := range rep.Sightings {
		out = append(out, Found{s.Provider, s.Scope, string(s.Confidence), s.Signals})
	}
	return out
}

// Count is how many were right, wrong and missed.
type Count struct{ Right, Wrong, Missed int }

// Add adds another count.
func (c *Count) Add(o Count) {
	c.Right += o.Right
	c.Wrong += o.Wrong
	c.Missed += o.Missed
}

// Precision is the share of what was reported that is right; 1 if nothing was.
func (c Count) Precision() float64 { return share(c.Right, c.Wrong) }

// Recall is the share of what is there that was reported; 1 if nothing is.
func (c Count) Recall() float64 { return share(c.Right, c.Missed) }

func share(a, b int) float64 {
	if a+b == 0 {
		return 1
	}
	return float64(a) / float64(a+b)
}

// ByClass is how one class of signals did: of the signals that were reported,
// how many belong to something that is used; of the labelled lines, how many
// are among them.
type ByClass struct{ Signals, Lines Count }

// Error is one thing that report and labels do not agree on.
type Error struct {
	Repo, Where, Want, Got string
}

func (e Error) String() string {
	return fmt.Sprintf("%s: %s: want %s, got %s", e.Repo, e.Where, e.Want, e.Got)
}

// Outcome is what a scanner got right in one repository.
type Outcome struct {
	Repo    *Repo
	Pairs   Count // use, at (repository, provider)
	Aside   Count // use by tests, documentation and copies of others' code
	Scopes  Count // at (repository, provider, scope), of products that were found rightly
	Classes map[fact.Class]ByClass
	Flagged bool // a clean repository with a sighting that is not supporting
	Errors  []Error
}

// Score holds what was found in a repository against its labels.
func Score(r *Repo, found []Found) Outcome {
	o := Outcome{Repo: r, Classes: map[fact.Class]ByClass{}}
	by := map[string][]Found{}
	for _, f := range found {
		by[f.Provider] = append(by[f.Provider], f)
	}
	right := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(by)) {
		o.judge(name, by[name], right)
	}
	o.missed(by, right)
	o.scopes(by, right)
	for _, u := range slices.Concat(r.Labels.Use, r.Labels.Aside) {
		o.places(u, by)
	}
	return o
}

// judge says whether a product that was reported is one that is used.
func (o *Outcome) judge(name string, fs []Found, right map[string]bool) {
	used := slices.DeleteFunc(slices.Clone(fs), func(f Found) bool { return f.Scope == aiscan.Supporting })
	if len(used) == 0 {
		if n := o.Repo.not(name); n != nil && n.Aside {
			o.Pairs.Wrong++
			o.fail(where(fs), "nothing, "+n.Reason, name+" supporting")
		}
		return
	}
	ok, counted := o.Repo.allows(name, used)
	switch {
	case ok && counted:
		right[name] = true
	case !ok:
		o.Pairs.Wrong++
		o.Flagged = o.Flagged || o.Repo.Labels.Kind == "clean"
		reason := "no " + name
		if n := o.Repo.not(name); n != nil {
			reason += ", " + n.Reason
		}
		o.fail(where(used), reason, name+" "+string(used[0].Scope)+" "+used[0].Confidence)
	}
	for _, f := range used {
		for _, s := range f.Signals {
			c := o.Classes[s.Class]
			if ok {
				c.Signals.Right++
			} else {
				c.Signals.Wrong++
			}
			o.Classes[s.Class] = c
		}
	}
}

// allows reports whether a product may be reported as used, and whether it counts.
func (r *Repo) allows(name string, used []Found) (ok, counted bool) {
	fits := func(want string) bool {
		return want == "" || !slices.ContainsFunc(used, func(f Found) bool { return f.Confidence != "" && f.Confidence != want })
	}
	for _, u := range r.Labels.Use {
		if slices.Contains(u.Providers, name) {
			return fits(u.Confidence), true
		}
	}
	for _, m := range r.Labels.May {
		if m.Provider == name {
			return fits(m.Confidence), false
		}
	}
	return false, false
}

func (r *Repo) not(name string) *Not {
	for i, n := range r.Labels.Not {
		if n.Provider == name {
			return &r.Labels.Not[i]
		}
	}
	return nil
}

// missed counts what is used: each product once, whatever its scopes.
func (o *Outcome) missed(by map[string][]Found, right map[string]bool) {
	seen := map[string]bool{}
	for _, u := range o.Repo.Labels.Use {
		key := strings.Join(u.Providers, "|")
		if seen[key] {
			continue
		}
		seen[key] = true
		if slices.ContainsFunc(u.Providers, func(p string) bool { return right[p] }) {
			o.Pairs.Right++
			continue
		}
		o.Pairs.Missed++
		o.fail(place(u), key+" "+string(u.Scopes[0]), got(u, by))
	}
	for _, u := range o.Repo.Labels.Aside {
		if slices.ContainsFunc(by[u.Providers[0]], func(f Found) bool { return f.Scope == aiscan.Supporting }) {
			o.Aside.Right++
			continue
		}
		o.Aside.Missed++
		o.fail(place(u), u.Providers[0]+" supporting", got(u, by))
	}
}

// scopes holds the scopes of what was found rightly against those it has.
func (o *Outcome) scopes(by map[string][]Found, right map[string]bool) {
	for _, name := range slices.Sorted(maps.Keys(right)) {
		var want []Use
		for _, u := range slices.Concat(o.Repo.Labels.Use, o.Repo.Labels.Aside) {
			if slices.Contains(u.Providers, name) {
				want = append(want, u)
			}
		}
		for _, f := range by[name] {
			fits := func(u Use) bool { return slices.Contains(u.Scopes, f.Scope) }
			switch {
			case slices.ContainsFunc(want, fits):
				o.Scopes.Right++
			case f.Scope != aiscan.Supporting && f.Scope != "": // not every test is labelled
				o.Scopes.Wrong++
				o.fail(where([]Found{f}), name+" not as "+string(f.Scope), string(f.Scope))
			}
		}
		for _, u := range want {
			if !slices.ContainsFunc(by[name], func(f Found) bool { return slices.Contains(u.Scopes, f.Scope) }) {
				o.Scopes.Missed++
				o.fail(place(u), name+" as "+string(u.Scopes[0]), got(u, by))
			}
		}
	}
}

// places counts the labelled lines that are among the signals, by class.
func (o *Outcome) places(u Use, by map[string][]Found) {
	for _, l := range u.Lines {
		c := o.Classes[l.Classes[0]]
		if hit(u, l, by) {
			c.Lines.Right++
		} else {
			c.Lines.Missed++
			o.fail(fmt.Sprintf("%s:%d", l.Path, l.Number),
				fmt.Sprintf("signal %s of %s on %q", classes(l), strings.Join(u.Providers, "|"), l.Text), "none there")
		}
		o.Classes[l.Classes[0]] = c
	}
}

func hit(u Use, l Line, by map[string][]Found) bool {
	for _, p := range u.Providers {
		for _, f := range by[p] {
			for _, s := range f.Signals {
				if (s.Path == l.Path || l.Path == "") && (l.Number == 0 || s.Line == l.Number) && slices.Contains(l.Classes, s.Class) {
					return true
				}
			}
		}
	}
	return false
}

func (o *Outcome) fail(where, want, got string) {
	o.Errors = append(o.Errors, Error{o.Repo.Name, where, want, got})
}

func place(u Use) string {
	if len(u.Lines) == 0 {
		return "somewhere"
	}
	return fmt.Sprintf("%s:%d", u.Lines[0].Path, u.Lines[0].Number)
}

// where names up to three signals.
func where(fs []Found) string {
	var at []string
	for _, f := range fs {
		for _, s := range f.Signals {
			at = append(at, fmt.Sprintf("%s:%d %s %q", s.Path, s.Line, s.Signature, s.Excerpt))
		}
	}
	if len(at) > 3 {
		at = append(at[:3], "…")
	}
	return strings.Join(at, "; ")
}

func got(u Use, by map[string][]Found) string {
	var out []string
	for _, p := range u.Providers {
		for _, f := range by[p] {
			out = append(out, strings.TrimSpace(p+" "+string(f.Scope)+" "+f.Confidence))
		}
	}
	return cmp.Or(strings.Join(out, ", "), "nothing")
}

func classes(l Line) string {
	out := make([]string, len(l.Classes))
	for i, c := range l.Classes {
		out[i] = string(c)
	}
	return strings.Join(out, "|")
}
