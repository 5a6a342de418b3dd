package sheets

import (
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/finding"
)

// The first operating record is the earliest event of operation that a
// satisfied result rests on: not the one that decided it, not what shows a
// design, and not the as-of, at which nothing happened.
func TestFirstOperatingRecord(t *testing.T) {
	_, s := smallBook(t, nil,
		rec{"op", "organization", "o", `{"merged_at":"` + ago(90) + `"}`},
		rec{"op", "organization", "o", `{"merged_at":"` + ago(10) + `"}`},
		rec{"paper", "organization", "o", `{"approved_at":"` + ago(300) + `"}`},
		rec{"op", "organization", "o", `{"merged_at":"` + ago(200) + `"}`})
	s.snap.Kinds = map[string]export.Kind{"op": {Strength: operation}, "paper": {Strength: "design"}}
	s.snap.Expectations = map[string]export.Expectation{"e": {Strength: "design", Kinds: []string{"op", "paper"}}}
	now := today
	s.snap.Assessment.Controls = []assess.Control{{ID: "5.1", Status: assess.StatusFailing}, {ID: "5.2", Status: assess.StatusSatisfied}}
	s.snap.Assessment.Results = []*assess.Result{
		{Control: "5.1", Expectation: "e", Status: assess.StatusSatisfied, EventTime: &now, Evidence: []evidence.Digest{s.digests[1], s.digests[2], s.digests[0]}},
		{Control: "5.1", Expectation: "e", Status: assess.StatusFailing, EventTime: &now, Evidence: []evidence.Digest{s.digests[3]}},
		{Control: "5.2", Expectation: "e", Status: assess.StatusSatisfied, Evidence: []evidence.Digest{s.digests[2]}},
	}
	b, err := New(s.snap)
	if err != nil {
		t.Fatal(err)
	}
	show(t, b, "Evidence")
	controls := show(t, b, "Control status")
	if got := controls.rows[0]["first operating record"]; got != ago(90) {
		t.Errorf("5.1 first operated %q, want %s", got, ago(90))
	}
	if row := controls.rows[1]; row["first operating record"] != "" || controls.rows[0]["last event"] != "" {
		t.Errorf("5.2 first operated %q; last event of 5.1 %q: nothing happened at the as-of", row["first operating record"], controls.rows[0]["last event"])
	}
	if row := show(t, b, "Results").rows[0]; row["event time (UTC)"] != "" || row["age, days"] != "" {
		t.Errorf("the as-of is shown as an event: %v", row)
	}
}

// What Results says of a waiver leads to it, and a system has as many open
// findings as Gaps lists for it.
func TestWaiverAndGapsAgree(t *testing.T) {
	_, s := smallBook(t, []export.System{{ID: "s", Name: "S"}}, rec{"op", "organization", "o", `{}`})
	about := evidence.Subject{Type: "ai_system", ID: "s"}
	s.snap.Assessment.Controls = []assess.Control{{ID: "5.1", Status: assess.StatusFailing}}
	s.snap.Assessment.Results = []*assess.Result{
		{Control: "5.1", Expectation: "e", Subject: about, Status: assess.StatusWaived, Waiver: "W-1"},
		{Control: "5.1", Expectation: "f", Subject: about, Status: assess.StatusDue},
		{Control: "5.1", Expectation: "g", Subject: about, Status: assess.StatusFailing},
	}
	s.snap.Waivers = []export.Waiver{{ID: "W-1"}}
	s.snap.Lives = []*finding.Life{{ID: "F-1", Expectation: "g", Subject: about, State: finding.Open, Facts: finding.Facts{Control: "5.1"}, OpenedAt: today.Add(-time.Hour)},
		{ID: "F-2", Expectation: "e", Subject: about, State: finding.Covered, Facts: finding.Facts{Control: "5.1"}, OpenedAt: today}}
	b, err := New(s.snap)
	if err != nil {
		t.Fatal(err)
	}
	results := show(t, b, "Results")
	if to := results.leadsTo(0, "waiver"); to != (Ref{"Waivers", "W-1"}) || results.rows[1]["waiver"] != "" {
		t.Errorf("the waiver leads to %v", to)
	}
	gaps, systems := show(t, b, "Gaps"), show(t, b, "AI systems")
	if len(gaps.rows) != 1 || systems.rows[0]["open findings"] != "1" {
		t.Errorf("%d gaps, %s open findings of the system", len(gaps.rows), systems.rows[0]["open findings"])
	}
}

// What may be read of the statement of applicability stands on the page of
// methods: what is stated and what is derived are told apart.
func TestMethodOfTheStatement(t *testing.T) {
	b, _ := smallBook(t, nil, rec{"op", "organization", "o", `{}`})
	for _, part := range b.methodText() {
		if part.title == "Statement of applicability" {
			for _, row := range part.rows {
				if strings.Contains(row[1], "Derived from the assessment") {
					return
				}
			}
		}
	}
	t.Error("nothing says how the state of the implementation is derived")
}
