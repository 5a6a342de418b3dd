package oscal

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	types "github.com/defenseunicorns/go-oscal/src/types/oscal-1-1-3"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
)

// component is something that results are about.
type component struct {
	uuid, typ, title, description string
	state, why                    string // of a system component: operational …
	props                         []types.Property
	owner                         string
	system                        string // id of the AI system, if it is one
}

// findSystems makes components of the AI systems and vendors, by what names
// them: "ai_system" or "vendor" and the id.
func (m *Maker) findSystems() ([]component, map[string]string) {
	var out []component
	byName := map[string]string{}
	add := func(name string, c component) {
		if byName[name] == "" {
			byName[name] = c.uuid
			out = append(out, c)
		}
	}
	for i := range m.snap.Systems {
		s := &m.snap.Systems[i]
		add("ai_system\n"+s.ID, m.systemComponent(s))
	}
	for _, r := range m.snap.Assessment.Results {
		for _, id := range r.Systems {
			add("ai_system\n"+id, m.unknownSystem(id))
		}
		if r.Subject.Type == "ai_system" && concrete(r.Subject) {
			add("ai_system\n"+r.Subject.ID, m.unknownSystem(r.Subject.ID))
		}
	}
	for i := range m.snap.Systems {
		for _, v := range m.snap.Systems[i].Vendors {
			add(vendorName(v), m.vendor(v))
		}
	}
	for _, r := range m.snap.Assessment.Results {
		if r.Subject.Type == "vendor" && concrete(r.Subject) {
			add(vendorName(r.Subject.ID), m.vendor(r.Subject.ID))
		}
	}
	return out, byName
}

// concrete reports whether a subject is one thing: what stands in for nothing,
// or for not knowing, has its id in brackets.
func concrete(s evidence.Subject) bool { return s.ID != "" && !strings.HasPrefix(s.ID, "(") }

func vendorName(v string) string { return "vendor\n" + strings.ToLower(strings.TrimSpace(v)) }

func (m *Maker) systemComponent(s *export.System) component {
	c := component{
		uuid: m.always("ai-system", s.ID), typ: "software", title: or(line(s.Name), line(s.ID)), owner: s.Owner, system: s.ID,
		description: or(prose(s.Purpose), "No purpose is registered."), state: "other", why: "The register does not say in which stage it is.",
	}
	scope := "not said"
	if s.InScope != nil {
		scope = map[bool]string{true: "in", false: "out"}[*s.InScope]
	}
	switch s.Stage {
	case "operate":
		c.state, c.why = "operational", ""
	case "retire":
		c.state, c.why = "disposition", ""
	case "intake", "data", "build", "test", "deploy":
		c.state, c.why = "under-development", "stage "+s.Stage
	}
	if !s.Retired.IsZero() && !s.Retired.After(m.snap.AsOf) {
		c.state, c.why = "disposition", ""
	}
	c.props = []types.Property{
		own("exhibit-subject-type", "ai_system"), own("exhibit-subject-id", s.ID), own("exhibit-ai-role", s.Role), own("exhibit-risk-tier", s.Tier),
		own("exhibit-stage", s.Stage), own("exhibit-scope", scope), own("exhibit-owner", s.Owner), own("exhibit-deputy", s.Deputy),
		own("exhibit-go-live", export.Time(s.GoLive)), own("exhibit-retired", export.Time(s.Retired)),
	}
	if !s.Evidence.IsZero() {
		c.props = append(c.props, own("exhibit-evidence", s.Evidence.String()))
	}
	for _, l := range []struct {
		name string
		list []string
	}{{"exhibit-model", s.Models}, {"exhibit-vendor", s.Vendors}, {"exhibit-dataset", s.Datasets}, {"exhibit-repository", s.Repositories}, {"exhibit-cloud-ref", s.CloudRefs}} {
		for _, v := range l.list {
			c.props = append(c.props, own(l.name, v))
		}
	}
	return c
}

func (m *Maker) unknownSystem(id string) component {
	return component{uuid: m.always("ai-system", id), typ: "software", title: or(line(id), "(no id)"), system: id, state: "other",
		why: "It is not in the register as of this snapshot.", description: "Results name this AI system; the register does not hold it.",
		props: []types.Property{own("exhibit-subject-type", "ai_system"), own("exhibit-subject-id", id)}}
}

