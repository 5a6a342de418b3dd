package anthropic

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Each fault ends in a gap of what it concerns, and the rest is read.
func TestFaults(t *testing.T) {
	const use, feed = org + "usage_report/messages", "/v1/compliance/activities"
	for name, c := range map[string]struct {
		path   string
		status int
		body   string
		kind   string
		reason connector.Reason
	}{
		"users denied":             {org + "users", 403, "", records.KindVendorUser, connector.Denied},
		"users, another key":       {org + "users", 401, "", records.KindVendorUser, connector.Denied},
		"not even who we are":      {org + "me", 403, "", records.KindDataControls, connector.Unsupported},
		"workspaces denied":        {org + "workspaces", 403, "", records.KindVendorProject, connector.Denied},
		"keys not there":           {org + "api_keys", 404, "", records.KindAPIKey, connector.NotFound},
		"members":                  {org + "workspaces/wrkspc_a/members", 500, "", records.KindVendorProject, connector.Unavailable},
		"use denied":               {use, 403, "", records.KindVendorUsage, connector.Denied},
		"last use is missed too":   {use, 500, "", records.KindAPIKey, connector.Unavailable},
		"costs gone":               {org + "cost_report", 410, "", records.KindVendorUsage, connector.Unsupported},
		"feed denied":              {feed, 403, "", records.KindVendorAuditLog, connector.Denied},
		"feed not offered":         {feed, 404, "", records.KindVendorAuditLog, connector.NotFound},
		"models, an admin key":     {"/v1/models", 401, "", records.KindModelLifecycle, connector.Denied},
		"overloaded":               {"/v1/models", 529, "", records.KindModelLifecycle, connector.Unavailable},
		"limit":                    {org + "invites", 429, "", records.KindVendorUser, connector.RateLimited},
		"html":                     {org + "users", 200, "<html>", records.KindVendorUser, connector.Malformed},
		"null":                     {org + "users", 200, "null", records.KindVendorUser, connector.Malformed},
		"renamed":                  {org + "users", 200, `{"users":[],"has_more":false}`, records.KindVendorUser, connector.Malformed},
		"does not say whether":     {org + "users", 200, `{"data":[]}`, records.KindVendorUser, connector.Malformed},
		"more, and not where":      {org + "users", 200, `{"data":[],"has_more":true}`, records.KindVendorUser, connector.Malformed},
		"circle":                   {org + "users", 200, `{"data":[{"id":"u"}],"has_more":true,"last_id":"u"}`, records.KindVendorUser, connector.Malformed},
		"another type":             {org + "users", 200, list1(`{"id":5}`), records.KindVendorUser, connector.Malformed},
		"no id":                    {org + "users", 200, list1(`{"name":"x"}`), records.KindVendorUser, connector.Malformed},
		"no time":                  {org + "users", 200, list1(`{"id":"u","added_at":"soon"}`), records.KindVendorUser, connector.Malformed},
		"control characters":       {org + "workspaces", 200, list1(`{"id":"a\nb"}`), records.KindVendorProject, connector.Malformed},
		"a path":                   {org + "workspaces", 200, list1(`{"id":".."}`), records.KindVendorProject, connector.Malformed},
		"huge id":                  {org + "api_keys", 200, list1(`{"id":"` + strings.Repeat("x", 5000) + `"}`), records.KindAPIKey, connector.Malformed},
		"invitation of a new kind": {org + "invites", 200, list1(`{"id":"i","status":"maybe"}`), records.KindVendorUser, connector.Malformed},
		"places of a new kind":     {org + "workspaces", 200, list1(`{"id":"w","data_residency":{"workspace_geo":"us","allowed_inference_geos":{"a":1}}}`), records.KindDataControls, connector.Malformed},
		"a day not asked for":      {use, 200, `{"data":[{"starting_at":"2020-01-01T00:00:00Z","results":[]}],"has_more":false}`, records.KindVendorUsage, connector.Malformed},
		"half a day":               {use, 200, `{"data":[{"starting_at":"` + yesterday() + `T12:00:00Z","results":[]}],"has_more":false}`, records.KindVendorUsage, connector.Malformed},
		"not grouped":              {use, 200, useNow(row("", "", "", 1)), records.KindModelObservation, connector.Malformed},
		"no number":                {use, 200, useNow(`{"model":"m","output_tokens":1}`), records.KindVendorUsage, connector.Malformed},
		"below zero":               {use, 200, useNow(row("w", "", "m", -1)), records.KindVendorUsage, connector.Malformed},
		"a day without results":    {use, 200, `{"data":[{"starting_at":"` + yesterday() + `T00:00:00Z"}],"has_more":false}`, records.KindVendorUsage, connector.Malformed},
		"euros":                    {org + "cost_report", 200, useNow(`{"amount":"1","currency":"EUR"}`), records.KindVendorUsage, connector.Malformed},
		"an amount that is none":   {org + "cost_report", 200, useNow(`{"amount":"1/3","currency":"USD"}`), records.KindVendorUsage, connector.Malformed},
		"tomorrow":                 {feed, 200, list1(`{"id":"e","type":"x","created_at":"2999-01-01T00:00:00Z"}`), records.KindVendorAuditLog, connector.Malformed},
		"activity without type":    {feed, 200, list1(`{"id":"e","created_at":"2026-01-01T00:00:00Z"}`), records.KindVendorAuditLog, connector.Malformed},
		"a stage of a new kind":    {"/v1/models", 200, list1(`{"id":"m","created_at":"2026-01-01T00:00:00Z","lifecycle":"sleeping"}`), records.KindModelLifecycle, connector.Malformed},
		"no stage":                 {"/v1/models", 200, list1(`{"id":"m","created_at":"2026-01-01T00:00:00Z"}`), records.KindModelLifecycle, connector.Malformed},
		"an end that is no time":   {"/v1/models", 200, list1(`{"id":"m","lifecycle":"retired","retires_at":"soon"}`), records.KindModelLifecycle, connector.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			if c.status != 200 {
				f.status(c.path, c.status)
			} else {
				f.Put(c.path, c.body)
			}
			rec, cov := f.collect(t, "", nil)
			found := slices.ContainsFunc(rec.Gaps(), func(g connector.Gap) bool { return slices.Contains(g.Kinds, c.kind) && g.Reason == c.reason })
			if !found || cov[c.kind].Status == connector.Complete || cov[c.kind].Enumerated {
				t.Errorf("gaps %v, coverage %+v", rec.Reasons(), cov[c.kind])
			}
			for _, g := range rec.Gaps() {
				if g.Reason == connector.Denied && g.Permission == "" {
					t.Errorf("a gap that does not say which permission closes it: %+v", g)
				}
			}
			if len(rec.Kinds()) < 6 {
				t.Errorf("the rest was not read: %v", rec.Kinds())
			}
		})
	}
}

