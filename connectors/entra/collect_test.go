package entra

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/grants"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

func TestWhatIsThere(t *testing.T) {
	f := newFake(t)
	rec, cov := f.collect(t, "", nil)
	if gaps := rec.Gaps(); len(gaps) != 0 {
		t.Errorf("gaps %+v", gaps)
	}
	got := map[string]string{}
	for key, p := range rec.Payloads(t, records.KindSighting) {
		got[key] = fmt.Sprint(p["place_name"], " ", p["status"], " ", p["actors"], " ", p["groups"], " ", p["confidence"], " ", p["scopes_granted"], " ", p["owner_hint"], " ", p["owner_hint_from"])
	}
	want := map[string]string{
		"oauth|openai|" + chatGPT: "ChatGPT active 3 1 declared [Calendars.Read (application) Files.Read.All Mail.Read User.Read role role2 (application)] " +
			grants.Pseudonym(fakeSalt, "ana@example.test") + " creator, by first consent",
		"oauth|otter|a5":                       "Meeting notes suspended 0 0 declared [Calendars.Read offline_access] " + grants.Pseudonym(fakeSalt, "bo@example.test") + " owner of the application",
		"app|ms-copilot|Microsoft_365_Copilot": "Microsoft 365 Copilot active 25 <nil> declared <nil> <nil> <nil>",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if c := cov[records.KindSighting]; c.Status != connector.Complete || !c.Enumerated || !strings.Contains(c.Query, "6 applications looked at, 3 of known AI") {
		t.Errorf("%+v", c)
	}
	if c := cov[records.KindActivity]; c.Status != connector.Complete || c.Enumerated {
		t.Errorf("%+v", c)
	}
}

func TestActivity(t *testing.T) {
	f := newFake(t)
	rec, _ := f.collect(t, "", nil)
	yesterday := grants.Midnight(time.Now()).Add(-12 * time.Hour)
	day, old := yesterday.Format(time.DateOnly), yesterday.AddDate(0, 0, -5).Format(time.DateOnly)
	got := map[string]string{}
	for key, p := range rec.Payloads(t, records.KindActivity) {
		got[key] = fmt.Sprint(p["requests"], " ", p["actors"], " ", p["blocked"])
	}
	want := map[string]string{
		"sso|openai|" + chatGPT + "|" + old:           "1 1 <nil>",
		"sso|openai|" + chatGPT + "|" + day:           "2 2 1",
		"oauth|openai|" + chatGPT + "|" + old:         "1 1 <nil>",
		"oauth|openai|" + chatGPT + "|" + day:         "1 1 <nil>",
		"app|ms-copilot|Microsoft 365 Copilot|" + old: "<nil> 11 <nil>",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	again, _ := f.collect(t, "", rec)
	if n := len(again.Records(records.KindActivity)); n != 3 { // yesterday's two, and the report that is always of a month
		t.Errorf("%d days are read again", n)
	}
	if d := cmp.Diff(rec.Payloads(t, records.KindSighting), again.Payloads(t, records.KindSighting)); d != "" {
		t.Errorf("who consented first is forgotten:\n%s", d)
	}
}

// Microsoft's own application is in every tenant; it is one to tell once
// somebody was given it.
func TestMicrosoftsOwn(t *testing.T) {
	f := newFake(t)
	f.Put(sps+"/sp3/appRoleAssignedTo", value(`{"principalType":"Group","principalId":"g9"}`))
	rec, _ := f.collect(t, "", nil)
	if p := rec.Payloads(t, records.KindSighting)["sso|ms-copilot|"+copilot]; p["groups"] != 1.0 || p["confidence"] != "declared" {
		t.Errorf("%v", p)
	}
}

// Without the licence sign-ins are unsupported, not denied, and asked for once.
func TestWithoutLicence(t *testing.T) {
	f := newFake(t)
	f.status(v1+"auditLogs/signIns", http.StatusForbidden, notLicensed)
	rec, cov := f.collect(t, "", nil)
	gaps := rec.Gaps()
	if len(gaps) != 1 || gaps[0].Reason != connector.Unsupported || !strings.Contains(gaps[0].Detail, "P1") || cov[records.KindActivity].Status != connector.Partial || !cov[records.KindSighting].Enumerated {
		t.Errorf("%+v %+v", gaps, cov)
	}
	n := 0
	for _, q := range f.Asked() {
		if strings.Contains(q, "signIns") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("asked %d times", n)
	}
	rec, cov = f.collect(t, `"sign_ins":false`, nil)
	if len(rec.Gaps()) != 0 || cov[records.KindActivity].Status != connector.Complete {
		t.Errorf("%+v", rec.Gaps())
	}
	report, err := New().Check(t.Context(), f.config(""))
	if err != nil || report.Problem != "" {
		t.Errorf("%+v %v", report, err)
	}
	for _, p := range report.Permissions {
		if p.Permission == permLogs && (p.Grant != connector.Granted || !strings.Contains(p.Detail, "P1")) {
			t.Errorf("%+v", p)
		}
	}
}

// Nobody is named unless the settings say so.
func TestPeople(t *testing.T) {
	f := newFake(t)
	for settings, want := range map[string][2]int{ // records with a person, and of them with a name
		``:                      {0, 0},
		`"people":"pseudonyms"`: {3, 0},
		`"people":"names"`:      {3, 2}, // one was deleted meanwhile and has an id only
		`"owner_hints":"names"`: {0, 0},
		`"owner_hints":"none"`:  {0, 0},
	} {
		t.Run(settings, func(t *testing.T) {
			rec, _ := f.collect(t, settings, nil)
			kept, named := 0, 0
			for _, r := range rec.Records() {
				p := connectortest.Payload(t, r)
				if p["actor"] != nil {
					kept++
					if strings.Contains(p["actor"].(string), "@") {
						named++
					}
				}
				if !strings.Contains(settings, "names") && strings.Contains(string(r.Payload)+r.Key, "example.test") {
					t.Errorf("a person is named: %s", r.Payload)
				}
			}
			if kept != want[0] || named != want[1] {
				t.Errorf("%d records of people, %d named; want %v", kept, named, want)
			}
			for name, c := range rec.Cursors() {
				if strings.Contains(c, "example.test") && !strings.Contains(settings, `"owner_hints":"names"`) {
					t.Errorf("cursor %s names a person: %s", name, c)
				}
			}
		})
	}
}

// Graph's own count tells that rows are hidden.
func TestHidden(t *testing.T) {
	f := newFake(t)
	f.pages(sps, 9, `{"id":"sp6","appId":"a6","displayName":"Payroll"}`)
	rec, cov := f.collect(t, "", nil)
	if d := cmp.Diff([]string{"shadow_ai.sighting+shadow_ai.activity hidden applications"}, rec.Reasons()); d != "" || cov[records.KindSighting].Enumerated {
		t.Error(d)
	}
}

// An application that was taken away is gone; one that lost its rights is seen
// under sign-in.
func TestGone(t *testing.T) {
	f := newFake(t)
	first, _ := f.collect(t, "", nil)
	f.pages(sps, 1, `{"id":"sp5","appId":"a5","displayName":"Otter.ai","homepage":"https://otter.ai"}`)
	f.Put(sps+"/sp5/oauth2PermissionGrants", value(""))
	f.Put(v1+"subscribedSkus", value(""))
	second, cov := f.collect(t, "", first)
	got := second.Payloads(t, records.KindSighting)
	if len(got) != 1 || got["sso|otter|a5"] == nil || !cov[records.KindSighting].Enumerated {
		t.Errorf("%v %+v", got, cov)
	}
}

// A workload identity needs no secret.
func TestWorkloadIdentity(t *testing.T) {
	f := newFake(t)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(fakeAssertion+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := f.config(`"federated_token_file":"` + file + `"`)
	delete(cfg.Secrets, secretClient)
	rec, _, err := connectortest.Collect(t, hasty(), connector.Request{Config: cfg}, nil)
	if err != nil || len(rec.Gaps()) != 0 {
		t.Errorf("%v %+v", err, rec.Gaps())
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if report, err := New().Check(t.Context(), cfg); err != nil || !strings.Contains(report.Problem, "federated_token_file") {
		t.Errorf("%+v %v", report, err)
	}
}

func TestSettings(t *testing.T) {
	for name, c := range map[string]struct{ settings, says string }{
		"no tenant":       {`{"client_id":"c"}`, "tenant_id"},
		"both":            {`{"tenant_id":"t","client_id":"c","federated_token_file":"f"}`, "either"},
		"a path":          {`{"tenant_id":"../x","client_id":"c"}`, "tenant_id"},
		"a cloud":         {`{"tenant_id":"t","client_id":"c","cloud":"mars"}`, "cloud"},
		"authority alone": {`{"tenant_id":"t","client_id":"c","authority_url":"https://evil.example"}`, "only with base_url"},
		"a password":      {`{"tenant_id":"t","client_id":"c","base_url":"https://u:p@x.example"}`, "without user name"},
		"no salt":         {`{"tenant_id":"t","client_id":"c","people":"pseudonyms"}`, "pseudonyms need"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseConfig(connector.Config{Settings: []byte(c.settings), Secrets: map[string]string{secretClient: "x"}})
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
		})
	}
	c, err := parseConfig(connector.Config{Settings: []byte(`{"tenant_id":"t","client_id":"c","cloud":"china"}`), Secrets: map[string]string{secretClient: "x"}})
	if err != nil || c.BaseURL != "https://microsoftgraph.chinacloudapi.cn" || c.AuthorityURL != "https://login.partner.microsoftonline.cn" {
		t.Errorf("%+v %v", c, err)
	}
}
