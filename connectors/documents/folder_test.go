package documents

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// testFolder is a plain folder that a test writes to.
type testFolder struct {
	t   *testing.T
	dir string
}

func newTestFolder(t *testing.T) *testFolder { return &testFolder{t: t, dir: t.TempDir()} }

func (f *testFolder) write(name, content string) string {
	f.t.Helper()
	p := filepath.Join(f.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
		f.t.Fatal(err)
	}
	return p
}

func (f *testFolder) settings() map[string]any {
	return map[string]any{
		"folder": f.dir, "name": "policies",
		"documents": []any{map[string]any{"glob": "policies/**/*.md", "required_sections": []string{"Purpose"}}},
	}
}

// seenAt returns when each content came into force, by document and digest.
func seenAt(t *testing.T, rec *connectortest.Recorder) map[string]time.Time {
	t.Helper()
	m := map[string]time.Time{}
	for _, x := range rec.Records() {
		m[x.Subject.ID+" "+connectortest.Payload(t, x)["sha256"].(string)[:8]] = x.EventTime
	}
	return m
}

// age makes what is remembered an hour older, so that a test need not wait.
func age(rec *connectortest.Recorder) {
	for name, v := range rec.Cursors() {
		if strings.HasPrefix(name, memoryFiles) {
			m := parseMemory(map[string]string{name: v})
			for p, s := range m {
				m[p] = sighting{sum: s.sum, since: s.since.Add(-time.Hour)}
			}
			for n, v := range m.cursors(nil) {
				_ = rec.Cursor(n, v) // the recorder takes anything
			}
		}
	}
}

func TestFolder(t *testing.T) {
	f := newTestFolder(t)
	p := f.write("policies/ai.md", policyV1)
	f.write("other/readme.md", "not wanted")
	old := time.Now().AddDate(-3, 0, 0)
	if err := os.Chtimes(p, old, old); err != nil {
		t.Fatal(err)
	}
	rec, cov := run(t, f.settings(), nil)
	if len(rec.Records()) != 1 || len(rec.Gaps()) != 0 {
		t.Fatalf("records %v, gaps %v", rec.Records(), rec.Gaps())
	}
	x := rec.Records()[0]
	m := connectortest.Payload(t, x)
	if time.Since(x.EventTime) > time.Minute || m["modified_at"] != x.EventTime.Format(time.RFC3339Nano) {
		t.Errorf("what a file says of its own age counts: %v", x.EventTime)
	}
	if m["source_uri"] != "folder:policies:policies/ai.md" || m["modified_by"] != nil || m["sha256"] != sum(policyV1) {
		t.Errorf("payload %v", m)
	}
	if c := cov[records.KindDocumentRevision]; c.Status != connector.Complete || !c.Enumerated || !strings.Contains(c.Query, "folder policies") {
		t.Errorf("coverage %+v", c)
	}
}

