package mlbom

import (
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// dataset returns the part of a data set, new or known.
func (v *inventory) dataset(id string) *part {
	p, isNew := v.put(ref("dataset", id), cdx.Component{Type: cdx.ComponentTypeData, Name: id})
	if isNew {
		p.dataset = id
		p.Data = &[]cdx.ComponentData{{Type: cdx.ComponentDataTypeDataset, Name: id}}
		v.call(p, asData, id)
	}
	return p
}

// addDatasets adds the data sets that are listed, described or acquired.
func (v *inventory) addDatasets() {
	for _, r := range list[dataset](v.rec, "inventory.dataset") {
		v.addDataset(r)
	}
	sheets := newest(list[datasheet](v.rec, "data.datasheet"), v.asOf,
		func(s datasheet) string { return s.ID }, func(s datasheet) time.Time { return s.ApprovedAt })
	for _, id := range sortedKeys(sheets) {
		v.describe(v.dataset(id), sheets[id])
	}
	acquired := newest(list[acquisition](v.rec, "data.acquisition_record"), v.asOf,
		func(a acquisition) string { return a.ID }, func(a acquisition) time.Time { return a.AcquiredAt })
	for _, id := range sortedKeys(acquired) {
		p, r := v.dataset(id), acquired[id]
		p.rest(r.Digest)
		p.add("acquired-from", r.Payload.Source)
		p.add("rights", r.Payload.Rights)
		p.add("legal-basis", r.Payload.Basis)
		p.time("acquired-at", r.Payload.AcquiredAt)
	}
}

// finishDatasets says what is not known of each data set.
func (v *inventory) finishDatasets() {
	for _, p := range v.parts {
		if p.dataset == "" {
			continue
		}
		data := (*p.Data)[0]
		p.miss(p.Version == "", "version")
		p.miss(data.Governance == nil, "owner")
		p.miss(data.Classification == "", "personal-data")
		p.miss(!p.says("rights"), "rights")
		p.miss(!p.says("category"), "category")
		p.miss(!p.says("retention"), "retention")
		p.miss(!p.says("limits"), "limits")
	}
}

func (v *inventory) addDataset(r of[dataset]) {
	d := r.Payload
	p := v.dataset(d.ID)
	p.rest(r.Digest)
	p.add("category", d.Category)
	p.add("location", d.Location)
	p.add("retention", d.Kept)
	data := &(*p.Data)[0]
	if d.Personal != nil {
		data.Classification = map[bool]string{true: "personal data", false: "no personal data"}[*d.Personal]
	}
	if strings.TrimSpace(d.Owner) != "" {
		data.Governance = &cdx.DataGovernance{Owners: &[]cdx.ComponentDataGovernanceResponsibleParty{
			{Contact: &cdx.OrganizationalContact{Name: d.Owner}}}}
	}
	for _, system := range d.Systems {
		v.call(p, asHolder, system)
	}
	if strings.TrimSpace(d.Location) != "" {
		v.call(p, asPlace, strings.TrimSuffix(d.Location, "/"))
	}
}

func (v *inventory) describe(p *part, r of[datasheet]) {
	s := r.Payload
	p.rest(r.Digest)
	p.Version, p.Description = s.Version, s.Motivation
	data := &(*p.Data)[0]
	data.Description = s.Composition
	if privacy := strings.TrimSpace(s.Privacy); privacy != "" && !strings.EqualFold(privacy, "none") {
		data.SensitiveData = &[]string{privacy}
	}
	p.add("collection", s.Collection)
	p.add("representativeness", s.Representativeness)
	p.add("limits", s.Limits)
	p.add("datasheet-privacy", s.Privacy)
	p.add("datasheet-approved-by", s.ApprovedBy)
	p.time("datasheet-approved-at", s.ApprovedAt)
}

// trainedOn links a model to the data set that a name leads to: its id, its id
// with a version, or a place within its location. Else the name is kept.
func (v *inventory) trainedOn(p *part, name string) {
	name = strings.TrimSpace(name)
	found := v.find(asData, name)
	for _, cut := range []string{"@", ":", "/"} {
		if i := strings.LastIndex(name, cut); i > 0 && len(found) == 0 {
			found = v.find(asData, name[:i])
		}
	}
	for at := name; len(found) == 0 && strings.Contains(at, "/"); at = at[:strings.LastIndex(at, "/")] {
		found = v.find(asPlace, at)
	}
	for _, d := range found {
		p.model.datasets.add(d.BOMRef)
		p.needs.add(d.BOMRef)
	}
	if len(found) == 0 {
		p.add("trained-on", name)
	}
}

// addLineage says what versions of models were trained on.
func (v *inventory) addLineage() {
	for _, r := range list[lineage](v.rec, "model_registry.lineage") {
		if r.At.After(v.asOf) {
			continue
		}
		l := r.Payload
		var models []*part
		if p := v.parts[ref("model", l.Registry, l.Model, l.Version)]; p != nil {
			models = []*part{p}
		} else if models = v.find(asModel, l.Version); len(models) == 0 {
			models = v.find(asModel, l.Model+"/"+l.Version)
		}
		for _, p := range models {
			p.rest(r.Digest)
			p.add("training-run", l.Run)
			p.add("training-commit", l.Commit)
			for _, name := range l.Datasets {
				v.trainedOn(p, name)
			}
		}
	}
}
