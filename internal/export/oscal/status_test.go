package oscal_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/export/exporttest"
	"github.com/exhibit-aims/exhibit/internal/export/oscal"
)

// outcome is what becomes of a result that is alone in its control.
type outcome struct {
	finding string // state and reason, of the objective and of the control
	risk    string // status, and whether there is a POA&M item
}

const none = ""

var statuses = []struct {
	name     string
	status   assess.Status
	reason   string
	severity string
	want     outcome
}{
	{"satisfied", assess.StatusSatisfied, "seen", "major", outcome{"satisfied pass", none}},
	{"failing", assess.StatusFailing, "merged alone", "major", outcome{"not-satisfied fail", "open"}},
	{"missing", assess.StatusMissing, "nothing there", "major", outcome{"not-satisfied fail", "open"}},
	{"stale, too old", assess.StatusStale, assess.ReasonEventWindow + ": 401 days", "major", outcome{"not-satisfied other", "open"}},
	{"stale, of before a change", assess.StatusStale, assess.ReasonInvalidated + ": model replaced", "major", outcome{"not-satisfied other", "open"}},
	{"stale, not readable", assess.StatusStale, assess.ReasonCollectionGap + ": credential refused", "major", outcome{none, "open"}},
	{"stale, reason unknown", assess.StatusStale, "something else", "major", outcome{none, "open"}},
	{"waived", assess.StatusWaived, "no assessment", "major", outcome{none, "deviation-approved"}},
	{"not_assessed", assess.StatusNotAssessed, "no source", "major", outcome{none, none}},
	{"no status at all", "", "", "major", outcome{none, none}},
	{"a status of tomorrow", "half_done", "", "major", outcome{none, none}},
	{"pending_review", assess.StatusPendingReview, "uploaded", "major", outcome{none, none}},
	{"due", assess.StatusDue, "duty opened", "major", outcome{none, none}},
	{"not_applicable", assess.StatusNotApplicable, "retired", "major", outcome{none, none}},
	{"failing, observation", assess.StatusFailing, "untidy", "observation", outcome{none, "open"}},
	{"missing, observation", assess.StatusMissing, "untidy", "observation", outcome{none, "open"}},
	{"stale, observation", assess.StatusStale, assess.ReasonEventWindow + ": old", "observation", outcome{none, "open"}},
}

// alone is a snapshot with one control and these results.
func alone(t testing.TB, status assess.Status, results ...*assess.Result) *export.Snapshot {
	t.Helper()
	s := sample(t).Snapshot
	c := assess.Control{ID: "A.6.2.5", Title: "AI system deployment", Status: status, Applicable: true, Results: results, Counts: map[assess.Status]int{}}
	a := *s.Assessment
	a.Controls, a.Results = []assess.Control{c}, results
	s.Assessment = &a
	return s
}

func result(status assess.Status, reason, severity, subject string) *assess.Result {
	return &assess.Result{Expectation: "release-change-approved", Control: "A.6.2.5", Subject: evidence.Subject{Type: "change", ID: subject},
		Status: status, Reason: reason, Severity: severity, Evidence: []evidence.Digest{}}
}

func at(v any, path ...string) any {
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[p]
	}
	return v
}

// items is a list in a document, or nothing.
func items(v any, path ...string) []any {
	l, _ := at(v, path...).([]any)
	return l
}

func text(v any, path ...string) string {
	s, _ := at(v, path...).(string)
	return s
}

// prop is the value of a property.
func prop(v any, name string) string {
	for _, p := range items(v, "props") {
		if text(p, "name") == name {
			return text(p, "value")
		}
	}
	return ""
}

// became reads what a result became in the results and in the POA&M.
func became(t *testing.T, s *export.Snapshot) (findings map[string]string, risk, status string) {
	t.Helper()
	docs := documents(t, s)
	for model, doc := range docs {
		valid(t, string(model), doc)
	}
	r := items(tree(t, docs[oscal.AssessmentResults]), "assessment-results", "results")[0]
	if o := items(r, "observations"); len(o) == 1 {
		status = prop(o[0], "exhibit-status")
	}
	findings = map[string]string{}
	for _, f := range items(r, "findings") {
		findings[text(f, "target", "type")] = text(f, "target", "status", "state") + " " + text(f, "target", "status", "reason")
	}
	risks := items(r, "risks")
	if len(risks) == 1 {
		risk = text(risks[0], "status")
	}
	open := 0
	if doc, ok := docs[oscal.POAM]; ok {
		open = len(items(tree(t, doc), "plan-of-action-and-milestones", "poam-items"))
	}
	if open != len(risks) {
		t.Errorf("%d risks and %d items of the POA&M", len(risks), open)
	}
	return findings, risk, status
}

