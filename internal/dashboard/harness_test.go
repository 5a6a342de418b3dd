package dashboard

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/exportjob"
	"github.com/exhibit-aims/exhibit/internal/importfile"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/sandbox"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/memory"
	"github.com/exhibit-aims/exhibit/internal/store/sqlite"
)

// org is an organisation with a dashboard.
type org struct {
	t         testing.TB
	now       time.Time
	store     store.Store
	collector *agent.Collector
	service   *service.Service
	dash      *Dashboard
	exports   *exportjob.Manager
	reads     *atomic.Int64 // of a store that counts them
	ordered   string        // id of an export that is done; empty: none is
}

// reader is an organisation for tests that change nothing: it is made once.
func reader(t testing.TB) *org {
	t.Helper()
	onlyOnce.Do(func() { shared = sandboxOrg(t, sharedDir) })
	if shared == nil {
		t.Fatal("the organisation was not made")
	}
	mine := *shared
	mine.t = t
	return &mine
}

// What reader makes once, and where.
var (
	onlyOnce  sync.Once
	shared    *org
	sharedDir string
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "exhibit-dashboard-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	sharedDir = dir
	code := m.Run()
	for _, end := range chromium.ends {
		end()
	}
	if largest != nil {
		err = largest.store.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// actor is an organisation for a test that puts something on record.
func actor(t testing.TB) *org {
	t.Helper()
	return sandboxOrg(t, t.TempDir())
}

// sandboxOrg is the sandbox organisation as far as its register and the files
// that it imports go: nothing is read from a server.
func sandboxOrg(t testing.TB, dir string) *org {
	t.Helper()
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	world, err := sandbox.Start(t.Context(), sandbox.Options{Now: now, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	world.Close()
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	o := newOrg(t, memory.New(key.Signer(), func() time.Time { return now }), filepath.Join(dir, "exhibit.yaml"), now, key)
	if _, err := o.collector.CollectRegister(t.Context(), filepath.Join(dir, "register.yaml")); err != nil {
		t.Fatal(err)
	}
	for _, in := range world.Imports() {
		text, err := os.ReadFile(filepath.Join(dir, in.Path))
		if err != nil {
			t.Fatal(err)
		}
		o.load(in.Source, string(text))
	}
	if _, err := o.collector.CollectShadow(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.conclude()
	return o
}

// conclude puts an assessment of now on record, and makes the view after it.
func (o *org) conclude() {
	o.t.Helper()
	if _, err := o.service.Conclude(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
}

// newOrg puts a dashboard before a store.
func newOrg(t testing.TB, st store.Store, cfgPath string, now time.Time, key *ledger.Key) *org {
	t.Helper()
	cat, err := catalog.Load(config.FS)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := configfile.Load(cfgPath, configfile.Known{Kinds: cat.KindIDs()})
	if err != nil {
		t.Fatal(err)
	}
	o := &org{t: t, now: now, store: st}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	clock := func() time.Time { return o.now }
	o.collector = &agent.Collector{Store: st, Catalog: cat, Clock: clock, Version: "test", Logger: log}
	o.service = service.New(service.Options{Config: cfg, Catalog: cat, Store: st, Key: key, Recorder: o.collector,
		Locks: agent.Locks{Dir: filepath.Join(filepath.Dir(cfgPath), "locks")}, Logger: log, Clock: clock, Version: "test", User: "tester"})
	if o.exports, err = exportjob.Open(exportjob.Options{Service: o.service, Logger: log, Clock: clock, Dir: filepath.Dir(cfgPath)}); err != nil {
		t.Fatal(err)
	}
	o.dash, err = New(Options{Service: o.service, Exports: o.exports, Logger: log, Clock: clock, Version: "0.0.0-test", Logout: "/logout", Person: "/login/person",
		Payload: access.NewJournal(func(ctx context.Context, entries ...store.NewEntry) error {
			_, err := st.Append(ctx, store.Batch{Entries: entries})
			return err
		}, clock)})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// openOrg is what a configuration and its SQLite store hold, now.
func openOrg(t testing.TB, cfgPath string) *org {
	t.Helper()
	dir := filepath.Dir(cfgPath)
	key, err := ledger.LoadKey(filepath.Join(dir, "exhibit.key"))
	if err != nil {
		t.Fatal(err)
	}
	st, err := sqlite.Open(filepath.Join(dir, "exhibit.db"), sqlite.Options{Signer: key.Signer()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	o := newOrg(t, st, cfgPath, time.Now().UTC(), key)
	t.Cleanup(func() { _ = o.exports.Close() }) // it is a folder of temporary files
	return o
}

// load imports lines.
func (o *org) load(source, lines string) {
	o.t.Helper()
	_, err := o.collector.Import(o.t.Context(), strings.NewReader(lines), importfile.Options{Catalog: o.collector.Catalog, Source: source, Now: o.now, Person: "exhibit try"}, nil)
	if err != nil {
		o.t.Fatal(err)
	}
}

// view is the newest view.
func (o *org) view() *service.View {
	o.t.Helper()
	v, err := o.service.Current(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	return v
}

// someone is a principal with roles, who is a person of the register or nobody.
func someone(person string, roles ...access.Role) access.Principal {
	name := person
	if name == "" {
		name = "somebody"
	}
	return access.Principal{Account: access.OIDCAccount("https://id.example", name), Name: name, Person: person, Roles: roles, Via: access.ViaOIDC}
}

// everyRole is what the tests of pages go through.
func everyRole() []access.Principal {
	var out []access.Principal
	for _, r := range access.Roles() {
		out = append(out, someone("", r.Role))
	}
	return out
}

const csrf = "csrf-of-this-session"

// as serves the dashboard to whoever is given.
func (o *org) as(who access.Principal) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := access.WithCSRF(access.WithPrincipal(r.Context(), who), csrf)
		o.dash.ServeHTTP(w, r.WithContext(ctx))
	})
}

// answer is what came back.
type answer struct {
	*http.Response
	text string
	doc  *html.Node
}

func (o *org) do(who access.Principal, req *http.Request) *answer {
	o.t.Helper()
	w := httptest.NewRecorder()
	o.as(who).ServeHTTP(w, req)
	a := &answer{Response: w.Result()}
	body, err := io.ReadAll(a.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	a.text = string(body)
	if a.doc, err = html.Parse(strings.NewReader(a.text)); err != nil {
		o.t.Fatal(err)
	}
	return a
}

// get asks for a page.
func (o *org) get(who access.Principal, path string) *answer {
	o.t.Helper()
	return o.do(who, o.request(path))
}

// request asks for a page.
func (o *org) request(path string) *http.Request {
	return httptest.NewRequestWithContext(o.t.Context(), http.MethodGet, path, nil)
}

// post sends a form with the hidden field, unless the form has one.
func (o *org) post(who access.Principal, path string, form url.Values) *answer {
	o.t.Helper()
	if !form.Has(access.CSRFField) {
		form.Set(access.CSRFField, csrf)
	}
	req := httptest.NewRequestWithContext(o.t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return o.do(who, req)
}

// want fails unless a page has a status and holds texts.
func (a *answer) want(t testing.TB, status int, texts ...string) {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("status %d, want %d:\n%.2000s", a.StatusCode, status, a.words())
	}
	words := a.words()
	for _, s := range texts {
		if !strings.Contains(words, s) {
			t.Errorf("the page does not say %q:\n%.3000s", s, words)
		}
	}
}

// words is the text of a page as it is read, white space made one.
func (a *answer) words() string { return textOf(a.doc) }

// textOf is the text of an element, white space made one.
func textOf(in *html.Node) string {
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
			b.WriteByte(' ')
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(in)
	return strings.Join(strings.Fields(b.String()), " ")
}

// elements are those of a page with a name; "" are all.
func (a *answer) elements(name string) []*html.Node {
	var out []*html.Node
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode && (name == "" || n.Data == name) {
			out = append(out, n)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(a.doc)
	return out
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// someResult is the first result of a view that is as wanted.
func (o *org) someResult(want func(*assess.Result) bool) *assess.Result {
	o.t.Helper()
	for _, r := range o.view().Assessment.Results {
		if want(r) {
			return r
		}
	}
	o.t.Fatal("no result is like that")
	return nil
}

// someEvidence is a piece of evidence of a kind.
func (o *org) someEvidence(kind string) evidence.Evidence {
	o.t.Helper()
	q := store.PageQuery{Limit: 1}
	if kind != "" {
		q.Kinds = []string{kind}
	}
	p, err := o.service.Search(o.t.Context(), q)
	if err != nil || len(p.Items) == 0 {
		o.t.Fatalf("no evidence of %s: %v", kind, err)
	}
	return p.Items[0]
}
