package documents

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

const policyV1 = "---\nid: ai-policy\ntitle: AI policy\nversion: 1.0\nowner: cto@example.com\n---\n# AI policy\n\n## 1. Purpose\n\n```\n## Scope\n```\n"
const policyV2 = "---\nid: ai-policy\ntitle: AI policy\nversion: 2.0\nowner: cto@example.com\n---\n# AI policy\n\n## 1. Purpose\n\nScope\n-----\n"

func sum(s string) string {
	d := sha256.Sum256([]byte(s))
	return hex.EncodeToString(d[:])
}

func documentSettings(r *testRepo) map[string]any {
	return map[string]any{
		"repository": r.dir, "name": "policies", "web_url": "https://git.example.com/p/blob/{commit}/{path}",
		"documents": []any{map[string]any{"glob": "policies/**/*.md", "required_sections": []string{"Purpose", "Scope"}, "classification": "internal"}},
	}
}

// seen is what a test compares of a revision.
type seen struct {
	Subject, SHA, At, Path, Version string
	Sections                        int
}

func revisionsSeen(t *testing.T, recs []connector.Record) []seen {
	t.Helper()
	var out []seen
	for _, r := range recs {
		m := connectortest.Payload(t, r)
		out = append(out, seen{
			Subject: r.Subject.Type + ":" + r.Subject.ID, SHA: m["sha256"].(string), At: r.EventTime.Format(time.RFC3339),
			Path: m["source_path"].(string), Version: strings.TrimSpace(strOf(m["version"])), Sections: len(m["required_sections_found"].([]any)),
		})
	}
	return out
}

func strOf(v any) string { s, _ := v.(string); return s }

func TestRevisionsOfADocument(t *testing.T) {
	r := newTestRepo(t)
	r.commit(at(1, 10, 9), map[string]string{"policies/ai.md": policyV1, "readme.md": "not wanted"})
	r.commit(at(2, 10, 9), map[string]string{"policies/ai.md": policyV2})
	r.commit(at(3, 10, 9), map[string]string{"policies/sub/ai-policy.md": policyV2}, "policies/ai.md")
	r.commit(at(4, 10, 9), map[string]string{"policies/gone.md": "# Gone\n"})
	r.commit(at(5, 10, 9), nil, "policies/gone.md")
	rec, cov := run(t, documentSettings(r), nil)

	want := []seen{
		{"document:ai-policy", sum(policyV1), "2026-01-10T09:00:00Z", "policies/ai.md", "1.0", 1},
		{"document:ai-policy", sum(policyV2), "2026-02-10T09:00:00Z", "policies/sub/ai-policy.md", "2.0", 2},
	}
	if diff := cmp.Diff(want, revisionsSeen(t, rec.Records())); diff != "" {
		t.Errorf("a rename must not renew, a deleted document must not appear (-want +got):\n%s", diff)
	}
	if c := cov[records.KindDocumentRevision]; c.Status != connector.Complete || !c.Enumerated || len(rec.Gaps()) != 0 {
		t.Errorf("coverage %+v, gaps %v", c, rec.Gaps())
	}
	first := rec.Records()[0]
	m := connectortest.Payload(t, first)
	if m["modified_by"] != "Carl Committer <carl@example.com>" || m["classification"] != "internal" || m["owner"] != "cto@example.com" {
		t.Errorf("payload %v", m)
	}
	if first.Key != "ai-policy@"+sum(policyV1) || !strings.HasPrefix(first.URL, "https://git.example.com/p/blob/"+m["source_commit"].(string)) {
		t.Errorf("key %q url %q", first.Key, first.URL)
	}
}

func TestOldContentComesBackIntoForce(t *testing.T) {
	r := newTestRepo(t)
	r.commit(at(1, 1, 9), map[string]string{"policies/a.md": "one\n"})
	r.commit(at(2, 1, 9), map[string]string{"policies/a.md": "two\n"})
	r.commit(at(3, 1, 9), map[string]string{"policies/a.md": "one\n"})
	rec, _ := run(t, documentSettings(r), nil)
	want := []seen{
		{"document:policies/a.md", sum("two\n"), "2026-02-01T09:00:00Z", "policies/a.md", "", 0},
		{"document:policies/a.md", sum("one\n"), "2026-03-01T09:00:00Z", "policies/a.md", "", 0},
	}
	if diff := cmp.Diff(want, revisionsSeen(t, rec.Records())); diff != "" {
		t.Error(diff)
	}
}

