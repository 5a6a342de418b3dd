//go:build peers

package real

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/exhibit-aims/exhibit/internal/peertest"
)

// templates are functions for dates, each so many days from now.
func templates(now time.Time) template.FuncMap {
	days := func(n int) time.Time { return now.AddDate(0, 0, n) }
	return template.FuncMap{
		"day":    func(n int) string { return days(n).Format(time.DateOnly) },
		"at":     func(n int) string { return days(n).Format(time.RFC3339) },
		"jira":   func(n int) string { return days(n).Format("2006-01-02T15:04:05.000-0700") },
		"millis": func(n int) string { return strconv.FormatInt(days(n).UnixMilli(), 10) },
	}
}

// fill fills in a template; what it does not know is an error.
func fill(t *testing.T, path string, data any, funcs template.FuncMap) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := template.New(filepath.Base(path)).Option("missingkey=error").Funcs(funcs).Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, data); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func write(t *testing.T, path string, b []byte, mode fs.FileMode) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, b, mode)); err != nil {
		t.Fatal(err)
	}
}

// governance makes a git repository with the git program: one commit for each
// file in the folder governance. A digest in it is of an earlier commit's file.
func governance(t *testing.T, now time.Time) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "governance")
	git := func(env []string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir}, args...)...)
		cmd.Env = append(os.Environ(), append(env, "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	write(t, filepath.Join(dir, "README.md"), nil, 0o644)
	git(nil, "init", "--quiet", "--initial-branch", "main")
	commits, err := filepath.Glob("governance/*.txtar")
	if err != nil || len(commits) == 0 {
		t.Fatalf("no commits to make: %v", err)
	}
	funcs := templates(now)
	funcs["sha256"] = func(path string) (string, error) {
		b, err := os.ReadFile(filepath.Join(dir, path))
		sum := sha256.Sum256(b)
		return hex.EncodeToString(sum[:]), err
	}
	for _, c := range commits {
		archive := txtar.Parse(fill(t, c, nil, funcs))
		for _, f := range archive.Files {
			write(t, filepath.Join(dir, f.Name), f.Data, 0o644)
		}
		head := map[string]string{}
		for line := range strings.Lines(string(archive.Comment)) {
			if k, v, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
				head[k] = v
			}
		}
		name, mail, _ := strings.Cut(strings.TrimSuffix(head["author"], ">"), " <")
		git(nil, "add", "--all")
		git([]string{"GIT_AUTHOR_NAME=" + name, "GIT_AUTHOR_EMAIL=" + mail, "GIT_AUTHOR_DATE=" + head["date"],
			"GIT_COMMITTER_NAME=" + name, "GIT_COMMITTER_EMAIL=" + mail, "GIT_COMMITTER_DATE=" + head["date"]},
			"commit", "--quiet", "--message", head["message"])
	}
	return dir
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// jiraSpec writes the part of Atlassian's specification that concerns reading
// issues. examples replaces what is answered at a path, as the seeds of a
// server that keeps no state; without it Atlassian's own examples stay.
func jiraSpec(t *testing.T, name string, examples map[string][]byte) string {
	t.Helper()
	var spec struct {
		OpenAPI    string                               `json:"openapi"`
		Info       json.RawMessage                      `json:"info"`
		Components json.RawMessage                      `json:"components"`
		Security   json.RawMessage                      `json:"security,omitempty"`
		Paths      map[string]map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(mustRead(t, peertest.Path(t, "specs", "jira.json")), &spec); err != nil {
		t.Fatalf("Atlassian's specification: %v", err)
	}
	keep := map[string]string{
		"/rest/api/3/myself": "get", "/rest/api/3/mypermissions": "get", "/rest/api/3/project/{projectIdOrKey}": "get",
		"/rest/api/3/issue/{issueIdOrKey}/changelog": "get", "/rest/api/3/search/jql": "post",
		"/rest/api/3/search/approximate-count": "post", "/rest/api/3/changelog/bulkfetch": "post",
	}
	for path := range spec.Paths {
		if keep[path] == "" {
			delete(spec.Paths, path)
		}
	}
	for path, method := range keep {
		op := spec.Paths[path][method]
		if op == nil {
			t.Fatalf("Atlassian's specification has no %s %s", method, path)
		}
		media := op["responses"].(object)["200"].(object)["content"].(object)["application/json"].(object)
		if text, ok := media["example"].(string); ok { // as published, examples are JSON in a string
			var value any
			if err := json.Unmarshal([]byte(text), &value); err != nil {
				t.Fatalf("example of %s: %v", path, err)
			}
			media["example"] = value
		}
		if b := examples[path]; b != nil {
			media["example"] = json.RawMessage(b)
		}
		spec.Paths[path] = map[string]map[string]any{method: op}
	}
	b, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name+".json")
	write(t, path, b, 0o600)
	return path
}

// jiraSeeds are the answers about the project AIGOV.
func jiraSeeds(t *testing.T, now time.Time) map[string][]byte {
	t.Helper()
	return map[string][]byte{
		"/rest/api/3/search/jql":               fill(t, "jira/search.json", nil, templates(now)),
		"/rest/api/3/changelog/bulkfetch":      fill(t, "jira/changelog.json", nil, templates(now)),
		"/rest/api/3/search/approximate-count": []byte(`{"count": 3}`),
		"/rest/api/3/project/{projectIdOrKey}": []byte(`{"id": "10000", "key": "AIGOV", "name": "AI governance", "projectTypeKey": "software"}`),
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}
