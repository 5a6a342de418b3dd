package oscal

import (
	"strconv"
	"strings"

	types "github.com/defenseunicorns/go-oscal/src/types/oscal-1-1-3"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// rmf is where OSCAL keeps the name of an assessment method's property.
const rmf = "http://csrc.nist.gov/ns/rmf"

// standard is where ISO sells and describes the standard. Its text is not ours
// to hand out.
const (
	standardName = "ISO/IEC 42001:2023"
	standardPage = "https://www.iso.org/standard/42001"
)

// catalog gives the controls by id and short title, and our expectations as
// assessment objectives.
func (m *Maker) catalog() types.Catalog {
	ref := m.snap.Assessment.Catalog
	meta := m.metadata(standardName+": controls and what evidence is expected", or(value(ref.Version, maxLine), "unknown"))
	// The catalog says nothing of the organisation.
	meta.Props = props(own("exhibit-catalog-id", ref.ID), own("exhibit-catalog", ref.Digest.String()))
	meta.Parties, meta.Roles, meta.ResponsibleParties = nil, nil, nil
	return types.Catalog{
		UUID: named("catalog", ref.ID, ref.Version, ref.Digest.String()), Metadata: meta, Groups: some(m.groups()),
		BackMatter: &types.BackMatter{Resources: &[]types.Resource{m.standard()}},
	}
}

// standard is the resource that controls refer to.
func (m *Maker) standard() types.Resource {
	return types.Resource{
		UUID: named("standard", standardName), Title: standardName,
		Description: "The standard itself. Its wording is not reproduced: titles are short, as publicly used, and everything else is Exhibit's own.",
		Props:       &[]types.Property{{Name: "type", Value: "standard"}},
		Rlinks:      &[]types.ResourceLink{{Href: standardPage}},
	}
}

// groups are the controls by their area, in the order of the assessment.
func (m *Maker) groups() []types.Group {
	var out []types.Group
	at := map[string]int{}
	byControl := map[string][]*rule{}
	for i := range m.rules {
		r := &m.rules[i]
		byControl[r.Control] = append(byControl[r.Control], r)
	}
	for i := range m.snap.Assessment.Controls {
		c := &m.snap.Assessment.Controls[i]
		area := m.snap.Controls[c.ID].Area
		g, ok := at[area]
		if !ok {
			g = len(out)
			at[area] = g
			id, title, _ := strings.Cut(area, " ")
			out = append(out, types.Group{ID: groupID(id), Title: or(line(title), or(line(area), "Other controls")), Controls: &[]types.Control{}})
		}
		*out[g].Controls = append(*out[g].Controls, m.control(c, byControl[c.ID]))
	}
	return out
}

func (m *Maker) control(c *assess.Control, rules []*rule) types.Control {
	parts := []types.Part{{
		ID: statementID(c.ID), Name: "statement",
		Prose: "See " + standardName + ", " + prose(c.ID) + ". Its wording is not reproduced here.",
	}}
	for _, r := range rules {
		parts = append(parts, objectivePart(r), methodPart(r))
	}
	stages := make([]types.Property, 0, 2)
	for _, s := range m.snap.Controls[c.ID].Stages {
		stages = append(stages, own("exhibit-stage", s))
	}
	list := append([]types.Property{
		{Name: "label", Value: value(c.ID, maxLine)}, {Name: "sort-id", Value: sortID(c.ID)},
	}, stages...)
	return types.Control{
		ID: controlID(c.ID), Class: token(m.snap.Assessment.Catalog.ID), Title: or(line(c.Title), line(c.ID)), Props: props(list...), Parts: &parts,
		Links: &[]types.Link{{Href: "#" + named("standard", standardName), Rel: "reference", Text: standardName + ", " + line(c.ID)}},
	}
}

// sortID writes each number of an id with two digits, so that 10 follows 9.
func sortID(id string) string {
	var b strings.Builder
	for i, p := range strings.Split(controlID(id), ".") {
		if i > 0 {
			b.WriteByte('.')
		}
		head := strings.TrimRight(p, "0123456789")
		if n := p[len(head):]; len(n) == 1 {
			p = head + "0" + n
		}
		b.WriteString(strings.ToLower(p))
	}
	return b.String()
}

// objectivePart is an expectation: what counts, in our words.
func objectivePart(r *rule) types.Part {
	return types.Part{
		ID: objectiveID(r.Control, r.Slug), Name: "assessment-objective", Title: r.title(), Prose: or(prose(r.Statement), r.title()),
		Props: props(
			types.Property{Name: "label", Value: value(r.Slug, maxLine)},
			own("exhibit-expectation-version", number(r.Version)), own("exhibit-severity", r.Severity), own("exhibit-strength", r.Strength),
			own("exhibit-automation", r.Automation), own("exhibit-freshness", r.Mode), own("exhibit-thresholds", thresholds(r)),
			own("exhibit-switched-off", r.Off), own("exhibit-whose", whose(r)),
		),
		Links: &[]types.Link{{Href: "#" + methodID(r.Control, r.Slug), Rel: "assessment-method"}},
	}
}

// methodPart says how it is looked at, and at what.
func methodPart(r *rule) types.Part {
	objects := "Records of the kinds " + strings.Join(r.Kinds, ", ") + "."
	if len(r.Kinds) == 0 {
		objects = "Records of any kind."
	}
	if r.Per != "" {
		objects += " Held against each " + strings.ReplaceAll(r.Per, "_", " ") + "."
	}
	id := methodID(r.Control, r.Slug)
	return types.Part{
		ID: id, Name: "assessment-method",
		Props: &[]types.Property{{Name: "method", Ns: rmf, Value: r.method()}},
		Parts: &[]types.Part{{ID: id + "_objects", Name: "assessment-objects", Prose: prose(objects)}},
	}
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// thresholds are those of a rule in force; one that only results name has none.
func thresholds(r *rule) string {
	if r.CollectionMaxAge == "" {
		return ""
	}
	return r.Thresholds()
}

func whose(r *rule) string {
	switch {
	case r.Own:
		return "own"
	case len(r.Changed) > 0:
		return "changed: " + strings.Join(r.Changed, ", ")
	}
	return ""
}
