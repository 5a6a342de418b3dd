package oscal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	types "github.com/defenseunicorns/go-oscal/src/types/oscal-1-1-3"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/finding"
	"github.com/exhibit-aims/exhibit/internal/ledger"
)

// Version is the version of OSCAL that is written.
const Version = types.Version

// Model is one of OSCAL's models.
type Model string

// The models that are written.
const (
	Catalog             Model = "catalog"
	ComponentDefinition Model = "component-definition"
	AssessmentPlan      Model = "assessment-plan"
	AssessmentResults   Model = "assessment-results"
	POAM                Model = "poam"
)

// Models are all models, in the order in which each builds on those before.
func Models() []Model {
	return []Model{Catalog, ComponentDefinition, AssessmentPlan, AssessmentResults, POAM}
}

// File is the name under which the other models refer to this one.
func (m Model) File() string { return string(m) + ".json" }

// ErrNothing: the model would be empty, and OSCAL has no such document.
var ErrNothing = errors.New("nothing to write")

// Maker makes documents of one snapshot. It is not safe for concurrent use.
type Maker struct {
	snap    *export.Snapshot
	at      ledger.Checkpoint
	digests export.Digests
	found   map[evidence.Digest]*item
	waivers map[string]*export.Waiver
	lives   map[string]*finding.Life // by id of the finding
	sources []source
	systems []component // AI systems, then vendors
	byName  map[string]string
	rules   []rule   // expectations in force, in the order of results
	people  []string // owners of systems and shortfalls, sorted
	short   bool     // there is something for the POA&M
}

// New reads from a snapshot what all models need.
func New(ctx context.Context, s *export.Snapshot) (*Maker, error) {
	at, err := s.Validate()
	if err != nil {
		return nil, err
	}
	m := &Maker{snap: s, at: at, waivers: map[string]*export.Waiver{}, lives: map[string]*finding.Life{}}
	if m.digests, err = s.Digests(); err != nil {
		return nil, err
	}
	for i := range s.Waivers {
		m.waivers[s.Waivers[i].ID] = &s.Waivers[i]
	}
	for _, l := range s.Lives {
		m.lives[l.ID] = l
	}
	m.rules = rulesOf(s)
	m.short = slices.ContainsFunc(s.Assessment.Results, shortfall)
	m.people = m.findPeople()
	m.sources = m.findSources()
	m.systems, m.byName = m.findSystems()
	m.found, err = index(ctx, s, at.Size)
	return m, err
}

// Has reports whether a model has anything to say. Only a POA&M may not: nothing
// falls short, or the reader is not to see what is done about it.
func (m *Maker) Has(model Model) bool { return model != POAM || m.short && m.showsGaps() }

// showsGaps reports whether a reader may see what is done about shortfalls, as
// the workbook's sheet of gaps. Statuses are never hidden.
func (m *Maker) showsGaps() bool { return !m.snap.Redaction.Omitted("Gaps") }

// Write writes one model. It returns ErrNothing for a POA&M without items.
func (m *Maker) Write(ctx context.Context, w io.Writer, model Model) error {
	buf := bufio.NewWriterSize(w, 1<<16)
	d := &document{w: buf}
	switch model {
	case Catalog:
		d.whole("catalog", m.catalog())
	case ComponentDefinition:
		d.whole("component-definition", m.componentDefinition())
	case AssessmentPlan:
		d.whole("assessment-plan", m.assessmentPlan())
	case AssessmentResults:
		m.assessmentResults(ctx, d)
	case POAM:
		if !m.Has(POAM) {
			return fmt.Errorf("poam: %w: no result falls short, or none is shown", ErrNothing)
		}
		m.poam(ctx, d)
	default:
		return fmt.Errorf("oscal: no model %q", model)
	}
	if d.err != nil {
		return fmt.Errorf("%s: %w", model, d.err)
	}
	if err := buf.Flush(); err != nil {
		return fmt.Errorf("%s: %w", model, err)
	}
	return nil
}

// once names something of this snapshot alone.
func (m *Maker) once(kind string, names ...string) string {
	return named(kind, append([]string{m.digests.Snapshot.String(), m.profile()}, names...)...)
}

// profile is what hides something from the reader, or nothing.
func (m *Maker) profile() string {
	if r := m.snap.Redaction; r != nil {
		return r.Profile
	}
	return ""
}

// always names something that is the same in all snapshots of this ledger.
func (m *Maker) always(kind string, names ...string) string {
	return named(kind, append([]string{m.at.Origin}, names...)...)
}

// organisation is the party whose management system this is about.
func (m *Maker) organisation() string { return m.always("party") }

// Roles that people and the organisation have.
const (
	roleFor   = "prepared-for"
	roleOwner = "asset-owner"
	roleMove  = "has-the-next-move"
)

