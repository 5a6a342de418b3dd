package sandbox_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-github/v60/github"

	"github.com/exhibit-aims/exhibit/internal/sandbox"
)

func gitHub(t *testing.T, org *sandbox.Org, token string) *github.Client {
	t.Helper()
	c, err := github.NewClient(nil).WithAuthToken(token).WithEnterpriseURLs(org.GitHubURL, org.GitHubURL)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// allPulls reads every pull request of a repository, two a page, retrying
// once what the server plans to fail once.
func allPulls(ctx context.Context, t *testing.T, c *github.Client, owner, repo string) []*github.PullRequest {
	t.Helper()
	var out []*github.PullRequest
	opts := &github.PullRequestListOptions{State: "all", Sort: "updated", Direction: "desc", ListOptions: github.ListOptions{PerPage: 2}}
	failures := 0
	for {
		list, resp, err := c.PullRequests.List(ctx, owner, repo, opts)
		if err != nil {
			if failures++; failures > 1 {
				t.Fatal(err)
			}
			continue
		}
		out = append(out, list...)
		if resp.NextPage == 0 {
			return out
		}
		opts.Page = resp.NextPage
	}
}

func TestGitHubSizeAndPaging(t *testing.T) {
	ctx, org := start(t)
	c := gitHub(t, org, org.GitHubToken)
	o, _, err := c.Organizations.Get(ctx, org.GitHubOrg)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	opts := &github.RepositoryListByOrgOptions{ListOptions: github.ListOptions{PerPage: 5}}
	archived, forks, pulls := 0, 0, 0
	for {
		list, resp, err := c.Repositories.ListByOrg(ctx, org.GitHubOrg, opts)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			names = append(names, r.GetName())
			if r.GetArchived() {
				archived++
			}
			if r.GetFork() {
				forks++
			}
		}
		if resp.NextPage == 0 {
			break
		}
		opts.Page = resp.NextPage
	}
	if want := int(o.GetTotalPrivateRepos()) + o.GetPublicRepos(); len(names) != want || want < 14 {
		t.Errorf("listed %d repositories, the organisation says %d, want the same and at least 14", len(names), want)
	}
	if dup := slices.Compact(slices.Sorted(slices.Values(names))); len(dup) != len(names) {
		t.Errorf("paging gave a repository twice: %v", names)
	}
	for _, name := range names {
		list := allPulls(ctx, t, c, org.GitHubOrg, name)
		for i := 1; i < len(list); i++ {
			if list[i].GetUpdatedAt().After(list[i-1].GetUpdatedAt().Time) {
				t.Errorf("%s: #%d is newer than #%d before it", name, list[i].GetNumber(), list[i-1].GetNumber())
			}
		}
		for _, p := range list {
			if p.GetUpdatedAt().After(testNow()) {
				t.Errorf("%s#%d was updated at %s, after now", name, p.GetNumber(), p.GetUpdatedAt())
			}
		}
		pulls += len(list)
	}
	if archived != 1 || forks != 1 || pulls < 60 {
		t.Errorf("%d archived, %d forks, %d pull requests; want 1, 1, at least 60", archived, forks, pulls)
	}
}

func TestGitHubLinkHeader(t *testing.T) {
	ctx, org := start(t)
	for _, prefix := range []string{"", "/api/v3"} {
		next := org.GitHubURL + prefix + "/orgs/" + org.GitHubOrg + "/repos?per_page=7"
		pages := 0
		for next != "" && pages < 10 {
			resp := get(ctx, t, next, org.GitHubToken, "")
			if resp.StatusCode != http.StatusOK {
				t.Fatalf("%s: %s", next, resp.Status)
			}
			pages++
			link := resp.Header.Get("Link")
			next = ""
			for _, part := range strings.Split(link, ",") {
				if u, found := strings.CutSuffix(strings.TrimSpace(part), `>; rel="next"`); found {
					next = strings.TrimPrefix(u, "<")
				}
			}
		}
		if pages != 3 {
			t.Errorf("following links from %q took %d pages, want 3", prefix, pages)
		}
	}
}

// get makes one request and reads its body away.
func get(ctx context.Context, t *testing.T, url, token, etag string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp
}

func TestGitHubConditional(t *testing.T) {
	ctx, org := start(t)
	for _, path := range []string{
		"/orgs/" + org.GitHubOrg + "/repos?per_page=3&page=2",
		"/repos/" + org.GitHubOrg + "/claims-triage/pulls?state=all&per_page=4",
		"/repos/" + org.GitHubOrg + "/claims-triage/pulls/29/reviews",
		"/repos/" + org.GitHubOrg + "/claims-triage/rules/branches/main",
		"/repos/" + org.GitHubOrg + "/claims-triage/actions/runs?per_page=5",
	} {
		first := get(ctx, t, org.GitHubURL+path, org.GitHubToken, "")
		if first.StatusCode != http.StatusOK || first.Header.Get("ETag") == "" {
			t.Fatalf("%s: %s, ETag %q", path, first.Status, first.Header.Get("ETag"))
		}
		second := get(ctx, t, org.GitHubURL+path, org.GitHubToken, first.Header.Get("ETag"))
		if second.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %s, want 304", path, second.Status)
		}
		if second.Header.Get("X-RateLimit-Used") != first.Header.Get("X-RateLimit-Used") {
			t.Errorf("%s: the 304 was counted against the limit", path)
		}
		if first.Header.Get("Link") != second.Header.Get("Link") {
			t.Errorf("%s: the 304 has Link %q, the answer had %q", path, second.Header.Get("Link"), first.Header.Get("Link"))
		}
	}
}

