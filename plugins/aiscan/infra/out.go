package infra

import (
	"cmp"
	"maps"
	"slices"

	"github.com/exhibit-aims/exhibit/plugins/aiscan/fact"
)

// out takes the facts of one file.
type out struct {
	path     string
	facts    []fact.Fact
	standing fact.Standing // of what is added without one of its own
	full     bool
	inner    bool // the file stands in another one
	offers   bool // the file was found to offer a tool server
}

// add keeps a fact. Names that are empty, or longer than any name, are none.
func (o *out) add(f fact.Fact) {
	if f.Name == "" || len(f.Name) > 512 {
		return
	}
	if len(o.facts) >= maxFacts {
		o.full = true
		return
	}
	if f.Standing == fact.Direct {
		f.Standing = o.standing
	}
	o.facts = append(o.facts, f)
}

// with runs f while everything added has the standing, unless what surrounds it
// already stands for less than a direct declaration.
func (o *out) with(s fact.Standing, f func()) {
	was := o.standing
	if was == fact.Direct || !s.Counts() {
		o.standing = s
	}
	f()
	o.standing = was
}

// done sorts by line and leaves out what was said twice in one line.
func (o *out) done() []fact.Fact {
	slices.SortStableFunc(o.facts, func(a, b fact.Fact) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Class, b.Class), cmp.Compare(a.Name, b.Name))
	})
	return slices.CompactFunc(o.facts, func(a, b fact.Fact) bool {
		return a.Class == b.Class && a.Name == b.Name && a.Line == b.Line && a.Standing == b.Standing &&
			a.Group == b.Group && a.Version == b.Version && a.Via == b.Via && maps.Equal(a.Attrs, b.Attrs)
	})
}
