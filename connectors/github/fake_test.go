package github_test

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/wire"
)

const goodToken = "github_pat_test"

// obj is a JSON object.
type obj map[string]any

// wrapped is a list that GitHub puts into a field of an object.
type wrapped struct {
	field string
	items []any
}

// fakeGitHub answers with what is stored under a path and query (without the
// paging parameters), else under the path alone. Lists are paged; every answer
// has an ETag.
type fakeGitHub struct {
	*httptest.Server
	mu       sync.Mutex
	answers  map[string]any
	override map[string]http.HandlerFunc // by path
	asked    []string                    // path and query of each request
	noETag   bool
	// admit says who may ask, if it is not the bearer of goodToken.
	admit func(*http.Request) bool
}

func newFake(t *testing.T) *fakeGitHub {
	t.Helper()
	f := &fakeGitHub{answers: map[string]any{}, override: map[string]http.HandlerFunc{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	f.answers["/user"] = obj{"login": "auditor"}
	return f
}

func (f *fakeGitHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.asked = append(f.asked, r.URL.Path+"?"+r.URL.RawQuery)
	h := f.override[r.URL.Path]
	f.mu.Unlock()
	if f.admit == nil && r.Header.Get("Authorization") != "Bearer "+goodToken || f.admit != nil && !f.admit(r) {
		reply(w, 401, "Bad credentials")
		return
	}
	if h != nil {
		h(w, r)
		return
	}
	q := r.URL.Query()
	for _, name := range []string{"page", "per_page", "order", "include", "phrase"} {
		q.Del(name)
	}
	f.mu.Lock()
	v, ok := f.answers[r.URL.Path+"?"+q.Encode()]
	if !ok {
		v, ok = f.answers[r.URL.Path]
	}
	f.mu.Unlock()
	if !ok {
		reply(w, 404, "Not Found")
		return
	}
	f.send(w, r, v)
}

func (f *fakeGitHub) send(w http.ResponseWriter, r *http.Request, v any) {
	switch list := v.(type) {
	case []any:
		v = f.page(w, r, list)
	case wrapped:
		v = obj{"total_count": len(list.items), list.field: f.page(w, r, list.items)}
	case wrappedSeats:
		v = obj{"total_seats": len(list), "seats": f.page(w, r, list)}
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	tag := fmt.Sprintf(`W/"%x"`, sha256.Sum256(b))
	if !f.noETag {
		w.Header().Set("ETag", tag)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if r.Header.Get("If-None-Match") == tag {
		w.Header().Del("Link")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(b)
}

func (f *fakeGitHub) page(w http.ResponseWriter, r *http.Request, list []any) []any {
	per, page := 30, 1
	if n, err := strconv.Atoi(r.URL.Query().Get("per_page")); err == nil {
		per = n
	}
	if n, err := strconv.Atoi(r.URL.Query().Get("page")); err == nil {
		page = n
	}
	from, to := min((page-1)*per, len(list)), min(page*per, len(list))
	if to < len(list) {
		u := *r.URL
		u.Scheme, u.Host = "https", "elsewhere.example" // must not be followed
		u.Path = strings.Replace(u.Path, "/repos/acme/app", "/repositories/11", 1)
		q := u.Query()
		q.Set("page", strconv.Itoa(page+1))
		u.RawQuery = q.Encode()
		w.Header().Set("Link", fmt.Sprintf(`<https://elsewhere.example/first?page=1>; rel="prev", <%s>; rel="next"`, u.String()))
	}
	return append([]any{}, list[from:to]...)
}

// set stores answers, a path or path?query and its value in turn.
func (f *fakeGitHub) set(kv ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := 0; i < len(kv); i += 2 {
		f.answers[kv[i].(string)] = kv[i+1]
	}
}

func (f *fakeGitHub) on(path string, h http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if h == nil {
		delete(f.override, path)
		return
	}
	f.override[path] = h
}

// took returns the requests so far and forgets them.
func (f *fakeGitHub) took() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.asked
	f.asked = nil
	return a
}

func reply(w http.ResponseWriter, code int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(obj{"message": message, "documentation_url": "https://docs.github.com/rest"})
}

func status(code int, message string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		reply(w, code, message)
	}
}

// host keeps what a run emits as the real host does, over several runs. It
// refuses what the real one refuses.
type host struct {
	t     *testing.T
	rules wire.Rules

	mu         sync.Mutex
	records    map[string]connector.Record // by kind and key
	revisions  int                         // records that were new or changed, this run
	attested   int                         // records attested by group, this run
	gaps       []connector.Gap             // this run
	calls      connector.Calls             // this run
	cursors    map[string]string
	validators map[string]connector.Validator
	seen       map[string]bool // this run
	emitted    int
	failAfter  int // records; 0 means never
}

var (
	_ connector.Emitter      = (*host)(nil)
	_ connector.CallRecorder = (*host)(nil)
)

func newHost(t *testing.T) *host {
	return &host{t: t, rules: wire.NewRules(github.New().Describe(), 1<<20), records: map[string]connector.Record{}, seen: map[string]bool{},
		cursors: map[string]string{}, validators: map[string]connector.Validator{}}
}

var errHostFull = fmt.Errorf("disk full")

func (h *host) Record(r connector.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.rules.Record(r); err != nil {
		h.t.Errorf("the host refuses: %v", err)
	}
	if err := wire.CheckTimes(r, time.Now().Add(5*time.Minute)); err != nil {
		h.t.Errorf("the host refuses: %v", err)
	}
	if h.emitted++; h.failAfter > 0 && h.emitted > h.failAfter {
		return errHostFull
	}
	id := r.Kind + " " + r.Key
	if old, ok := h.records[id]; !ok || string(old.Payload) != string(r.Payload) || !old.EventTime.Equal(r.EventTime) {
		h.revisions++
	}
	h.records[id] = r
	h.seen[id] = true
	return nil
}

func (h *host) Unchanged(group string, count int) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	known := 0
	for id, r := range h.records {
		if r.Group == group {
			known++
			h.seen[id] = true
		}
	}
	if known != count || count == 0 {
		h.t.Errorf("the host refuses: group %q has %d records, %d attested", group, known, count)
	}
	h.attested += count
	return nil
}

func (h *host) Gap(g connector.Gap) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.rules.Gap(g); err != nil {
		h.t.Errorf("the host refuses: %v", err)
	}
	if strings.Contains(g.Detail, goodToken) {
		h.t.Errorf("a gap shows the token: %s", g.Detail)
	}
	h.gaps = append(h.gaps, g)
	return nil
}

func (h *host) Cursor(name, value string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.rules.Cursor(name, value); err != nil {
		h.t.Errorf("the host refuses: %v", err)
	}
	h.cursors[name] = value
	return nil
}

func (h *host) Validator(key string, v connector.Validator) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.rules.Validator(key, v); err != nil {
		h.t.Errorf("the host refuses: %v", err)
	}
	if h.validators[key] = v; v.IsZero() {
		delete(h.validators, key)
	}
	return nil
}

