package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// obj is a JSON object; its keys are written in order, so bodies are stable.
type obj = map[string]any

// hubServer answers as GitHub's REST API does.
type hubServer struct {
	w         *world
	token     string
	weakToken string // lists repositories and nothing else
	web       string // prefix of html_url and of API urls inside bodies; the same in every start
	mux       *http.ServeMux
	mu        sync.Mutex
	used      int
	number    int
	failed    map[string]bool // hiccups already given
}

// answer is what a handler returns. For a list, total and page say where in
// the whole the body lies.
type answer struct {
	status  int
	body    any
	raw     []byte // instead of body
	page    *pageOf
	headers map[string]string
}

type pageOf struct{ page, perPage, total int }

const (
	hubRateLimit = 5000
	maxPerPage   = 100
)

func newHubServer(w *world, token, weakToken string) *hubServer {
	s := &hubServer{
		w: w, token: token, weakToken: weakToken, web: "https://github." + w.company.Organization.Domain,
		mux: http.NewServeMux(), failed: map[string]bool{},
	}
	for pattern, h := range s.routes() {
		s.mux.HandleFunc("GET "+pattern, func(rw http.ResponseWriter, r *http.Request) { s.write(rw, r, h(r)) })
	}
	return s
}

type hubHandler func(*http.Request) answer

func (s *hubServer) routes() map[string]hubHandler {
	routes := map[string]hubHandler{
		"/rate_limit":          s.rateLimit,
		"/user":                s.user,
		"/users/{user}":        s.account,
		"/orgs/{org}":          s.organization,
		"/orgs/{org}/repos":    s.orgRepos,
		"/orgs/{org}/members":  s.members,
		"/users/{org}/repos":   s.orgRepos,
		"/meta":                func(*http.Request) answer { return ok(obj{"installed_version": "3.0.0-simulated"}) },
		"/{$}":                 func(*http.Request) answer { return ok(obj{"current_user_url": s.web + "/api/v3/user"}) },
		"/repositories/{id}":   s.repoByID,
		"/orgs/{org}/rulesets": s.orgRulesets,
	}
	for pattern, h := range s.repoRoutes() {
		routes["/repos/{owner}/{repo}"+pattern] = s.inRepo(pattern, h)
	}
	return routes
}

type repoHandler func(*http.Request, *repo) answer

func (s *hubServer) repoRoutes() map[string]repoHandler {
	return map[string]repoHandler{
		"":                                  s.repoFull,
		"/pulls":                            s.listPulls,
		"/pulls/{n}":                        s.pullFull,
		"/pulls/{n}/files":                  s.pullFiles,
		"/pulls/{n}/reviews":                s.pullReviews,
		"/pulls/{n}/commits":                s.pullCommits,
		"/branches":                         s.listBranches,
		"/branches/{branch}":                s.branch,
		"/branches/{branch}/protection":     s.protection,
		"/rules/branches/{branch}":          s.branchRules,
		"/rulesets":                         s.listRulesets,
		"/rulesets/{id}":                    s.ruleset,
		"/actions/runs":                     s.listRuns,
		"/actions/runs/{id}":                s.run,
		"/actions/runs/{id}/artifacts":      s.runArtifacts,
		"/actions/workflows":                s.listWorkflows,
		"/commits":                          s.listCommits,
		"/commits/{ref}":                    s.commitFull,
		"/commits/{ref}/pulls":              s.commitPulls,
		"/contents/{path...}":               s.contents,
		"/tarball/{ref}":                    s.archive,
		"/git/trees/{ref}":                  s.tree,
		"/git/blobs/{sha}":                  s.blob,
		"/git/ref/{ref...}":                 s.gitRef,
		"/codeowners/errors":                s.codeownersErrors,
		"/releases":                         s.listReleases,
		"/collaborators/{login}/permission": s.collaboratorPermission,
		"/deployments":                      func(r *http.Request, _ *repo) answer { return paged(r, []obj{}) },
		"/environments":                     func(*http.Request, *repo) answer { return ok(obj{"total_count": 0, "environments": []obj{}}) },
		"/properties/values":                s.propertyValues,
	}
}

