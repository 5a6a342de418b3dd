package jira

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

const bulkRoute = "POST /rest/api/3/changelog/bulkfetch"

// transitionsOf are the keys of the transitions, in order.
func transitionsOf(rec *connectortest.Recorder) []string {
	var out []string
	for _, r := range rec.Records(KindTransition) {
		out = append(out, r.Key)
	}
	return out
}

// A thousand issues' histories cost a few calls; each part of one that is cut
// in two is kept, and what is given twice is kept once.
func TestHistoriesInBulk(t *testing.T) {
	f := newFakeJira(t)
	f.pageSize, f.bulkPage = 100, 700
	n := 0
	for i := range 1250 {
		id := f.add(i+1, "Task", nil)
		for range 2 {
			n++
			f.changes[id] = append(f.changes[id], history(n, "2026-01-05T10:00:00.000+0000", "priority", "Low", "High"))
		}
	}
	rec, cov, err := run(t, f.settings(nil), nil)
	if err != nil || len(rec.Gaps()) != 0 {
		t.Fatalf("gaps %v, error %v", rec.Gaps(), err)
	}
	if got := len(rec.Records(KindTransition)); got != n || cov[KindTransition].Status != connector.Complete {
		t.Errorf("%d of %d transitions, coverage %+v", got, n, cov[KindTransition])
	}
	// 1000 issues with 2000 entries in answers of 700, then 250 with 500.
	if got := f.times(bulkRoute); got != 4 {
		t.Errorf("%d calls of bulkfetch", got)
	}
	if got := len(f.calls); got != 1+1+13+4+1 { // myself, project, search, histories, count
		t.Errorf("%d calls in all", got)
	}
	for _, a := range f.asked {
		if strings.Contains(a, "expand") { // Cloud gives 40 entries with an issue, and no word of the others
			t.Errorf("expanded: %s", a)
		}
	}
}

func TestHistoryTwice(t *testing.T) {
	f := newFakeJira(t)
	id := f.add(1, "Task", nil)
	entry := history(9, "2026-01-01T10:00:00.000+0000", "status", "A", "B")
	f.changes[id] = []map[string]any{history(10, "2026-01-01T10:00:00.000+0000", "status", "B", "C"), entry, entry}
	rec, _, err := run(t, f.settings(nil), nil)
	if diff := cmp.Diff([]string{"9.0", "10.0"}, transitionsOf(rec)); diff != "" || err != nil || len(rec.Gaps()) != 0 {
		t.Errorf("%s, gaps %v, error %v", diff, rec.Gaps(), err)
	}
}

// One issue whose history cannot be understood costs itself alone.
func TestOneBadHistoryAmongMany(t *testing.T) {
	f := newFakeJira(t)
	f.pageSize = 100
	for i := range 64 {
		id := f.add(i+1, "Task", nil)
		f.changes[id] = []map[string]any{history(100+i, "2026-01-01T10:00:00.000+0000", "status", "A", "B")}
	}
	f.changes["10013"] = []map[string]any{history(113, "yesterday", "status", "A", "B")}
	rec, cov, err := run(t, f.settings(nil), nil)
	if err != nil || len(rec.Gaps()) != 1 || rec.Gaps()[0].Scope != "issue INC-13" || rec.Gaps()[0].Reason != connector.Malformed {
		t.Errorf("gaps %+v, error %v", rec.Gaps(), err)
	}
	if got := len(transitionsOf(rec)); got != 63 || cov[KindTransition].Status != connector.Partial || cov[KindIssue].Status != connector.Complete {
		t.Errorf("%d transitions, coverage %+v", got, cov)
	}
	if got := f.times(bulkRoute); got > 20 {
		t.Errorf("%d calls to find one of 64", got)
	}
}

