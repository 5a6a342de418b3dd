package records

import "strings"

// shape is one line of the table below. Fields are names with a suffix:
// none text, =a|b text that is one of these, @ time, # number, ? yes or no,
// [] list of texts, []{} list of objects, {} object. Key names the fields of the natural key.
type shape struct {
	kind, subjectType, subjectField, key, event, fields string
}

// ShapeOf returns the shape of a kind that people keep, and false for a kind
// that only a connector's own reading of a system can show (a merge, a scan, a
// deployment): such a kind is never taken from a file or a ticket.
func ShapeOf(kind string) (Shape, bool) {
	for _, row := range shapes() {
		if row.kind == kind {
			return row.expand(), true
		}
	}
	return Shape{}, false
}

// Shapes returns all shapes, in the vocabulary's order.
func Shapes() []Shape {
	rows := shapes()
	out := make([]Shape, 0, len(rows))
	for _, row := range rows {
		out = append(out, row.expand())
	}
	return out
}

func (r shape) expand() Shape {
	s := Shape{
		Kind: r.kind, SubjectType: r.subjectType, SubjectField: r.subjectField,
		Key: strings.Fields(r.key), EventField: r.event,
	}
	for _, f := range strings.Fields(r.fields) {
		s.Fields = append(s.Fields, parseField(f))
	}
	return s
}

func parseField(f string) Field {
	for _, t := range []struct {
		suffix string
		is     FieldType
	}{{"[]{}", Objects}, {"[]", Texts}, {"{}", Object}, {"@", Time}, {"#", Number}, {"?", Bool}} {
		if name, ok := strings.CutSuffix(f, t.suffix); ok {
			return Field{Name: name, Type: t.is}
		}
	}
	name, values, closed := strings.Cut(f, "=")
	if closed {
		return Field{Name: name, Type: Text, Values: strings.Split(values, "|")}
	}
	return Field{Name: f, Type: Text}
}

func shapes() []shape {
	return append(append(append(governance(), systems()...), operation()...), suppliers()...)
}

