//go:build peers

package github_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/internal/peertest"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

// relay stands before a peer and notes what is asked of it and how it answers.
type relay struct {
	*httptest.Server
	onePage bool // the links to further pages are cut: some peers' never end

	mu    sync.Mutex
	seen  []string // status, method and path
	graph []string // answers of GraphQL
}

func newRelay(t *testing.T, base string) *relay {
	t.Helper()
	target, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{}
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(target) }, ModifyResponse: r.note}
	r.Server = httptest.NewServer(proxy)
	t.Cleanup(r.Close)
	return r
}

func (r *relay) note(resp *http.Response) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, fmt.Sprintf("%d %s %s", resp.StatusCode, resp.Request.Method, resp.Request.URL.Path))
	if r.onePage {
		resp.Header.Del("Link")
	}
	if !strings.HasSuffix(resp.Request.URL.Path, "/graphql") {
		return nil
	}
	body, err := io.ReadAll(resp.Body)
	r.graph = append(r.graph, string(body))
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return err
}

// took returns the answers so far that were not 304, without the repositories'
// names, and how many of each there were.
func (r *relay) took() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string]int{}
	name := regexp.MustCompile(`/repos/[^/]+/[^/]+`)
	for _, s := range r.seen {
		if !strings.HasPrefix(s, "304 ") {
			out[name.ReplaceAllString(s, "/repos/…")]++
		}
	}
	r.seen = nil
	return out
}

// reading is what one run against a peer came to.
type reading struct {
	records map[string]int // number, by kind
	gaps    map[string]int // number, by kind and reason
}

func (r reading) kinds() []string { return slices.Sorted(maps.Keys(r.records)) }

// read makes a run of all kinds against a peer, with what an earlier run left.
func (r *relay) read(t *testing.T, h *host, secrets map[string]string, settings obj) reading {
	t.Helper()
	h.mustCollect(&fakeGitHub{Server: r.Server}, settings, func(req *connector.Request) {
		req.Config.Secrets = secrets
		req.Kinds = nil
	})
	out := reading{records: map[string]int{}, gaps: map[string]int{}}
	for id := range h.records {
		kind, _, _ := strings.Cut(id, " ")
		out.records[kind]++
	}
	for _, g := range h.gaps {
		for _, k := range g.Kinds {
			out.gaps[k+" "+string(g.Reason)]++
		}
	}
	t.Logf("%d requests, %d answered 304; records %v; gaps %v", h.calls.Requests, h.calls.NotModified, out.records, out.gaps)
	return out
}

func token(text string) map[string]string { return map[string]string{"token": text} }

// emulateHub changes an emulated GitHub in somebody's name.
type emulateHub struct {
	t    *testing.T
	base string
}

func (e emulateHub) as(who, method, path string, body obj) obj {
	e.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		e.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(e.t.Context(), method, e.base+path, bytes.NewReader(b))
	if err != nil {
		e.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer token-"+who)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		e.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode/100 != 2 {
		e.t.Fatalf("%s %s as %s: %d %.300s %v", method, path, who, resp.StatusCode, raw, err)
	}
	var out obj
	_ = json.Unmarshal(raw, &out) // some answers are empty
	return out
}

const scorer = "/repos/acme/scorer"

func (e emulateHub) file(who, branch, path, text string) {
	e.t.Helper()
	e.as(who, http.MethodPut, scorer+"/contents/"+path, obj{"message": "Add " + path, "branch": branch, "content": base64.StdEncoding.EncodeToString([]byte(text))})
}

// change opens a pull request by kim with one file.
func (e emulateHub) change(branch, path string) (number int) {
	e.t.Helper()
	main := e.as("kim", http.MethodGet, scorer+"/git/ref/heads/main", nil)
	e.as("kim", http.MethodPost, scorer+"/git/refs", obj{"ref": "refs/heads/" + branch, "sha": main["object"].(map[string]any)["sha"]})
	e.file("kim", branch, path, branch)
	made := e.as("kim", http.MethodPost, scorer+"/pulls", obj{"title": "AI-7 " + branch, "head": branch, "base": "main", "body": "Fixes #3"})
	return int(made["number"].(float64))
}

func (e emulateHub) seed() {
	e.as("kim", http.MethodPost, "/orgs/acme/repos", obj{"name": "scorer", "private": true, "auto_init": true})
	for _, who := range []string{"lee", "auditor"} {
		e.as("kim", http.MethodPut, scorer+"/collaborators/"+who, obj{"permission": "push"})
	}
	n := e.change("approved", "prompts/score.md")
	e.as("lee", http.MethodPost, fmt.Sprintf("%s/pulls/%d/reviews", scorer, n), obj{"event": "APPROVE", "body": "read"})
	e.as("kim", http.MethodPut, fmt.Sprintf("%s/pulls/%d/merge", scorer, n), obj{"merge_method": "squash"})
	e.change("open", "model/idea.py")
	e.file("kim", "main", "policies/ai.md", "# Policy\n") // round the pull requests
	e.as("kim", http.MethodPut, scorer+"/branches/main/protection", obj{"required_pull_request_reviews": obj{"required_approving_review_count": 2},
		"required_status_checks": obj{"strict": true, "contexts": []string{"eval"}}, "enforce_admins": true, "restrictions": nil})
}

