package readiness_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/readiness"
)

const scopeOfLisbon = `{"statement":"All AI of Lisbon.","sites":["Lisbon","Prague"],"approved_by":"ann","approved_at":"2026-05-01T00:00:00Z"}`

// fullBody is a body of which everything is known and nothing is to be minded.
const fullBody = `{"body":"Zenith Assurance","accreditation_body":"Accreditor","scheme":"ISO/IEC 42001","accreditation_number":"12",
 "valid_to":"2028-01-01T00:00:00Z","checked_on":"2026-11-01T00:00:00Z","years":12,"management_schemes":["ISO/IEC 27001"],"references":["Acme"],
 "sector_references":["Other Insurance"],"auditors":["Ms Audit"],"competence_sha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
 "sites_covered":["prague","Lisbon"],"stage1_days":2,"stage2_days":5,"surveillance_days":2,"stage1_at":"2027-02-01T00:00:00Z","stage2_at":"2027-04-01T00:00:00Z",
 "surveillance_plan":"yearly","scope_text":"all AI of  Lisbon","offer_sha256":"bb","monitoring_answer":"a","oversight_answer":"b","vendor_answer":"c",
 "change_answer":"d","challenge_answer":"e"}`

func worksheet(t *testing.T, scope, body string) readiness.Body {
	t.Helper()
	all := readiness.Records{record(t, readiness.KindBody, "organization", "z", "2026-11-01", body)}
	if scope != "" {
		all = append(all, record(t, "scope.statement", "organization", "scope", "2026-05-01", scope))
	}
	return readiness.Worksheet(assessment(), all).Bodies[0]
}

func TestWorksheetComplete(t *testing.T) {
	b := worksheet(t, scopeOfLisbon, fullBody)
	for _, c := range b.Criteria {
		if c.Mark != readiness.Filled || len(c.Asks) > 0 {
			t.Errorf("%s: %s, %q", c.ID, c.Mark, c.Asks)
		}
	}
	if !b.Complete || len(b.Criteria) != 8 || b.Warnings+b.Open != 0 {
		t.Errorf("complete %v, %d criteria, %d warnings, %d open", b.Complete, len(b.Criteria), b.Warnings, b.Open)
	}
}

func TestWorksheetMarks(t *testing.T) {
	edit := func(old, new string) string {
		out := strings.Replace(fullBody, old, new, 1)
		if out == fullBody {
			t.Fatalf("%s is not there", old)
		}
		return out
	}
	for name, tc := range map[string]struct {
		scope, body, criterion, mark, asks string
		complete                           bool
	}{
		"ends before stage 2":     {scopeOfLisbon, edit("2028-01-01", "2027-03-31"), "accreditation", readiness.Warning, "ends on 2027-03-31, before stage 2 on 2027-04-01", true},
		"ends on the day":         {scopeOfLisbon, edit("2028-01-01", "2027-04-01"), "accreditation", readiness.Filled, "", true},
		"for another standard":    {scopeOfLisbon, edit(`"scheme":"ISO/IEC 42001"`, `"scheme":"ISO 9001"`), "accreditation", readiness.Warning, "does not name 42001", true},
		"looked up long ago":      {scopeOfLisbon, edit(`"checked_on":"2026-11-01`, `"checked_on":"2026-08-01`), "accreditation", readiness.Warning, "look again", true},
		"no years":                {scopeOfLisbon, edit(`"years":12,`, ""), "experience", readiness.Open, "years is not on record", false},
		"no statement of skills":  {scopeOfLisbon, edit(`"competence_sha256"`, `"nothing"`), "ai-competence", readiness.Open, "statement of competence, SHA-256 is not on record", false},
		"no sector":               {scopeOfLisbon, edit(`"sector_references":["Other Insurance"]`, `"sector_references":[]`), "sector", readiness.Open, "clients in the sector", false},
		"a site without plan":     {scopeOfLisbon, edit(`["prague","Lisbon"]`, `["Lisbon"]`), "sites", readiness.Warning, "Prague is in the scope, and no audit plan names it", true},
		"another scope":           {scopeOfLisbon, edit("all AI of  Lisbon", "the chatbot"), "terms", readiness.Warning, `"the chatbot" against "All AI of Lisbon."`, true},
		"no approved scope":       {strings.Replace(scopeOfLisbon, `"approved_by":"ann",`, "", 1), fullBody, "terms", readiness.Open, "no scope statement is approved", false},
		"no scope at all":         {"", fullBody, "sites", readiness.Open, "nobody can tell which sites", false},
		"no answer about vendors": {scopeOfLisbon, edit(`"vendor_answer":"c",`, ""), "topics", readiness.Open, "dependence on vendors", false},
		"reads documents only":    {scopeOfLisbon, edit(`"challenge_answer":"e"`, `"x":"y"`), "challenge", readiness.Open, "beyond documents", false},
		"stage 2 before stage 1":  {scopeOfLisbon, edit("2027-02-01", "2027-05-01"), "terms", readiness.Warning, "before stage 1 is over", true},
	} {
		t.Run(name, func(t *testing.T) {
			b := worksheet(t, tc.scope, tc.body)
			for _, c := range b.Criteria {
				if c.ID == tc.criterion && (c.Mark != tc.mark || !strings.Contains(strings.Join(c.Asks, "; "), tc.asks)) {
					t.Errorf("%s: %s, %q", c.ID, c.Mark, c.Asks)
				}
			}
			if b.Complete != tc.complete {
				t.Errorf("complete: %v", b.Complete)
			}
		})
	}
}