func TestGitHubRefusals(t *testing.T) {
	ctx, org := start(t)
	good := gitHub(t, org, org.GitHubToken)
	weak := gitHub(t, org, org.GitHubWeakToken)
	owner := org.GitHubOrg
	for _, c := range []struct {
		name   string
		call   func() error
		status int
	}{
		{"wrong token", func() error { _, _, err := gitHub(t, org, "expired").Users.Get(ctx, ""); return err }, 401},
		{"files that are hidden", func() error { _, _, err := good.Git.GetTree(ctx, owner, "data-platform", "main", true); return err }, 403},
		{"without rights", func() error { _, _, err := weak.PullRequests.List(ctx, owner, "claims-triage", nil); return err }, 403},
		{"no such repository", func() error { _, _, err := good.Repositories.Get(ctx, owner, "code-helper-prompts"); return err }, 404},
		{"somebody else's", func() error { _, _, err := good.Repositories.Get(ctx, "elsewhere", "web-portal"); return err }, 404},
		{"protection without rights", func() error {
			_, _, err := weak.Repositories.GetBranchProtection(ctx, owner, "billing-core", "main")
			return err
		}, 404},
		{"limit that passes", func() error { _, _, err := good.PullRequests.List(ctx, owner, "mobile-app", nil); return err }, 429},
		{"bad gateway", func() error { _, _, err := good.PullRequests.List(ctx, owner, "web-portal", nil); return err }, 502},
	} {
		var e *github.ErrorResponse
		if err := c.call(); !errors.As(err, &e) || e.Response.StatusCode != c.status {
			t.Errorf("%s: %v, want status %d", c.name, err, c.status)
		}
	}
	for _, repo := range []string{"mobile-app", "web-portal"} {
		if _, _, err := good.PullRequests.List(ctx, owner, repo, nil); err != nil {
			t.Errorf("%s fails a second time: %v", repo, err)
		}
	}
	if _, _, err := good.Repositories.GetBranchProtection(ctx, owner, "claims-triage", "main"); !errors.Is(err, github.ErrBranchNotProtected) {
		t.Errorf("protection of a branch under a ruleset: %v, want %v", err, github.ErrBranchNotProtected)
	}
}