// A stateful imitation of GitHub: what people do there comes out as records.
// It knows no rulesets, no GraphQL, no validators, and not which pull request
// brought a commit: each of these is a gap or goes without.
func TestPeerEmulate(t *testing.T) {
	seed, err := filepath.Abs("testdata/emulate.yaml")
	if err != nil {
		t.Fatal(err)
	}
	base := peertest.Emulate(t, "github", seed)
	emulateHub{t, base}.seed()
	peer, h := newRelay(t, base), newHost(t)
	settings := obj{"organization": "acme", "repositories": []any{"acme/scorer"}, "file_globs": []any{"policies/**", "prompts/**"}, "since": "2020-01-01"}
	got := peer.read(t, h, token("token-auditor"), settings)
	want := reading{
		records: map[string]int{github.KindRepository: 1, github.KindPullRequest: 2, github.KindReview: 1, github.KindPush: 2,
			github.KindBranchProtection: 1, github.KindFileRevision: 2},
		gaps: map[string]int{
			github.KindPullRequest + " truncated": 1, github.KindPush + " unsupported": 2, github.KindBranchProtection + " unsupported": 1,
			github.KindAuditEvent + " unsupported": 1, github.KindTokenGrant + " unsupported": 1, github.KindAppInstallation + " denied": 1,
			github.KindCopilotPolicy + " denied": 1, github.KindCopilotSeat + " denied": 1, github.KindDeployment + " denied": 1,
			github.KindEnvironment + " denied": 1, github.KindSecretName + " denied": 6, github.KindSBOM + " denied": 1,
		},
	}
	sameReading(t, want, got)
	first, second := h.payloads(github.KindPullRequest)["1/1"], h.payloads(github.KindPullRequest)["1/2"]
	wantFirst := obj{"author": "kim", "merged": true, "merged_by": "kim", "files": []any{"prompts/score.md"}, "files_truncated": true,
		"linked_issue_keys": []any{"AI-7"}, "closes_issues": []any{"acme/scorer#3"}, "head_ref": "approved", "is_default_branch": true}
	if d := cmp.Diff(wantFirst, fields(first, slices.Collect(maps.Keys(wantFirst))...)); d != "" {
		t.Errorf("the merged pull request: %s", d)
	}
	if second["merged"] != false || second["state"] != "open" || second["merge_commit_sha"] != nil {
		t.Errorf("the open pull request: %v", second)
	}
	for _, rv := range h.payloads(github.KindReview) {
		if rv["reviewer"] != "lee" || rv["state"] != "APPROVED" || rv["commit_id"] != first["head_sha"] || rv["reviewer_is_author"] != false {
			t.Errorf("review %v of head %v", rv, first["head_sha"])
		}
	}
	gate := obj{"source": "classic", "unread": []any{"ruleset"}, "required_approving_review_count": 2.0, "required_status_checks": []any{"eval"}, "enforce_admins": true}
	if d := cmp.Diff(gate, fields(h.payloads(github.KindBranchProtection)["1/main"], slices.Collect(maps.Keys(gate))...)); d != "" {
		t.Errorf("the gate: %s", d)
	}
	sameReading(t, want, peer.read(t, h, token("token-auditor"), settings))
	if h.revisions != 0 {
		t.Errorf("read again: %d revisions of what did not change", h.revisions)
	}
	connectortest.Peer(t, peertest.EmulateName, got.kinds())
}

func sameReading(t *testing.T, want, got reading) {
	t.Helper()
	if d := cmp.Diff(want.records, got.records); d != "" {
		t.Errorf("records, by kind (-want +got):\n%s", d)
	}
	if d := cmp.Diff(want.gaps, got.gaps); d != "" {
		t.Errorf("gaps, by kind and reason (-want +got):\n%s", d)
	}
}

