package oscal

import (
	"fmt"
	"iter"

	types "github.com/defenseunicorns/go-oscal/src/types/oscal-1-1-3"

	"github.com/exhibit-aims/exhibit/internal/assess"
)

// findings has one for each objective, and one for each whole control, of which
// something is established.
func (m *Maker) findings() iter.Seq[types.Finding] {
	return func(yield func(types.Finding) bool) {
		byControl := map[string][]*rule{}
		for i := range m.rules {
			byControl[m.rules[i].Control] = append(byControl[m.rules[i].Control], &m.rules[i])
		}
		for i := range m.snap.Assessment.Controls {
			c := &m.snap.Assessment.Controls[i]
			if !c.Applicable {
				continue
			}
			if v := controlVerdict(c); v.established() && !yield(m.controlFinding(c, v)) {
				return
			}
			for _, r := range byControl[c.ID] {
				if o := fold(r.results); o.verdict.established() && !yield(m.objectiveFinding(r, o)) {
					return
				}
			}
		}
	}
}

// controlFinding is what the status of a control establishes. Its reason is
// the control's, which counts.
func (m *Maker) controlFinding(c *assess.Control, v verdict) types.Finding {
	return types.Finding{
		UUID: m.once("finding", "control", c.ID), Title: line(c.ID + " " + c.Title), Description: or(prose(c.Reason), "No reason is given."),
		Props:   props(own("exhibit-status", string(c.Status)), own("exhibit-control", c.ID), own("exhibit-counts", counts(c.Counts)), own("exhibit-satisfied", fmt.Sprintf("%d of %d", c.Satisfied, c.Total))),
		Origins: m.bySelf(),
		Target:  target("statement-id", statementID(c.ID), v),
	}
}

func target(typ, id string, v verdict) types.FindingTarget {
	return types.FindingTarget{Type: typ, TargetId: id, Status: types.ObjectiveStatus{State: v.state, Reason: v.reason}}
}

// bySelf says that Exhibit concluded it.
func (m *Maker) bySelf() *[]types.Origin {
	return &[]types.Origin{{Actors: []types.OriginActor{{Type: "tool", ActorUuid: m.always("tool")}}}}
}

// objectiveFinding is what the results of an expectation establish together.
func (m *Maker) objectiveFinding(r *rule, o objective) types.Finding {
	f := types.Finding{
		UUID: m.once("finding", "objective", r.Control, r.Slug), Title: r.title(), Origins: m.bySelf(),
		Description: fmt.Sprintf("%d of %d satisfied (%s).", o.counts[assess.StatusSatisfied], o.total, counts(o.counts)),
		Props: props(own("exhibit-status", string(o.status)), own("exhibit-control", r.Control), own("exhibit-expectation", r.Slug),
			own("exhibit-severity", r.Severity), own("exhibit-counts", counts(o.counts))),
		Target: target("objective-id", objectiveID(r.Control, r.Slug), o.verdict),
	}
	var seen []types.RelatedObservation
	var risks []types.AssociatedRisk
	for _, res := range o.decides {
		seen = append(seen, types.RelatedObservation{ObservationUuid: m.observationUUID(res)})
		if shortfall(res) {
			risks = append(risks, types.AssociatedRisk{RiskUuid: m.riskUUID(res)})
		}
	}
	f.RelatedObservations, f.RelatedRisks = some(seen), some(risks)
	return f
}
