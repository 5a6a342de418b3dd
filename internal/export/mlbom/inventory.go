package mlbom

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// inventory is the bill while it is put together.
type inventory struct {
	rec     *records
	asOf    time.Time
	parts   map[string]*part    // by ref
	names   map[called]set      // by what others call a part: the refs that it leads to
	vendors map[string]*vendor  // by id in small letters
	supply  map[string][]string // by system: the vendors whose records name it
}

// part is a component or a service.
type part struct {
	facts
	cdx.Component
	service *cdx.Service // instead of the component
	needs   set          // refs that it depends on
	model   *modelFacts  // of a model
	dataset string       // of a data set: its id
	named   bool         // what it is called was said
}

func newInventory(rec *records, asOf time.Time) *inventory {
	return &inventory{rec: rec, asOf: asOf, parts: map[string]*part{}, names: map[called]set{}, vendors: map[string]*vendor{}}
}

// put returns the part with a ref, and whether it is new.
func (v *inventory) put(r string, c cdx.Component) (*part, bool) {
	if p := v.parts[r]; p != nil {
		return p, false
	}
	c.BOMRef = r
	p := &part{Component: c, needs: set{}}
	v.parts[r] = p
	return p, true
}

// called is a name, and what it is a name of.
type called struct{ as, name string }

// What names are of. Names of one do not lead to another.
const (
	asModel     = "model"
	asData      = "data set"
	asGuardrail = "guardrail"
	asAsset     = "asset"
	asPlace     = "location of a data set"
	asHolder    = "system that a data set is for"
	asGuarded   = "resource that a guardrail is attached to"
)

// call says that records call a part by these names.
func (v *inventory) call(p *part, as string, names ...string) {
	for _, n := range names {
		c := called{as, strings.TrimSpace(n)}
		if c.name == "" {
			continue
		}
		if v.names[c] == nil {
			v.names[c] = set{}
		}
		v.names[c].add(p.BOMRef)
	}
}

// find returns the parts that a name leads to, in order.
func (v *inventory) find(as, name string) []*part {
	var out []*part
	for _, r := range v.names[called{as, strings.TrimSpace(name)}].sorted() {
		out = append(out, v.parts[r])
	}
	return out
}

// build puts everything together. The order matters: what is looked up by name
// comes before what looks it up.
func (v *inventory) build() {
	v.addVendors()
	v.addDatasets()
	v.addRegistryModels()
	v.addVendorModels()
	v.addGuardrails()
	v.addSystems()
	v.addEndpoints()
	v.addUses()
	v.addLineage()
	v.addCards()
	v.addTests()
	v.addLifecycles()
	v.finishSystems()
	v.finishVendors()
	v.finishTools()
	v.finishDatasets()
	v.finishModels()
	v.unused()
}

// maxVersion is how many characters CycloneDX gives a version. A longer one is
// kept as a property.
const maxVersion = 1024

// components and services are the parts in order of their refs.
func (v *inventory) components() (components []cdx.Component, services []cdx.Service) {
	for _, r := range slices.Sorted(maps.Keys(v.parts)) {
		p := v.parts[r]
		if p.service != nil {
			p.service.Properties = p.properties()
			services = append(services, *p.service)
			continue
		}
		if utf8.RuneCountInString(p.Version) > maxVersion {
			p.add("version", p.Version)
			p.Version = ""
		}
		p.Properties = p.properties()
		components = append(components, p.Component)
	}
	return components, services
}

// dependencies are the known ones, in order. A part without any is left out:
// to list it would say that it has none.
func (v *inventory) dependencies() []cdx.Dependency {
	var out []cdx.Dependency
	for _, r := range slices.Sorted(maps.Keys(v.parts)) {
		if needs := v.parts[r].needs.sorted(); len(needs) > 0 {
			out = append(out, cdx.Dependency{Ref: r, Dependencies: &needs})
		}
	}
	return out
}

// unused says of each model and data set that nothing depends on it.
func (v *inventory) unused() {
	used := set{}
	for _, p := range v.parts {
		used.add(p.needs.sorted()...)
	}
	for r, p := range v.parts {
		p.miss((p.model != nil || p.dataset != "") && !used[r], "system")
	}
}

// byTime orders records so that the newest comes last.
func byTime[T any](list []of[T], at func(T) time.Time) {
	slices.SortStableFunc(list, func(a, b of[T]) int {
		return cmp.Or(at(a.Payload).Compare(at(b.Payload)), cmp.Compare(a.Digest.String(), b.Digest.String()))
	})
}
