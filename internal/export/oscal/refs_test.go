package oscal_test

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/oscal"
	"github.com/exhibit-aims/exhibit/internal/finding"
)

// walk visits every value of a document with its path, list positions left out.
func walk(v any, path string, visit func(path string, v any)) {
	visit(path, v)
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			walk(x, path+"/"+k, visit)
		}
	case []any:
		for _, x := range v {
			walk(x, path, visit)
		}
	}
}

// defined are the names that a document gives to things.
type defined struct {
	uuids map[string]string // to the path of what has it
	ids   map[string]string // of controls, groups and parts
	again []string          // names that are given twice
}

func define(doc map[string]any) defined {
	d := defined{map[string]string{}, map[string]string{}, nil}
	walk(doc, "", func(path string, v any) {
		m, ok := v.(map[string]any)
		if !ok {
			return
		}
		if id, ok := m["uuid"].(string); ok {
			if d.uuids[id] != "" {
				d.again = append(d.again, path+" "+id)
			}
			d.uuids[id] = path
		}
		if id, ok := m["id"].(string); ok && strings.HasPrefix(path, "/catalog/groups") {
			if d.ids[id] != "" {
				d.again = append(d.again, path+" "+id)
			}
			d.ids[id] = path
		}
	})
	return d
}

// imports says where a document's references may lead besides itself.
var imports = map[oscal.Model][]oscal.Model{
	oscal.AssessmentResults: {oscal.AssessmentPlan},
}

// TestReferences: whatever is named exists, and nothing has two meanings.
func TestReferences(t *testing.T) {
	trees, names := map[oscal.Model]map[string]any{}, map[oscal.Model]defined{}
	for model, doc := range documents(t, lived(t)) {
		trees[model] = tree(t, doc)
		names[model] = define(trees[model])
		if again := names[model].again; len(again) > 0 {
			t.Errorf("%s: twice: %v", model, again)
		}
	}
	seen := map[string]int{}
	for model, doc := range trees {
		walk(doc, "", func(path string, v any) {
			s, ok := v.(string)
			if !ok {
				return
			}
			field := path[strings.LastIndexByte(path, '/')+1:]
			switch {
			case strings.HasSuffix(field, "-uuid"), field == "party-uuids":
				seen[field]++
				at := names[model].uuids[s]
				for _, other := range imports[model] {
					at += names[other].uuids[s]
				}
				if at == "" {
					t.Errorf("%s: %s: %s is nowhere", model, path, s)
				}
			case field == "control-id", field == "target-id", field == "objective-id":
				seen[field]++
				if names[oscal.Catalog].ids[s] == "" {
					t.Errorf("%s: %s: %s is not in the catalog", model, path, s)
				}
			case field == "href", field == "source":
				seen[field]++
				checkLink(t, model, path, s, names[model])
			}
		})
	}
	for _, field := range []string{"subject-uuid", "actor-uuid", "observation-uuid", "risk-uuid", "component-uuid", "activity-uuid", "task-uuid",
		"party-uuids", "control-id", "target-id", "objective-id", "href", "source"} {
		if seen[field] == 0 {
			t.Errorf("no %s was seen: nothing is checked", field)
		}
	}
}

func checkLink(t *testing.T, model oscal.Model, path, href string, names defined) {
	t.Helper()
	if id, ok := strings.CutPrefix(href, "#"); ok {
		if names.uuids[id] == "" && names.ids[id] == "" {
			t.Errorf("%s: %s: %s is nowhere", model, path, href)
		}
		return
	}
	u, err := url.Parse(href)
	switch {
	case err != nil:
		t.Errorf("%s: %s: %v", model, path, err)
	case u.Scheme == "http" || u.Scheme == "https":
	case u.IsAbs():
		t.Errorf("%s: %s: %s", model, path, href)
	case strings.HasPrefix(href, "evidence/"):
		if _, err := evidence.ParseDigest(strings.TrimSuffix(strings.TrimPrefix(href, "evidence/"), ".json")); err != nil {
			t.Errorf("%s: %s: %v", model, path, err)
		}
	case !slices.ContainsFunc(oscal.Models(), func(m oscal.Model) bool { return m.File() == href }):
		t.Errorf("%s: %s: %s is no file of the export", model, path, href)
	}
}

