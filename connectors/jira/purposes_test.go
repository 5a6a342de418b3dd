package jira

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

// purposeSettings are the settings that the README maps every purpose with,
// for the fake.
func purposeSettings(t *testing.T, f *fakeJira) map[string]any {
	t.Helper()
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllSubmatch(b, -1) {
		var s map[string]any
		if err := json.Unmarshal(m[1], &s); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(m[1]), "INTAKE") {
			s["base_url"] = f.URL
			return s
		}
	}
	t.Fatal("README.md has no example for every purpose")
	return nil
}

// moves are entries for the status going through states, one a day.
func moves(first int, states ...string) []map[string]any {
	var out []map[string]any
	for i := range len(states) - 1 {
		out = append(out, history(first+i, fmt.Sprintf("2026-01-%02dT10:00:00.000+0000", i+2), "status", states[i], states[i+1]))
	}
	return out
}

func value(s string) map[string]any { return map[string]any{"value": s} }

func values(list ...string) []any {
	out := []any{}
	for _, s := range list {
		out = append(out, value(s))
	}
	return out
}

func in(state string) map[string]any { return map[string]any{"name": state, "id": "id" + state} }

// seedPurposes fills the fake with an issue or more of each purpose.
func seedPurposes(f *fakeJira) {
	for _, key := range []string{"INTAKE", "CHG", "INC", "RISK", "QA", "VEND"} {
		f.addTo(key, "Task", nil)
		f.issues[len(f.issues)-1]["key"] = key + "-1"
	}
	add := func(project, kind string, fields map[string]any, states ...string) {
		fields["status"] = in(states[len(states)-1])
		id := f.addTo(project, kind, fields)
		f.changes[id] = moves(len(f.issues)*100, states...)
	}
	add("INTAKE", "AI use case", map[string]any{"customfield_10201": values("support-bot", "credit-scoring"), "customfield_10211": value("high"),
		"labels": []string{"condition:human review", "other"}}, "Open", "In review", "Approved")
	add("INTAKE", "AI use case", map[string]any{"customfield_10201": values("cv-screening"), "customfield_10211": nil}, "Open", "In review", "Rejected", "In review")
	f.approvals["INTAKE-7"] = []map[string]any{approved("5", "acc-1")}
	add("CHG", "Change", map[string]any{"labels": []string{"ai-release", "system:support-bot"}, "fixVersions": []any{map[string]any{"name": "bot 2.1"}},
		"customfield_10212": value("major"), "customfield_10213": "2026-01-09T08:00:00.000+0000", "customfield_10214": "switch back",
		"issuelinks": []any{map[string]any{"type": map[string]any{"name": "Relates"}, "outwardIssue": map[string]any{"key": "INC-4"}}}}, "Open", "Approved", "Implemented")
	add("INC", "Bug", map[string]any{"components": []any{map[string]any{"name": "support-bot"}}, "priority": map[string]any{"name": "High"}, "customfield_10207": value("fairness"),
		"customfield_10206": "2026-01-01T07:00:00.000+0000", "customfield_10208": value("Yes"), "customfield_10209": map[string]any{"accountId": "acc-7", "displayName": "Dana"},
		"resolutiondate": "2026-01-20T10:00:00.000+0000",
		"issuelinks":     []any{map[string]any{"type": map[string]any{"name": "Problem/Incident"}, "outwardIssue": map[string]any{"key": "QA-12"}}}}, "Open", "Contained", "Open", "Contained")
	f.finds["issuetype in (Incident, Bug) AND labels = ai-incident"] = []string{"10010"}
	add("INC", "Bug", map[string]any{}, "Open")
	add("RISK", "Risk assessment", map[string]any{"customfield_10201": values("support-bot"), "customfield_10217": "2.1"}, "Draft", "Approved")
	add("RISK", "Risk assessment", map[string]any{"customfield_10201": values("support-bot"), "customfield_10217": "2.2"}, "Draft", "Approved", "Draft")
	add("QA", "Nonconformity", map[string]any{"customfield_10210": "no owner", "description": map[string]any{"type": "doc", "content": []any{
		map[string]any{"type": "paragraph", "content": []any{map[string]any{"type": "text", "text": "alerts unread"}}}}}}, "Open")
	add("QA", "Corrective action", map[string]any{"parent": map[string]any{"key": "QA-14"}, "duedate": "2026-02-01", "customfield_10215": value("Yes")}, "Open", "Implemented", "Verified")
	add("VEND", "Vendor review", map[string]any{"customfield_10216": value("acme-ai"), "resolution": map[string]any{"name": "Accepted"}, "customfield_10218": "2027-01-01"}, "Open", "Approved")
}

