package github_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

func TestCollect(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	cov := h.mustCollect(f, everything())
	if len(h.gaps) > 0 {
		t.Errorf("gaps: %+v", h.gaps)
	}
	for kind, k := range cov {
		if k.Status != connector.Complete || k.Query == "" {
			t.Errorf("%s: %+v, want complete with a query", kind, k)
		}
		if want := kind == github.KindRepository || kind == github.KindBranchProtection; k.Enumerated != want {
			t.Errorf("%s: enumerated %v", kind, k.Enumerated)
		}
	}
	if len(cov) != 7 || cov[github.KindRepository].IndependentCount != 1 {
		t.Errorf("coverage: %+v", cov)
	}
	want := map[string]map[string]obj{
		github.KindRepository: {"11": {"repo": "acme/app", "owner": "acme", "name": "app", "id": 11.0, "visibility": "private", "archived": false,
			"fork": false, "default_branch": "main", "pushed_at": day(20), "created_at": day(0), "topics": []any{"ai"},
			"custom_properties": map[string]any{"tier": "high", "teams": []any{"ml", "web"}}}},
		github.KindPullRequest: {
			"11/1": {"repo": "acme/app", "repo_id": 11.0, "number": 1.0, "title": "AI-1 change", "state": "closed", "draft": false, "merged": true,
				"author": "kim", "author_type": "User", "author_association": "MEMBER", "head_sha": sha("head1"), "head_ref": "topic",
				"merge_commit_sha": sha("m1"), "base_ref": "main", "is_default_branch": true, "files": []any{"new.go", "old.go", "prompts/a.md"},
				"files_truncated": false, "labels": []any{"ai", "risk"}, "created_at": day(1), "closed_at": day(9), "merged_at": day(9), "merged_by": "lee",
				"auto_merge": false, "linked_issue_keys": []any{"AI-1"}},
			"11/2": {"repo": "acme/app", "repo_id": 11.0, "number": 2.0, "title": "AI-2 change", "state": "open", "draft": false, "merged": false,
				"author": "bot[bot]", "author_type": "Bot", "author_association": "MEMBER", "head_sha": sha("head2"), "head_ref": "topic",
				"base_ref": "main", "is_default_branch": true, "files": []any{"go.mod"}, "files_truncated": false, "labels": []any{"ai", "risk"},
				"created_at": day(1), "auto_merge": true, "linked_issue_keys": []any{"AI-2"}},
		},
		github.KindReview: {
			"501": {"repo": "acme/app", "pr_number": 1.0, "review_id": 501.0, "reviewer": "lee", "reviewer_type": "User", "reviewer_association": "OWNER",
				"reviewer_is_author": false, "state": "APPROVED", "commit_id": sha("head1"), "submitted_at": day(8)},
			"502": {"repo": "acme/app", "pr_number": 1.0, "review_id": 502.0, "reviewer": "kim", "reviewer_type": "User",
				"reviewer_is_author": true, "state": "COMMENTED", "commit_id": sha("head1"), "submitted_at": day(8)},
			"503": {"repo": "acme/app", "pr_number": 1.0, "review_id": 503.0, "reviewer": "ghost", "reviewer_type": "User",
				"reviewer_is_author": false, "state": "APPROVED", "commit_id": sha("head0"), "submitted_at": day(7)},
		},
		github.KindPush: {
			"11/main/" + sha("push"): pushWant("push", 5, []any{"model.yaml"}, "root"),
			"11/main/" + sha("root"): pushWant("root", 2, []any{}),
		},
		github.KindBranchProtection: {"11/main": {"repo": "acme/app", "repo_id": 11.0, "ref": "main", "is_default_branch": true, "source": "classic",
			"unread": []any{}, "require_pull_request": true, "required_approving_review_count": 2.0, "dismiss_stale_reviews": true,
			"require_last_push_approval": false, "require_code_owner_review": true, "required_status_checks": []any{"eval", "test"},
			"strict_status_checks": true, "require_signatures": false, "forbid_force_pushes": true, "forbid_deletion": false, "enforce_admins": true,
			"bypass_actors": []any{"app:bot", "user:root"}, "bypass_actors_known": true, "ruleset_ids": []any{}, "enforcement": "active"}},
		github.KindWorkflowRun: {"71/1": {"repo": "acme/app", "repo_id": 11.0, "run_id": 71.0, "run_attempt": 1.0, "name": "CI",
			"workflow_path": ".github/workflows/ci.yml", "head_sha": sha("head1"), "head_branch": "main", "event": "push", "conclusion": "success",
			"created_at": day(9), "started_at": day(9), "updated_at": day(9), "actor": "kim"}},
		github.KindFileRevision: {
			"11/policies/ai.md/" + sha("p1"): revisionWant("p1", 3, obj{"blob_sha": "e8bdbcb3d7b6e6a3c3a2f5f3d3a7d9f0b1c2d3e4",
				"content_sha256": "", "size": 6.0}),
			"11/policies/ai.md/" + sha("p2"): revisionWant("p2", 6, obj{"blob_sha": policyBlob, "content_sha256": "", "size": float64(len(policyText)),
				"front_matter": map[string]any{"title": "AI policy", "version": "2.0", "owner": "Lee", "reviewers": []any{"a", "b"}}}),
		},
	}
	for kind, records := range want {
		got := h.payloads(kind)
		if kind == github.KindFileRevision {
			for _, key := range h.keys(kind) { // digests are compared where they are the point
				got[key]["content_sha256"] = ""
			}
			got["11/policies/ai.md/"+sha("p1")]["blob_sha"] = "e8bdbcb3d7b6e6a3c3a2f5f3d3a7d9f0b1c2d3e4"
		}
		if d := cmp.Diff(records, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", kind, d)
		}
	}
	checkEnvelopes(t, h)
}

