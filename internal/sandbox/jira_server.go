package sandbox

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// jiraServer answers as Jira Cloud's REST API v3 does.
type jiraServer struct {
	w      *world
	email  string
	token  string
	web    string
	mux    *http.ServeMux
	mu     sync.Mutex
	number int
	failed bool
}

type jiraHandler func(*http.Request) answer

// maxJiraBody bounds what a request may send.
const maxJiraBody = 1 << 20

func newJiraServer(w *world, email, token string) *jiraServer {
	s := &jiraServer{
		w: w, email: email, token: token, web: "https://jira." + w.company.Organization.Domain, mux: http.NewServeMux(),
	}
	for pattern, h := range s.routes() {
		s.mux.HandleFunc(pattern, func(rw http.ResponseWriter, r *http.Request) { s.write(rw, h(r)) })
	}
	return s
}

func (s *jiraServer) routes() map[string]jiraHandler {
	routes := map[string]jiraHandler{
		"GET /rest/servicedeskapi/request/{key}/approval": s.approvals,
	}
	for _, v := range []string{"2", "3"} {
		base := " /rest/api/" + v
		for pattern, h := range map[string]jiraHandler{
			"GET" + base + "/myself":                    s.myself,
			"GET" + base + "/serverInfo":                s.serverInfo,
			"GET" + base + "/mypermissions":             s.permissions,
			"GET" + base + "/field":                     s.fields,
			"GET" + base + "/search/jql":                s.search,
			"POST" + base + "/search/jql":               s.search,
			"POST" + base + "/search/approximate-count": s.count,
			"GET" + base + "/search":                    s.gone,
			"POST" + base + "/search":                   s.gone,
			"GET" + base + "/issue/{key}":               s.issueFull,
			"GET" + base + "/issue/{key}/changelog":     s.changelog,
			"POST" + base + "/changelog/bulkfetch":      s.bulkChangelog,
			"GET" + base + "/project/search":            s.projectSearch,
			"GET" + base + "/project":                   s.projectList,
			"GET" + base + "/project/{key}":             s.projectFull,
			"GET" + base + "/project/{key}/statuses":    s.projectStatuses,
			"GET" + base + "/status":                    s.statuses,
		} {
			routes[pattern] = h
		}
	}
	return routes
}

// ServeHTTP checks the credentials and routes. The first search answers 503
// once, as a busy Jira does.
func (s *jiraServer) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.number++
	rw.Header().Set("Atl-Request-Id", fmt.Sprintf("51000000-0000-4000-8000-%012x", s.number))
	busy := !s.failed && strings.HasSuffix(r.URL.Path, "/changelog/bulkfetch")
	if busy {
		s.failed = true
	}
	s.mu.Unlock()
	rw.Header().Set("Server", "AtlassianEdge (simulated)")
	switch {
	case !s.authorised(r):
		rw.Header().Set("WWW-Authenticate", `OAuth realm="simulated"`)
		rw.Header().Set("X-Seraph-LoginReason", "AUTHENTICATED_FAILED")
		s.write(rw, answer{status: http.StatusUnauthorized, body: obj{
			"errorMessages": []string{"You are not authenticated. Authentication required to perform this operation."}, "errors": obj{},
		}})
	case busy:
		rw.Header().Set("Retry-After", "0")
		s.write(rw, answer{status: http.StatusServiceUnavailable, raw: []byte("Service Unavailable")})
	default:
		if _, pattern := s.mux.Handler(r); pattern == "" {
			s.write(rw, jiraProblem(http.StatusNotFound, "null for uri: "+r.URL.Path))
			return
		}
		s.mux.ServeHTTP(rw, r)
	}
}

