package openai

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
	"github.com/exhibit-aims/exhibit/plugins/usage"
)

func (f *fake) hasty(t *testing.T) (*connectortest.Recorder, connector.Coverage) {
	t.Helper()
	rec, cov, err := connectortest.Collect(t, &Connector{clock: connectortest.Hasty{}}, connector.Request{Config: f.config("")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return rec, cov
}

// Each fault ends in a gap of what it concerns, and the rest is read.
func TestFaults(t *testing.T) {
	const a = org + "projects/proj_a/"
	longName := strings.Repeat("x", 5000)
	for name, c := range map[string]struct {
		path   string
		status int
		body   string
		kind   string
		reason connector.Reason
	}{
		"users denied":             {org + "users", 403, "", records.KindVendorUser, connector.Denied},
		"users, scope by 401":      {org + "users", 401, "", records.KindVendorUser, connector.Denied},
		"projects denied":          {org + "projects", 403, "", records.KindAPIKey, connector.Denied},
		"projects not there":       {org + "projects", 404, "", records.KindDataControls, connector.NotFound},
		"keys of one project":      {a + "api_keys", 500, "", records.KindAPIKey, connector.Unavailable},
		"admin keys":               {org + "admin_api_keys", 403, "", records.KindAPIKey, connector.Denied},
		"members":                  {a + "users", 404, "", records.KindVendorProject, connector.NotFound},
		"service accounts":         {a + "service_accounts", 503, "", records.KindVendorUser, connector.Unavailable},
		"use gone":                 {org + "usage/images", 410, "", records.KindVendorUsage, connector.Unsupported},
		"costs denied":             {org + "costs", 403, "", records.KindVendorUsage, connector.Denied},
		"log denied":               {org + "audit_logs", 403, "", records.KindVendorAuditLog, connector.Denied},
		"retention not offered":    {org + "data_retention", 404, "", records.KindDataControls, connector.NotFound},
		"permissions not there":    {a + "model_permissions", 404, "", records.KindDataControls, connector.NotFound},
		"models denied":            {"/models", 403, "", records.KindModelLifecycle, connector.Denied},
		"jobs":                     {"/fine_tuning/jobs", 500, "", records.KindModelVersion, connector.Unavailable},
		"limit":                    {org + "users", 429, "", records.KindVendorUser, connector.RateLimited},
		"html":                     {org + "users", 200, "<html>", records.KindVendorUser, connector.Malformed},
		"null":                     {org + "users", 200, "null", records.KindVendorUser, connector.Malformed},
		"renamed":                  {org + "users", 200, `{"items":[],"has_more":false}`, records.KindVendorUser, connector.Malformed},
		"does not say whether":     {org + "users", 200, `{"data":[]}`, records.KindVendorUser, connector.Malformed},
		"more, and not where":      {org + "users", 200, `{"data":[],"has_more":true}`, records.KindVendorUser, connector.Malformed},
		"circle":                   {org + "users", 200, `{"data":[{"id":"u"}],"has_more":true,"last_id":"u"}`, records.KindVendorUser, connector.Malformed},
		"another type":             {org + "users", 200, list1(`{"id":5}`), records.KindVendorUser, connector.Malformed},
		"no id":                    {org + "users", 200, list1(`{"name":"x"}`), records.KindVendorUser, connector.Malformed},
		"control characters":       {org + "projects", 200, list1(`{"id":"a\nb"}`), records.KindVendorProject, connector.Malformed},
		"a path":                   {org + "projects", 200, list1(`{"id":".."}`), records.KindAPIKey, connector.Malformed},
		"huge id":                  {a + "api_keys", 200, list1(`{"id":"` + longName + `"}`), records.KindAPIKey, connector.Malformed},
		"invitation of a new kind": {org + "invites", 200, list1(`{"id":"i","status":"maybe"}`), records.KindVendorUser, connector.Malformed},
		"a day not asked for":      {org + "usage/completions", 200, `{"data":[{"start_time":0,"results":[]}],"has_more":false}`, records.KindVendorUsage, connector.Malformed},
		"not grouped":              {org + "usage/completions", 200, useNow(`{"num_model_requests":1}`), records.KindModelObservation, connector.Malformed},
		"below zero":               {org + "usage/completions", 200, useNow(`{"num_model_requests":-1,"model":"m"}`), records.KindVendorUsage, connector.Malformed},
		"a number as text":         {org + "usage/completions", 200, useNow(`{"num_model_requests":"1","model":"m"}`), records.KindVendorUsage, connector.Malformed},
		"a day without results":    {org + "usage/completions", 200, `{"data":[{"start_time":` + fmt.Sprint(lastDay().Unix()) + `}],"has_more":false}`, records.KindVendorUsage, connector.Malformed},
		"euros":                    {org + "costs", 200, useNow(`{"amount":{"value":1,"currency":"eur"}}`), records.KindVendorUsage, connector.Malformed},
		"an amount that is none":   {org + "costs", 200, useNow(`{"amount":{"value":1e999999,"currency":"usd"}}`), records.KindVendorUsage, connector.Malformed},
		"tomorrow":                 {org + "audit_logs", 200, list1(`{"id":"e","type":"x","effective_at":32503680000}`), records.KindVendorAuditLog, connector.Malformed},
		"event without type":       {org + "audit_logs", 200, list1(`{"id":"e","effective_at":1777000001}`), records.KindVendorAuditLog, connector.Malformed},
		"retention of no type":     {org + "data_retention", 200, `{}`, records.KindDataControls, connector.Malformed},
		"a mode of a new kind":     {a + "model_permissions", 200, `{"mode":"some"}`, records.KindDataControls, connector.Malformed},
		"an end that is no day":    {"/models", 200, `{"data":[{"id":"m","shutdown_date":"soon"}]}`, records.KindModelLifecycle, connector.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			if c.status != 200 {
				f.status(c.path, c.status)
			} else {
				f.Put(c.path, c.body)
			}
			rec, cov := f.hasty(t)
			found := slices.ContainsFunc(rec.Gaps(), func(g connector.Gap) bool { return slices.Contains(g.Kinds, c.kind) && g.Reason == c.reason })
			if !found || cov[c.kind].Status == connector.Complete || cov[c.kind].Enumerated {
				t.Errorf("gaps %v, coverage %+v", rec.Reasons(), cov[c.kind])
			}
			for _, g := range rec.Gaps() {
				if g.Reason == connector.Denied && g.Permission == "" {
					t.Errorf("a gap that does not say which permission closes it: %+v", g)
				}
			}
			if len(rec.Kinds()) < 7 {
				t.Errorf("the rest was not read: %v", rec.Kinds())
			}
		})
	}
}

func lastDay() time.Time { return usage.Midnight(time.Now().Add(-usage.Settled)).Add(-day) }

// useNow is a report with one row on the last day.
func useNow(row string) string {
	return fmt.Sprintf(`{"object":"page","data":[{"start_time":%d,"results":[%s]}],"has_more":false}`, lastDay().Unix(), row)
}

// A report that breaks off leaves its position where it was.
func TestPositionAfterAFault(t *testing.T) {
	f := newFake(t)
	first, _ := f.hasty(t)
	f.status(org+"usage/completions", 500)
	f.status(org+"audit_logs", 500)
	second, _, err := connectortest.Collect(t, &Connector{clock: connectortest.Hasty{}}, connector.Request{Config: f.config("")}, first)
	if err != nil {
		t.Fatal(err)
	}
	f.use("completions", `{"num_model_requests":7,"model":"m","project_id":"proj_a"}`)
	f.Put(org+"audit_logs", list1(`{"id":"audit_3","type":"x","effective_at":1777000003}`))
	third, _ := f.collect(t, "", second)
	if len(third.Records(records.KindVendorAuditLog)) != 1 || third.Payloads(t, records.KindVendorUsage)["openai|proj_a||m|"+yesterday()] == nil {
		t.Error("what came meanwhile was lost")
	}
}

// Many projects that lack a permission are one gap.
func TestOneGapForManyProjects(t *testing.T) {
	f := newFake(t)
	var items []string
	for i := range 20 {
		id := fmt.Sprintf("proj_%02d", i)
		items = append(items, `{"id":"`+id+`","status":"active","created_at":1}`)
		for _, what := range []string{"service_accounts", "users", "api_keys"} {
			f.Put(org+"projects/"+id+"/"+what, list1(""))
		}
		f.Put(org+"projects/"+id+"/data_retention", `{"type":"organization_default"}`)
		f.status(org+"projects/"+id+"/model_permissions", 403)
	}
	f.Put(org+"projects", list1(strings.Join(items, ",")))
	rec, _ := f.hasty(t)
	got := slices.DeleteFunc(rec.Reasons(), func(s string) bool { return strings.Contains(s, "hidden") || s == notTold })
	want := "vendor.data_controls denied model permissions of 20 projects: proj_00, proj_01, proj_02, proj_03, proj_04, proj_05, proj_06, proj_07 …"
	if len(got) != 1 || got[0] != want {
		t.Errorf("%q", got)
	}
	if c := rec.Payloads(t, records.KindDataControls)["openai|proj_00"]; c["zdr"] != false || c["retention_type"] != "organization_default" {
		t.Errorf("%v", c)
	}
}

// A key that is not taken at all ends the run; a key goes to OpenAI alone.
func TestRefused(t *testing.T) {
	f := newFake(t)
	cfg := f.config("")
	cfg.Secrets[secretAdmin] = "sk-proj-no-admin-key"
	_, _, err := connectortest.Collect(t, New(), connector.Request{Config: cfg}, nil)
	if !errors.Is(err, connector.ErrRefused) || strings.Contains(err.Error(), "no-admin-key") {
		t.Errorf("%v", err)
	}
	report, err := New().Check(t.Context(), cfg)
	if err != nil || report.Problem == "" || report.Remedy == "" || len(report.Permissions) != len(permissions()) {
		t.Errorf("%+v, %v", report, err)
	}
	cfg = connector.Config{Settings: json.RawMessage(`{"base_url":"http://127.0.0.1:1/v1"}`), Secrets: map[string]string{secretAdmin: "x"}}
	if _, _, err := connectortest.Collect(t, &Connector{clock: connectortest.Hasty{}}, connector.Request{Config: cfg}, nil); !errors.Is(err, connector.ErrUnreachable) {
		t.Errorf("nobody there: %v", err)
	}
}

func TestRedirect(t *testing.T) {
	f := newFake(t)
	seen := make(chan http.Header, 1)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Clone()
		fmt.Fprint(w, list1(""))
	}))
	defer other.Close()
	f.On(org+"users", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) })
	f.hasty(t)
	if h := <-seen; h.Get("Authorization") != "" {
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
	rec, cov := f.hasty(t)
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
		rec, cov := f.hasty(t)
		if limited := cov[records.KindVendorUser].Status != connector.Complete; limited != (name == "far") {
			t.Errorf("%s: %v", name, rec.Reasons())
		}
	}
}

func TestCheck(t *testing.T) {
	f := newFake(t)
	f.status(org+"audit_logs", 403)
	f.status(org+"costs", 401)
	f.status("/fine_tuning/jobs", 404)
	report, err := New().Check(t.Context(), f.config(""))
	if err != nil || report.Problem != "" {
		t.Fatalf("%+v, %v", report, err)
	}
	want := map[string]connector.Grant{permManagement: connector.Granted, permUsage: connector.Missing, permAudit: connector.Missing,
		permModels: connector.Granted, permFineTuning: connector.GrantUnknown}
	for _, p := range report.Permissions {
		if p.Grant != want[p.Permission] {
			t.Errorf("%+v, want %q", p, want[p.Permission])
		}
	}
	if !strings.Contains(report.Identity, "org-acme") || len(report.Scope) != 2 {
		t.Errorf("%+v", report)
	}
	cfg := f.config("")
	delete(cfg.Secrets, secretKey)
	if report, err = New().Check(t.Context(), cfg); err != nil || report.Permissions[3].Grant != connector.GrantUnknown || report.Permissions[3].Detail == "" {
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
		"for no system":   {`{"requests":[{"project":"p","model":"m"}]}`, "sk"},
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