// governance: the management system, its documents, people and improvement.
func governance() []shape {
	const org, nc = "organization", "nonconformity"
	return []shape{
		{"document.approval", "document", "doc_id", "doc_id sha256 approver", "approved_at",
			"doc_id version sha256 approver approver_role decision=approved|rejected approved_at@ method=pr_merge|e_signature|jira|minutes"},
		{"document.review", "document", "doc_id", "doc_id reviewed_at", "reviewed_at",
			"doc_id version reviewer reviewed_at@ outcome=no_change|changed|retire next_due@ policies[]{}"},
		{"document.acknowledgement", "person", "person", "doc_id version person", "acknowledged_at",
			"doc_id version person acknowledged_at@ population_ref"},
		{"context.register", org, "", "approved_at", "approved_at",
			"issues[]{} ai_roles[] climate_relevance approved_by approved_at@"},
		{"stakeholder.register", org, "", "approved_at", "approved_at", "parties[]{} approved_by approved_at@"},
		{"legal.register", org, "", "reviewed_at", "reviewed_at", "obligations[]{} reviewed_by reviewed_at@"},
		{"scope.statement", org, "", "approved_at", "approved_at",
			"version statement boundaries systems[] sites[] units[] exclusions[]{} roles[] headcount[]{} approved_by approved_at@ sha256 content_sha256"},
		{"aims.process_map", org, "", "approved_at", "approved_at", "processes[]{} approved_by approved_at@"},
		{"aims.change_record", "change", "change_id", "change_id", "effective_at",
			"change_id type=scope|policy|soa|role|process|ai_class refs[] planned_by planned_at@ reason impact approved_by approved_at@ effective_at@"},
		{"soa.record", org, "", "version", "approved_at", "version controls[]{} approved_by approved_at@ controls_sha256 proposed_by proposed_account proposed_at@ approved_account approved_sha256"},
		{"objective.definition", org, "", "objective_id version", "approved_at",
			"objective_id version metric target owner due@ plan resources evaluation frequency evaluator level approved_by approved_at@ area system_ids[]"},
		{"objective.measurement", org, "", "objective_id period", "measured_at",
			"objective_id period value# target# status measured_at@ source_query evaluated_by evaluation"},
		{"role.assignment", "person", "person", "role person start", "start",
			"role person start@ end@ authority_doc directory_active? directory_checked_at@ system_id requirements[]"},
		{"competence.record", "person", "person", "person requirement", "obtained_at",
			"person role requirement evidence_type obtained_at@ valid_to@ verified_by verified_at@"},
		{"training.completion", "person", "person", "person course completed_at", "completed_at",
			"person course version completed_at@ score# population_ref"},
		{"communication.record", org, "", "topic audience sent_at", "sent_at",
			"topic audience channel sent_at@ sender content_sha256 due_at@"},
		{"resource.plan", org, "", "period", "approved_at",
			"period budget# headcount# tooling gaps[] approved_by approved_at@ covers_from@ covers_to@ open_gaps[]{}"},
		{"improvement.record", org, "", "id", "implemented_at", "id source description implemented_at@ evidence_ref"},
		{"review.management", org, "", "review_id", "held_at",
			"review_id held_at@ chair attendees[] inputs{} decisions[]{} minutes_sha256"},
		{"certification.body", org, "", "body", "checked_on",
			"body accreditation_body scheme accreditation_number valid_to@ checked_on@ checked_by years# management_schemes[] references[] sector_references[] auditors[] competence_sha256 sites_covered[] stage1_days# stage2_days# surveillance_days# stage1_at@ stage2_at@ surveillance_plan scope_text offer_sha256 offered_at@ monitoring_answer oversight_answer vendor_answer change_answer challenge_answer"},
		{"audit.programme", org, "", "cycle", "approved_at", "cycle audits[]{} approved_by approved_at@"},
		{"audit.internal", org, "", "audit_id", "performed_at",
			"audit_id scope clauses[] controls[] systems[] auditor auditor_independent? performed_at@ report_sha256 findings[] reported_to reported_at@"},
		{"audit.finding", nc, "finding_id", "finding_id", "raised_at",
			"finding_id source grade=major|minor|observation clause raised_at@ owner due@ closed_at@"},
		{"nonconformity.record", nc, "nc_id", "nc_id", "raised_at",
			"nc_id source clause description raised_at@ correction cause similar_check status"},
		{"corrective_action.record", nc, "nc_id", "action_id", "verified_at",
			"action_id nc_id owner due@ implemented_at@ implemented_by verified_by verified_at@ effective? extended_to@ extension_approved_by extension_approved_at@"},
		{"concern.channel", org, "", "channel_url", "last_test_at",
			"channel_url anonymous? non_retaliation_ref last_test_at@ published_at@ public?"},
		{"concern.report", "record", "case_id", "case_id", "received_at",
			"case_id received_at@ triaged_at@ closed_at@ outcome owner"},
		{"risk.method", org, "", "doc_id sha256", "approved_at", "doc_id sha256 criteria scales acceptance_rule approved_at@ approved_by version threshold accepters[]{} covers[]"},
		{"impact.method", org, "", "doc_id sha256", "approved_at", "doc_id sha256 triggers[] dimensions[] roles[] risk_link approved_at@"},
		{"external.report", org, "", "report_id", "submitted_at",
			"report_id obligation recipient due_at@ submitted_at@ receipt_ref"},
		{"customer.commitment", "customer", "customer_or_segment", "customer_or_segment commitment", "reviewed_at",
			"customer_or_segment commitment source_doc owner status reviewed_at@"},
	}
}

