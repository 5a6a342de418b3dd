package jira

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

// history is an entry; the id of a value is made from its name.
func history(id int, created any, field, from, to string) map[string]any {
	return map[string]any{"id": fmt.Sprint(id), "created": created, "author": map[string]any{"accountId": "acc-9", "accountType": "atlassian"},
		"items": []any{map[string]any{"field": field, "fieldId": field, "from": "id" + from, "fromString": from, "to": "id" + to, "toString": to}}}
}

func TestIssuesAndTransitions(t *testing.T) {
	f := newFakeJira(t)
	id := f.add(1, "Incident", map[string]any{
		"resolution": map[string]any{"name": "Done"}, "resolutiondate": "2026-01-20T10:00:00.000+0000", "duedate": "2026-02-01",
		"customfield_1": map[string]any{"type": "doc", "version": 1, "content": []any{map[string]any{"type": "paragraph", "content": []any{map[string]any{"type": "text", "text": "why"}}}}},
		"issuelinks":    []any{map[string]any{"type": map[string]any{"name": "Causes"}, "outwardIssue": map[string]any{"key": "CAPA-2"}}},
	})
	f.add(2, "Task", nil)
	f.add(3, "Task", nil)
	f.changes[id] = []map[string]any{
		history(71, 1767265200, "status", "Open", "Done"), // seconds, as one form of the API has it
		history(70, 1767261600000, "priority", "", "High"),
	}
	rec, cov, err := run(t, f.settings(map[string]any{"custom_fields": map[string]string{"cause": "customfield_1"}}), nil)
	if err != nil {
		t.Fatal(err)
	}
	issues := rec.Records(KindIssue)
	if len(issues) != 3 || len(rec.Gaps()) != 0 {
		t.Fatalf("%d issues, gaps %v", len(issues), rec.Gaps())
	}
	want := connector.Record{Kind: KindIssue, Major: 1, Subject: connector.Subject{Type: "record", ID: "INC-1"}, Key: id,
		EventTime: time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC), URL: f.URL + "/browse/INC-1", Payload: issues[0].Payload}
	if diff := cmp.Diff(want, issues[0]); diff != "" {
		t.Error(diff)
	}
	wantPayload := map[string]any{
		"key": "INC-1", "id": id, "project": "INC", "type": "Incident", "summary": "Summary INC-1", "status": "Open", "status_category": "new",
		"reporter": "acc-1", "assignee": "bo@example.com", "created": "2026-01-01T08:00:00Z", "updated": "2026-02-01T10:00:00Z",
		"resolution": "Done", "resolved_at": "2026-01-20T10:00:00Z", "due": "2026-02-01", "labels": []any{"ai"}, "components": []any{"bot"},
		"custom_fields": map[string]any{"cause": "why"},
		"links":         []any{map[string]any{"type": "Causes", "direction": "outward", "key": "CAPA-2"}},
	}
	if diff := cmp.Diff(wantPayload, connectortest.Payload(t, issues[0])); diff != "" {
		t.Error(diff)
	}
	var got []string
	for _, x := range rec.Records(KindTransition) {
		m := connectortest.Payload(t, x)
		got = append(got, fmt.Sprint(x.Key, " ", x.EventTime.Format(time.RFC3339), " ", m["field"], " ", m["from"], ">", m["to"], " ", m["author"]))
	}
	wantTransitions := []string{"70.0 2026-01-01T10:00:00Z priority id>High acc-9", "71.0 2026-01-01T11:00:00Z status Open>Done acc-9"}
	if diff := cmp.Diff(wantTransitions, got); diff != "" {
		t.Error(diff)
	}
	c := cov[KindIssue]
	if c.Status != connector.Complete || !c.Enumerated || c.IndependentCount != 3 || !strings.Contains(c.Query, "may browse") {
		t.Errorf("coverage %+v", c)
	}
	if cov["jira.incident"].Status != connector.NotRead {
		t.Errorf("a kind that is not mapped: %+v", cov["jira.incident"])
	}
	for _, a := range f.auth {
		if !strings.HasPrefix(a, "Basic ") {
			t.Errorf("authorization %q", a)
		}
	}
}

