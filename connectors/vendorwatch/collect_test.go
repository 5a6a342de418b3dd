package vendorwatch

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

func TestWhatIsPublished(t *testing.T) {
	w := newWeb(t)
	rec, cov := w.collect(t, nil)
	if gaps := rec.Gaps(); len(gaps) != 0 {
		t.Errorf("gaps %+v", gaps)
	}
	var got []string
	for _, r := range rec.Records() {
		p := connectortest.Payload(t, r)
		got = append(got, fmt.Sprint(r.Kind, " ", r.Subject.ID, " ", r.EventTime.Format(time.DateOnly), " ", p["status"], " ", p["impact"], " ", p["components"]))
	}
	slices.Sort(got)
	today := time.Now().UTC().Format(time.DateOnly)
	want := []string{
		"vendor.incident openai 2026-02-01 completed maintenance []",
		"vendor.incident openai 2026-03-01 resolved minor [Chat]",
		"vendor.incident openai 2026-03-02 investigating critical [API]",
		"vendor.model_lifecycle Legacy snapshots 2026-01-07 deprecated <nil> <nil>",
		"vendor.model_lifecycle old-1 2026-01-05 deprecated <nil> <nil>",
		"vendor.model_lifecycle old-1 2026-02-05 retired <nil> <nil>",
		"vendor.model_lifecycle old-2 2026-01-06 deprecated <nil> <nil>",
		"vendor.terms_revision openai " + today + " <nil> <nil> <nil>",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for kind, c := range cov {
		if c.Status != connector.Complete || c.Enumerated || c.Query == "" {
			t.Errorf("coverage of %s: %+v", kind, c)
		}
	}
	if since := cov[records.KindVendorIncident].Since; !since.Equal(time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("incidents are known since %s", since)
	}
	for _, r := range rec.Records(records.KindModelLifecycle) {
		p := connectortest.Payload(t, r)
		if _, ends := p["shutdown_at"]; r.Subject.ID == "Legacy snapshots" && ends {
			t.Error("the day of the announcement is taken for the day of the end")
		}
	}

	again, _ := w.collect(t, rec)
	if calls := again.Counted(); calls.NotModified*100 < calls.Requests*95 {
		t.Errorf("%d of %d answers are 304", calls.NotModified, calls.Requests)
	}
	if n := len(again.Records()) - len(again.Records(records.KindModelLifecycle)); n != 0 || len(again.Gaps()) != 0 {
		t.Errorf("nothing changed: %d records, gaps %v", n, again.Gaps())
	}
}

// A page read again is no event; a changed text is one, with what changed.
func TestTerms(t *testing.T) {
	w := newWeb(t)
	w.tags = false
	first, _ := w.collect(t, nil)
	one := connectortest.Payload(t, first.Records(records.KindTermsRevision)[0])
	if one["previous_sha256"] != nil || one["effective_at"] != "2026-03-05T00:00:00Z" {
		t.Errorf("the first text: %v", one)
	}
	w.put("/terms", strings.ReplaceAll(strings.ReplaceAll(terms("We keep your   inputs for thirty days."), "nonce = 1", "nonce = 2"), "Printed now", "Printed later"))
	second, _ := w.collect(t, first)
	if same := second.Records(records.KindTermsRevision); len(same) != 1 || same[0].Key != first.Records(records.KindTermsRevision)[0].Key {
		t.Errorf("other markup around the same text: %v", same)
	}
	w.put("/terms", terms("We train on your inputs."))
	third, _ := w.collect(t, second)
	got := third.Records(records.KindTermsRevision)
	if len(got) != 1 {
		t.Fatalf("%d revisions", len(got))
	}
	p := connectortest.Payload(t, got[0])
	if p["previous_sha256"] != one["content_sha256"] || p["diff_summary"] != "1 line new or changed, 1 line gone; now: We train on your inputs." {
		t.Errorf("%v", p)
	}
	w.put("/terms", terms("We keep your inputs for thirty days."))
	fourth, _ := w.collect(t, third)
	back := fourth.Records(records.KindTermsRevision)
	if len(back) != 1 || back[0].Key == first.Records(records.KindTermsRevision)[0].Key || connectortest.Payload(t, back[0])["previous_sha256"] != p["content_sha256"] {
		t.Errorf("the first text again: %v", back)
	}
}

// What is no text of terms never becomes one.
func TestPagesThatAreNone(t *testing.T) {
	long := strings.Repeat("Please confirm. ", 20)
	for name, c := range map[string]struct {
		body func(n int) string
		says string
	}{
		"scripts only":  {func(int) string { return `<html><body><div id=root></div><script>render()</script></body></html>` }, "no text without scripts"},
		"never alike":   {func(n int) string { return terms(fmt.Sprint("Read ", n, " times.")) }, "two readings in a row"},
		"deeply nested": {func(int) string { return "<html><body>" + strings.Repeat("<b><div>", 600) + long }, ""},
		"empty":         {func(int) string { return "" }, "no text"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWeb(t)
			w.do("/terms", func(n int) (string, string) { return "text/html", c.body(n) })
			rec, cov := w.collect(t, nil)
			gaps := rec.Gaps()
			if len(gaps) != 1 || gaps[0].Reason != connector.Malformed || !strings.Contains(gaps[0].Detail, c.says) || len(rec.Records(records.KindTermsRevision)) != 0 {
				t.Errorf("gaps %+v", gaps)
			}
			if cov[records.KindTermsRevision].Status != connector.Refused || cov[records.KindVendorIncident].Status != connector.Complete {
				t.Errorf("coverage %+v", cov)
			}
		})
	}
}

