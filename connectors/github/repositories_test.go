package github_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

func onlyRepositories(r *connector.Request) { r.Kinds = []string{github.KindRepository} }

func manyRepositories(f *fakeGitHub, n int) {
	list := []any{}
	for i := range n {
		list = append(list, repoJSON(i+1, fmt.Sprintf("r%03d", i)))
	}
	f.set("/orgs/acme", obj{"public_repos": 1, "total_private_repos": n - 1}, "/orgs/acme/repos", list)
}

func TestManyRepositories(t *testing.T) {
	f, h := newFake(t), newHost(t)
	manyRepositories(f, 250)
	cov := h.mustCollect(f, everything(), onlyRepositories)
	if got := len(h.keys(github.KindRepository)); got != 250 || cov[github.KindRepository].IndependentCount != 250 || !cov[github.KindRepository].Enumerated {
		t.Errorf("%d repositories, coverage %+v", got, cov)
	}
	h.mustCollect(f, everything(), onlyRepositories)
	if h.attested != 250 || h.calls.NotModified != 4 || h.calls.Requests != 4 {
		t.Errorf("attested %d, calls %+v; want 250 with 4 answers of 304", h.attested, h.calls)
	}
	// One is gone: the pages after it move up.
	list := f.answers["/orgs/acme/repos"].([]any)
	f.set("/orgs/acme/repos", slices.Delete(slices.Clone(list), 120, 121), "/orgs/acme", obj{"public_repos": 1, "total_private_repos": 248})
	h.mustCollect(f, everything(), onlyRepositories)
	if h.attested != 100 || h.revisions != 0 || len(h.gaps) != 0 {
		t.Errorf("attested %d, %d revisions, gaps %+v", h.attested, h.revisions, h.gaps)
	}
	h.mustCollect(f, everything(), onlyRepositories) // the host checks the counts of the groups
	if h.attested != 249 {
		t.Errorf("attested %d, want 249", h.attested)
	}
}

// A repository moves to the next page between two requests.
func TestListingShiftsWhileRead(t *testing.T) {
	f, h := newFake(t), newHost(t)
	manyRepositories(f, 150)
	list := f.answers["/orgs/acme/repos"].([]any)
	shifted := append([]any{repoJSON(999, "aaa")}, list...)
	f.on("/orgs/acme/repos", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("page") == "1" {
			f.send(w, r, list)
			return
		}
		f.send(w, r, shifted)
	})
	h.mustCollect(f, everything(), onlyRepositories)
	h.mustCollect(f, everything(), onlyRepositories) // attesting the wrong number would be refused
	if got := len(h.keys(github.KindRepository)); got != 150 {
		t.Errorf("%d repositories, want 150", got)
	}
}

func TestScope(t *testing.T) {
	for _, tc := range []struct {
		name     string
		settings obj
		want     string
	}{
		{"all", obj{"organization": "acme"}, "app lab web"},
		{"a wildcard", obj{"organization": "acme", "repositories": []any{"?a*"}}, "lab"},
		{"a wildcard with owner, in another case", obj{"organization": "acme", "repositories": []any{"ACME/*B*"}}, "lab web"},
		{"left out", obj{"organization": "acme", "exclude_repositories": []any{"acme/web", "l*"}}, "app"},
		{"by name", obj{"organization": "acme", "repositories": []any{"web", "acme/app"}}, "app web"},
		{"by name, without organization", obj{"repositories": []any{"acme/web"}}, "web"},
		{"a wildcard and a name", obj{"organization": "acme", "repositories": []any{"l*", "web"}}, "lab web"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, h := newFake(t), newHost(t)
			f.set("/orgs/acme", obj{"public_repos": 0, "total_private_repos": 3}, "/orgs/acme/repos", []any{repoJSON(1, "app"), repoJSON(2, "lab"), repoJSON(3, "web")},
				"/repos/acme/web", repoJSON(3, "web"), "/repos/acme/app", repoJSON(1, "app"))
			for range 2 {
				cov := h.mustCollect(f, tc.settings, onlyRepositories)
				var names []string
				for _, p := range h.payloads(github.KindRepository) {
					names = append(names, p["name"].(string))
				}
				if got := strings.Join(sorted(names), " "); got != tc.want {
					t.Errorf("repositories %q, want %q", got, tc.want)
				}
				c := cov[github.KindRepository]
				if counted := c.IndependentCount == 3; c.Status != connector.Complete || !c.Enumerated || counted != (tc.name == "all") {
					t.Errorf("coverage %+v", c)
				}
			}
			if h.calls.Requests != h.calls.NotModified {
				t.Errorf("calls %+v", h.calls)
			}
		})
	}
}

func TestScopeChanges(t *testing.T) {
	f, h := newFake(t), newHost(t)
	f.set("/orgs/acme", obj{"public_repos": 0, "total_private_repos": 2}, "/orgs/acme/repos", []any{repoJSON(1, "app"), repoJSON(2, "lab")})
	h.mustCollect(f, obj{"organization": "acme", "exclude_repositories": []any{"lab"}}, onlyRepositories)
	h.mustCollect(f, obj{"organization": "acme"}, onlyRepositories)
	if got := h.keys(github.KindRepository); len(got) != 2 {
		t.Errorf("repositories %q: the unchanged page was taken with the old filter", got)
	}
}

