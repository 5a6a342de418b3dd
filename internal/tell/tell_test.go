package tell_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/finding"
	"github.com/exhibit-aims/exhibit/internal/notify"
	"github.com/exhibit-aims/exhibit/internal/opsdb"
	"github.com/exhibit-aims/exhibit/internal/outbound"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/shadow"
	"github.com/exhibit-aims/exhibit/internal/tell"
)

var now = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func view() (*service.View, tell.Seen) {
	opened, due := now.AddDate(0, 0, -9), now.AddDate(0, 0, 20)
	subject := evidence.Subject{Type: "vendor", ID: "acme/eu"}
	a := &assess.Assessment{AsOf: now, Checkpoint: assess.Checkpoint{Size: 7, Root: "r"},
		Expectations: []assess.InForce{{Slug: "our-vendors-ok", Title: "Vendors are assessed"}},
		Controls:     []assess.Control{{ID: "A.10.3", Title: "Suppliers", Status: assess.StatusFailing, Reason: "one vendor"}},
		Runs: []assess.RunSummary{{Source: "quiet", Status: "complete", Finished: opened}, {Source: "paused", Status: "complete", Finished: opened},
			{Source: "half", Status: "partial", Finished: now, Gaps: []evidence.Gap{{Reason: "permission_denied"}}}}}
	v := &service.View{Assessment: a,
		Findings: []service.FindingRow{
			{ID: "F-000000000001", State: finding.Open, Status: assess.StatusFailing, Severity: "major", Expectation: "our-vendors-ok", Subject: subject, Control: "A.10.3", Reason: "bad",
				Owner: "marek", OpenedAt: &opened, DueAt: &due, Grade: "minor", Judged: &finding.Judgement{Grade: "major"}, NextStep: "Assess it."},
			{ID: "F-000000000002", State: service.StateDuty, Status: assess.StatusDue, Severity: "minor", Expectation: "other", Subject: subject, DueAt: &due},
		},
		Expiring: []assess.Expiry{{Expectation: "our-vendors-ok", Control: "A.10.3", Subject: subject, At: due, Then: assess.StatusStale}}}
	v.Shadow.Cases = []shadow.Case{{ID: "SC-1", Title: "openai in acme/app", Status: shadow.New, Hint: "ana", Why: "seen in code"}}
	missed := []agent.Missed{{First: now.AddDate(0, 0, -2), Last: now.AddDate(0, 0, -1), Count: 3}}
	return v, tell.Seen{
		Sources: []agent.SourceStatus{{Source: "quiet", Missed: missed}, {Source: "paused", Missed: missed, Paused: &agent.Paused{}}, {Source: "half", Missed: missed}},
		Waivers: []service.EndingWaiver{{Waiver: people.Waiver{ID: "W-1", Expectation: "our-vendors-ok", Subject: subject, RequestedBy: "marek"}, Ends: due}}}
}

func TestObserve(t *testing.T) {
	v, seen := view()
	o := tell.Observe(v, seen)
	got := map[string]string{}
	for _, it := range o.Items {
		got[string(it.Topic)+" "+it.ID] = it.State + "|" + it.Owner + "|" + it.Title + "|" + it.Link
	}
	due := "F-000000000001"
	want := map[string]string{
		"finding " + due:          "open|marek|Vendors are assessed: vendor acme/eu|/findings/" + due,
		"duty F-000000000002":     "due||other: vendor acme/eu|/findings/F-000000000002",
		"expiring " + expiryID(v): "valid||Vendors are assessed: vendor acme/eu|/results/our-vendors-ok/vendor/acme/eu",
		"shadow SC-1":             "new||openai in acme/app|/shadow/SC-1",
		"waiver W-1":              "valid|marek|waiver W-1 of Vendors are assessed: vendor acme/eu|/waivers",
		"run quiet":               "silent||quiet|/sources/quiet",
		"run paused":              "complete||paused|/sources/paused",
		"run half":                "partial||half|/sources/half",
		"control A.10.3":          "failing||A.10.3 Suppliers|/controls/A.10.3",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if o.Checkpoint != (notify.Checkpoint{Size: 7, Root: "r"}) || !o.At.Equal(now) {
		t.Errorf("%+v", o.Checkpoint)
	}
}

func expiryID(v *service.View) string {
	return assess.FindingID(v.Expiring[0].Expectation, v.Expiring[0].Subject)
}

func TestFindings(t *testing.T) {
	v, _ := view()
	got := tell.Findings(v, "https://exhibit.acme.example/")
	if len(got) != 1 || got[0].Grade != "major" || got[0].Link != "https://exhibit.acme.example/findings/F-000000000001" || got[0].NextStep != "Assess it." {
		t.Errorf("%+v", got)
	}
}

// What the example of the configuration names can be made, without reading a
// secret; owners' addresses follow the register.
func TestEveryChannelOfAConfiguration(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "register.yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("organization: {id: acme, name: Acme}\npeople:\n  - {id: marek, name: Marek, email: marek@acme.example}\n")
	src := `version: 1
organization: acme
register: register.yaml
notify:
  channels:
    a: {slack: {webhook: {env: NONE}}}
    b: {teams: {webhook: {env: NONE}}}
    c: {pagerduty: {integration_key: {env: NONE}}}
    d: {webhook: {url: https://siem.acme.example, secret: {env: NONE}}}
    e: {webhook: {url_secret: {env: NONE}, secret: {env: NONE}}}
    f: {smtp: {host: mail.acme.example, from: a@acme.example, owners: true}}
    g: {shoutrrr: {url: {env: NONE}}}
  routes: [{to: [a, b, c, d, e, f, g]}]
tickets:
  jira: {url: https://acme.atlassian.net, project: AIMS, email: b@acme.example, token: {env: NONE}}
  github: {repo: acme/aims, token: {env: NONE}}
`
	cfg, err := configfile.Parse(filepath.Join(dir, "exhibit.yaml"), []byte(src), configfile.Known{})
	if err != nil {
		t.Fatal(err)
	}
	db, err := opsdb.OpenFile(t.Context(), filepath.Join(dir, "x.locks", opsdb.FileName))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	way, err := outbound.New(configfile.Network{})
	if err != nil {
		t.Fatal(err)
	}
	o := tell.Options{Config: cfg, DB: db, Way: way, Node: "n", Secret: func(context.Context, configfile.Secret) (string, error) { return "", configfile.ErrSecret }}
	n, err := o.Notifier(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, seen := view()
	out, messages, err := n.Preview(t.Context(), tell.Observe(v, seen))
	if err != nil || !out.First || len(messages) != 7 { // all but PagerDuty, and mail for one person and for the rest
		t.Fatalf("%d messages, %+v %v", len(messages), out, err)
	}
	if s, err := n.Status(t.Context()); err != nil || s.Observed != nil || s.Items != 0 {
		t.Errorf("a preview was kept: %+v %v", s, err)
	}
	for _, c := range []string{"a", "b", "c", "d", "e", "g"} {
		if err := n.Test(t.Context(), c, ""); err == nil {
			t.Errorf("%s sends without its secret", c)
		}
	}
	if s, err := o.Tickets(t.Context()); err != nil || s == nil {
		t.Fatal(err)
	}
}