func pushWant(name string, n int, files []any, parents ...string) obj {
	ps := []any{}
	for _, p := range parents {
		ps = append(ps, sha(p))
	}
	return obj{"repo": "acme/app", "repo_id": 11.0, "ref": "main", "is_default_branch": true, "sha": sha(name), "parents": ps, "author": "kim",
		"author_linked": true, "committer": "kim", "authored_at": day(n), "committed_at": day(n), "message_summary": name + " AI-7", "verified": true,
		"files": files, "files_truncated": false, "association": "none", "linked_issue_keys": []any{"AI-7"}}
}

func revisionWant(name string, n int, more obj) obj {
	w := obj{"repo": "acme/app", "repo_id": 11.0, "path": "policies/ai.md", "ref": "main", "commit_sha": sha(name), "author": "kim", "committer": "kim",
		"committed_at": day(n), "verified": true, "deleted": false}
	for k, v := range more {
		w[k] = v
	}
	return w
}

// envelope is what a record says beside its payload.
type envelope struct{ Type, Subject, Event, URL string }

func checkEnvelopes(t *testing.T, h *host) {
	t.Helper()
	want := map[string]envelope{
		github.KindRepository + " 11":            {"repository", "acme/app", day(20), "https://github.com/acme/app"},
		github.KindPullRequest + " 11/1":         {"change", "acme/app#1", day(9), "https://github.com/acme/app/pull/1"},
		github.KindPullRequest + " 11/2":         {"change", "acme/app#2", day(1), "https://github.com/acme/app/pull/2"},
		github.KindReview + " 501":               {"change", "acme/app#1", day(8), ""},
		github.KindBranchProtection + " 11/main": {"repository", "acme/app", "", ""},
		github.KindWorkflowRun + " 71/1":         {"release", "acme/app@" + sha("head1"), day(9), "https://github.com/acme/app/actions/runs/71"},
		github.KindPush + " 11/main/" + sha("push"): {"change", "acme/app@" + sha("push"), day(5),
			"https://github.com/acme/app/commit/" + sha("push")},
		github.KindFileRevision + " 11/policies/ai.md/" + sha("p2"): {"document", "acme/app/policies/ai.md", day(6),
			"https://github.com/acme/app/blob/" + sha("p2") + "/policies/ai.md"},
	}
	for id, w := range want {
		r, ok := h.records[id]
		if !ok {
			t.Errorf("no record %s", id)
			continue
		}
		got := envelope{r.Subject.Type, r.Subject.ID, "", r.URL}
		if !r.EventTime.IsZero() {
			got.Event = r.EventTime.Format("2006-01-02T15:04:05Z07:00")
		}
		if d := cmp.Diff(w, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", id, d)
		}
	}
}

// An unchanged organisation costs almost nothing and gives nothing new.
func TestReadAgainUnchanged(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	h.mustCollect(f, everything())
	f.took()
	for range 2 {
		cov := h.mustCollect(f, everything())
		if h.revisions != 0 || h.attested != 1 || len(h.gaps) != 0 {
			t.Errorf("%d revisions, %d attested, gaps %v; want 0, 1, none", h.revisions, h.attested, h.gaps)
		}
		if h.calls.NotModified != h.calls.Requests || h.calls.Requests > 9 {
			t.Errorf("calls %+v, want at most 9 and all of them 304; asked %q", h.calls, f.took())
		}
		if cov[github.KindPullRequest].Status != connector.Complete || cov[github.KindRepository].IndependentCount != 1 {
			t.Errorf("coverage %+v", cov)
		}
	}
}