// The order is that of the alphabet, whatever is known of whom.
func TestWorksheetRanksNobody(t *testing.T) {
	all := readiness.Records{
		record(t, readiness.KindBody, "organization", "z", "2026-11-01", fullBody),
		record(t, readiness.KindBody, "organization", "a", "2026-11-02", `{"body":"Aardvark"}`),
		record(t, readiness.KindBody, "organization", "m", "2026-11-03", `{"body":"Middle"}`),
	}
	var got []string
	for _, b := range readiness.Worksheet(assessment(), all).Bodies {
		got = append(got, b.Name)
	}
	if d := cmp.Diff([]string{"Aardvark", "Middle", "Zenith Assurance"}, got); d != "" {
		t.Error(d)
	}
}

func TestCards(t *testing.T) {
	a := assessment(
		result("monitoring-active", "A.6.2.6", "one", assess.StatusSatisfied, "m1"),
		result("monitoring-active", "A.6.2.6", "two", assess.StatusFailing, "m2"),
		result("monitoring-active", "A.6.2.6", "three", assess.StatusNotApplicable),
		result("incident-handled", "A.6.2.6", "one", assess.StatusSatisfied, "i1"),
		result("incident-handled", "A.6.2.6", "two", assess.StatusSatisfied, "i2"),
		result("incident-handled", "A.6.2.6", "four", assess.StatusMissing))
	a.Expectations = []assess.InForce{{Slug: "monitoring-active", Control: "A.6.2.6"}, {Slug: "incident-handled", Control: "A.6.2.6"}}
	a.Populations = []assess.Population{{Expectation: "monitoring-active", Complete: true}, {Expectation: "incident-handled"}}
	cards := readiness.Worksheet(a, nil).Cards
	if len(cards) != 4 {
		t.Fatalf("%d cards, want four", len(cards))
	}
	want := []readiness.CardPart{{Expectation: "monitoring-active", Satisfied: 1, Total: 2, Complete: true}, {Expectation: "incident-handled", Satisfied: 2, Total: 3}}
	if d := cmp.Diff(want, cards[0].Of); d != "" {
		t.Error(d)
	}
	if len(cards[0].Samples) != 3 || len(cards[1].Samples) != 0 {
		t.Errorf("samples: %d and %d", len(cards[0].Samples), len(cards[1].Samples))
	}
	again := readiness.Worksheet(a, nil).Cards
	if d := cmp.Diff(cards, again); d != "" {
		t.Errorf("drawn again:\n%s", d)
	}
	a.Checkpoint.Root = "another"
	other := 0
	for _, root := range []string{"a", "b", "c", "d", "e"} {
		a.Checkpoint.Root = root
		if cmp.Diff(cards[0].Samples, readiness.Worksheet(a, nil).Cards[0].Samples) != "" {
			other++
		}
	}
	if other == 0 {
		t.Error("whatever the ledger, the same samples: somebody chose them")
	}
}
