package sandbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/andygrunwald/go-jira"
	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/internal/sandbox"
)

func jiraClient(t *testing.T, org *sandbox.Org, token string) *jira.Client {
	t.Helper()
	auth := jira.BasicAuthTransport{Username: org.JiraEmail, Password: token}
	c, err := jira.NewClient(auth.Client(), org.JiraURL)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// call makes one request through go-jira and decodes the answer, whatever its
// status.
func call(ctx context.Context, t *testing.T, c *jira.Client, method, path string, body, into any) int {
	t.Helper()
	req, err := c.NewRequestWithContext(ctx, method, path, body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req, nil)
	if resp == nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if into != nil && resp.StatusCode == http.StatusOK {
		if err := json.NewDecoder(bytes.NewReader(b)).Decode(into); err != nil {
			t.Fatalf("%s %s: %v in %.200s", method, path, err, b)
		}
	}
	return resp.StatusCode
}

type found struct {
	Issues []struct {
		ID, Key string
		Fields  map[string]any
	}
	NextPageToken string
	IsLast        bool
}

// searchAll follows page tokens and gives the keys in order.
func searchAll(ctx context.Context, t *testing.T, c *jira.Client, jql string) []string {
	t.Helper()
	var keys []string
	token := ""
	for range 50 {
		var page found
		q := url.Values{"jql": {jql}, "maxResults": {"7"}, "fields": {"summary,status"}}
		if token != "" {
			q.Set("nextPageToken", token)
		}
		if status := call(ctx, t, c, "GET", "rest/api/3/search/jql?"+q.Encode(), nil, &page); status != http.StatusOK {
			t.Fatalf("%s: status %d", jql, status)
		}
		for _, is := range page.Issues {
			keys = append(keys, is.Key)
		}
		if page.IsLast != (page.NextPageToken == "") {
			t.Errorf("isLast %v with token %q", page.IsLast, page.NextPageToken)
		}
		if token = page.NextPageToken; token == "" {
			return keys
		}
	}
	t.Fatalf("%s never ends", jql)
	return nil
}

func TestJiraSearch(t *testing.T) {
	ctx, org := start(t)
	c := jiraClient(t, org, org.JiraToken)
	all := searchAll(ctx, t, c, "project in (INTAKE, INC, CHG, CAPA, RISK) ORDER BY updated ASC, key ASC")
	seen := map[string]bool{}
	for _, k := range all {
		if seen[k] {
			t.Errorf("%s came twice", k)
		}
		seen[k] = true
	}
	if len(all) < 80 {
		t.Errorf("%d issues, want at least 80", len(all))
	}
	var count struct{ Count int }
	call(ctx, t, c, "POST", "rest/api/3/search/approximate-count", map[string]string{"jql": "project in (INTAKE, INC, CHG, CAPA, RISK)"}, &count)
	if count.Count != len(all) {
		t.Errorf("counted %d, listed %d", count.Count, len(all))
	}
	for jql, want := range map[string][]string{
		`key = INC-11`:     {"INC-11"},
		`project = PEOPLE`: nil,
		`key = PEOPLE-1`:   nil,
		`project = INC AND updated >= "2026-11-17 00:00" ORDER BY key ASC`: {"INC-14"},
		`project = INC AND updated >= 1795200000000`:                       nil,
		`project = CAPA AND updated >= -12d`:                               {"CAPA-9"},
	} {
		if diff := cmp.Diff(want, searchAll(ctx, t, c, jql)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", jql, diff)
		}
	}
	var bare found
	call(ctx, t, c, "POST", "rest/api/3/search/jql", map[string]any{"jql": "key = INC-11"}, &bare)
	if len(bare.Issues) != 1 || bare.Issues[0].Key != "" || bare.Issues[0].ID == "" {
		t.Errorf("a search without fields gave %+v, want the id alone", bare.Issues)
	}
	// go-jira's own search of the current endpoint, in v2 form.
	list, _, err := c.Issue.SearchV2JQLWithContext(ctx, "project = INC ORDER BY key ASC", &jira.SearchOptionsV2{MaxResults: 3, Fields: []string{"summary"}})
	if err != nil || len(list) != 3 || list[0].Key != "INC-1" {
		t.Errorf("SearchV2JQL: %v, %v", list, err)
	}
}

func TestJiraRefusals(t *testing.T) {
	ctx, org := start(t)
	good, bad := jiraClient(t, org, org.JiraToken), jiraClient(t, org, "expired")
	for _, test := range []struct {
		name         string
		c            *jira.Client
		method, path string
		body         any
		want         int
	}{
		{"wrong token", bad, "GET", "rest/api/3/myself", nil, 401},
		{"removed search", good, "GET", "rest/api/3/search?jql=project=INC", nil, 410},
		{"removed search, v2", good, "POST", "rest/api/2/search", map[string]string{"jql": "project=INC"}, 410},
		{"no query", good, "GET", "rest/api/3/search/jql", nil, 400},
		{"order alone", good, "GET", "rest/api/3/search/jql?jql=ORDER+BY+key", nil, 400},
		{"unknown project", good, "GET", "rest/api/3/search/jql?jql=project=NOPE", nil, 400},
		{"unknown field", good, "GET", "rest/api/3/search/jql?jql=colour=red", nil, 400},
		{"bad date", good, "GET", "rest/api/3/search/jql?jql=" + url.QueryEscape(`updated >= "yesterday"`), nil, 400},
		{"bad page token", good, "GET", "rest/api/3/search/jql?jql=project=INC&nextPageToken=x", nil, 400},
		{"hidden issue", good, "GET", "rest/api/3/issue/PEOPLE-1", nil, 404},
		{"hidden changelog", good, "GET", "rest/api/3/issue/PEOPLE-2/changelog", nil, 404},
		{"no such path", good, "GET", "rest/api/3/nothing", nil, 404},
		{"permissions not named", good, "GET", "rest/api/3/mypermissions", nil, 400},
	} {
		if got := call(ctx, t, test.c, test.method, test.path, test.body, nil); got != test.want {
			t.Errorf("%s: status %d, want %d", test.name, got, test.want)
		}
	}
}

type history struct {
	ID, Created string
	Author      struct{ DisplayName string }
	Items       []struct {
		Field, FromString string
		To                string `json:"toString"`
	}
}

func TestJiraHistory(t *testing.T) {
	ctx, org := start(t)
	c := jiraClient(t, org, org.JiraToken)
	var one []history
	for at := 0; at < 20; at += 2 {
		var page struct {
			Values []history
			IsLast bool
			Total  int
		}
		path := "rest/api/3/issue/INC-5/changelog?maxResults=2&startAt=" + string(rune('0'+at))
		if status := call(ctx, t, c, "GET", path, nil, &page); status != http.StatusOK {
			t.Fatal(status)
		}
		one = append(one, page.Values...)
		if page.IsLast {
			break
		}
	}
	var moves []string
	for _, h := range one {
		moves = append(moves, h.Items[0].Field+": "+h.Items[0].To)
	}
	want := []string{"Severity: SEV-2", "status: Investigating", "status: Contained", "status: Resolved", "status: Closed", "resolution: Done"}
	if diff := cmp.Diff(want, moves); diff != "" {
		t.Errorf("history of INC-5 (-want +got):\n%s", diff)
	}
	// The same, in bulk: the first call answers 503 once.
	var bulk struct {
		IssueChangeLogs []struct{ ChangeHistories []history }
		NextPageToken   string
	}
	ask := map[string]any{"issueIdsOrKeys": []string{"INC-5", "PEOPLE-2"}, "maxResults": 100}
	if status := call(ctx, t, c, "POST", "rest/api/3/changelog/bulkfetch", ask, nil); status != http.StatusServiceUnavailable {
		t.Errorf("the first bulk fetch: status %d, want 503", status)
	}
	if status := call(ctx, t, c, "POST", "rest/api/3/changelog/bulkfetch", ask, &bulk); status != http.StatusOK {
		t.Fatal(status)
	}
	if len(bulk.IssueChangeLogs) != 1 || bulk.NextPageToken != "" {
		t.Fatalf("bulk fetch %+v", bulk)
	}
	if diff := cmp.Diff(one, bulk.IssueChangeLogs[0].ChangeHistories); diff != "" {
		t.Errorf("bulk differs (-one +bulk):\n%s", diff)
	}
}

func TestJiraIssue(t *testing.T) {
	ctx, org := start(t)
	c := jiraClient(t, org, org.JiraToken)
	var is struct {
		Fields struct {
			Description map[string]any
			Issuelinks  []struct{ OutwardIssue struct{ Key string } }
			Systems     []struct{ Value string } `json:"customfield_10201"`
			Notifiable  struct{ Value string }   `json:"customfield_10208"`
			Decision    struct {
				DisplayName, EmailAddress string
			} `json:"customfield_10209"`
		}
	}
	if status := call(ctx, t, c, "GET", "rest/api/3/issue/INC-8", nil, &is); status != http.StatusOK {
		t.Fatal(status)
	}
	f := is.Fields
	if len(f.Issuelinks) != 1 || f.Issuelinks[0].OutwardIssue.Key != "CAPA-6" || len(f.Systems) != 1 || f.Notifiable.Value != "No" {
		t.Errorf("INC-8: %+v", f)
	}
	if f.Decision.DisplayName != "Zeynep Aksoyer" || f.Decision.EmailAddress != "" {
		t.Errorf("the privacy counsel hides her address: %+v", f.Decision)
	}
	var approvals struct {
		Values []struct{ FinalDecision string }
	}
	call(ctx, t, c, "GET", "rest/servicedeskapi/request/INTAKE-2/approval", nil, &approvals)
	if len(approvals.Values) != 2 || approvals.Values[0].FinalDecision != "approved" {
		t.Errorf("approvals of INTAKE-2: %+v", approvals)
	}
	me, _, err := c.User.GetSelfWithContext(ctx)
	if err != nil || me.EmailAddress != org.JiraEmail || !strings.Contains(me.DisplayName, "simulated") {
		t.Errorf("myself: %+v, %v", me, err)
	}
}
