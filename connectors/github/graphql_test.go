package github_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// graph answers the questions that the connector asks by GraphQL from what the
// fake holds for REST.
func (f *fakeGitHub) graph(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Query     string
		Variables map[string]any
	}
	if err := json.NewDecoder(r.Body).Decode(&ask); err != nil || r.Method != http.MethodPost {
		reply(w, 400, "Problems parsing JSON")
		return
	}
	repos, _ := f.answer("/orgs/acme/repos").([]any)
	from := 0
	if after, ok := ask.Variables["after"].(string); ok {
		_, _ = fmt.Sscanf(after, "c%d", &from)
	}
	to := min(from+int(ask.Variables["n"].(float64)), len(repos))
	nodes := []any{}
	for _, repo := range repos[from:to] {
		nodes = append(nodes, f.graphNode(repo.(obj), ask.Variables))
	}
	f.send(w, r, obj{"data": obj{"owner": obj{"repositories": obj{
		"pageInfo": obj{"hasNextPage": to < len(repos), "endCursor": fmt.Sprintf("c%d", to)}, "nodes": nodes}}}})
}

func (f *fakeGitHub) answer(path string) any {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.answers[path]
}

func (f *fakeGitHub) graphNode(repo obj, variables map[string]any) obj {
	path := "/repos/" + repo["full_name"].(string)
	ref := func(branch string) any {
		commits, _ := f.answer(path + "/commits?sha=" + branch).([]any)
		if len(commits) == 0 {
			return nil
		}
		return obj{"name": branch, "target": obj{"oid": commits[0].(obj)["sha"]}}
	}
	pulls := []any{}
	if list, _ := f.answer(path + "/pulls").([]any); len(list) > 0 {
		pulls = append(pulls, obj{"updatedAt": list[0].(obj)["updated_at"]})
	}
	node := obj{"databaseId": repo["id"], "pushedAt": repo["pushed_at"], "defaultBranchRef": ref("main"), "pullRequests": obj{"nodes": pulls}}
	for i := 0; variables[fmt.Sprintf("b%d", i)] != nil; i++ {
		name := fmt.Sprintf("b%d", i)
		node[name] = ref(strings.TrimPrefix(variables[name].(string), "refs/heads/"))
	}
	return node
}

// largeOrganisation has n repositories, each with a merged pull request, a
// push, protection, a pipeline and a policy. With graphql it also speaks that.
func largeOrganisation(f *fakeGitHub, n int, graphql bool) {
	repos := make([]any, 0, n)
	for i := range n {
		name := fmt.Sprintf("r%04d", i)
		repos = append(repos, repoJSON(1000+i, name))
		fillRepository(f, "/repos/acme/"+name, i)
	}
	f.set("/orgs/acme", obj{"login": "acme", "public_repos": 0, "total_private_repos": n}, "/orgs/acme/repos", repos)
	if graphql {
		f.on("/graphql", f.graph)
	}
}

func fillRepository(f *fakeGitHub, path string, i int) {
	merged := pullJSON(1, day(10), "state", "closed", "merged_at", day(9), "closed_at", day(9), "merge_commit_sha", sha("m1"), "merged_by", user("lee"))
	f.set(path+"/pulls", []any{merged}, path+"/pulls/1", merged, path+"/pulls/1/files", []any{obj{"filename": "a.go"}},
		path+"/pulls/1/reviews", []any{obj{"id": 5000 + i, "user": user("lee"), "state": "APPROVED", "commit_id": sha("head1"), "submitted_at": day(8)}},
		path+"/commits?sha=main", []any{commitJSON("m1", day(9), "push", "head1"), commitJSON("push", day(5), "old"), commitJSON("old", "2020-01-01T00:00:00Z")},
		path+"/commits/"+sha("push")+"/pulls", []any{}, path+"/commits/"+sha("push"), obj{"files": []any{obj{"filename": "model.yaml"}}},
		path+"/branches/main", branchJSON("m1", i%2 == 0), path+"/branches/main/protection", classicJSON(), path+"/rules/branches/main", []any{},
		path+"/actions/runs", wrapped{"workflow_runs", []any{runJSON(9000+i, 1, day(9))}},
		path+"/git/trees/main", obj{"sha": sha("tree"), "tree": []any{obj{"path": "policies/ai.md", "type": "blob", "mode": "100644"}}},
		path+"/commits?path=policies%2Fai.md&sha=main", []any{commitJSON("p2", day(6))},
		path+"/contents/policies/ai.md?ref="+sha("p2"), contentJSON(policyText, policyBlob))
}

