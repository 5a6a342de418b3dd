package sheets

import (
	"fmt"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
)

// sprint fills instants, in days ago, into a payload.
func sprint(payload string, days ...int) string {
	var at []any
	for _, d := range days {
		at = append(at, ago(d))
	}
	return fmt.Sprintf(payload, at...)
}

func TestIncidents(t *testing.T) {
	b, _ := smallBook(t, []export.System{{ID: "bot", Name: "The bot"}},
		rec{"jira.incident", "incident", "INC-2", sprint(`{"key":"INC-2","system_ids":["bot","gone"],"severity":"high","declared_at":%q,"notifiable":true,"decision_by":"ann","corrective_action_keys":["C-1","C-9"]}`, 5)},
		rec{"jira.incident", "incident", "INC-1", sprint(`{"key":"INC-1","declared_at":%q}`, 9)},
		rec{"incident.communication", "incident", "INC-2", `{"incident_key":"INC-2","recipient_class":"customers","due_at":"2026-06-26T00:00:00Z","sent_at":"2026-06-25T00:00:00Z"}`},
		rec{"incident.communication", "incident", "INC-2", `{"incident_key":"INC-2","recipient_class":"authority","due_at":"2026-06-28T00:00:00Z"}`},
		rec{"corrective_action.record", "nonconformity", "INC-2", `{"action_id":"C-1","nc_id":"INC-2","owner":"ann","effective":false,"verified_by":"bob","verified_at":"2026-06-27T00:00:00Z"}`},
		rec{"corrective_action.record", "nonconformity", "INC-2", `{"action_id":"C-2","nc_id":"INC-2","owner":"ann"}`},
		rec{"nonconformity.record", "nonconformity", "INC-2", `{"nc_id":"INC-2","cause":"a rule was missing"}`},
		rec{"directory.names", "person", "ann", `{"person":"ann","names":["Ann Berg"]}`},
	)
	g := show(t, b, "Incidents")
	g.is(t, 0, map[string]string{"key": "INC-1", "notifiable": "not established", "systems": "", "effectiveness check": ""})
	g.is(t, 1, map[string]string{"key": "INC-2", "systems": "The bot (bot)\ngone", "notifiable": "Y", "decided by": "Ann Berg (ann)", "cause": "a rule was missing",
		"notices due and sent": "authority: due 2026-06-28 not sent\ncustomers: due 2026-06-26 sent 2026-06-25", "corrective actions": "C-1\nC-9\nC-2",
		"effectiveness check": "C-1: not effective, checked by bob, 2026-06-27\nC-9: no record of it\nC-2: not checked"})
}

func TestActions(t *testing.T) {
	b, s := smallBook(t, nil,
		rec{"nonconformity.record", "nonconformity", "NC-1", sprint(`{"nc_id":"NC-1","clause":"8.1","source":"audit","raised_at":%q,"similar_check":"none found"}`, 50)},
		rec{"nonconformity.record", "nonconformity", "NC-2", sprint(`{"nc_id":"NC-2","raised_at":%q}`, 40)},
		rec{"audit.finding", "nonconformity", "NC-1", `{"finding_id":"NC-1","grade":"minor","owner":"cid"}`},
		rec{"audit.finding", "nonconformity", "F-1", sprint(`{"finding_id":"F-1","grade":"observation","raised_at":%q,"due":%q}`, 60, 3)},
		rec{"corrective_action.record", "nonconformity", "NC-1", sprint(`{"action_id":"A-1","nc_id":"NC-1","owner":"ann","due":%q,"implemented_at":%q,"verified_by":"Ann","verified_at":%q,"effective":true}`, 20, 25, 10)},
		rec{"corrective_action.record", "nonconformity", "NC-1", sprint(`{"action_id":"A-2","nc_id":"NC-1","owner":"ann","due":%q,"extended_to":"2026-07-30T00:00:00Z"}`, 20)},
		rec{"corrective_action.record", "nonconformity", "NC-1", sprint(`{"action_id":"A-3","nc_id":"NC-1","owner":"ann","due":%q,"extended_to":"2026-07-30T00:00:00Z","extension_approved_by":"dee","extension_approved_at":%q}`, 20, 21)},
	)
	g := show(t, b, "NC and actions")
	if len(g.rows) != 5 {
		t.Fatalf("%d rows, want a finding, three actions, a nonconformity without one", len(g.rows))
	}
	g.is(t, 0, map[string]string{"id": "F-1", "grade": "observation", "action": "none on record", "overdue": "Y", "effective": "not established", "status": "open"})
	g.is(t, 1, map[string]string{"id": "NC-1", "requirement": "8.1", "grade": "minor", "similar check": "none found", "action": "A-1", "effective": "Y", "verified by another": "N", "overdue": "N"})
	g.is(t, 2, map[string]string{"action": "A-2", "overdue": "Y", "verified by another": ""}) // nobody agreed to the later date
	g.is(t, 3, map[string]string{"action": "A-3", "overdue": "N"})
	g.is(t, 4, map[string]string{"id": "NC-2", "action": "none on record", "overdue": "N"})
	if to := g.leadsTo(2, "evidence"); to != evidenceRef(s.digests[5]) {
		t.Errorf("action A-2 leads to %v", to)
	}
}

