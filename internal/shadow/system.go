package shadow

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/plugins/aisign"
)

// system is a registered system, as far as it accounts for use.
type system struct {
	id       string
	live     bool // not retired: a retired one accounts for nothing
	repos    map[string]bool
	cloud    []string
	callers  []string
	vendors  []string
	models   []string
	surfaces []string

	vendorOf map[[2]string]bool // whether it has the vendor of a product, as far as that was asked
}

// vendorEntry is a vendor of the register.
type vendorEntry struct {
	id, name string
	services []string
}

func (r *reader) system(ev *evidence.Evidence) error {
	v, err := decode[struct {
		ID           string   `json:"system_id"`
		Retired      moment   `json:"retired_at"`
		Repos        []string `json:"repos"`
		Repositories []struct {
			Name string `json:"name"`
		} `json:"repositories"`
		Cloud    []string `json:"cloud_refs"`
		Callers  []string `json:"callers"`
		Vendors  []string `json:"vendors"`
		Models   []string `json:"models"`
		Surfaces []string `json:"surfaces"`
	}](ev)
	if err != nil || !ev.GoneAt.IsZero() {
		return err
	}
	s := system{id: v.ID, live: v.Retired.IsZero() || v.Retired.After(r.in.Now), repos: map[string]bool{}, cloud: v.Cloud, callers: v.Callers,
		vendors: v.Vendors, models: v.Models, surfaces: v.Surfaces}
	for _, name := range v.Repos {
		s.repos[repoKey(name)] = true
	}
	for _, b := range v.Repositories {
		s.repos[repoKey(b.Name)] = true
	}
	r.systems = append(r.systems, s)
	return nil
}

func (r *reader) vendor(ev *evidence.Evidence) error {
	v, err := decode[struct {
		ID       string   `json:"vendor_id"`
		Name     string   `json:"legal_name"`
		Services []string `json:"services"`
	}](ev)
	if err != nil || !ev.GoneAt.IsZero() {
		return err
	}
	at := ev.Source + " " + v.ID
	r.vendors[at] = vendorEntry{v.ID, v.Name, v.Services}
	return nil
}

// matchRef reports whether a reference of the register means a name: the same
// text, or the same beginning if it ends in *.
func matchRef(ref, name string) bool {
	if prefix, wild := strings.CutSuffix(ref, "*"); wild {
		return tellsApart(prefix) && strings.HasPrefix(name, prefix)
	}
	return ref != "" && ref == name
}

// tellsApart reports whether the beginning of a name stands for somebody's own:
// a letter or two does not, nor does what a whole cloud's names begin with.
func tellsApart(prefix string) bool {
	if service, ok := strings.CutPrefix(prefix, "arn:"); ok {
		parts := strings.SplitN(service, ":", 4) // partition, service, region, account
		return len(parts) == 4 && parts[3] != ""
	}
	for _, head := range []string{"/subscriptions/", "projects/", "//"} {
		if rest, ok := strings.CutPrefix(prefix, head); ok {
			return len(rest) > 2
		}
		if strings.HasPrefix(head, prefix) {
			return false
		}
	}
	return len([]rune(prefix)) > 2
}

// names reports whether the system names one of these by cloud references or
// callers.
func (s *system) names(any []string) bool {
	return slices.ContainsFunc(any, func(n string) bool {
		match := func(ref string) bool { return n != "" && matchRef(ref, n) }
		return slices.ContainsFunc(s.cloud, match) || slices.ContainsFunc(s.callers, match)
	})
}

// hasVendor reports whether the system has the vendor of a product.
func (r *reader) hasVendor(s *system, p product) bool {
	if s.vendorOf == nil {
		s.vendorOf = map[[2]string]bool{}
	}
	of := [2]string{p.id, p.vendor}
	has, known := s.vendorOf[of]
	if !known {
		has = r.namesVendor(s, p)
		s.vendorOf[of] = has
	}
	return has
}

func (r *reader) namesVendor(s *system, p product) bool {
	return slices.ContainsFunc(s.vendors, func(id string) bool {
		if strings.EqualFold(id, p.id) || r.isVendor(id, p) || p.sig != nil && p.sig.Vendor == "GitHub" && id == "copilot" {
			return true
		}
		for _, v := range r.vendors {
			if v.id == id && (r.isVendor(v.name, p) || slices.ContainsFunc(v.services, func(service string) bool { return strings.EqualFold(service, p.id) })) {
				return true
			}
		}
		return false
	})
}