func TestNamedRepositoryMissing(t *testing.T) {
	f, h := newFake(t), newHost(t)
	f.set("/repos/acme/app", repoJSON(1, "app"))
	cov := h.mustCollect(f, obj{"repositories": []any{"acme/app", "acme/nowhere"}}, onlyRepositories)
	if len(h.gaps) != 1 || h.gaps[0].Reason != connector.NotFound || h.gaps[0].Scope != "acme/nowhere" {
		t.Errorf("gaps %+v", h.gaps)
	}
	if c := cov[github.KindRepository]; c.Status != connector.Partial || c.Enumerated {
		t.Errorf("coverage %+v", c)
	}
}

// Renamed: the old name redirects to the same repository.
func TestRenamedRepository(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	f.on("/repos/acme/old", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/repositories/11", http.StatusMovedPermanently)
	})
	f.set("/repositories/11", repoJSON(11, "app"))
	for range 2 {
		h.mustCollect(f, obj{"repositories": []any{"acme/old"}})
		if d := cmp.Diff([]string{"11"}, h.keys(github.KindRepository)); d != "" || len(h.keys(github.KindPullRequest)) != 2 {
			t.Errorf("repositories %s, pull requests %q", d, h.keys(github.KindPullRequest))
		}
	}
}

// What is in a repository that is not shown is missing too.
func TestHiddenRepositoriesHideWhatIsInThem(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	f.set("/orgs/acme", obj{"login": "acme", "public_repos": 2, "total_private_repos": 7})
	cov := h.mustCollect(f, everything())
	for _, kind := range []string{github.KindRepository, github.KindPullRequest, github.KindReview, github.KindPush, github.KindBranchProtection} {
		if c := cov[kind]; c.Status != connector.Partial || c.Enumerated {
			t.Errorf("coverage of %s: %+v", kind, c)
		}
	}
}

func TestHiddenRepositories(t *testing.T) {
	repos := []any{repoJSON(1, "app")}
	for _, tc := range []struct {
		name     string
		settings obj
		change   func(*fakeGitHub)
		reason   connector.Reason
		count    int64
	}{
		{"the organisation counts more", obj{"organization": "acme"}, func(f *fakeGitHub) {
			f.set("/orgs/acme", obj{"public_repos": 2, "total_private_repos": 3}, "/orgs/acme/repos", repos)
		}, connector.Hidden, 5},
		{"the organisation does not say", obj{"organization": "acme"}, func(f *fakeGitHub) {
			f.set("/orgs/acme", obj{"public_repos": 1}, "/orgs/acme/repos", repos)
		}, "", -1},
		{"single sign-on", obj{"organization": "acme"}, func(f *fakeGitHub) {
			f.set("/orgs/acme", obj{"public_repos": 1})
			f.on("/orgs/acme/repos", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("ETag", `"sso"`)
				if r.Header.Get("If-None-Match") == `"sso"` {
					w.WriteHeader(http.StatusNotModified) // and does not say it again
					return
				}
				w.Header().Set("X-GitHub-SSO", "partial-results; organizations=21955855")
				_ = json.NewEncoder(w).Encode(repos)
			})
		}, connector.Hidden, -1},
		{"organisation without a listing", obj{"organization": "acme"}, func(f *fakeGitHub) {
			f.set("/orgs/acme", obj{"public_repos": 1}, "/users/acme/repos", repos)
		}, connector.Hidden, -1},
		{"not an organisation", obj{"organization": "acme"}, func(f *fakeGitHub) { f.set("/users/acme/repos", repos) }, connector.Hidden, -1},
		{"another user", obj{"owner": "acme"}, func(f *fakeGitHub) { f.set("/users/acme/repos", repos) }, connector.Hidden, -1},
		{"the token's own user", obj{"owner": "acme"}, func(f *fakeGitHub) { f.set("/user", obj{"login": "Acme"}, "/user/repos", repos) }, "", -1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, h := newFake(t), newHost(t)
			tc.change(f)
			for range 2 {
				cov := h.mustCollect(f, tc.settings, onlyRepositories)
				c := cov[github.KindRepository]
				if c.IndependentCount != tc.count || len(h.keys(github.KindRepository)) != 1 {
					t.Errorf("coverage %+v", c)
				}
				if (len(h.gaps) == 0) != (tc.reason == "") || len(h.gaps) > 0 && h.gaps[0].Reason != tc.reason || (c.Status == connector.Complete) != (tc.reason == "") {
					t.Errorf("gaps %+v, coverage %+v", h.gaps, c)
				}
			}
		})
	}
}

