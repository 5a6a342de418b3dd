package documents

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

func check(t *testing.T, settings map[string]any) connector.CheckReport {
	t.Helper()
	b, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	rep, err := New().Check(t.Context(), connector.Config{Settings: b})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func TestCheck(t *testing.T) {
	r := newTestRepo(t)
	r.commit(at(1, 1, 9), map[string]string{"policies/a.md": "a", "src/x.go": "x"})
	rep := check(t, documentSettings(r))
	if rep.Problem != "" || rep.Permissions[0].Grant != connector.Granted || !strings.Contains(rep.Identity, "branch main") {
		t.Errorf("%+v", rep)
	}
	if diff := cmp.Diff([]string{"policies/a.md"}, rep.Scope); diff != "" {
		t.Error(diff)
	}
}

func TestCheckFindsProblems(t *testing.T) {
	r := newTestRepo(t)
	r.commit(at(1, 1, 9), map[string]string{"policies/a.md": "a"})
	for name, tt := range map[string]struct {
		change func(map[string]any)
		remedy string
	}{
		"no clone":  {func(s map[string]any) { s["repository"] = filepath.Join(r.dir, "nowhere") }, "git clone"},
		"no branch": {func(s map[string]any) { s["branch"] = "release" }, "existing branch"},
		"no file":   {func(s map[string]any) { s["documents"] = []any{map[string]any{"glob": "docs/*.md"}} }, "ls-tree"},
	} {
		t.Run(name, func(t *testing.T) {
			s := documentSettings(r)
			tt.change(s)
			rep := check(t, s)
			if rep.Problem == "" || !strings.Contains(rep.Remedy, tt.remedy) {
				t.Errorf("problem %q, remedy %q", rep.Problem, rep.Remedy)
			}
		})
	}
}

func TestSettingsErrorsComeAllAtOnce(t *testing.T) {
	_, err := New().Check(t.Context(), connector.Config{Settings: json.RawMessage(
		`{"since":"yesterday","documents":[{"glob":"/abs"}],"records":[{"glob":"a/[","kinds":["github.pull_request"]}]}`)})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"repository: missing", "since", "documents[0].glob", "records[0].glob", "github.pull_request"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not mention %q", err, want)
		}
	}
	_, err = New().Check(t.Context(), connector.Config{Settings: json.RawMessage(`{"repo":"x"}`)})
	if err == nil || !strings.Contains(err.Error(), `unknown field "repo"`) {
		t.Errorf("error %v", err)
	}
}

func TestGlob(t *testing.T) {
	for _, tt := range []struct {
		glob, path string
		want       bool
	}{
		{"policies/**/*.md", "policies/a.md", true},
		{"policies/**/*.md", "policies/x/y/a.md", true},
		{"policies/**/*.md", "other/a.md", false},
		{"policies/*.md", "policies/x/a.md", false},
		{"**/*.yaml", "a.yaml", true},
		{"**", "a/b", true},
		{"a/**/b/**/c", "a/x/b/c", true},
		{"a/**/b/**/c", "a/x/c", false},
		{"a/?.md", "a/é.md", true},
	} {
		g, err := parseGlob(tt.glob)
		if err != nil {
			t.Fatal(err)
		}
		if got := g.match(tt.path); got != tt.want {
			t.Errorf("%s matches %s: %v, want %v", tt.glob, tt.path, got, tt.want)
		}
		if dir, _, nested := strings.Cut(tt.path, "/"); nested && tt.want && !g.matchDir(dir) {
			t.Errorf("%s: folder %s of a match is not opened", tt.glob, dir)
		}
	}
}
