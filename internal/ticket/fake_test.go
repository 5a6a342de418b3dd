package ticket_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// tracker is a real HTTP server that imitates as much of GitHub's and of Jira's
// API as tickets use, from their documentation, with the faults that such
// services have.
type tracker struct {
	*httptest.Server
	mu     sync.Mutex
	issues []*issue
	asked  map[string]int // by method and what was asked for
	fault  func(r *http.Request) fault
	tokens map[string]bool // credentials that came
	noDue  bool            // the project has no due date
	lag    time.Duration   // after which a new ticket is in lists
}

type issue struct {
	n               int
	title, body     string
	description     json.RawMessage
	labels          []string
	open            bool
	reason          string
	due             string
	comments        []json.RawMessage
	created, update time.Time
	edits           int
}

// fault is what goes wrong with a request.
type fault struct {
	before int           // status instead of doing it
	header http.Header   // with it
	after  string        // it is done, and then: lost, truncated, 502, hang
	delay  time.Duration // before it is done
}

func imitate(t *testing.T) *tracker {
	t.Helper()
	f := &tracker{asked: map[string]int{}, tokens: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /repos/acme/aims/labels", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"message":"Validation Failed","errors":[{"code":"already_exists"}]}`)
	})
	mux.HandleFunc("GET /repos/acme/aims/issues", f.githubList)
	mux.HandleFunc("POST /repos/acme/aims/issues", f.githubCreate)
	mux.HandleFunc("PATCH /repos/acme/aims/issues/{n}", f.githubEdit)
	mux.HandleFunc("GET /repos/acme/aims/issues/{n}/comments", f.githubComments)
	mux.HandleFunc("POST /repos/acme/aims/issues/{n}/comments", f.githubComment)
	for _, api := range []string{"/rest/api/3", "/rest/api/2"} {
		mux.HandleFunc("GET "+api+"/search/jql", f.jiraList)
		mux.HandleFunc("GET "+api+"/search", f.jiraList)
		mux.HandleFunc("POST "+api+"/issue", f.jiraCreate)
		mux.HandleFunc("PUT "+api+"/issue/{key}", f.jiraEdit)
		mux.HandleFunc("GET "+api+"/issue/{key}/transitions", f.jiraTransitions)
		mux.HandleFunc("POST "+api+"/issue/{key}/transitions", f.jiraTransition)
		mux.HandleFunc("GET "+api+"/issue/{key}/comment", f.jiraComments)
		mux.HandleFunc("POST "+api+"/issue/{key}/comment", f.jiraComment)
	}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.serve(mux, w, r) }))
	t.Cleanup(f.Close)
	return f
}

var digits = regexp.MustCompile(`\d+`)

func (f *tracker) serve(mux http.Handler, w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	f.mu.Lock()
	f.asked[r.Method+" "+digits.ReplaceAllString(r.URL.Path, "N")]++
	f.tokens[r.Header.Get("Authorization")] = true
	var x fault
	if f.fault != nil {
		x = f.fault(r)
	}
	f.mu.Unlock()
	time.Sleep(x.delay)
	if x.before != 0 {
		for k, v := range x.header {
			w.Header()[k] = v
		}
		w.WriteHeader(x.before)
		_, _ = io.WriteString(w, `{"message":"You have exceeded a secondary rate limit"}`)
		return
	}
	rec := httptest.NewRecorder()
	f.mu.Lock()
	mux.ServeHTTP(rec, r)
	f.mu.Unlock()
	switch x.after {
	case "lost":
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = c.Close()
		}
		return
	case "502":
		w.WriteHeader(http.StatusBadGateway)
		return
	case "hang":
		select {
		case <-r.Context().Done():
		case <-time.After(3 * time.Second):
		}
		return
	}
	answer := rec.Body.Bytes()
	w.Header().Set("Content-Type", "application/json")
	if link := rec.Header().Get("Link"); link != "" {
		w.Header().Set("Link", link)
	}
	if x.after == "truncated" {
		answer = answer[:len(answer)/2]
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(answer)
}

