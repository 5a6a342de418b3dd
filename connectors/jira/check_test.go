package jira

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

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

// want is what Check says of a permission.
func permissionOf(rep connector.CheckReport, id string) connector.PermissionState {
	for _, p := range rep.Permissions {
		if p.Permission == id {
			return p
		}
	}
	return connector.PermissionState{}
}

// Each permission, as Jira tells of it: granted only if that was seen.
func TestCheckEachPermission(t *testing.T) {
	const (
		levels = "GET /rest/api/3/project/INC/securitylevel"
		scheme = "GET /rest/api/3/project/INC/issuesecuritylevelscheme"
		desks  = "GET /rest/servicedeskapi/servicedesk"
		queue  = "GET /rest/servicedeskapi/servicedesk/4/queue"
		mine   = "GET /rest/api/3/mypermissions"
		file   = "GET /rest/api/3/attachment/content/7"
	)
	ok := func(body string) http.HandlerFunc { return raw("application/json", body) }
	deskList := ok(`{"isLastPage":true,"values":[{"id":"4","projectKey":"INC"}]}`)
	for name, tt := range map[string]struct {
		routes map[string]http.HandlerFunc
		id     string
		grant  connector.Grant
		says   string
	}{
		"browse":              {nil, permBrowse, connector.Granted, ""},
		"browse, denied":      {map[string]http.HandlerFunc{mine: ok(`{"permissions":{"BROWSE_PROJECTS":{"havePermission":false}}}`)}, permBrowse, connector.Missing, "Browse Projects is not given"},
		"browse, not said":    {map[string]http.HandlerFunc{mine: ok(`{"permissions":{}}`)}, permBrowse, connector.Granted, ""}, // the canary is there
		"levels, all":         {map[string]http.HandlerFunc{levels: ok(`{"levels":[{"id":"1","name":"Staff"}]}`), scheme: ok(`{"id":9,"levels":[{"id":"1","name":"Staff"}]}`)}, permSecurity, connector.Granted, ""},
		"levels, one missing": {map[string]http.HandlerFunc{levels: ok(`{"levels":[]}`), scheme: ok(`{"id":9,"levels":[{"id":"1","name":"Board"}]}`)}, permSecurity, connector.Missing, "Board"},
		"levels, no admin":    {map[string]http.HandlerFunc{levels: ok(`{"levels":[{"id":"1","name":"Staff"}]}`), scheme: status(403)}, permSecurity, connector.GrantUnknown, "in Staff; only an administrator"},
		"levels, no scheme":   {map[string]http.HandlerFunc{levels: ok(`{"levels":[]}`), scheme: status(404)}, permSecurity, connector.GrantUnknown, "only an administrator"},
		"levels, not said":    {nil, permSecurity, connector.GrantUnknown, "does not say"},
		"agent":               {map[string]http.HandlerFunc{desks: deskList, queue: ok(`{"values":[]}`)}, permApprovals, connector.Granted, ""},
		"no agent":            {map[string]http.HandlerFunc{desks: deskList, queue: status(403)}, permApprovals, connector.Missing, "no agent"},
		"a token's scope":     {map[string]http.HandlerFunc{desks: status(401)}, permApprovals, connector.Missing, "read:servicedesk-request"},
		"no service project":  {map[string]http.HandlerFunc{desks: ok(`{"isLastPage":true,"values":[{"id":"5","projectKey":"OPS"}]}`)}, permApprovals, connector.Missing, "no service project"},
		"desks, broken":       {map[string]http.HandlerFunc{desks: status(500)}, permApprovals, connector.GrantUnknown, "does not say"},
		"desks without end":   {map[string]http.HandlerFunc{desks: ok(`{"isLastPage":false,"values":[]}`)}, permApprovals, connector.GrantUnknown, "does not say"},
		"file":                {nil, permAttachments, connector.Granted, ""},
		"file, denied":        {map[string]http.HandlerFunc{file: status(403)}, permAttachments, connector.Missing, "403"},
		"file, a login page":  {map[string]http.HandlerFunc{file: raw("text/html", "<html>log in")}, permAttachments, connector.GrantUnknown, "could not be read"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeJira(t)
			f.add(1, "Task", map[string]any{"attachment": []any{f.attach("7", "a", "hello")}})
			for r, h := range tt.routes {
				f.routes[r] = h
			}
			s := hashing(f, nil)
			s["projects"] = []any{map[string]any{"key": "INC", "canary": "INC-1", "approvals": true}}
			rep, err := New().Check(t.Context(), config0(t, s))
			got := permissionOf(rep, tt.id)
			if err != nil || got.Grant != tt.grant || !strings.Contains(got.Detail, tt.says) {
				t.Errorf("%+v, error %v", got, err)
			}
			if got.Grant == connector.Granted && got.Detail != "" {
				t.Errorf("granted, and yet %s", got.Detail)
			}
		})
	}
}

// Settings for another Jira, and clocks that differ.
func TestCheckServerInfo(t *testing.T) {
	f := newFakeJira(t)
	f.add(1, "Task", nil)
	f.routes["GET /rest/api/2/serverInfo"] = raw("application/json", `{"deploymentType":"Cloud"}`)
	rep, err := New().Check(t.Context(), config0(t, dataCenterSettings(f, nil)))
	if err != nil || !strings.Contains(rep.Problem, "this Jira is cloud") || rep.Remedy != "set deployment: cloud" || len(rep.Permissions) != 4 {
		t.Errorf("%+v, %v", rep, err)
	}
	f.routes["GET /rest/api/2/serverInfo"] = raw("application/json", `{"deploymentType":"Cloud","serverTime":"`+time.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05.000-0700")+`"}`)
	rep, err = New().Check(t.Context(), config0(t, f.settings(nil)))
	if err != nil || rep.Problem != "" || len(rep.Scope) != 2 || !strings.Contains(rep.Scope[0], "ahead of ours") {
		t.Errorf("%+v, %v", rep, err)
	}
}