// coreKinds are those whose cost is measured here.
func coreKinds(r *connector.Request) {
	r.Kinds = []string{github.KindRepository, github.KindPullRequest, github.KindReview, github.KindPush, github.KindBranchProtection,
		github.KindWorkflowRun, github.KindFileRevision}
}

func counted(h *host) int64 { return h.calls.Requests - h.calls.NotModified }

// repositories is how many the costs are measured with: two pages of them. EXHIBIT_REPOSITORIES sets another number, such as 1000.
func repositories(t *testing.T) int {
	t.Helper()
	n := 200
	if v := os.Getenv("EXHIBIT_REPOSITORIES"); v != "" {
		var err error
		if n, err = strconv.Atoi(v); err != nil || n < 100 {
			t.Fatalf("EXHIBIT_REPOSITORIES=%s: want a number of at least 100", v)
		}
	}
	return n
}

// What reading repositories costs, a thousand of them or fewer. GitHub does not
// count answers of 304; of each hundred repositories one question is counted.
func TestCostOfThousandRepositories(t *testing.T) {
	n := repositories(t)
	pages := int64(n+99) / 100
	f, h := newFake(t), newHost(t)
	largeOrganisation(f, n, true)
	read := func(what string) {
		t.Helper()
		began := time.Now()
		cov := h.mustCollect(f, everything("requests_per_second", 1000000), coreKinds)
		for kind, k := range cov {
			if k.Status != connector.Complete {
				t.Fatalf("%s: %s is %s; gaps %+v", what, kind, k.Status, h.gaps[:min(len(h.gaps), 3)])
			}
		}
		t.Logf("%-28s %6d requests, %6d counted, %6d answered 304, %6d new or changed records, %v", what, h.calls.Requests, counted(h),
			h.calls.NotModified, h.revisions, time.Since(began).Round(10*time.Millisecond))
	}
	read("first run")
	if len(h.records) != 7*n {
		t.Errorf("%d records, want %d", len(h.records), 7*n)
	}
	read("unchanged")
	if counted(h) >= 5*pages || h.revisions != 0 || h.calls.Requests > 4*int64(n)+3*pages {
		t.Errorf("unchanged: %d counted calls of %d, %d new or changed records", counted(h), h.calls.Requests, h.revisions)
	}
	path := "/repos/acme/r0007"
	f.set(path+"/pulls", []any{pullJSON(2, day(12)), pullJSON(1, day(10), "merged_at", day(9))}, path+"/pulls/2/files", []any{}, path+"/pulls/2/reviews", []any{})
	read("a pull request was opened")
	if counted(h) > pages+6 || h.revisions != 1 {
		t.Errorf("one change: %d counted calls, %d new or changed records", counted(h), h.revisions)
	}
	f.set(path+"/branches/main", branchJSON("m2", false), path+"/commits?sha=main", []any{commitJSON("m2", day(13), "m1"), commitJSON("m1", day(9), "push", "head1")},
		path+"/commits/"+sha("m2")+"/pulls", []any{}, path+"/commits/"+sha("m2"), obj{"files": []any{}})
	read("a commit was pushed")
	if counted(h) > pages+5 || h.revisions != 1 {
		t.Errorf("one push: %d counted calls, %d new or changed records", counted(h), h.revisions)
	}
	f.set("/repos/acme/r0008/branches/main/protection", obj{"enforce_admins": obj{"enabled": false}})
	read("protection was relaxed")
	if counted(h) > pages+2 || h.revisions != 1 {
		t.Errorf("protection: %d counted calls, %d new or changed records", counted(h), h.revisions)
	}
	f.set("/repos/acme/r0008/actions/runs", wrapped{"workflow_runs", []any{runJSON(9008, 2, day(14), "created_at", day(9))}},
		"/repos/acme/r0008/actions/runs/9008/attempts/1", runJSON(9008, 1, day(9)))
	read("a pipeline was run again")
	if counted(h) > pages+2 || h.revisions != 1 {
		t.Errorf("run again: %d counted calls, %d new or changed records", counted(h), h.revisions)
	}
	f.on("/graphql", nil)
	read("unchanged, without GraphQL")
	if counted(h) > 2 || h.revisions != 0 { // GraphQL is tried in vain, in two sizes
		t.Errorf("by REST alone: %d counted calls, %d new or changed records", counted(h), h.revisions)
	}
}