// inRepo finds the repository and refuses what the token may not read.
func (s *hubServer) inRepo(pattern string, h repoHandler) hubHandler {
	return func(r *http.Request) answer {
		rp := s.repo(r.PathValue("owner"), r.PathValue("repo"))
		if rp == nil {
			return notFound()
		}
		files := strings.HasPrefix(pattern, "/contents") || strings.HasPrefix(pattern, "/git/") || strings.HasPrefix(pattern, "/tarball/")
		switch {
		case s.weak(r) && strings.HasSuffix(pattern, "/protection"):
			return notFound() // what GitHub says to whoever may not administer
		case s.weak(r) && pattern != "", rp.Denied && files:
			return forbidden("contents=read; pull_requests=read")
		}
		return h(r, rp)
	}
}

func (s *hubServer) repo(owner, name string) *repo {
	if !strings.EqualFold(owner, s.w.hub.owner) {
		return nil
	}
	for _, r := range s.w.hub.repos {
		if strings.EqualFold(r.Name, name) {
			return r
		}
	}
	return nil
}

// ServeHTTP checks the token, gives the planned hiccups and routes. Both "/"
// and "/api/v3/" are roots, as on github.com and on a server of one's own.
func (s *hubServer) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.number++
	rw.Header().Set("X-GitHub-Request-Id", fmt.Sprintf("SIM0:%06X", s.number))
	s.mu.Unlock()
	rw.Header().Set("Server", "github.com (simulated)")
	if rest, found := strings.CutPrefix(r.URL.EscapedPath(), "/api/v3"); found {
		u, err := url.Parse("http://" + r.Host + "/" + strings.TrimPrefix(rest, "/"))
		if err != nil {
			s.write(rw, r, notFound())
			return
		}
		u.RawQuery = r.URL.RawQuery
		r = r.WithContext(r.Context())
		r.Header.Set("X-Simulated-Prefix", "/api/v3")
		r.URL = u
	}
	if !s.authorised(r) {
		s.write(rw, r, answer{status: http.StatusUnauthorized, body: problem("Bad credentials")})
		return
	}
	if a, now := s.hiccup(r); now {
		s.write(rw, r, a)
		return
	}
	if _, pattern := s.mux.Handler(r); pattern == "" {
		s.write(rw, r, notFound())
		return
	}
	s.mux.ServeHTTP(rw, r)
}

func (s *hubServer) authorised(r *http.Request) bool {
	token := bearer(r)
	return token == s.token || token == s.weakToken
}

// weak reports whether the token may list repositories and nothing else.
func (s *hubServer) weak(r *http.Request) bool { return bearer(r) == s.weakToken }

func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "token") {
		return token
	}
	return ""
}

func forbidden(wanted string) answer {
	return answer{
		status: http.StatusForbidden, body: problem("Resource not accessible by personal access token"),
		headers: map[string]string{"X-Accepted-GitHub-Permissions": wanted},
	}
}

// hiccup gives each planned failure once: a rate limit that passes, and a bad
// gateway that goes away.
func (s *hubServer) hiccup(r *http.Request) (answer, bool) {
	prefix := "/repos/" + s.w.hub.owner
	planned := map[string]answer{
		prefix + "/web-portal/pulls": {status: http.StatusBadGateway, raw: []byte("<html><body><h1>502 Bad Gateway</h1></body></html>")},
		prefix + "/mobile-app/pulls": {
			status: http.StatusTooManyRequests, body: problem("You have exceeded a secondary rate limit. Please wait before you try again."),
			headers: map[string]string{"Retry-After": "1"},
		},
	}
	a, now := planned[r.URL.Path]
	s.mu.Lock()
	defer s.mu.Unlock()
	if !now || s.failed[r.URL.Path] {
		return answer{}, false
	}
	s.failed[r.URL.Path] = true
	return a, true
}

