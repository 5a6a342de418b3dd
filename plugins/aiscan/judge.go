package aiscan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// signalsOfRule is how many signals of each rule a sighting shows.
const signalsOfRule = 10

// judge makes sightings of hits: one for each product in each scope.
func judge(r *rules, root string, hits []found) []Sighting {
	hits = withoutNames(withoutOwn(resolved(r, hits)))
	hits = slices.DeleteFunc(hits, func(f found) bool { return !f.Fact.Standing.Counts() })
	for i := range hits {
		if f := &hits[i]; f.Fact.Class == fact.File && f.Fact.Name == f.path {
			f.Fact.Line = 0 // the file as a whole, whoever says so
		}
	}
	slices.SortFunc(hits, byPlace)
	hits = slices.CompactFunc(hits, func(a, b found) bool { return byPlace(a, b) == 0 })
	hits = redirected(r, hits)
	type group struct {
		provider string
		scope    Scope
	}
	groups := map[group][]found{}
	asks := onlyAsks(r, hits)
	whole := map[string][]found{}
	for _, f := range hits {
		sig := r.signature(f.ID)
		if sig == nil {
			continue
		}
		g := group{f.ID, scopeOf(placeOf(f.path), &f.hit, sig)}
		if g.scope == AgentInterface && asks {
			g.scope = Product
		}
		groups[g] = append(groups[g], f)
		whole[f.ID] = append(whole[f.ID], f)
	}
	served := serves(r, whole)
	all := []Sighting{}
	for g, own := range groups {
		sig := r.signature(g.provider)
		confidence, why, ok := weigh(sig, own, whole[g.provider], served)
		if !ok {
			continue
		}
		s := Sighting{ID: id(root, sig.ID, g.scope), Provider: sig.ID, Vendor: sig.Vendor, Category: sig.Category, Egress: sig.Egress,
			Scope: g.scope, Confidence: confidence, Why: why, Count: len(own)}
		s.Signals = signals(r, own)
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Sighting) int {
		return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Scope, b.Scope))
	})
	return all
}

// withoutNames takes away what the name of a file says where its text is but a
// pointer: it tells more exactly what is there.
func withoutNames(hits []found) []found {
	pointers := map[string]bool{}
	for _, f := range hits {
		if f.Fact.Class == fact.Weights && conditional(f.Fact) {
			pointers[f.path] = true
		}
	}
	return slices.DeleteFunc(hits, func(f found) bool { return f.Fact.Class == fact.File && pointers[f.path] })
}

// onlyAsks reports whether the protocol between agents and tools is used from
// the agent's side alone: tools of others are asked, none are offered.
func onlyAsks(r *rules, hits []found) bool {
	client, server := false, false
	for _, f := range hits {
		if sig := r.set.Get(f.ID); sig == nil || sig.Category != aisign.MCP || f.Fact.Class != fact.Import && f.Fact.Class != fact.Call {
			continue
		}
		n := strings.ToLower(f.Fact.Name)
		server = server || strings.Contains(n, "server") || strings.Contains(n, "fastmcp")
		client = client || strings.Contains(n, "client")
	}
	return client && !server
}

func byPlace(a, b found) int {
	return cmp.Or(cmp.Compare(a.path, b.path), cmp.Compare(a.Fact.Line, b.Fact.Line), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Field, b.Field),
		cmp.Compare(a.Fact.Class, b.Fact.Class), cmp.Compare(a.Fact.Name, b.Fact.Name), cmp.Compare(a.Fact.Standing, b.Fact.Standing), cmp.Compare(a.Fact.Version, b.Fact.Version))
}

func signals(r *rules, own []found) []Signal {
	shown := map[string]int{}
	list := []Signal{}
	for _, f := range own {
		rule := f.ID + "/" + f.Field
		if shown[rule]++; shown[rule] > r.shown {
			continue
		}
		list = append(list, Signal{Path: f.path, Line: f.Fact.Line, Signature: rule, Excerpt: r.excerpt(f.Fact), Class: f.Fact.Class,
			Standing: f.Fact.Standing, Version: cleanText(r.set.Concealed(f.Fact.Version), 100), Introduced: f.introduced})
	}
	return list
}

