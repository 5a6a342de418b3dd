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
			if !m.ofControl(c, byControl[c.ID], yield) {
				return
			}
		}
	}
}

// ofControl yields the findings of one control: on the whole, then by objective.
func (m *Maker) ofControl(c *assess.Control, rules []*rule, yield func(types.Finding) bool) bool {
	v := controlVerdict(c)
	folded := make([]objective, len(rules))
	var decides []*assess.Result
	for i, r := range rules {
		if folded[i] = fold(r.results); folded[i].verdict.state == v.state {
			decides = append(decides, folded[i].decides...)
		}
	}
	if v.established() && !yield(m.controlFinding(c, v, decides)) {
		return false
	}
	for i, r := range rules {
		if folded[i].verdict.established() && !yield(m.objectiveFinding(r, folded[i])) {
			return false
		}
	}
	return true
}

// controlFinding is what the status of a control establishes. Its reason is
// the control's, which counts.
func (m *Maker) controlFinding(c *assess.Control, v verdict, decides []*assess.Result) types.Finding {
	f := types.Finding{
		UUID: m.once("finding", "control", c.ID), Title: line(c.ID + " " + c.Title), Description: or(prose(c.Reason), "No reason is given."),
		Props:   props(own("exhibit-status", string(c.Status)), own("exhibit-control", c.ID), own("exhibit-counts", counts(c.Counts)), own("exhibit-satisfied", fmt.Sprintf("%d of %d", c.Satisfied, c.Total))),
		Origins: m.bySelf(),
		Target:  target("statement-id", statementID(c.ID), v),
	}
	m.relate(&f, decides)
	return f
}

// relate names the observations that a finding rests on, and their risks.
func (m *Maker) relate(f *types.Finding, decides []*assess.Result) {
	var seen []types.RelatedObservation
	var risks []types.AssociatedRisk
	for _, r := range decides {
		seen = append(seen, types.RelatedObservation{ObservationUuid: m.observationUUID(r)})
		if shortfall(r) && m.showsGaps() {
			risks = append(risks, types.AssociatedRisk{RiskUuid: m.riskUUID(r)})
		}
	}
	f.RelatedObservations, f.RelatedRisks = some(seen), some(risks)
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
	m.relate(&f, o.decides)
	return f
}
