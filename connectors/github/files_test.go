package github_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

const (
	policyCommits = "/repos/acme/app/commits?path=policies%2Fai.md&sha=main"
	policyAt      = "/repos/acme/app/contents/policies/ai.md?ref="
	treePath      = "/repos/acme/app/git/trees/main"
)

func onlyFiles(r *connector.Request) { r.Kinds = []string{github.KindFileRevision} }

func tree(paths ...string) obj {
	entries := []any{}
	for _, p := range paths {
		entries = append(entries, obj{"path": p, "type": "blob", "mode": "100644"})
	}
	return obj{"sha": sha(strings.Join(paths, "|")), "truncated": false, "tree": entries}
}

func TestContentDigests(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	h.mustCollect(f, everything(), onlyFiles)
	got := h.payloads(github.KindFileRevision)["11/policies/ai.md/"+sha("p2")]
	if want := fmt.Sprintf("%x", sha256.Sum256([]byte(policyText))); got["content_sha256"] != want || got["blob_sha"] != policyBlob {
		t.Errorf("digests %v %v, want those of the content", got["content_sha256"], got["blob_sha"])
	}
}

func TestFileChangesAndGoes(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	h.mustCollect(f, everything(), onlyFiles)
	f.set(mainBranch, branchJSON("gone", true), treePath, tree("main.go"), policyCommits, []any{commitJSON("gone", day(12), "p2"), commitJSON("p2", day(6), "p1"), commitJSON("p1", day(3))})
	f.took()
	h.mustCollect(f, everything(), onlyFiles)
	got := h.payloads(github.KindFileRevision)["11/policies/ai.md/"+sha("gone")]
	if got["deleted"] != true || got["content_sha256"] != nil || h.revisions != 1 || len(h.gaps) != 0 {
		t.Errorf("last revision %v, %d revisions, gaps %+v", got, h.revisions, h.gaps)
	}
	if asked := strings.Join(f.took(), "\n"); strings.Contains(asked, sha("p2")) {
		t.Errorf("an old revision was read again:\n%s", asked)
	}
}

// A change and its reversal between two runs leave the tree as it was, and two
// revisions.
func TestFileChangesAndReturns(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	h.mustCollect(f, everything(), onlyFiles)
	f.set(mainBranch, branchJSON("p4", true), policyCommits,
		[]any{commitJSON("p4", day(8), "p3"), commitJSON("p3", day(7), "p2"), commitJSON("p2", day(6), "p1"), commitJSON("p1", day(3))},
		"/repos/acme/app/contents/policies/ai.md?ref="+sha("p3"), contentJSON("no rules\n", ""),
		"/repos/acme/app/contents/policies/ai.md?ref="+sha("p4"), contentJSON(policyText, policyBlob))
	h.mustCollect(f, everything(), onlyFiles)
	if got := len(h.keys(github.KindFileRevision)); got != 4 || h.revisions != 2 || len(h.gaps) != 0 {
		t.Errorf("%d revisions, %d of them new, gaps %+v", got, h.revisions, h.gaps)
	}
	h.mustCollect(f, everything(), onlyFiles)
	if h.calls.Requests != 3 || h.calls.NotModified != 3 {
		t.Errorf("unchanged: calls %+v, want the account, its repositories and the branch", h.calls)
	}
}

// A revision dated back, far before the period, hides neither itself nor those
// that it follows, and does not become older than they are.
func TestFileRevisionDatedBack(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	f.set(policyCommits, []any{commitJSON("p3", "2001-01-01T00:00:00Z", "p2"), commitJSON("p2", day(6), "p1"), commitJSON("p1", day(3))},
		policyAt+sha("p3"), contentJSON("no rules\n", ""))
	h.mustCollect(f, everything(), onlyFiles)
	if got := len(h.keys(github.KindFileRevision)); got != 3 || len(h.gaps) != 0 {
		t.Fatalf("%d revisions, gaps %+v", got, h.gaps)
	}
	newest, before := h.records[github.KindFileRevision+" 11/policies/ai.md/"+sha("p3")], h.records[github.KindFileRevision+" 11/policies/ai.md/"+sha("p2")]
	if newest.EventTime.Before(before.EventTime) {
		t.Errorf("the newest revision is of %v, the one before of %v", newest.EventTime, before.EventTime)
	}
}

// Where no files are named, nothing is said of them.
func TestNoFilesNamed(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	cov := h.mustCollect(f, obj{"organization": "acme"}, onlyFiles)
	if c := cov[github.KindFileRevision]; c.Status != connector.NotRead {
		t.Errorf("coverage %+v", c)
	}
}

