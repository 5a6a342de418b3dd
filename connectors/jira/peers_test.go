//go:build peers

package jira

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// startPrism serves Atlassian's own specification of Jira's API with prism,
// which answers with the specification's examples and refuses what does not fit it.
func startPrism(t *testing.T) string {
	t.Helper()
	prism, err := exec.LookPath(cmpOr(os.Getenv("EXHIBIT_PRISM"), "prism"))
	if err != nil {
		t.Fatal("prism is not on the PATH nor in EXHIBIT_PRISM; install it with: npm i --ignore-scripts @stoplight/prism-cli@5.16.0")
	}
	spec := cmpOr(os.Getenv("EXHIBIT_JIRA_SPEC"), "../../../shared/peers/specs/jira.subset.json")
	if _, err := os.Stat(spec); err != nil {
		t.Fatal("Atlassian's Jira Cloud specification is not there; set EXHIBIT_JIRA_SPEC to the OpenAPI file")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), prism, "mock", "-h", "127.0.0.1", "-p", port, spec)
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	url := "http://127.0.0.1:" + port
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		if resp, err := http.Get(url + "/rest/api/3/serverInfo"); err == nil {
			_ = resp.Body.Close()
			return url
		}
		if time.Now().After(deadline) {
			t.Fatal("prism did not start within two minutes")
		}
	}
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// Every request fits the specification, its examples become records, and what
// a mock cannot know (a count that fits, a canary) becomes a gap.
func TestAgainstPrism(t *testing.T) {
	url := startPrism(t)
	settings := map[string]any{"base_url": url, "email": "reader@example.com", "projects": []any{map[string]any{"key": "ED", "canary": "ED-1"}}}
	rep, err := New().Check(t.Context(), config0(t, settings))
	if err != nil || rep.Identity != "mia@example.com" || !strings.Contains(rep.Permissions[0].Detail, "canary ED-1") && len(rep.Scope) == 0 {
		t.Errorf("check: %+v, %v", rep, err)
	}
	rec, cov, err := run(t, settings, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range rec.gaps {
		t.Logf("gap %+v", g)
		if strings.Contains(g.Detail, "status 4") && g.Reason != connector.NotFound {
			t.Errorf("a request that the specification refuses: %s", g.Detail)
		}
	}
	t.Logf("%d issues, %d transitions", len(rec.byKind(KindIssue)), len(rec.byKind(KindTransition)))
	if len(rec.byKind(KindIssue)) == 0 {
		t.Error("the specification's example of an issue gave no record")
	}
	if cov[KindIssue].Status == connector.Complete {
		t.Errorf("a mock's answers look complete: %+v", cov[KindIssue])
	}
}