// isVendor reports whether a name of the register is that of a product's
// vendor, by the names that are known of it or by its words.
func (r *reader) isVendor(name string, p product) bool {
	return sameVendor(name, p.vendor) || p.vendor != "" && slices.ContainsFunc(r.in.Signs.Vendor(name), func(sig *aisign.Signature) bool { return sig.Vendor == p.vendor })
}

// hasModel reports whether the system names a model of a product.
func (r *reader) hasModel(s *system, p product) bool {
	return slices.ContainsFunc(s.models, func(model string) bool {
		return slices.ContainsFunc(r.in.Signs.Model(model), func(m aisign.Match) bool { return m.ID == p.id || m.Vendor == p.vendor && p.vendor != "" })
	})
}

// account says which systems account for a use, and by what; or why none does.
type account struct {
	systems []string
	basis   string
	why     string
}

// by returns the account of those live systems that answer to match, if any.
func (r *reader) by(basis string, match func(*system) bool) (account, bool) {
	var ids set
	for i := range r.systems {
		if s := &r.systems[i]; s.live && match(s) {
			ids.add(s.id)
		}
	}
	return account{systems: ids, basis: basis}, len(ids) > 0
}

// facts are what the live groups of a place say together.
type facts struct {
	products []product // by id; only supporting ones if there are no others
	refs     set
	projects set
	tags     set
	models   set
	domains  set
}

func factsOf(live []*group) facts {
	var f facts
	strong := slices.ContainsFunc(live, func(g *group) bool { return !g.weak })
	for _, g := range live {
		f.refs.add(g.refs...)
		f.projects.add(g.projects...)
		f.tags.add(g.tags...)
		f.models.add(g.models...)
		f.domains.add(g.domains...)
		if g.product.id != "" && (!g.weak || !strong) && !slices.ContainsFunc(f.products, func(p product) bool { return p.id == g.product.id }) {
			f.products = append(f.products, g.product)
		}
	}
	slices.SortFunc(f.products, func(a, b product) int { return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.vendor, b.vendor)) })
	return f
}

// account finds what the register has for a place.
func (r *reader) account(pl place, live []*group) account {
	f := factsOf(live)
	switch pl.typ {
	case Repository:
		return r.accountRepository(pl, live)
	case CloudResource, Workload:
		return r.accountResource(pl, f)
	case VendorProject:
		return r.accountProject(pl, f)
	case Network:
		if a, ok := r.by(ByKey, func(s *system) bool { return s.names(append(f.refs.list(), pl.ref)) }); ok {
			return a
		}
	}
	return r.accountVendor(pl, f)
}

// accountRepository holds each vendor that code sends data to against what the
// systems of the repository name: a repository may be known, but not for this.
func (r *reader) accountRepository(pl place, live []*group) account {
	if !r.atRepo()[pl.key] {
		return account{why: "no registered system has the repository"}
	}
	a, ok := r.by(ByRepository, func(s *system) bool { return s.repos[pl.key] })
	if !ok {
		return account{why: "no registered system has the repository"}
	}
	var strangers set
	for _, g := range live {
		if g.weak || g.confidence == Unresolved || !g.product.external() {
			continue
		}
		if _, named := r.by("", func(s *system) bool { return s.repos[pl.key] && r.expects(s, g.product) }); !named {
			strangers.add(g.product.title())
		}
	}
	if len(strangers) == 0 {
		return a
	}
	return account{why: "the repository belongs to " + strings.Join(a.systems, ", ") + ", which names neither " + strings.Join(strangers, ", ") + " among its vendors nor a model of theirs"}
}

// atRepo are the repositories that a system names, also a retired one.
func (r *reader) atRepo() map[string]bool {
	if r.registeredRepos == nil {
		r.registeredRepos = map[string]bool{}
		for i := range r.systems {
			maps.Copy(r.registeredRepos, r.systems[i].repos)
		}
	}
	return r.registeredRepos
}

// expects reports whether a system says that it uses a product.
func (r *reader) expects(s *system, p product) bool {
	return r.hasVendor(s, p) || r.hasModel(s, p) || p.is(aisign.CloudService) && slices.ContainsFunc(s.cloud, p.mayHold)
}

