package jira

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// fakeJira speaks the wire format of Jira Cloud and Data Center, as far as a
// test needs it. Any route can be replaced.
type fakeJira struct {
	*httptest.Server
	t  *testing.T
	mu sync.Mutex

	issues    []map[string]any            // as the search gives them
	changes   map[string][]map[string]any // by issue id
	approvals map[string][]map[string]any // by issue key
	files     map[string]string           // content by attachment id
	finds     map[string][]string         // ids that a clause of a mapping finds
	fields    []map[string]any            // of /field; nil: there is no such route
	project   map[string]any              // added to what is said of a project
	count     int                         // approximate-count; -1: as many as there are
	zone      string
	pageSize  int
	bulkPage  int                         // entries in an answer of changelog/bulkfetch
	logPage   int                         // entries in an answer of an issue's changelog
	routes    map[string]http.HandlerFunc // "METHOD path" replaces the answer

	calls   []string // "METHOD path"
	asked   []string // the same with query and body
	queries []string // JQL of the searches
	auth    []string
}

const fakeToken = "s3cret-token-value"

func newFakeJira(t *testing.T) *fakeJira {
	t.Helper()
	f := &fakeJira{t: t, changes: map[string][]map[string]any{}, approvals: map[string][]map[string]any{}, files: map[string]string{},
		finds: map[string][]string{}, count: -1, zone: "Etc/UTC", pageSize: 2, bulkPage: 1000, logPage: 1, routes: map[string]http.HandlerFunc{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeJira) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	call := r.Method + " " + r.URL.Path
	b, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(b)))
	f.calls = append(f.calls, call)
	f.asked = append(f.asked, call+"?"+r.URL.RawQuery+" "+string(b))
	f.auth = append(f.auth, r.Header.Get("Authorization"))
	if h, ok := f.routes[call]; ok {
		h(w, r)
		return
	}
	switch path := strings.TrimPrefix(strings.Replace(r.URL.Path, "/api/2/", "/api/3/", 1), "/rest/"); {
	case path == "api/3/myself":
		f.json(w, 200, map[string]any{"accountId": "557058:reader", "name": "reader", "timeZone": f.zone})
	case strings.HasPrefix(path, "api/3/project/") && strings.Count(path, "/") == 3:
		p := map[string]any{"key": path[strings.LastIndex(path, "/")+1:]}
		for k, v := range f.project {
			p[k] = v
		}
		f.json(w, 200, p)
	case path == "api/3/mypermissions":
		f.json(w, 200, map[string]any{"permissions": map[string]any{"BROWSE_PROJECTS": map[string]any{"havePermission": true}}})
	case path == "api/3/field" && f.fields != nil:
		f.json(w, 200, f.fields)
	case r.URL.Path == "/rest/api/2/search":
		f.searchDataCenter(w, r)
	case path == "api/3/search/jql":
		f.search(w, r)
	case path == "api/3/search/approximate-count":
		n := f.count
		if n < 0 {
			n = len(f.matching(f.body(r)["jql"].(string)))
		}
		f.json(w, 200, map[string]any{"count": n})
	case path == "api/3/changelog/bulkfetch":
		f.bulk(w, r)
	case strings.HasSuffix(path, "/changelog"):
		f.changelog(w, r)
	case strings.HasPrefix(path, "servicedeskapi/request/"):
		f.desk(w, r, strings.Split(path, "/")[2])
	case strings.HasPrefix(path, "api/3/attachment/content/"):
		f.file(w, path[strings.LastIndex(path, "/")+1:])
	case strings.HasPrefix(path, "/secure/attachment/"):
		f.file(w, strings.Split(path, "/")[3])
	case strings.HasPrefix(path, "api/3/issue/"):
		id := path[strings.LastIndex(path, "/")+1:]
		f.json(w, 200, map[string]any{"id": id, "changelog": map[string]any{"total": len(f.changes[id]), "histories": f.changes[id]}})
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

var (
	projectClause = regexp.MustCompile(`project = "([^"]+)"`)
	updatedClause = regexp.MustCompile(`updated >= "([^"]+)"`)
	idClause      = regexp.MustCompile(`id in \(([^)]*)\)`)
	keyClause     = regexp.MustCompile(`AND key = "([^"]+)"`)
	otherClause   = regexp.MustCompile(`AND \((.*)\)$`)
)

// matching are the issues that a query finds; nil if it names one that is not
// there.
func (f *fakeJira) matching(jql string) []map[string]any {
	jql, _, _ = strings.Cut(jql, " ORDER BY ")
	list := slices.Clone(f.issues)
	keep := func(ok func(map[string]any) bool) {
		list = slices.DeleteFunc(list, func(is map[string]any) bool { return !ok(is) })
	}
	if m := projectClause.FindStringSubmatch(jql); m != nil {
		keep(func(is map[string]any) bool {
			fields, _ := is["fields"].(map[string]any)
			p, ok := fields["project"].(map[string]any)
			return !ok || p["key"] == m[1]
		})
	}
	if m := updatedClause.FindStringSubmatch(jql); m != nil {
		loc, err := time.LoadLocation(f.zone)
		if err != nil {
			loc = time.UTC
		}
		from, err := time.ParseInLocation("2006/01/02 15:04", m[1], loc)
		if err != nil {
			f.t.Errorf("JQL %s: %v", jql, err)
		}
		keep(func(is map[string]any) bool {
			s, _ := is["fields"].(map[string]any)["updated"].(string)
			at, err := parseTime(s)
			return err != nil || !at.Before(from)
		})
	}
	if m := idClause.FindStringSubmatch(jql); m != nil {
		ids := strings.Split(m[1], ", ")
		keep(func(is map[string]any) bool { return slices.Contains(ids, is["id"].(string)) })
		if len(list) < len(ids) {
			return nil
		}
	} else if m := otherClause.FindStringSubmatch(jql); m != nil {
		ids, known := f.finds[m[1]]
		if !known {
			return nil
		}
		keep(func(is map[string]any) bool { return slices.Contains(ids, is["id"].(string)) })
	}
	if m := keyClause.FindStringSubmatch(jql); m != nil {
		keep(func(is map[string]any) bool { return is["key"] == m[1] })
		if len(list) == 0 {
			return nil
		}
	}
	return append([]map[string]any{}, list...)
}

func (f *fakeJira) search(w http.ResponseWriter, r *http.Request) {
	m := f.body(r)
	jql := m["jql"].(string)
	f.queries = append(f.queries, jql)
	list := f.matching(jql)
	if list == nil {
		f.json(w, 400, map[string]any{"errorMessages": []string{"An issue with this key does not exist, or the query is wrong."}})
		return
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

func (f *fakeJira) searchDataCenter(w http.ResponseWriter, r *http.Request) {
	m := f.body(r)
	f.queries = append(f.queries, m["jql"].(string))
	list := f.matching(m["jql"].(string))
	at, _ := m["startAt"].(float64)
	size, _ := m["maxResults"].(float64)
	begin := min(int(at), len(list))
	page := []map[string]any{}
	for _, is := range list[begin:min(begin+int(size), len(list))] {
		if m["expand"] != nil {
			h := f.changes[is["id"].(string)]
			is = map[string]any{"id": is["id"], "key": is["key"], "fields": is["fields"], "changelog": map[string]any{"total": len(h), "histories": h}}
		}
		page = append(page, is)
	}
	f.json(w, 200, map[string]any{"startAt": begin, "total": len(list), "issues": page})
}

// bulk gives at most bulkPage entries in an answer, so that an issue may be
// cut in two.
func (f *fakeJira) bulk(w http.ResponseWriter, r *http.Request) {
	m := f.body(r)
	ids := m["issueIdsOrKeys"].([]any)
	if len(ids) > 1000 {
		f.json(w, 400, map[string]any{"errorMessages": []string{"too many issues"}})
		return
	}
	skip := 0
	if s, ok := m["nextPageToken"].(string); ok {
		skip, _ = strconv.Atoi(s)
	}
	logs, at := []any{}, 0
	for _, id := range ids {
		var part []map[string]any
		for _, c := range f.changes[id.(string)] {
			if at >= skip && at < skip+f.bulkPage {
				part = append(part, c)
			}
			at++
		}
		if part != nil {
			logs = append(logs, map[string]any{"issueId": id, "changeHistories": part})
		}
	}
	out := map[string]any{"issueChangeLogs": logs}
	if at > skip+f.bulkPage {
		out["nextPageToken"] = strconv.Itoa(skip + f.bulkPage)
	}
	f.json(w, 200, out)
}

// changelog gives logPage entries a page.
func (f *fakeJira) changelog(w http.ResponseWriter, r *http.Request) {
	all := f.changes[strings.Split(r.URL.Path, "/")[5]]
	at, _ := strconv.Atoi(r.URL.Query().Get("startAt"))
	end := min(at+f.logPage, len(all))
	f.json(w, 200, map[string]any{"startAt": at, "total": len(all), "isLast": end == len(all), "values": all[at:end]})
}

// desk gives two approvals a page.
func (f *fakeJira) desk(w http.ResponseWriter, r *http.Request, key string) {
	all := f.approvals[key]
	if all == nil {
		f.json(w, 404, map[string]any{"errorMessage": "no request"})
		return
	}
	at, _ := strconv.Atoi(r.URL.Query().Get("start"))
	end := min(at+2, len(all))
	f.json(w, 200, map[string]any{"start": at, "isLastPage": end == len(all), "values": all[at:end]})
}

func (f *fakeJira) file(w http.ResponseWriter, id string) {
	content, ok := f.files[id]
	if !ok {
		f.json(w, 404, map[string]any{"errorMessages": []string{"no such attachment"}})
		return
	}
	fmt.Fprint(w, content)
}

// add puts an issue of a type into the fake. Fields are added to those that
// every issue has.
func (f *fakeJira) add(n int, kind string, fields map[string]any) string {
	key, id := fmt.Sprintf("INC-%d", n), strconv.Itoa(10000+n)
	all := map[string]any{
		"summary": "Summary " + key, "project": map[string]any{"key": "INC"}, "issuetype": map[string]any{"name": kind},
		"status": map[string]any{"name": "Open", "statusCategory": map[string]any{"key": "new"}}, "priority": nil,
		"created": fmt.Sprintf("2026-01-%02dT10:00:00.000+0200", (n-1)%28+1), "updated": fmt.Sprintf("2026-02-%02dT10:00:00.000+0000", (n-1)%28+1),
		"labels": []string{"ai"}, "components": []any{map[string]any{"name": "bot"}},
		"reporter": map[string]any{"accountId": "acc-1", "displayName": "Ann"}, "assignee": map[string]any{"accountId": "acc-2", "emailAddress": "bo@example.com"},
	}
	for k, v := range fields {
		all[k] = v
	}
	f.issues = append(f.issues, map[string]any{"id": id, "key": key, "fields": all})
	return id
}

// addTo puts an issue into another project than INC.
func (f *fakeJira) addTo(key, kind string, fields map[string]any) string {
	n := len(f.issues) + 1
	all := map[string]any{"project": map[string]any{"key": key}}
	for k, v := range fields {
		all[k] = v
	}
	id := f.add(n, kind, all)
	f.issues[n-1]["key"] = fmt.Sprintf("%s-%d", key, n)
	return id
}

// attach gives the fake a file and returns how an issue names it.
func (f *fakeJira) attach(id, name, content string) map[string]any {
	f.files[id] = content
	return map[string]any{"id": id, "filename": name, "size": len(content), "mimeType": "text/plain", "created": "2026-01-02T10:00:00.000+0000",
		"author": map[string]any{"accountId": "acc-1"}, "content": "http://elsewhere.example/steal/" + id}
}

// times counts the calls of a route.
func (f *fakeJira) times(call string) int {
	n := 0
	for _, c := range f.calls {
		if c == call {
			n++
		}
	}
	return n
}

// forget empties what the fake has noted of calls.
func (f *fakeJira) forget() { f.calls, f.asked, f.queries, f.auth = nil, nil, nil, nil }

// settings is a configuration for the fake, with one project.
func (f *fakeJira) settings(more map[string]any) map[string]any {
	s := map[string]any{"base_url": f.URL, "email": "reader@example.com", "requests_per_second": 1000, "projects": []any{map[string]any{"key": "INC"}}}
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