// randomFaults goes wrong in one of so many requests.
func randomFaults(rnd *rand.Rand, oneOf int) func(*http.Request) fault {
	return func(*http.Request) fault {
		x := fault{delay: time.Duration(rnd.IntN(5)) * time.Millisecond}
		if rnd.IntN(oneOf) != 0 {
			return x
		}
		switch rnd.IntN(7) {
		case 0:
			x.before, x.header = http.StatusTooManyRequests, http.Header{"Retry-After": {"1"}}
		case 1:
			x.before = http.StatusInternalServerError
		case 2:
			x.before, x.header = http.StatusForbidden, http.Header{"Retry-After": {"1"}}
		case 3:
			x.after = "lost"
		case 4:
			x.after = "truncated"
		case 5:
			x.after = "502"
		case 6:
			x.after = "hang"
		}
		return x
	}
}

func (f *tracker) find(n string) *issue {
	for _, i := range f.issues {
		if strconv.Itoa(i.n) == n {
			return i
		}
	}
	return nil
}

func (f *tracker) add(i *issue) *issue {
	i.n, i.open, i.created = len(f.issues)+1, true, time.Now()
	i.update = i.created
	f.issues = append(f.issues, i)
	return i
}

func reply(w http.ResponseWriter, code int, v any) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}

func (i *issue) github() map[string]any {
	state := map[bool]string{true: "open", false: "closed"}[i.open]
	labels := []map[string]string{}
	for _, l := range i.labels {
		labels = append(labels, map[string]string{"name": l})
	}
	return map[string]any{"number": i.n, "title": i.title, "body": i.body, "state": state, "labels": labels,
		"created_at": i.created.UTC().Format(time.RFC3339), "html_url": fmt.Sprintf("https://github.com/acme/aims/issues/%d", i.n)}
}

func (f *tracker) githubList(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	since, _ := time.Parse(time.RFC3339, q.Get("since"))
	page, _ := strconv.Atoi(q.Get("page"))
	per, _ := strconv.Atoi(q.Get("per_page"))
	var all []map[string]any
	for _, i := range f.issues {
		if slices.Contains(i.labels, q.Get("labels")) && !i.update.Before(since) && time.Since(i.created) >= f.lag {
			all = append(all, i.github())
		}
	}
	page = max(page, 1)
	from, to := min((page-1)*per, len(all)), min(page*per, len(all))
	if to < len(all) {
		w.Header().Set("Link", fmt.Sprintf(`<%s/repos/acme/aims/issues?page=%d>; rel="next"`, f.URL, page+1))
	}
	reply(w, http.StatusOK, append([]map[string]any{}, all[from:to]...))
}

func (f *tracker) githubCreate(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Title, Body string
		Labels      []string
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	i := f.add(&issue{title: in.Title, body: in.Body, labels: in.Labels})
	reply(w, http.StatusCreated, i.github())
}

