package http

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

func TestEverything(t *testing.T) {
	f := newFake(t)
	rec, cov := f.collect(t, everything, nil)
	if gaps := rec.Gaps(); len(gaps) != 0 {
		t.Errorf("gaps %+v", gaps)
	}
	got := map[string][]string{}
	for _, r := range rec.Records() {
		got[r.Kind] = append(got[r.Kind], r.Subject.ID)
	}
	want := map[string][]string{
		"training.completion": {"ana@example.test", "ana@example.test", "ana@example.test", "ana@example.test", "ana@example.test"},
		"vendor.incident":     {"acme", "acme", "acme"},
		"vendor.user":         {"u@example.test", "u2@example.test"},
		"monitoring.alert":    {"triage", "triage", "triage"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	done := rec.Records("training.completion")[1]
	if d := cmp.Diff(map[string]any{"person": "ana@example.test", "course": "Course 1", "completed_at": "2026-03-04T08:00:00Z", "score": 91.0},
		connectortest.Payload(t, done)); d != "" || done.URL != "https://lms.example/c/c1" {
		t.Errorf("%s\n%s", done.URL, d)
	}
	if p := connectortest.Payload(t, rec.Records("vendor.user")[0]); p["user_id"] != "9007199254740993" {
		t.Errorf("a number that JSON cannot carry: %v", p["user_id"])
	}
	if p := connectortest.Payload(t, rec.Records("vendor.incident")[0]); p["started_at"] != "2026-01-01T00:00:00Z" || fmt.Sprint(p["updates"]) != "[]" {
		t.Errorf("%v", p)
	}
	for kind, enumerated := range map[string]bool{"training.completion": true, "vendor.user": true, "vendor.incident": false} {
		if c := cov[kind]; c.Status != connector.Complete || c.Enumerated != enumerated {
			t.Errorf("coverage of %s: %+v", kind, c)
		}
	}
	if c := cov["vendor.usage"]; c.Status != connector.NotRead || c.Query == "" {
		t.Errorf("coverage of a kind that nothing is mapped to: %+v", c)
	}

	again, _ := f.collect(t, everything, rec)
	calls := again.Counted()
	t.Logf("first run %+v, unchanged run %+v", rec.Counted(), calls)
	if n := len(again.Records("training.completion", "vendor.user", "vendor.incident")); n != 0 {
		t.Errorf("%d records of pages that did not change", n)
	}
	if conditional := calls.Requests - 3 - 2; calls.NotModified*100 < conditional*95 { // 3 pages of courses have children, 2 are POSTs
		t.Errorf("%d of %d answers are 304", calls.NotModified, conditional)
	}
}

// one is a source with one request for incidents; extra is put into it.
func one(extra string) string {
	return `{"base_url": "BASE", "auth": {"type": "bearer"}, "requests_per_second": 1000, "requests": [{"name": "incidents", "path": "x", "items": "body.list", ` + extra + `
	  "records": [{"kind": "vendor.incident", "subject_type": "vendor", "subject": "'acme'", "key": "item.id", "event_time": "item.?began.orValue(null)",
	    "payload": {"vendor": "'acme'", "incident_id": "item.id", "impact": "item.?impact.orValue(null)"}}]}]}`
}

// Whatever a source answers ends in a gap, and nothing before it is lost.
func TestFaults(t *testing.T) {
	list := func(items string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"list": [%s]}`, items) }
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for name, c := range map[string]struct {
		h       http.HandlerFunc
		extra   string
		records int
		gaps    []connector.Reason
	}{
		"denied":       {h: status(403), gaps: []connector.Reason{connector.Denied}},
		"not there":    {h: status(404), gaps: []connector.Reason{connector.NotFound}},
		"gone":         {h: status(410), gaps: []connector.Reason{connector.Unsupported}},
		"broken":       {h: status(500), gaps: []connector.Reason{connector.Unavailable}},
		"no list":      {h: func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"rows": []}`) }, gaps: []connector.Reason{connector.Malformed}},
		"null":         {h: func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"list": null}`) }, gaps: []connector.Reason{connector.Malformed}},
		"html":         {h: func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `<html>`) }, gaps: []connector.Reason{connector.Malformed}},
		"two answers":  {h: func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"list": []}{}`) }, gaps: []connector.Reason{connector.Malformed}},
		"renamed":      {h: list(`{"id":"a"},{"ident":"b"},{"id":"c"}`), records: 2, gaps: []connector.Reason{connector.Malformed}},
		"retyped":      {h: list(`{"id":{"v":1}},{"id":"c"}`), records: 1, gaps: []connector.Reason{connector.Malformed}},
		"wrong type":   {h: list(`{"id":"a","impact":["x"]},{"id":"c"}`), records: 1, gaps: []connector.Reason{connector.Malformed}},
		"tomorrow":     {h: list(`{"id":"a","began":"2999-01-01"},{"id":"c"}`), records: 1, gaps: []connector.Reason{connector.Malformed}},
		"hostile name": {h: list(`{"id":"a\u0000\nb"},{"id":"c"}`), records: 1, gaps: []connector.Reason{connector.Malformed}},
		"hidden":       {h: list(`{"id":"a"}`), extra: `"canary": "item.id == 'z'",`, records: 1, gaps: []connector.Reason{connector.Hidden}},
		"counted":      {h: list(`{"id":"a"}`), extra: `"count": "7",`, records: 1, gaps: []connector.Reason{connector.Hidden}},
		"circle": {h: func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"list": [{"id":"a"}], "next": "t"}`) },
			extra: `"paging": {"type": "token", "param": "after", "next": "body.next"},`, records: 2, gaps: []connector.Reason{connector.Malformed}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.on("/x", c.h)
			rec, cov := f.collect(t, one(c.extra), nil)
			var reasons []connector.Reason
			for _, g := range rec.Gaps() {
				reasons = append(reasons, g.Reason)
				if strings.Contains(g.Detail+g.Scope, fakeSecret) {
					t.Errorf("a secret in %+v", g)
				}
			}
			if d := cmp.Diff(c.gaps, reasons); d != "" || len(rec.Records()) != c.records {
				t.Errorf("%d records, want %d; gaps %+v", len(rec.Records()), c.records, rec.Gaps())
			}
			if cov["vendor.incident"].Status == connector.Complete {
				t.Error("called complete")
			}
		})
	}
}

func TestManyBadItemsAreCounted(t *testing.T) {
	f := newFake(t)
	f.on("/x", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"list": [1`+strings.Repeat(",1", 149)+`]}`)
	})
	rec, _ := f.collect(t, one(""), nil)
	gaps := rec.Gaps()
	if len(gaps) != maxItemGaps+1 || !strings.Contains(gaps[maxItemGaps].Detail, "50 further items") {
		t.Errorf("%d gaps, last %+v", len(gaps), gaps[len(gaps)-1])
	}
}