func TestUnchangedCostsNothing(t *testing.T) {
	r := newTestRepo(t)
	r.commit(at(1, 1, 9), map[string]string{"policies/a.md": "one\n", "policies/b.md": "b\n"})
	settings := documentSettings(r)
	first, _ := run(t, settings, nil)
	second, cov := run(t, settings, first)
	if len(second.Records()) != 0 || second.Attested()[group] != 2 || cov[records.KindDocumentRevision].Status != connector.Complete {
		t.Errorf("same head: records %d, unchanged %v, coverage %+v", len(second.Records()), second.Attested(), cov)
	}
	r.commit(at(1, 2, 9), map[string]string{"src/main.go": "package main\n"})
	third, _ := run(t, settings, second)
	if len(third.Records()) != 0 || third.Attested()[group] != 2 {
		t.Errorf("a commit elsewhere: records %d, unchanged %v", len(third.Records()), third.Attested())
	}
	r.commit(at(1, 3, 9), map[string]string{"policies/a.md": "two\n"})
	fourth, _ := run(t, settings, third)
	if len(fourth.Records()) != 3 || len(fourth.Attested()) != 0 {
		t.Errorf("a change: records %d, unchanged %v", len(fourth.Records()), fourth.Attested())
	}
	settings["documents"].([]any)[0].(map[string]any)["owner"] = "x"
	fifth, _ := run(t, settings, fourth)
	if len(fifth.Records()) != 3 {
		t.Errorf("other settings: records %d, want all of them again", len(fifth.Records()))
	}
}

func TestFirstParentOnly(t *testing.T) {
	r := newTestRepo(t)
	base := r.commit(at(1, 1, 9), map[string]string{"policies/a.md": "one\n"})
	r.commit(at(1, 5, 9), map[string]string{"policies/a.md": "draft on a side branch\n"})
	side, err := r.git.Head()
	if err != nil {
		t.Fatal(err)
	}
	final := r.commit(at(1, 6, 9), map[string]string{"policies/a.md": "merged\n"})
	c, err := r.git.CommitObject(final)
	if err != nil {
		t.Fatal(err)
	}
	c.ParentHashes = []plumbing.Hash{base, side.Hash()} // as a merge of the side branch
	merge := r.store(c)
	if err := r.git.Storer.SetReference(plumbing.NewHashReference("refs/heads/main", merge)); err != nil {
		t.Fatal(err)
	}
	rec, _ := run(t, documentSettings(r), nil)
	var shas []string
	for _, s := range revisionsSeen(t, rec.Records()) {
		shas = append(shas, s.SHA)
	}
	if diff := cmp.Diff([]string{sum("one\n"), sum("merged\n")}, shas); diff != "" {
		t.Error(diff)
	}
}