func (f *tracker) githubEdit(w http.ResponseWriter, r *http.Request) {
	i := f.find(r.PathValue("n"))
	if i == nil {
		reply(w, http.StatusNotFound, map[string]string{"message": "Not Found"})
		return
	}
	var in struct {
		Title, Body, State *string
		Reason             *string `json:"state_reason"`
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	if in.Title != nil {
		i.title, i.body, i.edits = *in.Title, *in.Body, i.edits+1
	}
	if in.State != nil {
		i.open, i.reason = *in.State == "open", *in.Reason
	}
	i.update = time.Now()
	reply(w, http.StatusOK, i.github())
}

func (f *tracker) githubComments(w http.ResponseWriter, r *http.Request) {
	out := []json.RawMessage{}
	if i := f.find(r.PathValue("n")); i != nil && r.URL.Query().Get("page") == "1" {
		out = append(out, i.comments...)
	}
	reply(w, http.StatusOK, out)
}

func (f *tracker) githubComment(w http.ResponseWriter, r *http.Request) {
	i := f.find(r.PathValue("n"))
	b, _ := io.ReadAll(r.Body)
	i.comments = append(i.comments, b)
	i.update = time.Now()
	reply(w, http.StatusCreated, map[string]int{"id": len(i.comments)})
}

func (i *issue) jira() map[string]any {
	category := map[bool]string{true: "new", false: "done"}[i.open]
	return map[string]any{"key": fmt.Sprintf("AIMS-%d", i.n), "fields": map[string]any{"labels": i.labels, "created": i.created.Format("2006-01-02T15:04:05.000-0700"),
		"status": map[string]any{"statusCategory": map[string]string{"key": category}}}}
}

var jqlSince = regexp.MustCompile(`updated >= "-(\d+)m"`)

func (f *tracker) jiraList(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	var since time.Time
	if m := jqlSince.FindStringSubmatch(q.Get("jql")); m != nil {
		n, _ := strconv.Atoi(m[1])
		since = time.Now().Add(-time.Duration(n) * time.Minute)
	}
	if !strings.HasPrefix(q.Get("jql"), `project = "AIMS" AND labels = "exhibit"`) {
		reply(w, http.StatusBadRequest, map[string]any{"errorMessages": []string{"jql"}})
		return
	}
	var all []map[string]any
	for _, i := range f.issues {
		if slices.Contains(i.labels, "exhibit") && !i.update.Before(since) && time.Since(i.created) >= f.lag {
			all = append(all, i.jira())
		}
	}
	from, _ := strconv.Atoi(q.Get("nextPageToken") + q.Get("startAt"))
	to := min(from+100, len(all))
	out := map[string]any{"issues": append([]map[string]any{}, all[min(from, len(all)):to]...), "total": len(all)}
	if to < len(all) {
		out["nextPageToken"] = strconv.Itoa(to)
	}
	reply(w, http.StatusOK, out)
}

func (f *tracker) jiraFields(w http.ResponseWriter, r *http.Request, i *issue) bool {
	var in struct {
		Fields struct {
			Summary     string          `json:"summary"`
			Description json.RawMessage `json:"description"`
			Labels      []string        `json:"labels"`
			Due         json.RawMessage `json:"duedate"`
		} `json:"fields"`
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	if f.noDue && in.Fields.Due != nil {
		reply(w, http.StatusBadRequest, map[string]any{"errors": map[string]string{"duedate": "Field 'duedate' cannot be set. It is not on the appropriate screen, or unknown."}})
		return false
	}
	i.title, i.description, i.due = in.Fields.Summary, in.Fields.Description, strings.Trim(string(in.Fields.Due), `"`)
	if in.Fields.Labels != nil {
		i.labels = in.Fields.Labels
	}
	return true
}

func (f *tracker) jiraCreate(w http.ResponseWriter, r *http.Request) {
	i := &issue{}
	if f.jiraFields(w, r, i) {
		reply(w, http.StatusCreated, map[string]string{"key": f.add(i).jira()["key"].(string)})
	}
}

func (f *tracker) jira(r *http.Request) *issue {
	return f.find(strings.TrimPrefix(r.PathValue("key"), "AIMS-"))
}

func (f *tracker) jiraEdit(w http.ResponseWriter, r *http.Request) {
	i := f.jira(r)
	if i == nil {
		reply(w, http.StatusNotFound, map[string]any{"errorMessages": []string{"Issue does not exist or you do not have permission to see it."}})
		return
	}
	if f.jiraFields(w, r, i) {
		i.edits++
		i.update = time.Now()
		w.WriteHeader(http.StatusNoContent)
	}
}

func (f *tracker) jiraTransitions(w http.ResponseWriter, r *http.Request) {
	i := f.jira(r)
	to := func(category string) map[string]any {
		return map[string]any{"statusCategory": map[string]string{"key": category}}
	}
	list := []map[string]any{{"id": "31", "name": "Done", "to": to("done")}}
	if !i.open {
		list = []map[string]any{{"id": "11", "name": "To Do", "to": to("new")}}
	}
	reply(w, http.StatusOK, map[string]any{"transitions": list})
}

func (f *tracker) jiraTransition(w http.ResponseWriter, r *http.Request) {
	var in struct{ Transition struct{ ID string } }
	_ = json.NewDecoder(r.Body).Decode(&in)
	i := f.jira(r)
	i.open = in.Transition.ID == "11"
	i.update = time.Now()
	w.WriteHeader(http.StatusNoContent)
}

func (f *tracker) jiraComments(w http.ResponseWriter, r *http.Request) {
	i := f.jira(r)
	reply(w, http.StatusOK, map[string]any{"comments": i.comments, "total": len(i.comments)})
}

func (f *tracker) jiraComment(w http.ResponseWriter, r *http.Request) {
	i := f.jira(r)
	b, _ := io.ReadAll(r.Body)
	i.comments = append(i.comments, b)
	i.update = time.Now()
	reply(w, http.StatusCreated, map[string]string{"id": "1"})
}