func TestSecondRunReadsWhatChanged(t *testing.T) {
	f := newFakeJira(t)
	f.zone = "America/New_York"
	f.add(1, "Task", nil)
	f.add(5, "Task", nil)
	first, _, err := run(t, f.settings(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	f.queries = nil
	second, cov, err := run(t, f.settings(nil), first)
	if err != nil {
		t.Fatal(err)
	}
	// 2026-02-05T10:00Z is 05:00 in New York; five minutes are allowed for.
	if diff := cmp.Diff([]string{`project = "INC" AND updated >= "2026/02/05 04:55" ORDER BY updated ASC, key ASC`}, f.queries); diff != "" {
		t.Error(diff)
	}
	if c := cov[KindIssue]; c.Status != connector.Complete || c.Enumerated {
		t.Errorf("an incremental run lists not all there is: %+v", c)
	}
	if second.Cursors()["updated:INC"] != first.Cursors()["updated:INC"] {
		t.Errorf("cursors %v, then %v", first.Cursors(), second.Cursors())
	}
	f.queries = nil
	changed := f.settings(map[string]any{"custom_fields": map[string]string{"x": "customfield_9"}})
	if _, cov, err = run(t, changed, second); err != nil || !cov[KindIssue].Enumerated || strings.Contains(f.queries[0], "updated >=") {
		t.Errorf("after a change of settings all is read again: %v, %+v, %v", f.queries, cov[KindIssue], err)
	}
}

func TestHiddenIssues(t *testing.T) {
	for name, tt := range map[string]struct {
		canary string
		count  int
		want   string
	}{
		"canary missing": {"INC-99", -1, "canary INC-99"},
		"count higher":   {"INC-1", 40, "about 40"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeJira(t)
			f.add(1, "Task", nil)
			f.count = tt.count
			rec, cov, err := run(t, f.settings(map[string]any{"projects": []any{map[string]any{"key": "INC", "canary": tt.canary}}}), nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(rec.Gaps()) != 1 || rec.Gaps()[0].Reason != connector.Hidden || rec.Gaps()[0].Permission != permBrowse || !strings.Contains(rec.Gaps()[0].Detail, tt.want) {
				t.Errorf("gaps %+v", rec.Gaps())
			}
			if c := cov[KindIssue]; c.Status != connector.Partial || c.Enumerated {
				t.Errorf("coverage %+v", c)
			}
			// As long as it is so, each run says it; after that, all is read again.
			s := f.settings(map[string]any{"projects": []any{map[string]any{"key": "INC", "canary": tt.canary}}})
			for i, want := range []connector.CoverageStatus{connector.Partial, connector.Partial, connector.Complete} {
				if rec, cov, err = run(t, s, rec); err != nil || cov[KindIssue].Status != want || cov[KindIssue].Enumerated != (want == connector.Complete) {
					t.Errorf("run %d: gaps %+v, coverage %+v, error %v", i, rec.Gaps(), cov[KindIssue], err)
				}
				if i == 0 {
					f.count = -1
					f.add(99, "Task", nil)
				}
			}
		})
	}
}

func status(code int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		fmt.Fprint(w, `{"errorMessages":["said the server"],"errors":{}}`)
	}
}

func raw(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		fmt.Fprint(w, body)
	}
}

const oneIssue = `{"id":"10001","key":"INC-1","fields":{"created":"2026-01-01T10:00:00.000+0000","updated":"2026-01-01T10:00:00.000+0000"}}`

const searchRoute = "POST /rest/api/3/search/jql"

