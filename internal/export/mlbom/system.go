package mlbom

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

func sortedKeys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

// addSystems adds the registered AI systems and what each is made from.
func (v *inventory) addSystems() {
	rules := newest(list[oversightRule](v.rec, "oversight.rule"), v.asOf,
		func(r oversightRule) string { return r.System }, func(r oversightRule) time.Time { return r.ApprovedAt })
	served := map[string]set{} // by system: what the vendor was asked for and served
	for _, r := range list[observation](v.rec, "vendor.model_observation") {
		if o := r.Payload; o.System != "" && !o.At.After(v.asOf) {
			if served[o.System] == nil {
				served[o.System] = set{}
			}
			for _, id := range []string{o.Requested, o.Served} {
				if id != "" {
					served[o.System].add(v.vendorModel(o.Vendor, id).BOMRef)
				}
			}
		}
	}
	byRepo := map[string]set{} // what its code asks for, and the prompts in it
	link := func(repo string, p *part) {
		if byRepo[repo] == nil {
			byRepo[repo] = set{}
		}
		byRepo[repo].add(p.BOMRef)
	}
	for _, r := range list[modelReference](v.rec, "code.model_reference") {
		link(r.Payload.Repo, v.vendorModel(r.Payload.Provider, r.Payload.Model))
	}
	for _, r := range list[promptAsset](v.rec, "code.prompt_asset") {
		link(r.Payload.Repo, v.prompt(r))
	}
	v.supply = suppliers(list[vendorRecord](v.rec, "vendor.record"))
	for _, r := range list[systemRecord](v.rec, "inventory.ai_system") {
		p := v.system(r)
		v.oversee(p, rules[r.Payload.ID])
		v.makeUp(p, r)
		p.needs.add(served[r.Payload.ID].sorted()...)
		for _, repo := range r.Payload.repositories() {
			p.needs.add(byRepo[repo].sorted()...)
		}
	}
	v.addTooling()
}

// system makes the part of a system with its own facts.
func (v *inventory) system(r of[systemRecord]) *part {
	s := r.Payload
	name := s.Name
	if strings.TrimSpace(name) == "" {
		name = s.ID
	}
	p, isNew := v.put(ref("system", s.ID), cdx.Component{Type: cdx.ComponentTypeApplication, Name: name})
	if !isNew && p.Name == s.ID {
		p.Name = name
	}
	p.Version, p.Description = cmp.Or(p.Version, s.Version), cmp.Or(p.Description, s.Purpose)
	p.rest(r.Digest)
	p.add("system", s.ID)
	p.need("owner", s.Owner)
	p.need("deputy", s.Deputy)
	p.need("tier", s.Tier)
	p.add("tier-reason", s.TierReason)
	p.need("stage", s.Stage)
	p.need("ai-role", s.Role)
	p.flag("in-scope", s.InScope)
	p.need("users", s.Users)
	p.each("affected-group", s.AffectedGroups)
	p.each("excluded-use", s.ExcludedUses)
	p.flag("customer-facing", s.CustomerFacing)
	p.flag("generative", s.Generative)
	p.each("repository", s.repositories())
	p.each("cloud-resource", s.CloudRefs)
	p.time("go-live", s.GoLive)
	p.time("retired-at", s.Retired)
	p.time("reviewed-at", s.Reviewed)
	p.miss(len(s.ExcludedUses) == 0, "excluded-use")
	p.miss(s.InScope == nil, "in-scope")
	return p
}

func (v *inventory) oversee(p *part, r of[oversightRule]) {
	o := r.Payload
	p.miss(o.System == "", "oversight")
	if o.System == "" {
		return
	}
	p.rest(r.Digest)
	p.add("oversight-of", o.Class)
	p.add("oversight-level", o.Review.Level)
	p.add("oversight-by", o.Review.Who)
	p.add("oversight-when", o.Review.When)
	if o.Review.Share != nil {
		p.add("oversight-share", strconv.FormatFloat(*o.Review.Share, 'g', -1, 64))
	}
	p.add("oversight-override", o.Override)
	p.add("oversight-rule-version", o.Version)
	p.time("oversight-approved-at", o.ApprovedAt)
}

// suppliers are, by system, the vendors whose records name it.
func suppliers(all []of[vendorRecord]) map[string][]string {
	out := map[string][]string{}
	for _, r := range all {
		for _, system := range r.Payload.Systems {
			if !slices.Contains(out[system], r.Payload.ID) {
				out[system] = append(out[system], r.Payload.ID)
			}
		}
	}
	return out
}

// makeUp links a system to the models, data sets and vendors that its entry
// names.
func (v *inventory) makeUp(p *part, r of[systemRecord]) {
	for _, name := range r.Payload.Models {
		if strings.TrimSpace(name) == "" {
			continue
		}
		for _, m := range v.called(name) {
			m.rest(r.Digest)
			p.needs.add(m.BOMRef)
		}
	}
	for _, name := range r.Payload.Datasets {
		v.holds(p, name, r)
	}
	for _, d := range v.find(asHolder, r.Payload.ID) {
		p.needs.add(d.BOMRef)
	}
	for _, id := range r.Payload.Vendors {
		if strings.TrimSpace(id) != "" {
			v.uses(p, id, r)
		}
	}
	for _, id := range v.supply[r.Payload.ID] {
		v.uses(p, id, r)
	}
	for _, name := range r.Payload.CloudRefs {
		for _, g := range v.find(asGuarded, name) {
			p.needs.add(g.BOMRef)
		}
	}
}

// holds links a system to a data set. A statement such as "none" is kept as
// one: it is no data set.
func (v *inventory) holds(p *part, name string, r of[systemRecord]) {
	found := v.find(asData, name)
	if len(found) == 0 {
		said := strings.ToLower(strings.TrimSpace(name))
		if said == "" {
			return
		}
		if said == "none" || said == "vendor-held" || strings.Contains(said, ": ") {
			p.add("data-statement", name)
			return
		}
		found = []*part{v.dataset(strings.TrimSpace(name))}
	}
	for _, d := range found {
		d.rest(r.Digest)
		p.needs.add(d.BOMRef)
	}
}

// finishSystems says what is not known of each system.
func (v *inventory) finishSystems() {
	for _, r := range list[systemRecord](v.rec, "inventory.ai_system") {
		p := v.parts[ref("system", r.Payload.ID)]
		p.miss(strings.TrimSpace(p.Description) == "", "purpose")
		p.miss(p.Version == "", "version")
		models, data := false, p.says("data-statement")
		for need := range p.needs {
			models = models || v.parts[need].model != nil
			data = data || v.parts[need].dataset != ""
		}
		p.miss(!models, "model")
		p.miss(!data, "dataset")
	}
}

// addUses says of each model that a system uses, itself or through an
// endpoint, what for and by whom.
func (v *inventory) addUses() {
	for _, r := range list[systemRecord](v.rec, "inventory.ai_system") {
		system := v.parts[ref("system", r.Payload.ID)]
		if strings.TrimSpace(r.Payload.Purpose) == "" {
			continue
		}
		models := set{}
		for _, need := range system.needs.sorted() {
			models.add(need)
			if p := v.parts[need]; p.service != nil {
				models.add(p.needs.sorted()...)
			}
		}
		for _, need := range models.sorted() {
			if p := v.parts[need]; p.model != nil {
				p.rest(r.Digest)
				p.model.useCases.add(system.Name + ": " + r.Payload.Purpose)
				p.model.users.add(r.Payload.Users)
			}
		}
	}
}