// Each purpose that the README maps, from issues to records.
func TestPurposes(t *testing.T) {
	f := newFakeJira(t)
	f.pageSize = 3
	seedPurposes(f)
	rec, cov, err := run(t, purposeSettings(t, f), nil)
	if err != nil || len(rec.Gaps()) != 0 {
		t.Fatalf("gaps %+v, error %v", rec.Gaps(), err)
	}
	type row struct {
		Subject, Key, At string
		Fields           map[string]any
	}
	got := map[string][]row{}
	for _, r := range rec.Records() {
		if r.Kind == KindIssue || r.Kind == KindTransition {
			continue
		}
		if cov[r.Kind].Status != connector.Complete || !cov[r.Kind].Enumerated {
			t.Errorf("coverage of %s: %+v", r.Kind, cov[r.Kind])
		}
		at := ""
		if !r.EventTime.IsZero() {
			at = r.EventTime.Format("01-02 15:04")
		}
		m := connectortest.Payload(t, r)
		for _, name := range []string{"issue_key", "issue_id", "project", "summary", "id", "key"} { // as everywhere
			delete(m, name)
		}
		got[r.Kind] = append(got[r.Kind], row{r.Subject.Type + " " + r.Subject.ID, r.Key, at, m})
	}
	day := func(n int) string { return fmt.Sprintf("2026-01-%02dT10:00:00Z", n) }
	intake := func(system string) map[string]any {
		return map[string]any{"system_id": system, "request_key": "INTAKE-7", "tier": "high", "decision": "approved", "approver": "acc-9", "decided_at": day(3), "conditions": []any{"human review"}}
	}
	want := map[string][]row{
		"inventory.use_case_approval": {
			{"ai_system support-bot", "10007/support-bot", "01-03 10:00", intake("support-bot")},
			{"ai_system credit-scoring", "10007/credit-scoring", "01-03 10:00", intake("credit-scoring")},
			{"ai_system cv-screening", "10008/cv-screening", "", map[string]any{"system_id": "cv-screening", "request_key": "INTAKE-8", "conditions": []any{}}},
		},
		KindApproval: {{"record INTAKE-7", "5", "01-01 10:00", map[string]any{"approval_id": "5", "approvers": []any{"acc-1"}, "requester": "acc-1",
			"decisions": []any{map[string]any{"approver": "acc-1", "decision": "approved", "is_requester": true}},
			"decision":  "approved", "final_decision": "approved", "decided_at": "2026-01-01T10:00:00Z"}}},
		"release.approval": {{"release bot 2.1", "10009", "01-02 10:00", map[string]any{"release_id": "bot 2.1", "system_id": "support-bot", "approver": "acc-9", "decision": "approved", "decided_at": day(2)}}},
		"jira.change_request": {{"change CHG-9", "10009", "01-03 10:00", map[string]any{"status": "Implemented", "system_ids": []any{"support-bot"}, "risk_class": "major",
			"planned_start": "2026-01-09T08:00:00Z", "approved_by": "acc-9", "approved_at": day(2), "implemented_at": day(3), "rollback_plan": "switch back", "linked_refs": []any{"INC-4"}}}},
		"jira.incident": {{"incident INC-10", "10010", "01-10 08:00", map[string]any{"status": "Contained", "system_ids": []any{"support-bot"}, "severity": "SEV-2", "harm_type": "fairness",
			"detected_at": "2026-01-01T07:00:00Z", "declared_at": "2026-01-10T08:00:00Z", "contained_at": day(2), "resolved_at": "2026-01-20T10:00:00Z", "notifiable": true,
			"decision_by": "acc-7", "corrective_action_keys": []any{"QA-12"}}}},
		"risk.assessment": {
			{"ai_system support-bot", "10012/support-bot", "01-02 10:00", map[string]any{"assessment_id": "RISK-12", "system_id": "support-bot", "system_version": "2.1", "assessor": "bo@example.com",
				"approved_by": "acc-9", "approved_at": day(2)}},
			{"ai_system support-bot", "10013/support-bot", "", map[string]any{"assessment_id": "RISK-13", "system_id": "support-bot", "system_version": "2.2", "assessor": "bo@example.com"}},
		},
		"nonconformity.record": {{"nonconformity QA-14", "10014", "01-14 08:00", map[string]any{"nc_id": "QA-14", "description": "alerts unread", "raised_at": "2026-01-14T08:00:00Z", "cause": "no owner", "status": "Open"}}},
		"corrective_action.record": {{"nonconformity QA-14", "10015", "01-03 10:00", map[string]any{"action_id": "QA-15", "nc_id": "QA-14", "owner": "bo@example.com", "due": "2026-02-01T00:00:00Z",
			"implemented_at": day(2), "verified_by": "acc-9", "verified_at": day(3), "effective": true}}},
		"vendor.assessment": {{"vendor acme-ai", "10016", "01-02 10:00", map[string]any{"vendor_id": "acme-ai", "result": "Accepted", "assessor": "bo@example.com", "approved_by": "acc-9",
			"approved_at": day(2), "next_due": "2027-01-01T00:00:00Z"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// An issue gives one record of a kind, whatever else maps it.
func TestOneRecordOfAKind(t *testing.T) {
	f := newFakeJira(t)
	f.add(1, "Incident", map[string]any{"labels": []string{"ai", "x"}})
	f.add(2, "Task", map[string]any{"labels": []string{"x"}})
	entry := func(more map[string]any) map[string]any {
		m := map[string]any{"project": "INC", "kind": "jira.incident", "fields": map[string]any{"harm_type": "=" + fmt.Sprint(len(more))}}
		for k, v := range more {
			m[k] = v
		}
		return m
	}
	s := f.settings(map[string]any{"issue_types": []any{entry(map[string]any{"type": "incident", "label": "ai"}), entry(map[string]any{"label": "x"})}})
	rec, _, err := run(t, s, nil)
	if err != nil || len(rec.Gaps()) != 0 {
		t.Fatalf("gaps %v, error %v", rec.Gaps(), err)
	}
	var got []string
	for _, r := range rec.Records("jira.incident") {
		got = append(got, fmt.Sprint(r.Subject.ID, " ", connectortest.Payload(t, r)["harm_type"]))
	}
	if diff := cmp.Diff([]string{"INC-1 2", "INC-2 1"}, got); diff != "" {
		t.Error(diff)
	}
}

// An issue about two systems is not one record about the first of them.
func TestTwoSystemsAndNoForEach(t *testing.T) {
	f := newFakeJira(t)
	f.add(1, "Risk", map[string]any{"customfield_1": values("a", "b")})
	f.add(2, "Risk", map[string]any{"customfield_1": []any{}})
	mapping := map[string]any{"project": "INC", "type": "Risk", "kind": "risk.assessment", "fields": map[string]any{"system_id": "customfield_1[].value"}}
	rec, _, err := run(t, f.settings(map[string]any{"issue_types": []any{mapping}}), nil)
	if err != nil || len(rec.Gaps()) != 2 || len(rec.Records("risk.assessment")) != 0 {
		t.Errorf("gaps %v, error %v", rec.Gaps(), err)
	}
	mapping["for_each"] = "system_id"
	rec, _, err = run(t, f.settings(map[string]any{"issue_types": []any{mapping}}), nil)
	if err != nil || len(rec.Gaps()) != 1 || len(rec.Records("risk.assessment")) != 2 {
		t.Errorf("for each: gaps %v, error %v", rec.Gaps(), err)
	}
}

// A query that Jira refuses costs the kind, not the project.
func TestMappingByABadQuery(t *testing.T) {
	f := newFakeJira(t)
	f.add(1, "Incident", nil)
	s := f.settings(map[string]any{"issue_types": []any{map[string]any{"project": "INC", "jql": "nonsense", "kind": "jira.incident", "fields": map[string]any{"declared_at": "created"}}}})
	rec, cov, err := run(t, s, nil)
	if err != nil || len(rec.Gaps()) != 1 || rec.Gaps()[0].Reason != connector.Malformed || cov["jira.incident"].Status != connector.Partial || cov[KindIssue].Status != connector.Complete {
		t.Errorf("gaps %+v, coverage %+v, error %v", rec.Gaps(), cov["jira.incident"], err)
	}
}

// A field that the settings name and Jira does not show would be empty without
// a word.
func TestFieldThatIsGone(t *testing.T) {
	f := newFakeJira(t)
	f.fields = []map[string]any{{"id": "summary"}, {"id": "customfield_7"}}
	f.add(1, "Incident", map[string]any{"priority": map[string]any{"name": "High"}})
	s := f.settings(incidentMapping())
	rec, cov, err := run(t, s, nil)
	if err != nil || len(rec.Gaps()) != 1 || rec.Gaps()[0].Scope != "field customfield_8" || rec.Gaps()[0].Reason != connector.NotFound || cov["jira.incident"].Status != connector.Partial || len(rec.Cursors()) != 0 {
		t.Errorf("gaps %+v, cursors %v, error %v", rec.Gaps(), rec.Cursors(), err)
	}
}

func TestQueriesThatAreRefused(t *testing.T) {
	for q, ok := range map[string]bool{
		"": true, "labels = x": true, `summary ~ "a) b"`: true, "(a = 1 OR b = 2)": true,
		" ": false, "a = 1) OR (project = X": false, "a = (1": false, `a = "1`: false, "a = 1 ORDER BY key": false, `a = "\"`: false,
	} {
		if err := checkJQL(q); (err == nil) != ok {
			t.Errorf("%q: %v", q, err)
		}
	}
}
