package ask

import (
	"fmt"
	"strings"
)

// line says in one sentence what a record tells of a system. Every kind of
// stageDefs has words of its own.
func line(r record) Fact {
	at := r.EventTime
	if at.IsZero() {
		at = r.CollectedAt
	}
	words, ok := lineWords()[r.Kind]
	if !ok {
		return r.fact(at, r.Kind)
	}
	return r.fact(at, words(r))
}

func nobody(s string) string { return or(s, "nobody named") }

func lineWords() map[string]func(record) string {
	return map[string]func(record) string{
		"inventory.ai_system": func(r record) string {
			return fmt.Sprintf("entry in the register confirmed by %s: tier %s, stage %s, owner %s", nobody(r.text("reviewed_by")), or(r.text("risk_tier"), "not stated"), or(r.text("stage"), "not stated"), nobody(r.text("owner")))
		},
		"inventory.use_case_approval": func(r record) string {
			return fmt.Sprintf("%s: %s by %s%s", or(r.text("request_key"), r.Key), or(r.text("decision"), "undecided"), nobody(r.text("approver")), as(r))
		},
		"risk.assessment":   func(r record) string { return assessmentWords("risk", r) },
		"impact.assessment": func(r record) string { return assessmentWords("impact", r) },
		"risk.treatment_plan": func(r record) string {
			return fmt.Sprintf("treatment plan %s approved by %s, %d actions", or(r.text("plan_id"), r.Key), nobody(r.text("approved_by")), len(r.objects("actions")))
		},
		"risk.acceptance": func(r record) string {
			return fmt.Sprintf("risk %s accepted by %s until %s", or(r.text("risk_id"), r.Key), nobody(r.text("accepted_by")), day(r.time("expires_at")))
		},
		"data.datasheet": func(r record) string {
			return fmt.Sprintf("datasheet of %s%s approved by %s", r.text("dataset_id"), version(r), nobody(r.text("approved_by")))
		},
		"data.acquisition_record": func(r record) string {
			return fmt.Sprintf("data of %s came into %s, allowed by %s", or(r.text("source"), "an unnamed source"), r.text("dataset_id"), nobody(r.text("approved_by")))
		},
		"data.quality_report": func(r record) string {
			return fmt.Sprintf("%s%s was checked by %s: %s", r.text("dataset_id"), version(r), nobody(r.text("run_by")), passed(r))
		},
		"data.lineage": func(r record) string {
			return fmt.Sprintf("where %s%s comes from was recorded", r.text("dataset_id"), version(r))
		},
		"data.preparation_record": func(r record) string {
			return fmt.Sprintf("preparation of %s%s by %s, looked at by %s", r.text("dataset_id"), version(r), nobody(r.text("author")), nobody(r.text("reviewer")))
		},
		"system.requirements": func(r record) string {
			return "requirements" + version(r) + " approved by " + nobody(r.text("approved_by"))
		},
		"system.design_record": func(r record) string { return "design record" + version(r) + " written" },
		"system.technical_documentation": func(r record) string {
			return "technical documentation of " + or(r.text("documented_version"), "no version")
		},
		"system.user_documentation": func(r record) string {
			return "documentation for users" + version(r) + " published at " + or(r.text("url"), "no address")
		},
		"responsibility.matrix": func(r record) string {
			return "matrix of responsibilities approved by " + nobody(r.text("approved_by"))
		},
		"github.pull_request": func(r record) string {
			return fmt.Sprintf("%s by %s merged into %s", quote(r.text("title")), nobody(r.text("author")), or(r.text("base_ref"), "an unknown branch"))
		},
		"github.push": func(r record) string {
			return fmt.Sprintf("%s pushed by %s to %s without a pull request", quote(r.text("message_summary")), or(r.text("pusher"), nobody(r.text("author"))), r.text("ref"))
		},
		"jira.change_request": func(r record) string {
			return fmt.Sprintf("change request %s %s, approved by %s on %s", r.text("key"), quote(r.text("summary")), nobody(r.text("approved_by")), day(r.time("approved_at")))
		},
		"evaluation.criteria": func(r record) string {
			return "criteria" + version(r) + " approved by " + nobody(r.text("approved_by"))
		},
		"evaluation.run": func(r record) string { return runFact(r, Fact{}).Text },
		"evaluation.red_team": func(r record) string {
			return fmt.Sprintf("attacked on purpose by %s: %s", nobody(r.text("performed_by")), or(r.text("scope"), "no scope stated"))
		},
		"release.approval": func(r record) string {
			return fmt.Sprintf("release %s: %s by %s%s", or(r.text("release_id"), r.Key), or(r.text("decision"), "no outcome recorded, signed"), nobody(r.text("approver")), as(r))
		},
		"release.checklist": func(r record) string {
			return fmt.Sprintf("checklist of release %s completed by %s", r.text("release_id"), nobody(r.text("completed_by")))
		},
		"github.deployment": func(r record) string {
			return fmt.Sprintf("%s of %s deployed to %s by %s", commit(r.text("sha")), r.text("repo"), or(r.text("environment"), "an unnamed environment"), nobody(r.text("creator")))
		},
		"model_registry.deployment": func(r record) string {
			return fmt.Sprintf("endpoint %s serves %s", r.text("endpoint_id"), variants(r))
		},
		"model_registry.approval": func(r record) string {
			return fmt.Sprintf("model %s version %s: %s by %s", r.text("model"), r.text("version"), or(r.text("approval_status"), "no status"), nobody(r.text("changed_by")))
		},
		"monitoring.plan": func(r record) string {
			return "monitoring plan" + version(r) + " approved: " + strings.Join(r.texts("metrics"), ", ")
		},
		"monitoring.alert": alertWords,
		"monitoring.review": func(r record) string {
			return fmt.Sprintf("monitoring looked at by %s: %s", nobody(r.text("reviewer")), or(word(r.fields["conclusions"]), "no conclusion"))
		},
		"oversight.rule": func(r record) string { return "rule for human oversight: " + ruleFact(r).Text },
		"feedback.user_report": func(r record) string {
			return fmt.Sprintf("user report %s (%s), looked at on %s: %s", r.text("report_id"), or(r.text("category"), "no category"), day(r.time("triaged_at")), or(r.text("outcome"), "no outcome"))
		},
		"cloud.model_monitor": func(r record) string {
			return fmt.Sprintf("monitor %s of %s: %s", or(r.text("monitor_type"), "of no type"), r.text("deployment"), or(r.text("last_run_status"), "no run"))
		},
		"vendor.model_observation": func(r record) string { return seenFact(r).Text },
		"vendor.model_lifecycle":   func(r record) string { return seenFact(r).Text },
		"vendor.terms_revision":    func(r record) string { return seenFact(r).Text },
		"cloud.deployment_policy":  func(r record) string { return seenFact(r).Text },
		"jira.issue": func(r record) string {
			return fmt.Sprintf("issue %s %s opened, %s on %s", r.text("key"), quote(r.text("summary")), or(r.text("status"), "no status"), day(r.time("resolved_at")))
		},
		"audit.internal": func(r record) string {
			return fmt.Sprintf("internal audit %s by %s, %d findings", or(r.text("audit_id"), r.Key), nobody(r.text("auditor")), len(r.objects("findings"))+len(r.texts("findings")))
		},
		"system.retirement": func(r record) string {
			return fmt.Sprintf("retirement decided by %s: endpoints removed on %s, keys revoked on %s, users told on %s, data %s", nobody(r.text("approved_by")),
				day(r.time("endpoints_removed_at")), day(r.time("keys_revoked_at")), day(r.time("users_informed_at")), or(r.text("data_disposition"), "not spoken of"))
		},
	}
}