func TestRisks(t *testing.T) {
	b, _ := smallBook(t, []export.System{{ID: "bot"}},
		rec{"risk.assessment", "ai_system", "bot", sprint(`{"assessment_id":"RA-1","system_id":"bot","assessor":"Ann Berg","approved_by":"ann","approved_at":%q,"risks":[{"id":"R-1","level":"high","source":"drift"},{"id":"R-2"}]}`, 10)},
		rec{"impact.assessment", "ai_system", "bot", sprint(`{"assessment_id":"IA-2","system_id":"bot","assessor":"ann","approved_by":"bob","approved_at":%q,"type":"screening","affected":true,"supersedes":"IA-1"}`, 20)},
		rec{"impact.assessment", "ai_system", "bot", sprint(`{"assessment_id":"IA-1","system_id":"bot","assessor":"ann","approved_at":%q,"conclusion":"acceptable"}`, 90)},
		rec{"risk.treatment_plan", "ai_system", "bot", sprint(`{"plan_id":"TP","system_id":"bot","risk_ids":["R-1"],"residual":"low","actions":[{"id":"T1","owner":"cid","due":%q,"status":"open"},{"id":"T2","due":%q,"status":"Done"},{"id":"T3","due":%q,"extended_to":"2026-08-01T00:00:00Z","extended_by":"dee","status":"open"}]}`, 5, 5, 5)},
		rec{"risk.treatment_plan", "ai_system", "bot", `{"plan_id":"TP-9","system_id":"bot","risk_ids":["R-9"],"actions":[{"id":"T1","status":"open"}]}`},
		rec{"risk.acceptance", "ai_system", "bot", sprint(`{"risk_id":"R-2","system_id":"bot","level":"medium","accepted_by":"dee","expires_at":%q}`, 3)},
		rec{"directory.names", "person", "ann", `{"person":"ann","names":["Ann Berg"]}`},
	)
	g := show(t, b, "Risks and impacts")
	if len(g.rows) != 4 {
		t.Fatalf("%d rows, want three assessments and a plan of a risk that none names", len(g.rows))
	}
	g.is(t, 0, map[string]string{"id": "RA-1", "type": "risk", "age, days": "10.0", "key result": "R-1 high: drift\nR-2 no level", "overdue": "1", "residual": "low",
		"treatment actions open": "TP/T1: cid, due 2026-06-25, overdue\nTP/T3: due 2026-08-01", "acceptance expiry (UTC)": "2026-06-27T00:00:00Z",
		"acceptance": "R-2 medium, accepted by dee, ran out 2026-06-27", "approved by another": "N"})
	g.is(t, 1, map[string]string{"id": "IA-2", "type": "impact, screening", "key result": "the change touches the impact", "approved by another": "Y"})
	g.is(t, 2, map[string]string{"id": "IA-1", "type": "impact", "key result": "acceptable", "approved by another": "not established", "superseded by": "IA-2"})
	g.is(t, 3, map[string]string{"id": "TP-9", "type": "treatment plan", "treatment actions open": "TP-9/T1: no date"})
}

func TestAuditsAndReviews(t *testing.T) {
	b, _ := smallBook(t, []export.System{{ID: "bot", Owner: "ann"}, {ID: "score", Owner: "bob", Deputy: "Ann.Berg"}, {ID: "far", Owner: "cid"}},
		rec{"audit.internal", "organization", "organization", sprint(`{"audit_id":"AUD","auditor":"ann","auditor_independent":true,"systems":["bot","score","far"],"performed_at":%q,"findings":["F-1"]}`, 90)},
		rec{"audit.finding", "nonconformity", "F-1", `{"finding_id":"F-1","source":"AUD","grade":"major","clause":"8.2"}`},
		rec{"audit.finding", "nonconformity", "F-2", sprint(`{"finding_id":"F-2","source":"AUD","closed_at":%q}`, 3)},
		rec{"review.management", "organization", "organization", sprint(`{"review_id":"MR","held_at":%q,"inputs":{"performance":"fine","context_changes":{"n":2}},"decisions":[{"text":"Hire","owner":"ann","due":%q,"status":"open"},{"text":"Move","due":%q,"status":"open","redecided_at":%q,"redecided_due":"2026-09-01T00:00:00Z"},{"text":"Buy","due":%q,"status":"done"}]}`, 60, 3, 3, 2, 3)},
		rec{"improvement.record", "organization", "organization", sprint(`{"id":"I-1","description":"Reasons are shown","implemented_at":%q}`, 30)},
		rec{"directory.names", "person", "ann", `{"person":"ann","names":["Ann Berg"]}`},
	)
	g := show(t, b, "Audit and review")
	g.is(t, 0, map[string]string{"id": "AUD", "type": "internal audit", "persons": "auditor Ann Berg (ann)", "independence check": "stated: Y; owns or deputises for bot, score",
		"findings": "F-1: major, 8.2, open\nF-2: closed", "reported or approved": "reported to nobody named"})
	g.is(t, 1, map[string]string{"id": "MR", "inputs covered": "context changes: {\"n\":2}\nperformance: fine",
		"decisions and state": "Hire, Ann Berg (ann): open, due 2026-06-27, overdue\nMove: open, due 2026-09-01\nBuy: done, due 2026-06-27"})
	g.is(t, 2, map[string]string{"id": "I-1", "type": "improvement", "scope": "Reasons are shown"})
}