// lived is the sample in which each shortfall has a life, and sources a newest run.
func lived(t testing.TB) *export.Snapshot {
	t.Helper()
	s := sample(t).Snapshot
	for _, r := range s.Assessment.Results {
		if r.Status != assess.StatusFailing && r.Status != assess.StatusMissing && r.Status != assess.StatusStale {
			continue
		}
		opened, due := s.AsOf.AddDate(0, -1, 0), s.AsOf.AddDate(0, 1, 0)
		s.Lives = append(s.Lives, &finding.Life{ID: assess.FindingID(r.Expectation, r.Subject), Expectation: r.Expectation, Subject: r.Subject,
			State: finding.Noted, OpenedAt: opened, AcknowledgedAt: &due, AcknowledgedBy: "t.holm", Assigned: "m.ek",
			Facts: finding.Facts{Control: r.Control, Status: r.Status, DueAt: &due, Grade: "minor", GradeReason: "isolated"},
			History: []finding.Event{{Type: finding.Opened, At: opened, Cause: "first seen", Status: r.Status},
				{Type: finding.Acknowledged, At: opened.Add(time.Hour), By: "t.holm", Cause: "<b>seen</b>", Status: r.Status}}})
	}
	for _, run := range s.Runs {
		s.Assessment.Runs = append(s.Assessment.Runs, assess.RunSummary{Source: run.Provenance.Source, Run: run.ID, Status: string(run.Status),
			Finished: run.FinishedAt, Gaps: run.Gaps})
	}
	return s
}

// TestLives: a risk says whose it is, until when, and what happened.
func TestLives(t *testing.T) {
	docs := documents(t, lived(t))
	for model, doc := range docs {
		valid(t, string(model), doc)
	}
	poam := tree(t, docs[oscal.POAM])["plan-of-action-and-milestones"]
	short := 0
	for _, r := range items(poam, "risks") {
		if text(r, "status") != "open" {
			continue
		}
		short++
		if prop(r, "exhibit-owner") != "m.ek" || prop(r, "exhibit-state") != "acknowledged" || prop(r, "exhibit-suggested-grade") != "minor" ||
			text(r, "deadline") != "2026-12-23T09:00:00Z" || len(items(r, "risk-log", "entries")) != 2 {
			t.Errorf("%v", r)
		}
		tasks := items(items(r, "remediations")[0], "tasks")
		if len(tasks) != 1 || text(tasks[0], "timing", "on-date", "date") != "2026-12-23T09:00:00Z" || text(tasks[0], "type") != "milestone" {
			t.Errorf("tasks %v", tasks)
			continue
		}
		who := items(items(tasks[0], "responsible-roles")[0], "party-uuids")[0]
		if !slices.ContainsFunc(items(poam, "metadata", "parties"), func(p any) bool { return at(p, "uuid") == who && text(p, "name") == "m.ek" }) {
			t.Errorf("%v is not m.ek", who)
		}
	}
	if short != 4 {
		t.Errorf("%d open risks, want 4", short)
	}
}

// TestWaiver: what is accepted says who, why and until when.
func TestWaiver(t *testing.T) {
	poam := tree(t, documents(t, sample(t).Snapshot)[oscal.POAM])["plan-of-action-and-milestones"]
	for _, r := range items(poam, "risks") {
		if text(r, "status") != "deviation-approved" {
			continue
		}
		log := items(r, "risk-log", "entries")
		if len(log) != 1 || prop(log[0], "type") != "dr-approved" || prop(log[0], "exhibit-approved-by") != "s.lindqvist" ||
			text(r, "deadline") != "2026-12-23T09:00:00Z" || prop(r, "exhibit-underlying-status") != "missing" ||
			text(items(r, "mitigating-factors")[0], "description") != "Key use limited to one project" {
			t.Errorf("%v", r)
		}
		return
	}
	t.Error("no deviation")
}

// TestIdentity: what lasts keeps its name from one snapshot to the next, what
// was concluded does not.
func TestIdentity(t *testing.T) {
	first, second := sample(t).Snapshot, sample(t).Snapshot
	second.AsOf = second.AsOf.AddDate(0, 0, 1)
	a := *second.Assessment
	a.AsOf = second.AsOf
	second.Assessment = &a
	one, two := documents(t, first), documents(t, second)
	lasting := []string{"components", "inventory-items", "activities", "party", "parties", "resources", "platforms", "assessment-platforms", "parts"}
	for model := range one {
		x, y := define(tree(t, one[model])), define(tree(t, two[model]))
		if !maps.Equal(x.ids, y.ids) {
			t.Errorf("%s: other ids", model)
		}
		for id, path := range x.uuids {
			kept := y.uuids[id] != ""
			last := path[strings.LastIndexByte(path, '/')+1:]
			if want := slices.Contains(lasting, last) || path == "/catalog"; kept != want {
				t.Errorf("%s: %s %s: kept %v, want %v", model, path, id, kept, want)
			}
		}
	}
}