func (*host) Progress(connector.Progress) {}

func (h *host) Calls(c connector.Calls) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = h.calls.Add(c)
}

// collect makes one run with settings beside base_url.
func (h *host) collect(f *fakeGitHub, settings obj, change ...func(*connector.Request)) (connector.Coverage, error) {
	h.t.Helper()
	h.seen = map[string]bool{}
	h.revisions, h.attested, h.gaps, h.calls, h.emitted = 0, 0, nil, connector.Calls{}, 0
	req := connector.Request{Config: configOf(h.t, f, settings), Cursors: map[string]string{}, Validators: map[string]connector.Validator{}}
	for k, v := range h.cursors {
		req.Cursors[k] = v
	}
	for k, v := range h.validators {
		req.Validators[k] = v
	}
	coreKinds(&req) // others have tests of their own
	for _, c := range change {
		c(&req)
	}
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute)
	defer cancel()
	cov, err := github.New().Collect(ctx, req, h)
	if err == nil {
		if err := h.rules.Coverage(cov, req.Kinds); err != nil {
			h.t.Errorf("the host refuses: %v", err)
		}
	}
	for id, r := range h.records { // what a whole listing does not show is gone
		if k := cov[r.Kind]; k.Status == connector.Complete && k.Enumerated && !h.seen[id] {
			delete(h.records, id)
		}
	}
	return cov, err
}

func (h *host) mustCollect(f *fakeGitHub, settings obj, change ...func(*connector.Request)) connector.Coverage {
	h.t.Helper()
	cov, err := h.collect(f, settings, change...)
	if err != nil {
		h.t.Fatal(err)
	}
	return cov
}

