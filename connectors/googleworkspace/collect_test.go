package googleworkspace

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/grants"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

const gpt = "111.apps.googleusercontent.com"

func TestWhatIsThere(t *testing.T) {
	f := newFake(t)
	rec, cov := f.collect(t, `"licences":true,"customer_id":"C01"`, nil)
	if gaps := rec.Gaps(); len(gaps) != 0 {
		t.Errorf("gaps %+v", gaps)
	}
	got := map[string]string{}
	for key, p := range rec.Payloads(t, records.KindSighting) {
		got[key] = fmt.Sprint(p["place_name"], " ", p["account"], " ", p["actors"], " ", p["confidence"], " ", p["scopes_granted"], " ", p["owner_hint"], " ", p["signals"])
	}
	const auth = "https://www.googleapis.com/auth/"
	want := map[string]string{
		"oauth|openai|" + gpt:                         "ChatGPT C01 2 inferred [" + auth + "drive.readonly " + auth + "gmail.readonly openid] " + grants.Pseudonym(fakeSalt, "ana@example.test") + " [name ChatGPT]",
		"oauth|otter|https://otter.ai":                "notes C01 1 declared [" + auth + "calendar] <nil> [otter.ai installed application not registered with Google]",
		"app|google-gemini|licence 101047/1010470009": "AI Expanded Access C01 2 declared <nil> <nil> [licence AI Expanded Access]",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if c := cov[records.KindSighting]; c.Status != connector.Complete || !c.Enumerated || !strings.Contains(c.Query, "tokens of 3 people: 3 applications looked at, 2 of known AI") {
		t.Errorf("%+v", c)
	}
}

func TestActivity(t *testing.T) {
	f := newFake(t)
	rec, cov := f.collect(t, `"api_calls":true`, nil)
	yesterday := grants.Midnight(time.Now()).Add(-12 * time.Hour)
	day, old := yesterday.Format(time.DateOnly), yesterday.AddDate(0, 0, -5).Format(time.DateOnly)
	got := map[string]string{}
	for key, p := range rec.Payloads(t, records.KindActivity) {
		got[key] = fmt.Sprint(p["requests"], " ", p["actors"], " ", p["blocked"], " ", p["bytes_out"])
	}
	want := map[string]string{
		"oauth|openai|" + gpt + "|" + old:                         "1 1 <nil> <nil>",
		"oauth|openai|" + gpt + "|" + day:                         "1 1 <nil> <nil>",
		"app|openai|" + gpt + "|" + day:                           "2 1 <nil> 1024",
		"sso|anthropic|Claude|" + day:                             "2 2 1 <nil>",
		"app|google-gemini|gemini_in_workspace_apps/gmail|" + day: "2 2 <nil> <nil>",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if c := cov[records.KindActivity]; c.Status != connector.Complete || c.Enumerated {
		t.Errorf("%+v", c)
	}
	again, _ := f.collect(t, `"api_calls":true`, rec)
	if n := len(again.Records(records.KindActivity)); n != 4 {
		t.Errorf("%d days are read again, want those of yesterday", n)
	}
	if d := cmp.Diff(rec.Payloads(t, records.KindSighting), again.Payloads(t, records.KindSighting)); d != "" {
		t.Errorf("who consented first is forgotten:\n%s", d)
	}
}

// Nobody is named unless the settings say so.
func TestPeople(t *testing.T) {
	f := newFake(t)
	for settings, want := range map[string][2]int{ // records with a person, and of them with a name
		``:                      {0, 0},
		`"people":"pseudonyms"`: {3, 0},
		`"people":"names"`:      {3, 3},
		`"owner_hints":"none"`:  {0, 0},
	} {
		t.Run(settings, func(t *testing.T) {
			rec, _ := f.collect(t, settings, nil)
			kept, named := 0, 0
			for _, r := range rec.Records() {
				if a, ok := connectortest.Payload(t, r)["actor"].(string); ok {
					kept++
					if strings.Contains(a, "@") {
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
				if strings.Contains(c, "example.test") {
					t.Errorf("cursor %s names a person: %s", name, c)
				}
			}
		})
	}
}

// Grants that people take back are gone after a complete run, and only then.
func TestGone(t *testing.T) {
	f := newFake(t)
	first, _ := f.collect(t, "", nil)
	f.tokens("1", "")
	f.tokens("2", "")
	second, cov := f.collect(t, "", first)
	if len(second.Records(records.KindSighting)) != 0 || !cov[records.KindSighting].Enumerated || cov[records.KindSighting].Status != connector.Complete {
		t.Errorf("%+v", cov)
	}
	f.status(dir+"/4/tokens", 500)
	third, cov := f.collect(t, "", second)
	if cov[records.KindSighting].Enumerated || len(third.Gaps()) != 1 {
		t.Errorf("%+v", cov)
	}
}

// Who was deleted since the list was read is no gap; nobody being there is.
func TestDeleted(t *testing.T) {
	f := newFake(t)
	f.status(dir+"/4/tokens", 404)
	if rec, cov := f.collect(t, "", nil); len(rec.Gaps()) != 0 || !cov[records.KindSighting].Enumerated {
		t.Errorf("%+v", rec.Gaps())
	}
	for _, id := range []string{"1", "2"} {
		f.status(dir+"/"+id+"/tokens", 404)
	}
	if rec, _ := f.collect(t, "", nil); len(rec.Gaps()) != 1 || rec.Gaps()[0].Reason != connector.NotFound {
		t.Errorf("%+v", rec.Gaps())
	}
}

func TestBudget(t *testing.T) {
	f := newFake(t)
	rec, cov := f.collect(t, `"max_users":1`, nil)
	if d := cmp.Diff([]string{"shadow_ai.sighting truncated applications of people"}, rec.Reasons()); d != "" || cov[records.KindSighting].Enumerated {
		t.Error(d)
	}
}

// A service account reads in an administrator's name; a scope that is not
// delegated is a gap of its own.
func TestServiceAccount(t *testing.T) {
	f := newFake(t)
	cfg := f.config(`"admin":"admin@example.test"`)
	cfg.Secrets = map[string]string{secretKey: f.keyFile(t)}
	rec, _, err := connectortest.Collect(t, hasty(), connector.Request{Config: cfg}, nil)
	if err != nil || len(rec.Gaps()) != 0 || len(rec.Records(records.KindSighting)) != 2 {
		t.Fatalf("%v %+v", err, rec.Gaps())
	}
	cfg.Secrets = map[string]string{secretKey: f.keyFile(t, permReports)}
	rec, cov, err := connectortest.Collect(t, hasty(), connector.Request{Config: cfg}, nil)
	if err != nil || cov[records.KindActivity].Status != connector.Refused || !cov[records.KindSighting].Enumerated {
		t.Errorf("%v %+v", err, cov)
	}
	for _, g := range rec.Gaps() {
		if g.Reason != connector.Denied || g.Permission != permReports || !strings.Contains(g.Detail, "not delegated") {
			t.Errorf("%+v", g)
		}
	}
	report, err := New().Check(t.Context(), cfg)
	if err != nil || report.Problem != "" || report.Identity != "reader@acme.example in the name of admin@example.test" {
		t.Errorf("%+v %v", report, err)
	}
	want := map[string]connector.Grant{permUsers: connector.Granted, permTokens: connector.Granted, permReports: connector.Missing, permLicences: connector.GrantUnknown}
	for _, p := range report.Permissions {
		if p.Grant != want[p.Permission] {
			t.Errorf("%+v", p)
		}
	}
	other := f.config(`"admin":"nobody@example.test"`)
	other.Secrets = cfg.Secrets
	if _, _, err := connectortest.Collect(t, hasty(), connector.Request{Config: other}, nil); !errors.Is(err, connector.ErrRefused) || !strings.Contains(err.Error(), "invalid_grant") {
		t.Errorf("%v", err)
	}
}

func TestSettings(t *testing.T) {
	key := `{"type":"service_account","client_email":"a@b","private_key":"x","token_uri":"https://evil.example/token"}`
	for name, c := range map[string]struct {
		settings string
		secrets  map[string]string
		says     string
	}{
		"no credential": {`{}`, nil, "give one of"},
		"two":           {`{"admin":"a@b"}`, map[string]string{secretKey: key, secretToken: "x"}, "give one of"},
		"no admin":      {`{}`, map[string]string{secretKey: key}, "admin"},
		"elsewhere":     {`{"admin":"a@b"}`, map[string]string{secretKey: key}, "not Google's"},
		"no key":        {`{"admin":"a@b"}`, map[string]string{secretKey: "x"}, "whole JSON file"},
		"licences":      {`{"licences":true}`, map[string]string{secretToken: "x"}, "customer_id"},
		"no salt":       {`{"people":"pseudonyms"}`, map[string]string{secretToken: "x"}, "pseudonyms need"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseConfig(connector.Config{Settings: []byte(c.settings), Secrets: c.secrets})
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
		})
	}
}