// TestGitHubPlanted reads the planted changes as a client sees them.
func TestGitHubPlanted(t *testing.T) {
	ctx, org := start(t)
	c, owner := gitHub(t, org, org.GitHubToken), org.GitHubOrg
	type facts struct {
		Approvals                     int
		OnHead, BeforeMerge, ByAuthor bool
	}
	for _, test := range []struct {
		repo string
		n    int
		want facts
	}{
		{"claims-triage", 31, facts{Approvals: 2, OnHead: true, BeforeMerge: true}},
		{"claims-triage", 29, facts{Approvals: 2, OnHead: false, BeforeMerge: true}},
		{"claims-triage", 30, facts{Approvals: 1, OnHead: true, BeforeMerge: true}},
		{"fraud-score", 64, facts{Approvals: 1, OnHead: true, BeforeMerge: true, ByAuthor: true}},
		{"fraud-score", 65, facts{Approvals: 1, OnHead: true, BeforeMerge: false}},
		{"policy-assistant", 47, facts{OnHead: true, BeforeMerge: true}},
	} {
		p, _, err := c.PullRequests.Get(ctx, owner, test.repo, test.n)
		if err != nil {
			t.Fatal(err)
		}
		reviews, _, err := c.PullRequests.ListReviews(ctx, owner, test.repo, test.n, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := facts{OnHead: true, BeforeMerge: true}
		for _, r := range reviews {
			if r.GetState() != "APPROVED" {
				continue
			}
			got.Approvals++
			got.OnHead = got.OnHead && r.GetCommitID() == p.GetHead().GetSHA()
			got.BeforeMerge = got.BeforeMerge && r.GetSubmittedAt().Before(p.GetMergedAt().Time)
			got.ByAuthor = got.ByAuthor || r.GetUser().GetLogin() == p.GetUser().GetLogin()
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s#%d (-want +got):\n%s", test.repo, test.n, diff)
		}
	}
}

// TestGitHubDirectPushes reconciles the first-parent line with the merges.
func TestGitHubDirectPushes(t *testing.T) {
	ctx, org := start(t)
	c, owner := gitHub(t, org, org.GitHubToken), org.GitHubOrg
	for repo, want := range map[string][]string{
		"policy-assistant":   {"Initial commit", "Update the logo in the README", "hotfix: raise top_k, customers complain"},
		"code-helper":        {"Initial commit"},
		"claims-triage":      {"Initial commit"},
		"adjuster-notes-lab": {"First extraction", "Initial commit", "Run on last month's notes"},
	} {
		merges := map[string]bool{}
		for _, p := range allPulls(ctx, t, c, owner, repo) {
			if p.MergedAt != nil {
				merges[p.GetMergeCommitSHA()] = true
			}
		}
		commits, _, err := c.Repositories.ListCommits(ctx, owner, repo, &github.CommitsListOptions{SHA: "main", ListOptions: github.ListOptions{PerPage: 100}})
		if err != nil {
			t.Fatal(err)
		}
		bySHA := map[string]*github.RepositoryCommit{}
		for _, k := range commits {
			bySHA[k.GetSHA()] = k
		}
		var got []string
		for k := commits[0]; k != nil; {
			if !merges[k.GetSHA()] {
				got = append(got, k.GetCommit().GetMessage())
			}
			if len(k.Parents) == 0 {
				break
			}
			k = bySHA[k.Parents[0].GetSHA()]
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: commits without a merge (-want +got):\n%s", repo, diff)
		}
	}
}

func TestGitHubRules(t *testing.T) {
	ctx, org := start(t)
	c, owner := gitHub(t, org, org.GitHubToken), org.GitHubOrg
	rules, _, err := c.Repositories.GetRulesForBranch(ctx, owner, "claims-triage", "main")
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, r := range rules {
		types = append(types, r.Type)
	}
	if diff := cmp.Diff([]string{"deletion", "non_fast_forward", "pull_request", "required_status_checks"}, types); diff != "" {
		t.Errorf("rules of claims-triage (-want +got):\n%s", diff)
	}
	sets, _, err := c.Repositories.GetAllRulesets(ctx, owner, "claims-triage", true)
	if err != nil || len(sets) != 2 {
		t.Fatalf("%d rulesets, %v; want 2", len(sets), err)
	}
	full, _, err := c.Repositories.GetRuleset(ctx, owner, "claims-triage", sets[0].GetID(), true)
	if err != nil || full.Enforcement != "active" || len(full.Rules) != 4 {
		t.Errorf("ruleset %+v, %v; want an active one with 4 rules", full, err)
	}
	relaxed, _, err := c.Repositories.GetBranchProtection(ctx, owner, "policy-assistant", "main")
	if err != nil {
		t.Fatal(err)
	}
	if n := relaxed.RequiredPullRequestReviews.RequiredApprovingReviewCount; n != 0 {
		t.Errorf("policy-assistant needs %d approvals, want the relaxed rule with 0", n)
	}
	problems, _, err := c.Repositories.GetCodeownersErrors(ctx, owner, "policy-assistant", nil)
	if err != nil || len(problems.Errors) != 1 {
		t.Errorf("CODEOWNERS errors %v, %v; want one", problems, err)
	}
}

func TestGitHubFilesAndRuns(t *testing.T) {
	ctx, org := start(t)
	c, owner := gitHub(t, org, org.GitHubToken), org.GitHubOrg
	commits, _, err := c.Repositories.ListCommits(ctx, owner, "policy-assistant", &github.CommitsListOptions{Path: "prompts/system.md"})
	if err != nil || len(commits) != 4 {
		t.Fatalf("%d revisions of the prompt, %v; want 4 (first commit and three changes)", len(commits), err)
	}
	seen := map[string]bool{}
	for _, k := range commits {
		file, _, _, err := c.Repositories.GetContents(ctx, owner, "policy-assistant", "prompts/system.md",
			&github.RepositoryContentGetOptions{Ref: k.GetSHA()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.GetContent(); err != nil {
			t.Fatal(err)
		}
		seen[file.GetSHA()] = true
	}
	if len(seen) != len(commits) {
		t.Errorf("%d contents in %d revisions, want one each", len(seen), len(commits))
	}
	tree, _, err := c.Git.GetTree(ctx, owner, "policy-assistant", "main", true)
	if err != nil {
		t.Fatal(err)
	}
	found := slices.ContainsFunc(tree.Entries, func(e *github.TreeEntry) bool {
		return e.GetPath() == "prompts/system.md" && e.GetType() == "blob" && seen[e.GetSHA()]
	})
	if !found || tree.GetTruncated() {
		t.Errorf("the tree lacks prompts/system.md, or is truncated: %v", tree.Entries)
	}
	runs, _, err := c.Actions.ListRepositoryWorkflowRuns(ctx, owner, "claims-triage", &github.ListWorkflowRunsOptions{ListOptions: github.ListOptions{PerPage: 100}})
	if err != nil || runs.GetTotalCount() != len(runs.WorkflowRuns) || len(runs.WorkflowRuns) < 30 {
		t.Errorf("%d runs, total %d, %v; want the same and at least 30", len(runs.WorkflowRuns), runs.GetTotalCount(), err)
	}
}