func (m *Maker) vendor(v string) component {
	return component{uuid: m.always("vendor", vendorName(v)), typ: "service", title: or(line(v), "(no name)"), state: "other", why: "A vendor's service; its state is not recorded.",
		description: "What this vendor supplies to AI systems.", props: []types.Property{own("exhibit-subject-type", "vendor"), own("exhibit-subject-id", v)}}
}

// management is the component that what belongs to no system is about.
func (m *Maker) management() component {
	return component{uuid: m.always("management-system"), typ: "process-procedure", title: "AI management system", state: "operational",
		description: or(prose(m.snap.Scope), "The scope is not on record."),
		props:       []types.Property{own("exhibit-subject-type", "organization")}}
}

// tool is Exhibit itself.
func (m *Maker) tool() component {
	return component{uuid: m.always("tool"), typ: "software", title: "Exhibit", state: "operational",
		description: "The evidence agent that read the sources, sealed what it read into a ledger, and held it against the expectations.",
		props:       []types.Property{{Name: "version", Value: or(value(m.snap.ToolVersion, maxLine), "unknown")}}}
}

// source is a configured connector that has read something.
type source struct {
	name  string
	kinds map[string]bool
	last  *evidence.Run // newest
}

// findSources are the sources that runs name, sorted.
func (m *Maker) findSources() []source {
	byName := map[string]*source{}
	for i := range m.snap.Runs {
		run := &m.snap.Runs[i]
		s := byName[run.Provenance.Source]
		if s == nil {
			s = &source{name: run.Provenance.Source, kinds: map[string]bool{}}
			byName[s.name] = s
		}
		s.last = run
		for k := range run.Kinds {
			s.kinds[k] = true
		}
	}
	out := make([]source, 0, len(byName))
	for _, s := range byName {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b source) int { return cmp.Compare(a.name, b.name) })
	return out
}

func (m *Maker) sourceUUID(name string) string { return m.always("source", name) }

func (m *Maker) sourceComponent(s *source) component {
	p := s.last.Provenance
	c := component{uuid: m.sourceUUID(s.name), typ: "validation", title: "Source " + or(line(s.name), "(no name)"), state: "operational",
		description: "A source that Exhibit reads with the connector " + or(prose(p.Connector), "(unknown)") + ".",
		props: []types.Property{own("exhibit-source", s.name), own("exhibit-connector", p.Connector), own("exhibit-method", p.Method),
			own("exhibit-reliability", p.Reliability)}}
	if !m.snap.Redaction.Omitted("Collector runs") {
		c.props = append(c.props, own("exhibit-binary", p.Binary), own("exhibit-identity", p.Identity))
	}
	if v := value(p.ConnectorVersion, maxLine); v != "" {
		c.props = append([]types.Property{{Name: "version", Value: v}}, c.props...)
	}
	return c
}

// systemComponent is a component as it runs, for plans, results and POA&M.
func (c *component) systemComponent() types.SystemComponent {
	return types.SystemComponent{UUID: c.uuid, Type: c.typ, Title: c.title, Description: c.description, Props: props(c.props...),
		Status: types.SystemComponentStatus{State: c.state, Remarks: prose(c.why)}}
}

// componentDefinition has a component for each AI system and vendor, for the
// management system, and for what reads them. Each says how far the evidence
// shows each control for it.
func (m *Maker) componentDefinition() types.ComponentDefinition {
	all := append([]component{m.management()}, m.systems...)
	results := m.byComponent()
	var out []types.DefinedComponent
	for i := range all {
		c := &all[i]
		d := c.defined()
		d.ControlImplementations = m.implementations(c, results[c.uuid])
		d.ResponsibleRoles = m.responsible(roleOwner, c.owner)
		out = append(out, d)
	}
	tool := m.tool()
	out = append(out, tool.defined())
	for i := range m.sources {
		c := m.sourceComponent(&m.sources[i])
		out = append(out, c.defined())
	}
	return types.ComponentDefinition{
		UUID:     m.once("component-definition"),
		Metadata: m.withPeople(m.metadata("AI systems and how far evidence shows the controls for them", m.version())), Components: &out,
	}
}

