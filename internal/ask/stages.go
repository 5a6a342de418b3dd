package ask

// The four chains that a decision about an AI system is defended by.
const (
	ChainRisk       = "risk"       // how risk was assessed
	ChainDeployment = "deployment" // how going live was approved
	ChainMonitoring = "monitoring" // how output was watched
	ChainIncident   = "incident"   // how incidents were answered
)

// Chains returns them in the order in which they are told.
func Chains() []string {
	return []string{ChainRisk, ChainDeployment, ChainMonitoring, ChainIncident}
}

// stageDef is one stage in the life of a system: what is read for it, and what
// judges it.
type stageDef struct {
	id, title, chain string
	named            []string // kinds whose records name the system
	joined           []string // kinds that results of judges rest on
	judges           []string // expectations
}

func stageDefs() []stageDef {
	return []stageDef{
		{id: "intake", title: "Intake and approval of the use", chain: ChainDeployment,
			named:  []string{"inventory.ai_system", "inventory.use_case_approval"},
			judges: []string{"use-case-intake-approved", "impact-screening-before-build", "ai-system-owner-named", "inventory-entry-complete", "inventory-attested", "intended-use-documented"}},
		{id: "assessment", title: "Risks and impacts", chain: ChainRisk,
			named: []string{"risk.assessment", "risk.treatment_plan", "risk.acceptance", "impact.assessment"},
			judges: []string{"risk-assessment-per-system", "risk-assessment-after-change", "impact-assessment-per-system", "impact-assessment-after-change",
				"treatment-plan-approved", "treatment-actions-on-time", "treatment-effectiveness-verified", "risk-acceptance-in-date", "impact-results-feed-risk",
				"impact-individuals-covered", "impact-societal-covered"}},
		{id: "data", title: "Data",
			joined: []string{"data.datasheet", "data.acquisition_record", "data.quality_report", "data.lineage", "data.preparation_record"},
			judges: []string{"dataset-inventory-linked", "dataset-datasheet-approved", "data-acquisition-recorded", "data-quality-checked", "data-lineage-recorded", "data-preparation-documented"}},
		{id: "design", title: "Requirements and design",
			named:  []string{"system.requirements", "system.design_record", "system.technical_documentation", "system.user_documentation", "responsibility.matrix"},
			judges: []string{"system-requirements-approved", "design-record-current", "technical-documentation-current", "user-documentation-published", "responsibility-matrix-per-system"}},
		{id: "change", title: "Changes", chain: ChainDeployment,
			named:  []string{"jira.change_request"},
			joined: []string{"github.pull_request", "github.push"},
			judges: []string{"release-change-approved", "operational-change-control", "unintended-change-reviewed", "branch-protection-enforced"}},
		{id: "evaluation", title: "Tests", chain: ChainDeployment,
			named:  []string{"evaluation.criteria", "evaluation.run", "evaluation.red_team"},
			judges: []string{"evaluation-criteria-approved", preRelease, "bias-test-linked", "adversarial-test"}},
		{id: "release", title: "Releases", chain: ChainDeployment,
			named:  []string{"release.approval", "release.checklist"},
			joined: []string{"github.deployment", "model_registry.deployment", "model_registry.approval"},
			judges: []string{"release-approval-by-tier", "deployed-model-approved", "release-readiness-checklist"}},
		{id: "monitoring", title: "Monitoring and human oversight", chain: ChainMonitoring,
			named: []string{"monitoring.plan", "monitoring.metric_series", "monitoring.alert", "monitoring.review", "oversight.rule",
				"oversight.human_decision", "feedback.user_report"},
			joined: []string{"cloud.model_monitor"},
			judges: []string{"monitoring-active", "alerts-acted-on", "monitoring-reviewed", "user-feedback-handled", "invocation-logging-enabled", "log-completeness",
				"human-oversight-rule-defined", "human-oversight-operated", "guardrail-attached"}},
		{id: "incident", title: "Incidents and corrective action", chain: ChainIncident,
			named:  []string{"jira.incident"},
			judges: []string{"incident-handled", "incident-notified-on-time", "corrective-action-effective", "corrective-action-on-time"}},
		{id: "vendor", title: "Changes that vendors made", chain: ChainRisk,
			named:  []string{"vendor.model_observation"},
			joined: []string{"vendor.model_lifecycle", "vendor.terms_revision", "cloud.deployment_policy", "jira.issue"},
			judges: []string{triage, "vendor-retirement-planned", "vendor-model-pinned", "vendor-assessed"}},
		{id: "audit", title: "Audits",
			named:  []string{"audit.internal"},
			judges: []string{}},
		{id: "retirement", title: "Retirement",
			named:  []string{"system.retirement"},
			judges: []string{"retirement-completed"}},
	}
}

// TraceKinds returns the kinds of record that a trace is read from.
func TraceKinds() []string {
	seen := map[string]bool{"inventory.ai_system": true, "incident.communication": true, "corrective_action.record": true, "github.pull_request_review": true}
	for _, d := range stageDefs() {
		for _, k := range append(d.named, d.joined...) {
			seen[k] = true
		}
	}
	return sortedKeys(seen)
}

// restedKinds are the kinds of which a trace shows only what results rest on, or
// none.
func restedKinds(traces bool) map[string]bool {
	if !traces {
		return nil
	}
	out := map[string]bool{"github.pull_request_review": true}
	for _, d := range stageDefs() {
		for _, k := range d.joined {
			out[k] = true
		}
	}
	for _, d := range stageDefs() {
		for _, k := range d.named {
			delete(out, k)
		}
	}
	return out
}