// Other globs make an unchanged tree worth reading.
func TestGlobsChange(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	h.mustCollect(f, everything("file_globs", []any{"nothing/*"}), onlyFiles)
	if len(h.keys(github.KindFileRevision)) != 0 {
		t.Error("a file that was not chosen was read")
	}
	h.mustCollect(f, everything(), onlyFiles)
	if len(h.keys(github.KindFileRevision)) != 2 {
		t.Errorf("revisions %q", h.keys(github.KindFileRevision))
	}
}

// The revision in force when the period begins is evidence too.
func TestRevisionBeforeThePeriod(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	f.set(policyCommits, []any{commitJSON("p2", "2025-06-01T00:00:00Z", "p1"), commitJSON("p1", "2025-05-01T00:00:00Z")})
	h.mustCollect(f, everything(), onlyFiles)
	if d := cmp.Diff([]string{"11/policies/ai.md/" + sha("p2")}, h.keys(github.KindFileRevision)); d != "" {
		t.Error(d)
	}
}

func TestLargeFile(t *testing.T) {
	f, h := newFake(t), newHost(t)
	organisation(f)
	text := strings.Repeat("policy\n", 200_000)
	blob := "0123456789012345678901234567890123456789"
	f.set(policyCommits, []any{commitJSON("p2", day(6))},
		policyAt+sha("p2"), obj{"type": "file", "encoding": "none", "content": "", "sha": blob, "size": len(text)},
		"/repos/acme/app/git/blobs/"+blob, obj{"encoding": "base64", "content": base64.StdEncoding.EncodeToString([]byte(text))})
	cov := h.mustCollect(f, everything(), onlyFiles)
	if cov[github.KindFileRevision].Status != connector.Partial || h.gaps[0].Reason != connector.Malformed {
		t.Errorf("a content that does not have its id was taken: %+v", h.gaps)
	}
	real := gitBlob(text)
	f.set(policyAt+sha("p2"), obj{"type": "file", "encoding": "none", "content": "", "sha": real, "size": len(text)},
		"/repos/acme/app/git/blobs/"+real, obj{"encoding": "base64", "content": base64.StdEncoding.EncodeToString([]byte(text))})
	h.mustCollect(f, everything(), onlyFiles)
	if got := h.payloads(github.KindFileRevision)["11/policies/ai.md/"+sha("p2")]["size"]; got != float64(len(text)) {
		t.Errorf("size %v, gaps %+v", got, h.gaps)
	}
}

func TestHostileTrees(t *testing.T) {
	for _, tc := range []struct {
		name   string
		tree   obj
		reason connector.Reason
	}{
		{"names that no path has", tree("policies/../../user.md", "policies/a\u0000b.md", "policies//x.md"), connector.Malformed},
		{"cut short", obj{"sha": sha("t"), "truncated": true, "tree": []any{}}, connector.Truncated},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, h := newFake(t), newHost(t)
			organisation(f)
			f.set(treePath, tc.tree)
			f.took()
			cov := h.mustCollect(f, everything(), onlyFiles)
			if len(h.gaps) != 1 || h.gaps[0].Reason != tc.reason || cov[github.KindFileRevision].Status != connector.Partial {
				t.Errorf("gaps %+v, coverage %+v", h.gaps, cov[github.KindFileRevision])
			}
			if h.mustCollect(f, everything(), onlyFiles); len(h.gaps) != 1 {
				t.Errorf("the second run is silent: %+v", h.gaps)
			}
			for _, a := range f.took() {
				if strings.HasPrefix(a, "/user.md") || strings.Contains(a, "..") {
					t.Errorf("asked for %q", a)
				}
			}
		})
	}
}

func TestFrontMatter(t *testing.T) {
	bomb := "---\na: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b]\ntitle: T\n---\n"
	for _, tc := range []struct {
		name, text string
		want       any
	}{
		{"none", "# Policy\n", nil},
		{"not closed", "---\ntitle: T\n", nil},
		{"not a mapping", "---\n- a\n- b\n---\n", nil},
		{"broken", "---\ntitle: [\n---\n", nil},
		{"values as written", "---\nversion: 1.10\nreview_due: 2026-10-01\napproved: true\nn: 1e400\nnothing: null\nnested: {a: b}\n---\n",
			map[string]any{"version": "1.10", "review_due": "2026-10-01", "approved": "true", "n": "1e400"}},
		{"windows lines", "---\r\ntitle: T\r\n---\r\n", map[string]any{"title": "T"}},
		{"aliases are not followed", bomb, map[string]any{"c": []any{}, "title": "T"}},
		{"too long", "---\ntitle: T\n" + strings.Repeat("x: y\n", 5000) + "---\n", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f, h := newFake(t), newHost(t)
			organisation(f)
			f.set(policyCommits, []any{commitJSON("p2", day(6))}, policyAt+sha("p2"), contentJSON(tc.text, ""))
			h.mustCollect(f, everything(), onlyFiles)
			got := h.payloads(github.KindFileRevision)["11/policies/ai.md/"+sha("p2")]["front_matter"]
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}