// A text that shrinks to a fifth is taken when it is seen a second time.
func TestShrunkText(t *testing.T) {
	w := newWeb(t)
	w.put("/terms", terms(strings.Repeat("Much is said here. ", 200)))
	first, _ := w.collect(t, nil)
	w.put("/terms", terms("Are you a person?"))
	second, _ := w.collect(t, first)
	if gaps := second.Gaps(); len(gaps) != 1 || !strings.Contains(gaps[0].Detail, "has shrunk") || len(second.Records(records.KindTermsRevision)) != 0 {
		t.Errorf("first time: %+v", gaps)
	}
	third, _ := w.collect(t, second)
	if len(third.Gaps()) != 0 || len(third.Records(records.KindTermsRevision)) != 1 {
		t.Errorf("second time: %+v", third.Gaps())
	}
}

func TestWithinAndIgnore(t *testing.T) {
	body := `<html><body><div id="x"><p>` + strings.Repeat("Kept text. ", 30) + `</p><p>Build 1</p></div><p>Left out</p></body></html>`
	p := &page{Within: "#x"}
	p.ignore = append(p.ignore, regexp.MustCompile("^Build "))
	got, err := parseText("text/html", []byte(body), p)
	if err != nil || len(got.lines) != 1 || strings.Contains(got.lines[0], "Left out") {
		t.Errorf("%v, %q", err, got.lines)
	}
	if _, err := parseText("text/html", []byte(body), &page{Within: "#none"}); err == nil {
		t.Error("an element that is not there is taken")
	}
}

// Each fault ends in a gap of the part that it concerns.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		path, body string
		kind       string
		reason     connector.Reason
	}{
		"no list of incidents": {"/api/v2/incidents.json", `{"page":{}}`, records.KindVendorIncident, connector.Malformed},
		"null incidents":       {"/api/v2/incidents.json", `{"incidents":null}`, records.KindVendorIncident, connector.Malformed},
		"html":                 {"/api/v2/incidents.json", `<html>`, records.KindVendorIncident, connector.Malformed},
		"no time":              {"/api/v2/incidents.json", `{"incidents":[{"id":"i2"}]}`, records.KindVendorIncident, connector.Malformed},
		"open one left out":    {"/api/v2/incidents/unresolved.json", `{"incidents":[{"id":"i9","created_at":"2026-03-03T10:00:00Z"}]}`, records.KindVendorIncident, connector.Hidden},
		"another form":         {"/feed.json", `{"items":[]}`, records.KindModelLifecycle, connector.Malformed},
		"nobody of the name":   {"/feed.json", `[{"provider":"OpenAI Inc","model_id":"a"}]`, records.KindModelLifecycle, connector.Malformed},
		"no date":              {"/feed.json", `[{"provider":"OpenAI","model_id":"a","shutdown_date":"soon"}]`, records.KindModelLifecycle, connector.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWeb(t)
			w.put(c.path, c.body)
			rec, cov := w.collect(t, nil)
			found := slices.ContainsFunc(rec.Gaps(), func(g connector.Gap) bool { return g.Kinds[0] == c.kind && g.Reason == c.reason })
			if !found || cov[c.kind].Status == connector.Complete {
				t.Errorf("gaps %+v, coverage %+v", rec.Gaps(), cov[c.kind])
			}
		})
	}
}

// incident.io's imitation: no ids of components, no impact, no further lists.
func TestImitation(t *testing.T) {
	w := newWeb(t)
	w.put("/api/v2/incidents.json", `{"incidents":[{"id":"01A","name":"Elevated errors","status":"resolved","created_at":"2026-03-01T10:00:00Z"}]}`)
	w.mu.Lock()
	delete(w.pages, "/api/v2/incidents/unresolved.json")
	delete(w.pages, "/api/v2/scheduled-maintenances.json")
	w.mu.Unlock()
	rec, cov := w.collect(t, nil)
	if len(rec.Gaps()) != 0 || len(rec.Records(records.KindVendorIncident)) != 1 || cov[records.KindVendorIncident].Status != connector.Complete {
		t.Errorf("%+v %+v", rec.Gaps(), cov)
	}
	if p := connectortest.Payload(t, rec.Records(records.KindVendorIncident)[0]); p["impact"] != nil {
		t.Errorf("an impact that nobody gave: %v", p["impact"])
	}
}

