package mlbom

import (
	"cmp"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// vendor is a supplier of models or services.
type vendor struct {
	id       string // in small letters
	name     string // as the register states it; empty if it does not
	services []*part
}

func (o *vendor) entity() *cdx.OrganizationalEntity {
	if o.name != "" {
		return &cdx.OrganizationalEntity{Name: o.name}
	}
	return &cdx.OrganizationalEntity{Name: o.id}
}

// vendorID is how two records that spell a vendor otherwise mean the same.
func vendorID(id string) string { return strings.ToLower(strings.TrimSpace(id)) }

// vendor returns a vendor by any spelling of its id.
func (v *inventory) vendor(id string) *vendor {
	id = vendorID(id)
	if v.vendors[id] == nil {
		v.vendors[id] = &vendor{id: id}
	}
	return v.vendors[id]
}

// addVendors adds the services that vendors are registered with. A vendor with
// none named is a service of its own name, so that it is not lost.
func (v *inventory) addVendors() {
	all := list[vendorRecord](v.rec, "vendor.record")
	for _, r := range all {
		o := v.vendor(r.Payload.ID)
		o.name = cmp.Or(o.name, strings.TrimSpace(r.Payload.Name))
		for _, name := range r.Payload.Services {
			if strings.TrimSpace(name) != "" {
				o.offer(v.service(ref("service", o.id, name), name))
			}
		}
	}
	for _, r := range all {
		v.addVendor(r)
	}
}

// offer says that a service is the vendor's.
func (o *vendor) offer(p *part) {
	if !slices.Contains(o.services, p) {
		o.services = append(o.services, p)
	}
}

// addVendor says of the services of a vendor what a record says of it.
func (v *inventory) addVendor(r of[vendorRecord]) {
	o := v.vendor(r.Payload.ID)
	if len(o.services) == 0 {
		p := v.service(ref("service", o.id), o.entity().Name)
		p.miss(true, "service")
		o.offer(p)
	}
	for _, p := range o.services {
		p.rest(r.Digest)
		p.add("vendor", r.Payload.ID)
		p.add("criticality", r.Payload.Criticality)
		p.add("owner", r.Payload.Owner)
		p.add("contract", r.Payload.Contract)
		if len(r.Payload.Services) == 0 || slices.Contains(r.Payload.Services, p.service.Name) {
			p.flows(r.Payload.DataClasses)
		}
	}
}

// finishVendors says of each service what was agreed with its vendor, what is
// set there, and how the vendor was judged.
func (v *inventory) finishVendors() {
	terms := newest(list[contractTerms](v.rec, "vendor.contract_terms"), v.asOf,
		func(t contractTerms) string { return vendorID(t.Vendor) }, func(t contractTerms) time.Time { return t.Effective })
	judged := newest(list[vendorAssessment](v.rec, "vendor.assessment"), v.asOf,
		func(a vendorAssessment) string { return vendorID(a.Vendor) }, func(a vendorAssessment) time.Time { return a.ApprovedAt })
	controls := list[dataControls](v.rec, "vendor.data_controls")
	for _, o := range v.vendors {
		for _, p := range o.services {
			if t, ok := terms[o.id]; ok {
				t.Payload.tell(p, t)
			}
			if a, ok := judged[o.id]; ok {
				p.rest(a.Digest)
				p.add("assessment", a.Payload.Result)
				p.add("assessment-approved-by", a.Payload.ApprovedBy)
				p.time("assessment-approved-at", a.Payload.ApprovedAt)
			}
			p.service.Provider = o.entity()
			p.miss(o.name == "", "legal-name")
			p.miss(p.service.Data == nil, "data-classification")
			p.miss(true, "assessment")
			p.miss(true, "training-opt-out-agreed")
			for _, c := range controls {
				if vendorID(c.Payload.Vendor) == o.id {
					c.Payload.tell(p, c)
				}
			}
		}
	}
}

func (t contractTerms) tell(p *part, r of[contractTerms]) {
	p.rest(r.Digest)
	p.add("terms-version", t.Version)
	p.time("terms-effective-at", t.Effective)
	p.flag("training-opt-out-agreed", t.OptOut)
	p.number("retention-days-agreed", t.Days)
}

func (c dataControls) tell(p *part, r of[dataControls]) {
	p.rest(r.Digest)
	at := ""
	if c.Project != "" {
		at = "-in-" + c.Project
	}
	p.flag("training-opt-out-set"+at, c.OptOut)
	p.number("retention-days-set"+at, c.Days)
	p.flag("zero-data-retention-set"+at, c.ZDR)
	p.add("region"+at, c.Region)
}

// flows adds the classes of data that a service handles. No record says which
// way they go.
func (p *part) flows(classes []string) {
	var all []cdx.DataClassification
	if p.service.Data != nil {
		all = *p.service.Data
	}
	for _, class := range classes {
		f := cdx.DataClassification{Flow: cdx.DataFlowUnknown, Classification: class}
		known := slices.ContainsFunc(all, func(o cdx.DataClassification) bool { return o.Classification == class })
		if strings.TrimSpace(class) != "" && !known {
			all = append(all, f)
		}
	}
	p.service.Data = pointer(all)
}

// service returns the part of a service, new or known.
func (v *inventory) service(r, name string) *part {
	p, isNew := v.put(r, cdx.Component{})
	if isNew {
		p.service = &cdx.Service{BOMRef: r, Name: name}
	}
	return p
}

// uses links a system to the services of a vendor that it names. One that
// nobody registered is a service of which only the id is known.
func (v *inventory) uses(system *part, id string, stated of[systemRecord]) {
	o := v.vendor(id)
	if len(o.services) == 0 {
		p := v.service(ref("service", o.id), strings.TrimSpace(id))
		p.miss(true, "service")
		o.offer(p)
	}
	for _, p := range o.services {
		p.rest(stated.Digest)
		system.needs.add(p.BOMRef)
	}
}