func TestServerErrorsOfHistories(t *testing.T) {
	f := newFakeJira(t)
	f.pageSize = 100
	for i := range 200 {
		f.add(i+1, "Task", nil)
	}
	f.routes[bulkRoute] = status(500)
	f.routes["GET /rest/api/3/issue/10007/changelog"] = status(500)
	rec, _, err := connectortest.Collect(t, &Connector{tune: noWaits(nil)}, connector.Request{Config: config0(t, f.settings(map[string]any{"page_size": 10}))}, nil)
	if err != nil || len(rec.Gaps()) != 1 || rec.Gaps()[0].Scope != "issue INC-7" || rec.Gaps()[0].Reason != connector.Unavailable {
		t.Errorf("one broken issue: gaps %+v, error %v", rec.Gaps(), err)
	}
	for i := range 200 {
		f.routes[fmt.Sprintf("GET /rest/api/3/issue/%d/changelog", 10001+i)] = status(500)
	}
	f.forget()
	rec, cov, err := connectortest.Collect(t, &Connector{tune: noWaits(nil)}, connector.Request{Config: config0(t, f.settings(nil))}, nil)
	if err != nil || len(rec.Gaps()) != 1 || rec.Gaps()[0].Scope != "project INC" || cov[KindTransition].Status != connector.Refused || len(f.calls) > 150 {
		t.Errorf("all broken: %d calls, gaps %+v, error %v", len(f.calls), rec.Gaps(), err)
	}
}

// A history that begins late or has a hole is no whole one.
func TestHistoriesThatAreNotWhole(t *testing.T) {
	day := func(n int) string { return fmt.Sprintf("2026-01-%02dT10:00:00.000+0000", n) }
	for name, tt := range map[string]struct {
		fields map[string]any
		log    []map[string]any
		want   string
	}{
		"whole":                       {map[string]any{"status": map[string]any{"id": "idC", "name": "C, renamed"}}, []map[string]any{history(1, day(2), "status", "A", "B"), history(2, day(3), "status", "B", "C")}, ""},
		"no status ever changed":      {map[string]any{"status": map[string]any{"id": "idA"}, "statuscategorychangedate": "2026-01-01T10:00:00.200+0200"}, nil, ""},
		"changed again since we read": {map[string]any{"status": map[string]any{"id": "idA"}}, []map[string]any{history(1, "2026-02-03T10:00:00.000+0000", "status", "A", "B")}, ""},
		"a hole":                      {nil, []map[string]any{history(1, day(2), "status", "A", "B"), history(2, day(3), "status", "C", "D")}, "between two entries"},
		"an end is missing":           {map[string]any{"status": map[string]any{"id": "idD"}}, []map[string]any{history(1, day(2), "status", "A", "B")}, "not the one that its history ends in"},
		"imported when done":          {map[string]any{"resolutiondate": day(20)}, nil, "there is no entry of that"},
		"imported to Cloud":           {map[string]any{"statuscategorychangedate": day(20)}, nil, "there is no entry of that"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeJira(t)
			id := f.add(1, "Task", tt.fields)
			f.add(2, "Task", nil)
			f.changes[id] = tt.log
			rec, cov, err := run(t, f.settings(nil), nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.want == "" {
				if len(rec.Gaps()) != 0 || cov[KindTransition].Status != connector.Complete {
					t.Errorf("gaps %+v, coverage %+v", rec.Gaps(), cov[KindTransition])
				}
				return
			}
			want := []string{KindTransition}
			for range 2 { // a run that reads nothing new says it too
				if len(rec.Gaps()) != 1 || rec.Gaps()[0].Reason != connector.Truncated || !strings.Contains(rec.Gaps()[0].Detail, tt.want) ||
					!strings.Contains(rec.Gaps()[0].Detail, "INC-1") || cmp.Diff(want, rec.Gaps()[0].Kinds) != "" || cov[KindTransition].Status != connector.Partial {
					t.Fatalf("gaps %+v, coverage %+v", rec.Gaps(), cov[KindTransition])
				}
				f.issues[1]["fields"].(map[string]any)["updated"] = "2026-03-01T10:00:00.000+0000"
				if rec, cov, err = run(t, f.settings(nil), rec); err != nil {
					t.Fatal(err)
				}
			}
			known := f.settings(map[string]any{"projects": []any{map[string]any{"key": "INC", "history_since": "2026-01-02"}}})
			rec, cov, err = run(t, known, nil)
			if err != nil || len(rec.Gaps()) != 0 || cov[KindTransition].Since.IsZero() {
				t.Errorf("known to begin late: gaps %+v, coverage %+v, error %v", rec.Gaps(), cov[KindTransition], err)
			}
		})
	}
}

