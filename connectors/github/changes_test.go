package github_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

const commits = "/repos/acme/app/commits"

// history makes main the given commits, head first, each the parent of the one
// before; no pull request accounts for any.
func history(f *fakeGitHub, dates map[string]string, names ...string) {
	list := []any{}
	for i, n := range names {
		var parents []string
		if i+1 < len(names) {
			parents = names[i+1 : i+2]
		}
		date := dates[n]
		if date == "" {
			date = day(3)
		}
		list = append(list, commitJSON(n, date, parents...))
		f.set(commits+"/"+sha(n)+"/pulls", []any{}, commits+"/"+sha(n), obj{"files": []any{obj{"filename": n}}})
	}
	f.set(commits+"?sha=main", list)
}

func pushed(h *host) string {
	var names []string
	for _, p := range h.payloads(github.KindPush) {
		names = append(names, strings.TrimSuffix(p["message_summary"].(string), " AI-7"))
	}
	return strings.Join(sorted(names), " ")
}

func onlyPushes(r *connector.Request) { r.Kinds = []string{github.KindPush} }

func TestPushes(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*fakeGitHub)
		want   string
	}{
		{"each first parent", func(*fakeGitHub) {}, "a b c"},
		{"rebase merge: only the last commit is the pull request's merge commit", func(f *fakeGitHub) {
			pr := []any{pullJSON(1, day(10), "merged_at", day(9))}
			f.set(commits+"/"+sha("a")+"/pulls", pr, commits+"/"+sha("b")+"/pulls", pr)
		}, "c"},
		{"an open pull request accounts for nothing", func(f *fakeGitHub) {
			f.set(commits+"/"+sha("a")+"/pulls", []any{pullJSON(1, day(10))})
		}, "a b c"},
		{"a pull request into another branch accounts for nothing", func(f *fakeGitHub) {
			f.set(commits+"/"+sha("a")+"/pulls", []any{pullJSON(1, day(10), "merged_at", day(9), "base", obj{"ref": "develop"})})
		}, "a b c"},
		{"commits of a merged branch are not first parents", func(f *fakeGitHub) {
			f.set(commits+"?sha=main", []any{commitJSON("a", day(9), "c", "b"), commitJSON("b", day(8), "c"), commitJSON("c", day(3))})
		}, "a c"},
		{"a commit dated back hides neither itself nor what is below it", func(f *fakeGitHub) {
			history(f, map[string]string{"a": "2019-01-01T00:00:00Z"}, "a", "b", "c")
		}, "a b c"},
		{"no commit is older than asked for", func(f *fakeGitHub) {
			history(f, map[string]string{"c": "2019-01-01T00:00:00Z"}, "a", "b", "c")
		}, "a b"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, h := newFake(t), newHost(t)
			organisation(f)
			history(f, nil, "a", "b", "c")
			tc.change(f)
			h.mustCollect(f, everything(), onlyPushes)
			if got := pushed(h); got != tc.want || len(h.gaps) > 0 {
				t.Errorf("pushes %q, want %q; gaps %+v", got, tc.want, h.gaps)
			}
		})
	}
}

// What lands on top of a known head is read whatever date it claims.
func TestPushDatedBackOrAhead(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	history(f, nil, "a", "b")
	h.mustCollect(f, everything(), onlyPushes)
	history(f, map[string]string{"old": "2015-01-01T00:00:00Z", "ahead": "2099-01-01T00:00:00Z"}, "old", "ahead", "a", "b")
	h.mustCollect(f, everything(), onlyPushes)
	if got := pushed(h); got != "a ahead b old" || h.revisions != 2 {
		t.Errorf("pushes %q, %d revisions", got, h.revisions)
	}
	if r := h.records[github.KindPush+" 11/main/"+sha("old")]; r.EventTime.Year() == 2015 {
		t.Errorf("a commit dated 2015 on top of a newer one has the event time %v", r.EventTime)
	}
	r := h.records[github.KindPush+" 11/main/"+sha("ahead")]
	if time.Until(r.EventTime) > 0 || time.Since(r.EventTime) > time.Minute {
		t.Errorf("a commit dated 2099 has the event time %v, want now", r.EventTime)
	}
}