// useNow is a report with one row on the last day.
func useNow(row string) string {
	return `{"data":[{"starting_at":"` + yesterday() + `T00:00:00Z","results":[` + row + `]}],"has_more":false,"next_page":null}`
}

// A report that breaks off leaves its position where it was.
func TestPositionAfterAFault(t *testing.T) {
	f := newFake(t)
	first, _ := f.collect(t, "", nil)
	f.status(org+"usage_report/messages", 500)
	f.status("/v1/compliance/activities", 500)
	second, _ := f.collect(t, "", first)
	f.report(org+"usage_report/messages", row("wrkspc_a", "apikey_1", "m", 5))
	f.Put("/v1/compliance/activities", list1(`{"id":"activity_9","type":"x","created_at":"2026-04-24T03:06:49Z"}`))
	third, _ := f.collect(t, "", second)
	if len(third.Records(records.KindVendorAuditLog)) != 1 || third.Payloads(t, records.KindVendorUsage)["anthropic|wrkspc_a|apikey_1|m|"+yesterday()] == nil {
		t.Error("what came meanwhile was lost")
	}
}

// A key that is not taken at all ends the run.
func TestRefused(t *testing.T) {
	f := newFake(t)
	cfg := f.config("")
	cfg.Secrets[secretAdmin] = "sk-ant-api03-no-admin-key"
	_, _, err := connectortest.Collect(t, New(), connector.Request{Config: cfg}, nil)
	if !errors.Is(err, connector.ErrRefused) || strings.Contains(err.Error(), "no-admin-key") {
		t.Errorf("%v", err)
	}
	report, err := New().Check(t.Context(), cfg)
	if err != nil || report.Problem == "" || report.Remedy == "" || len(report.Permissions) != len(permissions()) {
		t.Errorf("%+v, %v", report, err)
	}
	cfg = connector.Config{Settings: json.RawMessage(`{"base_url":"http://127.0.0.1:1"}`), Secrets: map[string]string{secretAdmin: "x"}}
	if _, _, err := connectortest.Collect(t, &Connector{clock: connectortest.Hasty{}}, connector.Request{Config: cfg}, nil); !errors.Is(err, connector.ErrUnreachable) {
		t.Errorf("nobody there: %v", err)
	}
}

