package github_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// fields are those of a payload that a test is about.
func fields(p obj, names ...string) obj {
	out := obj{}
	for _, n := range names {
		if v, ok := p[n]; ok {
			out[n] = v
		}
	}
	return out
}

func TestMergeQueueAndClosedIssues(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	f.set("/repos/acme/app/pulls/1", pullJSON(1, day(10), "title", "Fixes #7: scoring", "state", "closed", "merged_at", day(9), "closed_at", day(9),
		"merge_commit_sha", sha("m1"), "merged_by", obj{"login": "github-merge-queue[bot]", "type": "Bot"},
		"body", "Resolves: acme/governance#12 and closes #7.\nprefixes #8, mentions #9, fixed #0"))
	h.mustCollect(f, everything(), onlyPulls)
	got := fields(h.payloads(github.KindPullRequest)["11/1"], "merge_queue", "merged_by", "closes_issues")
	want := obj{"merge_queue": true, "merged_by": "github-merge-queue[bot]", "closes_issues": []any{"acme/app#7", "acme/governance#12"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// A dismissed review says what it had said and when it was declared void, if
// the history is shown; a pending one is nobody's business.
func TestDismissedReviews(t *testing.T) {
	const events = "/repos/acme/app/issues/1/events"
	list := []any{obj{"event": "assigned", "created_at": day(3)}, nil,
		obj{"event": "review_dismissed", "created_at": day(11), "actor": user("root"), "dismissed_review": obj{"review_id": 601, "state": "approved"}}}
	for _, tc := range []struct {
		name    string
		handler http.HandlerFunc
		want    obj
		gaps    int
	}{
		{"told", nil, obj{"state": "DISMISSED", "submitted_at": day(8), "dismissed_at": day(11), "dismissed_by": "root", "dismissed_state": "APPROVED"}, 0},
		{"not allowed", status(403, "no"), obj{"state": "DISMISSED", "submitted_at": day(8)}, 0},
		{"issues are switched off", status(410, "Issues are disabled for this repo"), obj{"state": "DISMISSED", "submitted_at": day(8)}, 0},
		{"broken", status(500, "boom"), obj{}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, h := newFake(t), newHost(t)
			organisation(f)
			f.set("/repos/acme/app/pulls/1/reviews", []any{
				obj{"id": 601, "user": user("lee"), "state": "DISMISSED", "commit_id": sha("head1"), "submitted_at": day(8)},
				obj{"id": 602, "user": user("auditor"), "state": "PENDING", "commit_id": sha("head1")},
			}, events, list)
			f.on(events, tc.handler)
			h.mustCollect(f, everything(), onlyPulls)
			got := fields(h.payloads(github.KindReview)["601"], "state", "submitted_at", "dismissed_at", "dismissed_by", "dismissed_state")
			if d := cmp.Diff(tc.want, got); d != "" || len(h.gaps) != tc.gaps || len(h.keys(github.KindReview)) > 1 {
				t.Errorf("%s; gaps %+v, reviews %q", d, h.gaps, h.keys(github.KindReview))
			}
		})
	}
}

// Who pushed and when is GitHub's own word; a forced push is a record of its
// own, even if it leads to nothing new.
func TestActivity(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	history(f, nil, "a", "b", "c", "d")
	f.set(commits+"/"+sha("b"), commitJSON("b", day(3), "c"), commits+"/"+sha("c"), commitJSON("c", day(3), "d"))
	move := func(id int, kind, before, after string, n int, who string) obj {
		return obj{"id": id, "activity_type": kind, "before": sha(before), "after": sha(after), "ref": "refs/heads/main", "timestamp": day(n), "actor": user(who)}
	}
	pages := map[string][]any{
		"":   {move(4, "push", "b", "a", 9, "kim"), nil, obj{"id": 9, "ref": "refs/heads/other", "after": "x", "timestamp": day(9)}},
		"p2": {move(3, "force_push", "gone", "b", 8, "root"), move(2, "push", "d", "gone", 7, "lee"), move(1, "push", "zero", "d", 5, "ada")},
	}
	f.on("/repos/acme/app/activity", func(w http.ResponseWriter, r *http.Request) {
		after := r.URL.Query().Get("after")
		if r.URL.Query().Get("ref") != "refs/heads/main" {
			reply(w, 422, "bad ref")
			return
		}
		if after == "" {
			w.Header().Set("Link", `<https://elsewhere.example/x?after=p2>; rel="next"`)
		}
		_ = json.NewEncoder(w).Encode(pages[after])
	})
	h.mustCollect(f, everything(), onlyPushes)
	got := map[string]obj{}
	for key, p := range h.payloads(github.KindPush) {
		got[strings.TrimPrefix(key, "11/main/")] = fields(p, "pushed_at", "pusher", "forced", "before", "association")
	}
	want := map[string]obj{
		sha("a"):               {"pushed_at": day(9), "pusher": "kim", "association": "none"},
		sha("b"):               {"association": "none"}, // a forced push does not say what it brought
		sha("c"):               {"association": "none"},
		sha("d"):               {"pushed_at": day(5), "pusher": "ada", "association": "none"},
		sha("b") + "/forced/3": {"pushed_at": day(8), "pusher": "root", "forced": true, "before": sha("gone"), "association": "none"},
	}
	if d := cmp.Diff(want, got); d != "" || len(h.gaps) != 0 {
		t.Errorf("%s\ngaps %+v", d, h.gaps)
	}
	if e := h.records[github.KindPush+" 11/main/"+sha("b")+"/forced/3"].EventTime.Format("2006-01-02T15:04:05Z"); e != day(8) {
		t.Errorf("the forced push happened at %s", e)
	}
	h.mustCollect(f, everything(), onlyPushes)
	if h.revisions != 0 || h.calls.Requests != h.calls.NotModified {
		t.Errorf("again: %d revisions, calls %+v", h.revisions, h.calls)
	}
	// Set back to an older commit: nothing new is on the branch.
	pages[""] = []any{move(5, "force_push", "a", "c", 12, "root")}
	history(f, nil, "c", "d")
	f.set(commits+"/"+sha("c"), commitJSON("c", day(3), "d"))
	h.mustCollect(f, everything(), onlyPushes)
	if len(h.keys(github.KindPush)) != 6 || h.revisions != 1 {
		t.Errorf("%d revisions, pushes %q", h.revisions, h.keys(github.KindPush))
	}
}

func TestJobs(t *testing.T) {
	const run = "/repos/acme/app/actions/runs/71"
	f, h := newFake(t), newHost(t)
	organisation(f)
	f.set(run+"/artifacts", wrapped{"artifacts", nil}, run+"/attempts/1/jobs", wrapped{"jobs", []any{
		obj{"id": 1, "name": "evaluate", "conclusion": "failure", "started_at": day(8), "completed_at": day(9)}, obj{"id": 2, "name": "publish", "conclusion": "skipped"}}})
	settings := everything("artifact_workflows", []any{".github/workflows/*.yml"})
	h.mustCollect(f, settings)
	want := []any{map[string]any{"name": "evaluate", "conclusion": "failure", "started_at": day(8), "completed_at": day(9)},
		map[string]any{"name": "publish", "conclusion": "skipped"}}
	if d := cmp.Diff(want, h.payloads(github.KindWorkflowRun)["71/1"]["job_summaries"]); d != "" {
		t.Error(d)
	}
	f.on(run+"/attempts/1/jobs", status(403, "no"))
	cov := h.mustCollect(f, settings, func(r *connector.Request) { r.Full = true })
	if cov[github.KindWorkflowRun].Status != connector.Partial || len(h.gaps) != 1 || h.gaps[0].Permission != "actions:read" {
		t.Errorf("jobs denied: gaps %+v", h.gaps)
	}
}

// Locks, queues and who is above the rules.
func TestProtectionFurther(t *testing.T) {
	const rules = "/repos/acme/app/rules/branches/main"
	rule := func(typ string) obj {
		return obj{"type": typ, "ruleset_source_type": "Organization", "ruleset_source": "acme", "ruleset_id": 9}
	}
	actor := func(kind, mode string, id any) []any {
		return []any{obj{"actor_id": id, "actor_type": kind, "bypass_mode": mode}}
	}
	for _, tc := range []struct {
		name   string
		actors any
		want   obj
	}{
		{"nobody", []any{}, obj{"enforce_admins": true, "bypass_actors": []any{}}},
		{"administrators by pull request", actor("RepositoryRole", "pull_request", 5), obj{"enforce_admins": false, "bypass_actors": []any{"role:admin (pull requests only)"}}},
		{"owners are exempt", actor("OrganizationAdmin", "exempt", 1), obj{"enforce_admins": false, "bypass_actors": []any{"organization_admin (exempt)"}}},
		{"whoever maintains", actor("RepositoryRole", "always", 2), obj{"enforce_admins": false, "bypass_actors": []any{"role:maintain"}}},
		{"an app", actor("Integration", "always", 31), obj{"enforce_admins": true, "bypass_actors": []any{"app:31"}}},
		{"a deploy key", actor("DeployKey", "always", nil), obj{"enforce_admins": true, "bypass_actors": []any{"deploy_key"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, h := newFake(t), newHost(t)
			organisation(f)
			f.on(mainBranch+"/protection", status(404, "Branch not protected"))
			f.set(rules, []any{rule("merge_queue"), rule("update"), rule("workflows")},
				"/repos/acme/app/rulesets/9", obj{"id": 9, "enforcement": "active", "bypass_actors": tc.actors})
			h.mustCollect(f, everything())
			got := h.payloads(github.KindBranchProtection)["11/main"]
			tc.want["locked"], tc.want["require_merge_queue"], tc.want["rule_types"] = true, true, []any{"merge_queue", "update", "workflows"}
			if d := cmp.Diff(tc.want, fields(got, "enforce_admins", "bypass_actors", "locked", "require_merge_queue", "rule_types")); d != "" {
				t.Error(d)
			}
		})
	}
	f, h := newFake(t), newHost(t)
	organisation(f)
	f.set(mainBranch+"/protection", obj{"lock_branch": obj{"enabled": true}})
	h.mustCollect(f, everything())
	if got := h.payloads(github.KindBranchProtection)["11/main"]; got["locked"] != true || got["enforce_admins"] != false {
		t.Errorf("a locked branch: %v", got)
	}
}

// An organisation's ruleset that is not shown is asked for once, not for each
// repository.
func TestHiddenRulesetIsAskedForOnce(t *testing.T) {
	f, h := newFake(t), newHost(t)
	largeOrganisation(f, 12, false)
	for i := range 12 {
		f.set(fmt.Sprintf("/repos/acme/r%04d/rules/branches/main", i), []any{obj{"type": "deletion", "ruleset_source_type": "Organization",
			"ruleset_source": "acme", "ruleset_id": 9}})
	}
	h.mustCollect(f, everything("concurrency", 1), coreKinds)
	asked := strings.Count(strings.Join(f.took(), "\n"), "/rulesets/9")
	known := h.payloads(github.KindBranchProtection)["1003/main"]["bypass_actors_known"]
	if asked != 1 || known != false {
		t.Errorf("asked %d times; bypass actors known: %v", asked, known)
	}
}