// The head was thrown away: the walk ends at the beginning of the period.
func TestForcePush(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	history(f, nil, "a", "b", "c")
	h.mustCollect(f, everything(), onlyPushes)
	history(f, nil, "x", "b", "c")
	h.mustCollect(f, everything(), onlyPushes)
	if got := pushed(h); got != "a b c x" {
		t.Errorf("pushes %q", got)
	}
}

func TestManyPushes(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	var names []string
	for i := range 230 {
		names = append(names, fmt.Sprintf("n%03d", i))
	}
	history(f, nil, names...)
	h.mustCollect(f, everything(), onlyPushes)
	if got := len(h.keys(github.KindPush)); got != 230 {
		t.Errorf("%d pushes, want 230", got)
	}
	f.took()
	history(f, nil, append([]string{"new"}, names...)...)
	h.mustCollect(f, everything(), onlyPushes)
	if got := h.calls.Requests - h.calls.NotModified; h.revisions != 1 || got != 4 {
		t.Errorf("one commit more: %d revisions with %d requests, want 1 with 4", h.revisions, got)
	}
}

func TestEmptyRepository(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	empty := status(409, "Git Repository is empty.")
	f.on(commits, empty)
	f.on("/repos/acme/app/git/trees/main", empty)
	f.on(mainBranch, status(404, "Branch not found"))
	f.set("/repos/acme/app/pulls", []any{}, "/repos/acme/app/actions/runs", wrapped{"workflow_runs", nil})
	cov := h.mustCollect(f, everything())
	for kind, k := range cov {
		if k.Status != connector.Complete {
			t.Errorf("%s: %+v; gaps %+v", kind, k, h.gaps)
		}
	}
}

// The server does not know the question which pull request brought a commit.
func TestAssociationUnsupported(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	f.on(commits+"/"+sha("push")+"/pulls", status(404, "Not Found"))
	cov := h.mustCollect(f, everything())
	if cov[github.KindPush].Status != connector.Partial || len(h.gaps) != 2 || h.gaps[0].Reason != connector.Unsupported ||
		!strings.HasPrefix(h.gaps[0].Scope, "acme/app@") {
		t.Errorf("coverage %+v, gaps %+v", cov[github.KindPush], h.gaps)
	}
	got := h.payloads(github.KindPush)
	if len(got) != 2 || got["11/main/"+sha("push")]["association"] != "unknown" {
		t.Errorf("pushes %v; the merge commit of pull request 1 must not be among them", got)
	}
}

func TestFilesTruncated(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	files := []any{}
	for i := range 3200 {
		files = append(files, obj{"filename": fmt.Sprintf("f%04d", i)})
	}
	f.set("/repos/acme/app/pulls/2/files", files)
	cov := h.mustCollect(f, everything())
	p := h.payloads(github.KindPullRequest)["11/2"]
	if p["files_truncated"] != true || len(p["files"].([]any)) != 3000 {
		t.Errorf("%v files, truncated %v", len(p["files"].([]any)), p["files_truncated"])
	}
	if cov[github.KindPullRequest].Status != connector.Partial || len(h.gaps) != 1 || h.gaps[0].Reason != connector.Truncated || h.gaps[0].Scope != "acme/app#2" {
		t.Errorf("coverage %+v, gaps %+v", cov[github.KindPullRequest], h.gaps)
	}
}

// GitHub itself lists less than it counts.
func TestFilesFewerThanCounted(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	f.set("/repos/acme/app/pulls/1/files", []any{obj{"filename": "a"}})
	h.mustCollect(f, everything())
	if h.payloads(github.KindPullRequest)["11/1"]["files_truncated"] != true || len(h.gaps) != 1 {
		t.Errorf("gaps %+v", h.gaps)
	}
}