// GitHub's own description of its API, served by prism: it refuses requests
// that do not fit, and answers with GitHub's own examples. Its listings never
// end, so they are cut after one page; and once they are not.
func TestPeerPrism(t *testing.T) {
	peer := newRelay(t, peertest.Prism(t, subsetOfGitHub(t), "/rate_limit"))
	peer.onePage = true
	settings := obj{"organization": "github", "repositories": []any{"octocat/Hello-World"}, "file_globs": []any{"**"}, "since": "2000-01-01",
		"artifact_workflows": []any{"**"}}
	h := newHost(t)
	got := peer.read(t, h, token("token"), settings)
	sameReading(t, reading{
		records: map[string]int{github.KindRepository: 1, github.KindPullRequest: 1, github.KindReview: 1, github.KindBranchProtection: 1,
			github.KindRelease: 1, github.KindDeployment: 1, github.KindEnvironment: 1, github.KindSBOM: 1, github.KindSecretName: 19,
			github.KindAppInstallation: 1, github.KindTokenGrant: 1, github.KindCopilotPolicy: 1, github.KindCopilotSeat: 1},
		// The example of a file's content is a folder, and that of a merged pull
		// request counts more files than the example of its files.
		gaps: map[string]int{github.KindFileRevision + " malformed": 2, github.KindPullRequest + " truncated": 1},
	}, got)
	for answer := range peer.took() {
		if !strings.HasPrefix(answer, "200 ") {
			t.Errorf("GitHub's own description has no answer for what was asked: %s", answer)
		}
	}
	peer.onePage = false
	endless := newHost(t)
	for name := range peer.read(t, endless, token("token"), settings).gaps {
		if !strings.HasSuffix(name, " malformed") && got.gaps[name] == 0 {
			t.Errorf("a listing that never ends gives the gap %s", name)
		}
	}
	for _, kind := range []string{github.KindPullRequest, github.KindReview, github.KindPush, github.KindWorkflowRun} {
		if n := len(endless.keys(kind)); n != 0 {
			t.Errorf("%d records of %s from a listing that cannot be believed", n, kind)
		}
	}
	connectortest.Peer(t, peertest.PrismName, got.kinds())
}

// An imitation with validators and with GitHub's own GraphQL schema.
func TestPeerSimulacrum(t *testing.T) {
	script, err := filepath.Abs("testdata/simulacrum.mjs")
	if err != nil {
		t.Fatal(err)
	}
	peer, h := newRelay(t, peertest.Script(t, peertest.SimulacrumName, script, "/orgs/acme/repos")), newHost(t)
	settings := obj{"organization": "acme", "since": "2000-01-01"}
	want := reading{
		records: map[string]int{github.KindRepository: 22, github.KindPullRequest: 22, github.KindReview: 1, github.KindPush: 22,
			github.KindBranchProtection: 22, github.KindRelease: 1, github.KindDeployment: 1, github.KindEnvironment: 22, github.KindSBOM: 22,
			github.KindSecretName: 229, github.KindAppInstallation: 1, github.KindTokenGrant: 1, github.KindCopilotPolicy: 1, github.KindCopilotSeat: 1},
		gaps: map[string]int{github.KindRepository + " hidden": 1, github.KindPullRequest + " truncated": 22, github.KindCodeowners + " denied": 22},
	}
	// It counts more repositories than it lists: whatever is read of each
	// repository is incomplete.
	for _, kind := range []string{github.KindPullRequest, github.KindReview, github.KindPush, github.KindBranchProtection, github.KindWorkflowRun,
		github.KindFileRevision, github.KindCodeowners, github.KindRelease, github.KindDeployment, github.KindEnvironment, github.KindSBOM, github.KindSecretName} {
		want.gaps[kind+" hidden"] = 1
	}
	first := peer.read(t, h, token("token"), settings)
	sameReading(t, want, first)
	peer.onlyNulls(t)
	peer.took()
	sameReading(t, want, peer.read(t, h, token("token"), settings))
	if h.revisions != 0 {
		t.Errorf("read again: %d revisions of what did not change", h.revisions)
	}
	// The trees hold nothing here, and so each repository might be empty.
	for answer, n := range peer.took() {
		if !strings.HasSuffix(answer, "/git/trees/main") && answer != "200 GET /repos/…/commits" && n > 1 {
			t.Errorf("%d answers %s to what did not change", n, answer)
		}
	}
	connectortest.Peer(t, peertest.SimulacrumName, first.kinds())
	asApp(t, peer, want)
}

// onlyNulls holds the answer of GraphQL against GitHub's own schema: every
// field and argument of the question exists. The peer has no pull requests and
// says null where that is not allowed; so their repositories are null, too.
func (r *relay) onlyNulls(t *testing.T) {
	t.Helper()
	if len(r.graph) == 0 {
		t.Fatal("GraphQL was not asked")
	}
	for _, text := range r.graph {
		var said struct {
			Data struct {
				Owner *struct {
					Repositories struct{ Nodes []any }
				}
			}
			Errors []struct{ Message string }
		}
		if err := json.Unmarshal([]byte(text), &said); err != nil || said.Data.Owner == nil || len(said.Data.Owner.Repositories.Nodes) != 22 {
			t.Errorf("GraphQL answers %.300s", text)
		}
		for _, e := range said.Errors {
			if !strings.HasPrefix(e.Message, "Cannot return null for non-nullable field") {
				t.Errorf("GraphQL objects to the question: %s", e.Message)
			}
		}
	}
}

