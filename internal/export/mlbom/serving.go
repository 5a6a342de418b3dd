package mlbom

import (
	"cmp"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// addGuardrails adds safety configurations, by the resources that they are
// attached to.
func (v *inventory) addGuardrails() {
	for _, r := range list[guardrail](v.rec, "cloud.guardrail") {
		g := r.Payload
		name := g.Name
		if name == "" {
			name = g.ID
		}
		p, isNew := v.put(ref("guardrail", g.Provider, g.ID, g.Version),
			cdx.Component{Type: cdx.ComponentTypeData, Group: g.Provider, Name: name, Version: g.Version})
		if isNew {
			p.Data = &[]cdx.ComponentData{{Type: cdx.ComponentDataTypeConfiguration, Name: name, Description: "guardrail"}}
		}
		p.rest(r.Digest)
		p.add("guardrail", g.ID)
		p.need("status", g.Status)
		p.each("attached-to", g.Attached)
		p.time("updated-at", g.Updated)
		p.miss(g.Version == "", "version")
		v.call(p, asGuardrail, g.ID+"/"+g.Version, g.ID+":"+g.Version, name+"/"+g.Version)
		v.call(p, asGuarded, append([]string{g.ID, name}, g.Attached...)...)
	}
}

// prompt returns the part of a prompt or of another asset under version
// control.
func (v *inventory) prompt(r of[promptAsset]) *part {
	a := r.Payload
	p, isNew := v.put(ref("asset", a.Repo, a.Path), cdx.Component{Type: cdx.ComponentTypeData, Group: a.Repo, Name: a.Path})
	if isNew {
		p.Data = &[]cdx.ComponentData{{Type: cdx.ComponentDataTypeConfiguration, Name: a.Path}}
	}
	data := &(*p.Data)[0]
	data.Description = cmp.Or(data.Description, a.Kind)
	p.Hashes = cmp.Or(p.Hashes, digestOf(a.Sum))
	p.add("asset-kind", a.Kind)
	p.add("owner", a.Owner)
	v.call(p, asAsset, a.Sum, a.Repo+":"+a.Path)
	p.rest(r.Digest)
	return p
}

// finishTools says what is not known of tooling, and of prompts and the like.
func (v *inventory) finishTools() {
	for r, p := range v.parts {
		switch typ, _, _ := strings.Cut(r, ":"); typ {
		case "tool":
			p.miss(p.Version == "", "version")
			p.miss(p.Licenses == nil, "licence")
		case "asset":
			p.miss(p.Hashes == nil, "sha256")
			p.miss(true, "asset-kind")
			p.miss(true, "owner")
		}
	}
}

// addTooling adds frameworks, libraries and tools to the systems that use them.
func (v *inventory) addTooling() {
	types := map[string]cdx.ComponentType{"framework": cdx.ComponentTypeFramework, "tool": cdx.ComponentTypeApplication,
		"model": cdx.ComponentTypeMachineLearningModel}
	for _, r := range list[tooling](v.rec, "inventory.tooling") {
		t := r.Payload
		var p *part
		switch typ := types[t.Type]; typ {
		case cdx.ComponentTypeMachineLearningModel:
			p = v.called(t.Component)[0]
		case "":
			p, _ = v.put(ref("tool", t.Component, t.Version), cdx.Component{Type: cdx.ComponentTypeLibrary, Name: t.Component, Version: t.Version})
		default:
			p, _ = v.put(ref("tool", t.Component, t.Version), cdx.Component{Type: typ, Name: t.Component, Version: t.Version})
		}
		p.add("tooling-type", t.Type)
		p.add("from", t.Source)
		p.Licenses = cmp.Or(p.Licenses, licence(t.Licence))
		p.rest(r.Digest)
		if s := v.parts[ref("system", t.System)]; s != nil {
			s.needs.add(p.BOMRef)
		}
	}
}

// addEndpoints adds what serves models, and links the systems that name it.
func (v *inventory) addEndpoints() {
	systems := list[systemRecord](v.rec, "inventory.ai_system")
	for _, r := range list[deployment](v.rec, "model_registry.deployment") {
		d := r.Payload
		p := v.service(ref("endpoint", d.Platform, d.Region, d.Endpoint), d.Endpoint)
		p.service.Group = d.Platform
		p.service.Endpoints = &[]string{quote(d.Endpoint)}
		p.rest(r.Digest)
		p.add("platform", d.Platform)
		p.need("environment", d.Environment)
		p.add("region", d.Region)
		p.need("status", d.Status)
		p.time("updated-at", d.UpdatedAt)
		p.miss(true, "data-classification")
		v.serve(p, d)
		owned := false
		for _, s := range systems {
			if !refersTo(s.Payload.CloudRefs, d) {
				continue
			}
			owned = true
			v.parts[ref("system", s.Payload.ID)].needs.add(p.BOMRef)
		}
		p.miss(!owned, "system")
	}
}

// serve links an endpoint to the models that it is set to serve.
func (v *inventory) serve(p *part, d deployment) {
	for _, variant := range d.Variants {
		if variant.Shadow {
			p.add("shadow-variant", variant.Name)
		}
		var models []*part
		for _, name := range []string{variant.Package, variant.Model + "/" + variant.Version, variant.Ref, variant.Model} {
			if models = v.find(asModel, name); len(models) > 0 {
				break
			}
		}
		if len(models) == 0 {
			name := variant.Ref
			if name == "" {
				name = variant.Model
			}
			if strings.TrimSpace(name) == "" {
				p.miss(true, "model")
				continue
			}
			models = v.called(name)
		}
		for _, m := range models {
			for e := range p.from {
				m.rest(e)
			}
			p.needs.add(m.BOMRef)
			m.add("served-by", d.Endpoint)
		}
	}
	p.miss(len(d.Variants) == 0, "model")
}

// refersTo reports whether a name of a system's cloud resources is that of an
// endpoint; a trailing * matches any ending.
func refersTo(names []string, d deployment) bool {
	for _, n := range names {
		prefix, any := strings.CutSuffix(strings.TrimSpace(n), "*")
		for _, is := range []string{d.Endpoint, d.URI} {
			if is == "" || prefix == "" {
				continue
			}
			if any && strings.HasPrefix(is, prefix) || is == prefix {
				return true
			}
		}
	}
	return false
}

// addCards says what cards of models say of use and limits.
func (v *inventory) addCards() {
	cards := newest(list[modelCard](v.rec, "model_registry.model_card"), v.asOf,
		func(c modelCard) string { return ref("", c.Registry, c.Model, c.Version, c.Name) }, func(c modelCard) time.Time { return c.Updated })
	for _, name := range sortedKeys(cards) {
		r := cards[name]
		p := v.parts[ref("model", r.Payload.Registry, r.Payload.Model, r.Payload.Version)]
		if p == nil {
			found := v.find(asModel, r.Payload.Version)
			if len(found) == 0 {
				found = v.find(asModel, r.Payload.Model)
			}
			if len(found) != 1 {
				continue
			}
			p = found[0]
		}
		p.rest(r.Digest)
		p.add("card", r.Payload.Name)
		p.add("card-version", r.Payload.Card)
		p.add("card-status", r.Payload.Status)
		for _, s := range sortedKeys(r.Payload.Sections) {
			p.section(s, r.Payload.Sections[s])
		}
	}
}