func TestRuns(t *testing.T) {
	const runs = "/repos/acme/app/actions/runs"
	f, h := newFake(t), newHost(t)
	organisation(f)
	list := func(items ...any) { f.set(runs, wrapped{"workflow_runs", items}) }
	list(runJSON(73, 1, day(12), "status", "in_progress", "conclusion", nil), runJSON(72, 1, day(11), "conclusion", "failure"), runJSON(71, 1, day(10)),
		runJSON(70, 1, "2020-01-01T00:00:00Z"))
	only := func(r *connector.Request) { r.Kinds = []string{github.KindWorkflowRun} }
	h.mustCollect(f, everything(), only)
	if d := cmp.Diff([]string{"71/1", "72/1"}, h.keys(github.KindWorkflowRun)); d != "" {
		t.Errorf("first run: %s", d)
	}
	// One is done, one was run again, one is new.
	f.set(runs+"/72/attempts/1", runJSON(72, 1, day(11), "conclusion", "failure"), runs+"/75/attempts/1", runJSON(75, 1, day(15)))
	list(runJSON(75, 2, day(16)), runJSON(73, 1, day(14), "created_at", day(12)), runJSON(72, 2, day(15), "created_at", day(11)), runJSON(71, 1, day(10)))
	h.mustCollect(f, everything(), only)
	if d := cmp.Diff([]string{"71/1", "72/1", "72/2", "73/1", "75/1", "75/2"}, h.keys(github.KindWorkflowRun)); d != "" {
		t.Errorf("second run: %s", d)
	}
	if got := h.payloads(github.KindWorkflowRun)["72/1"]["conclusion"]; got != "failure" || h.revisions != 4 {
		t.Errorf("the first attempt's conclusion is %v; %d revisions", got, h.revisions)
	}
}

// Pages of runs are left alone when they did not change, each by itself.
func TestRunsPaged(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	items := []any{}
	for i := 350; i > 0; i-- {
		items = append(items, runJSON(i, 1, day(5)[:11]+fmt.Sprintf("%02d:%02d:00Z", i/60, i%60)))
	}
	f.set("/repos/acme/app/actions/runs", wrapped{"workflow_runs", items})
	h.mustCollect(f, everything())
	if got := len(h.keys(github.KindWorkflowRun)); got != 350 {
		t.Errorf("%d runs, want 350", got)
	}
	h.mustCollect(f, everything())
	if h.revisions != 0 || h.calls.Requests != h.calls.NotModified || h.calls.Requests < 11 {
		t.Errorf("calls %+v", h.calls)
	}
	// A run of the last page is run again: only that page is new.
	items[340] = runJSON(10, 1, day(20), "created_at", day(5)[:11]+"00:10:00Z", "conclusion", "failure")
	h.mustCollect(f, everything())
	if h.revisions != 1 || h.calls.Requests-h.calls.NotModified != 1 {
		t.Errorf("%d revisions, calls %+v", h.revisions, h.calls)
	}
}

func TestArtifacts(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	f.set("/repos/acme/app/actions/runs/71/artifacts", wrapped{"artifacts", []any{
		obj{"id": 5, "name": "report", "size_in_bytes": 12, "digest": "sha256:abc", "created_at": day(9)}}})
	h.mustCollect(f, everything("artifact_workflows", []any{".github/workflows/*.yml"}))
	want := []any{map[string]any{"id": 5.0, "name": "report", "size": 12.0, "digest": "sha256:abc", "created_at": day(9)}}
	if d := cmp.Diff(want, h.payloads(github.KindWorkflowRun)["71/1"]["artifacts"]); d != "" {
		t.Error(d)
	}
}

// A merged pull request of which no file is listed must not look as if it had
// changed nothing.
func TestMergedWithoutListedFiles(t *testing.T) {
	two, one := []any{obj{"sha": sha("push")}, obj{"sha": sha("head1")}}, []any{obj{"sha": sha("push")}}
	files := []any{obj{"filename": "model.yaml"}, obj{"filename": "b", "previous_filename": "a"}}
	for _, tc := range []struct {
		name      string
		commit    any
		commits   int
		want      []any
		truncated bool
	}{
		{"merge commit", obj{"parents": two, "files": files}, 3, []any{"a", "b", "model.yaml"}, false},
		{"one commit, squashed or rebased", obj{"parents": one, "files": files}, 1, []any{"a", "b", "model.yaml"}, false},
		{"several commits, perhaps rebased", obj{"parents": one, "files": files}, 3, []any{"a", "b", "model.yaml"}, true},
		{"changes nothing indeed", obj{"parents": two, "files": []any{}}, 1, []any{}, false},
		{"the commit is gone", nil, 1, []any{}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, h := newFake(t), newHost(t)
			organisation(f)
			f.set("/repos/acme/app/pulls/1/files", []any{}, "/repos/acme/app/pulls/1", pullJSON(1, day(10), "state", "closed", "merged_at", day(9),
				"closed_at", day(9), "merge_commit_sha", sha("m1"), "merged_by", user("lee"), "commits", tc.commits))
			if tc.commit != nil {
				f.set(commits+"/"+sha("m1"), tc.commit)
			}
			h.mustCollect(f, everything(), onlyPulls)
			pr := h.payloads(github.KindPullRequest)["11/1"]
			truncated, _ := pr["files_truncated"].(bool)
			if diff := cmp.Diff(tc.want, pr["files"]); diff != "" || truncated != tc.truncated {
				t.Errorf("files (-want +got)\n%s\ntruncated %v", diff, truncated)
			}
			if got := len(h.gaps); got != map[bool]int{false: 0, true: 1}[tc.truncated] {
				t.Errorf("gaps %+v", h.gaps)
			}
		})
	}
}