// asApp reads the same as a GitHub App.
func asApp(t *testing.T, peer *relay, want reading) {
	t.Helper()
	s := newAppServer(t)
	h := newHost(t)
	settings := obj{"organization": "acme", "since": "2000-01-01", "app_id": 1}
	sameReading(t, want, peer.read(t, h, map[string]string{"app_private_key": s.pem()}, settings))
	taken := peer.took()
	if taken["201 POST /app/installations/"+installationOf(taken)+"/access_tokens"] != 1 || taken["200 GET /orgs/acme/installation"] != 1 {
		t.Errorf("the app got its token by %v", taken)
	}
}

func installationOf(taken map[string]int) string {
	for answer := range taken {
		if rest, ok := strings.CutPrefix(answer, "201 POST /app/installations/"); ok {
			id, _, _ := strings.Cut(rest, "/")
			return id
		}
	}
	return ""
}

// subsetOfGitHub writes the part of GitHub's description that is called here,
// as prism can serve it: with the media type that go-github asks for, and
// without the references to documents that it does not contain.
func subsetOfGitHub(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile(peertest.Path(t, "node_modules", "@octokit", "openapi", "generated", "ghec.json"))
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	paths := map[string]any{}
	for p, ops := range doc["paths"].(map[string]any) {
		if get, ok := ops.(map[string]any)["get"]; ok && called(p) {
			paths[p] = map[string]any{"get": get}
		}
	}
	used := map[string]any{}
	s := &spec{doc: doc, used: used}
	s.walk(paths)
	out, err := json.Marshal(map[string]any{"openapi": "3.0.3", "info": doc["info"], "servers": []any{map[string]any{"url": "/"}}, "paths": paths, "components": used})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ghec.subset.json")
	if err := os.WriteFile(file, out, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d paths, %d KiB", len(paths), len(out)>>10)
	return file
}

// called reports whether the connector asks for a path.
func called(p string) bool {
	prefixes := []string{"/rate_limit", "/user", "/orgs/{org}", "/orgs/{org}/repos", "/orgs/{org}/audit-log", "/orgs/{org}/installations", "/orgs/{org}/copilot",
		"/orgs/{org}/actions/secrets", "/orgs/{org}/actions/variables", "/orgs/{org}/dependabot/secrets", "/orgs/{org}/personal-access-tokens", "/repos/{owner}/{repo}"}
	deep := []string{"/pulls", "/commits", "/branches/{branch}", "/rules/branches", "/rulesets", "/actions/runs", "/actions/secrets", "/actions/variables", "/git/trees",
		"/git/blobs", "/git/ref", "/git/tags", "/tags", "/contents", "/activity", "/issues/{issue_number}/events", "/codeowners", "/releases", "/deployments", "/environments",
		"/dependency-graph", "/dependabot/secrets", "/properties"}
	if rest, ok := strings.CutPrefix(p, "/repos/{owner}/{repo}"); ok {
		return rest == "" || slices.ContainsFunc(deep, func(d string) bool { return strings.HasPrefix(rest, d) })
	}
	return slices.Contains(prefixes, p) || strings.HasPrefix(p, "/orgs/{org}/copilot") || strings.HasPrefix(p, "/orgs/{org}/personal-access-tokens")
}

// spec is an OpenAPI document of which a part is kept.
type spec struct {
	doc  map[string]any
	used map[string]any // components
}

// walk follows what a part refers to, and adds the media type.
func (s *spec) walk(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			s.walk(e)
		}
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			s.refer(v, ref)
			return
		}
		if content, ok := v["content"].(map[string]any); ok && content["application/json"] != nil {
			content["application/vnd.github.v3+json"] = content["application/json"]
		}
		for _, e := range v {
			s.walk(e)
		}
	}
}

func (s *spec) refer(v map[string]any, ref string) {
	parts := strings.Split(strings.TrimPrefix(ref, "#/components/"), "/")
	if len(parts) != 2 || ref == parts[0] {
		delete(v, "$ref")
		v["type"] = "object"
		return
	}
	section, _ := s.used[parts[0]].(map[string]any)
	if section == nil {
		section = map[string]any{}
		s.used[parts[0]] = section
	}
	if section[parts[1]] != nil {
		return
	}
	section[parts[1]] = s.doc["components"].(map[string]any)[parts[0]].(map[string]any)[parts[1]]
	s.walk(section[parts[1]])
}
