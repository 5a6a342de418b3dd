package assess_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/fixture"
)

// blindDay is the instant that the cases below are assessed at.
func blindDay() time.Time { return time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC) }

// blindRun is a run of the only source: when it ended, and what it could not
// see. A kind with a gap was read in part, every other one wholly.
type blindRun struct {
	ago  time.Duration
	gaps []evidence.Gap
}

func gap(scope, reason string, kinds ...string) evidence.Gap {
	return evidence.Gap{Kinds: kinds, Scope: scope, Reason: reason}
}

// blindWorld has two systems with a repository each, and one that is bound to
// both a third repository and the first. All changes are reviewed but one.
func blindWorld() []fixture.Item {
	system := func(id string, repos ...string) fixture.Item {
		var list []any
		for _, r := range repos {
			list = append(list, map[string]any{"name": r, "ai_paths": []any{"ai/**"}, "production_branch": "main"})
		}
		return fixture.Item{Kind: "inventory.ai_system", Subject: "ai_system/" + id,
			Payload: map[string]any{"system_id": id, "in_scope": true, "repositories": list}}
	}
	change := func(repo string, n int) fixture.Item {
		return fixture.Item{Kind: "github.pull_request", Subject: fmt.Sprintf("change/%s#%d", repo, n),
			Payload: map[string]any{"repo": repo, "number": n, "author": "bob", "head_sha": "h", "base_ref": "main",
				"files": []any{"ai/x"}, "merged_at": "2026-10-02T10:00:00Z"}}
	}
	review := func(repo string, n int) fixture.Item {
		return fixture.Item{Kind: "github.pull_request_review", Subject: fmt.Sprintf("change/%s#%d", repo, n), Key: fmt.Sprint("r-", repo, n),
			Payload: map[string]any{"repo": repo, "pr_number": n, "review_id": n, "reviewer": "cid", "state": "APPROVED", "commit_id": "h",
				"submitted_at": "2026-10-02T09:00:00Z"}}
	}
	return []fixture.Item{
		system("one", "acme/a"), system("two", "acme/b"), system("three", "acme/a-b", "acme/c", "acme/A"),
		change("acme/a", 1), review("acme/a", 1), change("acme/b", 2), change("acme/a-b", 3), review("acme/a-b", 3),
	}
}