func TestPeople(t *testing.T) {
	role := func(payload string) rec { return rec{"role.assignment", "person", "x", payload} }
	b, _ := smallBook(t, nil,
		role(`{"role":"owner","person":"ann","system_id":"bot","directory_active":true}`),
		role(sprint(`{"role":"owner","person":"Ann Berg","system_id":"bot","start":%q,"directory_active":true,"directory_checked_at":%q,"requirements":["Owning","Law"]}`, 300, 3)),
		role(sprint(`{"role":"owner","person":"bob","system_id":"bot","end":%q}`, 3)),
		role(`{"role":"owner","person":"cid","system_id":"bot","directory_active":false}`),
		role(`{"role":"owner","person":"dee","system_id":"bot","start":"2026-08-01T00:00:00Z"}`),
		role(`{"role":"reader","person":"eve"}`),
		rec{"competence.record", "person", "ann", sprint(`{"person":"Ann.Berg","requirement":"Owning","evidence_type":"course","obtained_at":%q,"valid_to":%q,"verified_by":"bob"}`, 400, 35)},
		rec{"competence.record", "person", "ann", sprint(`{"person":"ann","requirement":"Owning","evidence_type":"course","obtained_at":%q,"valid_to":%q}`, 900, 500)},
		rec{"training.completion", "person", "ann", sprint(`{"person":"ann","course":"AI","version":"2025","completed_at":%q}`, 400)},
		rec{"training.completion", "person", "ann", sprint(`{"person":"ann","course":"AI","version":"2026","completed_at":%q}`, 20)},
		rec{"directory.names", "person", "ann", `{"person":"ann","names":["Ann Berg"]}`},
	)
	g := show(t, b, "People")
	if len(g.rows) != 5 {
		t.Fatalf("%d rows, want five: two sources speak of one holding", len(g.rows))
	}
	g.is(t, 0, map[string]string{"person id": "ann", "name": "Ann Berg", "active": "Y", "competence criteria": "Owning\nLaw", "competence evidence": "Owning: course 2025-05-26, verified by bob",
		"valid to (UTC)": ago(35), "what lacks": "ran out 2026-05-26: Owning\nno proof: Law", "training completed": "AI 2026, 2026-06-10"})
	g.is(t, 1, map[string]string{"person id": "bob", "active": "N, role ended", "competence criteria": "Owning\nLaw"})
	g.is(t, 2, map[string]string{"person id": "cid", "active": "N"})
	g.is(t, 3, map[string]string{"person id": "dee", "active": "N, not yet"})
	g.is(t, 4, map[string]string{"person id": "eve", "role": "reader", "active": "not established"})
}