// systems: what is decided and written about one AI system.
func systems() []shape {
	const sys, id = "ai_system", "system_id"
	return []shape{
		{"risk.assessment", sys, id, "assessment_id", "approved_at",
			"assessment_id system_id system_version method_version risks[]{} assessor approved_by approved_at@ trigger impact_refs[] calibration_of differences considered[]{}"},
		{"risk.treatment_plan", sys, id, "plan_id", "approved_at",
			"plan_id system_id risk_ids[] actions[]{} residual approved_by approved_at@ reviewed_at@"},
		{"risk.acceptance", sys, id, "risk_id accepted_at", "accepted_at",
			"risk_id system_id level accepted_by role accepted_at@ expires_at@ rationale ended_at@"},
		{"impact.assessment", sys, id, "assessment_id", "approved_at",
			"assessment_id system_id system_version affected_groups[] individual_impacts[] societal_impacts[] misuse[] mitigations[] conclusion assessor approved_by approved_at@ doc_id sha256 supersedes group_harms[] type=full|screening affected? trigger"},
		{"inventory.ai_system", sys, id, "system_id", "reviewed_at",
			"system_id name purpose owner deputy risk_tier=high|limited|minimal tier_reason ai_role=developer|provider|deployer|user|customer|partner stage=intake|data|build|test|deploy|operate|retire models[] vendors[] datasets[] repos[] cloud_refs[] users affected_groups[] in_scope? go_live@ retired_at@ reviewed_at@ reviewed_by repositories[]{} jira[]{} customer_facing? generative? log_retention_days# callers[] version excluded_uses[] intended_use_changed_at@ surfaces[] tier_changed_at@ external_parties[]"},
		{"inventory.use_case_approval", sys, id, "request_key", "decided_at",
			"system_id request_key tier approver approver_role decision=approved|rejected|deferred decided_at@ conditions[] requester screening screened_at@"},
		{"inventory.tooling", sys, id, "system_id component version", "", "system_id component version licence source sha committed_at@ type=model|framework|library|tool|algorithm|service repo commit_sha generated_at@ accepted_by accepted_at@"},
		{"responsibility.matrix", sys, id, "system_id approved_at", "approved_at", "system_id activities[]{} approved_by approved_at@ parties[]"},
		{"system.requirements", sys, id, "system_id version", "approved_at",
			"system_id version requirements[]{} approved_by approved_at@"},
		{"system.design_record", sys, id, "system_id version", "updated_at",
			"system_id version architecture model_choice prompts data_flow threats[] failure_handling oversight_points[] updated_at@"},
		{"system.technical_documentation", sys, id, "system_id documented_version", "updated_at",
			"system_id sections{} documented_version updated_at@ sha256"},
		{"system.user_documentation", sys, id, "url version", "published_at",
			"system_id audience url sections{} version published_at@ sha256"},
		{"system.retirement", sys, id, "system_id", "decided_at",
			"system_id decided_at@ endpoints_removed_at@ keys_revoked_at@ data_disposition users_informed_at@ approved_by resource_ids[] key_ids[]"},
		{"evaluation.criteria", sys, id, "system_id version", "approved_at", "system_id metrics[]{} approved_at@ version proposed_by approved_by sha256"},
		{"evaluation.red_team", sys, id, "system_id version performed_at", "performed_at",
			"system_id version scope attempts# findings[] issue_keys[] performed_by performed_at@"},
		{"monitoring.plan", sys, id, "system_id version", "approved_at",
			"system_id version metrics[] method frequency owner thresholds{} approved_at@"},
		{"disclosure.notice", sys, id, "system_id surface probe_at", "probe_at",
			"system_id surface text_sha256 locale probe_at@ result=shown|absent|unreachable"},
		{"oversight.rule", sys, id, "system_id version", "approved_at",
			"system_id version decision_class required_review{} override_rights approved_at@"},
	}
}

