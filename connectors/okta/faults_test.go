package okta

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/grants"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Each fault ends in a gap of what it concerns, and the rest is read.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		path   string
		status int
		body   string
		kind   string
		reason connector.Reason
	}{
		"applications denied":        {"apps", 403, "", records.KindSighting, connector.Denied},
		"applications limited":       {"apps", 429, "", records.KindSighting, connector.RateLimited},
		"applications: html":         {"apps", 200, "<html>", records.KindSighting, connector.Malformed},
		"applications: null":         {"apps", 200, "null", records.KindSighting, connector.Malformed},
		"applications: an object":    {"apps", 200, `{"apps":[]}`, records.KindSighting, connector.Malformed},
		"applications: cut off":      {"apps", 200, `[{"id":"0oa1"`, records.KindSighting, connector.Malformed},
		"an application without id":  {"apps", 200, `[{"label":"ChatGPT"}]`, records.KindSighting, connector.Malformed},
		"an application is a number": {"apps", 200, `[5]`, records.KindActivity, connector.Malformed},
		"control characters":         {"apps", 200, "[{\"id\":\"a\\nb\",\"label\":\"ChatGPT\"}]", records.KindSighting, connector.Malformed},
		"people denied":              {"apps/0oa1/users", 403, "", records.KindSighting, connector.Denied},
		"people: no id":              {"apps/0oa1/users", 200, `[{"scope":"USER"}]`, records.KindSighting, connector.Malformed},
		"groups broken":              {"apps/0oa1/groups", 500, "", records.KindSighting, connector.Unavailable},
		"grants not offered":         {"apps/0oa2/grants", 404, "", records.KindSighting, connector.NotFound},
		"grants denied":              {"apps/0oa2/grants", 403, "", records.KindSighting, connector.Denied},
		"a person not there":         {"users/00u1", 404, "", records.KindSighting, connector.NotFound},
		"people all denied":          {"users", 403, "", records.KindSighting, connector.Denied},
		"clients of one":             {"users/00u1/clients", 500, "", records.KindSighting, connector.Unavailable},
		"scopes of one":              {"users/00u1/clients/cl-otter/grants", 403, "", records.KindSighting, connector.Denied},
		"log denied":                 {"logs", 403, "", records.KindActivity, connector.Denied},
		"log limited":                {"logs", 429, "", records.KindActivity, connector.RateLimited},
		"log: no time":               {"logs", 200, `[{"uuid":"x","eventType":"user.authentication.sso"}]`, records.KindActivity, connector.Malformed},
		"log: tomorrow":              {"logs", 200, `[{"uuid":"x","eventType":"user.authentication.sso","published":"2999-01-01T00:00:00Z"}]`, records.KindActivity, connector.Malformed},
		"log: a number":              {"logs", 200, `[7]`, records.KindActivity, connector.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			if c.status != 200 {
				f.status(c.path, c.status)
			} else {
				f.Put(v1+c.path, c.body)
			}
			rec, cov := f.collect(t, `"user_grants":true`, nil)
			found := slices.ContainsFunc(rec.Gaps(), func(g connector.Gap) bool { return slices.Contains(g.Kinds, c.kind) && g.Reason == c.reason })
			if !found || cov[c.kind].Status == connector.Complete || cov[c.kind].Enumerated {
				t.Errorf("gaps %v, coverage %+v", rec.Reasons(), cov[c.kind])
			}
			for _, g := range rec.Gaps() {
				if g.Reason == connector.Denied && g.Permission == "" {
					t.Errorf("a gap that does not say which permission closes it: %+v", g)
				}
			}
			if c.path != "apps" && len(rec.Records(records.KindSighting)) < 3 {
				t.Errorf("the rest was not read: %v", rec.Kinds())
			}
		})
	}
}