// payloads returns what was emitted of a kind, by key.
func (h *host) payloads(kind string) map[string]obj {
	h.t.Helper()
	out := map[string]obj{}
	for id, r := range h.records {
		key, ok := strings.CutPrefix(id, kind+" ")
		if !ok {
			continue
		}
		var p obj
		if err := json.Unmarshal(r.Payload, &p); err != nil {
			h.t.Fatal(err)
		}
		out[key] = p
	}
	return out
}

func (h *host) keys(kind string) []string {
	out := []string{}
	for k := range h.payloads(kind) {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func configOf(t *testing.T, f *fakeGitHub, settings obj) connector.Config {
	t.Helper()
	all := obj{"base_url": f.URL, "requests_per_second": 1000, "max_wait_seconds": 1, "since": "2026-01-01"}
	for k, v := range settings {
		all[k] = v
	}
	b, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return connector.Config{Settings: b, Secrets: map[string]string{"token": goodToken}}
}

// gitBlob is the id that git gives a content.
func gitBlob(text string) string {
	return fmt.Sprintf("%x", sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(text), text)))
}

// sha makes an object id from a name.
func sha(name string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(name)))[:40] }

func day(n int) string {
	return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).AddDate(0, 0, n).Format(time.RFC3339)
}

func user(login string) obj { return obj{"login": login, "type": "User"} }

func repoJSON(id int, name string, more ...any) obj {
	r := obj{"id": id, "name": name, "full_name": "acme/" + name, "owner": user("acme"), "visibility": "private", "private": true,
		"default_branch": "main", "pushed_at": day(20), "created_at": day(0), "topics": []any{"ai"}, "html_url": "https://github.com/acme/" + name}
	for i := 0; i < len(more); i += 2 {
		r[more[i].(string)] = more[i+1]
	}
	return r
}

func commitJSON(name, date string, parents ...string) obj {
	ps := []any{}
	for _, p := range parents {
		ps = append(ps, obj{"sha": sha(p)})
	}
	person := obj{"name": "Kim", "email": "kim@example.com", "date": date}
	return obj{"sha": sha(name), "html_url": "https://github.com/acme/app/commit/" + sha(name), "author": user("kim"), "committer": user("kim"), "parents": ps,
		"commit": obj{"message": name + " AI-7\n\nbody", "author": person, "committer": person, "verification": obj{"verified": true}}}
}

func pullJSON(n int, updated string, more ...any) obj {
	p := obj{"number": n, "title": fmt.Sprintf("AI-%d change", n), "state": "open", "user": user("kim"), "author_association": "MEMBER",
		"created_at": day(1), "updated_at": updated, "head": obj{"sha": sha(fmt.Sprint("head", n)), "ref": "topic"},
		"base": obj{"ref": "main", "sha": sha("base")}, "labels": []any{obj{"name": "risk"}, obj{"name": "ai"}},
		"html_url": fmt.Sprintf("https://github.com/acme/app/pull/%d", n), "merge_commit_sha": sha("test-merge")}
	for i := 0; i < len(more); i += 2 {
		p[more[i].(string)] = more[i+1]
	}
	return p
}

func branchJSON(head string, protected bool) obj {
	return obj{"name": "main", "protected": protected, "commit": obj{"sha": sha(head)}}
}

func contentJSON(text string, blob string) obj {
	b64 := base64.StdEncoding.EncodeToString([]byte(text))
	var folded strings.Builder
	for i := 0; i < len(b64); i += 60 {
		folded.WriteString(b64[i:min(i+60, len(b64))] + "\n")
	}
	return obj{"type": "file", "encoding": "base64", "content": folded.String(), "sha": blob, "size": len(text)}
}

