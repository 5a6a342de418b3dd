package jira

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

const dcSearch = "POST /rest/api/2/search"

func dataCenterSettings(f *fakeJira, more map[string]any) map[string]any {
	s := f.settings(map[string]any{"deployment": "datacenter", "page_size": 2})
	for k, v := range more {
		s[k] = v
	}
	return s
}

// keysOf are the keys of the issues that were emitted.
func keysOf(rec *connectortest.Recorder) string {
	var out []string
	for _, r := range rec.Records(KindIssue) {
		out = append(out, r.Subject.ID)
	}
	return strings.Join(out, " ")
}

// Data Center: page by number, with the histories in the answer, the total as
// a count of its own, and a personal access token.
func TestDataCenter(t *testing.T) {
	f := newFakeJira(t)
	for i := range 5 {
		id := f.add(i+1, "Task", nil)
		f.changes[id] = []map[string]any{history(i+1, "2026-01-01T10:00:00.000+0000", "status", "A", "B")}
	}
	rec, cov, err := run(t, dataCenterSettings(f, nil), nil)
	if err != nil || len(rec.Gaps()) != 0 {
		t.Fatalf("gaps %v, error %v", rec.Gaps(), err)
	}
	if keysOf(rec) != "INC-1 INC-2 INC-3 INC-4 INC-5" || len(transitionsOf(rec)) != 5 {
		t.Errorf("issues %s, transitions %v", keysOf(rec), transitionsOf(rec))
	}
	if c := cov[KindIssue]; c.IndependentCount != 5 || c.Status != connector.Complete || !c.Enumerated {
		t.Errorf("coverage %+v", c)
	}
	for _, a := range f.auth {
		if a != "Bearer "+fakeToken {
			t.Errorf("authorization %q", a)
		}
	}
	want := map[string]int{"GET /rest/api/2/myself": 1, "GET /rest/api/2/project/INC": 1, dcSearch: 4}
	got := map[string]int{}
	for _, c := range f.calls {
		got[c]++
	}
	if diff := cmp.Diff(want, got); diff != "" { // three pages and the count; no call for an issue
		t.Error(diff)
	}
	if q := f.queries[0]; q != `project = "INC" ORDER BY key ASC` {
		t.Errorf("JQL %s", q)
	}
}

// An issue that goes while the pages are read moves others past us.
func TestDataCenterListingThatShifts(t *testing.T) {
	f := newFakeJira(t)
	for i := range 5 {
		f.add(i+1, "Task", nil)
	}
	searches := 0
	f.routes[dcSearch] = func(w http.ResponseWriter, r *http.Request) {
		if searches++; searches == 2 {
			f.issues = f.issues[1:] // INC-1 is deleted after the first page
		}
		f.searchDataCenter(w, r)
	}
	rec, _, err := run(t, dataCenterSettings(f, nil), nil)
	if err != nil || len(rec.Gaps()) != 0 || keysOf(rec) != "INC-1 INC-2 INC-3 INC-4 INC-5" {
		t.Errorf("issues %s, gaps %+v, error %v", keysOf(rec), rec.Gaps(), err)
	}
	f.routes[dcSearch] = func(w http.ResponseWriter, r *http.Request) {
		f.issues = append(f.issues[1:], f.issues[0]) // for ever
		f.searchDataCenter(w, r)
	}
	rec, cov, err := run(t, dataCenterSettings(f, nil), nil)
	if err != nil || len(rec.Gaps()) != 1 || rec.Gaps()[0].Reason != connector.Truncated || cov[KindIssue].Status != connector.Partial || len(rec.Cursors()) != 0 {
		t.Errorf("gaps %+v, coverage %+v, error %v", rec.Gaps(), cov[KindIssue], err)
	}
}

// Histories that do not come whole with the search are asked for alone, and
// answers that are too large in smaller pieces.
func TestDataCenterLongHistories(t *testing.T) {
	f := newFakeJira(t)
	for i := range 3 {
		id := f.add(i+1, "Task", nil)
		f.changes[id] = []map[string]any{history(i+1, "2026-01-01T10:00:00.000+0000", "status", "A", "B")}
	}
	cut := func(w http.ResponseWriter, r *http.Request) {
		b, _ := json.Marshal(map[string]any{"startAt": 0, "total": 1, "issues": []any{map[string]any{"id": "10001", "key": "INC-1", "fields": f.issues[0]["fields"],
			"changelog": map[string]any{"total": 3, "histories": f.changes["10001"]}}}})
		_, _ = w.Write(b)
	}
	f.routes[dcSearch] = cut
	rec, _, err := run(t, dataCenterSettings(f, nil), nil)
	if err != nil || len(rec.Gaps()) != 0 || len(transitionsOf(rec)) != 1 || f.times("GET /rest/api/2/issue/10001") != 1 {
		t.Errorf("transitions %v, gaps %+v, error %v", transitionsOf(rec), rec.Gaps(), err)
	}
	f.routes["GET /rest/api/2/issue/10001"] = raw("application/json", mustJSON(t, map[string]any{"changelog": map[string]any{"total": 3, "histories": f.changes["10001"]}}))
	rec, cov, err := run(t, dataCenterSettings(f, nil), nil)
	if err != nil || len(rec.Gaps()) != 1 || rec.Gaps()[0].Reason != connector.Truncated || cov[KindTransition].Status != connector.Partial {
		t.Errorf("cut there too: gaps %+v, error %v", rec.Gaps(), err)
	}
}