func TestAnswersThatAreNone(t *testing.T) {
	for name, tt := range map[string]struct {
		route  string
		answer http.HandlerFunc
		reason connector.Reason
		cover  connector.CoverageStatus
	}{
		"search forbidden":     {searchRoute, status(403), connector.Denied, connector.Refused},
		"search gone":          {searchRoute, status(410), connector.Unsupported, connector.Refused},
		"search refused":       {searchRoute, status(400), connector.Malformed, connector.Refused},
		"limited for a day":    {searchRoute, status(429, "Retry-After", "86400"), connector.RateLimited, connector.Refused},
		"project not there":    {"GET /rest/api/3/project/INC", status(404), connector.NotFound, connector.Refused},
		"a login page":         {searchRoute, raw("text/html", "<html>log in</html>"), connector.Malformed, connector.Refused},
		"JSON of another kind": {searchRoute, raw("application/json", `[1,2]`), connector.Malformed, connector.Refused},
		"token for ever":       {searchRoute, raw("application/json", `{"issues":[`+oneIssue+`],"nextPageToken":"x","isLast":false}`), connector.Malformed, connector.Partial},
		"more, but no token":   {searchRoute, raw("application/json", `{"issues":[`+oneIssue+`],"isLast":false}`), connector.Malformed, connector.Partial},
		"broken inside":        {searchRoute, status(500), connector.Unavailable, connector.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeJira(t)
			f.add(1, "Task", nil)
			f.routes[tt.route] = tt.answer
			rec, cov, err := run(t, f.settings(nil), nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(rec.Gaps()) != 1 || rec.Gaps()[0].Reason != tt.reason {
				t.Errorf("gaps %+v", rec.Gaps())
			}
			if c := cov[KindIssue]; c.Status != tt.cover || c.Enumerated || c.IndependentCount != -1 {
				t.Errorf("coverage %+v", c)
			}
			if len(rec.Cursors()) != 0 {
				t.Errorf("cursors %v", rec.Cursors())
			}
		})
	}
}

func TestCredentialsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		route  string
		answer http.HandlerFunc
	}{
		"at once": {"GET /rest/api/3/myself", status(401)},
		"later":   {searchRoute, status(401)},
		"answered as a stranger": {"GET /rest/api/3/myself", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Seraph-LoginReason", "AUTHENTICATED_FAILED")
			fmt.Fprint(w, `{"displayName":"Former user"}`)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeJira(t)
			f.routes[tt.route] = tt.answer
			_, _, err := run(t, f.settings(nil), nil)
			if err == nil || !strings.Contains(err.Error(), "create a new token") || strings.Contains(err.Error(), fakeToken) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestTokenStaysAtHome(t *testing.T) {
	var seen []string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization")+r.Header.Get("Cookie"))
		fmt.Fprint(w, `{"key":"INC"}`)
	}))
	defer other.Close()
	f := newFakeJira(t)
	f.add(1, "Task", nil)
	f.routes["GET /rest/api/3/project/INC"] = func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(other.URL, "127.0.0.1", "localhost", 1)+"/x", http.StatusFound)
	}
	rec, cov, err := run(t, f.settings(nil), nil)
	if err != nil || len(rec.Gaps()) != 1 || rec.Gaps()[0].Reason != connector.Malformed || cov[KindIssue].Status != connector.Refused {
		t.Errorf("what another host says was believed: gaps %+v, error %v", rec.Gaps(), err)
	}
	if diff := cmp.Diff([]string{""}, seen); diff != "" {
		t.Errorf("the other host saw credentials: %s", diff)
	}
}

func TestServerHiccupsAreRetried(t *testing.T) {
	f := newFakeJira(t)
	f.add(1, "Task", nil)
	n := 0
	f.routes[searchRoute] = func(w http.ResponseWriter, r *http.Request) {
		if n++; n == 1 {
			status(503, "Retry-After", "0")(w, r)
			return
		}
		f.search(w, r)
	}
	rec, _, err := run(t, f.settings(nil), nil)
	if err != nil || len(rec.Gaps()) != 0 || len(rec.Records(KindIssue)) != 1 {
		t.Errorf("gaps %v, error %v", rec.Gaps(), err)
	}
}

