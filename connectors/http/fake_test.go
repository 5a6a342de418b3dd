package http

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

const fakeSecret = "tok-0123456789abcdef"

// fake is an API of everything: a learning system, a gateway and a tracker.
type fake struct {
	*httptest.Server
	mu       sync.Mutex
	handlers map[string]http.HandlerFunc // by path, instead of what it does by itself
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{handlers: map[string]http.HandlerFunc{}}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) on(path string, h http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.handlers[path] = h
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	h := f.handlers[r.URL.Path]
	f.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+fakeSecret {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if h != nil {
		h(w, r)
		return
	}
	switch {
	case r.URL.Path == "/me":
		fmt.Fprint(w, `{"user":{"mail":"reader@example.test"}}`)
	case r.URL.Path == "/courses":
		f.byNumber(w, r, 5, func(i int) any {
			return map[string]any{"id": fmt.Sprint("c", i), "title": fmt.Sprint("Course ", i), "tags": []string{"ai"}}
		})
	case strings.HasPrefix(r.URL.Path, "/courses/"):
		id := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/courses/"), "/completions")
		f.answer(w, r, map[string]any{"data": []any{
			map[string]any{"who": "ana@example.test", "course": id, "done": "2026-03-04T10:00:00+02:00", "score": 91},
			map[string]any{"who": "bo@example.test", "course": id, "done": nil},
		}})
	case r.URL.Path == "/incidents":
		f.byToken(w, r)
	case r.URL.Path == "/users":
		f.byLink(w, r)
	case r.URL.Path == "/search":
		f.byBody(w, r)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// answer writes v with an ETag and keeps to conditions.
func (f *fake) answer(w http.ResponseWriter, r *http.Request, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	tag := fmt.Sprintf(`"%x"`, len(raw)*31+int(raw[len(raw)/2]))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(raw)
}

func (f *fake) byNumber(w http.ResponseWriter, r *http.Request, n int, item func(int) any) {
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	size, _ := strconv.Atoi(r.URL.Query().Get("size"))
	list := []any{}
	for i := (page - 1) * size; i < min(page*size, n); i++ {
		list = append(list, item(i))
	}
	f.answer(w, r, map[string]any{"list": list, "total": n})
}

func (f *fake) byToken(w http.ResponseWriter, r *http.Request) {
	next := map[string]any{"": "t1", "t1": "t2", "t2": nil}[r.URL.Query().Get("after")]
	n := r.URL.Query().Get("after")
	f.answer(w, r, map[string]any{"next": next, "incidents": []any{
		map[string]any{"id": "i" + n, "name": "outage", "began": 1767225600, "updated": "2026-02-0" + map[string]string{"": "1", "t1": "2", "t2": "3"}[n] + "T00:00:00Z"},
	}})
}

func (f *fake) byLink(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("cursor") == "" {
		w.Header().Set("Link", `<https://other.example/users?cursor=2&all=1>; rel="next"`)
	}
	f.answer(w, r, []any{map[string]any{"id": 9007199254740993, "mail": "u" + r.URL.Query().Get("cursor") + "@example.test"}})
}

func (f *fake) byBody(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Offset int    `json:"start"`
		Query  string `json:"q"`
	}
	if json.NewDecoder(r.Body).Decode(&q) != nil || r.Method != http.MethodPost || q.Query != "alerts" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	list := []any{}
	for i := q.Offset; i < min(q.Offset+2, 3); i++ {
		list = append(list, map[string]any{"id": i, "sys": "triage", "at": "2026-01-01"})
	}
	f.answer(w, r, map[string]any{"hits": list})
}

// everything uses each way of paging and each sort of mapping.
const everything = `{
  "base_url": "BASE", "auth": {"type": "bearer"}, "requests_per_second": 1000,
  "identity": {"path": "me", "value": "body.user.mail"},
  "requests": [
    {"name": "courses", "path": "courses", "items": "body.list", "where": "'ai' in item.tags", "count": "body.total", "canary": "item.id == 'c3'",
     "paging": {"type": "page", "param": "page", "size_param": "size", "size": 2}},
    {"name": "completions", "each": "courses", "path": "courses/{parent.id}/completions", "items": "body.data", "where": "item.done != null", "enumerates": true,
     "records": [{"kind": "training.completion", "url": "'https://lms.example/c/' + parent.id",
       "payload": {"person": "item.who", "course": "parent.title", "completed_at": "item.done", "score": "item.?score.orValue(null)"}}]},
    {"name": "incidents", "path": "incidents", "items": "body.incidents", "paging": {"type": "token", "param": "after", "next": "body.next"},
     "records": [{"kind": "vendor.incident", "subject_type": "vendor", "subject": "'acme'", "key": "'acme|' + item.id", "event_time": "item.began",
       "payload": {"vendor": "'acme'", "incident_id": "item.id", "name": "item.name", "started_at": "timestamp(item.began)"}}]},
    {"name": "users", "path": "users", "query": {"all": "1"}, "paging": {"type": "link"}, "enumerates": true,
     "records": [{"kind": "vendor.user", "subject_type": "person", "subject": "item.mail", "key": "'acme|' + item.mail",
       "payload": {"vendor": "'acme'", "user_id": "item.id", "email": "item.mail", "service_account": "false"}}]},
    {"name": "alerts", "path": "search", "body": {"q": "alerts"}, "items": "body.hits", "paging": {"type": "offset", "param": "start", "size": 2},
     "records": [{"kind": "monitoring.alert", "payload": {"alert_id": "string(item.id)", "system_id": "item.sys", "fired_at": "item.at"}}]}
  ]
}`

func (f *fake) config(settings string) connector.Config {
	return connector.Config{Settings: []byte(strings.ReplaceAll(settings, "BASE", f.URL)), Secrets: map[string]string{secretToken: fakeSecret}}
}

// collect runs once with a timeout that a slow machine keeps.
func (f *fake) collect(t *testing.T, settings string, prev *connectortest.Recorder) (*connectortest.Recorder, connector.Coverage) {
	t.Helper()
	rec, cov, err := connectortest.Collect(t, New(), connector.Request{Config: f.config(settings)}, prev)
	if err != nil {
		t.Fatal(err)
	}
	return rec, cov
}
