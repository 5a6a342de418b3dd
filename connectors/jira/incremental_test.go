package jira

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

// What a run costs, in calls: a thousand issues at first, and the same again
// when nothing has changed. Jira has no conditional requests here; the position
// does the work.
func TestCostOfReadingAgain(t *testing.T) {
	f := newFakeJira(t)
	f.pageSize, f.logPage = 100, 100
	for i := range 1000 {
		id := f.add(i+1, "Incident", map[string]any{"updated": time.Date(2026, 2, 1, 0, i*10, 0, 0, time.UTC).Format("2006-01-02T15:04:05.000-0700"),
			"priority": map[string]any{"name": "High"}})
		for j := range 3 {
			f.changes[id] = append(f.changes[id], history(i*3+j+1, "2026-01-05T10:00:00.000+0000", "priority", "Low", "High"))
		}
	}
	s := f.settings(incidentMapping())
	s["projects"] = []any{map[string]any{"key": "INC", "canary": "INC-1"}}
	first, cov, err := run(t, s, nil)
	if err != nil || len(first.Gaps()) != 0 || len(first.Records()) != 1000+3000+1000 || !cov["jira.incident"].Enumerated {
		t.Fatalf("%d records, gaps %v, error %v", len(first.Records()), first.Gaps(), err)
	}
	// myself, fields, project, 10 of search, 3 of histories, count; the canary was among the issues.
	if first.Counted().Requests != 17 {
		t.Errorf("the first run costs %d calls", first.Counted().Requests)
	}
	second, cov, err := run(t, s, first)
	if err != nil || len(second.Gaps()) != 0 || len(second.Records(KindIssue)) != 1 || cov[KindIssue].Status != connector.Complete {
		t.Fatalf("%d records, gaps %v, error %v", len(second.Records()), second.Gaps(), err)
	}
	// myself, fields, project, one of search, one history, count, canary.
	if second.Counted().Requests != 7 {
		t.Errorf("the second run costs %d calls: %v", second.Counted().Requests, f.calls[17:])
	}
	if diff := cmp.Diff(first.Cursors(), second.Cursors()); diff != "" {
		t.Error(diff)
	}
}

// Whatever an issue lacks is asked for again until it is there.
func TestIssuesLeftOpen(t *testing.T) {
	f := newFakeJira(t)
	f.add(1, "Task", map[string]any{"status": "Open"})
	f.add(20, "Task", nil)
	rec, _, err := run(t, f.settings(nil), nil)
	if err != nil || len(rec.Gaps()) != 1 {
		t.Fatalf("gaps %v, error %v", rec.Gaps(), err)
	}
	if rec, _, err = run(t, f.settings(nil), rec); err != nil || len(rec.Gaps()) != 1 || rec.Gaps()[0].Scope != "issue INC-1" {
		t.Fatalf("the next run does not say it: gaps %v, error %v", rec.Gaps(), err)
	}
	f.issues[0]["fields"].(map[string]any)["status"] = map[string]any{"name": "Open"}
	if rec, _, err = run(t, f.settings(nil), rec); err != nil || len(rec.Gaps()) != 0 || !strings.Contains(keysOf(rec), "INC-1") {
		t.Fatalf("it is well now: gaps %v, issues %s, error %v", rec.Gaps(), keysOf(rec), err)
	}
	f.forget()
	if rec, _, err = run(t, f.settings(nil), rec); err != nil || keysOf(rec) != "INC-20" || len(f.queries) != 1 {
		t.Errorf("and is asked for no more: %v, %v", f.queries, err)
	}
}