// The key goes to Anthropic alone.
func TestRedirect(t *testing.T) {
	f := newFake(t)
	seen := make(chan http.Header, 1)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Clone()
		fmt.Fprint(w, list1(""))
	}))
	defer other.Close()
	f.On(org+"users", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) })
	f.collect(t, "", nil)
	if h := <-seen; h.Get("X-Api-Key") != "" {
		t.Errorf("the other host saw %v", h)
	}
}

// An answer that breaks off and one that is slow are asked for again.
func TestTornAndSlow(t *testing.T) {
	f := newFake(t)
	n := 0
	f.On(org+"users", func(w http.ResponseWriter, _ *http.Request) {
		if n++; n == 1 {
			w.Header().Set("Content-Length", "500")
			fmt.Fprint(w, `{"data":[{"id":"u`)
			return
		}
		time.Sleep(20 * time.Millisecond)
		fmt.Fprint(w, list1(`{"id":"u"}`))
	})
	rec, cov := f.collect(t, "", nil)
	if n != 2 || len(rec.Reasons()) != 1 || !cov[records.KindVendorUser].Enumerated {
		t.Errorf("%d answers, %v", n, rec.Reasons())
	}
}

// Too many requests, in every shape: waited for, or a gap that says until when.
func TestLimits(t *testing.T) {
	for name, header := range map[string]string{"seconds": "1", "date": time.Now().Add(time.Second).UTC().Format(http.TimeFormat), "none": "", "far": "86400"} {
		f := newFake(t)
		n := 0
		f.On(org+"users", func(w http.ResponseWriter, _ *http.Request) {
			if n++; n == 1 || name == "far" {
				if header != "" {
					w.Header().Set("Retry-After", header)
				}
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			fmt.Fprint(w, list1(`{"id":"u"}`))
		})
		rec, cov := f.collect(t, "", nil)
		if limited := cov[records.KindVendorUser].Status != connector.Complete; limited != (name == "far") {
			t.Errorf("%s: %v", name, rec.Reasons())
		}
	}
}

func TestCheck(t *testing.T) {
	f := newFake(t)
	report, err := New().Check(t.Context(), f.config(""))
	if err != nil || report.Problem != "" || !strings.Contains(report.Identity, "Acme") || len(report.Scope) != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	for _, p := range report.Permissions {
		if p.Grant != connector.Granted {
			t.Errorf("%+v", p)
		}
	}
	f.Put(org+"compliance_settings", `{"state":{"type":"disabled"}}`)
	cfg := f.config("")
	cfg.Secrets[secretKey] = "sk-ant-another"
	f.status(org+"users", 404)
	report, err = New().Check(t.Context(), cfg)
	want := map[string]connector.Grant{permAdmin: connector.GrantUnknown, permActivity: connector.Missing, permKey: connector.Missing}
	for _, p := range report.Permissions {
		if p.Grant != want[p.Permission] || p.Detail == "" {
			t.Errorf("%+v, want %q", p, want[p.Permission])
		}
	}
	if err != nil {
		t.Error(err)
	}
	delete(cfg.Secrets, secretKey)
	if report, err = New().Check(t.Context(), cfg); err != nil || report.Permissions[2].Grant != connector.GrantUnknown || report.Permissions[2].Detail == "" {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestConfig(t *testing.T) {
	for name, c := range map[string]struct{ settings, secret string }{
		"no secret":       {`{}`, ""},
		"a line break":    {`{}`, "sk\nx"},
		"no address":      {`{"base_url":"api"}`, "sk"},
		"a password":      {`{"base_url":"https://u:p@h"}`, "sk"},
		"no history":      {`{"history_days":0}`, "sk"},
		"asks nowhere":    {`{"requests":[{"model":"m","system":"s"}]}`, "sk"},
		"another type":    {`{"requests":5}`, "sk"},
		"for no system":   {`{"requests":[{"workspace":"p","model":"m"}]}`, "sk"},
		"plain elsewhere": {`{"base_url":"http://api.example.test"}`, "sk"},
	} {
		cfg, err := parseConfig(connector.Config{Settings: json.RawMessage(c.settings), Secrets: map[string]string{secretAdmin: c.secret}})
		if err == nil {
			_, err = newAPI(cfg, cfg.admin, nil, nil)
		}
		if err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