// mayHold reports whether a cloud reference of the register may be of the cloud
// of a product: its form does not say that it is of another.
func (p product) mayHold(ref string) bool {
	low := strings.ToLower(ref)
	of := ""
	switch {
	case strings.HasPrefix(low, "arn:"):
		of = "Amazon Web Services"
	case strings.HasPrefix(low, "/subscriptions/") || strings.Contains(low, ".azure.com"):
		of = "Microsoft"
	case strings.HasPrefix(low, "projects/") || strings.Contains(low, ".googleapis.com"):
		of = "Google"
	}
	return of == "" || of == p.vendor
}

func (r *reader) accountResource(pl place, f facts) account {
	names := append(f.refs.list(), pl.ref, pl.key)
	if a, ok := r.by(ByCloud, func(s *system) bool {
		return slices.ContainsFunc(names, func(n string) bool {
			return slices.ContainsFunc(s.cloud, func(ref string) bool { return matchRef(ref, n) })
		})
	}); ok {
		return a
	}
	if a, ok := r.by(ByTag, func(s *system) bool {
		return slices.ContainsFunc(systemTags, func(t string) bool { return slices.Contains(f.tags, t+"="+s.id) })
	}); ok {
		return a
	}
	if a, ok := r.by(ByKey, func(s *system) bool { return s.names(names) }); ok {
		return a
	}
	if pl.vendor != "" { // calls of a cloud's models, by somebody whom no system names
		if a, ok := r.by(ByModel, func(s *system) bool {
			return slices.ContainsFunc(f.models, func(m string) bool { return slices.Contains(s.models, m) })
		}); ok {
			return a
		}
	}
	what := "the resource"
	if pl.typ == Workload {
		what = "the workload"
	}
	if pl.vendor != "" {
		what = "the caller"
	}
	return account{why: "no registered system names " + what + ", and no tag does"}
}

// accountProject goes by the names of project and key. Where no system names a
// project or key of the vendor, those that have the vendor account for all.
func (r *reader) accountProject(pl place, f facts) account {
	if a, ok := r.by(ByProject, func(s *system) bool { return s.names(f.projects) }); ok {
		return a
	}
	if a, ok := r.by(ByKey, func(s *system) bool { return s.names(append(f.refs.list(), pl.key)) }); ok {
		return a
	}
	if r.bound()[pl.vendor] {
		return account{why: "other projects or keys of the vendor are registered, this one is not"}
	}
	return r.accountVendor(pl, f)
}

// bound are the vendors of which a system, also a retired one, names a project
// or key.
func (r *reader) bound() map[string]bool {
	if r.boundVendors != nil {
		return r.boundVendors
	}
	r.boundVendors = map[string]bool{}
	for _, g := range r.places {
		if g.place.typ != VendorProject {
			continue
		}
		for _, p := range g.groups {
			names := append(append(p.refs.list(), p.projects...), g.place.key)
			if slices.ContainsFunc(r.systems, func(s system) bool { return s.names(names) }) {
				r.boundVendors[g.place.vendor] = true
			}
		}
	}
	return r.boundVendors
}

// accountVendor is the weak account: a system has the vendor, and nothing ties
// it to this use.
func (r *reader) accountVendor(pl place, f facts) account {
	if a, ok := r.by(ByVendor, func(s *system) bool {
		return len(f.products) > 0 && !slices.ContainsFunc(f.products, func(p product) bool { return !r.hasVendor(s, p) })
	}); ok {
		return a
	}
	if a, ok := r.by(ByDomain, func(s *system) bool {
		return slices.ContainsFunc(f.domains, func(d string) bool { return slices.Contains(s.surfaces, d) || r.servesDomain(s, d) })
	}); ok {
		return a
	}
	var names set
	for _, p := range f.products {
		names.add(p.title())
	}
	return account{why: "no registered system has the vendor " + or(strings.Join(names, ", "), pl.vendor)}
}

// servesDomain reports whether a vendor of the system names the domain among
// its services.
func (r *reader) servesDomain(s *system, domain string) bool {
	for _, v := range r.vendors {
		if slices.Contains(s.vendors, v.id) && slices.Contains(v.services, domain) {
			return true
		}
	}
	return false
}