// However GraphQL fails, the records are those of REST alone.
func TestGraphQLFails(t *testing.T) {
	body := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
	}
	for _, tc := range []struct {
		name    string
		handler http.HandlerFunc
	}{
		{"not there", nil},
		{"forbidden", status(403, "Resource not accessible by personal access token")},
		{"broken", status(500, "boom")},
		{"rate limit in an answer of 200", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Ratelimit-Remaining", "0")
			w.Header().Set("X-Ratelimit-Reset", "99999999999")
			fmt.Fprint(w, `{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded for user ID 1."}]}`)
		}},
		{"no such organisation", body(`{"data":{"owner":null},"errors":[{"type":"NOT_FOUND","path":["owner"],"message":"Could not resolve"}]}`)},
		{"an unknown field", body(`{"errors":[{"message":"Field 'pushedAt' doesn't exist on type 'Repository'"}]}`)},
		{"nothing", body(`{}`)},
		{"null", body(`null`)},
		{"a list", body(`[]`)},
		{"HTML", body(`<html>`)},
		{"torn", body(`{"data":{"owner":{"repos`)},
		{"null nodes", body(`{"data":{"owner":{"repositories":{"pageInfo":{"hasNextPage":false},"nodes":[null,null]}}}}`)},
		{"other types", body(`{"data":{"owner":{"repositories":{"pageInfo":{},"nodes":[{"databaseId":"x","pullRequests":7}]}}}}`)},
		{"nothing is told", body(`{"data":{"owner":{"repositories":{"pageInfo":{"hasNextPage":false},"nodes":[
			{"databaseId":1007,"pushedAt":null,"defaultBranchRef":null,"pullRequests":null}]}}}}`)},
		{"an endless list", body(`{"data":{"owner":{"repositories":{"pageInfo":{"hasNextPage":true,"endCursor":"x"},"nodes":[]}}}}`)},
		{"the past", body(`{"data":{"owner":{"repositories":{"pageInfo":{"hasNextPage":false},"nodes":[
			{"databaseId":1007,"pushedAt":"2026-01-01T00:00:00Z","defaultBranchRef":{"name":"main","target":{"oid":"` + sha("push") + `"}},
			 "pullRequests":{"nodes":[{"updatedAt":"2026-01-01T00:00:00Z"}]}}]}}}}`)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			const path = "/repos/acme/r0007"
			f, h := newFake(t), newHost(t)
			largeOrganisation(f, 25, true)
			h.mustCollect(f, everything(), coreKinds)
			f.on("/graphql", tc.handler)
			f.set(path+"/pulls", []any{pullJSON(2, day(12)), pullJSON(1, day(10), "merged_at", day(9))}, path+"/pulls/2/files", []any{}, path+"/pulls/2/reviews", []any{},
				path+"/branches/main", branchJSON("m2", false), path+"/commits?sha=main", []any{commitJSON("m2", day(13), "m1"), commitJSON("m1", day(9), "push", "head1")},
				path+"/commits/"+sha("m2")+"/pulls", []any{}, path+"/commits/"+sha("m2"), obj{"files": []any{}})
			for range 2 {
				cov := h.mustCollect(f, everything(), coreKinds)
				for kind, k := range cov {
					if k.Status != connector.Complete || len(h.gaps) != 0 {
						t.Errorf("%s is %s; gaps %+v", kind, k.Status, h.gaps)
					}
				}
				if len(h.records) != 7*25+2 {
					t.Errorf("%d records, want a pull request and a push more than %d", len(h.records), 7*25)
				}
			}
		})
	}
}