func TestActors(t *testing.T) {
	for name, tt := range map[string]struct {
		author         string
		identity, kind any
	}{
		"a person":           {`{"accountId":"a-1","accountType":"atlassian","displayName":"Ann","emailAddress":"ann@example.com"}`, "ann@example.com", "person"},
		"an automation":      {`{"accountId":"557058:bot","accountType":"app","displayName":"Automation for Jira"}`, "557058:bot", "app"},
		"a customer":         {`{"accountId":"qm:1","accountType":"customer","displayName":"C"}`, "qm:1", "customer"},
		"deleted on Cloud":   {`{"accountId":"unknown","accountType":"unknown","displayName":"Former user","active":false}`, "unknown", "unknown"},
		"deleted, bare":      {`{"accountId":"5b10","displayName":"Former user"}`, "5b10", "unknown"},
		"nobody":             {`null`, nil, "anonymous"},
		"an empty author":    {`{}`, nil, "anonymous"},
		"Data Center":        {`{"key":"JIRAUSER1","name":"ann","displayName":"Ann"}`, "ann", nil},
		"deleted there":      {`{"key":"JIRAUSER2","displayName":"JIRAUSER2","active":false}`, "JIRAUSER2", nil},
		"a hostile name":     {`{"accountId":"a\u0000b\n\u202ec","accountType":"atlassian"}`, "a\uFFFDb \uFFFDc", "person"},
		"a name, and no end": {`{"accountId":"` + strings.Repeat("x", 5000) + `","accountType":"atlassian"}`, strings.Repeat("x", 200) + "…", "person"},
	} {
		t.Run(name, func(t *testing.T) {
			var c change
			if err := json.Unmarshal([]byte(`{"id":"1","created":"2026-01-01T10:00:00.000+0000","items":[{"field":"status","to":"1"}],"author":`+tt.author+`}`), &c); err != nil {
				t.Fatal(err)
			}
			is := &issue{id: "1", key: "A-1"}
			if err := checkChanges([]*change{&c}); err != nil {
				t.Fatal(err)
			}
			is.setHistory([]*change{&c})
			recs, err := is.transitions(&config{})
			if err != nil {
				t.Fatal(err)
			}
			m := connectortest.Payload(t, recs[0])
			if m["author"] != tt.identity || m["author_type"] != tt.kind {
				t.Errorf("%v, %v", m["author"], m["author_type"])
			}
		})
	}
}

func TestHistoriesThatAreNone(t *testing.T) {
	for name, body := range map[string]string{
		"of another issue": `{"issueChangeLogs":[{"issueId":"4","changeHistories":[]}]}`,
		"token for ever":   `{"issueChangeLogs":[],"nextPageToken":"x"}`,
		"null entry":       `{"issueChangeLogs":[{"issueId":"10001","changeHistories":[null]}]}`,
		"no id":            `{"issueChangeLogs":[{"issueId":"10001","changeHistories":[{"created":1}]}]}`,
		"typed otherwise":  `{"issueChangeLogs":{"10001":[]}}`,
		"items are none":   `{"issueChangeLogs":[{"issueId":"10001","changeHistories":[{"id":"1","created":1,"items":7}]}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeJira(t)
			f.add(1, "Task", nil)
			f.add(2, "Task", nil)
			f.routes[bulkRoute] = raw("application/json", body)
			bad := func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprint(w, `{"startAt":0,"total":1,"isLast":true,"values":[{"id":"x"}]}`)
			}
			f.routes["GET /rest/api/3/issue/10001/changelog"], f.routes["GET /rest/api/3/issue/10002/changelog"] = bad, bad
			rec, cov, err := run(t, f.settings(nil), nil)
			if err != nil || len(rec.Gaps()) != 2 || cov[KindTransition].Status != connector.Partial || cov[KindIssue].Status != connector.Complete {
				t.Errorf("gaps %+v, coverage %+v, error %v", rec.Gaps(), cov, err)
			}
		})
	}
}