// Answers that are too large are asked for in smaller pieces, and in the end
// without the histories; what even then is too large is a gap.
func TestAnswersThatAreTooLarge(t *testing.T) {
	for name, tt := range map[string]struct {
		deployment, route string
		fits              func(m map[string]any) bool
		whole             bool
	}{
		"Data Center, smaller pages": {"datacenter", dcSearch, func(m map[string]any) bool { return m["maxResults"].(float64) < 4 }, true},
		"Data Center, no histories":  {"datacenter", dcSearch, func(m map[string]any) bool { return m["expand"] == nil }, true},
		"Data Center, never":         {"datacenter", dcSearch, func(m map[string]any) bool { return m["maxResults"].(float64) == 0 }, false},
		"Cloud, smaller pages":       {"cloud", searchRoute, func(m map[string]any) bool { return m["maxResults"].(float64) < 4 }, true},
		"Cloud, never":               {"cloud", searchRoute, func(map[string]any) bool { return false }, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeJira(t)
			for i := range 6 {
				id := f.add(i+1, "Task", nil)
				f.changes[id] = []map[string]any{history(i+1, "2026-01-01T10:00:00.000+0000", "status", "A", "B")}
			}
			f.routes[tt.route] = func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				var m map[string]any
				if err := json.Unmarshal(b, &m); err != nil {
					t.Error(err)
				}
				r.Body = io.NopCloser(bytes.NewReader(b))
				switch {
				case !tt.fits(m):
					w.Header().Set("Content-Length", "99999999")
				case tt.deployment == "cloud":
					f.search(w, r)
				default:
					f.searchDataCenter(w, r)
				}
			}
			rec, cov, err := run(t, f.settings(map[string]any{"deployment": tt.deployment, "page_size": 16}), nil)
			if !tt.whole {
				if err != nil || len(rec.Gaps()) != 1 || rec.Gaps()[0].Reason != connector.Truncated || cov[KindIssue].Status != connector.Refused {
					t.Errorf("gaps %+v, error %v", rec.Gaps(), err)
				}
				return
			}
			if err != nil || len(rec.Gaps()) != 0 || keysOf(rec) != "INC-1 INC-2 INC-3 INC-4 INC-5 INC-6" || len(transitionsOf(rec)) != 6 {
				t.Errorf("issues %s, gaps %+v, error %v", keysOf(rec), rec.Gaps(), err)
			}
		})
	}
}

func TestDataCenterAnswersThatAreNone(t *testing.T) {
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		reason connector.Reason
	}{
		"fewer than the total": {raw("application/json", `{"startAt":0,"total":5,"issues":[]}`), connector.Malformed},
		"another page":         {raw("application/json", `{"startAt":7,"total":5,"issues":[]}`), connector.Malformed},
		"no list":              {raw("application/json", `{"startAt":0,"total":0}`), connector.Malformed},
		"it is Cloud":          {status(410), connector.Unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeJira(t)
			f.routes[dcSearch] = tt.answer
			rec, cov, err := run(t, dataCenterSettings(f, nil), nil)
			if err != nil || len(rec.Gaps()) != 1 || rec.Gaps()[0].Reason != tt.reason || cov[KindIssue].Status == connector.Complete {
				t.Errorf("gaps %+v, coverage %+v, error %v", rec.Gaps(), cov[KindIssue], err)
			}
		})
	}
}

func TestDataCenterFilesAndApprovals(t *testing.T) {
	f := newFakeJira(t)
	f.add(1, "Request", map[string]any{"attachment": []any{f.attach("7", "a b.txt", "hello")}})
	f.approvals["INC-1"] = []map[string]any{approved("5", "acc-9")}
	f.routes["GET /rest/servicedeskapi/request/INC-1/approval"] = func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-ExperimentalApi") != "opt-in" {
			t.Error("older servers of Data Center answer 412 without X-ExperimentalApi")
		}
		f.desk(w, r, "INC-1")
	}
	s := dataCenterSettings(f, map[string]any{"attachments": map[string]any{"sha256": true}, "projects": []any{map[string]any{"key": "INC", "approvals": true}}})
	rec, _, err := run(t, s, nil)
	if err != nil || len(rec.Gaps()) != 0 || len(rec.Records(KindApproval)) != 1 {
		t.Fatalf("gaps %+v, error %v", rec.Gaps(), err)
	}
	if got := fmt.Sprint(connectortest.Payload(t, rec.Records(KindIssue)[0])["attachments"]); !strings.Contains(got, helloSHA256) || f.times("GET /secure/attachment/7/") != 1 {
		t.Errorf("attachments %s", got)
	}
}
