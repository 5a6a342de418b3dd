package dashboard

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/assess"
)

// TestEvery: a schedule of a usual shape is said in words, any other stays.
func TestEvery(t *testing.T) {
	for spec, want := range map[string]string{
		"*/5 * * * *": "every 5 minutes", "7 * * * *": "every hour, at minute 7", "30 */6 * * *": "every 6 hours, at minute 30",
		"15 2 * * *": "every day at 02:15", "0 9 * * 1-5": "Monday to Friday at 09:00",
		"*/7 * * * *": "*/7 * * * *", "0 */5 * * *": "0 */5 * * *", "61 2 * * *": "61 2 * * *", "0 2 1 * *": "0 2 1 * *", "0 2 * * 1": "0 2 * * 1",
		"@daily": "@daily", "": "",
	} {
		if got := everyOf(spec); got != want {
			t.Errorf("%q is said as %q, want %q", spec, got, want)
		}
	}
}

// TestThresholds: thresholds are lines that people read, and none is left out.
func TestThresholds(t *testing.T) {
	got := thresholdsOf(assess.InForce{Params: map[string]any{"approvals_high_risk": 2, "roles": []any{"ai-officer", "ai_officer", ""}, "none": []any{}},
		EventMaxAge: "365d", Lookback: "1h", CollectionMaxAge: "2d"})
	want := []string{"approvals high risk: 2", "none: none", "roles: ai-officer, ai_officer, (empty)", "event at most 365 days old", "events of the last 1 hour", "read at most 2 days ago"}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// TestBrief: a list says how many runs looked; every other reason stays as it is.
func TestBrief(t *testing.T) {
	for reason, want := range map[string]string{
		"no plan; run 01ab looked": "no plan; a run looked", "no plan; runs 01ab, 02cd looked": "no plan; 2 runs looked",
		"no plan; runs of two": "no plan; runs of two", "": "",
	} {
		if got := assess.Brief(reason); got != want {
			t.Errorf("%q is said as %q, want %q", reason, got, want)
		}
	}
}

// TestBeginWith: the page of the day begins with what is overdue, the oldest first,
// and counts it.
func TestBeginWith(t *testing.T) {
	o := reader(t)
	list := o.dash.prepare(o.view()).undecided()
	if len(list) == 0 || !list[0].Overdue(o.now) {
		t.Fatal("no use of AI is overdue")
	}
	a := o.get(someone("", access.Security), "/")
	for _, s := range a.elements("section") {
		if attr(s, "aria-labelledby") != "first" {
			continue
		}
		rows := (&answer{doc: s}).elements("li")
		if len(rows) != stepsShown || !strings.Contains((&answer{doc: rows[0]}).words(), day(list[0].Until())+" overdue") {
			t.Errorf("%d rows, the first %q", len(rows), (&answer{doc: rows[0]}).words())
		}
		return
	}
	t.Error("nothing says what to begin with")
}

// TestWrongBesideTheForm: what is refused is said once above the page and once in
// the form that was sent, which keeps what was typed.
func TestWrongBesideTheForm(t *testing.T) {
	o := reader(t)
	who := someone(o.view().Owners[0].Person, access.Operator)
	f := o.openFinding()
	a := o.post(who, "/waivers/new", url.Values{"expectation": {f.Expectation}, "subject": {f.Subject.Type + "/" + f.Subject.ID}, "reason": {"moving house"}, "until": {"2020-01-01"}})
	said := 0
	for _, n := range a.elements("p") {
		if attr(n, "class") == "wrong" {
			said++
			if n.Parent.Data != "form" {
				t.Error("it is not said in the form")
			}
		}
	}
	if a.StatusCode != http.StatusUnprocessableEntity || said != 1 || !strings.Contains(a.text, "moving house") || strings.Count(a.text, `role="alert"`) != 1 {
		t.Errorf("status %d, said %d times: %s", a.StatusCode, said, a.words())
	}
}
