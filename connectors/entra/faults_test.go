package entra

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
	const audits, signIns = v1 + "auditLogs/directoryAudits", v1 + "auditLogs/signIns"
	for name, c := range map[string]struct {
		path   string
		status int
		body   string
		kind   string
		reason connector.Reason
	}{
		"applications denied":        {sps, 403, "", records.KindSighting, connector.Denied},
		"applications limited":       {sps, 429, "", records.KindActivity, connector.RateLimited},
		"applications: html":         {sps, 200, "<html>", records.KindSighting, connector.Malformed},
		"applications: null":         {sps, 200, `{"value":null}`, records.KindSighting, connector.Malformed},
		"applications: a list":       {sps, 200, `[]`, records.KindSighting, connector.Malformed},
		"applications: cut off":      {sps, 200, `{"value":[{"id":"sp1"`, records.KindSighting, connector.Malformed},
		"an application without id":  {sps, 200, value(`{"displayName":"ChatGPT"}`), records.KindSighting, connector.Malformed},
		"an application is a number": {sps, 200, value(`5`), records.KindActivity, connector.Malformed},
		"an id that breaks a filter": {sps, 200, value(`{"id":"x","appId":"a' or 1 eq 1"}`), records.KindActivity, connector.Malformed},
		"a link without a query":     {sps, 200, `{"value":[],"@odata.nextLink":"https://x.example"}`, records.KindSighting, connector.Malformed},
		"a link that is the same":    {sps, 200, `{"value":[],"@odata.nextLink":"https://x.example?$skiptoken=a"}`, records.KindSighting, connector.Malformed},
		"delegated denied":           {sps + "/sp1/oauth2PermissionGrants", 403, "", records.KindSighting, connector.Denied},
		"roles broken":               {sps + "/sp1/appRoleAssignments", 500, "", records.KindSighting, connector.Unavailable},
		"names of roles denied":      {sps + "/res", 403, "", records.KindSighting, connector.Denied},
		"assigned denied":            {sps + "/sp1/appRoleAssignedTo", 403, "", records.KindSighting, connector.Denied},
		"assigned: no id":            {sps + "/sp1/appRoleAssignedTo", 200, value(`{"principalType":"User"}`), records.KindSighting, connector.Malformed},
		"owners denied":              {sps + "/sp5/owners", 403, "", records.KindSighting, connector.Denied},
		"people denied":              {v1 + "users", 403, "", records.KindSighting, connector.Denied},
		"licences denied":            {v1 + "subscribedSkus", 403, "", records.KindSighting, connector.Denied},
		"licences below zero":        {v1 + "subscribedSkus", 200, value(`{"skuPartNumber":"Microsoft_365_Copilot","consumedUnits":-1}`), records.KindSighting, connector.Malformed},
		"consents denied":            {audits, 403, "", records.KindActivity, connector.Denied},
		"consents: no time":          {audits, 200, value(`{"id":"x"}`), records.KindActivity, connector.Malformed},
		"sign-ins denied":            {signIns, 403, "", records.KindActivity, connector.Denied},
		"sign-ins limited":           {signIns, 429, "", records.KindActivity, connector.RateLimited},
		"sign-ins: tomorrow":         {signIns, 200, value(`{"id":"x","createdDateTime":"2999-01-01T00:00:00Z"}`), records.KindActivity, connector.Malformed},
		"sign-ins: a text":           {signIns, 200, value(`"x"`), records.KindActivity, connector.Malformed},
		"report denied":              {"/" + copilotReport, 403, "", records.KindActivity, connector.Denied},
		"report not offered":         {"/" + copilotReport, 501, "", records.KindActivity, connector.Unsupported},
		"report: table":              {"/" + copilotReport, 200, "Report Refresh Date,Report Date", records.KindActivity, connector.Malformed},
		"report: no date":            {"/" + copilotReport, 200, `{"value":[{"adoptionByDate":[{"reportDate":"soon"}]}]}`, records.KindActivity, connector.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			if c.status != 200 {
				f.status(c.path, c.status, "x")
			} else {
				f.Put(c.path, c.body)
			}
			rec, cov := f.collect(t, `"people":"pseudonyms"`, nil)
			found := slices.ContainsFunc(rec.Gaps(), func(g connector.Gap) bool { return slices.Contains(g.Kinds, c.kind) && g.Reason == c.reason })
			if !found || cov[c.kind].Status == connector.Complete || cov[c.kind].Enumerated {
				t.Errorf("gaps %v, coverage %+v", rec.Reasons(), cov[c.kind])
			}
			for _, g := range rec.Gaps() {
				if g.Reason == connector.Denied && g.Permission == "" {
					t.Errorf("a gap that does not say which permission closes it: %+v", g)
				}
			}
			if c.path != sps && c.path != v1+"subscribedSkus" && len(rec.Records(records.KindSighting)) < 3 {
				t.Errorf("the rest was not read: %v", rec.Kinds())
			}
		})
	}
}

func TestRefused(t *testing.T) {
	f := newFake(t)
	cfg := f.config("")
	cfg.Secrets[secretClient] = "another~secret-987654321"
	_, _, err := connectortest.Collect(t, hasty(), connector.Request{Config: cfg}, nil)
	if !errors.Is(err, connector.ErrRefused) || strings.Contains(err.Error(), "987654321") || !strings.Contains(err.Error(), "AADSTS7000215") {
		t.Errorf("%v", err)
	}
	report, err := New().Check(t.Context(), cfg)
	if err != nil || report.Problem == "" || strings.Contains(report.Problem, "987654321") {
		t.Errorf("%+v, %v", report, err)
	}
	f.status(sps, 401, "InvalidAuthenticationToken")
	if _, _, err := connectortest.Collect(t, hasty(), connector.Request{Config: f.config("")}, nil); !errors.Is(err, connector.ErrRefused) {
		t.Errorf("%v", err)
	}
}

