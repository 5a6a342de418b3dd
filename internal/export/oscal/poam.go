package oscal

import (
	"context"
	"iter"
	"strconv"
	"time"

	types "github.com/defenseunicorns/go-oscal/src/types/oscal-1-1-3"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/finding"
)

// oscalSystem is the naming system of OSCAL's own facets.
const oscalSystem = "http://csrc.nist.gov/ns/oscal"

// poam writes what somebody has to do: an item for each shortfall, and one for
// each that a waiver covers, to be looked at again when it ends.
func (m *Maker) poam(ctx context.Context, d *document) {
	d.open("")
	d.open("plan-of-action-and-milestones")
	d.field("uuid", m.once("poam"))
	d.field("metadata", m.withPeople(m.metadata("Plan of action and milestones: what falls short", m.version())))
	d.field("system-id", types.SystemId{IdentifierType: "http://ietf.org/rfc/rfc4122", ID: m.always("management-system")})
	d.open("local-definitions")
	d.field("components", m.subjectComponents())
	list(d, "inventory-items", m.items(ctx, d, shortfall))
	d.field("assessment-assets", m.assets())
	d.close()
	list(d, "observations", m.observations(ctx, d, shortfall))
	list(d, "risks", m.risks(ctx, d))
	list(d, "poam-items", m.poamItems(ctx, d))
	d.close()
	d.close()
	d.text("\n")
}

func (m *Maker) riskUUID(r *assess.Result) string {
	return m.once("risk", r.Control, r.Expectation, r.Subject.Type, r.Subject.ID)
}

func (m *Maker) poamItems(ctx context.Context, d *document) iter.Seq[types.PoamItem] {
	return func(yield func(types.PoamItem) bool) {
		for r := range m.chosen(ctx, d, shortfall) {
			if !yield(types.PoamItem{
				UUID: m.once("poam-item", r.Control, r.Expectation, r.Subject.Type, r.Subject.ID), Title: m.shortTitle(r), Description: or(prose(r.Reason), "No reason is given."),
				Props:               props(m.shortProps(r)...),
				RelatedObservations: &[]types.RelatedObservation{{ObservationUuid: m.observationUUID(r)}},
				RelatedRisks:        &[]types.AssociatedRisk{{RiskUuid: m.riskUUID(r)}},
				Origins:             &[]types.PoamItemOrigin{{Actors: []types.OriginActor{{Type: "tool", ActorUuid: m.always("tool")}}}},
			}) {
				return
			}
		}
	}
}

func (m *Maker) shortTitle(r *assess.Result) string {
	return or(line(or(m.snap.Expectations[r.Expectation].Title, r.Expectation)+": "+words(r.Subject.Type)+" "+r.Subject.ID), "(no title)")
}

// shortProps are what an item and its risk say alike.
func (m *Maker) shortProps(r *assess.Result) []types.Property {
	return append([]types.Property{
		own("exhibit-status", string(r.Status)), own("exhibit-underlying-status", string(r.Underlying)), own("exhibit-finding-id", assess.FindingID(r.Expectation, r.Subject)),
		own("exhibit-control", r.Control), own("exhibit-control-id", controlID(r.Control)), own("exhibit-expectation", r.Expectation),
		own("exhibit-severity", r.Severity), own("exhibit-waiver", r.Waiver), own("exhibit-duty-due", stamp(r.DueAt)),
	}, append(m.lifeProps(r), subjectProps(r.Subject)...)...)
}

// lifeProps are what became of the finding, and whose it is.
func (m *Maker) lifeProps(r *assess.Result) []types.Property {
	l := m.life(r)
	if l == nil {
		return []types.Property{own("exhibit-owner", r.Owner)}
	}
	grade, why := l.GradedAs()
	word := "exhibit-suggested-grade"
	if l.Judged != nil {
		word = "exhibit-grade"
	}
	g := own(word, grade)
	g.Remarks = prose(why)
	return []types.Property{own("exhibit-owner", m.owner(r)), own("exhibit-state", string(l.State)), own("exhibit-opened", export.Time(l.Since())),
		own("exhibit-due", stamp(l.DueAt)), own("exhibit-acknowledged-by", l.AcknowledgedBy), g}
}

// owner is who has the next move: as a person assigned it, or as the register
// says.
func (m *Maker) owner(r *assess.Result) string {
	if l := m.life(r); l != nil {
		if owner, _ := l.OwnedBy(); owner != "" {
			return owner
		}
	}
	return r.Owner
}

// life is what became of a shortfall so far; nil if none is on record.
func (m *Maker) life(r *assess.Result) *finding.Life {
	return m.lives[assess.FindingID(r.Expectation, r.Subject)]
}

// due is when a shortfall is to be closed: as the organisation's rules say, or
// else when the duty itself was due.
func (m *Maker) due(r *assess.Result) *time.Time {
	if l := m.life(r); l != nil && when(l.DueAt) != nil {
		return when(l.DueAt)
	}
	return when(r.DueAt)
}