func TestFullReadsAllAgain(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	h.mustCollect(f, everything())
	first := h.calls.Requests
	h.mustCollect(f, everything(), func(r *connector.Request) { r.Full = true })
	if h.calls.Requests != first || h.calls.NotModified != 0 || h.revisions != 0 {
		t.Errorf("calls %+v, %d revisions; want the %d of the first run and no revision", h.calls, h.revisions, first)
	}
}

// Only what changed is read in detail.
func TestIncremental(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	h.mustCollect(f, everything())
	f.set("/repos/acme/app/pulls", []any{
		pullJSON(3, day(14), "draft", true),
		pullJSON(2, day(13), "state", "closed", "merged_at", day(13), "merge_commit_sha", sha("m2")),
		pullJSON(1, day(10), "state", "closed", "merged_at", day(9), "merge_commit_sha", sha("m1"))},
		"/repos/acme/app/pulls/2", pullJSON(2, day(13), "state", "closed", "merged_at", day(13), "merge_commit_sha", sha("m2"), "merged_by", user("kim")),
		"/repos/acme/app/pulls/3/files", []any{}, "/repos/acme/app/pulls/3/reviews", []any{},
		"/repos/acme/app/commits?sha=main", []any{commitJSON("m2", day(13), "m1", "head2"), commitJSON("m1", day(9), "push", "head1")})
	f.took()
	h.mustCollect(f, everything())
	asked := strings.Join(f.took(), "\n")
	if strings.Contains(asked, "/pulls/1/") || !strings.Contains(asked, "/pulls/2/files") || !strings.Contains(asked, "/pulls/3/reviews") {
		t.Errorf("asked:\n%s", asked)
	}
	if h.revisions != 2 {
		t.Errorf("%d revisions, want 2 pull requests", h.revisions)
	}
	if d := cmp.Diff(sorted([]string{"11/main/" + sha("push"), "11/main/" + sha("root")}), h.keys(github.KindPush)); d != "" {
		t.Errorf("pushes: %s", d)
	}
}

func sorted(s []string) []string { slices.Sort(s); return s }

// manyPulls is a listing of n pull requests, newest update first.
func manyPulls(f *fakeGitHub, n int) {
	list := []any{}
	for i := n; i > 0; i-- {
		list = append(list, pullJSON(i, day(0)[:10]+fmt.Sprintf("T%02d:%02d:%02dZ", i/3600, i/60%60, i%60)))
		f.set(fmt.Sprintf("/repos/acme/app/pulls/%d/files", i), []any{}, fmt.Sprintf("/repos/acme/app/pulls/%d/reviews", i), []any{})
	}
	f.set("/repos/acme/app/pulls", list)
}

func onlyPulls(r *connector.Request) { r.Kinds = []string{github.KindPullRequest, github.KindReview} }

// A first run that is cut off goes on where it stopped.
func TestFirstRunIsResumed(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	manyPulls(f, 350)
	h.failAfter = 230
	if _, err := h.collect(f, everything("concurrency", 1), onlyPulls); !errors.Is(err, errHostFull) {
		t.Fatalf("error %v, want the emitter's own", err)
	}
	f.took()
	h.failAfter = 0
	h.mustCollect(f, everything("concurrency", 1), onlyPulls)
	if got := len(h.keys(github.KindPullRequest)); got != 350 {
		t.Errorf("%d pull requests, want 350", got)
	}
	detail := 0
	for _, a := range f.took() {
		if strings.Contains(a, "/files") {
			detail++
		}
	}
	if detail < 120 || detail > 160 {
		t.Errorf("%d pull requests were read in detail after 200 had been kept, want about 150", detail)
	}
	h.mustCollect(f, everything(), onlyPulls)
	if h.revisions != 0 || h.calls.Requests != h.calls.NotModified {
		t.Errorf("third run: %d revisions, calls %+v", h.revisions, h.calls)
	}
}

// A pull request that could not be read is a gap and is read next time, though
// the listing did not change.
func TestUnreadPullIsTriedAgain(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	f.on("/repos/acme/app/pulls/1/files", status(500, "boom"))
	cov := h.mustCollect(f, everything())
	if cov[github.KindPullRequest].Status != connector.Partial || len(h.gaps) != 1 || h.gaps[0].Scope != "acme/app#1" || h.gaps[0].Reason != connector.Unavailable {
		t.Errorf("coverage %+v, gaps %+v", cov[github.KindPullRequest], h.gaps)
	}
	cov = h.mustCollect(f, everything())
	if cov[github.KindPullRequest].Status != connector.Partial {
		t.Errorf("second run: %+v: still unread, and silent about it", cov[github.KindPullRequest])
	}
	f.on("/repos/acme/app/pulls/1/files", nil)
	cov = h.mustCollect(f, everything())
	if cov[github.KindPullRequest].Status != connector.Complete || len(h.keys(github.KindPullRequest)) != 2 || len(h.keys(github.KindReview)) != 3 {
		t.Errorf("third run: %+v, %q", cov[github.KindPullRequest], h.keys(github.KindReview))
	}
}

