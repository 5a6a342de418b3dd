package jira

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// fakeJira speaks the wire format of Jira Cloud, as far as a test needs it.
// Any route can be replaced.
type fakeJira struct {
	*httptest.Server
	t  *testing.T
	mu sync.Mutex

	issues    []map[string]any            // as the search gives them
	changes   map[string][]map[string]any // by issue id
	approvals map[string][]map[string]any // by issue key
	count     int                         // approximate-count; -1: as many as there are
	zone      string
	pageSize  int
	routes    map[string]http.HandlerFunc // "METHOD path" replaces the answer

	calls   []string // "METHOD path"
	queries []string // JQL of the searches
	auth    []string
}

const fakeToken = "s3cret-token-value"

func newFakeJira(t *testing.T) *fakeJira {
	t.Helper()
	f := &fakeJira{t: t, changes: map[string][]map[string]any{}, approvals: map[string][]map[string]any{},
		count: -1, zone: "Etc/UTC", pageSize: 2, routes: map[string]http.HandlerFunc{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeJira) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	call := r.Method + " " + r.URL.Path
	f.calls = append(f.calls, call)
	f.auth = append(f.auth, r.Header.Get("Authorization"))
	if h, ok := f.routes[call]; ok {
		h(w, r)
		return
	}
	switch {
	case call == "GET /rest/api/3/myself", call == "GET /rest/api/2/myself":
		f.json(w, 200, map[string]any{"accountId": "557058:reader", "name": "reader", "timeZone": f.zone})
	case strings.HasPrefix(call, "GET /rest/api/3/project/"), strings.HasPrefix(call, "GET /rest/api/2/project/"):
		f.json(w, 200, map[string]any{"key": r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]})
	case call == "GET /rest/api/3/mypermissions":
		f.json(w, 200, map[string]any{"permissions": map[string]any{"BROWSE_PROJECTS": map[string]any{"havePermission": true}}})
	case call == "POST /rest/api/3/search/jql":
		f.search(w, r)
	case call == "POST /rest/api/3/search/approximate-count":
		n := f.count
		if n < 0 {
			n = len(f.issues)
		}
		f.json(w, 200, map[string]any{"count": n})
	case call == "POST /rest/api/3/changelog/bulkfetch":
		f.bulk(w, r)
	case strings.HasSuffix(r.URL.Path, "/changelog"):
		f.changelog(w, r)
	case strings.HasPrefix(r.URL.Path, "/rest/servicedeskapi/request/"):
		key := strings.Split(r.URL.Path, "/")[4]
		if f.approvals[key] == nil {
			f.json(w, 404, map[string]any{"errorMessage": "no request"})
			return
		}
		f.json(w, 200, map[string]any{"start": 0, "isLastPage": true, "values": f.approvals[key]})
	default:
		f.json(w, 404, map[string]any{"errorMessages": []string{"no such route"}})
	}
}

func (f *fakeJira) json(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		f.t.Error(err)
	}
}

func (f *fakeJira) body(r *http.Request) map[string]any {
	b, err := io.ReadAll(r.Body)
	var m map[string]any
	if err != nil || json.Unmarshal(b, &m) != nil {
		f.t.Errorf("%s: body %q, %v", r.URL.Path, b, err)
	}
	return m
}

func (f *fakeJira) search(w http.ResponseWriter, r *http.Request) {
	m := f.body(r)
	jql := m["jql"].(string)
	f.queries = append(f.queries, jql)
	list := f.issues
	if _, key, ok := strings.Cut(jql, `AND key = "`); ok {
		key = strings.TrimSuffix(key, `"`)
		list = slices.DeleteFunc(slices.Clone(list), func(is map[string]any) bool { return is["key"] != key })
		if len(list) == 0 {
			f.json(w, 400, map[string]any{"errorMessages": []string{"An issue with key '" + key + "' does not exist for field 'key'."}})
			return
		}
	}
	at := 0
	if s, ok := m["nextPageToken"].(string); ok {
		at, _ = strconv.Atoi(s)
	}
	end := min(at+f.pageSize, len(list))
	out := map[string]any{"issues": list[at:end], "isLast": end == len(list)}
	if end < len(list) {
		out["nextPageToken"] = strconv.Itoa(end)
	}
	f.json(w, 200, out)
}

func (f *fakeJira) bulk(w http.ResponseWriter, r *http.Request) {
	var logs []any
	for _, id := range f.body(r)["issueIdsOrKeys"].([]any) {
		if c := f.changes[id.(string)]; c != nil {
			logs = append(logs, map[string]any{"issueId": id, "changeHistories": c})
		}
	}
	f.json(w, 200, map[string]any{"issueChangeLogs": logs})
}

// changelog gives one entry a page.
func (f *fakeJira) changelog(w http.ResponseWriter, r *http.Request) {
	all := f.changes[strings.Split(r.URL.Path, "/")[5]]
	at, _ := strconv.Atoi(r.URL.Query().Get("startAt"))
	end := min(at+1, len(all))
	f.json(w, 200, map[string]any{"startAt": at, "total": len(all), "isLast": end == len(all), "values": all[at:end]})
}

// add puts an issue of a type into the fake. Fields are added to those that
// every issue has.
func (f *fakeJira) add(n int, kind string, fields map[string]any) string {
	key, id := fmt.Sprintf("INC-%d", n), strconv.Itoa(10000+n)
	all := map[string]any{
		"summary": "Summary " + key, "project": map[string]any{"key": "INC"}, "issuetype": map[string]any{"name": kind},
		"status": map[string]any{"name": "Open", "statusCategory": map[string]any{"key": "new"}}, "priority": nil,
		"created": fmt.Sprintf("2026-01-%02dT10:00:00.000+0200", n), "updated": fmt.Sprintf("2026-02-%02dT10:00:00.000+0000", n),
		"labels": []string{"ai"}, "components": []any{map[string]any{"name": "bot"}},
		"reporter": map[string]any{"accountId": "acc-1", "displayName": "Ann"}, "assignee": map[string]any{"accountId": "acc-2", "emailAddress": "bo@example.com"},
	}
	for k, v := range fields {
		all[k] = v
	}
	f.issues = append(f.issues, map[string]any{"id": id, "key": key, "fields": all})
	return id
}

// settings is a configuration for the fake, with one project.
func (f *fakeJira) settings(more map[string]any) map[string]any {
	s := map[string]any{"base_url": f.URL, "email": "reader@example.com", "requests_per_second": 100, "projects": []any{map[string]any{"key": "INC"}}}
	for k, v := range more {
		s[k] = v
	}
	return s
}

func config0(t *testing.T, settings map[string]any) connector.Config {
	t.Helper()
	b, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	return connector.Config{Settings: b, Secrets: map[string]string{"token": fakeToken}}
}