// Touching a file, moving it, or reading it again renews nothing; changing it
// does, and so does bringing an old content back.
func TestFolderRemembers(t *testing.T) {
	f := newTestFolder(t)
	p := f.write("policies/ai.md", policyV1)
	f.write("policies/b.md", "b\n")
	first, _ := run(t, f.settings(), nil)
	age(first)
	want := map[string]time.Time{"ai-policy " + sum(policyV1)[:8]: first.Records()[0].EventTime.Add(-time.Hour), "policies/b.md " + sum("b\n")[:8]: first.Records()[0].EventTime.Add(-time.Hour)}
	now := time.Now()
	if err := os.Chtimes(p, now, now); err != nil {
		t.Fatal(err)
	}
	touched, _ := runWith(t, connector.Request{Full: true}, f.settings(), first) // which is handed its memory only
	if diff := cmp.Diff(want, seenAt(t, touched)); diff != "" {
		t.Errorf("touched:\n%s", diff)
	}
	if err := os.MkdirAll(filepath.Join(f.dir, "policies", "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(p, filepath.Join(f.dir, "policies", "sub", "policy.md")); err != nil {
		t.Fatal(err)
	}
	moved, _ := run(t, f.settings(), touched)
	if diff := cmp.Diff(want, seenAt(t, moved)); diff != "" {
		t.Errorf("moved:\n%s", diff)
	}
	f.write("policies/sub/policy.md", policyV2)
	changed, _ := run(t, f.settings(), moved)
	if at := seenAt(t, changed)["ai-policy "+sum(policyV2)[:8]]; time.Since(at) > time.Minute || len(changed.Records()) != 2 {
		t.Errorf("changed: %v", seenAt(t, changed))
	}
	age(changed)
	f.write("policies/sub/policy.md", policyV1)
	back, _ := run(t, f.settings(), changed)
	if at := seenAt(t, back)["ai-policy "+sum(policyV1)[:8]]; time.Since(at) > time.Minute {
		t.Errorf("an old content that came back is in force since %v", at)
	}
	if err := os.Remove(filepath.Join(f.dir, "policies", "b.md")); err != nil {
		t.Fatal(err)
	}
	gone, cov := run(t, f.settings(), back)
	if c := cov[records.KindDocumentRevision]; len(gone.Records()) != 1 || !c.Enumerated {
		t.Errorf("deleted: records %d, coverage %+v", len(gone.Records()), c)
	}
}

func TestFolderUnchanged(t *testing.T) {
	f := newTestFolder(t)
	f.write("policies/ai.md", policyV1)
	first, _ := run(t, f.settings(), nil)
	second, cov := run(t, f.settings(), first)
	if len(second.Records()) != 0 || second.Attested()[group] != 1 || !cov[records.KindDocumentRevision].Enumerated {
		t.Errorf("records %d, unchanged %v, coverage %+v", len(second.Records()), second.Attested(), cov)
	}
	if diff := cmp.Diff(first.Cursors(), second.Cursors()); diff != "" {
		t.Errorf("what is remembered changed:\n%s", diff)
	}
}

// What cannot be opened today is remembered for tomorrow.
func TestFolderHidesForAWhile(t *testing.T) {
	if os.Geteuid() == 0 { // root opens everything: take the file itself away
		m := memory{"a/x.md": {sum: "1", since: at(1, 1, 9)}, "b.md": {sum: "2", since: at(1, 2, 9)}}
		hidden := func(p string) bool { return strings.HasPrefix(p, "a/") }
		got := m.next(map[string]string{"b.md": "2"}, hidden, at(2, 1, 9))
		if !got["a/x.md"].since.Equal(at(1, 1, 9)) || !got["b.md"].since.Equal(at(1, 2, 9)) {
			t.Errorf("%v", got)
		}
		return
	}
	f := newTestFolder(t)
	p := f.write("policies/ai.md", policyV1)
	first, _ := run(t, f.settings(), nil)
	age(first)
	if err := os.Chmod(p, 0); err != nil {
		t.Fatal(err)
	}
	second, _ := run(t, f.settings(), first)
	if len(second.Gaps()) != 1 || second.Gaps()[0].Reason != connector.Denied || second.Gaps()[0].Permission != permRead {
		t.Errorf("gaps %v", second.Gaps())
	}
	if err := os.Chmod(p, 0o644); err != nil {
		t.Fatal(err)
	}
	third, _ := run(t, f.settings(), second)
	if len(third.Records()) != 1 || time.Since(third.Records()[0].EventTime) < 30*time.Minute {
		t.Errorf("records %v, gaps %v", third.Records(), third.Gaps())
	}
}

// A share that is not mounted today is an empty folder; tomorrow nothing in
// it is new. A clock that was wrong does not date anything in the future.
func TestFolderThatIsNotMounted(t *testing.T) {
	f := newTestFolder(t)
	f.write("policies/ai.md", policyV1)
	first, _ := run(t, f.settings(), nil)
	age(first)
	dir := f.dir
	f.dir = t.TempDir()
	empty := f.settings()
	empty["name"] = "policies"
	second, cov := run(t, empty, first)
	if len(second.Gaps()) != 1 || second.Gaps()[0].Reason != connector.NotFound || cov[records.KindDocumentRevision].Enumerated {
		t.Errorf("gaps %v, coverage %+v", second.Gaps(), cov[records.KindDocumentRevision])
	}
	f.dir = dir
	third, _ := run(t, f.settings(), second)
	if len(third.Records()) != 1 || time.Since(third.Records()[0].EventTime) < 30*time.Minute {
		t.Errorf("records %v, gaps %v", third.Records(), third.Gaps())
	}
	m := memory{"a": {sum: "1", since: at(6, 1, 9)}}
	if got := m.next(map[string]string{"a": "1"}, nil, at(5, 1, 9)); !got["a"].since.Equal(at(5, 1, 9)) {
		t.Errorf("seen in the future: %v", got)
	}
}

// A record cannot date its event after the file was first seen.
func TestRecordsOfAFolder(t *testing.T) {
	f := newTestFolder(t)
	today := time.Now().UTC().Format(time.DateOnly)
	f.write("records/today.yaml", goodAssessmentOf(today))
	f.write("records/later.yaml", strings.Replace(goodAssessmentOf(time.Now().UTC().AddDate(0, 0, 2).Format(time.DateOnly)), "RA-1", "RA-2", 1))
	s := map[string]any{"folder": f.dir, "records": []any{map[string]any{"glob": "records/*.yaml", "kinds": []string{"risk.assessment"}}}}
	rec, _ := run(t, s, nil)
	if len(rec.Records()) != 1 || rec.Records()[0].Key != "RA-1" || len(rec.Gaps()) != 1 || !strings.Contains(rec.Gaps()[0].Detail, "first seen") {
		t.Fatalf("records %v, gaps %v", rec.Records(), rec.Gaps())
	}
	m := connectortest.Payload(t, rec.Records()[0])
	if m["source_first_seen_at"] == nil || m["source_commit"] != nil {
		t.Errorf("payload %v", m)
	}
}

func TestMemoryIsSpread(t *testing.T) {
	m := memory{}
	for i := range 3000 {
		m["policies/"+strings.Repeat("x", 40)+letters(i)] = sighting{sum: sum(letters(i)), since: at(1, 1, 9)}
	}
	values := m.cursors(nil)
	if len(values) < 2 {
		t.Fatalf("%d values", len(values))
	}
	for name, v := range values {
		if len(v) > maxMemory || !strings.HasPrefix(name, connector.MemoryPrefix) {
			t.Errorf("%s: %d bytes", name, len(v))
		}
	}
	if diff := cmp.Diff(len(m), len(parseMemory(values))); diff != "" {
		t.Error(diff)
	}
	if again := m.cursors(values); len(again) != 0 {
		t.Errorf("unchanged, and %d values are stored again", len(again))
	}
	few := memory{"a": {sum: "1", since: at(1, 1, 9)}}
	if out := few.cursors(values); len(out) != len(values)+1 {
		t.Errorf("%d values are stored, want one, and each old one emptied", len(out))
	}
	if got := parseMemory(map[string]string{memoryFiles + "1/0": `{"a": "nonsense"}`, memoryFiles + "1/1": "{"}); len(got) != 0 {
		t.Errorf("nonsense is remembered: %v", got)
	}
}

func TestConformanceOfFolder(t *testing.T) {
	f := newTestFolder(t)
	f.write("policies/ai.md", policyV1)
	f.write("policies/form.md", "Owner: <who owns it>\n")
	f.write("records/risk.yaml", goodAssessment)
	f.write("registers/training.csv", "person,course,completed_at\nann,x,2026-01-01\nbo,x,soon\n")
	f.write("registers/nobody.csv", "")
	s := f.settings()
	s["records"] = []any{
		map[string]any{"glob": "records/*.yaml", "kinds": []string{"risk.assessment"}},
		map[string]any{"glob": "registers/*.csv", "kinds": []string{"training.completion"}},
		map[string]any{"glob": "incidents/*.yaml", "kinds": []string{"jira.incident"}},
	}
	conform(t, s)
}
