package okta

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/grants"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// told is a record in one line.
func told(p map[string]any) string {
	return fmt.Sprint(p["provider"], " ", p["place_name"], " ", p["status"], " ", p["actors"], " ", p["groups"], " ", p["confidence"], " ", p["scopes_granted"], " ", p["first_seen"])
}

func TestWhatIsThere(t *testing.T) {
	f := newFake(t)
	rec, cov := f.collect(t, "", nil)
	if gaps := rec.Gaps(); len(gaps) != 0 {
		t.Errorf("gaps %+v", gaps)
	}
	got := map[string]string{}
	for key, p := range rec.Payloads(t, records.KindSighting) {
		got[key] = told(p)
	}
	want := map[string]string{
		"sso|openai|0oa1":    "openai ChatGPT Enterprise active 2 1 declared <nil> 2026-01-02T10:00:00Z",
		"sso|anthropic|0oa2": "anthropic Desktop helper active 1 0 declared [okta.logs.read okta.users.read] 2026-01-03T10:00:00Z",
		"sso|otter|0oa3":     "otter Otter.ai suspended 0 0 inferred <nil> 2026-01-04T10:00:00Z",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if c := cov[records.KindSighting]; c.Status != connector.Complete || !c.Enumerated || !strings.Contains(c.Query, "5 applications looked at, 3 of known AI") {
		t.Errorf("%+v", c)
	}
	if c := cov[records.KindActivity]; c.Status != connector.Complete || c.Enumerated || !c.Since.Equal(grants.Midnight(time.Now()).AddDate(0, 0, -14)) {
		t.Errorf("%+v", c)
	}
	hint := rec.Payloads(t, records.KindSighting)["sso|anthropic|0oa2"]
	if hint["owner_hint"] != grants.Pseudonym(fakeSalt, "ana@example.test") || hint["owner_hint_from"] != "creator, by first grant" {
		t.Errorf("%v", hint)
	}
}

func TestActivity(t *testing.T) {
	f := newFake(t)
	rec, _ := f.collect(t, "", nil)
	yesterday := grants.Midnight(time.Now()).Add(-12 * time.Hour)
	day, old := yesterday.Format(time.DateOnly), yesterday.AddDate(0, 0, -5).Format(time.DateOnly)
	got := map[string]string{}
	for key, p := range rec.Payloads(t, records.KindActivity) {
		got[key] = fmt.Sprint(p["requests"], " ", p["actors"], " ", p["blocked"], " ", p["first_seen"], " ", p["last_seen"])
	}
	at := yesterday.Format(time.RFC3339)
	want := map[string]string{
		"sso|openai|0oa1|" + old:      "1 1 <nil> " + yesterday.AddDate(0, 0, -5).Format(time.RFC3339) + " " + yesterday.AddDate(0, 0, -5).Format(time.RFC3339),
		"sso|openai|0oa1|" + day:      "2 2 1 " + at + " " + yesterday.Add(time.Hour).Format(time.RFC3339),
		"oauth|anthropic|0oa2|" + day: "1 1 <nil> " + at + " " + at,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	f.Asked()
	again, _ := f.collect(t, "", rec)
	if n := len(again.Records(records.KindActivity)); n != 2 {
		t.Errorf("%d days are read again, want those of yesterday", n)
	}
	for _, q := range f.Asked() {
		if strings.Contains(q, "/logs") && !strings.Contains(q, "after=") && !strings.Contains(q, "since="+grants.Midnight(time.Now()).AddDate(0, 0, -1).Format(time.DateOnly)) {
			t.Errorf("the log is read from elsewhere: %s", q)
		}
	}
}

// Nobody is named unless the settings say so.
func TestPeople(t *testing.T) {
	f := newFake(t)
	for settings, want := range map[string][2]int{ // records with a person, and of them with a name
		`"user_grants":true`:                                            {0, 0},
		`"user_grants":true,"people":"pseudonyms"`:                      {5, 0},
		`"user_grants":true,"people":"names","owner_hints":"names"`:     {5, 5},
		`"owner_hints":"none"`:                                          {0, 0},
		`"owner_hints":"names"`:                                         {0, 0},
		`"user_grants":true,"people":"pseudonyms","owner_hints":"none"`: {5, 0},
	} {
		t.Run(settings, func(t *testing.T) {
			rec, _ := f.collect(t, settings, nil)
			kept, named := 0, 0
			for _, r := range rec.Records() {
				p := connectortest.Payload(t, r)
				if p["actor"] != nil {
					kept++
				}
				if strings.Contains(strings.ToLower(string(r.Payload)+r.Key), "@example.test") && p["actor"] != nil {
					named++
				}
				if !strings.Contains(settings, "names") && strings.Contains(string(r.Payload)+r.Key, "example.test") {
					t.Errorf("a person is named: %s", r.Payload)
				}
			}
			if kept != want[0] || named != want[1] {
				t.Errorf("%d records of people, %d named; want %v", kept, named, want)
			}
		})
	}
}

func TestUserGrants(t *testing.T) {
	f := newFake(t)
	rec, cov := f.collect(t, `"user_grants":true`, nil)
	p := rec.Payloads(t, records.KindSighting)["oauth|otter|cl-otter"]
	if p == nil || p["actors"] != float64(2) || !slices.Equal([]any{"calendar.read", "openid"}, p["scopes_granted"].([]any)) {
		t.Errorf("%v", p)
	}
	if !cov[records.KindSighting].Enumerated {
		t.Error("all people were asked for")
	}
	rec, cov = f.collect(t, `"user_grants":true,"max_users":1`, nil)
	if d := cmp.Diff([]string{"shadow_ai.sighting truncated OAuth clients of people"}, rec.Reasons()); d != "" || cov[records.KindSighting].Enumerated {
		t.Error(d)
	}
}

func TestUnresolved(t *testing.T) {
	f := newFake(t)
	rec, _ := f.collect(t, `"include_unresolved":true`, nil)
	p := rec.Payloads(t, records.KindSighting)["sso|anthropic|0oa4"]
	if p["confidence"] != "unresolved" {
		t.Errorf("%v", p)
	}
}

// An application that is taken away is gone; one that is switched off stays.
func TestGone(t *testing.T) {
	f := newFake(t)
	first, _ := f.collect(t, "", nil)
	f.pages("apps", strings.Replace(chatGPT, "ACTIVE", "INACTIVE", 1))
	second, cov := f.collect(t, "", first)
	if got := second.Payloads(t, records.KindSighting); len(got) != 1 || got["sso|openai|0oa1"]["status"] != "suspended" || !cov[records.KindSighting].Enumerated {
		t.Errorf("%v %+v", got, cov)
	}
}

func TestServiceApp(t *testing.T) {
	f := newFake(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	var form string
	answer := `{"access_token":"` + fakeToken + `","token_type":"Bearer"}`
	status := 200
	f.On("/oauth2/v1/token", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		form = r.PostForm.Get("grant_type") + " " + r.PostForm.Get("scope") + " " + fmt.Sprint(strings.Count(r.PostForm.Get("client_assertion"), "."))
		w.WriteHeader(status)
		fmt.Fprint(w, answer)
	})
	cfg := f.config(`"client_id":"0oasvc"`)
	cfg.Secrets = map[string]string{secretKey: text}
	rec, _, err := connectortest.Collect(t, hasty(), connector.Request{Config: cfg}, nil)
	if err != nil || len(rec.Records(records.KindSighting)) != 3 {
		t.Fatalf("%v, %d", err, len(rec.Records()))
	}
	if form != "client_credentials okta.apps.read okta.appGrants.read okta.logs.read 2" {
		t.Errorf("%q", form)
	}
	answer, status = `{"error":"invalid_client","error_description":"The client_assertion is wrong"}`, 401
	if _, _, err := connectortest.Collect(t, hasty(), connector.Request{Config: cfg}, nil); !errors.Is(err, connector.ErrRefused) || !strings.Contains(err.Error(), "invalid_client") {
		t.Errorf("%v", err)
	}
	answer, status = `<html>`, 200
	if _, _, err := connectortest.Collect(t, hasty(), connector.Request{Config: cfg}, nil); err == nil {
		t.Error("a page for people is taken for a token")
	}
}

func TestSettings(t *testing.T) {
	for name, c := range map[string]struct {
		settings string
		secrets  map[string]string
		says     string
	}{
		"no address":    {`{"base_url":""}`, map[string]string{secretToken: "x"}, "base_url"},
		"the console":   {`{"base_url":"https://acme-admin.okta.com"}`, map[string]string{secretToken: "x"}, "admin console"},
		"no credential": {`{"base_url":"https://acme.okta.com"}`, nil, "0 are given"},
		"two":           {`{"base_url":"https://acme.okta.com"}`, map[string]string{secretToken: "x", secretAccess: "y"}, "2 are given"},
		"SSWS with it":  {`{"base_url":"https://acme.okta.com"}`, map[string]string{secretToken: "SSWS x"}, "without SSWS"},
		"no client":     {`{"base_url":"https://acme.okta.com"}`, map[string]string{secretKey: "x"}, "client_id"},
		"no key":        {`{"base_url":"https://acme.okta.com","client_id":"c"}`, map[string]string{secretKey: "x"}, "no RSA key"},
		"no salt":       {`{"base_url":"https://acme.okta.com","people":"pseudonyms"}`, map[string]string{secretToken: "x"}, "pseudonyms need"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseConfig(connector.Config{Settings: []byte(c.settings), Secrets: c.secrets})
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
		})
	}
}