// TestWithheld: what no bundle holds has no link to a file.
func TestWithheld(t *testing.T) {
	s := sample(t)
	if doc := documents(t, s.Snapshot)[oscal.AssessmentResults]; !strings.Contains(string(doc), "/nordlicht/claims-model/pull/101") {
		t.Fatal("nothing leads to a pull request: nothing is checked")
	}
	s.EraseFirst(t.Fatal)
	s.Snapshot.Redaction = &export.Redaction{Profile: "customer", Hides: func(kind string) bool { return kind == "inventory.ai_system" || kind == "github.pull_request" },
		Omits: func(string) bool { return false }, Reason: func(string) string { return "private" }}
	got := map[string]int{}
	walk(tree(t, documents(t, s.Snapshot)[oscal.AssessmentResults]), "", func(path string, v any) {
		if !strings.HasSuffix(path, "/relevant-evidence") || prop(v, "exhibit-kind") == "" {
			return
		}
		why := prop(v, "exhibit-payload-withheld")
		got[why]++
		if (text(v, "href") == "") != (why != "") {
			t.Errorf("%q with href %q", why, text(v, "href"))
		}
		if links := items(v, "links"); why == "hidden" && len(links) > 0 {
			t.Errorf("what is hidden leads to %v", links)
		}
	})
	if got["erased"] != 1 || got["hidden"] != 16 || got[""] < 20 {
		t.Errorf("withheld: %v", got)
	}
}

// TestCounted: every result is an observation once, and every shortfall is on
// the POA&M once.
func TestCounted(t *testing.T) {
	s := sample(t).Snapshot
	docs := documents(t, s)
	r := items(tree(t, docs[oscal.AssessmentResults]), "assessment-results", "results")[0]
	want := map[string]int{}
	short := 0
	for _, res := range s.Assessment.Results {
		want[string(res.Status)]++
		switch res.Status {
		case assess.StatusFailing, assess.StatusMissing, assess.StatusStale, assess.StatusWaived:
			short++
		}
	}
	got := map[string]int{}
	for _, o := range items(r, "observations") {
		got[prop(o, "exhibit-status")]++
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("observations %v, want %v", got, want)
	}
	if n := len(items(tree(t, docs[oscal.POAM]), "plan-of-action-and-milestones", "poam-items")); n != short {
		t.Errorf("%d items, want %d", n, short)
	}
}

// TestRedacted: a reader to whom sheets are not shown does not see the like
// here, and statuses stay.
func TestRedacted(t *testing.T) {
	s := lived(t)
	whole := documents(t, s)
	s.Redaction = &export.Redaction{Profile: "customer", Hides: func(string) bool { return false }, Reason: func(string) string { return "" },
		Omits: func(sheet string) bool {
			return sheet == "Gaps" || sheet == "Collector runs" || sheet == "Coverage gaps"
		}}
	cut := documents(t, s)
	if cut[oscal.POAM] != nil {
		t.Error("there is a POA&M")
	}
	for model, doc := range cut {
		valid(t, string(model), doc)
		for _, secret := range []string{"credential refused", "administration:read", "exhibit-identity", "Have somebody else review", "first seen", "run-0004"} {
			if strings.Contains(string(doc), secret) {
				t.Errorf("%s: says %q", model, secret)
			}
		}
	}
	read := func(doc []byte) (states, ids []string) {
		r := items(tree(t, doc), "assessment-results", "results")[0]
		for _, o := range items(r, "observations") {
			states, ids = append(states, prop(o, "exhibit-status")), append(ids, text(o, "uuid"))
		}
		for _, f := range items(r, "findings") {
			states = append(states, text(f, "target", "status", "state"))
		}
		return states, ids
	}
	states, ids := read(cut[oscal.AssessmentResults])
	want, others := read(whole[oscal.AssessmentResults])
	if !slices.Equal(states, want) {
		t.Errorf("statuses %v, want %v", states, want)
	}
	if ids[0] == others[0] {
		t.Error("what is cut has the names of the whole")
	}
}
