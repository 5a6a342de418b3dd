package oscal

import (
	"slices"

	types "github.com/defenseunicorns/go-oscal/src/types/oscal-1-1-3"

	"github.com/exhibit-aims/exhibit/internal/export"
)

// assessmentPlan says what was looked at and how: the controls, the
// expectations as activities, the sources as tasks.
func (m *Maker) assessmentPlan() types.AssessmentPlan {
	ssp := types.Resource{
		UUID: named("no-ssp"), Title: "AI systems in place of a system security plan",
		Description: "Exhibit keeps no system security plan. What it knows of the AI systems is in the component definition.",
		Rlinks:      &[]types.ResourceLink{{Href: ComponentDefinition.File(), MediaType: "application/json"}},
	}
	catalog := types.Resource{
		UUID: named("catalog-file"), Title: "The catalog of this plan", Description: "Controls and objectives that the ids of this plan refer to.",
		Rlinks: &[]types.ResourceLink{{Href: Catalog.File(), MediaType: "application/json"}},
	}
	activities := m.activities()
	return types.AssessmentPlan{
		UUID: m.once("assessment-plan"), Metadata: m.metadata("Assessment plan: how evidence is collected and held against the controls", m.version()),
		ImportSsp: types.ImportSsp{Href: "#" + ssp.UUID, Remarks: "There is no system security plan; see the resource."},
		LocalDefinitions: &types.LocalDefinitions{
			Activities: some(activities), Components: some(m.subjectComponents()),
		},
		ReviewedControls:   m.reviewed(),
		AssessmentSubjects: some(m.subjects()),
		AssessmentAssets:   m.assets(),
		Tasks:              some(m.tasks()),
		TermsAndConditions: &types.AssessmentPlanTermsAndConditions{Parts: &[]types.AssessmentPart{{
			UUID: named("terms", "methodology"), Name: "methodology",
			Prose: "Connectors state facts and never a verdict; what they read is sealed into a ledger. Each expectation is held against its whole population, " +
				"unless it says that it samples. A source that was not read whole proves no absence. The same ledger and the same instant give the same results.",
		}}},
		BackMatter: &types.BackMatter{Resources: &[]types.Resource{ssp, catalog}},
	}
}

// subjectComponents are those that results can be about.
func (m *Maker) subjectComponents() []types.SystemComponent {
	first := m.management()
	out := []types.SystemComponent{first.systemComponent()}
	for i := range m.systems {
		out = append(out, m.systems[i].systemComponent())
	}
	return out
}

// toolComponents are what looks: Exhibit and its sources.
func (m *Maker) toolComponents() []types.SystemComponent {
	tool := m.tool()
	out := []types.SystemComponent{tool.systemComponent()}
	for i := range m.sources {
		c := m.sourceComponent(&m.sources[i])
		out = append(out, c.systemComponent())
	}
	return out
}

func (m *Maker) assets() *types.AssessmentAssets {
	components := m.toolComponents()
	var uses []types.UsesComponent
	for _, c := range components {
		uses = append(uses, types.UsesComponent{ComponentUuid: c.UUID})
	}
	return &types.AssessmentAssets{Components: &components,
		AssessmentPlatforms: []types.AssessmentPlatform{{UUID: m.always("platform"), Title: "Exhibit and its sources", UsesComponents: &uses}}}
}

// subjects are the AI systems and vendors by name, and the management system.
func (m *Maker) subjects() []types.AssessmentSubject {
	include := []types.SelectSubjectById{{SubjectUuid: m.always("management-system"), Type: "component"}}
	for i := range m.systems {
		include = append(include, types.SelectSubjectById{SubjectUuid: m.systems[i].uuid, Type: "component"})
	}
	return []types.AssessmentSubject{{Type: "component", IncludeSubjects: &include,
		Description: "The AI management system, every registered AI system, and the vendors that they use."}}
}