func TestSinceKeepsWhatIsInForce(t *testing.T) {
	r := newTestRepo(t)
	r.commit(at(1, 1, 9), map[string]string{"policies/old.md": "old, in force\n", "policies/a.md": "one\n"})
	r.commit(at(2, 1, 9), map[string]string{"policies/a.md": "two\n"})
	r.commit(at(6, 1, 9), map[string]string{"policies/a.md": "three\n"})
	s := documentSettings(r)
	s["since"] = "2026-05-01"
	rec, cov := run(t, s, nil)
	var got []string
	for _, s := range revisionsSeen(t, rec.Records()) {
		got = append(got, s.At+" "+s.Path)
	}
	want := []string{"2026-01-01T09:00:00Z policies/old.md", "2026-06-01T09:00:00Z policies/a.md"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if c := cov[records.KindDocumentRevision]; !c.Since.Equal(at(5, 1, 0)) || c.Status != connector.Complete {
		t.Errorf("coverage %+v", c)
	}
}

func TestHostileTree(t *testing.T) {
	r := newTestRepo(t)
	r.commit(at(1, 1, 9), map[string]string{"policies/ok.md": "ok\n"})
	tree := r.store(treeOf(
		r.blob("bell\a.md", filemode.Regular, "x"),
		r.blob("big.md", filemode.Regular, strings.Repeat("x", 2000)),
		r.blob("bad.md", filemode.Regular, "---\nid: [unclosed\n---\n"),
		r.blob("link.md", filemode.Symlink, "/etc/passwd"),
		r.blob("ok.md", filemode.Regular, "ok\n"),
		r.blob("twin-1.md", filemode.Regular, "---\nid: twin\n---\n1"),
		r.blob("twin-2.md", filemode.Regular, "---\nid: twin\n---\n2"),
	))
	sub := r.blob("vendor", filemode.Submodule, "")
	e := r.blob("policies", filemode.Dir, "")
	e.Hash = tree
	up := r.blob("..", filemode.Regular, "x")
	r.commitTree(at(1, 2, 9), up, e, sub)
	s := documentSettings(r)
	s["max_file_bytes"] = 1000
	s["documents"] = append(s["documents"].([]any), map[string]any{"glob": "vendor/**"})
	rec, cov := run(t, s, nil)
	got := map[string]connector.Reason{}
	for _, g := range rec.Gaps() {
		got[g.Scope] = g.Reason
	}
	want := map[string]connector.Reason{
		"policies/bell\uFFFD.md":                 connector.Unsupported,
		"policies/big.md":                        connector.Truncated,
		"policies/bad.md":                        connector.Malformed,
		"policies/link.md":                       connector.Unsupported,
		"vendor":                                 connector.Unsupported,
		"policies/twin-1.md, policies/twin-2.md": connector.Malformed,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(rec.Records()) != 1 || rec.Records()[0].Subject.ID != "policies/ok.md" {
		t.Errorf("records %v", rec.Records())
	}
	if c := cov[records.KindDocumentRevision]; c.Status != connector.Partial || c.Enumerated {
		t.Errorf("coverage %+v", c)
	}
	again, _ := run(t, s, rec)
	if diff := cmp.Diff(rec.Gaps(), again.Gaps()); diff != "" || again.Attested()[group] != 1 || len(again.Records()) != 0 {
		t.Errorf("what cannot be understood is said again, though nothing is read: unchanged %v, gaps:\n%s", again.Attested(), diff)
	}
}

func TestDatesThatCannotBe(t *testing.T) {
	r := newTestRepo(t)
	r.commit(at(6, 1, 9), map[string]string{"policies/a.md": "one\n"})
	r.commit(at(1, 1, 9), map[string]string{"policies/a.md": "back-dated\n"})
	r.commit(time.Now().AddDate(1, 0, 0), map[string]string{"policies/b.md": "from tomorrow\n"})
	rec, cov := run(t, documentSettings(r), nil)
	for _, x := range rec.Records() {
		m := connectortest.Payload(t, x)
		if suspicious := m["out_of_order"] == true; suspicious != (m["sha256"] == sum("back-dated\n")) {
			t.Errorf("out_of_order of %v", m)
		}
	}
	if len(rec.Validators()) != 0 {
		t.Error("a date in the future passes, and the run would not look again")
	}
	if len(rec.Records()) != 2 || len(rec.Gaps()) != 1 || rec.Gaps()[0].Reason != connector.Malformed || cov[records.KindDocumentRevision].Status != connector.Partial {
		t.Errorf("records %d, gaps %v", len(rec.Records()), rec.Gaps())
	}
}

func TestRewrittenHistoryIsNoticed(t *testing.T) {
	r := newTestRepo(t)
	base := r.commit(at(1, 1, 9), map[string]string{"policies/a.md": "one\n"})
	r.commit(at(2, 1, 9), map[string]string{"policies/a.md": "two\n"})
	first, _ := run(t, documentSettings(r), nil)
	if err := r.git.Storer.SetReference(plumbing.NewHashReference("refs/heads/main", base)); err != nil {
		t.Fatal(err)
	}
	second, cov := run(t, documentSettings(r), first)
	if len(second.Gaps()) != 1 || second.Gaps()[0].Reason != connector.Hidden || cov[records.KindDocumentRevision].Status != connector.Partial {
		t.Errorf("gaps %v, coverage %+v", second.Gaps(), cov[records.KindDocumentRevision])
	}
	third, cov := run(t, documentSettings(r), second)
	if len(third.Gaps()) != 0 || cov[records.KindDocumentRevision].Status != connector.Complete {
		t.Errorf("it is told once: gaps %v", third.Gaps())
	}
}

func TestHistoryCutShort(t *testing.T) {
	r := newTestRepo(t)
	r.commit(at(1, 1, 9), map[string]string{"policies/a.md": "one\n"})
	second := r.commit(at(2, 1, 9), map[string]string{"policies/b.md": "b\n"})
	r.commit(at(3, 1, 9), map[string]string{"policies/b.md": "bb\n"})
	s := documentSettings(r)
	s["max_commits"] = 1
	rec, cov := run(t, s, nil)
	if len(rec.Records()) != 1 || len(rec.Gaps()) != 1 || rec.Gaps()[0].Reason != connector.Truncated || cov[records.KindDocumentRevision].Status != connector.Partial {
		t.Errorf("max_commits: records %d, gaps %v", len(rec.Records()), rec.Gaps())
	}
	c, err := r.git.CommitObject(second)
	if err != nil {
		t.Fatal(err)
	}
	parent := c.ParentHashes[0].String()
	if err := os.Remove(filepath.Join(r.dir, ".git", "objects", parent[:2], parent[2:])); err != nil {
		t.Fatal(err)
	}
	rec, _ = run(t, documentSettings(r), nil)
	if len(rec.Gaps()) != 1 || rec.Gaps()[0].Reason != connector.Truncated || !strings.Contains(rec.Gaps()[0].Detail, "shallow") {
		t.Errorf("shallow clone: gaps %v", rec.Gaps())
	}
}