func TestStatuses(t *testing.T) {
	seen := map[assess.Status]bool{}
	for _, c := range statuses {
		t.Run(c.name, func(t *testing.T) {
			r := result(c.status, c.reason, c.severity, "x#1")
			control := c.status
			if c.severity == "observation" {
				control = assess.StatusNotAssessed // as a control is that only observations speak for
			}
			findings, risk, status := became(t, alone(t, control, r))
			if findings["objective-id"] != c.want.finding || risk != c.want.risk {
				t.Errorf("finding %q, risk %q; want %+v", findings["objective-id"], risk, c.want)
			}
			if findings["statement-id"] != c.want.finding {
				t.Errorf("finding on the control %q, want %q", findings["statement-id"], c.want.finding)
			}
			want := c.status
			if c.status == "" || c.status == "half_done" {
				want = assess.StatusNotAssessed
			}
			if status != string(want) {
				t.Errorf("exhibit-status %q, want %q", status, want)
			}
		})
		seen[c.status] = true
	}
	for _, st := range []assess.Status{assess.StatusNotAssessed, assess.StatusSatisfied, assess.StatusFailing, assess.StatusMissing, assess.StatusStale,
		assess.StatusPendingReview, assess.StatusDue, assess.StatusWaived, assess.StatusNotApplicable} {
		if !seen[st] {
			t.Errorf("%s is not tried", st)
		}
	}
}

// TestTogether: what is not known about one subject is not settled by another
// that is satisfied, and one that falls short settles all.
func TestTogether(t *testing.T) {
	stale := assess.ReasonEventWindow + ": old"
	gap := assess.ReasonCollectionGap + ": refused"
	for _, c := range []struct {
		other  assess.Status
		reason string
		with   assess.Status
		want   string
	}{
		{assess.StatusSatisfied, "", assess.StatusSatisfied, "satisfied pass"},
		{assess.StatusNotApplicable, "", assess.StatusSatisfied, "satisfied pass"},
		{assess.StatusNotAssessed, "", assess.StatusSatisfied, none},
		{assess.StatusPendingReview, "", assess.StatusSatisfied, none},
		{assess.StatusDue, "", assess.StatusSatisfied, none},
		{assess.StatusWaived, "", assess.StatusSatisfied, none},
		{assess.StatusStale, gap, assess.StatusSatisfied, none},
		{assess.StatusStale, stale, assess.StatusSatisfied, "not-satisfied other"},
		{assess.StatusNotAssessed, "", assess.StatusStale, none},
		{assess.StatusNotAssessed, "", assess.StatusFailing, "not-satisfied fail"},
		{assess.StatusWaived, "", assess.StatusFailing, "not-satisfied fail"},
		{assess.StatusStale, gap, assess.StatusStale, "not-satisfied other"},
	} {
		worse := c.with
		if c.other == assess.StatusNotAssessed && c.with != assess.StatusFailing || c.with == assess.StatusSatisfied && c.other != assess.StatusNotApplicable {
			worse = c.other
		}
		findings, _, _ := became(t, alone(t, worse, result(c.with, stale, "major", "x#1"), result(c.other, c.reason, "major", "x#2")))
		if findings["objective-id"] != c.want || findings["statement-id"] != c.want {
			t.Errorf("%s with %s %s: %v, want %q", c.with, c.other, c.reason, findings, c.want)
		}
	}
}

// TestExcluded: a control that does not apply has no finding, whatever its
// results say.
func TestExcluded(t *testing.T) {
	s := alone(t, assess.StatusNotApplicable, result(assess.StatusFailing, "x", "major", "x#1"))
	s.Assessment.Controls[0].Applicable = false
	if findings, _, _ := became(t, s); len(findings) != 0 {
		t.Errorf("findings %v", findings)
	}
}

// TestNothingShort: a POA&M without items is no document.
func TestNothingShort(t *testing.T) {
	s := alone(t, assess.StatusSatisfied, result(assess.StatusSatisfied, "seen", "major", "x#1"))
	if docs := documents(t, s); len(docs) != 4 || docs[oscal.POAM] != nil {
		t.Errorf("%d documents", len(docs))
	}
}

// TestTables: what the README says of statuses is what happens.
func TestTables(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range statuses {
		if c.status == "" || c.status == "half_done" || c.reason == "something else" {
			continue
		}
		status, finding, risk := "`"+string(c.status)+"`", "none", "none"
		if c.status == assess.StatusStale {
			code, _, _ := strings.Cut(c.reason, ":")
			status += ", `" + code + "`"
		}
		if c.severity == "observation" {
			continue
		}
		if state, reason, ok := strings.Cut(c.want.finding, " "); ok {
			finding = fmt.Sprintf("`%s`, reason `%s`", state, reason)
		}
		if c.want.risk != none {
			risk = "`" + c.want.risk + "`"
		}
		if row := fmt.Sprintf("| %s | %s | %s |", status, finding, risk); !strings.Contains(string(readme), row) {
			t.Errorf("README.md lacks %s", row)
		}
	}
}

// TestExpires: what is satisfied expires when its event becomes too old.
func TestExpires(t *testing.T) {
	r := result(assess.StatusSatisfied, "seen", "major", "x#1")
	event := exporttest.AsOf.AddDate(0, 0, -10)
	r.EventTime = &event
	doc := documents(t, alone(t, assess.StatusSatisfied, r))[oscal.AssessmentResults]
	o := items(items(tree(t, doc), "assessment-results", "results")[0], "observations")[0]
	if got, want := text(o, "expires"), event.Add(365*24*time.Hour).Format(time.RFC3339); got != want {
		t.Errorf("expires %s, want %s", got, want)
	}
}
