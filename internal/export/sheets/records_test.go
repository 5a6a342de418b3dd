package sheets

import (
	"slices"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
	"github.com/exhibit-aims/exhibit/internal/people"
)

func TestSheetsWithoutRecordsSaySo(t *testing.T) {
	b, _ := smallBook(t, nil)
	for _, name := range recordSheets {
		g := show(t, b, name)
		if len(g.rows) != 1 {
			t.Fatalf("%s: %d rows", name, len(g.rows))
		}
		var all []string
		for _, text := range g.rows[0] {
			all = append(all, text)
		}
		if first := g.rows[0][g.layout.Columns[0].Title]; !strings.HasPrefix(first, "no ") || !strings.Contains(strings.Join(all, "\n"), "not established") {
			t.Errorf("%s: %q claims an absence that nobody established", name, all)
		}
	}
	show(t, b, "Shadow AI").is(t, 0, map[string]string{"id": "no scan on record", "subject": "No scan for AI use is on record as of the snapshot. That is no clean result: nobody looked.\n" +
		"shadow_ai.scan_run: no source that delivers it has been read, so it is not established that there is none."})
}

func TestAbsence(t *testing.T) {
	b, s := smallBook(t, nil)
	read := func(source, coverage string) evidence.Run {
		return evidence.Run{Provenance: evidence.Provenance{Source: source}, StartedAt: today, FinishedAt: today, Status: evidence.RunComplete,
			Kinds: map[string]evidence.KindRead{"jira.incident": {Coverage: coverage}}}
	}
	for _, tt := range []struct {
		name string
		runs []evidence.Run
		want string
	}{
		{"nobody delivers it", nil, "no source that delivers it has been read, so it is not established that there is none."},
		{"read completely", []evidence.Run{read("jira", "complete")}, "read completely, and none found: jira on 2026-06-30."},
		{"completely, then not", []evidence.Run{read("jira", "complete"), read("jira", "partial")},
			"not read completely, so it is not established that there is none: jira on 2026-06-30 (partial)."},
		{"one of two", []evidence.Run{read("jira", "complete"), read("desk", "denied")},
			"read completely: jira on 2026-06-30; not: desk on 2026-06-30 (denied), so it is not established that there is none."},
		{"a run that is open says nothing", []evidence.Run{read("jira", "complete"), {Provenance: evidence.Provenance{Source: "jira"}, StartedAt: today,
			Kinds: map[string]evidence.KindRead{"jira.incident": {}}}}, "read completely, and none found: jira on 2026-06-30."},
	} {
		s.snap.Runs = tt.runs
		if got := b.readOf("jira.incident"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// What an import may hold must not stop the export, and must not be passed
// over: a record of each kind whose every field has a wrong type.
func TestRecordsThatCannotBeRead(t *testing.T) {
	for _, name := range recordSheets {
		if name == "Waivers" || name == "AI systems" {
			continue // of the snapshot: read when it is gathered
		}
		var records []rec
		for _, kind := range map[string][]string{
			"Vendors and models": {"vendor.record", "vendor.assessment", "vendor.model_observation", "vendor.incident", "vendor.api_key_inventory", "vendor.model_lifecycle"},
			"Changes":            {"github.pull_request", "github.pull_request_review", "github.push", "model_registry.deployment", "cloud.guardrail", "vendor.model_lifecycle", "vendor.model_observation", "vendor.terms_revision", "github.deployment"},
			"Risks and impacts":  {"risk.assessment", "impact.assessment", "risk.treatment_plan", "risk.acceptance"},
			"Incidents":          {"jira.incident"},
			"NC and actions":     {"nonconformity.record", "corrective_action.record", "audit.finding"},
			"Shadow AI":          {"shadow_ai.finding"},
			"Audit and review":   {"audit.internal", "review.management", "audit.programme", "improvement.record"},
			"People":             {"role.assignment"},
		}[name] {
			records = append(records, rec{kind, "record", "odd " + kind, oddPayload})
		}
		b, s := smallBook(t, nil, records...)
		g := show(t, b, name)
		for i, r := range records {
			at := slices.IndexFunc(g.rows, func(row map[string]string) bool { return row[g.layout.Columns[0].Title] == r.id })
			if at < 0 {
				t.Errorf("%s: the %s that cannot be read has no row", name, r.kind)
				continue
			}
			if text := g.rows[at][g.layout.Columns[1].Title]; !strings.HasPrefix(text, r.kind+" cannot be shown: its payload is not what the kind says") {
				t.Errorf("%s: %q", name, text)
			}
			if to := g.leadsTo(at, "evidence"); to != evidenceRef(s.digests[i]) {
				t.Errorf("%s: leads to %v", name, to)
			}
		}
	}
}

// oddPayload gives to fields that all kinds have a type that none expects.
var oddPayload = func() string {
	var fields []string
	for _, f := range []string{"vendor_id", "vendor", "repo", "endpoint_id", "guardrail_id", "assessment_id", "plan_id", "risk_id", "key", "nc_id", "action_id",
		"finding_id", "audit_id", "review_id", "cycle", "id", "role", "model_id"} {
		fields = append(fields, `"`+f+`":[{"x":1}]`)
	}
	return "{" + strings.Join(fields, ",") + "}"
}()

func TestErasedAndHiddenRecords(t *testing.T) {
	b, s := smallBook(t, nil, rec{"jira.incident", "incident", "INC-1", `{"key":"INC-1"}`}, rec{"jira.incident", "incident", "INC-2", `{"key":"INC-2"}`})
	for ev, err := range s.Used(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		s.Erased[ev.PayloadSum] = true
		break
	}
	g := show(t, b, "Incidents")
	if len(g.rows) != 2 {
		t.Fatalf("%d rows, want two", len(g.rows))
	}
	g.is(t, 0, map[string]string{"key": "INC-1", "systems": "jira.incident cannot be shown: its payload was erased"})
	g.is(t, 1, map[string]string{"key": "INC-2", "notifiable": "not established"})

	s.snap.Redaction = &export.Redaction{Profile: "customer", Hides: func(kind string) bool { return kind == "jira.incident" }, Omits: func(string) bool { return false }}
	g = show(t, b, "Incidents")
	g.is(t, 0, map[string]string{"key": "no record of this kind is shown", "systems": "jira.incident: hidden by the redaction profile customer."})
}

func TestNamesAreComparedAsPeopleAre(t *testing.T) {
	b, _ := smallBook(t, nil,
		rec{"directory.names", "person", "aok", `{"person":"aok","names":["Amara Okonjo-Lind","amara@x.example","shared"]}`},
		rec{"directory.names", "person", "bri", `{"person":"bri","names":["shared","aok"]}`})
	n, err := b.directory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, same := range [][2]string{{"aok", "@AOK "}, {"Amara.Okonjo_Lind", "aok"}, {"AMARA@X.example", "amara okonjo lind"}, {"", ""}} {
		if !n.same(same[0], same[1]) {
			t.Errorf("%q and %q are two people", same[0], same[1])
		}
	}
	for _, other := range [][2]string{{"aok", "bri"}, {"shared", "aok"}, {"shared", "bri"}, {"", "aok"}} {
		if n.same(other[0], other[1]) {
			t.Errorf("%q and %q are one person", other[0], other[1])
		}
	}
	for _, a := range []string{"A.Berg", "a berg", "@a-berg", "ａ", "ſ", "s", "K", "\u212a", "a\u200bberg", ""} {
		for _, c := range []string{"A.Berg", "a berg", "@a-berg", "ａ", "ſ", "s", "K", "\u212a", "a\u200bberg", ""} {
			if (assess.NameForm(a) == assess.NameForm(c)) != people.Same(a, c) {
				t.Errorf("%q and %q: %v here, %v for waivers", a, c, assess.NameForm(a) == assess.NameForm(c), people.Same(a, c))
			}
		}
	}
	if got := n.display("AMARA@x.example"); got != "Amara Okonjo-Lind" {
		t.Errorf("shown as %q", got)
	}
}

func TestBadnessOrdersAsControlsDo(t *testing.T) {
	order := []assess.Status{assess.StatusFailing, assess.StatusMissing, assess.StatusNotAssessed, assess.StatusStale, assess.StatusPendingReview,
		assess.StatusDue, assess.StatusWaived, assess.StatusSatisfied, assess.StatusNotApplicable}
	for i := 1; i < len(order); i++ {
		if badness(order[i-1]) <= badness(order[i]) {
			t.Errorf("%s is not worse than %s", order[i-1], order[i])
		}
	}
	if badness("") != badness(assess.StatusNotAssessed) {
		t.Error("no status is not unknown")
	}
}

// TestQueryOnce: kinds that one query was for stand beside it, so that a cell
// does not say the same many times.
func TestQueryOnce(t *testing.T) {
	asked, _, _, _ := kindsOf(&evidence.Run{Kinds: map[string]evidence.KindRead{
		"jira.incident": {Query: "project = INC"}, "jira.issue": {Query: "project = X"}, "jira.approval": {Query: "project = INC"}, "jira.worklog": {}, "jira.user": {}}})
	if want := []string{"jira.approval, jira.incident: project = INC", "jira.issue: project = X", "jira.user, jira.worklog"}; !slices.Equal(asked, want) {
		t.Errorf("%q, want %q", asked, want)
	}
}
