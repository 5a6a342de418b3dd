package jira

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

// incident is a mapping that uses every form of path.
func incidentMapping() map[string]any {
	return map[string]any{"issue_types": []any{map[string]any{
		"project": "INC", "type": "incident", "kind": "jira.incident",
		"fields": map[string]any{
			"severity":               map[string]any{"path": "priority.name", "values": map[string]string{"High": "SEV-1", "Low": "SEV-3"}},
			"system_ids":             "components[].name",
			"declared_at":            "created",
			"contained_at":           "transition:status=Contained.at",
			"decision_by":            "transition:status=Contained.by",
			"notifiable":             "customfield_7.value",
			"harm_type":              "=unfair treatment",
			"rca_link":               "customfield_8",
			"corrective_action_keys": "issuelinks[type.name=Causes].outwardIssue.key",
		},
	}}}
}

func TestMappedIncident(t *testing.T) {
	f := newFakeJira(t)
	f.pageSize = 10
	id := f.add(1, "Incident", map[string]any{
		"priority": map[string]any{"name": "high"}, "customfield_7": map[string]any{"value": "No"}, "customfield_8": nil,
		"issuelinks": []any{
			map[string]any{"type": map[string]any{"name": "Causes"}, "outwardIssue": map[string]any{"key": "CAPA-1"}},
			map[string]any{"type": map[string]any{"name": "Causes"}, "inwardIssue": map[string]any{"key": "INC-9"}},
			map[string]any{"type": map[string]any{"name": "Blocks"}, "outwardIssue": map[string]any{"key": "X-1"}},
		},
	})
	f.add(2, "Task", nil)
	f.changes[id] = []map[string]any{
		history(1, "2026-01-02T10:00:00.000+0000", "status", "Open", "Contained"),
		history(2, "2026-01-03T10:00:00.000+0000", "status", "Contained", "Open"),
		history(3, "2026-01-04T10:00:00.000+0000", "status", "Open", "Contained"),
	}
	rec, cov, err := run(t, f.settings(incidentMapping()), nil)
	if err != nil || len(rec.Gaps()) != 0 {
		t.Fatalf("gaps %v, error %v", rec.Gaps(), err)
	}
	got := rec.Records("jira.incident")
	if len(got) != 1 {
		t.Fatalf("%d incidents", len(got))
	}
	want := connector.Record{Kind: "jira.incident", Major: 1, Subject: connector.Subject{Type: "incident", ID: "INC-1"}, Key: id,
		EventTime: time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC), URL: f.URL + "/browse/INC-1", Payload: got[0].Payload}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Error(diff)
	}
	wantPayload := map[string]any{
		"key": "INC-1", "id": id, "issue_id": id, "issue_key": "INC-1", "project": "INC", "summary": "Summary INC-1", "status": "Open",
		"severity": "SEV-1", "system_ids": []any{"bot"}, "declared_at": "2026-01-01T08:00:00Z", "contained_at": "2026-01-04T10:00:00Z",
		"decision_by": "acc-9", "notifiable": false, "harm_type": "unfair treatment", "corrective_action_keys": []any{"CAPA-1"},
	}
	if diff := cmp.Diff(wantPayload, connectortest.Payload(t, got[0])); diff != "" {
		t.Error(diff)
	}
	if c := cov["jira.incident"]; c.Status != connector.Complete || !c.Enumerated {
		t.Errorf("coverage %+v", c)
	}
}