// write sends an answer with the headers of every GitHub answer, and 304 if
// the client holds it already.
func (s *hubServer) write(rw http.ResponseWriter, r *http.Request, a answer) {
	body, kind := a.raw, "text/html"
	if body == nil {
		kind = "application/json; charset=utf-8"
		var err error
		if body, err = json.Marshal(a.body); err != nil {
			a.status, body = http.StatusInternalServerError, []byte(`{"message":"cannot write the answer"}`)
		}
	}
	h := rw.Header()
	h.Set("Content-Type", kind)
	h.Set("X-GitHub-Media-Type", "github.v3; format=json")
	for k, v := range a.headers {
		h.Set(k, v)
	}
	sum := sha256.New()
	sum.Write(body)
	if a.page != nil {
		if link := linkHeader(r, *a.page); link != "" {
			h.Set("Link", link)
		}
		fmt.Fprintf(sum, "%+v", *a.page)
	}
	unchanged := false
	if a.status == http.StatusOK {
		tag := hex.EncodeToString(sum.Sum(nil))
		h.Set("ETag", `W/"`+tag+`"`)
		h.Set("Cache-Control", "private, max-age=60, s-maxage=60")
		unchanged = strings.Contains(r.Header.Get("If-None-Match"), `"`+tag+`"`)
	}
	s.rateHeaders(h, unchanged)
	if unchanged {
		h.Del("Content-Type")
		rw.WriteHeader(http.StatusNotModified)
		return
	}
	rw.WriteHeader(a.status)
	_, _ = rw.Write(body) // the client may have gone
}

// rateHeaders counts a request against the hour's budget; a 304 is free.
func (s *hubServer) rateHeaders(h http.Header, free bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !free {
		s.used++
	}
	h.Set("X-RateLimit-Limit", strconv.Itoa(hubRateLimit))
	h.Set("X-RateLimit-Used", strconv.Itoa(s.used))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(1, hubRateLimit-s.used)))
	h.Set("X-RateLimit-Reset", strconv.FormatInt(s.w.now.Add(time.Hour).Unix(), 10))
	h.Set("X-RateLimit-Resource", "core")
}

func ok(body any) answer { return answer{status: http.StatusOK, body: body} }

func notFound() answer {
	return answer{status: http.StatusNotFound, body: problem("Not Found")}
}

func problem(message string) obj {
	return obj{"message": message, "documentation_url": "https://docs.github.com/rest"}
}

// paged cuts the page out of a list that the request asks for.
func paged[T any](r *http.Request, all []T) answer {
	pg := pageOf{page: number(r, "page", 1), perPage: min(number(r, "per_page", 30), maxPerPage), total: len(all)}
	from := min((pg.page-1)*pg.perPage, len(all))
	to := min(from+pg.perPage, len(all))
	return answer{status: http.StatusOK, body: all[from:to:to], page: &pg}
}

// number reads a positive query parameter, or gives its default.
func number(r *http.Request, name string, otherwise int) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || n < 1 {
		return otherwise
	}
	return n
}

// linkHeader is the Link header of a page, on the address the client used.
func linkHeader(r *http.Request, pg pageOf) string {
	last := max(1, (pg.total+pg.perPage-1)/pg.perPage)
	var links []string
	add := func(page int, rel string) {
		q := r.URL.Query()
		q.Set("page", strconv.Itoa(page))
		links = append(links, fmt.Sprintf(`<http://%s%s%s?%s>; rel=%q`,
			r.Host, r.Header.Get("X-Simulated-Prefix"), r.URL.EscapedPath(), q.Encode(), rel))
	}
	if pg.page > 1 {
		add(pg.page-1, "prev")
	}
	if pg.page < last {
		add(pg.page+1, "next")
		add(last, "last")
	}
	if pg.page > 1 {
		add(1, "first")
	}
	return strings.Join(links, ", ")
}