func (c *component) defined() types.DefinedComponent {
	return types.DefinedComponent{UUID: c.uuid, Type: c.typ, Title: c.title, Description: c.description, Props: props(c.props...)}
}

// about returns the components that a result is about: the AI systems that it
// concerns, its vendor, or else the management system.
func (m *Maker) about(r *assess.Result) []string {
	var out []string
	for _, id := range r.Systems {
		out = append(out, m.byName["ai_system\n"+id])
	}
	if concrete(r.Subject) {
		name := r.Subject.Type + "\n" + r.Subject.ID
		if r.Subject.Type == "vendor" {
			name = vendorName(r.Subject.ID)
		}
		if id := m.byName[name]; id != "" && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	if len(out) == 0 {
		return []string{m.always("management-system")}
	}
	return out
}

// byComponent gives the results about each component, by control, as positions
// among the assessment's controls.
func (m *Maker) byComponent() map[string]map[int][]*assess.Result {
	out := map[string]map[int][]*assess.Result{}
	for i := range m.snap.Assessment.Controls {
		for _, r := range m.snap.Assessment.Controls[i].Results {
			for _, id := range m.about(r) {
				if out[id] == nil {
					out[id] = map[int][]*assess.Result{}
				}
				out[id][i] = append(out[id][i], r)
			}
		}
	}
	return out
}

// implementations are a component's controls, in the order of the assessment.
func (m *Maker) implementations(c *component, byControl map[int][]*assess.Result) *[]types.ControlImplementationSet {
	var reqs []types.ImplementedRequirementControlImplementation
	for _, i := range slices.Sorted(maps.Keys(byControl)) {
		reqs = append(reqs, m.requirement(c, &m.snap.Assessment.Controls[i], byControl[i]))
	}
	if len(reqs) == 0 {
		return nil
	}
	return &[]types.ControlImplementationSet{{
		UUID: m.once("control-implementation", c.uuid), Source: Catalog.File(),
		Description: "What the evidence shows for this component, by control.", ImplementedRequirements: reqs,
	}}
}

// requirement is one control for one component: the worst of its results, how
// many there are of each, and each expectation's status.
func (m *Maker) requirement(c *component, ctl *assess.Control, results []*assess.Result) types.ImplementedRequirementControlImplementation {
	o := foldAll(results)
	if !ctl.Applicable {
		o.status = assess.StatusNotApplicable
	}
	list := []types.Property{own("exhibit-status", string(o.status)), own("exhibit-counts", counts(o.counts))}
	switch o.status { // anything else is no claim about an implementation
	case assess.StatusSatisfied:
		list = append([]types.Property{own("implementation-status", "implemented")}, list...)
	case assess.StatusNotApplicable:
		list = append([]types.Property{own("implementation-status", "not-applicable")}, list...)
	}
	said := map[string]bool{}
	for _, r := range results {
		if !said[r.Expectation] {
			said[r.Expectation] = true
			one := foldAll(slices.DeleteFunc(slices.Clone(results), func(x *assess.Result) bool { return x.Expectation != r.Expectation }))
			list = append(list, types.Property{Name: "exhibit-expectation", Ns: namespace, Class: token(string(one.status)), Value: value(r.Expectation, maxValue),
				Remarks: prose(counts(one.counts))})
		}
	}
	return types.ImplementedRequirementControlImplementation{
		UUID: m.once("implemented-requirement", c.uuid, ctl.ID), ControlId: controlID(ctl.ID), Props: props(list...),
		Description: fmt.Sprintf("%d of %d results satisfied as of %s.", o.counts[assess.StatusSatisfied], o.total, export.Time(m.snap.AsOf)),
		Remarks:     prose(m.snap.Controls[ctl.ID].Justification),
	}
}

// counts says how many results have each status, the worst first.
func counts(n map[assess.Status]int) string {
	var out []string
	for _, s := range worst {
		if n[s] > 0 {
			out = append(out, fmt.Sprintf("%d %s", n[s], s))
		}
	}
	return strings.Join(out, ", ")
}
