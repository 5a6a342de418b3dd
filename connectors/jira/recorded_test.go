package jira

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	gojira "github.com/andygrunwald/go-jira"

	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

// recorded reads an answer that the makers of go-jira recorded from a Jira
// Server and keep beside their code.
func recorded(t *testing.T, name string) []byte {
	t.Helper()
	file, _ := runtime.FuncForPC(reflect.ValueOf(gojira.NewClient).Pointer()).FileLine(reflect.ValueOf(gojira.NewClient).Pointer())
	dir := filepath.Dir(file)
	if !filepath.IsAbs(dir) { // built with -trimpath
		cache := os.Getenv("GOMODCACHE")
		if cache == "" {
			path := os.Getenv("GOPATH")
			if path == "" {
				home, err := os.UserHomeDir()
				if err != nil {
					t.Fatal(err)
				}
				path = filepath.Join(home, "go")
			}
			cache = filepath.Join(path, "pkg", "mod")
		}
		dir = filepath.Join(cache, dir)
	}
	b, err := os.ReadFile(filepath.Join(dir, "mocks", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Issues as an old Server gave them become records.
func TestRecordedIssues(t *testing.T) {
	var page searchPage
	if err := json.Unmarshal(recorded(t, "issues_in_sprint.json"), &page); err != nil || len(page.Issues) == 0 {
		t.Fatalf("%d issues, %v", len(page.Issues), err)
	}
	cfg := &config{WebURL: "https://jira.example"}
	for _, raw := range page.Issues {
		is, bad := parseIssue(raw)
		if bad != nil {
			t.Fatalf("%s: %v", bad.ref, bad.err)
		}
		files, err := is.attachments()
		if err != nil {
			t.Fatal(err)
		}
		rec, err := is.record(cfg, files)
		if err != nil {
			t.Fatalf("%s: %v", is.key, err)
		}
		m := connectortest.Payload(t, rec)
		if m["key"] != "AR-86" || m["project"] != "AR" || m["type"] != "Task" || m["status"] == "" || rec.URL != "https://jira.example/browse/AR-86" {
			t.Errorf("%s", rec.Payload)
		}
	}
}

// All the projects of a large Server have keys that the settings take, and one
// by one they are the answer to our question.
func TestRecordedProjects(t *testing.T) {
	var list []projectInfo
	if err := json.Unmarshal(recorded(t, "all_projects.json"), &list); err != nil || len(list) < 100 {
		t.Fatalf("%d projects, %v", len(list), err)
	}
	c := &config{}
	for _, p := range list {
		c.Projects = append(c.Projects, project{Key: p.Key})
	}
	if errs := c.checkProjects(); len(errs) != 0 {
		t.Error(errs)
	}
	f := newFakeJira(t)
	f.routes["GET /rest/api/2/project/ABDERA"] = raw("application/json", string(recorded(t, "project.json")))
	f.routes["GET /rest/api/2/field"] = raw("application/json", string(recorded(t, "all_fields.json")))
	cfg, err := parseConfig(config0(t, f.settings(map[string]any{"deployment": "datacenter"})))
	if err != nil {
		t.Fatal(err)
	}
	api, err := newClient(cfg, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := api.project(t.Context(), "ABDERA"); err != nil {
		t.Error(err)
	}
	if fields, err := api.fields(t.Context()); err != nil || len(fields) != 2 {
		t.Errorf("fields %v, %v", fields, err)
	}
}

// The permission that the connector asks for is one that a Server has.
func TestRecordedPermissions(t *testing.T) {
	if !strings.Contains(string(recorded(t, "permissionscheme.json")), `"`+permBrowse+`"`) {
		t.Errorf("a recorded permission scheme does not know %s", permBrowse)
	}
}