func TestListingDenied(t *testing.T) {
	f, h := newFake(t), newHost(t)
	f.set("/orgs/acme", obj{"public_repos": 1})
	f.on("/orgs/acme/repos", status(403, "Resource not accessible"))
	cov := h.mustCollect(f, everything())
	if len(h.gaps) != 1 || len(h.gaps[0].Kinds) != 7 || h.gaps[0].Reason != connector.Denied {
		t.Errorf("gaps %+v", h.gaps)
	}
	for kind, k := range cov {
		if k.Status != connector.Refused || k.Enumerated {
			t.Errorf("%s: %+v", kind, k)
		}
	}
}

// What an API, or somebody who names things there, may try.
func TestHostileNames(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	bad := []any{
		nil,
		repoJSON(21, "../../orgs/acme"), repoJSON(22, "a/b"), repoJSON(23, "x", "full_name", "acme/.."), repoJSON(24, "x", "full_name", "./."),
		repoJSON(25, "x", "full_name", "acme/a?admin=1"), repoJSON(26, "x", "full_name", "acme/a#b"), repoJSON(27, "x", "full_name", "acme/a%2e%2e"),
		repoJSON(28, "x", "full_name", "acme/\u202egpj.exe"), repoJSON(29, "x", "full_name", ""), repoJSON(0, "zero"), repoJSON(-5, "minus"),
		repoJSON(1<<60, "huge"), repoJSON(31, "x", "default_branch", "../../main"), repoJSON(32, "x", "default_branch", "a\nb"),
	}
	f.set("/orgs/acme/repos", append(bad, repoJSON(11, "app", "html_url", "javascript:alert(1)", "pushed_at", "2099-01-01T00:00:00Z", "language", "=cmd|' /C calc'!A0")),
		"/repos/acme/app/pulls", []any{
			nil,
			pullJSON(1, day(10), "title", "=HYPERLINK(\"x\")\u0000\u202e\x1b[31m"+strings.Repeat("x", 1000), "user", nil, "labels", []any{nil, obj{"name": "a\nb"}},
				"head", nil, "base", nil, "html_url", "https://user:pw@evil.example/", "body", nil),
			pullJSON(2, day(9), "html_url", "data:text/html,x", "created_at", "2099-01-01T00:00:00Z"),
			pullJSON(-3, day(8)),
		},
		"/repos/acme/app/pulls/1/files", []any{nil, obj{"filename": "\u0000../../etc/passwd"}, obj{"filename": strings.Repeat("p", 10_000)}},
		"/repos/acme/app/pulls/1/reviews", []any{nil, obj{"id": 501, "user": nil, "state": "<b>", "submitted_at": day(8)}},
		"/repos/acme/app/actions/runs", wrapped{"workflow_runs", []any{nil, runJSON(1<<60, 1, day(9)), runJSON(71, 1, day(9), "head_sha", "../x"), runJSON(72, -4, day(9))}})
	f.took()
	h.mustCollect(f, everything()) // the host fails the test for every record that it would refuse
	if d := cmp.Diff([]string{"11"}, h.keys(github.KindRepository)); d != "" {
		t.Errorf("repositories: %s", d)
	}
	if d := cmp.Diff([]string{"11/1"}, h.keys(github.KindPullRequest)); d != "" {
		t.Errorf("pull requests: %s", d)
	}
	if d := cmp.Diff([]string{"72/1"}, h.keys(github.KindWorkflowRun)); d != "" {
		t.Errorf("runs: %s", d)
	}
	p := h.payloads(github.KindPullRequest)["11/1"]
	if title := p["title"].(string); strings.ContainsAny(title, "\x00\x1b\u202e") || len(title) > 1000 || p["author"] != "ghost" {
		t.Errorf("title %q, author %v", p["title"], p["author"])
	}
	if url := h.records[github.KindPullRequest+" 11/1"].URL; url != "" {
		t.Errorf("url %q", url)
	}
	malformed := 0
	for _, g := range h.gaps {
		if g.Reason == connector.Malformed {
			malformed++
		}
	}
	if malformed < 14+1+2 {
		t.Errorf("%d gaps of malformed records, want one for each: %+v", malformed, h.gaps)
	}
	for _, a := range f.took() {
		if !strings.HasPrefix(a, "/repos/acme/app/") && !strings.HasPrefix(a, "/orgs/acme") {
			t.Errorf("asked for %q", a)
		}
	}
}

// GitHub Enterprise Server has its API below a path.
func TestEnterpriseServer(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	inner := f.Config.Handler
	f.Config.Handler = http.StripPrefix("/api/v3", inner)
	for _, base := range []string{f.URL + "/api/v3", f.URL + "/api/v3/"} {
		h.mustCollect(f, everything("base_url", base))
		if len(h.keys(github.KindPullRequest)) != 2 || len(h.gaps) != 0 {
			t.Errorf("%s: pull requests %q, gaps %+v", base, h.keys(github.KindPullRequest), h.gaps)
		}
	}
	if h.calls.Requests != h.calls.NotModified {
		t.Errorf("with and without a slash are two addresses: %+v", h.calls)
	}
}