func TestRefusedCredential(t *testing.T) {
	f := newFake(t)
	cfg := f.config(everything)
	cfg.Secrets = map[string]string{secretToken: "another"}
	report, err := New().Check(t.Context(), cfg)
	if err != nil || report.Problem == "" || strings.Contains(report.Problem, "another") {
		t.Errorf("%+v, %v", report, err)
	}
}

// The credential goes to base_url alone.
func TestRedirect(t *testing.T) {
	f := newFake(t)
	var header http.Header
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header.Clone()
		fmt.Fprint(w, `{"list": [{"id":"a"}]}`)
	}))
	defer other.Close()
	f.on("/x", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL+"/x", http.StatusFound) })
	f.collect(t, one(""), nil)
	if header == nil || header.Get("Authorization") != "" {
		t.Errorf("the other host saw %v", header)
	}
}

func TestSince(t *testing.T) {
	f := newFake(t)
	var asked string
	f.on("/x", func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Query().Get("updated_after")
		fmt.Fprint(w, `{"list": [{"id":"a","updated":"2026-05-01T12:00:00Z"},{"id":"b","updated":"2026-05-02T12:00:00Z"}]}`)
	})
	settings := one(`"since": {"param": "updated_after", "time": "item.updated", "overlap": "30m"},`)
	first, _ := f.collect(t, settings, nil)
	if asked != "" {
		t.Errorf("the first run asks for what changed since %q", asked)
	}
	if f.collect(t, settings, first); asked != "2026-05-02T11:30:00Z" {
		t.Errorf("the second run asks for what changed since %q", asked)
	}
}

func TestClientCredentials(t *testing.T) {
	f := newFake(t)
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, basic, _ := r.BasicAuth()
		if basic != "client-secret-0123" && !strings.Contains(string(body), "client-secret-0123") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token": %q, "token_type": "Bearer", "expires_in": 3600}`, fakeSecret)
	}))
	defer issuer.Close()
	f.on("/x", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"list": [{"id":"a"}]}`) })
	settings := strings.Replace(one(""), `{"type": "bearer"}`, `{"type": "client_credentials", "client_id": "c", "token_url": "`+issuer.URL+`/token"}`, 1)
	cfg := f.config(settings)
	cfg.Secrets = map[string]string{secretToken: "client-secret-0123"}
	rec, _, err := connectortest.Collect(t, New(), connector.Request{Config: cfg}, nil)
	if err != nil || len(rec.Records()) != 1 {
		t.Fatalf("%v, %d records", err, len(rec.Records()))
	}
	cfg.Secrets = map[string]string{secretToken: "wrong-secret"}
	_, _, err = connectortest.Collect(t, New(), connector.Request{Config: cfg}, nil)
	if !errors.Is(err, connector.ErrRefused) || strings.Contains(err.Error(), "wrong-secret") {
		t.Errorf("%v", err)
	}
}

// Every problem of the settings is told at once, with its place.
func TestSettings(t *testing.T) {
	_, err := parseConfig(connector.Config{Settings: []byte(`{"base_url": "https://x.example", "requests": [
	  {"name": "a", "path": "p/{item.", "items": "body.", "paging": {"type": "token"}, "records": [{"kind": "no.kind", "payload": {"x": "1 +"}}]},
	  {"name": "a", "path": "p", "each": "later", "since": {"param": "s", "time": "item.t", "overlap": "soon"}, "enumerates": true,
	   "records": [{"kind": "training.completion", "key": "item.id", "payload": {}}, {"kind": "vendor.user", "payload": {}}]}]}`)})
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{
		"path: { without }", "requests[0] (a) items: ERROR", "paging.param", "paging.next", `"no.kind" is none`, "payload.x: ERROR",
		"another request of this name", `no earlier request is called "later"`, `"soon" is not a duration`, "exclude each other", "does not go with each",
		"leave subject, key and event_time out", "vendor.user needs subject",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in:\n%v", want, err)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	for _, s := range []string{`{"list":[{"id":"a"}]}`, `{"list":[{"id":1e400}]}`, `{"list":{"id":[[]]}}`, `[]`, `{"list":[{"id":"\ud800"}]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
		defer s.Close()
		settings := strings.ReplaceAll(one(""), "BASE", s.URL)
		rec, cov, err := connectortest.Collect(t, New(), connector.Request{Config: connector.Config{Settings: []byte(settings), Secrets: map[string]string{secretToken: "t"}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(rec.Gaps()) == 0 && cov["vendor.incident"].Status != connector.Complete {
			t.Error("neither whole nor a gap")
		}
	})
}