func TestIssueLeftOpenThatIsGone(t *testing.T) {
	f := newFakeJira(t)
	f.add(1, "Task", map[string]any{"status": "Open"})
	f.add(20, "Task", nil)
	rec, _, err := run(t, f.settings(nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	f.issues = f.issues[1:]
	rec, cov, err := run(t, f.settings(nil), rec)
	if err != nil || len(rec.Gaps()) != 1 || cov[KindIssue].Status != connector.Partial || len(rec.Cursors()) == 0 {
		t.Fatalf("gaps %v, cursors %v, error %v", rec.Gaps(), rec.Cursors(), err)
	}
	rec, cov, err = run(t, f.settings(nil), rec)
	if err != nil || len(rec.Gaps()) != 0 || !cov[KindIssue].Enumerated {
		t.Errorf("the run after that reads all: gaps %v, coverage %+v, error %v", rec.Gaps(), cov[KindIssue], err)
	}
}

// Deleted and moved: a full run lists what there is, by an id that stays.
func TestMovedAndDeleted(t *testing.T) {
	f := newFakeJira(t)
	f.add(1, "Incident", map[string]any{"priority": map[string]any{"name": "High"}})
	f.add(2, "Task", nil)
	s := f.settings(incidentMapping())
	first, _, err := run(t, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.issues = f.issues[:1]
	f.issues[0]["key"] = "INC-77" // moved away and back
	full, cov, err := connectortest.Collect(t, New(), connector.Request{Config: config0(t, s), Full: true}, first)
	if err != nil || !cov[KindIssue].Enumerated || len(full.Records(KindIssue)) != 1 {
		t.Fatalf("coverage %+v, error %v", cov[KindIssue], err)
	}
	for _, kind := range []string{KindIssue, "jira.incident"} {
		if was, is := first.Records(kind)[0], full.Records(kind)[0]; was.Key != is.Key || is.Subject.ID != "INC-77" {
			t.Errorf("%s: key %s, then %s of %s", kind, was.Key, is.Key, is.Subject.ID)
		}
	}
}

// A clock that is wrong, Jira's or a record's, loses nothing.
func TestClocks(t *testing.T) {
	later := time.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05.000-0700")
	t.Run("updated in the future", func(t *testing.T) {
		f := newFakeJira(t)
		f.add(1, "Task", map[string]any{"updated": "2199-01-01T00:00:00.000+0000"})
		f.add(2, "Task", nil)
		rec, _, err := run(t, f.settings(nil), nil)
		if err != nil || !strings.Contains(rec.Cursors()["updated:INC"], "2026-02-02T10:00:00Z") {
			t.Errorf("cursors %v, error %v", rec.Cursors(), err)
		}
	})
	t.Run("created in the future", func(t *testing.T) {
		f := newFakeJira(t)
		f.add(1, "Task", map[string]any{"created": later, "updated": later})
		f.add(2, "Task", nil)
		rec, _, err := run(t, f.settings(nil), nil)
		if err != nil || len(rec.Gaps()) != 1 || rec.Gaps()[0].Reason != connector.Malformed || keysOf(rec) != "INC-2" {
			t.Fatalf("gaps %v, error %v", rec.Gaps(), err)
		}
		f.issues[0]["fields"].(map[string]any)["created"] = "2026-03-01T10:00:00.000+0000" // the time has come
		if rec, _, err = run(t, f.settings(nil), rec); err != nil || !strings.Contains(keysOf(rec), "INC-1") || len(rec.Gaps()) != 0 {
			t.Errorf("issues %s, gaps %v, error %v", keysOf(rec), rec.Gaps(), err)
		}
	})
	t.Run("a change while we read", func(t *testing.T) {
		f := newFakeJira(t)
		now := time.Now().UTC()
		f.add(1, "Task", map[string]any{"updated": now.Add(20 * time.Second).Format("2006-01-02T15:04:05.000-0700")})
		rec, _, err := run(t, f.settings(nil), nil)
		var p position
		if err != nil || json.Unmarshal([]byte(rec.Cursors()["updated:INC"]), &p) != nil || p.Updated.After(time.Now()) {
			t.Errorf("cursors %v, error %v", rec.Cursors(), err)
		}
	})
	t.Run("a position in the future", func(t *testing.T) {
		f := newFakeJira(t)
		f.add(1, "Task", nil)
		rec, _, err := run(t, f.settings(nil), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := rec.Cursor("updated:INC", strings.Replace(rec.Cursors()["updated:INC"], "2026-02-01", "2190-02-01", 1)); err != nil {
			t.Fatal(err)
		}
		if _, cov, err := run(t, f.settings(nil), rec); err != nil || !cov[KindIssue].Enumerated {
			t.Errorf("coverage %+v, error %v", cov[KindIssue], err)
		}
	})
}

// JQL's minutes are those of the account's clock.
func TestJQLMinute(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, tt := range []struct{ zone, at, want string }{
		{"Etc/UTC", "2026-02-05T10:00:59Z", "2026/02/05 09:55"},
		{"America/New_York", "2026-02-05T10:00:00Z", "2026/02/05 04:55"},
		{"Asia/Kolkata", "2026-02-05T20:00:00Z", "2026/02/06 01:25"},
		{"Europe/Berlin", "2026-10-25T01:30:00Z", "2026/10/25 00:25"}, // 02:30 is there twice
		{"America/New_York", "2026-03-08T07:10:00Z", "2026/03/07 23:05"},
		{"Nowhere/Land", "2026-02-05T10:00:00Z", "2026/02/04 07:55"},
		{"", "2026-02-05T10:00:00Z", "2026/02/04 07:55"},
	} {
		if got := jqlMinute(at(tt.at), &account{TimeZone: tt.zone}); got != tt.want {
			t.Errorf("%s in %q: %s, want %s", tt.at, tt.zone, got, tt.want)
		}
	}
}

func TestProjectsThatCannotBeListed(t *testing.T) {
	for name, tt := range map[string]struct {
		project map[string]any
		reason  connector.Reason
		says    string
	}{
		"archived": {map[string]any{"archived": true}, connector.Hidden, "archived"},
		"in trash": {map[string]any{"deleted": true}, connector.NotFound, "trash"},
		"renamed":  {map[string]any{"key": "NEW"}, connector.NotFound, "NEW now"},
		"no key":   {map[string]any{"key": ""}, connector.Malformed, "no key"},
		"drifted":  {map[string]any{"key": 7}, connector.Malformed, "no JSON of the form"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeJira(t)
			f.project = tt.project
			f.add(1, "Task", nil)
			rec, cov, err := run(t, f.settings(nil), nil)
			if err != nil || len(rec.Gaps()) != 1 || rec.Gaps()[0].Reason != tt.reason || !strings.Contains(rec.Gaps()[0].Detail, tt.says) || cov[KindIssue].Status != connector.Refused {
				t.Errorf("gaps %+v, coverage %+v, error %v", rec.Gaps(), cov[KindIssue], err)
			}
		})
	}
}

// Fields that are gone, null or of another type.
func TestSchemaDrift(t *testing.T) {
	for name, fields := range map[string]map[string]any{
		"created null": {"created": nil}, "updated a number": {"updated": 1}, "labels text": {"labels": "ai"}, "status text": {"status": "Open"},
		"reporter text": {"reporter": "ann"}, "links of text": {"issuelinks": []any{map[string]any{"type": "x", "outwardIssue": map[string]any{"key": "A-1"}}}},
		"resolution time": {"resolutiondate": "soon"}, "components a map": {"components": map[string]any{}}, "summary a map": {"summary": map[string]any{}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeJira(t)
			f.add(1, "Task", fields)
			f.add(2, "Task", nil)
			rec, cov, err := run(t, f.settings(nil), nil)
			if err != nil || len(rec.Gaps()) != 1 || rec.Gaps()[0].Reason != connector.Malformed || rec.Gaps()[0].Scope != "issue INC-1" || cov[KindIssue].Status != connector.Partial {
				t.Errorf("gaps %+v, coverage %+v, error %v", rec.Gaps(), cov[KindIssue], err)
			}
			if !strings.Contains(keysOf(rec), "INC-2") {
				t.Errorf("issues %s", keysOf(rec))
			}
		})
	}
	for name, body := range map[string]string{
		"ids only": `{"issues":[{"id":"10001"},{"id":"10002"}],"isLast":true}`,
		"renamed":  `{"values":[],"isLast":true}`,
		"null":     `{"issues":null,"isLast":true}`,
		"torn":     `{"issues":[{"id":"10001"`,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeJira(t)
			f.routes[searchRoute] = raw("application/json", body)
			rec, cov, err := run(t, f.settings(nil), nil)
			if err != nil || len(rec.Gaps()) != 1 || rec.Gaps()[0].Reason != connector.Malformed || rec.Gaps()[0].Scope != "project INC" || cov[KindIssue].Status != connector.Refused {
				t.Errorf("gaps %+v, coverage %+v, error %v", rec.Gaps(), cov[KindIssue], err)
			}
		})
	}
}