// operation: what happens while systems are built, released and run.
func operation() []shape {
	const sys, id = "ai_system", "system_id"
	const dataset, did = "dataset", "dataset_id"
	return []shape{
		{"jira.change_request", "change", "key", "key", "implemented_at",
			"key id project summary status system_ids[] risk_class planned_start@ approval_ref approved_by approved_at@ implemented_at@ rollback_plan post_review linked_refs[]"},
		{"jira.incident", "incident", "key", "key", "declared_at",
			"key id project summary status system_ids[] severity harm_type detected_at@ declared_at@ contained_at@ resolved_at@ notifiable? decision_by rca_link corrective_action_keys[] notifiable_decided_at@"},
		{"jira.approval", "record", "issue_key", "approval_id", "decided_at",
			"issue_id issue_key approval_id name requester requested_at@ approvers[] decisions[]{} decision=approved|declined|pending decided_at@ final_decision artefact_refs[]"},
		{"evaluation.run", "release", "run_id", "run_id", "finished_at",
			"run_id system_id subject_ref dataset_version metrics{} thresholds{} passed? started_at@ finished_at@ executor artifact_sha256 criteria_version"},
		{"release.approval", "release", "release_id", "release_id", "decided_at",
			"release_id system_id tier artefact_refs[] approver approver_role decision decided_at@ conditions[] requested_by material? deviations[]"},
		{"release.checklist", "release", "release_id", "release_id", "completed_at",
			"release_id items{} completed_by completed_at@ system_id artefact_refs[]"},
		{"monitoring.metric_series", sys, id, "system_id metric window", "at", "system_id metric=drift|error|bias|harm|latency|feedback|escalation window value# threshold# at@"},
		{"cloud.log_volume", "deployment", "deployment", "deployment day", "day",
			"deployment day@ log_records# invocations# ratio# guardrail_id guardrail_version guarded_invocations#"},
		{"monitoring.alert", sys, id, "alert_id", "fired_at",
			"alert_id system_id metric fired_at@ acked_at@ resolved_at@ linked_issue severity acked_by outcome"},
		{"monitoring.review", sys, id, "system_id period", "reviewed_at",
			"system_id period reviewer conclusions actions[] reviewed_at@"},
		{"oversight.human_decision", sys, id, "decision_id", "decided_at",
			"system_id decision_id ai_output_ref reviewer action=accept|edit|reject|override decided_at@ latency_s#"},
		{"feedback.user_report", sys, id, "report_id", "received_at",
			"system_id report_id category received_at@ triaged_at@ outcome"},
		{"incident.communication", "incident", "incident_key", "incident_key recipient_class", "sent_at",
			"incident_key recipient_class due_at@ sent_at@ channel content_sha256 decision_by"},
		{"inventory.dataset", dataset, did, "dataset_id", "updated_at",
			"dataset_id system_ids[] category=train|validation|test|production|rag|feedback location owner personal_data? retention updated_at@"},
		{"data.datasheet", dataset, did, "dataset_id version", "approved_at",
			"dataset_id version motivation composition collection representativeness limits privacy approved_at@ author approved_by"},
		{"data.acquisition_record", dataset, did, "dataset_id acquired_at", "acquired_at",
			"dataset_id source rights_or_licence legal_basis acquired_at@ approved_by terms_sha256 acquired_by approved_at@"},
		{"data.quality_report", dataset, did, "dataset_id version run_at", "run_at",
			"dataset_id version checks[]{} passed? run_at@ run_by deviation deviation_approved_by deviation_approved_at@"},
		{"data.lineage", dataset, did, "dataset_id version", "recorded_at",
			"dataset_id version parents[] transform_commit model_versions[] recorded_at@ uri"},
		{"data.preparation_record", dataset, did, "dataset_id version", "recorded_at",
			"dataset_id version steps[] code_commit reviewer labelled_by recorded_at@ author labels? labelling_instructions agreement#"},
	}
}

// suppliers: vendors and what they promised.
func suppliers() []shape {
	const vendor, id = "vendor", "vendor_id"
	return []shape{
		{"vendor.record", vendor, id, "vendor_id", "updated_at",
			"vendor_id legal_name services[] criticality=critical|important|normal|low owner systems[] data_classes[] contract_ref updated_at@ control_decision decided_by decided_at@"},
		{"vendor.assessment", vendor, id, "vendor_id approved_at", "approved_at",
			"vendor_id topics{} result assessor approved_by approved_at@ next_due@ evidence_links[]"},
		{"vendor.contract_terms", vendor, id, "vendor_id doc_sha256", "effective_at",
			"vendor_id doc_sha256 version effective_at@ clauses{} agreed_training_opt_out? agreed_retention_days# reviewed_by reviewed_at@"},
		{"vendor.settings_capture", vendor, "vendor", "vendor org_or_project", "reviewed_at",
			"vendor org_or_project training_opt_out? retention_days# zdr? region captured_by captured_at@ reviewed_by reviewed_at@"},
		{"vendor.attestation", vendor, "vendor", "vendor type issued_at", "issued_at",
			"vendor type=SOC2|ISO27001|ISO42001|pen_test scope issued_at@ valid_to@ issuer doc_sha256 bridge_letter"},
	}
}