func TestLookingFurtherBack(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	cov := h.mustCollect(f, everything("since", day(11)[:10]), onlyPulls)
	if d := cmp.Diff([]string{"11/2"}, h.keys(github.KindPullRequest)); d != "" {
		t.Error(d)
	}
	if got := cov[github.KindPullRequest].Since.Format("2006-01-02"); got != day(11)[:10] {
		t.Errorf("since %s", got)
	}
	h.mustCollect(f, everything("since", "2026-02-01"), onlyPulls)
	if d := cmp.Diff([]string{"11/1", "11/2"}, h.keys(github.KindPullRequest)); d != "" {
		t.Error(d)
	}
	// A later start does not make what is known already shorter.
	cov = h.mustCollect(f, everything("since", day(11)[:10]), onlyPulls)
	if got := cov[github.KindPullRequest].Since.Format("2006-01-02"); got != "2026-02-01" {
		t.Errorf("since %s, want 2026-02-01", got)
	}
}

// A kind that was not asked for before is read from the beginning.
func TestAnotherKindLater(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	h.mustCollect(f, everything(), func(r *connector.Request) { r.Kinds = []string{github.KindPullRequest} })
	if got := h.keys(github.KindReview); len(got) != 0 {
		t.Errorf("reviews %q that nobody asked for", got)
	}
	h.mustCollect(f, everything())
	if len(h.keys(github.KindReview)) != 3 || len(h.keys(github.KindRepository)) != 1 {
		t.Errorf("reviews %q, repositories %q", h.keys(github.KindReview), h.keys(github.KindRepository))
	}
	h.mustCollect(f, everything()) // attests the group of repositories
}

func TestTokenRefused(t *testing.T) {
	for name, settings := range map[string]obj{"listed": everything(), "named": {"repositories": []any{"acme/app"}}} {
		t.Run(name, func(t *testing.T) {
			f, h := newFake(t), newHost(t)
			organisation(f)
			_, err := h.collect(f, settings, func(r *connector.Request) { r.Config.Secrets = map[string]string{"token": "expired-token"} })
			if !errors.Is(err, connector.ErrRefused) {
				t.Fatalf("error %v, want ErrRefused", err)
			}
			if text := err.Error(); strings.Contains(text, "expired-token") || !strings.Contains(text, "fine-grained token") {
				t.Errorf("error %q", text)
			}
			if len(h.gaps) != 0 || len(h.records) != 0 {
				t.Error("something was emitted")
			}
		})
	}
}

// The token is revoked in the middle of a run.
func TestTokenRevokedMidway(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	f.on("/repos/acme/app/actions/runs", status(401, "Bad credentials"))
	if _, err := h.collect(f, everything()); !errors.Is(err, connector.ErrRefused) {
		t.Errorf("error %v, want ErrRefused", err)
	}
	if len(h.keys(github.KindPullRequest)) != 2 {
		t.Error("what was read before is lost")
	}
}

func TestHostUnreachable(t *testing.T) {
	f, h := newFake(t), newHost(t)
	f.Close()
	_, err := h.collect(f, everything())
	if !errors.Is(err, connector.ErrUnreachable) {
		t.Errorf("error %v, want ErrUnreachable", err)
	}
}

