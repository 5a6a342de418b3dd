package ask_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/ask"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/fixture"
)

func TestAnswers(t *testing.T) {
	m := newMaker(t)
	t.Run("approvals", func(t *testing.T) { testApprovals(t, m) })
	t.Run("oversight", func(t *testing.T) { testOversight(t, m) })
	t.Run("testing", func(t *testing.T) { testTesting(t, m) })
	t.Run("vendors", func(t *testing.T) { testVendors(t, m) })
	t.Run("incidents", func(t *testing.T) { testIncidents(t, m) })
	t.Run("nothing", func(t *testing.T) { testNothing(t, m) })
	t.Run("as of", func(t *testing.T) { testAsOf(t, m) })
	t.Run("names", func(t *testing.T) { testNames(t, m) })
	t.Run("trace", func(t *testing.T) { testTrace(t, m) })
}

func testApprovals(t *testing.T, m maker) {
	sys := system("scoring", "high", nil)
	role := fixture.Item{Kind: "role.assignment", Subject: "person/ines", Key: "committee", Payload: fields{"role": "AI risk committee", "person": "ines", "start": "2026-01-01T00:00:00Z"}}

	before := answer(t, m.world(t, sys, role, approval("IN-1", "scoring", "2026-02-01T00:00:00Z")), "who-approves", "scoring")
	f := fact(t, before, "IN-1")
	if f.Mark != "" || !strings.Contains(f.Text, "28 days before it went live") || f.URL != "https://source.example/IN-1" || f.Digest.IsZero() || f.At.IsZero() {
		t.Errorf("in time: %+v", f)
	}
	noGap(t, before, "use-case-intake-approved")
	fact(t, before, "ines holds ai-risk-committee since 2026-01-01")
	fact(t, before, "high (this system)")

	late := answer(t, m.world(t, sys, role, approval("IN-1", "scoring", "2026-03-11T00:00:00Z")), "who-approves", "scoring")
	if f := fact(t, late, "IN-1"); f.Mark != ask.Late || !strings.Contains(f.Text, "10 days after it went live") {
		t.Errorf("late: %+v", f)
	}
	if g := gap(t, late, "use-case-intake-approved"); g.Status != assess.StatusFailing || g.NextStep == "" || g.Owner != "marek" && g.Owner != "" {
		t.Errorf("late: %+v", g)
	}

	// A second use that is approved later does not make the first one late.
	both := answer(t, m.world(t, sys, role, approval("IN-1", "scoring", "2026-02-01T00:00:00Z"), approval("IN-2", "scoring", "2026-05-01T00:00:00Z")), "who-approves", "scoring")
	if f := fact(t, both, "IN-2"); f.Mark != "" {
		t.Errorf("a second approval: %+v", f)
	}

	// Somebody who left is not named as holder.
	role.Payload["end"] = "2026-06-01T00:00:00Z"
	if f := fact(t, answer(t, m.world(t, sys, role), "who-approves", "scoring"), "nobody is on record as holding"); f.Mark != ask.Absent {
		t.Errorf("nobody holds the role: %+v", f)
	}
	// The roles alone are no answer.
	if a := answer(t, m.world(t, sys, role), "who-approves", "scoring"); a.Answered != ask.No {
		t.Errorf("without a decision it is answered %s:\n%s", a.Answered, show(a))
	}
}

func decision(id, at, action string, seconds int) fixture.Item {
	p := fields{"system_id": "scoring", "decision_id": id, "ai_output_ref": "out-" + id, "decided_at": at, "latency_s": seconds}
	if action != "" {
		p["reviewer"], p["action"] = "ines", action
	}
	return fixture.Item{Kind: "oversight.human_decision", Subject: "ai_system/scoring", Key: id, Payload: p}
}

func testOversight(t *testing.T, m maker) {
	rule := fixture.Item{Kind: "oversight.rule", Subject: "ai_system/scoring", Key: "rule", Payload: fields{"system_id": "scoring", "version": "1", "decision_class": "refusals",
		"required_review": fields{"level": "every output", "who": "handler", "share": 0.5, "min_seconds": 20}, "override_rights": "may change it", "approved_at": "2026-02-01T00:00:00Z"}}
	items := []fixture.Item{system("scoring", "high", nil), rule, decision("left", "2026-05-31T10:00:00Z", "accept", 60), decision("later", "2026-07-01T00:00:00Z", "accept", 60)}
	for i := range 24 {
		action := "accept"
		if i%8 == 0 {
			action = "override"
		}
		if i == 1 {
			action = ""
		}
		items = append(items, decision(fmt.Sprintf("d%02d", i), fmt.Sprintf("2026-06-%02dT10:00:00Z", i+1), action, 30+i))
	}
	a := answer(t, m.world(t, items...), "human-review", "scoring")
	if f := fact(t, a, "23 of 24 outputs on record were reviewed"); f.Records != 24 || !strings.Contains(f.Text, "asks for 0.5 of them, which is 12") {
		t.Errorf("share: %+v", f)
	}
	fact(t, a, "overruled 3, rejected 0, edited 0, accepted 20")
	fact(t, a, "refusals: every output is reviewed by handler")
	noGap(t, a, "human-oversight-operated")
	sample := a.Parts[len(a.Parts)-1]
	if len(sample.Facts) != 10 || !strings.Contains(sample.Note, `seed "scoring 2026-06"`) {
		t.Errorf("sample of %d: %s", len(sample.Facts), sample.Note)
	}
	for _, f := range sample.Facts {
		if f.At.Month() != time.June || f.Digest.IsZero() {
			t.Errorf("not of the last full month, or without evidence: %+v", f)
		}
	}
	if again := answer(t, m.world(t, items...), "human-review", "scoring"); cmp.Diff(a, again, cmp.AllowUnexported(ask.Fact{})) != "" {
		t.Error("the same world gives another answer")
	}

	// The rule alone answers in part; of another tier nothing is asked, and that is said.
	if a := answer(t, m.world(t, items[:2]...), "human-review", "scoring"); a.Answered != ask.InPart || gap(t, a, "human-oversight-operated").Status == assess.StatusSatisfied {
		t.Errorf("only a rule: %s\n%s", a.Answered, show(a))
	}
	other := answer(t, m.world(t, system("scoring", "minimal", nil)), "human-review", "scoring")
	if g := gap(t, other, "human-oversight-rule-defined"); other.Answered != ask.No || g.Reason == "" || g.NextStep == "" {
		t.Errorf("a minimal system: %s, %+v", other.Answered, g)
	}
}

func testTesting(t *testing.T, m maker) {
	criteria := func(at string) fixture.Item {
		return fixture.Item{Kind: "evaluation.criteria", Subject: "ai_system/scoring", Key: "c1", Payload: fields{"system_id": "scoring", "version": "1", "approved_at": at, "approved_by": "ines",
			"proposed_by": "marek", "metrics": []any{fields{"name": "gap_age", "threshold": 0.04, "group": "age"}, fields{"name": "gap_sex", "threshold": 0.04, "group": "sex"}}}}
	}
	run := fixture.Item{Kind: "evaluation.run", Subject: "release/m/7", Key: "E-1", Payload: fields{"run_id": "E-1", "system_id": "scoring", "subject_ref": "m/7", "passed": true,
		"executor": "otto", "criteria_version": "1", "started_at": "2026-02-10T00:00:00Z", "finished_at": "2026-02-10T01:00:00Z", "metrics": fields{"gap_age/age": 0.03, "gap_sex": 0.01}}}
	release := fixture.Item{Kind: "release.approval", Subject: "release/R-1", Payload: fields{"release_id": "R-1", "system_id": "scoring", "artefact_refs": []any{"m/7"},
		"approver": "ines", "approver_role": "ai-risk-committee", "decision": "approved", "decided_at": "2026-02-20T00:00:00Z"}}
	sys := system("scoring", "high", nil)

	a := answer(t, m.world(t, sys, criteria("2026-02-01T00:00:00Z"), run, release), "testing", "scoring")
	if f := fact(t, a, "criteria version 1"); f.Mark != "" || !strings.Contains(f.Text, "9 days before the first test on record, E-1") {
		t.Errorf("criteria before the test: %+v", f)
	}
	if f := fact(t, a, "test E-1 of m/7 by otto, passed"); f.Mark != "" || !strings.Contains(f.Text, "9 days before it came into use") {
		t.Errorf("test before the release: %+v", f)
	}
	if f := fact(t, a, "age: gap_age, threshold 0.04: 0.03 in E-1"); f.Mark != "" {
		t.Errorf("a group with a result: %+v", f)
	}
	if f := fact(t, a, "sex: gap_sex, threshold 0.04: no result in E-1"); f.Mark != ask.Absent {
		t.Errorf("a group without: %+v", f)
	}
	noGap(t, a, "evaluation-criteria-approved")
	noGap(t, a, "pre-release-evaluation")

	late := answer(t, m.world(t, sys, criteria("2026-02-15T00:00:00Z"), run, release), "testing", "scoring")
	if f := fact(t, late, "criteria version 1"); f.Mark != ask.Late || gap(t, late, "evaluation-criteria-approved").Status != assess.StatusFailing {
		t.Errorf("criteria after the test: %+v", f)
	}

	// The test of another artefact is none of this release.
	run.Payload["subject_ref"] = "m/6"
	other := answer(t, m.world(t, sys, criteria("2026-02-01T00:00:00Z"), run, release), "testing", "scoring")
	if f := fact(t, other, "no test of it on record"); f.Mark != ask.Absent || gap(t, other, "pre-release-evaluation").Status != assess.StatusMissing {
		t.Errorf("another artefact: %+v", f)
	}
}

func testVendors(t *testing.T, m maker) {
	sys := system("scoring", "high", fields{"vendors": []any{"acme"}, "models": []any{"m-1"}})
	change := fixture.Item{Kind: "vendor.model_observation", Subject: "model/acme/m-1b", Key: "o1", Payload: fields{"vendor": "acme", "requested_model": "m-1", "served_model": "m-1b",
		"observed_at": "2026-06-20T00:00:00Z", "system_id": "scoring", "source": "usage_report"}}
	issue := func(at string) fixture.Item {
		return fixture.Item{Kind: "jira.issue", Subject: "issue/RISK-1", Payload: fields{"key": "RISK-1", "id": "9", "project": "RISK", "type": "Task", "summary": "m-1b", "status": "Done", "status_category": "done",
			"created": "2026-06-21T00:00:00Z", "resolved_at": at, "labels": []any{"vendor-change", "m-1b"}, "assignee": "ines"}}
	}
	again := fixture.Item{Kind: "risk.assessment", Subject: "ai_system/scoring", Key: "RA-2", Payload: fields{"assessment_id": "RA-2", "system_id": "scoring", "assessor": "otto", "approved_by": "ines",
		"approved_at": "2026-07-01T00:00:00Z", "risks": []any{fields{"id": "R1"}}}}

	open := answer(t, m.world(t, sys, change), "vendor-change", "scoring")
	if f := fact(t, open, "triage was due"); f.Mark != ask.Absent || f.Due.Format(time.DateOnly) != "2026-07-04" || f.Status != assess.StatusMissing {
		t.Errorf("no triage: %+v", f)
	}
	if f := fact(t, open, "new risk assessment is due"); f.Mark != ask.Pending {
		t.Errorf("a reassessment that has time: %+v", f)
	}
	gap(t, open, "vendor-model-change-triaged")

	done := answer(t, m.world(t, sys, change, issue("2026-06-25T00:00:00Z"), again), "vendor-change", "scoring")
	if f := fact(t, done, "triage was due"); f.Mark != "" || !strings.Contains(f.Text, "done in time, on 2026-06-25") {
		t.Errorf("triage in time: %+v", f)
	}
	fact(t, done, "triaged in RISK-1 by ines")
	fact(t, done, "risk assessment RA-2 by otto, approved by ines")
	noGap(t, done, "vendor-model-change-triaged")
	noGap(t, done, "risk-assessment-after-change")

	late := answer(t, m.world(t, sys, change, issue("2026-07-09T00:00:00Z")), "vendor-change", "scoring")
	if f := fact(t, late, "triage was due"); f.Mark != ask.Late || !strings.Contains(f.Text, "done 5 days late, on 2026-07-09") {
		t.Errorf("triage too late: %+v", f)
	}

	// An incident is judged by the same expectation and is no change of a vendor.
	incident := incident("INC-1", fields{"severity": "1"})
	for _, g := range answer(t, m.world(t, sys, change, incident), "vendor-change", "scoring").Gaps {
		if g.Subject.ID == "INC-1" {
			t.Errorf("gap about an incident: %+v", g)
		}
	}
}

func incident(key string, more fields) fixture.Item {
	p := fields{"key": key, "id": "1", "project": "INC", "summary": "wrong score", "status": "Closed", "system_ids": []any{"scoring"}, "severity": "3", "detected_at": "2026-05-01T08:00:00Z",
		"declared_at": "2026-05-01T09:00:00Z", "contained_at": "2026-05-02T00:00:00Z", "resolved_at": "2026-05-05T00:00:00Z", "notifiable": false, "decision_by": "ines",
		"rca_link": "https://wiki.example/1", "corrective_action_keys": []any{"CA-1"}, "notifiable_decided_at": "2026-05-01T10:00:00Z"}
	for k, v := range more {
		p[k] = v
	}
	return fixture.Item{Kind: "jira.incident", Subject: "incident/" + key, Payload: p}
}

func testIncidents(t *testing.T, m maker) {
	sys := system("scoring", "high", nil)
	action := func(more fields) fixture.Item {
		p := fields{"action_id": "CA-1", "nc_id": "INC-1", "owner": "marek", "due": "2026-05-20T00:00:00Z", "implemented_at": "2026-05-15T00:00:00Z",
			"verified_at": "2026-06-01T00:00:00Z", "verified_by": "otto", "effective": true}
		for k, v := range more {
			p[k] = v
		}
		return fixture.Item{Kind: "corrective_action.record", Subject: "nonconformity/INC-1", Key: "CA-1", Payload: p}
	}
	a := answer(t, m.world(t, sys, incident("INC-1", nil), action(nil)), "incidents", "scoring")
	var order []string
	for _, f := range a.Parts[0].Facts {
		order = append(order, f.Text)
	}
	want := []string{"detected", "declared", "contained", "resolved", "nobody had to be told, decided by ines", "cause: https://wiki.example/1",
		"action CA-1 of marek done", "action CA-1 verified by otto, and found it to work"}
	if d := cmp.Diff(want, order); d != "" {
		t.Errorf("timeline (-want +got):\n%s", d)
	}
	if a.Answered != ask.Yes {
		t.Errorf("everything in order, and answered %s:\n%s", a.Answered, show(a))
	}

	own := answer(t, m.world(t, sys, incident("INC-1", nil), action(fields{"verified_by": "marek", "implemented_at": "2026-05-25T00:00:00Z"})), "incidents", "scoring")
	fact(t, own, "whoever verified it owned it or did it")
	if f := fact(t, own, "action CA-1 of marek done, 5 days after it was due"); f.Mark != ask.Late {
		t.Errorf("an action that came late: %+v", f)
	}
	gap(t, own, "corrective-action-effective")

	open := answer(t, m.world(t, sys, incident("INC-1", fields{"corrective_action_keys": []any{}, "rca_link": ""})), "incidents", "scoring")
	for _, words := range []string{"no corrective action is linked", "cause: none on record"} {
		if f := fact(t, open, words); f.Mark != ask.Absent {
			t.Errorf("%+v", f)
		}
	}
	gap(t, open, "incident-handled")

	// None at all is a fact only because everything was read.
	none := answer(t, m.world(t, sys), "incidents", "scoring")
	if f := fact(t, none, "read completely from source s: 0 records"); f.Mark != ask.Unproven || f.At.IsZero() || none.Answered != ask.InPart || none.Parts[0].Title != "No incident names this system" {
		t.Errorf("no incident: %+v", none.Parts)
	}
	// One that names a system nobody registered is not lost.
	q, _ := ask.QuestionNamed("incidents")
	list := m.world(t, sys, incident("INC-2", fields{"system_ids": []any{"ghost"}})).Answer(q, "")
	if len(list) != 2 || list[1].System.ID != "" || len(facts(list[1], "detected")) != 1 {
		t.Errorf("an incident of no registered system: %+v", list)
	}
}

// testNothing: without evidence every question names its expectations.
func testNothing(t *testing.T, m maker) {
	for _, w := range []*ask.World{m.world(t), m.world(t, system("scoring", "high", nil))} {
		for _, q := range ask.Questions() {
			for _, a := range w.Answer(q, "") {
				if a.Answered == ask.Yes {
					t.Errorf("%s: answered from nothing:\n%s", q.Name, show(a))
				}
				if a.Answered != ask.No {
					continue
				}
				for _, slug := range q.Expectations {
					i := slices.IndexFunc(a.Gaps, func(g ask.Gap) bool { return g.Expectation == slug })
					if i < 0 {
						t.Errorf("%s does not name %s", q.Name, slug)
						continue
					}
					if g := a.Gaps[i]; g.Reason == "" || g.NextStep == "" || g.Status == "" || g.Status == assess.StatusSatisfied {
						t.Errorf("%s: %+v", q.Name, g)
					}
				}
			}
			if len(w.Answer(q, "")) == 0 {
				t.Errorf("%s: no answer", q.Name)
			}
		}
	}
}