func TestRefused(t *testing.T) {
	f := newFake(t)
	cfg := f.config("")
	cfg.Secrets[secretToken] = "00another"
	if _, _, err := connectortest.Collect(t, hasty(), connector.Request{Config: cfg}, nil); !errors.Is(err, connector.ErrRefused) {
		t.Errorf("%v", err)
	}
	report, err := New().Check(t.Context(), cfg)
	if err != nil || report.Problem == "" || strings.Contains(report.Problem, "00another") {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestCheck(t *testing.T) {
	f := newFake(t)
	f.status("logs", 403)
	report, err := New().Check(t.Context(), f.config(""))
	if err != nil || report.Problem != "" || report.Identity != "reader@example.test at 127.0.0.1" {
		t.Errorf("%+v, %v", report, err)
	}
	want := map[string]connector.Grant{permApps: connector.Granted, permLogs: connector.Missing, permGrants: connector.GrantUnknown, permUsers: connector.Granted}
	for _, p := range report.Permissions {
		if p.Grant != want[p.Permission] {
			t.Errorf("%+v", p)
		}
	}
}

// Pages that never end are a gap, whatever the links say.
func TestEndless(t *testing.T) {
	for name, link := range map[string]func(n int) string{
		"the same":  func(int) string { return "after=x" },
		"always on": func(n int) string { return fmt.Sprint("after=", n) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			n := 0
			f.On(v1+"apps", func(w http.ResponseWriter, _ *http.Request) {
				n++
				w.Header().Set("Link", "<https://x.example/api/v1/apps?"+link(n)+`>; rel="next"`)
				fmt.Fprint(w, "["+chatGPT+"]")
			})
			rec, cov := f.collect(t, "", nil)
			if cov[records.KindSighting].Status == connector.Complete || cov[records.KindSighting].Enumerated || len(rec.Records(records.KindSighting)) != 1 {
				t.Errorf("%+v %v", cov[records.KindSighting], rec.Reasons())
			}
		})
	}
}

// An answer of a hundred thousand strange applications is bounded and sound.
func TestHostile(t *testing.T) {
	f := newFake(t)
	long := strings.Repeat("x", 5000)
	f.list("apps", `{"id":"`+long+`","label":"ChatGPT"},{"id":"0oa1","label":"ChatGPT \u202e\u0000 (SSO)","status":"ODD","created":"never","settings":{"app":{"url":5,"a":["x"]},"oauthClient":{"redirect_uris":["javascript:alert(1)","`+long+`"]}},"credentials":{"oauthClient":{"client_id":"\"or\""}}}`)
	f.list("apps/0oa1/grants", `{"scopeId":"`+long+`","status":"ACTIVE"}`)
	rec, _ := f.collect(t, "", nil)
	p := rec.Payloads(t, records.KindSighting)["sso|openai|0oa1"]
	if p == nil || p["status"] != nil || p["first_seen"] != nil || len(p["scopes_granted"].([]any)[0].(string)) > 300 {
		t.Errorf("%v", p)
	}
	if !slices.Contains(rec.Reasons(), "shadow_ai.sighting+shadow_ai.activity malformed applications") {
		t.Errorf("%v", rec.Reasons())
	}
}

// now0 is a time that has passed.
var now0 = time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)

// Whatever Okta answers, what is emitted is what a host takes.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(chatGPT), []byte(entry("e", signIn, "0oa1", "00u1", "SUCCESS", grants.Midnight(now0))))
	f.Add([]byte(claude), []byte(`{"uuid":"","published":"9999-99-99"}`))
	f.Add([]byte(`{"id":"\u2028","label":"Claude","settings":{"signOn":{"a":"https://claude.ai"}}}`), []byte(`{"target":null}`))
	matcher, err := signatures()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, one, two []byte) {
		var a app
		var e event
		if json.Unmarshal(one, &a) != nil || !records.Fit(a.ID) {
			return
		}
		rec := connectortest.NewRecorder()
		r := &run{cfg: &config{Unresolved: true}, matcher: matcher, now: now0, book: coverage.New(New().Describe(), connector.Request{}, rec)}
		found, ok := r.match(a)
		if !ok {
			return
		}
		s := found.Seen(grants.SSO, a.ID, a.Label, "acme")
		s.Status = status(a.Status)
		if err := grants.Sighting(r.book, s, ""); err != nil {
			t.Fatal(err)
		}
		if json.Unmarshal(two, &e) == nil && e.channel() != "" {
			days := map[string]*grants.Days{grants.SSO: {}, grants.OAuth: {}}
			at, err := records.Moment(e.Published)
			if err == nil && !at.After(now0) && !at.IsZero() {
				days[e.channel()].Add(grants.Event{Place: a.ID, At: at, Who: e.who()})
			}
			r.apps = []known{{a, found}}
			if err := r.tellDays(days); err != nil {
				t.Fatal(err)
			}
		}
		rec.Sound(t, New())
	})
}
