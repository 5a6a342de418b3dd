package googleworkspace

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
	const list = `{"kind":"x","items":[%s]}`
	for name, c := range map[string]struct {
		path   string
		status int
		body   string
		kind   string
		reason connector.Reason
	}{
		"people denied":            {dir, 403, "", records.KindSighting, connector.Denied},
		"people limited":           {dir, 429, "", records.KindSighting, connector.RateLimited},
		"people: html":             {dir, 200, "<html>", records.KindSighting, connector.Malformed},
		"people: nothing":          {dir, 200, "{}", records.KindSighting, connector.Malformed},
		"people: an object":        {dir, 200, `{"kind":"x","users":{}}`, records.KindSighting, connector.Malformed},
		"people: cut off":          {dir, 200, `{"kind":"x","users":[{"id"`, records.KindSighting, connector.Malformed},
		"people: no id":            {dir, 200, `{"kind":"x","users":[{"primaryEmail":"a@b"}]}`, records.KindSighting, connector.Malformed},
		"people: a number":         {dir, 200, `{"kind":"x","users":[5]}`, records.KindSighting, connector.Malformed},
		"people: a circle":         {dir, 200, `{"kind":"x","users":[],"nextPageToken":"a"}`, records.KindSighting, connector.Malformed},
		"tokens denied":            {dir + "/1/tokens", 403, "", records.KindSighting, connector.Denied},
		"tokens broken":            {dir + "/2/tokens", 500, "", records.KindSighting, connector.Unavailable},
		"tokens: a number":         {dir + "/1/tokens", 200, fmt.Sprintf(list, "5"), records.KindSighting, connector.Malformed},
		"tokens: no client":        {dir + "/1/tokens", 200, fmt.Sprintf(list, `{"displayText":"ChatGPT"}`), records.KindSighting, connector.Malformed},
		"licences denied":          {product + "101047/users", 403, "", records.KindSighting, connector.Denied},
		"licences: no product":     {product + "101068/users", 200, fmt.Sprintf(list, `{"userId":"a"}`), records.KindSighting, connector.Malformed},
		"consents denied":          {logs + "token", 403, "", records.KindActivity, connector.Denied},
		"consents: no time":        {logs + "token", 200, fmt.Sprintf(list, `{"events":[]}`), records.KindActivity, connector.Malformed},
		"consents: tomorrow":       {logs + "token", 200, fmt.Sprintf(list, `{"id":{"time":"2999-01-01T00:00:00Z"}}`), records.KindActivity, connector.Malformed},
		"consents: a text":         {logs + "token", 200, fmt.Sprintf(list, `"x"`), records.KindActivity, connector.Malformed},
		"sign-ins broken":          {logs + "saml", 503, "", records.KindActivity, connector.Unavailable},
		"Gemini not in the plan":   {logs + "gemini_in_workspace_apps", 404, "", records.KindActivity, connector.NotFound},
		"Gemini: another kind":     {logs + "gemini_in_workspace_apps", 200, `{"kind":5}`, records.KindActivity, connector.Malformed},
		"Gemini: pages for ever":   {logs + "gemini_in_workspace_apps", 200, `{"kind":"x","nextPageToken":"a"}`, records.KindActivity, connector.Malformed},
		"Gemini: a wrong token":    {logs + "gemini_in_workspace_apps", 200, `{"kind":"x","nextPageToken":7}`, records.KindActivity, connector.Malformed},
		"Gemini: a list of events": {logs + "gemini_in_workspace_apps", 200, fmt.Sprintf(list, `{"id":{"time":"2026-01-01T00:00:00Z"},"events":{}}`), records.KindActivity, connector.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			if c.status != 200 {
				f.status(c.path, c.status)
			} else {
				f.Put(c.path, c.body)
			}
			rec, cov := f.collect(t, `"licences":true,"customer_id":"C01"`, nil)
			found := slices.ContainsFunc(rec.Gaps(), func(g connector.Gap) bool { return slices.Contains(g.Kinds, c.kind) && g.Reason == c.reason })
			if !found || cov[c.kind].Status == connector.Complete || cov[c.kind].Enumerated {
				t.Errorf("gaps %v, coverage %+v", rec.Reasons(), cov[c.kind])
			}
			for _, g := range rec.Gaps() {
				if g.Reason == connector.Denied && g.Permission == "" {
					t.Errorf("a gap that does not say which permission closes it: %+v", g)
				}
			}
			if len(rec.Kinds()) != 2 {
				t.Errorf("the rest was not read: %v", rec.Kinds())
			}
		})
	}
}

