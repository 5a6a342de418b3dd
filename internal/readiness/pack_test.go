package readiness_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/readiness"
)

// book loads stages from YAML.
func book(t *testing.T, text string) *readiness.Book {
	t.Helper()
	b, err := readiness.Load(fstest.MapFS{readiness.File: {Data: []byte(text)}}, readiness.Known{
		Kinds:        []string{"scope.statement", "risk.assessment", "concern.report", "communication.record", "review.management"},
		Controls:     []string{"4.3"},
		Expectations: []string{"scope-statement-approved"}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// prepare says how one item stands.
func prepare(t *testing.T, item string, w readiness.World) readiness.Ready {
	t.Helper()
	b := book(t, "stages:\n- {id: s, title: S, about: A, items: [{id: i, title: I, "+item+"}]}\ninterviews:\n- {about: Risks, roles: [risk-owner], controls: ['4.3']}\n")
	if w.Assessment == nil {
		w.Assessment = assessment()
	}
	if w.Operates == nil {
		w.Operates = func(evidence.Digest) (time.Time, bool) { return time.Time{}, false }
	}
	return b.Prepare(b.Stages[0], w).Items[0]
}

// The file that ships names only what there is; stage 1 has its ten items.
func TestShippedBook(t *testing.T) {
	c, err := catalog.Load(config.FS)
	if err != nil {
		t.Fatal(err)
	}
	b, err := readiness.Load(config.FS, readiness.Known{Kinds: c.KindIDs(), Controls: c.ControlIDs(), Expectations: shippedSlugs(t)})
	if err != nil {
		t.Fatal(err)
	}
	if got := b.StageIDs(); !slices.Equal(got, []string{"stage1", "stage2", "surveillance"}) {
		t.Errorf("stages %v", got)
	}
	if n := len(b.Stages[0].Items); n != 10 {
		t.Errorf("stage 1 has %d items", n)
	}
}

func TestBookProblems(t *testing.T) {
	for name, item := range map[string]string{
		"unknown kind":        "evidence: [{name: n, kinds: [nothing.there]}]",
		"unknown control":     "controls: ['4.33'], evidence: [{name: n, kinds: [scope.statement]}]",
		"unknown expectation": "expectations: [x], evidence: [{name: n, kinds: [scope.statement]}]",
		"neither":             "controls: ['4.3']",
		"both":                "build: delta, evidence: [{name: n, kinds: [scope.statement]}]",
		"unknown build":       "build: magic",
		"wants nothing":       "evidence: [{name: n}]",
	} {
		text := "stages:\n- {id: s, title: S, about: A, items: [{id: i, title: I, " + item + "}]}\ninterviews: []\n"
		_, err := readiness.Load(fstest.MapFS{readiness.File: {Data: []byte(text)}}, readiness.Known{
			Kinds: []string{"scope.statement"}, Controls: []string{"4.3"}, Expectations: []string{"e"}})
		if err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestWants(t *testing.T) {
	approved := record(t, "scope.statement", "organization", "scope", "2026-05-01", scopeOfLisbon)
	draft := record(t, "scope.statement", "organization", "draft", "2026-06-01", `{"statement":"x"}`)
	doc := func(sha string) readiness.Record {
		return record(t, "document.revision", "P", "P|"+sha, "2026-05-01", `{"doc_id":"P","sha256":"`+sha+`","version":"2"}`)
	}
	approval := record(t, "document.approval", "P", "P|aa|ann", "2026-05-02", `{"doc_id":"P","sha256":"aa","approver":"ann","decision":"approved","approved_at":"2026-05-02T00:00:00Z"}`)
	reads := map[string]time.Time{"scope.statement": now, "concern.report": now, "communication.record": now, "document.revision": now}
	for name, tc := range map[string]struct {
		want    string
		records readiness.Records
		reads   map[string]time.Time
		state   string
		says    string
	}{
		"approved":                 {"kinds: [scope.statement], approved: true", readiness.Records{approved}, reads, readiness.There, ""},
		"newest is a draft":        {"kinds: [scope.statement], approved: true", readiness.Records{approved, draft}, reads, readiness.Partly, "the newest, draft, is not approved"},
		"read, and none":           {"kinds: [scope.statement]", nil, reads, readiness.Missing, "none, by a complete reading of 2026-11-23"},
		"never read":               {"kinds: [scope.statement]", nil, nil, readiness.Missing, "nobody has read a source that would show it"},
		"none is fine":             {"kinds: [concern.report], since: true, none_is_fine: true", nil, reads, readiness.There, ""},
		"none is fine if read":     {"kinds: [concern.report], since: true, none_is_fine: true", nil, nil, readiness.Missing, "nobody has read"},
		"of before the last audit": {"kinds: [scope.statement], since: true", readiness.Records{record(t, "scope.statement", "o", "k", "2025-11-01", `{}`)}, reads, readiness.Missing, "since 2026-01-01: none"},
		"approved document":        {"documents: [P], approved: true", readiness.Records{doc("aa"), approval}, reads, readiness.There, ""},
		"edited document":          {"documents: [P], approved: true", readiness.Records{doc("bb"), approval}, reads, readiness.Partly, "what was approved is another content"},
		"document of nobody":       {"documents: [P], approved: true", readiness.Records{doc("aa")}, reads, readiness.Partly, "no approval is on record"},
		"another topic":            {"kinds: [communication.record], field: topic, words: [certificat]", readiness.Records{record(t, "communication.record", "o", "k", "2026-05-01", `{"topic":"AI policy"}`)}, reads, readiness.Missing, "none"},
		"the topic":                {"kinds: [communication.record], field: topic, words: [certificat]", readiness.Records{record(t, "communication.record", "o", "k", "2026-05-01", `{"topic":"Our Certificate"}`)}, reads, readiness.There, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := prepare(t, "evidence: [{name: it, "+tc.want+"}]", readiness.World{Records: tc.records, Reads: tc.reads, Since: day("2026-01-01")})
			if r.State != tc.state || !strings.Contains(strings.Join(r.Missing, "; "), tc.says) || (tc.says == "") != (len(r.Missing) == 0) {
				t.Errorf("%s, missing %q", r.State, r.Missing)
			}
			for _, s := range r.Shown {
				if s.Evidence.IsZero() {
					t.Errorf("%s is shown without a digest", s.Name)
				}
			}
		})
	}
}

func TestPerSystem(t *testing.T) {
	system := func(id, more string) readiness.Record {
		return record(t, "inventory.ai_system", id, id, "2026-05-01", `{"system_id":"`+id+`"`+more+`}`)
	}
	risk := func(system, key, by string) readiness.Record {
		return record(t, "risk.assessment", system, key, "2026-05-01", `{"system_id":"`+system+`","approved_by":"`+by+`","approved_at":"2026-05-01T00:00:00Z"}`)
	}
	r := prepare(t, "evidence: [{name: risk assessment, kinds: [risk.assessment], approved: true, per: system}]", readiness.World{Records: readiness.Records{
		system("one", ""), system("two", ""), system("three", ""), system("gone", `,"retired_at":"2026-01-01T00:00:00Z"`), system("outside", `,"in_scope":false`),
		risk("one", "R1", "ann"), risk("two", "R2", ""),
	}})
	want := []string{"risk assessment of three: none", "risk assessment of two: the newest, R2, is not approved"}
	if d := cmp.Diff(want, r.Missing); d != "" {
		t.Error(d)
	}
	if r := prepare(t, "evidence: [{name: it, kinds: [risk.assessment], per: system}]", readiness.World{}); len(r.Missing) != 1 || r.State != readiness.Missing {
		t.Errorf("without systems: %s %q", r.State, r.Missing)
	}
}

// A record that a thing is there is no record that something was done.
func TestOperation(t *testing.T) {
	a := assessment(result("done", "8.1", "one", assess.StatusSatisfied, "entry", "act"), result("done", "8.1", "two", assess.StatusFailing, "entry"),
		result("registered", "8.1", "one", assess.StatusSatisfied, "entry"), result("design", "8.1", "one", assess.StatusSatisfied))
	a.Expectations = []assess.InForce{{Slug: "done", Strength: "operation", Mode: "per_event"}, {Slug: "registered", Strength: "operation", Mode: "state"},
		{Slug: "design", Strength: "design", Mode: "state"}}
	r := prepare(t, "build: operation", readiness.World{Assessment: a, Operates: func(d evidence.Digest) (time.Time, bool) {
		return day("2026-05-04"), d == evidence.Sum([]byte("act"))
	}})
	if d := cmp.Diff([]string{"done (per_event): operating records for 1 of 2, 2026-05-04 to 2026-05-04"}, r.Lines); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"registered (state): no operating record for any of 1"}, r.Missing); d != "" {
		t.Error(d)
	}
}

func TestInterviews(t *testing.T) {
	hold := func(person, more string) readiness.Record {
		return record(t, "role.assignment", person, person, "2026-05-01", `{"role":"Risk_Owner","person":"`+person+`"`+more+`}`)
	}
	r := prepare(t, "build: interviews", readiness.World{Records: readiness.Records{
		hold("ann", ""), hold("left", `,"directory_active":false`), hold("before", `,"end":"2026-06-01T00:00:00Z"`), hold("bob", `,"system_id":"one"`)}})
	if d := cmp.Diff([]string{"Risks: ann, bob (one); about 4.3"}, r.Lines); d != "" {
		t.Error(d)
	}
	r = prepare(t, "build: interviews", readiness.World{Records: readiness.Records{hold("left", `,"directory_active":false`)}})
	if d := cmp.Diff([]string{"Risks: nobody holds risk-owner"}, r.Missing); d != "" {
		t.Error(d)
	}
}

func TestProgramme(t *testing.T) {
	programme := record(t, "audit.programme", "o", "c", "2026-01-01", `{"cycle":"2026-2028","approved_by":"ann","approved_at":"2026-01-01T00:00:00Z","audits":[
	 {"clauses":["8","9"],"planned_at":"2026-03-01T00:00:00Z"},{"controls":["A.6.2"],"planned_at":"2027-03-01T00:00:00Z"},
	 {"controls":["A.9.2"],"planned_at":"2026-06-01T00:00:00Z"},{"controls":["A.10"]}]}`)
	draft := record(t, "audit.programme", "o", "d", "", `{"cycle":"draft","audits":[{"controls":["A.10.3"],"planned_at":"2027-01-01T00:00:00Z"}]}`)
	audit := record(t, "audit.internal", "o", "a", "2026-03-20", `{"audit_id":"A1","auditor":"eve","clauses":["8"],"controls":["A.7"],"performed_at":"2026-03-20T00:00:00Z"}`)
	got := map[string]string{}
	for _, row := range readiness.Programme(assessment(), readiness.Records{programme, draft, audit}) {
		got[row.Control] = row.State
	}
	want := map[string]string{
		"8.1":     readiness.AuditDone,
		"9.2.1":   readiness.AuditLate,    // planned for March, nothing was done
		"A.6.2.6": readiness.AuditPlanned, // by what it is a part of
		"A.7.2":   readiness.AuditDone, "A.7.3": readiness.AuditDone,
		"A.9.2":  readiness.AuditLate,
		"A.10.3": readiness.AuditNone, // without a date it is no plan, and a draft plans nothing
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestNonconformities(t *testing.T) {
	w := readiness.World{Reads: map[string]time.Time{"audit.finding": now, "corrective_action.record": now}, Records: readiness.Records{
		record(t, "audit.finding", "F1", "F1", "2026-05-01", `{"finding_id":"F1","grade":"minor","clause":"8.1","due":"2026-06-01T00:00:00Z"}`),
		record(t, "audit.finding", "F2", "F2", "2026-05-01", `{"finding_id":"F2","closed_at":"2026-07-01T00:00:00Z","due":"2026-06-01T00:00:00Z"}`),
		record(t, "corrective_action.record", "N1", "C1", "", `{"action_id":"C1","nc_id":"N1","due":"2026-07-01T00:00:00Z"}`),
	}}
	r := prepare(t, "build: nonconformities", w)
	if d := cmp.Diff([]string{"F1 is past its date, 2026-06-01", "action C1 of nobody is past its date, 2026-07-01"}, r.Missing); d != "" {
		t.Error(d)
	}
	if r := prepare(t, "build: nonconformities", readiness.World{}); r.State != readiness.Missing || len(r.Missing) != 2 {
		t.Errorf("nobody looked: %s %q", r.State, r.Missing)
	}
}
