package jira

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

func approver(id, decision string) map[string]any {
	return map[string]any{"approver": map[string]any{"accountId": id}, "approverDecision": decision}
}

// approved is an approval that one account gave.
func approved(id, by string) map[string]any {
	return map[string]any{"id": id, "finalDecision": "approved", "completedDate": map[string]any{"epochMillis": 1767261600000}, "approvers": []any{approver(by, "approved")}}
}

func desk(f *fakeJira, more map[string]any) map[string]any {
	s := f.settings(map[string]any{"projects": []any{map[string]any{"key": "INC", "approvals": true}}})
	for k, v := range more {
		s[k] = v
	}
	return s
}

// Who decided, how and when; that the requester was among them is a fact that
// shows.
func TestApprovals(t *testing.T) {
	f := newFakeJira(t)
	f.add(1, "Request", nil)
	f.add(2, "Task", nil)
	first := approved("5", "acc-1")
	first["name"], first["createdDate"] = "Waiting for approval", map[string]any{"iso8601": "2025-12-31T10:00:00+0000"}
	first["approvers"] = []any{approver("acc-1", "approved"), approver("acc-2", "pending")}
	f.approvals["INC-1"] = []map[string]any{first,
		{"id": 6, "finalDecision": "pending", "approvers": []any{approver("acc-3", "pending"), approver("acc-4", "approved")}},
		{"id": "7", "finalDecision": "sort of"},
		{"id": "8", "finalDecision": "declined", "completedDate": map[string]any{"iso8601": "2026-01-02T12:00:00+0200"}, "approvers": []any{approver("acc-5", "declined")}},
	}
	rec, cov, err := run(t, desk(f, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []map[string]any
	for _, x := range rec.Records(KindApproval) {
		got = append(got, connectortest.Payload(t, x))
	}
	one := func(who, what string, requester bool) map[string]any {
		return map[string]any{"approver": who, "decision": what, "is_requester": requester}
	}
	all := func(m map[string]any) map[string]any {
		m["issue_id"], m["issue_key"], m["requester"] = "10001", "INC-1", "acc-1"
		return m
	}
	want := []map[string]any{
		all(map[string]any{"approval_id": "5", "name": "Waiting for approval", "requested_at": "2025-12-31T10:00:00Z", "approvers": []any{"acc-1"},
			"decisions": []any{one("acc-1", "approved", true), one("acc-2", "pending", false)},
			"decision":  "approved", "decided_at": "2026-01-01T10:00:00Z", "final_decision": "approved"}),
		all(map[string]any{"approval_id": "6", "approvers": []any{"acc-3", "acc-4"}, "decisions": []any{one("acc-3", "pending", false), one("acc-4", "approved", false)},
			"decision": "pending", "final_decision": "pending"}),
		all(map[string]any{"approval_id": "8", "approvers": []any{"acc-5"}, "decisions": []any{one("acc-5", "declined", false)},
			"decision": "declined", "decided_at": "2026-01-02T10:00:00Z", "final_decision": "declined"}),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(rec.Gaps()) != 1 || !strings.Contains(rec.Gaps()[0].Detail, "sort of") || cov[KindApproval].Status != connector.Partial {
		t.Errorf("gaps %v", rec.Gaps())
	}
	if f.times("GET /rest/servicedeskapi/request/INC-1/approval") != 2 {
		t.Errorf("four approvals at two a page: %v", f.calls)
	}
}

// The mail address is shown in one place and the id in the other: it is the
// account that counts.
func TestRequesterByAccount(t *testing.T) {
	f := newFakeJira(t)
	f.add(1, "Request", nil)
	a := approved("5", "")
	a["approvers"] = []any{map[string]any{"approver": map[string]any{"accountId": "acc-1", "emailAddress": "ann@example.com"}, "approverDecision": "approved"}}
	f.approvals["INC-1"] = []map[string]any{a}
	rec, _, err := run(t, desk(f, nil), nil)
	if err != nil || len(rec.Records(KindApproval)) != 1 {
		t.Fatalf("gaps %v, error %v", rec.Gaps(), err)
	}
	want := []any{map[string]any{"approver": "ann@example.com", "decision": "approved", "is_requester": true}}
	if diff := cmp.Diff(want, connectortest.Payload(t, rec.Records(KindApproval)[0])["decisions"]); diff != "" {
		t.Error(diff)
	}
}

// Another reporter, put in afterwards, does not make an approval independent.
func TestRequesterBeforeAChange(t *testing.T) {
	f := newFakeJira(t)
	f.add(1, "Request", nil)
	f.changes["10001"] = []map[string]any{{"id": "900", "author": map[string]any{"accountId": "acc-9"}, "created": "2026-01-05T10:00:00.000+0000",
		"items": []map[string]any{{"field": "reporter", "fieldId": "reporter", "from": "acc-9", "fromString": "Mal", "to": "acc-1", "toString": "Ann"}}}}
	f.approvals["INC-1"] = []map[string]any{approved("5", "acc-9")}
	rec, _, err := run(t, desk(f, nil), nil)
	if err != nil || len(rec.Records(KindApproval)) != 1 {
		t.Fatalf("gaps %v, error %v", rec.Gaps(), err)
	}
	want := []any{map[string]any{"approver": "acc-9", "decision": "approved", "is_requester": true}}
	if diff := cmp.Diff(want, connectortest.Payload(t, rec.Records(KindApproval)[0])["decisions"]); diff != "" {
		t.Error(diff)
	}
}

// Where Jira says which issues are requests, only those are asked, and a
// request without an answer is one that we may not see.
func TestOnlyRequestsAreAsked(t *testing.T) {
	f := newFakeJira(t)
	f.fields = []map[string]any{{"id": "summary"}, {"id": "customfield_99", "schema": map[string]any{"custom": requestTypeField}}}
	f.add(1, "Request", map[string]any{"customfield_99": map[string]any{"requestType": map[string]any{"name": "Use case"}}})
	f.add(2, "Task", map[string]any{"customfield_99": nil})
	f.add(3, "Request", map[string]any{"customfield_99": map[string]any{}})
	f.approvals["INC-1"] = []map[string]any{approved("5", "acc-9")}
	rec, cov, err := run(t, desk(f, nil), nil)
	if err != nil || len(rec.Records(KindApproval)) != 1 {
		t.Fatalf("gaps %+v, error %v", rec.Gaps(), err)
	}
	if len(rec.Gaps()) != 1 || rec.Gaps()[0].Scope != "issue INC-3" || rec.Gaps()[0].Permission != permApprovals || cov[KindApproval].Status != connector.Partial {
		t.Errorf("gaps %+v", rec.Gaps())
	}
	if f.times("GET /rest/servicedeskapi/request/INC-2/approval") != 0 {
		t.Error("an issue that is no request was asked for approvals")
	}
}

func TestApprovalsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		reason connector.Reason
	}{
		"no agent":         {status(403), connector.Denied},
		"a token's scope":  {status(401), connector.Denied},
		"not seen":         {status(404), connector.NotFound},
		"no such thing":    {status(501), connector.Unsupported},
		"pages for ever":   {raw("application/json", `{"start":0,"isLastPage":false,"values":[]}`), connector.Malformed},
		"renamed":          {raw("application/json", `{"start":0,"last":true,"values":[]}`), connector.Malformed},
		"another page":     {raw("application/json", `{"start":9,"isLastPage":true,"values":[]}`), connector.Malformed},
		"null":             {raw("application/json", `{"start":0,"isLastPage":true,"values":[null]}`), connector.Malformed},
		"decided, no time": {raw("application/json", `{"start":0,"isLastPage":true,"values":[{"id":"1","finalDecision":"approved"}]}`), connector.Malformed},
		"in the future":    {raw("application/json", `{"start":0,"isLastPage":true,"values":[{"id":"1","finalDecision":"approved","completedDate":{"epochMillis":7258118400000}}]}`), connector.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeJira(t)
			f.add(1, "Request", nil)
			f.routes["GET /rest/servicedeskapi/request/INC-1/approval"] = tt.answer
			rec, cov, err := run(t, desk(f, nil), nil)
			if err != nil || len(rec.Gaps()) != 1 || rec.Gaps()[0].Reason != tt.reason || cmp.Diff([]string{KindApproval}, rec.Gaps()[0].Kinds) != "" {
				t.Errorf("gaps %+v, error %v", rec.Gaps(), err)
			}
			if cov[KindApproval].Status != connector.Partial || cov[KindIssue].Status != connector.Complete {
				t.Errorf("coverage %+v", cov)
			}
		})
	}
}

