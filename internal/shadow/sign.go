package shadow

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// sign is what one record says about the use of AI.
type sign struct {
	place      place
	product    product
	scope      string
	class      string // where in the place, as far as a change of it matters
	confidence string
	says       string // for people
	name       string // of the place, for people
	since      time.Time
	last       time.Time // an event: when it was used; zero for what stands
	standing   bool      // it stands until it is taken away
	ended      string    // why it is no use any more
	weak       bool
	models     []string
	domains    []string
	refs       []string // by which the register may name the place
	project    string   // of refs
	tags       map[string]string
	path       string // of code, for the owners of code
	people     int64
	actor      string
	hints      []hint
}

// keep is how many records of a group are named.
const keep = 20

// group is signs of one kind and source that say alike.
type group struct {
	kind, source string
	says         string // of the record that tells most
	telling      named
	name         string
	product      product
	scope        string
	confidence   string
	ended        string
	weak         bool
	standing     bool
	past         bool // no event of it is recent
	count        int64
	since        time.Time
	last         time.Time
	named        []named
	classes      set
	models       set
	domains      set
	refs         set
	projects     set
	tags         set
	paths        set
	actors       set
	people       int64
	hints        []hint
}

// named is a record.
type named struct {
	key    string
	digest evidence.Digest
	says   string
	name   string
}

type groupKey struct {
	kind, source, provider, scope, confidence, ended string
	weak, past                                       bool
}

// gathering is what is known of one place.
type gathering struct {
	place  place
	groups map[groupKey]*group
}

// put adds a sign to its place. It is a sum over signs: their order does not
// matter.
func (r *reader) put(ev *evidence.Evidence, s sign) {
	if s.place.key == "" && s.place.vendor == "" {
		return
	}
	if why := r.leftOut(ev); why != "" {
		s.says += ", " + why
	} else if s.ended == "" && !ev.GoneAt.IsZero() {
		s.ended = "no longer there on " + ev.GoneAt.UTC().Format(time.DateOnly)
	}
	if s.since.IsZero() {
		s.since = ev.CollectedAt
	}
	s.since, s.last = notAfter(s.since, ev.CollectedAt), notAfter(s.last, ev.CollectedAt)
	where := placeID{s.place.typ, s.place.key, s.place.vendor}
	g := r.places[where]
	if g == nil {
		g = &gathering{place: s.place, groups: map[groupKey]*group{}}
		r.places[where] = g
	}
	if s.place.ref < g.place.ref {
		g.place.ref = s.place.ref
	}
	past := !s.standing && !s.last.IsZero() && s.last.Before(r.in.Now.Add(-r.in.lookBack()))
	k := groupKey{ev.Kind, ev.Source, s.product.id, s.scope, s.confidence, s.ended, s.weak, past}
	if s.ended != "" {
		k.ended = "ended"
	}
	p := g.groups[k]
	if p == nil {
		p = &group{kind: ev.Kind, source: ev.Source, product: s.product, scope: s.scope, confidence: s.confidence, weak: s.weak,
			standing: s.standing, past: past}
		g.groups[k] = p
	}
	p.add(ev, s)
}

func (g *group) add(ev *evidence.Evidence, s sign) {
	n := named{ev.Key, ev.Digest, s.says, s.name}
	at, _ := slices.BinarySearchFunc(g.named, n, func(a, b named) int {
		return cmp.Or(cmp.Compare(a.key, b.key), slices.Compare(a.digest[:], b.digest[:]))
	})
	if at < keep {
		g.named = slices.Insert(g.named, at, n)
		g.named = g.named[:min(len(g.named), keep)]
		g.name = g.named[0].name
	}
	if g.count == 0 || cmp.Or(cmp.Compare(tells(n.says), tells(g.telling.says)), cmp.Compare(n.key, g.telling.key), slices.Compare(n.digest[:], g.telling.digest[:])) < 0 {
		g.telling, g.says = n, n.says
	}
	if s.ended > g.ended {
		g.ended = s.ended
	}
	g.count++
	g.since, g.last = earlier(g.since, s.since), later(g.last, s.last)
	g.classes.add(s.class)
	g.models.add(s.models...)
	g.domains.add(s.domains...)
	g.refs.add(s.refs...)
	g.projects.add(s.project)
	for k, v := range s.tags {
		g.tags.add(k + "=" + v)
	}
	g.paths.add(s.path)
	g.actors.add(s.actor)
	g.people = max(g.people, s.people, int64(len(g.actors)))
	for _, h := range s.hints {
		g.hints = addHint(g.hints, h)
	}
}

// tells orders what signs say by how much it tells a person: a package that is
// declared, then what code imports, then the rest.
func tells(says string) int {
	switch {
	case strings.HasPrefix(says, "package "):
		return 0
	case strings.Contains(says, "/imports in "):
		return 1
	}
	return 2
}

// rank orders confidences, strongest first.
func rank(confidence string) int {
	switch confidence {
	case Declared:
		return 0
	case Inferred:
		return 1
	}
	return 2
}

// signals are the groups for people: live ones first, strongest first.
func (g *gathering) signals(live func(*group) bool) []Signal {
	out := make([]Signal, 0, len(g.groups))
	for _, p := range g.groups {
		s := Signal{Kind: p.kind, Source: p.source, Provider: p.product.id, Scope: p.scope, Confidence: p.confidence, Says: p.says,
			Count: p.count, Since: p.since.UTC(), Last: p.last.UTC(), Weak: p.weak, Ended: p.ended}
		if p.last.IsZero() {
			s.Last = time.Time{}
		}
		if s.Ended == "" && !live(p) {
			s.Ended = "not used since " + p.last.UTC().Format(time.DateOnly)
		}
		for _, n := range p.named {
			s.Keys, s.Digests = append(s.Keys, n.key), append(s.Digests, n.digest)
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Signal) int {
		return cmp.Or(cmp.Compare(btoi(a.Ended != ""), btoi(b.Ended != "")), cmp.Compare(btoi(a.Weak), btoi(b.Weak)),
			cmp.Compare(rank(a.Confidence), rank(b.Confidence)), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Provider, b.Provider),
			cmp.Compare(a.Scope, b.Scope), cmp.Compare(a.Source, b.Source), slices.Compare(a.Keys, b.Keys))
	})
	return out
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