// Every question names its fields and is bounded by a project; the operations
// that were removed are not used.
func TestOnlyWhatJiraStillOffers(t *testing.T) {
	f := newFakeJira(t)
	f.finds["priority = High"] = []string{"10001"}
	f.add(1, "Request", map[string]any{"attachment": []any{f.attach("7", "a", "b")}})
	f.approvals["INC-1"] = []map[string]any{approved("5", "acc-9")}
	s := hashing(f, nil)
	s["projects"] = []any{map[string]any{"key": "INC", "canary": "INC-1", "approvals": true}}
	s["issue_types"] = []any{map[string]any{"project": "INC", "jql": "priority = High", "kind": "jira.incident", "fields": map[string]any{"declared_at": "created"}}}
	rec, _, err := run(t, s, nil)
	if err != nil || len(rec.Gaps()) != 0 {
		t.Fatalf("gaps %v, error %v", rec.Gaps(), err)
	}
	for _, a := range f.asked {
		if strings.Contains(a, "/rest/api/3/search?") || strings.Contains(a, "/rest/api/2/") {
			t.Errorf("removed: %s", a)
		}
		if strings.Contains(a, "/search/jql") && (!strings.Contains(a, `"fields":["`) || !strings.Contains(a, `project = \"INC\"`)) {
			t.Errorf("not bounded: %s", a)
		}
	}
}

func TestHugeIssue(t *testing.T) {
	f := newFakeJira(t)
	f.add(1, "Task", map[string]any{"customfield_1": strings.Repeat("x", 2<<20)})
	f.add(2, "Task", nil)
	rec, _, err := run(t, f.settings(map[string]any{"custom_fields": map[string]string{"big": "customfield_1"}}), nil)
	if err != nil || len(rec.Gaps()) != 1 || rec.Gaps()[0].Reason != connector.Malformed || keysOf(rec) != "INC-2" {
		t.Errorf("issues %s, gaps %s, error %v", keysOf(rec), fmt.Sprint(rec.Gaps()), err)
	}
}
