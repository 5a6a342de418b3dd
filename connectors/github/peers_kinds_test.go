//go:build peers

package github_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/internal/peertest"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// GitHub's own examples lead nowhere: the audit log's are from years ago, no
// deployment names a workflow run, no tree holds CODEOWNERS. With those few
// values changed on the way, prism is asked everything that follows from them,
// and refuses what does not fit GitHub's description.
func TestPeerPrismFollowed(t *testing.T) {
	followed(t, peertest.Prism(t, subsetOfGitHub(t), "/rate_limit"))
}

// followed reads the further kinds from a server of GitHub's examples.
func followed(t *testing.T, base string) {
	peer := newRelay(t, altered(t, base))
	peer.onePage = true
	settings := obj{"organization": "github", "repositories": []any{"octocat/Hello-World"}, "since": "2000-01-01", "audit_include": "all", "max_wait_seconds": 2}
	h := newHost(t)
	h.mustCollect(&fakeGitHub{Server: peer.Server}, settings, onlyKinds(furtherKinds()...))
	if len(h.gaps) > 0 {
		t.Errorf("gaps %+v", h.gaps)
	}
	for _, kind := range furtherKinds() {
		if len(h.keys(kind)) == 0 {
			t.Errorf("no %s", kind)
		}
	}
	taken := peer.took()
	for _, path := range []string{"/actions/runs/7/approvals", "/actions/runs/7/pending_deployments", "/codeowners/errors",
		"/environments/staging/deployment-branch-policies", "/environments/staging/secrets", "/environments/staging/variables"} {
		if taken["200 GET /repos/…"+path] == 0 {
			t.Errorf("%s was not answered: %v", path, taken)
		}
	}
	for _, dep := range h.payloads(github.KindDeployment) {
		want := obj{"run_id": 7.0, "status": "waiting", "pending_reviewers": []any{"team:justice-league", "user:octocat"},
			"protection_reviews": []any{obj{"reviewer": "octocat", "state": "approved", "environment": "staging", "comment": "Ship it!"}}}
		if d := cmp.Diff(plain(map[string]map[string]obj{"": {"": want}})[""][""], fields(dep, "run_id", "status", "pending_reviewers", "protection_reviews")); d != "" {
			t.Errorf("the deployment (-want +got):\n%s", d)
		}
	}
	for _, owners := range h.payloads(github.KindCodeowners) {
		if len(owners["errors"].([]any)) != 2 || len(owners["rules"].([]any)) != 4 {
			t.Errorf("CODEOWNERS: %v", owners)
		}
	}
	reported(t, peer, settings)
}

// reported asks for the list of packages as a report. The description has no
// report that is ready, so it is left for the next run.
func reported(t *testing.T, peer *relay, settings obj) {
	t.Helper()
	settings["sbom_reports"] = true
	h := newHost(t)
	for range 2 {
		h.mustCollect(&fakeGitHub{Server: peer.Server}, settings, onlyKinds(github.KindSBOM))
		if len(h.gaps) != 1 || h.gaps[0].Reason != connector.Unavailable {
			t.Errorf("gaps %+v", h.gaps)
		}
	}
	if taken := peer.took(); taken["201 GET /repos/…/dependency-graph/sbom/generate-report"] != 1 {
		t.Errorf("asked %v", taken)
	}
}

// altered stands before a server and changes a few values of its answers.
func altered(t *testing.T, base string) string {
	t.Helper()
	target, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			p.Out.Header.Del("Accept-Encoding")
		},
		ModifyResponse: func(resp *http.Response) error {
			if resp.StatusCode != http.StatusOK {
				return nil
			}
			raw, err := io.ReadAll(resp.Body)
			if err != nil {
				return err
			}
			var v any
			if json.Unmarshal(raw, &v) == nil {
				if raw, err = json.Marshal(alter(resp.Request.URL.Path, v)); err != nil {
					return err
				}
			}
			resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(raw)), int64(len(raw))
			resp.Header.Del("Content-Length")
			return nil
		},
	})
	t.Cleanup(srv.Close)
	return srv.URL
}

// alter changes what the examples do not follow up.
func alter(path string, v any) any {
	each := func(change func(map[string]any)) {
		list, _ := v.([]any)
		for _, e := range list {
			if o, ok := e.(map[string]any); ok {
				change(o)
			}
		}
	}
	switch {
	case strings.HasSuffix(path, "/audit-log"):
		n := 9
		each(func(e map[string]any) {
			n-- // in order, within the week that events of git are kept for
			e["created_at"], e["@timestamp"] = milli(recent(n-2)), milli(recent(n-2))
		})
	case strings.HasSuffix(path, "/deployments"):
		each(func(d map[string]any) { d["environment"] = "staging" })
	case strings.HasSuffix(path, "/statuses"):
		each(func(s map[string]any) {
			s["state"], s["log_url"] = "waiting", "https://github.com/octocat/Hello-World/actions/runs/7/job/1"
		})
	case strings.Contains(path, "/git/trees/"):
		v.(map[string]any)["tree"] = []any{blobEntry("CODEOWNERS", ownersText)}
	case strings.Contains(path, "/git/blobs/"):
		return blobJSON(ownersText)
	}
	return v
}