func assessmentWords(what string, r record) string {
	return fmt.Sprintf("%s assessment %s of version %s by %s, approved by %s", what, or(r.text("assessment_id"), r.Key), or(r.text("system_version"), "unknown"),
		nobody(r.text("assessor")), nobody(r.text("approved_by")))
}

func alertWords(r record) string {
	text := fmt.Sprintf("alert %s (%s, severity %s)", r.text("alert_id"), or(r.text("metric"), "no metric"), or(r.text("severity"), "not stated"))
	if at := r.time("acked_at"); at.IsZero() {
		text += ", acknowledged by nobody"
	} else {
		text += fmt.Sprintf(", acknowledged by %s after %s", nobody(r.text("acked_by")), span(at.Sub(r.EventTime)))
	}
	return text + ": " + or(r.text("outcome"), or(r.text("linked_issue"), "no outcome"))
}

func as(r record) string {
	if role := r.text("approver_role"); role != "" {
		return " as " + role
	}
	return ""
}

func version(r record) string {
	if v := r.text("version"); v != "" {
		return " version " + v
	}
	return ""
}

func passed(r record) string {
	switch ok, known := r.yes("passed"); {
	case !known:
		return "outcome not on record"
	case ok:
		return "passed"
	}
	return "not passed"
}

func quote(s string) string {
	if s == "" {
		return "something untitled"
	}
	return `"` + s + `"`
}

func commit(sha string) string {
	if sha == "" {
		return "an unknown commit"
	}
	return sha[:min(12, len(sha))]
}

func variants(r record) string {
	var out []string
	for _, v := range r.objects("variants") {
		name := or(v.text("model"), v.text("model_ref"))
		if ver := v.text("version"); ver != "" {
			name += "/" + ver
		}
		out = append(out, or(name, "an unknown model"))
	}
	return or(strings.Join(out, ", "), "nothing that is known")
}