// authorised takes an API token as Basic password, or as a bearer token.
func (s *jiraServer) authorised(r *http.Request) bool {
	same := func(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
	if user, password, basic := r.BasicAuth(); basic {
		return same(user, s.email) && same(password, s.token)
	}
	bearer, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return found && same(bearer, s.token)
}

func (s *jiraServer) write(rw http.ResponseWriter, a answer) {
	h := rw.Header()
	body := a.raw
	h.Set("Content-Type", "text/html;charset=UTF-8")
	if body == nil {
		h.Set("Content-Type", "application/json;charset=UTF-8")
		var err error
		if body, err = json.Marshal(a.body); err != nil {
			a.status, body = http.StatusInternalServerError, []byte(`{"errorMessages":["cannot write the answer"]}`)
		}
	}
	h.Set("X-RateLimit-Limit", "350")
	h.Set("X-RateLimit-Remaining", "349")
	for k, v := range a.headers {
		h.Set(k, v)
	}
	rw.WriteHeader(a.status)
	_, _ = rw.Write(body) // the client may have gone
}

func jiraProblem(status int, messages ...string) answer {
	return answer{status: status, body: obj{"errorMessages": messages, "errors": obj{}}}
}

func (s *jiraServer) gone(*http.Request) answer {
	return jiraProblem(http.StatusGone,
		"The requested API has been removed. Please migrate to the /rest/api/3/search/jql API.")
}

// jiraTime writes a time as Jira does.
func jiraTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-0700") }

// userRef is a user as other objects show it.
func (s *jiraServer) userRef(p *person) any {
	if p == nil {
		return nil
	}
	o := obj{
		"self": s.web + "/rest/api/3/user?accountId=" + accountID(p), "accountId": accountID(p), "accountType": "atlassian",
		"displayName": p.Name, "active": !p.Left.set, "timeZone": "Europe/Berlin",
	}
	if p.bot {
		o["accountType"] = "app"
	}
	if !p.NoMail && p.Email != "" {
		o["emailAddress"] = p.Email
	}
	return o
}

func accountID(p *person) string { return "557058:" + fakeSHA("account", p.ID)[:24] }

func (s *jiraServer) myself(*http.Request) answer {
	return ok(obj{
		"accountId": "557058:exhibit-reader", "accountType": "atlassian", "emailAddress": s.email,
		"displayName": "Exhibit (read only, simulated)", "active": true, "timeZone": "Etc/UTC", "locale": "en_GB",
		"self": s.web + "/rest/api/3/user?accountId=557058:exhibit-reader",
	})
}

func (s *jiraServer) serverInfo(*http.Request) answer {
	return ok(obj{
		"baseUrl": s.web, "version": "1001.0.0-SIMULATED", "versionNumbers": []int{1001, 0, 0}, "deploymentType": "Cloud",
		"buildNumber": 100290, "serverTime": jiraTime(s.w.now), "serverTitle": "Jira (simulated)",
	})
}

// permissions: the reader may browse; it may not administer.
func (s *jiraServer) permissions(r *http.Request) answer {
	asked := strings.Split(r.URL.Query().Get("permissions"), ",")
	if r.URL.Query().Get("permissions") == "" {
		return jiraProblem(http.StatusBadRequest, "The 'permissions' query parameter is required.")
	}
	out := obj{}
	for _, key := range asked {
		out[key] = obj{"id": "0", "key": key, "name": key, "type": "PROJECT", "havePermission": key == "BROWSE_PROJECTS" || key == "BROWSE"}
	}
	return ok(obj{"permissions": out})
}

func (s *jiraServer) fields(*http.Request) answer {
	out := []obj{}
	for _, name := range []string{"summary", "status", "created", "updated", "labels"} {
		out = append(out, obj{"id": name, "key": name, "name": strings.ToUpper(name[:1]) + name[1:], "custom": false})
	}
	all := customFields()
	names := sortedKeys(all)
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(all[a].id, all[b].id) })
	for _, n := range names {
		out = append(out, obj{
			"id": all[n].id, "key": all[n].id, "name": all[n].name, "custom": true,
			"schema": obj{"type": all[n].schemaType(), "custom": "com.atlassian.jira.plugin.system.customfieldtypes:" + all[n].kind},
		})
	}
	return ok(out)
}

func (f customField) schemaType() string {
	switch f.kind {
	case "options":
		return "array"
	case "option", "yesno":
		return "option"
	case "user":
		return "user"
	case "time":
		return "datetime"
	case "number":
		return "number"
	}
	return "string"
}

// readBody reads a JSON request of bounded size.
func readBody(r *http.Request, into any) error {
	b, err := io.ReadAll(io.LimitReader(r.Body, maxJiraBody))
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

// span reads startAt and maxResults, and cuts them to the list.
func span(r *http.Request, total, most int) (from, to, limit int) {
	limit = min(number(r, "maxResults", 50), most)
	start, err := strconv.Atoi(r.URL.Query().Get("startAt"))
	if err != nil || start < 0 {
		start = 0
	}
	from = min(start, total)
	return from, min(from+limit, total), limit
}