func TestMappedToOtherKinds(t *testing.T) {
	f := newFakeJira(t)
	f.add(1, "Risk", map[string]any{"customfield_1": []any{map[string]any{"value": "support-bot"}}, "customfield_2": "2026-01-09"})
	s := f.settings(map[string]any{"issue_types": []any{map[string]any{
		"project": "INC", "type": "Risk", "kind": "risk.assessment",
		"fields": map[string]any{"system_id": "customfield_1[].value", "approved_at": "customfield_2", "assessor": "reporter", "approved_by": "assignee"},
	}}})
	rec, _, err := run(t, s, nil)
	if err != nil || len(rec.Gaps()) != 0 || len(rec.Records("risk.assessment")) != 1 {
		t.Fatalf("gaps %v, error %v", rec.Gaps(), err)
	}
	got := rec.Records("risk.assessment")[0]
	if got.Key != "10001" || got.Subject != (connector.Subject{Type: "ai_system", ID: "support-bot"}) || !got.EventTime.Equal(time.Date(2026, 1, 9, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", got)
	}
	if m := connectortest.Payload(t, got); m["assessor"] != "acc-1" || m["approved_by"] != "bo@example.com" {
		t.Errorf("people: %v", m)
	}
}

// A value that does not fit is a gap for its issue, never another value.
func TestMappedValuesThatDoNotFit(t *testing.T) {
	for name, tt := range map[string]struct {
		fields map[string]any
		want   string
	}{
		"no word for it":      {map[string]any{"priority": map[string]any{"name": "Blocker"}}, `no word for "Blocker"`},
		"neither yes nor no":  {map[string]any{"customfield_7": map[string]any{"value": "perhaps"}}, "neither yes nor no"},
		"a list, not []":      {map[string]any{"customfield_7": []any{map[string]any{"value": "No"}}}, "write [] after its name"},
		"no list":             {map[string]any{"components": "bot"}, "field components: want a list"},
		"text, not an object": {map[string]any{"priority": "High"}, "field name"},
		"an object as text":   {map[string]any{"customfield_8": map[string]any{"a": "b"}}, "want text, got an object"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeJira(t)
			f.add(1, "Incident", tt.fields)
			f.add(2, "Incident", nil)
			rec, cov, err := run(t, f.settings(incidentMapping()), nil)
			if err != nil {
				t.Fatal(err)
			}
			var details []string
			for _, g := range rec.Gaps() {
				if g.Scope != "issue INC-1" || g.Reason != connector.Malformed {
					t.Errorf("gap %+v", g)
				}
				details = append(details, g.Detail)
			}
			if !strings.Contains(strings.Join(details, "\n"), tt.want) {
				t.Errorf("details %q, want %q", details, tt.want)
			}
			if got := rec.Records("jira.incident"); len(got) != 1 || got[0].Subject.ID != "INC-2" {
				t.Errorf("incidents %v", got)
			}
			if cov["jira.incident"].Status != connector.Partial {
				t.Errorf("coverage %+v", cov["jira.incident"])
			}
			// An incremental run looks at the issue again and says the same.
			again, cov, err := run(t, f.settings(incidentMapping()), rec)
			if err != nil || len(again.Gaps()) != len(rec.Gaps()) || cov["jira.incident"].Status != connector.Partial {
				t.Errorf("the next run: gaps %v, coverage %+v, error %v", again.Gaps(), cov["jira.incident"], err)
			}
		})
	}
}

func TestParsePath(t *testing.T) {
	for _, bad := range []string{"", ".", "a.", ".a", "a..b", "a[", "a[x]", "a[=x]", "a[]b", "transition:status=Done", "transition:status.at", "transition:=x.by"} {
		if p, err := parsePath(bad); err == nil {
			t.Errorf("%q is taken as %+v", bad, p)
		}
	}
	is := &issue{id: "7", key: "A-7", fields: map[string]any{
		"a": map[string]any{"b": []any{map[string]any{"c": []any{map[string]any{"d": json.Number("1")}, map[string]any{}}}, map[string]any{"c": nil}}},
	}}
	for s, want := range map[string]any{
		"key": "A-7", "id": "7", "=": "", "=a.b": "a.b", "x.y.z": nil, "a.b[].c[].d": []any{json.Number("1")}, "a.b[c.d=1].c": []any{},
	} {
		p, err := parsePath(s)
		if err != nil {
			t.Errorf("%q: %v", s, err)
			continue
		}
		got, err := p.resolve(is)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q: %v %s", s, err, diff)
		}
	}
}