// riskLog is the life of a finding, step by step.
func (m *Maker) riskLog(r *assess.Result) []types.RiskLogEntry {
	l := m.life(r)
	if l == nil {
		return nil
	}
	var out []types.RiskLogEntry
	for i, e := range l.History {
		if at := when(&e.At); at != nil {
			out = append(out, types.RiskLogEntry{UUID: m.once("step", m.riskUUID(r), strconv.Itoa(i)), Title: or(line(string(e.Type)), "(step)"), Start: *at,
				Description: prose(e.Cause), Props: props(own("exhibit-step", string(e.Type)), own("exhibit-by", e.By), own("exhibit-status", string(e.Status)))})
		}
	}
	return out
}

// risks has one for each shortfall.
func (m *Maker) risks(ctx context.Context, d *document) iter.Seq[types.Risk] {
	return func(yield func(types.Risk) bool) {
		if !m.showsGaps() {
			return
		}
		for r := range m.chosen(ctx, d, shortfall) {
			if !yield(m.risk(r)) {
				return
			}
		}
	}
}

func (m *Maker) risk(r *assess.Result) types.Risk {
	origin := types.Origin{Actors: []types.OriginActor{{Type: "tool", ActorUuid: m.always("tool")}}}
	k := types.Risk{
		UUID: m.riskUUID(r), Title: m.shortTitle(r), Description: or(prose(r.Reason), "No reason is given."),
		Statement: or(prose(m.snap.Expectations[r.Expectation].Statement), "What is expected is not on record."), Status: "open",
		Props: props(m.shortProps(r)...), Origins: &[]types.Origin{origin}, Deadline: m.due(r),
		RelatedObservations: &[]types.RelatedObservation{{ObservationUuid: m.observationUUID(r)}},
	}
	if r.Severity != "" {
		k.Characterizations = &[]types.Characterization{{Origin: origin, Facets: []types.Facet{{Name: "severity", System: oscalSystem, Value: value(r.Severity, maxLine),
			Remarks: "The severity of the expectation; not a rating of the risk."}}}}
	}
	log := m.riskLog(r)
	if r.Status == assess.StatusWaived {
		log = append(log, m.deviate(&k, r)...)
	}
	if len(log) > 0 {
		k.RiskLog = &types.RiskLog{Entries: log}
	}
	k.Remediations = m.remediations(r)
	return k
}

// deviate makes a risk one that was accepted, as the waiver says, and returns
// the step in which it was.
func (m *Maker) deviate(k *types.Risk, r *assess.Result) []types.RiskLogEntry {
	k.Status = "deviation-approved"
	w := m.waivers[r.Waiver]
	if w == nil {
		return nil
	}
	k.Deadline = when(&w.ExpiresAt)
	if w.Compensating != "" {
		k.MitigatingFactors = &[]types.MitigatingFactor{{UUID: m.once("mitigating-factor", r.Waiver, m.riskUUID(r)), Description: prose(w.Compensating)}}
	}
	start := when(&w.ApprovedAt)
	if start == nil {
		return nil
	}
	return []types.RiskLogEntry{{
		UUID: m.once("waiver", r.Waiver, m.riskUUID(r)), Title: "Waiver " + line(w.ID) + " approved", Start: *start, End: when(&w.ExpiresAt),
		Description: or(prose(w.Reason), "No reason is given."), StatusChange: "deviation-approved",
		Props: props(types.Property{Name: "type", Value: "dr-approved"}, own("exhibit-waiver", w.ID), own("exhibit-requested-by", w.RequestedBy),
			own("exhibit-approved-by", w.ApprovedBy), own("exhibit-approver-role", w.ApproverRole), own("exhibit-expires", export.Time(w.ExpiresAt))),
	}}
}

// remediations are what would close a shortfall, with its milestone.
func (m *Maker) remediations(r *assess.Result) *[]types.Response {
	text := prose(r.Remedy)
	due := m.due(r)
	what := "Close the shortfall"
	if w := m.waivers[r.Waiver]; r.Status == assess.StatusWaived && w != nil {
		due, what = when(&w.ExpiresAt), "The waiver ends: close the shortfall, or decide again"
	}
	if text == "" && due == nil {
		return nil
	}
	out := types.Response{UUID: m.once("remediation", m.riskUUID(r)), Lifecycle: "recommendation", Title: what, Description: or(text, what+".")}
	if due != nil {
		out.Tasks = &[]types.Task{{UUID: m.once("milestone", m.riskUUID(r)), Type: "milestone", Title: what, ResponsibleRoles: m.responsible(roleMove, m.owner(r)),
			Timing: &types.EventTiming{OnDate: &types.OnDateCondition{Date: *due}}}}
	}
	return &[]types.Response{out}
}