// Google says with 403 what others say with 429.
func TestQuota(t *testing.T) {
	f := newFake(t)
	f.On(dir, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"error":{"code":403,"message":"Quota exceeded","errors":[{"domain":"usageLimits","reason":"quotaExceeded"}]}}`)
	})
	rec, _ := f.collect(t, "", nil)
	if !slices.Contains(rec.Reasons(), "shadow_ai.sighting rate_limited people") {
		t.Errorf("%v", rec.Reasons())
	}
}

func TestRefused(t *testing.T) {
	f := newFake(t)
	cfg := f.config("")
	cfg.Secrets[secretToken] = "ya29.another-987654321"
	_, _, err := connectortest.Collect(t, hasty(), connector.Request{Config: cfg}, nil)
	if !errors.Is(err, connector.ErrRefused) || strings.Contains(err.Error(), "987654321") {
		t.Errorf("%v", err)
	}
	report, err := New().Check(t.Context(), cfg)
	if err != nil || report.Problem == "" || strings.Contains(report.Problem, "987654321") {
		t.Errorf("%+v, %v", report, err)
	}
}

// Two thousand people with twenty applications each.
func TestMany(t *testing.T) {
	f := newFake(t)
	var people []string
	var apps []string
	for i := range 20 {
		apps = append(apps, fmt.Sprintf(`{"clientId":"c%d","displayText":"Thing %d"}`, i, i))
	}
	for i := range 2000 {
		people = append(people, fmt.Sprintf(`{"id":"m%d","primaryEmail":"m%d@example.test"}`, i, i))
		f.tokens(fmt.Sprint("m", i), strings.Join(apps, ","))
	}
	f.Put(dir, `{"kind":"x","users":[`+strings.Join(people, ",")+`]}`)
	began := time.Now()
	rec, cov, err := connectortest.Collect(t, hasty(), connector.Request{Config: f.config(`"requests_per_second":0.5`), Kinds: []string{records.KindSighting}}, nil)
	if err != nil || len(rec.Gaps()) != 0 || !strings.Contains(cov[records.KindSighting].Query, "tokens of 2000 people: 20 applications looked at, 0 of known AI") {
		t.Errorf("%v %+v %+v", err, cov, rec.Gaps())
	}
	t.Logf("%s for 2,000 people", time.Since(began).Round(time.Millisecond))
}

// Whatever Google answers, what is emitted is what a host takes.
func FuzzAnswers(f *testing.F) {
	now := time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)
	f.Add([]byte(`{"clientId":"x","displayText":"ChatGPT","scopes":["a"]}`), []byte(an("1", "a@b", "authorize", now, "client_id=x", "app_name=ChatGPT", "scope=a b")))
	f.Add([]byte(`{"clientId":"https://otter.ai/\u2028","displayText":"\u0000"}`), []byte(`{"id":{"time":"0001-01-01T00:00:00Z"},"events":[{"name":"login_failure","parameters":[{"name":"application_name","value":"Claude"}]}]}`))
	f.Add([]byte(`{"clientId":"http://[::1"}`), []byte(an("1", "", geminiUse, now, "app_name=\n", "num_response_bytes=-1")))
	matcher, err := signatures()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, one, two []byte) {
		rec := connectortest.NewRecorder()
		book := coverage.New(New().Describe(), connector.Request{}, rec)
		r := &run{cfg: &config{Unresolved: true}, matcher: matcher, now: now, book: book, clients: map[string]bool{}, apps: map[string]*app{},
			consents: coverage.OpenTable[firstConsent](book, "x")}
		var tk token
		if json.Unmarshal(one, &tk) == nil && tk.Client != "" {
			r.take(member{ID: "1", Email: "a@b"}, []token{tk})
			if err := r.tellApps(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		var a activity
		if json.Unmarshal(two, &a) == nil {
			at, err := records.Moment(a.ID.Time)
			if err == nil && !at.IsZero() && !at.After(now) {
				all := sums{}
				for _, e := range a.Events {
					for _, l := range []source{{channel: grants.OAuth, of: r.client, saw: r.remember}, {channel: grants.SSO, of: r.saml}, {channel: grants.Own, of: r.gemini}} {
						all.add(l, e, at, actor(a))
					}
				}
				if err := all.tell(r); err != nil {
					t.Fatal(err)
				}
			}
		}
		rec.Sound(t, New())
	})
}

// Names that somebody else chose are bounded and fit to print.
func TestHostile(t *testing.T) {
	f := newFake(t)
	long := strings.Repeat("x", 5000)
	f.tokens("1", `{"clientId":"`+long+`","displayText":"ChatGPT"},{"clientId":"a\u0000b","displayText":"ChatGPT"},
		{"clientId":"ok","displayText":"ChatGPT \u202e\u0000 (SSO)","scopes":["`+long+`","https://mail.google.com/"]}`)
	f.tokens("2", `{"clientId":"client_id==x,y","displayText":"Claude"}`)
	rec, _ := f.collect(t, `"api_calls":true`, nil)
	got := rec.Payloads(t, records.KindSighting)
	p := got["oauth|openai|ok"]
	if len(got) != 2 || p == nil || strings.ContainsAny(p["place_name"].(string), "\x00\u202e") || p["scopes_granted"].([]any)[0] != "https://mail.google.com/" {
		t.Errorf("%v", got)
	}
	for _, q := range f.Asked() {
		if strings.Contains(q, "client_id%3D%3Dclient_id") {
			t.Errorf("a client's id became a filter: %s", q)
		}
	}
}