// What an earlier run could not see is said by every run until it can be seen:
// a run without the gap would claim that it was.
func TestGapsOfEarlierRunsStay(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	history(f, nil, "a", "b")
	f.set("/repos/acme/app/pulls/1/files", []any{}, "/repos/acme/app/pulls/1", pullJSON(1, day(10), "state", "closed", "merged_at", day(9),
		"closed_at", day(9), "merge_commit_sha", sha("gone"), "merged_by", user("lee")))
	for _, name := range []string{"a", "b"} {
		f.on(commits+"/"+sha(name)+"/pulls", status(404, "Not Found"))
	}
	changes := func(r *connector.Request) {
		r.Kinds = []string{github.KindPush, github.KindPullRequest, github.KindReview}
	}
	scopes := func() string {
		var out []string
		for _, g := range h.gaps {
			out = append(out, g.Scope+" "+string(g.Reason))
		}
		return strings.Join(sorted(out), ", ")
	}
	for i := range 3 {
		cov := h.mustCollect(f, everything(), changes)
		want := "acme/app#1 truncated, " + strings.Join(sorted([]string{"acme/app@" + sha("a") + " unsupported", "acme/app@" + sha("b") + " unsupported"}), ", ")
		if got := scopes(); got != want || cov[github.KindPush].Status != connector.Partial {
			t.Fatalf("run %d: gaps %q, pushes %s", i+1, got, cov[github.KindPush].Status)
		}
		if i > 0 && h.revisions != 0 {
			t.Errorf("run %d: %d revisions of what did not change", i+1, h.revisions)
		}
	}
	for _, name := range []string{"a", "b"} { // now GitHub can say
		f.on(commits+"/"+sha(name)+"/pulls", nil)
	}
	f.set("/repos/acme/app/pulls/1/files", []any{obj{"filename": "x"}}, "/repos/acme/app/pulls", []any{
		pullJSON(1, day(13), "state", "closed", "merged_at", day(9), "closed_at", day(9), "merge_commit_sha", sha("gone"))})
	h.mustCollect(f, everything(), changes)
	if got := scopes(); got != "" || h.payloads(github.KindPush)["11/main/"+sha("b")]["association"] != "none" {
		t.Errorf("gaps %q, push %v", got, h.payloads(github.KindPush)["11/main/"+sha("b")])
	}
}

// A server that never says how commits came gets one gap, not thousands.
func TestAssociationUnsupportedOfMany(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	var names []string
	for i := range 50 {
		names = append(names, fmt.Sprintf("n%02d", i))
	}
	history(f, nil, names...)
	for _, n := range names {
		f.on(commits+"/"+sha(n)+"/pulls", status(403, "Resource not accessible by personal access token"))
	}
	for range 2 {
		h.mustCollect(f, everything(), onlyPushes)
		if len(h.gaps) != 1 || h.gaps[0].Scope != "acme/app" || h.gaps[0].Reason != connector.Denied || h.gaps[0].Permission != "pull_requests:read" {
			t.Fatalf("gaps %+v", h.gaps)
		}
	}
	if got := len(h.keys(github.KindPush)); got != 50 {
		t.Errorf("%d pushes, want 50", got)
	}
}