func TestCancelled(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	ctx, cancel := context.WithCancel(t.Context())
	f.on("/repos/acme/app/pulls", func(http.ResponseWriter, *http.Request) { cancel() })
	_, err := github.New().Collect(ctx, connector.Request{Config: configOf(t, f, everything())}, h)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

// missing is one way in which a part of the scope cannot be seen.
type missing struct {
	name       string
	path       string
	handler    http.HandlerFunc
	kinds      []string
	reason     connector.Reason
	permission string
	status     connector.CoverageStatus
}

func TestGaps(t *testing.T) {
	const app = "/repos/acme/app"
	changes := []string{github.KindPullRequest, github.KindReview}
	torn := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `[{"number": 1, "ti`) }
	html := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `<html>Unicorn!</html>`) }
	for _, tc := range []missing{
		{"403 on pulls", app + "/pulls", status(403, "Resource not accessible by personal access token"), changes, connector.Denied, "pull_requests:read", connector.Refused},
		{"404 that means 403 on pulls", app + "/pulls", status(404, "Not Found"), changes, connector.Denied, "pull_requests:read", connector.Refused},
		{"403 on runs", app + "/actions/runs", status(403, "no"), []string{github.KindWorkflowRun}, connector.Denied, "actions:read", connector.Refused},
		{"403 on the tree", app + "/git/trees/main", status(403, "no"), []string{github.KindFileRevision}, connector.Denied, "contents:read", connector.Refused},
		{"single sign-on", app + "/commits", status(403, "SAML", "X-GitHub-SSO", "required; url=https://x"), []string{github.KindPush}, connector.Denied, "contents:read", connector.Refused},
		{"500", app + "/actions/runs", status(500, "boom"), []string{github.KindWorkflowRun}, connector.Unavailable, "", connector.Refused},
		{"torn JSON", app + "/pulls", torn, changes, connector.Malformed, "", connector.Refused},
		{"HTML", app + "/pulls", html, changes, connector.Malformed, "", connector.Refused},
		{"an object where a list should be", app + "/pulls", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"message":"ok"}`) },
			changes, connector.Malformed, "", connector.Refused},
		{"null for an object", app + "/actions/runs", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `null`) },
			[]string{github.KindWorkflowRun}, connector.Malformed, "", connector.Refused},
		{"unasked 304", app + "/pulls", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) }, changes, connector.Malformed, "", connector.Refused},
		{"a bomb", app + "/pulls", func(w http.ResponseWriter, _ *http.Request) {
			piece := []byte("[" + strings.Repeat(" ", 1<<20))
			for range 20 {
				if _, err := w.Write(piece); err != nil {
					return
				}
			}
		}, changes, connector.Truncated, "", connector.Refused},
		{"a listing that never ends", app + "/pulls", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", `<https://api.github.com/x?page=2>; rel="next"`)
			fmt.Fprintf(w, `[%d]`, len(r.URL.RawQuery))
		}, changes, connector.Malformed, "", connector.Refused},
		{"a page that repeats", app + "/actions/runs", func(w http.ResponseWriter, r *http.Request) {
			var n int
			_, _ = fmt.Sscanf(r.URL.Query().Get("page"), "%d", &n)
			w.Header().Set("Link", fmt.Sprintf(`<https://api.github.com/x?page=%d>; rel="next"`, n+1))
			_ = json.NewEncoder(w).Encode(obj{"workflow_runs": []any{runJSON(71, 1, day(9))}})
		}, []string{github.KindWorkflowRun}, connector.Malformed, "", connector.Refused},
		{"rate limit", app + "/pulls", status(403, "secondary", "Retry-After", "3600"), nil, connector.RateLimited, "", connector.Refused},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f, h := newFake(t), newHost(t)
			organisation(f)
			f.on(tc.path, tc.handler)
			cov := h.mustCollect(f, everything())
			if len(h.gaps) == 0 {
				t.Fatal("no gap")
			}
			g := h.gaps[0]
			if g.Reason != tc.reason || g.Permission != tc.permission || g.Scope != "acme/app" || tc.kinds != nil && !slices.Equal(g.Kinds, tc.kinds) {
				t.Errorf("gap %+v, want %+v", g, tc)
			}
			for _, k := range tc.kinds {
				if cov[k].Status != tc.status {
					t.Errorf("%s: %s, want %s", k, cov[k].Status, tc.status)
				}
			}
			if tc.kinds != nil && cov[github.KindBranchProtection].Status != connector.Complete {
				t.Errorf("other kinds suffered: %+v", cov[github.KindBranchProtection])
			}
			f.on(tc.path, nil) // and it heals
			cov = h.mustCollect(f, everything())
			for kind, k := range cov {
				if k.Status != connector.Complete {
					t.Errorf("afterwards %s is %s: %+v", kind, k.Status, h.gaps)
				}
			}
		})
	}
}

// Once the limit is far away, nothing more is sent.
func TestRateLimitEndsTheRun(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	f.on("/repos/acme/app/pulls", status(429, "slow down", "Retry-After", "3600"))
	h.mustCollect(f, everything())
	if len(h.gaps) != 5 || h.calls.Requests > 4 || h.calls.RateLimited != 1 {
		t.Errorf("%d gaps, calls %+v; want a gap for each of 5 steps and no request after the answer", len(h.gaps), h.calls)
	}
	for _, g := range h.gaps {
		if g.Reason != connector.RateLimited {
			t.Errorf("gap %+v", g)
		}
	}
}
