package jira

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

func TestCheck(t *testing.T) {
	f := newFakeJira(t)
	f.add(1, "Task", nil)
	f.routes["GET /rest/api/3/project/GONE"] = status(404)
	rep, err := New().Check(t.Context(), config0(t, f.settings(map[string]any{"projects": []any{
		map[string]any{"key": "INC", "canary": "INC-1"}, map[string]any{"key": "OPS"}, map[string]any{"key": "HID", "canary": "HID-1"}, map[string]any{"key": "GONE"},
	}})))
	if err != nil {
		t.Fatal(err)
	}
	want := connector.CheckReport{
		Identity: "557058:reader",
		Permissions: []connector.PermissionState{
			{Permission: permBrowse, Grant: connector.Missing, Detail: "project HID: the canary HID-1 is not found; project GONE: jira: api/3/project/GONE: status 404: said the server"},
			{Permission: permSecurity, Detail: "project INC: Jira does not say which levels the account is in; project OPS: Jira does not say which levels the account is in; " +
				"project HID: Jira does not say which levels the account is in"},
			{Permission: permApprovals, Detail: "no project has approvals switched on"},
			{Permission: permAttachments, Detail: "attachments.sha256 is not switched on"},
		},
		Scope: []string{"INC", "OPS (no canary: hidden issues would not be noticed)"},
	}
	if diff := cmp.Diff(want, rep); diff != "" {
		t.Error(diff)
	}
}

func TestCheckWithoutAccess(t *testing.T) {
	f := newFakeJira(t)
	f.routes["GET /rest/api/3/myself"] = status(401)
	rep, err := New().Check(t.Context(), config0(t, f.settings(nil)))
	if err != nil || rep.Problem == "" || rep.Remedy == "" || strings.Contains(rep.Problem, fakeToken) {
		t.Errorf("%+v, %v", rep, err)
	}
}

func TestSettingsErrorsComeAllAtOnce(t *testing.T) {
	_, err := New().Check(t.Context(), connector.Config{Settings: json.RawMessage(`{"base_url":"https://u:p@x","deployment":"moon","since":"x",
		"projects":[{"key":"lower"},{"key":"A","canary":"zz"}],
		"issue_types":[{"project":"B","type":"","kind":"github.pull_request","fields":{"a":"b["}}]}`)})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"secret token", "base_url", "deployment", "since", "projects[0].key", "projects[1].canary", "issue_types[0].project",
		"issue_types[0].type", "github.pull_request", "issue_types[0].fields.a"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error does not mention %q:\n%v", want, err)
		}
	}
	if strings.Contains(err.Error(), "u:p") {
		t.Error("the error repeats a password")
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func bodyOf(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }
