package plan_test

import (
	"encoding/json"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/plan"
	"github.com/exhibit-aims/exhibit/internal/readiness"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func record(t testing.TB, kind, subject, payload string) readiness.Record {
	t.Helper()
	r, err := readiness.ParseRecord(evidence.Evidence{Kind: kind, Subject: evidence.Subject{Type: "x", ID: subject}, Key: kind + subject + payload,
		Digest: evidence.Sum([]byte(payload)), CollectedAt: now, EventTime: now, Payload: json.RawMessage(payload)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func result(slug, subject string, status assess.Status, shown ...string) *assess.Result {
	r := &assess.Result{Expectation: slug, Subject: evidence.Subject{Type: "ai_system", ID: subject}, Status: status, Severity: "minor"}
	for _, s := range shown {
		r.Evidence = append(r.Evidence, evidence.Sum([]byte(s)))
	}
	return r
}

func results(list ...*assess.Result) *assess.Assessment {
	return &assess.Assessment{AsOf: now, Results: list}
}

const phases = "phases: [{id: 1, title: one, days: 30}, {id: 2, title: two, days: 60}]\n"

func load(t *testing.T, text string) (*plan.Plan, error) {
	t.Helper()
	return plan.Load(fstest.MapFS{plan.File: {Data: []byte(text)}}, plan.Known{Kinds: []string{"k"}, Expectations: []string{"e", "f"}})
}

// compute says how an item with one condition stands.
func compute(t *testing.T, condition string, w plan.World) plan.Progress {
	t.Helper()
	p, err := load(t, phases+"items: [{id: i, phase: 1, title: t, done: d, owner: o, conditions: [{"+condition+"}]}]\n")
	if err != nil {
		t.Fatal(err)
	}
	if w.Assessment == nil {
		w.Assessment = results()
	}
	if w.Operates == nil {
		w.Operates = func(evidence.Digest) (time.Time, bool) { return time.Time{}, false }
	}
	if w.Start.IsZero() {
		w.Start = now
	}
	return p.Compute(w).Items[0]
}

// The file that ships names only what there is; its fifteen items have conditions.
func TestShippedPlan(t *testing.T) {
	c, err := catalog.Load(config.FS)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := fs.Sub(config.FS, "expectations")
	if err != nil {
		t.Fatal(err)
	}
	eng, err := assess.Compile(c, assess.Options{Rules: rules, Trusted: true, Checked: config.Conditions})
	if err != nil {
		t.Fatal(err)
	}
	var slugs []string
	for _, e := range eng.Expectations() {
		slugs = append(slugs, e.Slug)
	}
	p, err := plan.Load(config.FS, plan.Known{Kinds: c.KindIDs(), Expectations: slugs})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Items) != 15 || len(p.Phases) != 3 {
		t.Errorf("%d items in %d phases", len(p.Items), len(p.Phases))
	}
	empty := p.Compute(plan.World{Assessment: results(), Start: now, Operates: func(evidence.Digest) (time.Time, bool) { return now, true }})
	for _, i := range empty.Items {
		if i.State != plan.Open || len(i.Missing) == 0 {
			t.Errorf("%s is %s where nothing is known, missing %q", i.ID, i.State, i.Missing)
		}
	}
}

func TestProblems(t *testing.T) {
	item := func(s string) string {
		return phases + "items: [{id: i, phase: 1, title: t, done: d, owner: o, " + s + "}]\n"
	}
	for name, tc := range map[string][2]string{
		"no condition":        {item("conditions: []"), "would be done from the start"},
		"empty condition":     {item("conditions: [{}]"), "this one says 0"},
		"two in one":          {item("conditions: [{tiers: true, body: true}]"), "this one says 2"},
		"unknown expectation": {item("conditions: [{satisfied: [g]}]"), `unknown expectation "g"`},
		"unknown share":       {item("conditions: [{share: {expectation: g, at_least: 9}}]"), `unknown expectation "g"`},
		"unknown kind":        {item("conditions: [{read: [x]}]"), `unknown kind "x"`},
		"unknown grade":       {item("conditions: [{none_open: huge}]"), `unknown grade "huge"`},
		"unknown entry":       {item("conditions: [{recorded: wish}]"), `unknown entry "wish"`},
		"unknown phase":       {strings.Replace(item("conditions: [{tiers: true}]"), "phase: 1", "phase: 7", 1), "there is no phase 7"},
	} {
		if _, err := load(t, tc[0]); err == nil || !strings.Contains(err.Error(), tc[1]) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestExpectations(t *testing.T) {
	for name, tc := range map[string]struct {
		condition string
		results   []*assess.Result
		missing   string // none: done
	}{
		"all satisfied":         {"satisfied: [e]", []*assess.Result{result("e", "a", assess.StatusSatisfied)}, ""},
		"applies to nothing":    {"satisfied: [e]", []*assess.Result{result("e", "a", assess.StatusNotApplicable)}, ""},
		"no result":             {"satisfied: [e]", nil, "e: no result"},
		"unknown is not done":   {"satisfied: [e]", []*assess.Result{result("e", "a", assess.StatusSatisfied), result("e", "b", assess.StatusNotAssessed)}, "e: 1 / 2 satisfied, 1 not_assessed"},
		"waived is not done":    {"satisfied: [e]", []*assess.Result{result("e", "a", assess.StatusWaived)}, "e: 0 / 1 satisfied, 1 waived"},
		"one of two slugs":      {"satisfied: [e, f]", []*assess.Result{result("e", "a", assess.StatusSatisfied), result("f", "a", assess.StatusFailing)}, "f: 0 / 1 satisfied, 1 failing"},
		"due is not satisfied":  {"satisfied: [e]", []*assess.Result{result("e", "a", assess.StatusDue)}, "1 due"},
		"due is within duty":    {"within_duty: [e]", []*assess.Result{result("e", "a", assess.StatusDue)}, ""},
		"begun, whatever it is": {"begun: [e]", []*assess.Result{result("e", "a", assess.StatusFailing), result("e", "b", assess.StatusStale)}, ""},
		"not begun for one":     {"begun: [e]", []*assess.Result{result("e", "a", assess.StatusFailing), result("e", "b", assess.StatusMissing)}, "begun for 1 / 2, 1 missing"},
		"begun with nothing":    {"begun: [e]", nil, "nothing to begin with"},
		"share of nobody":       {"share: {expectation: e, at_least: 50}", nil, "nobody to count"},
		"exactly the share":     {"share: {expectation: e, at_least: 50}", []*assess.Result{result("e", "a", assess.StatusSatisfied), result("e", "b", assess.StatusMissing)}, ""},
		"one below the share":   {"share: {expectation: e, at_least: 51}", []*assess.Result{result("e", "a", assess.StatusSatisfied), result("e", "b", assess.StatusMissing)}, "1 / 2 satisfied, 2 wanted"},
		"unknown major is open": {"none_open: minor", []*assess.Result{result("e", "a", assess.StatusNotAssessed)}, "1 results of severity minor are not assessed"},
		"no finding of it":      {"none_open: minor", []*assess.Result{result("e", "a", assess.StatusSatisfied)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			i := compute(t, tc.condition, plan.World{Assessment: results(tc.results...)})
			if (i.State == plan.Done) != (tc.missing == "") || !strings.Contains(strings.Join(i.Missing, "; "), tc.missing) {
				t.Errorf("%s, missing %q", i.State, i.Missing)
			}
		})
	}
	if i := compute(t, "none_open: major", plan.World{Grades: map[string][]string{"major": {"F-1"}}}); i.State == plan.Done {
		t.Error("done with an open finding")
	}
}

// Evidence is that of what holds, once.
func TestEvidence(t *testing.T) {
	i := compute(t, "satisfied: [e]", plan.World{Assessment: results(result("e", "a", assess.StatusSatisfied, "x", "y"), result("e", "b", assess.StatusSatisfied, "y"))})
	if len(i.Evidence) != 2 {
		t.Errorf("%d pieces of evidence", len(i.Evidence))
	}
}

// Dates follow from the start alone; one second after the end it is late.
func TestBackdating(t *testing.T) {
	for name, tc := range map[string]struct {
		start time.Time
		state string
		late  int
	}{
		"on the day":     {now.AddDate(0, 0, -30), plan.Open, 0},
		"a second later": {now.AddDate(0, 0, -30).Add(-time.Second), plan.Late, 0},
		"back-dated":     {now.AddDate(0, 0, -45), plan.Late, 15},
		"begins later":   {now.AddDate(0, 0, 10), plan.Open, 0},
	} {
		i := compute(t, "satisfied: [e]", plan.World{Start: tc.start})
		if i.State != tc.state || i.DaysLate != tc.late || !i.DueAt.Equal(tc.start.AddDate(0, 0, 30)) {
			t.Errorf("%s: %s, %d days late, due %s", name, i.State, i.DaysLate, i.DueAt)
		}
		done := compute(t, "satisfied: [e]", plan.World{Start: tc.start, Assessment: results(result("e", "a", assess.StatusSatisfied))})
		if done.State != plan.Done {
			t.Errorf("%s: done, and %s", name, done.State)
		}
	}
}

func TestTiers(t *testing.T) {
	system := func(id, more string) readiness.Record {
		return record(t, "inventory.ai_system", id, `{"system_id":"`+id+`","risk_tier":"high"`+more+`}`)
	}
	screened := record(t, "inventory.use_case_approval", "two", `{"system_id":"two","tier":"high","screening":"decides about people"}`)
	other := record(t, "inventory.use_case_approval", "three", `{"system_id":"three","tier":"minimal","screening":"decides about people"}`)
	w := plan.World{Records: readiness.Records{system("one", `,"tier_reason":"it decides"`), system("two", ""), screened}}
	if i := compute(t, "tiers: true", w); i.State != plan.Done {
		t.Errorf("missing %q", i.Missing)
	}
	w.Records = append(w.Records, system("three", ""), other)
	if i := compute(t, "tiers: true", w); len(i.Missing) != 1 || !strings.HasSuffix(i.Missing[0], ": three") {
		t.Errorf("missing %q", i.Missing)
	}
}

func TestScan(t *testing.T) {
	scan := func(pct string) plan.World {
		return plan.World{Records: readiness.Records{record(t, "shadow_ai.scan_run", "organization", `{"run_id":"r"`+pct+`}`)}}
	}
	for pct, state := range map[string]string{`,"coverage_pct":95`: plan.Done, `,"coverage_pct":94.9`: plan.Open, "": plan.Open} {
		if i := compute(t, "scan: 95", scan(pct)); i.State != state {
			t.Errorf("%s: %s, missing %q", pct, i.State, i.Missing)
		}
	}
}

func TestHealthy(t *testing.T) {
	run := func(source string, daysAgo int, status evidence.RunStatus) evidence.Run {
		at := now.AddDate(0, 0, -daysAgo)
		return evidence.Run{Provenance: evidence.Provenance{Source: source}, StartedAt: at, FinishedAt: at, Status: status}
	}
	imported := run("old", 90, evidence.RunFailed)
	imported.Provenance.Imported = true
	for name, tc := range map[string]struct {
		runs    []evidence.Run
		sources []string
		missing string
	}{
		"for a week":      {[]evidence.Run{run("a", 8, evidence.RunComplete), run("a", 1, evidence.RunComplete), imported}, nil, ""},
		"since yesterday": {[]evidence.Run{run("a", 1, evidence.RunComplete)}, nil, "source a: read since 2026-11-22 only"},
		"partial once":    {[]evidence.Run{run("a", 8, evidence.RunComplete), run("a", 3, evidence.RunPartial), run("a", 1, evidence.RunComplete)}, nil, "1 runs of the last 7 days were partial or failed"},
		"failed long ago": {[]evidence.Run{run("a", 9, evidence.RunFailed), run("a", 8, evidence.RunComplete), run("a", 1, evidence.RunComplete)}, nil, ""},
		"stopped":         {[]evidence.Run{run("a", 20, evidence.RunComplete), run("a", 3, evidence.RunComplete)}, nil, "source a: last read on 2026-11-20"},
		"one never read":  {[]evidence.Run{run("a", 8, evidence.RunComplete), run("a", 1, evidence.RunComplete)}, []string{"a", "b"}, "source b: was never read"},
		"nothing at all":  {nil, nil, "no source was ever read"},
	} {
		i := compute(t, "healthy: 7d", plan.World{Runs: tc.runs, Sources: tc.sources})
		if (i.State == plan.Done) != (tc.missing == "") || !strings.Contains(strings.Join(i.Missing, "; "), tc.missing) {
			t.Errorf("%s: %s, missing %q", name, i.State, i.Missing)
		}
	}
}

// A system needs a record that something was done in each mode that applies to
// it; an entry of a register is none.
func TestOperating(t *testing.T) {
	a := results(result("e", "one", assess.StatusSatisfied, "act"), result("f", "one", assess.StatusFailing, "entry"))
	a.Expectations = []assess.InForce{{Slug: "e", Strength: "operation", Mode: "per_event"}, {Slug: "f", Strength: "operation", Mode: "periodic"}}
	w := plan.World{Assessment: a, Records: readiness.Records{record(t, "inventory.ai_system", "one", `{"system_id":"one"}`)},
		Operates: func(d evidence.Digest) (time.Time, bool) { return now, d == evidence.Sum([]byte("act")) }}
	if d := cmp.Diff([]string{"one: no operating record of mode periodic"}, compute(t, "operating: true", w).Missing); d != "" {
		t.Error(d)
	}
	a.Results[1].Status = assess.StatusNotApplicable
	if i := compute(t, "operating: true", w); i.State != plan.Done {
		t.Errorf("missing %q", i.Missing)
	}
	w.Records = append(w.Records, record(t, "inventory.ai_system", "two", `{"system_id":"two"}`))
	if d := cmp.Diff([]string{"two: no expectation about operation applies yet"}, compute(t, "operating: true", w).Missing); d != "" {
		t.Error(d)
	}
}

func TestReadRetentionRecordedBody(t *testing.T) {
	run := evidence.Run{FinishedAt: now, Kinds: map[string]evidence.KindRead{"k": {Coverage: "complete"}}}
	partial := evidence.Run{FinishedAt: now, Kinds: map[string]evidence.KindRead{"k": {Coverage: "partial"}}}
	one := readiness.Records{record(t, "k", "s", `{}`)}
	for name, tc := range map[string]struct {
		condition string
		w         plan.World
		done      bool
	}{
		"read, and there": {"read: [k]", plan.World{Runs: []evidence.Run{run}, Records: one}, true},
		"read, and none":  {"read: [k]", plan.World{Runs: []evidence.Run{run}}, false},
		"not wholly read": {"read: [k]", plan.World{Runs: []evidence.Run{partial}, Records: one}, false},
		"retention":       {"retention: true", plan.World{Retention: true}, true},
		"no retention":    {"retention: true", plan.World{}, false},
		"recorded":        {"recorded: bundle", plan.World{Recorded: map[string]time.Time{"bundle": now}}, true},
		"something else":  {"recorded: bundle", plan.World{Recorded: map[string]time.Time{"workbook": now}}, false},
		"no body":         {"body: true", plan.World{}, false},
		"an empty body":   {"body: true", plan.World{Records: readiness.Records{record(t, readiness.KindBody, "o", `{"body":"B"}`)}}, false},
	} {
		if i := compute(t, tc.condition, tc.w); (i.State == plan.Done) != tc.done {
			t.Errorf("%s: %s, missing %q", name, i.State, i.Missing)
		}
	}
}

func TestOwners(t *testing.T) {
	hold := func(person, more string) readiness.Record {
		return record(t, "role.assignment", person, `{"role":"O","person":"`+person+`"`+more+`}`)
	}
	i := compute(t, "tiers: true", plan.World{Records: readiness.Records{hold("bob", ""), hold("ann", ""), hold("left", `,"directory_active":false`), hold("later", `,"start":"2027-01-01T00:00:00Z"`)}})
	if d := cmp.Diff([]string{"ann", "bob"}, i.Owners); d != "" {
		t.Error(d)
	}
}