func TestHistoryOneByOne(t *testing.T) {
	f := newFakeJira(t)
	id := f.add(1, "Task", nil)
	f.changes[id] = []map[string]any{
		history(1, "2026-01-01T10:00:00.000+0000", "status", "A", "B"), history(2, "2026-01-02T10:00:00.000+0000", "status", "B", "C"),
	}
	f.routes["POST /rest/api/3/changelog/bulkfetch"] = status(404)
	rec, _, err := run(t, f.settings(nil), nil)
	if err != nil || len(rec.Gaps()) != 0 || len(rec.Records(KindTransition)) != 2 {
		t.Errorf("transitions %v, gaps %v, error %v", rec.Records(KindTransition), rec.Gaps(), err)
	}
	f.routes["GET /rest/api/3/issue/"+id+"/changelog"] = raw("application/json", `{"startAt":0,"total":9,"isLast":false,"values":[]}`)
	rec, cov, err := run(t, f.settings(nil), nil)
	if err != nil || len(rec.Gaps()) != 1 || cov[KindTransition].Status != connector.Partial || cov[KindIssue].Status != connector.Complete {
		t.Errorf("a history without end: gaps %v, coverage %+v, error %v", rec.Gaps(), cov[KindTransition], err)
	}
}

func TestHostileIssues(t *testing.T) {
	f := newFakeJira(t)
	f.pageSize = 50
	f.add(1, "Task", map[string]any{"summary": "=cmd()|x\n\x1b[31m\u202eevil"})
	f.add(2, "Task", map[string]any{"updated": 1})
	f.add(3, "Task", map[string]any{"status": "Open"})
	f.add(4, "Task", map[string]any{"created": "2199-01-01T00:00:00.000+0000"})
	f.add(5, "Task", map[string]any{"customfield_1": 9007199254740993})
	f.issues = append(f.issues, map[string]any{"id": "../../x", "key": "INC-6"}, map[string]any{"id": "7", "key": "../admin"})
	rec, cov, err := run(t, f.settings(map[string]any{"custom_fields": map[string]string{"n": "customfield_1"}}), nil)
	if err != nil {
		t.Fatal(err)
	}
	var scopes []string
	for _, g := range rec.Gaps() {
		if g.Reason != connector.Malformed {
			t.Errorf("gap %+v", g)
		}
		scopes = append(scopes, g.Scope)
	}
	slices.Sort(scopes)
	want := []string{"issue ../admin", "issue INC-2", "issue INC-3", "issue INC-4", "issue INC-5", "issue INC-6"}
	if diff := cmp.Diff(want, scopes); diff != "" {
		t.Error(diff)
	}
	if s := connectortest.Payload(t, rec.Records(KindIssue)[0])["summary"].(string); strings.ContainsAny(s, "\n\x1b\u202e") || !strings.HasPrefix(s, "=cmd()") {
		t.Errorf("summary %q", s)
	}
	var kept []string
	for _, x := range rec.Records(KindIssue) {
		kept = append(kept, x.Subject.ID)
		if x.Subject.ID == "INC-2" && connectortest.Payload(t, x)["updated"] != nil {
			t.Errorf("a time that is none was kept: %s", x.Payload)
		}
	}
	if diff := cmp.Diff([]string{"INC-1", "INC-2"}, kept); diff != "" || cov[KindIssue].Status != connector.Partial {
		t.Errorf("issues %v, coverage %+v", kept, cov[KindIssue])
	}
	for _, c := range f.calls {
		if strings.Contains(c, "admin") || strings.Contains(c, "..") {
			t.Errorf("a hostile id led to the request %s", c)
		}
	}
}

func TestEmitterErrorsEndTheRun(t *testing.T) {
	f := newFakeJira(t)
	f.add(1, "Task", nil)
	_, err := New().Collect(t.Context(), connector.Request{Config: config0(t, f.settings(nil))}, &fullEmitter{connectortest.NewRecorder()})
	if !errors.Is(err, errFull) {
		t.Errorf("error %v, want the emitter's own", err)
	}
}

var errFull = fmt.Errorf("host is gone")

type fullEmitter struct{ *connectortest.Recorder }

func (*fullEmitter) Record(connector.Record) error { return errFull }