// assessBlind assesses a world after runs of its only source.
func assessBlind(t *testing.T, items []fixture.Item, runs ...blindRun) *assess.Assessment {
	t.Helper()
	eng, cat := shipped(t), loadCatalog(t)
	s := eng.NewState()
	for i, r := range runs {
		s.ApplyRun(namedRun(eng, fmt.Sprint("run-", i+1), r))
	}
	for i, it := range items {
		if it.Key == "" {
			_, it.Key, _ = strings.Cut(it.Subject, "/")
		}
		e, err := fixture.Seal(cat, i, it, blindDay().Add(-90*24*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	a, err := s.At(blindDay(), assess.Checkpoint{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func namedRun(eng *assess.Engine, id string, r blindRun) evidence.Run {
	at := blindDay().Add(-r.ago)
	run := evidence.Run{ID: id, StartedAt: at.Add(-time.Minute), FinishedAt: at, Status: evidence.RunComplete,
		Provenance: evidence.Provenance{Source: "s", Identity: "reader", Method: "api"}, Kinds: map[string]evidence.KindRead{}, Gaps: r.gaps}
	for _, k := range eng.Kinds() {
		read := evidence.KindRead{Coverage: "complete", Enumerated: true, IndependentCount: -1}
		for _, g := range r.gaps {
			if slices.Contains(g.Kinds, k) {
				read.Coverage, run.Status = "partial", evidence.RunPartial
			}
		}
		run.Kinds[k] = read
	}
	return run
}

// statuses gives "status: reason" by subject, cut to the length that the case
// asks for.
func statuses(a *assess.Assessment, slug string, want map[string]string) map[string]string {
	out := map[string]string{}
	for _, r := range a.Results {
		if r.Expectation != slug {
			continue
		}
		got := string(r.Status) + ": " + r.Reason
		if w, ok := want[r.Subject.ID]; ok && strings.HasPrefix(got, w) {
			got = w
		}
		out[r.Subject.ID] = got
	}
	return out
}

func statementOf(a *assess.Assessment, slug string) string {
	for _, p := range a.Populations {
		if p.Expectation == slug {
			return p.Statement
		}
	}
	return ""
}

func TestBlindParts(t *testing.T) {
	const pr, review, push = "github.pull_request", "github.pull_request_review", "github.push"
	const reviewed = "release-change-approved"
	seen := map[string]string{"acme/a#1": "satisfied", "acme/b#2": "missing: nobody reviewed", "acme/a-b#3": "satisfied"}
	but := func(more map[string]string) map[string]string {
		out := maps.Clone(seen)
		maps.Copy(out, more)
		return out
	}
	day := 24 * time.Hour
	now := blindRun{ago: time.Hour}
	cases := []struct {
		name       string
		runs       []blindRun
		slug       string
		want       map[string]string
		notCovered string
	}{
		{"all was read", []blindRun{now}, reviewed, seen, ""},
		{"a repository never read", []blindRun{{time.Hour, []evidence.Gap{gap("acme/a", "denied", pr, review, push)}}}, reviewed,
			but(map[string]string{"acme/a#1": "not_assessed: s could not read"}), "acme/a (denied)"},
		{"a repository read too long ago", []blindRun{{ago: 2*day + time.Second}, {time.Hour, []evidence.Gap{gap("acme/a", "denied", pr, review, push)}}},
			reviewed, but(map[string]string{"acme/a#1": "stale: collection_gap: s could not read"}), "acme/a (denied)"},
		{"a repository read exactly at the age", []blindRun{{ago: 2 * day}, {time.Hour, []evidence.Gap{gap("acme/a", "denied", pr, review, push)}}},
			reviewed, seen, ""},
		{"a repository read again", []blindRun{{2 * time.Hour, []evidence.Gap{gap("acme/a", "denied", pr, review, push)}}, now}, reviewed, seen, ""},
		{"a repository of which nothing was ever read", []blindRun{{time.Hour, []evidence.Gap{gap("acme/c", "denied", pr, review, push)}}}, reviewed,
			but(map[string]string{"acme/c": "not_assessed: s could not read github.pull_request of acme/c (denied)"}), "acme/c (denied)"},
		{"a repository that no system is bound to", []blindRun{{time.Hour, []evidence.Gap{gap("acme/web", "denied", pr, review, push)}}}, reviewed, seen, ""},
		{"only the reviews of a repository", []blindRun{{time.Hour, []evidence.Gap{gap("acme/b", "denied", review)}}}, reviewed,
			but(map[string]string{"acme/b#2": "not_assessed: s could not read github.pull_request_review of acme/b"}), ""},
		{"the worse of two kinds", []blindRun{{3 * day, []evidence.Gap{gap("acme/b", "denied", review)}}, {time.Hour, []evidence.Gap{gap("acme/b", "denied", pr, review)}}},
			reviewed, but(map[string]string{"acme/b#2": "not_assessed: s could not read github.pull_request_review"}), "acme/b (denied)"},
		{"one change that was malformed", []blindRun{{time.Hour, []evidence.Gap{gap("record acme/b#2", "malformed", pr)}}}, reviewed,
			but(map[string]string{"acme/b#2": "not_assessed: s could not read github.pull_request of record acme/b#2 (malformed)"}), "record acme/b#2 (malformed)"},
		{"a malformed change never seen before", []blindRun{{time.Hour, []evidence.Gap{gap("record acme/b#22", "malformed", pr)}}}, reviewed,
			but(map[string]string{"acme/b#22": "not_assessed: s could not read"}), "record acme/b#22 (malformed)"},
		{"a malformed change of no system", []blindRun{{time.Hour, []evidence.Gap{gap("record acme/web#22", "malformed", pr)}}}, reviewed, seen, ""},
		{"a malformed review may be the one that is missing", []blindRun{{time.Hour, []evidence.Gap{gap("record 991", "malformed", review)}}}, reviewed,
			but(map[string]string{"acme/b#2": "not_assessed: s could not read github.pull_request_review of record 991 (malformed)"}), ""},
		{"no part named", []blindRun{{time.Hour, []evidence.Gap{gap("run", "unavailable", review)}}}, reviewed,
			map[string]string{"acme/a#1": "not_assessed: no complete reading", "acme/b#2": "not_assessed: no complete reading", "acme/a-b#3": "not_assessed: no complete reading"}, ""},
		{"a permission is no part", []blindRun{{ago: 3 * day}, {time.Hour, []evidence.Gap{gap("permission pulls", "denied", review)}}}, reviewed,
			map[string]string{"acme/a#1": "stale: collection_gap: s last read", "acme/b#2": "stale: collection_gap: s last read", "acme/a-b#3": "stale: collection_gap: s last read"}, ""},
		{"a part named beside one that is not", []blindRun{{time.Hour, []evidence.Gap{gap("acme/a", "denied", review), gap("", "unavailable", review)}}}, reviewed,
			map[string]string{"acme/a#1": "not_assessed: no complete reading", "acme/b#2": "not_assessed: no complete reading", "acme/a-b#3": "not_assessed: no complete reading"}, ""},
	}
	for _, c := range cases {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			a := assessBlind(t, blindWorld(), c.runs...)
			if diff := cmp.Diff(c.want, statuses(a, c.slug, c.want)); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
			checkNotCovered(t, a, c.slug, c.notCovered)
		})
	}
}

func checkNotCovered(t *testing.T, a *assess.Assessment, slug, want string) {
	t.Helper()
	statement := statementOf(a, slug)
	_, got, said := strings.Cut(statement[strings.LastIndex(statement, "Items excluded: ")+1:], "Not covered: ")
	if strings.Contains(statement, "Items excluded: ") && (said != (want != "") || said && got != want+".") {
		t.Errorf("statement %q, want it to say as not covered: %q", statementOf(a, slug), want)
	}
	for _, p := range a.Populations {
		if p.Expectation == slug && want != "" && p.Complete {
			t.Errorf("%s claims a complete population", slug)
		}
	}
}

// TestBlindProject: what is not found may lie in a project that nobody showed.
func TestBlindProject(t *testing.T) {
	items := []fixture.Item{
		{Kind: "nonconformity.record", Subject: "nonconformity/NC-1",
			Payload: map[string]any{"nc_id": "NC-1", "raised_at": "2026-08-01", "correction": "c", "cause": "d", "similar_check": "e", "status": "open"}},
		{Kind: "corrective_action.record", Subject: "nonconformity/NC-1", Key: "CA-1",
			Payload: map[string]any{"action_id": "CA-1", "nc_id": "NC-1", "owner": "bob", "due": "2026-12-01"}},
		{Kind: "nonconformity.record", Subject: "nonconformity/NC-2", Payload: map[string]any{"nc_id": "NC-2", "raised_at": "2026-08-01", "status": "open"}},
		{Kind: "waiver.record", Subject: "record/W1", Payload: map[string]any{"waiver_id": "W1", "expectation_slug": "nonconformity-handled",
			"subject": map[string]any{"type": "*", "id": "*"}, "requested_by": "bob", "approved_by": "ann", "approved_at": "2026-10-05", "expires_at": "2026-12-01",
			"reason": "r", "compensating_controls": "c"}},
	}
	hidden := func(kind string) blindRun {
		return blindRun{time.Hour, []evidence.Gap{gap("project QUIET", "hidden", kind)}}
	}
	cases := []struct {
		name, slug string
		runs       []blindRun
		want       map[string]string
		notCovered string
	}{
		{"all was seen, and a waiver covers what is missing", "nonconformity-handled", []blindRun{{ago: time.Hour}},
			map[string]string{"NC-1": "satisfied", "NC-2": "waived"}, ""},
		{"evidence may lie there, and no waiver covers that", "nonconformity-handled", []blindRun{hidden("corrective_action.record")},
			map[string]string{"NC-1": "satisfied", "NC-2": "not_assessed: s could not read corrective_action.record of project QUIET (hidden)"}, ""},
		{"subjects may lie there", "nonconformity-handled", []blindRun{hidden("nonconformity.record")},
			map[string]string{"NC-1": "satisfied", "NC-2": "waived", "QUIET": "not_assessed: s could not read nonconformity.record of project QUIET"},
			"project QUIET (hidden)"},
		{"seen before, and no waiver covers that it is not now", "nonconformity-handled", []blindRun{{ago: 72 * time.Hour}, hidden("nonconformity.record")},
			map[string]string{"NC-1": "satisfied", "NC-2": "waived", "QUIET": "stale: collection_gap: s could not read"}, "project QUIET (hidden)"},
		{"seen a day ago", "nonconformity-handled", []blindRun{{ago: 24 * time.Hour}, hidden("nonconformity.record")},
			map[string]string{"NC-1": "satisfied", "NC-2": "waived"}, ""},
		{"nothing else is read from there", "nonconformity-handled", []blindRun{hidden("jira.incident")},
			map[string]string{"NC-1": "satisfied", "NC-2": "waived"}, ""},
		{"every waiver is not every waiver", "waivers-valid",
			[]blindRun{{time.Hour, []evidence.Gap{gap("waivers/late.yaml", "malformed", "waiver.record")}}},
			map[string]string{"organization": "not_assessed: s could not read waiver.record of waivers/late.yaml (malformed)"}, ""},
	}
	for _, c := range cases {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			a := assessBlind(t, items, c.runs...)
			if diff := cmp.Diff(c.want, statuses(a, c.slug, c.want)); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
			checkNotCovered(t, a, c.slug, c.notCovered)
		})
	}
}

// TestBlindNothing: no waiver was seen, but one file could not be read.
func TestBlindNothing(t *testing.T) {
	blind := blindRun{time.Hour, []evidence.Gap{gap("waivers/late.yaml", "malformed", "waiver.record")}}
	for _, c := range []struct {
		runs []blindRun
		want string
	}{
		{[]blindRun{{ago: time.Hour}}, "not_applicable: nothing to apply to"},
		{[]blindRun{blind}, "not_assessed: s could not read waiver.record of waivers/late.yaml (malformed)"},
		{[]blindRun{{ago: 72 * time.Hour}, blind}, "stale: collection_gap: s could not read"},
	} {
		want := map[string]string{"organization": c.want}
		if diff := cmp.Diff(want, statuses(assessBlind(t, nil, c.runs...), "waivers-valid", want)); diff != "" {
			t.Errorf("results (-want +got):\n%s", diff)
		}
	}
}

// TestBlindFile: the path of a file that could not be read looks like the name
// of a repository and is none: what it holds may be about any system.
func TestBlindFile(t *testing.T) {
	items := []fixture.Item{
		{Kind: "inventory.ai_system", Subject: "ai_system/one", Payload: map[string]any{"system_id": "one"}},
		{Kind: "inventory.ai_system", Subject: "ai_system/two", Payload: map[string]any{"system_id": "two"}},
		{Kind: "risk.assessment", Subject: "ai_system/two", Key: "R-2", Payload: map[string]any{"assessment_id": "R-2", "system_id": "two",
			"risks": []any{map[string]any{"id": "x"}}, "assessor": "bob", "approved_by": "cid", "approved_at": "2026-06-01"}},
	}
	a := assessBlind(t, items, blindRun{time.Hour, []evidence.Gap{gap("records/risk.yaml", "malformed", "risk.assessment")}})
	want := map[string]string{"one": "not_assessed: s could not read risk.assessment of records/risk.yaml (malformed)", "two": "satisfied"}
	if diff := cmp.Diff(want, statuses(a, "risk-assessment-per-system", want)); diff != "" {
		t.Errorf("a file of the evidence (-want +got):\n%s", diff)
	}
	a = assessBlind(t, items, blindRun{time.Hour, []evidence.Gap{gap("records/systems.yaml", "malformed", "inventory.ai_system")}})
	want = map[string]string{"one": "missing", "two": "satisfied", "records/systems.yaml": "not_assessed: s could not read inventory.ai_system"}
	if diff := cmp.Diff(want, statuses(a, "risk-assessment-per-system", want)); diff != "" {
		t.Errorf("a file of the register (-want +got):\n%s", diff)
	}
	checkNotCovered(t, a, "risk-assessment-per-system", "records/systems.yaml (malformed)")
}

// TestBlindSince: a part that was seen a while ago, though recently enough,
// shows nothing about what happened since.
func TestBlindSince(t *testing.T) {
	items := append(blindWorld(), fixture.Item{Kind: "github.pull_request", Subject: "change/acme/b#9",
		Payload: map[string]any{"repo": "acme/b", "number": 9, "author": "bob", "head_sha": "h", "base_ref": "main",
			"files": []any{"ai/x"}, "merged_at": "2026-10-31T12:00:00Z"}})
	denied := blindRun{time.Hour, []evidence.Gap{gap("acme/b", "denied", "github.pull_request_review")}}
	for _, c := range []struct {
		name string
		ago  time.Duration
		want string
	}{
		{"merged a second after its reviews were seen last", 12*time.Hour + time.Second, "stale: collection_gap: s could not read github.pull_request_review of acme/b (denied), last seen"},
		{"merged at the second at which they were seen last", 12 * time.Hour, "missing: nobody reviewed"},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			want := map[string]string{"acme/a#1": "satisfied", "acme/b#2": "missing: nobody reviewed", "acme/a-b#3": "satisfied", "acme/b#9": c.want}
			a := assessBlind(t, items, blindRun{ago: c.ago}, denied)
			if diff := cmp.Diff(want, statuses(a, "release-change-approved", want)); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBlindAgainst: what was found stays found, though a part that was not seen
// might hold more of it; what might clear it is another matter.
func TestBlindAgainst(t *testing.T) {
	world := func(more ...fixture.Item) []fixture.Item {
		return append(more, fixture.Item{Kind: "inventory.ai_system", Subject: "ai_system/one", Payload: map[string]any{"system_id": "one", "in_scope": true}},
			fixture.Item{Kind: "shadow_ai.scan_run", Subject: "organization/organization", Key: "scan",
				Payload: map[string]any{"run_id": "r", "finished_at": "2026-10-31T20:00:00Z", "coverage_pct": 100, "denominator": 4}})
	}
	stray := fixture.Item{Kind: "cloud.ai_resource_inventory", Subject: "organization/organization", Key: "stray",
		Payload: map[string]any{"provider": "aws", "resource_id": "stray", "resource_type": "endpoint", "created_at": "2026-01-01T00:00:00Z"}}
	code, cases := gap("acme/hidden", "denied", "code.ai_usage"), gap("cases", "malformed", "shadow_ai.finding")
	for name, c := range map[string]struct {
		items []fixture.Item
		gap   evidence.Gap
		want  assess.Status
		says  string
	}{
		"found, and more may be hidden":    {world(stray), code, assess.StatusFailing, "not all was seen"},
		"nothing found, but may be hidden": {world(), code, assess.StatusNotAssessed, "acme/hidden"},
		"found, but may be decided on":     {world(stray), cases, assess.StatusNotAssessed, "cases"},
	} {
		a := assessBlind(t, c.items, blindRun{ago: time.Hour, gaps: []evidence.Gap{c.gap}})
		for _, r := range a.Results {
			if r.Expectation == "ai-system-inventory-complete" && (r.Status != c.want || !strings.Contains(r.Reason, c.says)) {
				t.Errorf("%s: %s: %s, want %s, %q", name, r.Status, r.Reason, c.want, c.says)
			}
		}
	}
}