func TestWaiversInEveryState(t *testing.T) {
	day := func(n int) (w export.Waiver) {
		return export.Waiver{Expectation: "x", Subject: "ai_system bot", RequestedBy: "ann", ApprovedBy: "bob", ApprovedAt: today.AddDate(0, 0, -30), ExpiresAt: today.AddDate(0, 0, n)}
	}
	active, lapsed, rejected, revoked, requested, invalid := day(10), day(-1), day(10), day(10), day(10), day(10)
	rejected.ApprovedBy, rejected.RejectedBy, rejected.RejectedAt, rejected.Because = "", "dee", today.AddDate(0, 0, -2), "no need"
	revoked.RevokedBy, revoked.RevokedAt = "dee", today.AddDate(0, 0, -2)
	requested.ApprovedBy, requested.Subject = "", "ai_system other"
	invalid.SelfApproved = true
	b, s := smallBook(t, nil)
	s.snap.Waivers = []export.Waiver{active, lapsed, rejected, revoked, requested, invalid, {ID: "W-9", Broken: "no time", Evidence: evidence.Sum([]byte("x"))}}
	s.snap.Assessment.Results = []*assess.Result{{Expectation: "x", Subject: evidence.Subject{Type: "ai_system", ID: "bot"}, Status: assess.StatusFailing},
		{Expectation: "x", Subject: evidence.Subject{Type: "ai_system", ID: "other"}, Status: assess.StatusSatisfied}}
	g := show(t, b, "Waivers")
	for i, state := range []string{"active", "lapsed", "rejected", "revoked", "requested", "invalid"} {
		open := "Y"
		if state == "requested" {
			open = "N"
		}
		g.is(t, i, map[string]string{"state": state, "gap still open": open})
	}
	g.is(t, 0, map[string]string{"days left": "10"})
	g.is(t, 2, map[string]string{"rejected or revoked": "rejected by dee, 2026-06-28, no need"})
	g.is(t, 3, map[string]string{"rejected or revoked": "revoked by dee, 2026-06-28"})
	g.is(t, 6, map[string]string{"id": "W-9", "expectation": "waiver.record cannot be shown: no time"})
}

func TestShadow(t *testing.T) {
	scan := rec{"shadow_ai.scan_run", "organization", "organization", sprint(`{"run_id":"S-1","scope":"all repositories","denominator":40,"coverage_pct":97.5,"finished_at":%q}`, 1)}
	b, s := smallBook(t, nil, scan)
	g := show(t, b, "Shadow AI")
	g.is(t, 0, map[string]string{"id": "no finding on record", "subject": "A scan is on record, and no finding of it. What was not scanned may hold some.\nall repositories, 97.5 % of 40, 2026-06-29\n" +
		"shadow_ai.finding: no source that delivers it has been read, so it is not established that there is none."})
	if g.leadsTo(0, "evidence") != evidenceRef(s.digests[0]) {
		t.Error("the row does not lead to the scan")
	}
	b, _ = smallBook(t, []export.System{{ID: "bot", Name: "Bot"}}, scan,
		rec{"shadow_ai.finding", "organization", "organization", sprint(`{"finding_id":"F-2","signal_kinds":["sdk","endpoint"],"subject_ref":"acme/lab","provider":"acme-ai","first_seen":%q,"status":"registered","matched_system":"bot","decision":"registered","decision_by":"ann","decision_at":%q}`, 9, 2)},
		rec{"shadow_ai.finding", "organization", "organization", sprint(`{"finding_id":"F-1","first_seen":%q}`, 20)})
	g = show(t, b, "Shadow AI")
	g.is(t, 0, map[string]string{"id": "F-1", "state": "open", "decision": "", "coverage of scan": "all repositories, 97.5 % of 40, 2026-06-29", "system registered": ""})
	show(t, b, "AI systems").is(t, 1, map[string]string{"id": "list may not be whole"})
	g.is(t, 1, map[string]string{"id": "F-2", "signal kinds": "sdk\nendpoint", "decision": "registered", "by": "ann", "at (UTC)": ago(2), "system registered": "Bot (bot)"})
}

func TestKeysOfVendors(t *testing.T) {
	key := func(payload string) rec { return rec{"vendor.api_key_inventory", "vendor", "acme", payload} }
	b, _ := smallBook(t, nil,
		rec{"vendor.record", "vendor", "acme", `{"vendor_id":"acme","legal_name":"Acme AI","services":["models"]}`},
		key(sprint(`{"vendor":"acme","key_id":"1","owner":"ann","created_at":%q,"last_used_at":%q,"status":"active"}`, 300, 2)),
		key(sprint(`{"vendor":"acme","key_id":"2","owner":"Cid","created_at":%q,"last_used_at":%q}`, 300, 91)),
		key(sprint(`{"vendor":"acme","key_id":"3","key_type":"service_account","created_at":%q}`, 300)),
		key(sprint(`{"vendor":"acme","key_id":"4","created_at":%q}`, 3)),
		key(`{"vendor":"acme","key_id":"5","status":"revoked"}`),
		key(sprint(`{"vendor":"acme","key_id":"6","expires_at":%q}`, 1)),
		rec{"role.assignment", "person", "cid", `{"role":"owner","person":"cid","directory_active":false}`},
		rec{"vendor.assessment", "vendor", "acme", sprint(`{"vendor_id":"acme","approved_at":%q,"topics":{"security":"audited","model_updates":"","data_usage_terms":{"training":"none"}}}`, 30)},
	)
	show(t, b, "Vendors and models").is(t, 0, map[string]string{"vendor": "Acme AI (acme)", "service": "models", "keys": "4 active, 2 unowned, 1 unused, use of 1 not stated",
		"security": "audited", "model updates": "not dealt with", "output logging": "not dealt with", "data usage terms": `{"training":"none"}`, "requested model": ""})
}