// testAsOf: what was read later is not part of an earlier answer.
func testAsOf(t *testing.T, m maker) {
	read := now.Add(-time.Minute)
	later := approval("IN-1", "scoring", "2026-02-01T00:00:00Z")
	later.Collected = &read
	items := []fixture.Item{system("scoring", "high", nil), later}
	if a := answer(t, m.worldAt(t, now, items...), "who-approves", "scoring"); len(facts(a, "IN-1")) != 1 {
		t.Errorf("read by now:\n%s", show(a))
	}
	before := now.Add(-24 * time.Hour)
	early := before.Add(-time.Hour)
	items[0].Collected = &early
	w := m.worldAt(t, before, items...)
	if a := answer(t, w, "who-approves", "scoring"); len(facts(a, "IN-1")) != 0 {
		t.Errorf("read a day later:\n%s", show(a))
	}
}

func testNames(t *testing.T, m maker) {
	inForce := map[string]assess.InForce{}
	for _, e := range m.eng.InForce() {
		inForce[e.Slug] = e
	}
	for _, q := range ask.Questions() {
		kinds := ask.Kinds(q)
		for _, k := range kinds {
			if _, ok := m.cat.Kind(k); !ok {
				t.Errorf("%s reads %s, which is no kind", q.Name, k)
			}
		}
		for _, slug := range q.Expectations {
			if _, ok := inForce[slug]; !ok {
				t.Errorf("%s is judged by %s, which is no expectation", q.Name, slug)
			}
		}
	}
	for text, want := range map[string]string{
		"Who approves a new AI use case before launch?":              "who-approves",
		"what human review happens before output reaches a customer": "human-review",
		"How do we test for bias, safety and accuracy?":              "testing",
		"what happens when a vendor changes a model without notice":  "vendor-change",
		"how do we track incidents and prove corrective action":      "incidents",
		"the supplier silently swapped the model":                    "vendor-change",
		"who signed off on going live":                               "who-approves",
		"can a person overrule it":                                   "human-review",
		"was it evaluated for fairness":                              "testing",
		"what is the weather":                                        "",
		"":                                                           "",
	} {
		q, ok := ask.Nearest(text)
		if ok != (want != "") || ok && q.Name != want {
			t.Errorf("%q: %q %t, want %q", text, q.Name, ok, want)
		}
	}
	if q, ok := ask.QuestionNamed(" Testing "); !ok || q.Name != "testing" {
		t.Error("a short name in other letters is not known")
	}
}

func testTrace(t *testing.T, m maker) {
	for _, k := range ask.TraceKinds() {
		if _, ok := m.cat.Kind(k); !ok {
			t.Errorf("a trace reads %s, which is no kind", k)
		}
	}
	decided := approval("IN-1", "scoring", "2026-02-01T00:00:00Z")
	w := m.world(t, system("scoring", "high", nil), decided, incident("INC-1", nil), decision("d1", "2026-06-02T00:00:00Z", "accept", 3),
		decision("d2", "2026-06-03T00:00:00Z", "accept", 3), system("other", "minimal", nil), approval("IN-2", "other", "2026-02-02T00:00:00Z"))
	s, _ := w.System("scoring")
	tr := w.Trace(s, "")
	chains := map[string]bool{}
	for _, st := range tr.Stages {
		chains[st.Chain] = true
		if !slices.IsSortedFunc(st.Lines, func(x, y ask.Fact) int {
			if x.At.IsZero() || y.At.IsZero() {
				return 0
			}
			return x.At.Compare(y.At)
		}) {
			t.Errorf("%s is not in order of time: %+v", st.ID, st.Lines)
		}
		for _, f := range st.Lines {
			if strings.Contains(f.Text, "IN-2") {
				t.Errorf("a line of another system: %+v", f)
			}
			if f.Digest.IsZero() {
				t.Errorf("a line without evidence: %+v", f)
			}
		}
	}
	for _, c := range ask.Chains() {
		if !chains[c] {
			t.Errorf("no stage belongs to the chain %s", c)
		}
	}
	if f := tr.Stages[slices.IndexFunc(tr.Stages, func(s ask.Stage) bool { return s.ID == "monitoring" })].Lines; len(f) != 1 || f[0].Records != 2 {
		t.Errorf("two decisions of a month are one line: %+v", f)
	}
	for _, st := range w.Trace(s, ask.ChainIncident).Stages {
		if st.Chain != ask.ChainIncident || len(st.Lines) == 0 {
			t.Errorf("chain incident: %+v", st)
		}
	}
	i := slices.IndexFunc(tr.Stages, func(s ask.Stage) bool { return s.ID == "assessment" })
	if !slices.ContainsFunc(tr.Stages[i].Gaps, func(g ask.Gap) bool {
		return g.Expectation == "risk-assessment-per-system" && g.Status == assess.StatusMissing
	}) {
		t.Errorf("a missing assessment is no gap of its stage: %+v", tr.Stages[i].Gaps)
	}
}