func TestCheck(t *testing.T) {
	f := newFake(t)
	f.status(v1+"subscribedSkus", 403, "Authorization_RequestDenied")
	report, err := New().Check(t.Context(), f.config(""))
	if err != nil || report.Problem != "" || report.Identity != "app c-1 of tenant acme.example" {
		t.Errorf("%+v, %v", report, err)
	}
	want := map[string]connector.Grant{permApps: connector.Granted, permGrants: connector.Granted, permLogs: connector.Granted, permLicences: connector.Missing,
		permReports: connector.Granted, permUsers: connector.GrantUnknown}
	for _, p := range report.Permissions {
		if p.Grant != want[p.Permission] {
			t.Errorf("%+v", p)
		}
	}
}

// Ten thousand applications, and a listing that never ends, are bounded.
func TestMany(t *testing.T) {
	f := newFake(t)
	n := 0
	f.On(sps, func(w http.ResponseWriter, _ *http.Request) {
		n++
		var items []string
		for i := range 500 {
			items = append(items, fmt.Sprintf(`{"id":"s%d-%d","appId":"a%d-%d","displayName":"Thing %d"}`, n, i, n, i, i))
		}
		next := fmt.Sprintf(`,"@odata.nextLink":"https://x.example/?$skiptoken=%d"`, n)
		if n == 20 {
			next = ""
		}
		fmt.Fprintf(w, `{"value":[%s]%s}`, strings.Join(items, ","), next)
	})
	began := time.Now()
	_, cov := f.collect(t, "", nil)
	if !strings.Contains(cov[records.KindSighting].Query, "10000 applications looked at, 0 of known AI") || !cov[records.KindSighting].Enumerated {
		t.Errorf("%+v", cov)
	}
	t.Logf("%s for 10,000 applications", time.Since(began).Round(time.Millisecond))
}

// Whatever Graph answers, what is emitted is what a host takes.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"id":"sp1","appId":"e0476654-c1d5-430b-ab80-70cbd947616a","displayName":"ChatGPT"}`), []byte(`{"skuPartNumber":"Microsoft_365_Copilot","consumedUnits":1}`), []byte(`{"value":[{"adoptionByDate":[{"reportDate":"2026-03-01","anyAppActiveUsers":3}]}]}`))
	f.Add([]byte(`{"id":"\u2028","appId":"a","displayName":"Claude","verifiedPublisher":{"displayName":"Anthropic"}}`), []byte(`{"skuPartNumber":"a_copilot\u0000","prepaidUnits":{"enabled":1}}`), []byte(`{"value":[{"adoptionByDate":[{"reportDate":"9999-01-01"}]}]}`))
	matcher, err := signatures()
	if err != nil {
		f.Fatal(err)
	}
	now := time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, one, two, three []byte) {
		rec := connectortest.NewRecorder()
		r := &run{cfg: &config{Unresolved: true, Tenant: "t"}, matcher: matcher, now: now, book: coverage.New(New().Describe(), connector.Request{}, rec)}
		var p principal
		if json.Unmarshal(one, &p) == nil && records.Fit(p.ID) && plain(p.AppID) {
			if found, ok := r.match(p); ok {
				s := found.Seen(grants.OAuth, p.AppID, p.Name, "t")
				s.Status = p.status()
				if err := grants.Sighting(r.book, s, r.page(known{p, found})); err != nil {
					t.Fatal(err)
				}
			}
		}
		var s sku
		if json.Unmarshal(two, &s) == nil && records.Fit(s.Part) {
			if err := r.tellLicence(s); err != nil {
				t.Fatal(err)
			}
		}
		var v trend
		if json.Unmarshal(three, &v) == nil {
			if err := r.tellTrend(v); err != nil {
				t.Fatal(err)
			}
		}
		rec.Sound(t, New())
	})
}

// Names that somebody else chose are bounded and fit to print.
func TestHostile(t *testing.T) {
	f := newFake(t)
	long := strings.Repeat("x", 5000)
	f.pages(sps, 3, `{"id":"sp1","appId":"`+chatGPT+`","displayName":"=HYPERLINK(\"x\") \u202e\u0000`+long+`","verifiedPublisher":{"displayName":"`+long+`"},"replyUrls":["javascript:x","`+long+`","https://[::1"],"homepage":5}`,
		`{"id":"sp1","appId":"`+chatGPT+`","displayName":"=HYPERLINK(\"x\") \u202e\u0000`+long+`","verifiedPublisher":{"displayName":"`+long+`"},"replyUrls":["javascript:x","`+long+`","https://[::1"]},
		 {"id":"`+long+`","appId":"a","displayName":"ChatGPT"}`)
	f.Put(sps+"/sp1/oauth2PermissionGrants", value(`{"consentType":"Other","scope":"`+long+` \u0000 Mail.Read"}`))
	rec, _ := f.collect(t, "", nil)
	p := rec.Payloads(t, records.KindSighting)["oauth|openai|"+chatGPT]
	name, _ := p["place_name"].(string)
	if p == nil || len(name) > 900 || strings.ContainsAny(name, "\x00\u202e") || !slices.Contains(p["scopes_granted"].([]any), any("Mail.Read")) {
		t.Errorf("%v", p)
	}
	want := []string{"shadow_ai.sighting+shadow_ai.activity malformed applications", "shadow_ai.sighting+shadow_ai.activity malformed applications, entry 1"}
	if got := rec.Reasons(); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}