// findPeople are those whom systems and shortfalls name as owners.
func (m *Maker) findPeople() []string {
	said := map[string]bool{}
	for i := range m.snap.Systems {
		said[m.snap.Systems[i].Owner] = true
	}
	for _, r := range m.snap.Assessment.Results {
		if shortfall(r) && m.showsGaps() {
			said[m.owner(r)] = true
		}
	}
	delete(said, "")
	return slices.Sorted(maps.Keys(said))
}

// responsible gives a role to a person, if there is one.
func (m *Maker) responsible(role, person string) *[]types.ResponsibleRole {
	if person == "" {
		return nil
	}
	return &[]types.ResponsibleRole{{RoleId: role, PartyUuids: &[]string{m.always("person", person)}}}
}

// withPeople adds the people to a document's parties.
func (m *Maker) withPeople(meta types.Metadata) types.Metadata {
	parties := slices.Clone(*meta.Parties)
	for _, p := range m.people {
		parties = append(parties, types.Party{UUID: m.always("person", p), Type: "person", Name: or(value(p, maxLine), "(no name)")})
	}
	meta.Parties = &parties
	return meta
}

// metadata is what every model begins with.
func (m *Maker) metadata(title, version string) types.Metadata {
	s := m.snap
	name := value(s.Organisation, maxLine)
	if name == "" {
		name = "(organisation not named)"
	}
	return types.Metadata{
		Title: title, LastModified: s.AsOf.UTC(), Version: version, OscalVersion: Version,
		Props: props(
			own("exhibit-as-of", export.Time(s.AsOf)), own("exhibit-period", s.PeriodText()),
			own("exhibit-snapshot", m.digests.Snapshot.String()), own("exhibit-assessment", m.digests.Assessment.String()),
			own("exhibit-catalog", s.Assessment.Catalog.Digest.String()),
			own("exhibit-ledger-size", strconv.FormatInt(m.at.Size, 10)), own("exhibit-ledger-root", m.at.Root.String()),
			own("exhibit-tool-version", s.ToolVersion), own("exhibit-redaction", m.profile()),
		),
		Roles: &[]types.Role{
			{ID: roleFor, Title: "Organisation whose management system this is about"},
			{ID: roleOwner, Title: "Owner of an AI system"},
			{ID: roleMove, Title: "Who has the next move"},
		},
		Parties:            &[]types.Party{{UUID: m.organisation(), Type: "organization", Name: name}},
		ResponsibleParties: &[]types.ResponsibleParty{{RoleId: roleFor, PartyUuids: []string{m.organisation()}}},
		Remarks: "Made by Exhibit from one frozen snapshot of its ledger. It says what the evidence shows against Exhibit's own reading of what a control expects; " +
			"it is no auditor's opinion. Where nothing is established, no finding is written: see the property exhibit-status of the observations.",
	}
}

// version names the instant in documents of a snapshot.
func (m *Maker) version() string {
	return export.Time(m.snap.AsOf) + " " + m.digests.Snapshot.String()[:12]
}

// own is a property in our own namespace; one without a value is left out.
func own(name, text string) types.Property {
	return types.Property{Name: name, Ns: namespace, Value: value(text, maxValue)}
}

// props are the properties that have a value.
func props(list ...types.Property) *[]types.Property {
	return some(slices.DeleteFunc(list, func(p types.Property) bool { return p.Value == "" }))
}

// some is a list as OSCAL's types hold it: absent when empty.
func some[T any](list []T) *[]T {
	if len(list) == 0 {
		return nil
	}
	return &list
}

// or is the first of two texts that is there: OSCAL demands many texts.
func or(text, other string) string {
	if text != "" {
		return text
	}
	return other
}

// rule is an expectation with its results.
type rule struct {
	assess.InForce
	results []*assess.Result
}

// rulesOf are the expectations in force, and those that only results name, in
// the order of results.
func rulesOf(s *export.Snapshot) []rule {
	var out []rule
	at := map[string]int{}
	add := func(f assess.InForce) int {
		i, ok := at[f.Slug]
		if !ok {
			i = len(out)
			at[f.Slug] = i
			out = append(out, rule{InForce: f})
		}
		return i
	}
	for _, f := range s.Assessment.Expectations {
		add(f)
	}
	for _, r := range s.Assessment.Results {
		e := s.Expectations[r.Expectation]
		i := add(assess.InForce{Slug: r.Expectation, Control: r.Control, Title: e.Title, Statement: e.Statement, Severity: r.Severity,
			Strength: e.Strength, Kinds: e.Kinds})
		out[i].results = append(out[i].results, r)
	}
	return out
}

// title names a rule for people.
func (r *rule) title() string { return or(line(r.Title), line(r.Slug)) }

// method is how OSCAL calls what is done: a machine that compares records
// tests; where people decide part of it, what they recorded is examined.
func (r *rule) method() string {
	switch r.Automation {
	case "full":
		return "TEST"
	case "manual":
		return "INTERVIEW"
	}
	return "EXAMINE"
}