// serves reports whether anything in the tree could serve a model: then the
// model's name alone does not say whom it is asked of.
func serves(r *rules, whole map[string][]found) bool {
	for provider, hits := range whole {
		switch r.signature(provider).Category {
		case aisign.Provider, aisign.Gateway, aisign.CloudService, aisign.Runtime:
		default:
			continue
		}
		if slices.ContainsFunc(hits, func(f found) bool { return f.Fact.Class != fact.Model && !f.Weak }) {
			return true
		}
	}
	return false
}

// weigh says how sure the hits of one product in one scope make it. The rules
// are few: what a manifest, a setting or infrastructure code says is declared;
// what code does is inferred; what only a lockfile, a model's name or a doubtful
// sign shows is unresolved. A doubtful sign alone is nothing.
func weigh(sig *aisign.Signature, own, whole []found, served bool) (Confidence, string, bool) {
	firm := func(f found) bool {
		return !f.Weak && f.Fact.Class != fact.Model && f.Fact.Standing != fact.Transitive && !conditional(f.Fact)
	}
	var declared, code, loose []string
	for _, f := range own {
		switch {
		case !firm(f):
			loose = append(loose, said(f))
		case declares(f.Fact.Class):
			declared = append(declared, said(f))
		default:
			code = append(code, said(f))
		}
	}
	switch {
	case len(declared) > 0:
		return Declared, "declared: " + list(append(declared, code...)), true
	case len(code) > 0:
		return Inferred, "inferred from what code does: " + list(code), true
	case sig.ID == compatible:
		return Unresolved, "a client of the protocol is sent to an address that nobody is known by: " + list(loose), true
	case !slices.ContainsFunc(own, func(f found) bool { return f.Fact.Class != fact.Model }) && served:
		return "", "", false
	case sig.Weak && len(loose) > 0:
		return Unresolved, "a sign of it and no more: " + list(loose), true
	case slices.ContainsFunc(whole, firm):
		return Unresolved, "doubtful here, sure elsewhere in the tree: " + list(loose), true
	case !slices.ContainsFunc(own, func(f found) bool { return !administers(f.Fact) }):
		return "", "", false
	case slices.ContainsFunc(own, func(f found) bool { return f.Fact.Standing == fact.Transitive && !f.Weak }):
		return Unresolved, "only a lockfile names it, because of something else: " + list(loose), true
	case slices.ContainsFunc(own, func(f found) bool { return conditional(f.Fact) && !f.Weak }):
		return Unresolved, "only where a condition holds, or with a file that is kept elsewhere: " + list(loose), true
	case distinct(whole) > 1:
		return Unresolved, "doubtful signs that support one another: " + list(loose), true
	case !served && slices.ContainsFunc(own, func(f found) bool { return f.Fact.Class == fact.Model && !f.Weak }):
		return Unresolved, "a model is named, nothing shows who serves it: " + list(loose), true
	default:
		return "", "", false
	}
}

// conditional reports whether a declaration alone leaves open what is there: a
// chart that only some installations have, the pointer to a model file.
func conditional(f fact.Fact) bool {
	return f.Class == fact.Chart && f.Standing == fact.Optional || f.Class == fact.Weights && f.Standing == fact.Templated
}

// declares reports whether facts of a class say in so many words that something
// is used.
func declares(c fact.Class) bool {
	switch c {
	case fact.Import, fact.Host, fact.Env, fact.Call, fact.Key, fact.Port:
		return false
	default:
		return true
	}
}

// distinct counts the different kinds of signs among doubtful hits.
func distinct(hits []found) int {
	seen := map[fact.Class]bool{}
	for _, f := range hits {
		if f.Fact.Class != fact.Model && !administers(f.Fact) {
			seen[f.Fact.Class] = true
		}
	}
	return len(seen)
}

// said names a hit by its class.
func said(f found) string {
	name := string(f.Fact.Class)
	switch f.Fact.Class {
	case fact.Package:
		name = "package " + f.Fact.Name
	case fact.Env:
		name = "variable " + f.Fact.Name
	case fact.Host, fact.Import, fact.Model, fact.Image, fact.Action, fact.Resource:
		name += " " + f.Fact.Name
	case fact.Key:
		name = "a credential"
	}
	if f.Fact.Standing != fact.Direct {
		name += " (" + string(f.Fact.Standing) + ")"
	}
	return cleanText(name, 80)
}

// list joins the first different words of a list.
func list(words []string) string {
	var kept []string
	for _, w := range words {
		if !slices.Contains(kept, w) {
			if kept = append(kept, w); len(kept) == 4 {
				break
			}
		}
	}
	return strings.Join(kept, ", ")
}
