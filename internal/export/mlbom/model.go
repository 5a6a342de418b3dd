package mlbom

import (
	"cmp"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// modelFacts are what a model card says.
type modelFacts struct {
	provider  *vendor
	family    bool // has versions as parts of their own
	users     set
	useCases  set
	limits    set
	datasets  set // refs
	test      *of[evaluation]
	lifecycle bool
}

// model returns the part of a model, new or known.
func (v *inventory) model(r string, c cdx.Component) *part {
	c.Type = cdx.ComponentTypeMachineLearningModel
	p, isNew := v.put(r, c)
	if isNew {
		p.model = &modelFacts{users: set{}, useCases: set{}, limits: set{}, datasets: set{}}
	}
	return p
}

// addRegistryModels adds the models of registries and their versions.
func (v *inventory) addRegistryModels() {
	models := map[string]of[registryModel]{}
	for _, r := range list[registryModel](v.rec, "model_registry.model") {
		m := r.Payload
		if at := ref("model", m.Registry, m.Name); strings.TrimSpace(models[at].Payload.Licence) == "" {
			models[at] = r
		}
		p := v.family(m.Registry, m.Name)
		p.rest(r.Digest)
		p.Description, p.Licenses = cmp.Or(p.Description, m.Description), cmp.Or(p.Licenses, licence(m.Licence))
		p.add("owner", m.Owner)
		p.add("visibility", m.Visibility)
		p.add("gated", m.Gated)
		p.time("created-at", m.CreatedAt)
		v.call(p, asModel, m.ID)
	}
	versions := list[modelVersion](v.rec, "model_registry.model_version")
	for _, r := range versions {
		v.addVersion(r, models[ref("model", r.Payload.Registry, r.Payload.Model)])
	}
	for _, r := range versions { // once all can be found by their names
		v.comesFrom(r)
	}
	for _, r := range newest(list[approval](v.rec, "model_registry.approval"), v.asOf,
		func(a approval) string { return ref("model", a.Registry, a.Model, a.Version) }, func(a approval) time.Time { return a.ChangedAt }) {
		a := r.Payload
		if p := v.parts[ref("model", a.Registry, a.Model, a.Version)]; p != nil {
			p.rest(r.Digest)
			p.add("approval-status", a.Status)
			p.add("approval-by", a.ChangedBy)
			p.time("approval-at", a.ChangedAt)
		}
	}
}

// family is a registry's model, whatever its versions.
func (v *inventory) family(registry, name string) *part {
	p := v.model(ref("model", registry, name), cdx.Component{Group: registry, Name: name})
	if !p.named {
		p.named = true
		p.add("registry", registry)
		v.call(p, asModel, name)
	}
	return p
}

// addVersion adds a version of a model, which has the model's licence.
func (v *inventory) addVersion(r of[modelVersion], of of[registryModel]) {
	m := r.Payload
	family := v.family(m.Registry, m.Model)
	family.rest(r.Digest)
	family.model.family = true
	p := v.model(ref("model", m.Registry, m.Model, m.Version), cdx.Component{Group: m.Registry, Name: m.Model, Version: m.Version})
	family.needs.add(p.BOMRef)
	p.rest(r.Digest)
	p.Hashes = cmp.Or(p.Hashes, digestOf(m.ArtifactSum))
	if p.Licenses = licence(of.Payload.Licence); p.Licenses != nil {
		p.rest(of.Digest)
	}
	p.PackageURL = cmp.Or(p.PackageURL, hubURL(m))
	p.add("registry", m.Registry)
	p.add("registry-id", m.URI)
	p.add("status", m.Status)
	p.add("stage", m.Stage)
	p.each("alias", m.Aliases)
	p.add("framework", m.Framework)
	p.each("format", m.Formats)
	p.add("revision", m.Revision)
	p.add("created-by", m.CreatedBy)
	p.time("created-at", m.CreatedAt)
	v.call(p, asModel, m.URI)
	for _, sep := range []string{"/", ":", " ", "@"} {
		v.call(p, asModel, m.Model+sep+m.Version)
	}
	for _, alias := range m.Aliases {
		v.call(p, asModel, m.Model+"@"+alias)
	}
}

// comesFrom links a version to the model and the data sets that it was made
// from.
func (v *inventory) comesFrom(r of[modelVersion]) {
	m := r.Payload
	p := v.parts[ref("model", m.Registry, m.Model, m.Version)]
	if strings.TrimSpace(m.BaseModel) != "" {
		for _, base := range v.called(m.BaseModel) {
			base.rest(r.Digest)
			if base != p {
				p.needs.add(base.BOMRef)
			}
		}
	}
	for _, name := range m.Datasets {
		v.trainedOn(p, name)
	}
}

// hubURL is the package URL of a model on the public hub, whose revision is
// what tells two versions apart.
func hubURL(m modelVersion) string {
	owner, name, ok := strings.Cut(m.Model, "/")
	if m.Registry != "huggingface" && m.Registry != "huggingface/huggingface.co" || !ok || owner == "" || name == "" || m.Revision == "" {
		return ""
	}
	return "pkg:huggingface/" + quote(owner) + "/" + quote(name) + "@" + quote(m.Revision)
}

// called returns the models that a name leads to. One that leads to none
// becomes a part of its own: somebody names it, and nothing else is known.
func (v *inventory) called(name string) []*part {
	if found := v.find(asModel, name); len(found) > 0 {
		return found
	}
	name = strings.TrimSpace(name)
	p := v.model(ref("model", "", name), cdx.Component{Name: name})
	v.call(p, asModel, name)
	return []*part{p}
}

// vendorModel is a model by the id that its vendor gives it.
func (v *inventory) vendorModel(vendorID, id string) *part {
	if strings.TrimSpace(vendorID) == "" {
		return v.called(id)[0]
	}
	owner := v.vendor(vendorID)
	id = strings.TrimSpace(id)
	p := v.model(ref("model", owner.id, id), cdx.Component{Group: owner.id, Name: id})
	p.model.provider = owner
	v.call(p, asModel, id, owner.id+"/"+id)
	return p
}

// addVendorModels adds what code asks vendors for, and what they served.
func (v *inventory) addVendorModels() {
	for _, r := range list[modelReference](v.rec, "code.model_reference") {
		p := v.vendorModel(r.Payload.Provider, r.Payload.Model)
		p.rest(r.Digest)
		p.add("requested-in", r.Payload.Repo+":"+r.Payload.Path)
		p.add("pin", r.Payload.Pin)
	}
	seen := list[observation](v.rec, "vendor.model_observation")
	byTime(seen, func(o observation) time.Time { return o.At })
	last := map[string]of[observation]{} // by what was served for what
	for _, r := range seen {
		if !r.Payload.At.After(v.asOf) {
			last[ref("", vendorID(r.Payload.Vendor), r.Payload.Requested, r.Payload.Served)] = r
		}
	}
	for _, name := range sortedKeys(last) {
		r := last[name]
		var asked, served *part
		if r.Payload.Requested != "" {
			asked = v.vendorModel(r.Payload.Vendor, r.Payload.Requested)
			asked.rest(r.Digest)
		}
		if r.Payload.Served == "" {
			continue
		}
		served = v.vendorModel(r.Payload.Vendor, r.Payload.Served)
		served.rest(r.Digest)
		served.time("last-served-at", r.Payload.At)
		if asked != nil && asked != served {
			served.add("served-for", r.Payload.Requested)
			asked.needs.add(served.BOMRef)
		}
	}
}

// addLifecycles says what vendors announce of models that are in use.
func (v *inventory) addLifecycles() {
	events := list[lifecycle](v.rec, "vendor.model_lifecycle")
	newest := map[string]of[lifecycle]{}
	for _, r := range events {
		if r.At.After(v.asOf) {
			continue
		}
		name := ref("", ref("model", vendorID(r.Payload.Vendor), strings.TrimSpace(r.Payload.Model)), r.Payload.Region)
		if old, ok := newest[name]; !ok || !r.At.Before(old.At) {
			newest[name] = r
		}
	}
	for _, name := range sortedKeys(newest) {
		r := newest[name]
		l := r.Payload
		p := v.parts[ref("model", vendorID(l.Vendor), strings.TrimSpace(l.Model))]
		if p == nil {
			continue // a model that nobody uses
		}
		p.rest(r.Digest)
		p.model.lifecycle = true
		in := ""
		if l.Region != "" {
			in = "-in-" + l.Region
		}
		p.add("lifecycle"+in, l.Status)
		p.time("shutdown-at"+in, l.Shutdown)
		p.time("shutdown-not-before"+in, l.NotBefore)
		p.add("replacement"+in, l.Replacement)
	}
}

// finishModels writes the model cards, and what is not known of each model.
func (v *inventory) finishModels() {
	for _, name := range sortedKeys(v.parts) {
		if p := v.parts[name]; p.model != nil {
			v.finishModel(p)
		}
	}
}

func (v *inventory) finishModel(p *part) {
	m := p.model
	card := &cdx.MLModelCard{}
	if m.provider != nil {
		p.Supplier = m.provider.entity()
	}
	if refs := m.datasets.sorted(); len(refs) > 0 {
		var sets []cdx.MLDatasetChoice
		for _, r := range refs {
			sets = append(sets, cdx.MLDatasetChoice{Ref: r})
		}
		card.ModelParameters = &cdx.MLModelParameters{Datasets: &sets}
	}
	if m.test != nil {
		p.rest(m.test.Digest)
		m.test.Payload.tell(&p.facts)
		card.QuantitativeAnalysis = m.test.Payload.metrics()
	}
	if len(m.users)+len(m.useCases)+len(m.limits) > 0 {
		card.Considerations = &cdx.MLModelCardConsiderations{
			Users: pointer(m.users.sorted()), UseCases: pointer(m.useCases.sorted()), TechnicalLimitations: pointer(m.limits.sorted())}
	}
	if *card != (cdx.MLModelCard{}) {
		p.ModelCard = card
	}
	p.miss(p.Group == "", "provider")
	p.miss(p.Licenses == nil, "licence")
	p.miss(len(m.useCases) == 0, "intended-use")
	p.miss(len(m.limits) == 0, "limits")
	if !m.family {
		p.miss(p.Version == "" && m.provider == nil, "version")
		p.miss(m.test == nil, "evaluation")
	}
	p.miss(m.provider != nil && !m.lifecycle, "lifecycle")
}