// A token that is refused by GraphQL is refused.
func TestGraphQLRefusesToken(t *testing.T) {
	f, h := newFake(t), newHost(t)
	largeOrganisation(f, 25, true)
	f.on("/graphql", status(401, "Bad credentials"))
	if _, err := h.collect(f, everything(), coreKinds); !errors.Is(err, connector.ErrRefused) {
		t.Errorf("error %v, want ErrRefused", err)
	}
}

// A fingerprint that was taken while things moved proves nothing: what was
// updated in the same second, after it was read, must still be found.
func TestGraphQLUnsettled(t *testing.T) {
	const path = "/repos/acme/r0007"
	f, h := newFake(t), newHost(t)
	largeOrganisation(f, 25, true)
	now := time.Now().UTC().Format(time.RFC3339)
	f.set(path+"/pulls", []any{pullJSON(1, now, "title", "before")})
	h.mustCollect(f, everything(), coreKinds)
	f.set(path+"/pulls", []any{pullJSON(1, now, "title", "after")})
	h.mustCollect(f, everything(), coreKinds)
	if got := h.payloads(github.KindPullRequest)["1007/1"]["title"]; got != "after" {
		t.Errorf("title %q: the second update within a second was lost", got)
	}
}

// Rights that were lost show although the fingerprint is that of before.
func TestGraphQLRightsLost(t *testing.T) {
	const path = "/repos/acme/r0007"
	f, h := newFake(t), newHost(t)
	largeOrganisation(f, 25, true)
	f.set(path+"/pulls", []any{}, path+"/commits?sha=main", []any{commitJSON("old", "2020-01-01T00:00:00Z")})
	h.mustCollect(f, everything(), coreKinds)
	f.on(path+"/pulls", status(403, "Resource not accessible by personal access token"))
	cov := h.mustCollect(f, everything(), coreKinds)
	if len(h.gaps) != 1 || h.gaps[0].Reason != connector.Denied || cov[github.KindPullRequest].Status != connector.Partial {
		t.Errorf("gaps %+v", h.gaps)
	}
}

// Configured branches have fingerprints too, and a server of one's own has
// GraphQL beside its REST API.
func TestGraphQLBranchesOnEnterpriseServer(t *testing.T) {
	f, h := newFake(t), newHost(t)
	largeOrganisation(f, 25, true)
	for i := range 25 {
		path := fmt.Sprintf("/repos/acme/r%04d", i)
		f.set(path+"/commits?sha=release", []any{commitJSON("m1", day(9), "push", "head1"), commitJSON("push", day(5))},
			path+"/branches/release", branchJSON("m1", false), path+"/branches/release/protection", classicJSON(), path+"/rules/branches/release", []any{},
			path+"/commits/"+sha("m1")+"/pulls", []any{}, path+"/commits/"+sha("m1"), obj{"files": []any{}})
	}
	var asked []string
	f.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest, ok := strings.CutPrefix(r.URL.Path, "/api/v3")
		if !ok {
			asked = append(asked, r.Method+" "+r.URL.Path)
			rest = strings.TrimPrefix(r.URL.Path, "/api")
		}
		r.URL.Path = rest
		f.ServeHTTP(w, r)
	})
	settings := everything("base_url", f.URL+"/api/v3", "branches", []any{"release"})
	h.mustCollect(f, settings, coreKinds)
	f.took()
	h.mustCollect(f, settings, coreKinds)
	if len(h.gaps) != 0 || h.revisions != 0 || counted(h) != 1 || len(asked) != 2 || asked[0] != "POST /api/graphql" {
		t.Errorf("gaps %+v, %d new records, %d counted calls, GraphQL asked %q", h.gaps, h.revisions, counted(h), asked)
	}
	for _, a := range f.took() {
		if strings.Contains(a, "/commits?") || strings.Contains(a, "/pulls?") {
			t.Errorf("asked %s although the fingerprint had not changed", a)
		}
	}
	path := "/repos/acme/r0003"
	f.set(path+"/commits?sha=release", []any{commitJSON("x", day(10), "m1"), commitJSON("m1", day(9))}, path+"/branches/release", branchJSON("x", false),
		path+"/commits/"+sha("x")+"/pulls", []any{}, path+"/commits/"+sha("x"), obj{"files": []any{}})
	h.mustCollect(f, settings, coreKinds)
	if h.revisions != 1 {
		t.Errorf("%d new records after a push to release", h.revisions)
	}
}