// A decision that Jira does not count as an update of the issue is found.
func TestPendingApprovalsAreAskedAgain(t *testing.T) {
	f := newFakeJira(t)
	f.add(1, "Request", nil)
	f.add(20, "Task", nil)
	f.approvals["INC-1"] = []map[string]any{{"id": "5", "finalDecision": "pending", "approvers": []any{approver("acc-9", "pending")}}}
	rec, _, err := run(t, desk(f, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	f.approvals["INC-1"] = []map[string]any{approved("5", "acc-9")}
	rec, cov, err := run(t, desk(f, nil), rec)
	if err != nil || len(rec.Gaps()) != 0 || len(rec.Records(KindApproval)) != 1 || connectortest.Payload(t, rec.Records(KindApproval)[0])["decision"] != "approved" {
		t.Fatalf("approvals %v, gaps %v, error %v", rec.Records(KindApproval), rec.Gaps(), err)
	}
	if cov[KindApproval].Enumerated {
		t.Error("an incremental run lists not all there is")
	}
	f.forget()
	if _, _, err := run(t, desk(f, nil), rec); err != nil || f.times("GET /rest/servicedeskapi/request/INC-1/approval") != 0 {
		t.Errorf("it was decided, and is asked again: %v, %v", f.calls, err)
	}
}