// A full page that does not touch what was seen last leaves a hole.
func TestIncidentsBetweenTwoReadings(t *testing.T) {
	w := newWeb(t)
	first, _ := w.collect(t, nil)
	var list []string
	for i := range fullPage {
		list = append(list, fmt.Sprintf(`{"id":"n%d","created_at":"2026-04-01T10:%02d:00Z"}`, i, i))
	}
	w.put("/api/v2/incidents.json", `{"incidents":[`+strings.Join(list, ",")+`]}`)
	w.put("/api/v2/incidents/unresolved.json", `{"incidents":[]}`)
	second, cov := w.collect(t, first)
	if gaps := second.Gaps(); len(gaps) != 1 || gaps[0].Reason != connector.Truncated || cov[records.KindVendorIncident].Status == connector.Complete {
		t.Errorf("gaps %+v", gaps)
	}
}

// One host that is not there does not hide the others.
func TestDeadHost(t *testing.T) {
	w := newWeb(t)
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	settings := strings.Replace(w.settings(""), w.URL+"/terms", dead.URL+"/terms", 1)
	rec, cov, err := connectortest.Collect(t, New(), connector.Request{Config: connector.Config{Settings: []byte(settings)}}, nil)
	if err != nil || len(rec.Gaps()) != 1 || rec.Gaps()[0].Reason != connector.Unavailable {
		t.Fatalf("%v, gaps %+v", err, rec.Gaps())
	}
	if cov[records.KindVendorIncident].Status != connector.Complete {
		t.Errorf("%+v", cov)
	}
}

func TestFeeds(t *testing.T) {
	day := func(s string) time.Time { at, _, _ := records.ParseTime(s); return at }
	for name, c := range map[string]struct {
		f    feed
		body string
		want []ending
	}{
		"litellm": {feed{Format: "litellm", Provider: "anthropic"},
			`{"sample_spec":{"litellm_provider":"anthropic","deprecation_date":"date when the model is deprecated, YYYY-MM-DD"},
			  "anthropic/c-1":{"litellm_provider":"anthropic","deprecation_date":"2026-01-02"},"c-2":{"litellm_provider":"anthropic"},"g":{"litellm_provider":"openai","deprecation_date":"2026-01-02"},
			  "c-3":{"litellm_provider":"anthropic","deprecation_date":null}}`,
			[]ending{{model: "c-1", shutdown: day("2026-01-02")}}},
		"models.dev": {feed{Format: "models_dev", Provider: "Anthropic"},
			`{"anthropic":{"name":"Anthropic","models":{"c-1":{"status":"deprecated","release_date":"2024-06"},"c-2":{"release_date":"2025-01-01"}}}}`,
			[]ending{{model: "c-1"}}},
	} {
		got, bad, err := parseFeed(c.f, []byte(c.body))
		if d := cmp.Diff(c.want, got, cmp.AllowUnexported(ending{})); err != nil || d != "" || bad != 0 {
			t.Errorf("%s: %v\n%s", name, err, d)
		}
	}
}

func TestSettings(t *testing.T) {
	_, err := parseConfig(connector.Config{Settings: []byte(`{"vendors":[{"id":"a"},{"id":"a","status":"ftp://x","pages":[
	  {"url":"https://u:p@x.example/t","type":"terms","ignore":["("]},{"url":"https://x.example/t","type":"terms"},{"url":"https://x.example/t","type":"terms"}]}]}`)})
	for _, want := range []string{"nothing to watch", "stands twice", "begins with https://", "user name or a password", "ignore: error parsing", "same address"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{terms("x"), "<table><tr><td>" + strings.Repeat("a ", 200), "\x00\xff<p>", "<svg><p>x</svg>"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := parseText("text/html", body, &page{})
		if err != nil {
			return
		}
		if got.size() < minText || len(got.marks()) != len(got.lines) {
			t.Errorf("%d characters, %d marks of %d lines", got.size(), len(got.marks()), len(got.lines))
		}
		for _, l := range got.lines {
			if l != fold(l) || l == "" {
				t.Errorf("line %q is not folded", l)
			}
		}
	})
}

func FuzzFeed(f *testing.F) {
	f.Add("deprecations", []byte(`[{"provider":"x","model_id":"a","shutdown_date":"2026-01-01"}]`))
	f.Add("litellm", []byte(`{"a":{"litellm_provider":"x","deprecation_date":"2026-01-01"}}`))
	f.Add("models_dev", []byte(`{"x":{"models":{"a":{"status":"deprecated"}}}}`))
	f.Fuzz(func(t *testing.T, format string, body []byte) {
		list, _, err := parseFeed(feed{Format: format, Provider: "x"}, body)
		if err != nil {
			return
		}
		for _, e := range list {
			if !records.Fit(e.model) {
				t.Errorf("model %q", e.model)
			}
		}
	})
}