// reviewed are all controls and objectives of the assessment.
func (m *Maker) reviewed() types.ReviewedControls {
	in := types.AssessedControls{Description: "Controls that apply."}
	out := types.AssessedControls{Description: "Controls that the organisation has excluded, with a justification."}
	for i := range m.snap.Assessment.Controls {
		c := &m.snap.Assessment.Controls[i]
		select1 := types.AssessedControlsSelectControlById{ControlId: controlID(c.ID)}
		to := &in
		if !c.Applicable {
			to = &out
		}
		if to.IncludeControls == nil {
			to.IncludeControls = &[]types.AssessedControlsSelectControlById{}
		}
		*to.IncludeControls = append(*to.IncludeControls, select1)
	}
	if out.IncludeControls != nil {
		in.ExcludeControls, in.Description = out.IncludeControls, "Controls that apply; the organisation has excluded the others, with a justification."
	}
	var objectives []types.SelectObjectiveById
	for i := range m.rules {
		objectives = append(objectives, types.SelectObjectiveById{ObjectiveId: objectiveID(m.rules[i].Control, m.rules[i].Slug)})
	}
	r := types.ReviewedControls{ControlSelections: []types.AssessedControls{in},
		Links: &[]types.Link{{Href: Catalog.File(), Rel: "catalog", MediaType: "application/json"}}}
	if len(objectives) > 0 {
		r.ControlObjectiveSelections = &[]types.ReferencedControlObjectives{{IncludeObjectives: &objectives}}
	}
	return r
}

// activities are the expectations in force.
func (m *Maker) activities() []types.Activity {
	var out []types.Activity
	for i := range m.rules {
		r := &m.rules[i]
		out = append(out, types.Activity{
			UUID: m.activity(r), Title: r.title(), Description: or(prose(r.Statement), r.title()),
			Props: props(types.Property{Name: "method", Value: r.method()}, own("exhibit-expectation", r.Slug), own("exhibit-automation", r.Automation),
				own("exhibit-thresholds", thresholds(r)), own("exhibit-sampling", r.Sampling), own("exhibit-switched-off", r.Off)),
			RelatedControls: &types.ReviewedControls{
				ControlSelections: []types.AssessedControls{{IncludeControls: &[]types.AssessedControlsSelectControlById{{ControlId: controlID(r.Control)}}}},
				ControlObjectiveSelections: &[]types.ReferencedControlObjectives{{
					IncludeObjectives: &[]types.SelectObjectiveById{{ObjectiveId: objectiveID(r.Control, r.Slug)}}}},
			},
		})
	}
	return out
}

func (m *Maker) activity(r *rule) string { return m.always("activity", r.Control, r.Slug) }

func (m *Maker) taskUUID(source string) string { return m.once("task", source) }

// runProps name the newest run of a source as of the snapshot.
func (m *Maker) runProps(s *source) *[]types.Property {
	if m.snap.Redaction.Omitted("Collector runs") {
		return props(own("exhibit-source", s.name))
	}
	return props(own("exhibit-source", s.name), own("exhibit-run", s.last.ID), own("exhibit-run-status", string(s.last.Status)),
		own("exhibit-run-started", export.Time(s.last.StartedAt)), own("exhibit-run-finished", export.Time(s.last.FinishedAt)))
}

// tasks are the collections, and the evaluation of what they brought.
func (m *Maker) tasks() []types.Task {
	everything := []types.AssessmentSubject{{Type: "component", IncludeAll: &types.IncludeAll{}}}
	var out []types.Task
	evaluate := types.Task{UUID: m.once("evaluate"), Type: "action", Title: "Hold the evidence against every expectation",
		Description: "As of the instant of the snapshot.", Timing: &types.EventTiming{OnDate: &types.OnDateCondition{Date: m.snap.AsOf.UTC()}}}
	var all []types.AssociatedActivity
	for i := range m.rules {
		all = append(all, types.AssociatedActivity{ActivityUuid: m.activity(&m.rules[i]), Subjects: everything})
	}
	evaluate.AssociatedActivities = some(all)
	var after []types.TaskDependency
	for i := range m.sources {
		s := &m.sources[i]
		t := types.Task{UUID: m.taskUUID(s.name), Type: "action", Title: "Collect from " + or(line(s.name), "(no name)"),
			Description: "Read by " + or(prose(s.last.Provenance.Connector), "an unknown connector") + ".", Props: m.runProps(s)}
		var serves []types.AssociatedActivity
		for j := range m.rules {
			if slices.ContainsFunc(m.rules[j].Kinds, func(k string) bool { return s.kinds[k] }) {
				serves = append(serves, types.AssociatedActivity{ActivityUuid: m.activity(&m.rules[j]), Subjects: everything})
			}
		}
		t.AssociatedActivities = some(serves)
		out = append(out, t)
		after = append(after, types.TaskDependency{TaskUuid: t.UUID})
	}
	evaluate.Dependencies = some(after)
	return append(out, evaluate)
}
