package shadow

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// cases makes a case of every place that shows use, or did when it was looked
// at last.
func (r *reader) cases() []Case {
	var out []Case
	there := map[string]bool{}
	for _, g := range r.places {
		id := g.place.id()
		there[id] = true
		if c, ok := r.one(id, g); ok {
			out = append(out, c)
		}
	}
	for id, was := range r.earlier {
		if !there[id] {
			out = append(out, r.vanished(was))
		}
	}
	slices.SortFunc(out, func(a, b Case) int {
		return cmp.Or(cmp.Compare(btoi(!a.Open()), btoi(!b.Open())), a.TriageDue.Compare(b.TriageDue.Time),
			cmp.Compare(slices.Index(PlaceTypes, a.PlaceType), slices.Index(PlaceTypes, b.PlaceType)), cmp.Compare(a.Title, b.Title), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// vanished is a case whose records say nothing of use any more: it is gone. If
// some of them cannot be read, nobody can tell, and it stays.
func (r *reader) vanished(was Case) Case {
	if r.lost(was) {
		return r.kept(was)
	}
	c := was
	c.unjudged()
	r.decide(&c, nil, account{})
	return c
}

// lost reports whether some of what a case rests on cannot be read any more.
func (r *reader) lost(was Case) bool {
	return was.Status != Gone && (was.Uses > int64(len(was.Evidence)) && len(r.missed) > 0 ||
		slices.ContainsFunc(was.Evidence, func(key string) bool { return r.missed[key] }))
}

// kept is a case of which nobody can tell whether it is gone: it is taken to be
// there as it was, for the register and for decisions too.
func (r *reader) kept(was Case) Case {
	c, a := was, account{why: was.Unexplained}
	if was.Status == Registered && was.Basis != ByDecision {
		still, _ := r.by(was.Basis, func(s *system) bool { return slices.Contains(was.Systems, s.id) })
		a.systems, a.basis = still.systems, was.Basis
	}
	c.unjudged()
	r.judge(&c, nil, a, true)
	return c
}

// unjudged takes away what register and decisions made of a case.
func (c *Case) unjudged() {
	c.Pending, c.Reopened, c.Unexplained, c.Owner = "", "", "", ""
	c.System, c.Basis, c.Systems, c.TriageDue, c.DueAt, c.ExpiresAt = "", "", []string{}, moment{}, moment{}, moment{}
}

// one makes the case of a place. What only supports makes none, and what ended
// before anybody saw it makes none either.
func (r *reader) one(id string, g *gathering) (Case, bool) {
	was, known := r.earlier[id]
	var live, strong, past []*group
	for _, p := range g.groups {
		switch {
		case !r.live(p):
			past = append(past, p)
		case p.weak:
			live = append(live, p)
		default:
			live, strong = append(live, p), append(strong, p)
		}
	}
	if len(strong) == 0 && (!known || len(past) == 0 && len(live) == 0) {
		return Case{}, false
	}
	if len(strong) == 0 && r.lost(was) {
		c := r.kept(was)
		c.Signals = g.signals(r.live)
		return c, true
	}
	if len(strong) == 0 {
		live = nil
	}
	show := live
	if len(live) == 0 {
		show = append(past, live...)
	}
	c := Case{ID: id, PlaceType: g.place.typ, Ref: g.place.ref, Systems: []string{}}
	c.describe(g, show)
	c.FirstSeen = at(earlier(was.FirstSeen.Time, c.FirstSeen.Time))
	c.Items = itemsOf(strong)
	c.Hint, c.HintFrom = r.owner(g, show)
	if len(live) == 0 && known {
		c.keepWhatWas(was)
	}
	c.Content = contentOf(c.Items)
	c.Signals = g.signals(r.live)
	r.decide(&c, live, r.accountOf(g, live))
	if known {
		c.settle(was)
	}
	return c, true
}

func (r *reader) accountOf(g *gathering, live []*group) account {
	if len(live) == 0 {
		return account{}
	}
	return r.account(g.place, live)
}

// keepWhatWas keeps of a case that is gone what was known of it.
func (c *Case) keepWhatWas(was Case) {
	c.Items, c.Title, c.Why, c.Confidence = was.Items, was.Title, was.Why, was.Confidence
	c.Provider, c.Providers, c.Vendors, c.Models = was.Provider, was.Providers, was.Vendors, was.Models
	c.Domains, c.Scopes, c.SignalKinds, c.Evidence, c.Sources = was.Domains, was.Scopes, was.SignalKinds, was.Evidence, was.Sources
	c.LastSeen, c.Uses, c.People, c.Hint, c.HintFrom = was.LastSeen, was.Uses, was.People, was.Hint, was.HintFrom
}

// itemsOf is what a decision is made on: each provider in each scope, and each
// part of a repository. Lines, counts, dates and models do not count.
func itemsOf(strong []*group) []string {
	var items, parts set
	for _, g := range strong {
		if g.product.id != "" {
			item := "use:" + g.product.id
			if g.scope != "" {
				item += "@" + g.scope
			}
			items.add(item)
		}
		for _, class := range g.classes {
			parts.add("in:" + class)
		}
	}
	return slices.Concat(parts.list(), items.list())
}

// describe fills in what the groups show.
func (c *Case) describe(g *gathering, show []*group) {
	var providers, vendors, models, domains, scopes, kinds, sources, keys set
	f := factsOf(show)
	for _, p := range f.products {
		providers.add(p.id)
		vendors.add(p.title())
	}
	var people int64
	for _, p := range show {
		c.FirstSeen.Time, c.LastSeen.Time = earlier(c.FirstSeen.Time, p.since), later(c.LastSeen.Time, p.last)
		models.add(p.models...)
		domains.add(p.domains...)
		scopes.add(p.scope)
		kinds.add(p.kind)
		sources.add(p.source)
		for _, n := range p.named {
			keys.add(n.key)
		}
		c.Uses += p.count
		people = max(people, p.people)
	}
	c.LastSeen = at(c.LastSeen.Time)
	c.People, c.Providers, c.Vendors, c.Models, c.Domains = people, providers.list(), vendors.list(), models.list(), domains.list()
	c.Scopes, c.SignalKinds, c.Sources, c.Evidence = scopes.list(), kinds.list(), sources.list(), keys.list()
	c.Evidence = c.Evidence[:min(len(c.Evidence), keep)]
	if len(providers) > 0 {
		c.Provider = providers[0]
	}
	c.Confidence, c.Why = confidenceOf(show)
	c.Title = titleOf(g, show, c)
}

// confidenceOf is that of the strongest signal, with the signals that made it.
func confidenceOf(show []*group) (confidence, why string) {
	sorted := slices.Clone(show)
	slices.SortFunc(sorted, func(a, b *group) int {
		return cmp.Or(cmp.Compare(btoi(a.weak), btoi(b.weak)), cmp.Compare(rank(a.confidence), rank(b.confidence)), cmp.Compare(a.kind, b.kind),
			cmp.Compare(a.says, b.says), cmp.Compare(a.product.id, b.product.id), cmp.Compare(a.scope, b.scope), cmp.Compare(a.source, b.source))
	})
	var says []string
	for _, p := range sorted {
		if !slices.Contains(says, p.says) {
			says = append(says, p.says)
		}
	}
	const shown = 3
	why = strings.Join(says[:min(shown, len(says))], "; ")
	if more := len(says) - shown; more > 0 {
		why += "; and " + counted(more, "more kind of sign", "more kinds of signs")
	}
	return sorted[0].confidence, why
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func titleOf(g *gathering, show []*group, c *Case) string {
	what := strings.Join(c.Vendors[:min(3, len(c.Vendors))], ", ")
	if more := len(c.Vendors) - 3; more > 0 {
		what += fmt.Sprintf(" and %d more", more)
	}
	name := nameOf(show)
	switch g.place.typ {
	case Repository:
		return or(what, "AI") + " in repository " + g.place.ref
	case Development:
		return "assistants that write code, of " + or(what, g.place.vendor)
	case CloudResource:
		return or(name, g.place.ref) + " at " + or(what, "a cloud")
	case VendorProject:
		if name == "" {
			name = "project " + g.place.ref
		}
		return name + " at " + or(what, g.place.vendor)
	case Workload:
		return "workload " + or(name, g.place.ref) + ": " + or(what, "AI")
	case Network:
		return "traffic of " + or(name, g.place.ref) + " to " + or(what, g.place.vendor) + productsOf(c)
	}
	return "people use " + or(what, g.place.vendor) + productsOf(c)
}

// productsOf names the products where the vendors do not tell them: that people
// use Microsoft is no news.
func productsOf(c *Case) string {
	letters := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				return unicode.ToLower(r)
			}
			return -1
		}, s)
	}
	var told []string
	for _, id := range c.Providers {
		if !slices.ContainsFunc(c.Vendors, func(v string) bool { return strings.HasPrefix(letters(v), letters(id)) }) {
			told = append(told, id)
		}
	}
	if len(told) == 0 {
		return ""
	}
	more := ""
	if len(told) > 3 {
		told, more = told[:3], " …"
	}
	return " (" + strings.Join(told, ", ") + more + ")"
}

// nameOf is the smallest name of a place that its signs give; that of a project
// goes before those of its keys.
func nameOf(show []*group) string {
	var project, any set
	for _, p := range show {
		if strings.HasPrefix(p.name, "project ") {
			project.add(p.name)
		}
		any.add(p.name)
	}
	for _, s := range []set{project, any} {
		if len(s) > 0 {
			return s[0]
		}
	}
	return ""
}

// settleAfter is how old what only counts and dates would change may be.
const settleAfter = 7 * day

// settle keeps what changes with every reading of what goes on (when it was
// seen last, how often, by which records) as it was on record, until that is a
// week behind or something else has changed: so a use that goes on costs
// nothing. What only stands changes by its source's doing, and is not kept back.
func (c *Case) settle(was Case) {
	ahead := c.LastSeen.Sub(was.LastSeen.Time)
	if c.LastSeen.IsZero() || was.LastSeen.IsZero() || ahead < 0 || ahead >= settleAfter || !near(c.People, was.People) {
		return
	}
	now := *c
	now.LastSeen, now.Uses, now.People, now.Evidence, now.Models, now.Why = was.LastSeen, was.Uses, was.People, was.Evidence, was.Models, was.Why
	if same(now, was) {
		signals := c.Signals
		*c = was
		c.Signals = signals
	}
}

// near reports whether two counts differ by no more than a fifth of the larger.
func near(a, b int64) bool {
	return max(a, b)-min(a, b) <= max(a, b)/5
}

func same(a, b Case) bool {
	a.Signals, b.Signals = nil, nil
	x, errX := payload(a)
	y, errY := payload(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