// organisation fills the fake with one repository that has everything.
func organisation(f *fakeGitHub) {
	const app = "/repos/acme/app"
	f.set("/orgs/acme", obj{"login": "acme", "public_repos": 0, "total_private_repos": 1},
		"/orgs/acme/repos", []any{repoJSON(11, "app", "custom_properties", obj{"tier": "high", "teams": []any{"ml", "web"}, "n": 1e300})},
		app+"/pulls", []any{
			pullJSON(2, day(12), "state", "open", "user", obj{"login": "bot[bot]", "type": "Bot"}, "auto_merge", obj{"merge_method": "squash"}),
			pullJSON(1, day(10), "state", "closed", "merged_at", day(9), "closed_at", day(9), "merge_commit_sha", sha("m1")),
		},
		app+"/pulls/1", pullJSON(1, day(10), "state", "closed", "merged_at", day(9), "closed_at", day(9), "merge_commit_sha", sha("m1"),
			"merged_by", user("lee"), "changed_files", 2),
		app+"/pulls/1/files", []any{obj{"filename": "prompts/a.md"}, obj{"filename": "new.go", "previous_filename": "old.go"}},
		app+"/pulls/2/files", []any{obj{"filename": "go.mod"}},
		app+"/pulls/1/reviews", []any{
			obj{"id": 501, "user": user("lee"), "state": "APPROVED", "commit_id": sha("head1"), "submitted_at": day(8), "author_association": "OWNER",
				"html_url": "javascript:alert(1)"},
			obj{"id": 502, "user": user("kim"), "state": "COMMENTED", "commit_id": sha("head1"), "submitted_at": day(8)},
			obj{"id": 503, "user": nil, "state": "APPROVED", "commit_id": sha("head0"), "submitted_at": day(7)},
			obj{"id": 504, "user": user("auditor"), "state": "PENDING", "commit_id": sha("head1")},
		},
		app+"/pulls/2/reviews", []any{},
		app+"/commits?sha=main", []any{commitJSON("m1", day(9), "push", "head1"), commitJSON("push", day(5), "root"), commitJSON("root", day(2))},
		app+"/commits/"+sha("push")+"/pulls", []any{},
		app+"/commits/"+sha("m1")+"/pulls", []any{pullJSON(1, day(10), "merged_at", day(9))},
		app+"/commits/"+sha("root")+"/pulls", []any{},
		app+"/commits/"+sha("push"), obj{"sha": sha("push"), "files": []any{obj{"filename": "model.yaml"}}},
		app+"/commits/"+sha("root"), obj{"sha": sha("root"), "files": []any{}},
		app+"/branches/main", branchJSON("m1", true),
		app+"/branches/main/protection", classicJSON(),
		app+"/rules/branches/main", []any{},
		app+"/actions/runs", wrapped{"workflow_runs", []any{runJSON(71, 1, day(9))}},
		app+"/git/trees/main", obj{"sha": sha("tree"), "truncated": false, "tree": []any{
			obj{"path": "policies/ai.md", "type": "blob", "mode": "100644"}, obj{"path": "policies/link.md", "type": "blob", "mode": "120000"},
			obj{"path": "policies", "type": "tree", "mode": "040000"}, obj{"path": "main.go", "type": "blob", "mode": "100644"}}},
		app+"/commits?path=policies%2Fai.md&sha=main", []any{commitJSON("p2", day(6), "p1"), commitJSON("p1", day(3))},
		app+"/contents/policies/ai.md?ref="+sha("p1"), contentJSON("draft\n", ""),
		app+"/contents/policies/ai.md?ref="+sha("p2"), contentJSON(policyText, policyBlob))
}

const (
	policyText = "---\ntitle: AI policy\nversion: 2.0\nowner: Lee\nreviewers: [a, b]\n---\n# AI policy\n"
	policyBlob = "31d409b6f893b1305c2553bc3e610073639b44c9"
)

func classicJSON() obj {
	return obj{
		"required_pull_request_reviews": obj{"required_approving_review_count": 2, "dismiss_stale_reviews": true, "require_code_owner_reviews": true,
			"require_last_push_approval": false, "bypass_pull_request_allowances": obj{"users": []any{user("root")}, "teams": []any{}, "apps": []any{obj{"slug": "bot"}}}},
		"required_status_checks": obj{"strict": true, "contexts": []any{"test"}, "checks": []any{obj{"context": "test"}, obj{"context": "eval"}}},
		"enforce_admins":         obj{"enabled": true}, "allow_force_pushes": obj{"enabled": false}, "allow_deletions": obj{"enabled": true},
	}
}

func runJSON(id, attempt int, updated string, more ...any) obj {
	r := obj{"id": id, "name": "CI", "path": ".github/workflows/ci.yml", "head_sha": sha("head1"), "head_branch": "main", "event": "push",
		"status": "completed", "conclusion": "success", "run_attempt": attempt, "created_at": updated, "run_started_at": updated, "updated_at": updated,
		"actor": user("kim"), "html_url": fmt.Sprintf("https://github.com/acme/app/actions/runs/%d", id)}
	for i := 0; i < len(more); i += 2 {
		r[more[i].(string)] = more[i+1]
	}
	return r
}

// everything is the configuration that reads all kinds.
func everything(more ...any) obj {
	s := obj{"organization": "acme", "file_globs": []any{"policies/**/*.md"}}
	for i := 0; i < len(more); i += 2 {
		s[more[i].(string)] = more[i+1]
	}
	return s
}
