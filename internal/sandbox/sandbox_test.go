package sandbox_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/sandbox"
)

// testNow is the instant of all tests.
func testNow() time.Time { return time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC) }

// start runs the organisation for one test, bounded in time.
func start(t *testing.T) (context.Context, *sandbox.Org) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	org, err := sandbox.Start(ctx, sandbox.Options{Now: testNow()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := org.Close(); err != nil {
			t.Error(err)
		}
	})
	return ctx, org
}

func TestStartNeedsNow(t *testing.T) {
	if org, err := sandbox.Start(t.Context(), sandbox.Options{}); err == nil {
		t.Errorf("Start without Now gave %v, want an error", org)
	}
}

// TestSameNowSameBytes compares answers of two organisations of one instant,
// and shows that another instant gives other ones.
func TestSameNowSameBytes(t *testing.T) {
	ctx, a := start(t)
	_, b := start(t)
	later, err := sandbox.Start(ctx, sandbox.Options{Now: testNow().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	defer later.Close()
	for _, path := range []string{
		"/orgs/" + a.GitHubOrg + "/repos?per_page=100",
		"/repos/" + a.GitHubOrg + "/fraud-score/pulls?state=all",
		"/repos/" + a.GitHubOrg + "/code-helper/commits?sha=main",
		"/repos/" + a.GitHubOrg + "/claims-triage/git/trees/main?recursive=1",
	} {
		tag := func(o *sandbox.Org) string {
			return get(ctx, t, o.GitHubURL+path, o.GitHubToken, "").Header.Get("ETag")
		}
		if x, y := tag(a), tag(b); x == "" || x != y {
			t.Errorf("%s: ETags %q and %q of the same instant", path, x, y)
		}
		if path != "/repos/"+a.GitHubOrg+"/claims-triage/git/trees/main?recursive=1" && tag(a) == tag(later) {
			t.Errorf("%s: an hour later the answer is the same", path)
		}
	}
}

func TestCloseStopsTheServers(t *testing.T) {
	ctx, org := start(t)
	if err := org.Close(); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{org.GitHubURL, org.JiraURL, org.AWSURL} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			t.Errorf("%s still answers: %s", url, resp.Status)
		}
	}
}
