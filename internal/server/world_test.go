package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/access/issuertest"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/opsdb"
	"github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/server"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/memory"
)

const registerText = `
organization: {id: o, name: O}
people:
- {id: marek, name: Marek Nowak, email: marek@example.com, roles: [{role: ai_officer, since: 2020-01-01T00:00:00Z}]}
- {id: ines, name: Ines Costa, email: ines@example.com, roles: [{role: risk_owner, since: 2020-01-01T00:00:00Z}]}
- {id: lena, name: Lena Holt, email: lena@example.com, active: false}
- {id: twin-a, name: Twin A, email: twins@example.com}
- {id: twin-b, name: Twin B, email: TWINS@example.com}
`

// world is a running server with a real store, a real database and a clock that
// can be set.
type world struct {
	t      *testing.T
	s      *server.Server
	db     *opsdb.DB
	store  store.Store
	issuer *issuertest.Issuer
	url    string
	log    *lockedBuffer

	broken atomic.Bool // the ledger takes nothing

	mu    sync.Mutex
	ahead time.Duration
	reg   *register.Register
	stop  context.CancelFunc
	ended chan error
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.ahead)
}

// jump sets the clock ahead, or back.
func (w *world) jump(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ahead += d
}

func (w *world) register() *register.Register {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reg
}

// people changes the register.
func (w *world) people(text string) {
	w.t.Helper()
	reg, err := register.Parse("register.yaml", []byte(text), register.Known{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reg = reg
}

// unreadable makes the register one that cannot be read.
func (w *world) unreadable() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reg = nil
}

// freePort finds a port that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func prepare(t *testing.T, change func(*configfile.Server)) (*world, server.Options) {
	t.Helper()
	w := &world{t: t, log: &lockedBuffer{}, ended: make(chan error, 1)}
	w.people(registerText)
	db, err := opsdb.OpenFile(t.Context(), filepath.Join(t.TempDir(), opsdb.FileName))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	w.db = db
	key, err := ledger.LoadOrCreateKey(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	w.store = memory.New(key.Signer(), w.now)
	c := configfile.DefaultServer()
	c.Listen = freePort(t)
	if change != nil {
		change(&c)
	}
	return w, server.Options{Config: c, DB: db, Append: w.append, Register: w.register, Account: "root@host",
		Logger: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: w.now,
		HeaderTime: time.Second, Grace: 200 * time.Millisecond}
}

func (w *world) append(ctx context.Context, entries ...store.NewEntry) error {
	if w.broken.Load() {
		return store.ErrLocked
	}
	_, err := w.store.Append(ctx, store.Batch{Entries: entries})
	return err
}

// start runs a server with handlers that say who asks.
func start(t *testing.T, change func(*configfile.Server)) *world {
	t.Helper()
	w, o := prepare(t, change)
	w.run(o)
	return w
}

func (w *world) run(o server.Options) {
	w.t.Helper()
	s, err := server.New(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.s, w.url = s, s.URL()
	ctx, stop := context.WithCancel(w.t.Context())
	w.stop = stop
	s.Gate().Recheck = 30 * time.Millisecond
	go func() { w.ended <- s.Run(ctx, w.handlers()) }()
	w.t.Cleanup(func() {
		stop()
		if err := <-w.ended; err != nil {
			w.t.Error(err)
		}
	})
}

// withIssuer is the configuration of a server whose people log in at an issuer.
func withIssuer(t *testing.T, i *issuertest.Issuer) func(*configfile.Server) {
	t.Helper()
	t.Setenv("EXHIBIT_TEST_OIDC", issuertest.ClientSecret)
	text := `
version: 1
organization: o
server:
  listen: 127.0.0.1:1
  public_url: http://127.0.0.1:1
  oidc:
    issuer: ` + i.URL + `
    client_id: ` + issuertest.ClientID + `
    client_secret: {env: EXHIBIT_TEST_OIDC}
    require: {tenant: o}
    people: {sub-of-ines: ines, sub-of-lena: lena}
  roles:
    viewer: {everyone: true}
    approver: {groups: [approvers]}
    auditor: {emails: [kim@audit.example]}
    admin: {people: [marek]}
`
	cfg, err := configfile.Parse("/x/exhibit.yaml", []byte(text), configfile.Known{})
	if err != nil {
		t.Fatal(err)
	}
	return func(c *configfile.Server) {
		listen := c.Listen
		*c = cfg.Server
		c.Listen, c.PublicURL = listen, "http://"+listen
		i.Redirects("http://" + listen + "/oidc/callback")
	}
}

// startWithIssuer runs a server whose people log in at a provider.
func startWithIssuer(t *testing.T) *world {
	t.Helper()
	i := issuertest.Start(t)
	w := start(t, withIssuer(t, i))
	w.issuer = i
	return w
}

// handlers are stand-ins of the dashboard and the API: they say who asks.
func (w *world) handlers() server.Handlers {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(out http.ResponseWriter, r *http.Request) { who(out, r) })
	mux.Handle("POST /change", access.Require(access.ActFindings, http.HandlerFunc(who)))
	mux.HandleFunc("GET /panic", func(http.ResponseWriter, *http.Request) { panic("on purpose") })
	mux.HandleFunc("GET /payload", func(out http.ResponseWriter, r *http.Request) { w.payload(out, r) })
	api := http.NewServeMux()
	api.HandleFunc("/v1/who", who)
	api.Handle("/v1/records", access.Require(access.Ingest, http.HandlerFunc(who)))
	api.HandleFunc("GET /v1/events", stream)
	api.HandleFunc("GET /v1/payload", func(out http.ResponseWriter, r *http.Request) { w.payload(out, r) })
	ok := http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) { fmt.Fprintln(out, "ok") })
	return server.Handlers{Dashboard: mux, API: api, MCP: http.HandlerFunc(who), Metrics: ok, Health: ok, Ready: ok}
}

type answered struct {
	Account, Person, Via, Token, CSRF string
	Roles                             []access.Role
	May                               []access.Permission
}

func who(w http.ResponseWriter, r *http.Request) {
	p, _ := access.From(r.Context())
	a := answered{Account: p.Account, Person: p.Person, Via: string(p.Via), Token: p.Token, Roles: p.Roles, CSRF: access.CSRF(r.Context())}
	for _, i := range access.Permissions() {
		if p.May(i.Permission) {
			a.May = append(a.May, i.Permission)
		}
	}
	_ = json.NewEncoder(w).Encode(a)
}

// stream answers a line at a time until it is told to stop.
func stream(w http.ResponseWriter, r *http.Request) {
	c := http.NewResponseController(w)
	_ = c.SetWriteDeadline(time.Time{})
	for {
		fmt.Fprintln(w, "event")
		if err := c.Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			fmt.Fprintln(w, "ended:", context.Cause(r.Context()))
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (w *world) payload(out http.ResponseWriter, r *http.Request) {
	p, _ := access.From(r.Context())
	digests := []evidence.Digest{evidence.Sum([]byte("a")), evidence.Sum([]byte("b"))}
	if err := w.s.Journal().OnPayload(r.Context(), p, r.Method+" "+r.URL.Path, digests...); err != nil {
		access.RefuseWith(out, r, err)
		return
	}
	fmt.Fprintln(out, "the payload")
}

// browser is a client that keeps cookies and follows redirects.
type browser struct {
	t    *testing.T
	w    *world
	http *http.Client
}

func (w *world) browser() *browser {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &browser{t: w.t, w: w, http: &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}}
}

// reply is an answer with its body.
type reply struct {
	*http.Response
	body string
}

func (b *browser) do(r *http.Request) reply {
	b.t.Helper()
	resp, err := b.http.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return reply{resp, string(body)}
}

func (b *browser) request(method, path string, form url.Values) *http.Request {
	b.t.Helper()
	to := path
	if strings.HasPrefix(path, "/") {
		to = b.w.url + path
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, to, body)
	if err != nil {
		b.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

func (b *browser) get(path string) reply {
	b.t.Helper()
	return b.do(b.request(http.MethodGet, path, nil))
}

func (b *browser) post(path string, form url.Values) reply {
	b.t.Helper()
	return b.do(b.request(http.MethodPost, path, form))
}

// who asks the dashboard who it is.
func (b *browser) who() answered {
	b.t.Helper()
	return b.get("/").who(b.t)
}

func (r reply) who(t *testing.T) answered {
	t.Helper()
	var a answered
	if err := json.Unmarshal([]byte(r.body), &a); err != nil {
		t.Fatalf("%s: %d: %s", r.Request.URL, r.StatusCode, r.body)
	}
	return a
}

// in reports whether the browser is logged in.
func (b *browser) in() bool {
	b.t.Helper()
	return b.get("/").Request.URL.Path == "/"
}

// link logs in by a link, as a person.
func (b *browser) link(person string) {
	b.t.Helper()
	to, err := b.w.s.Link(b.t.Context(), person)
	if err != nil {
		b.t.Fatal(err)
	}
	b.get(to)
	if !b.in() {
		b.t.Fatal("the link does not log in")
	}
}

// oidc logs in at the provider and returns where it ends.
func (b *browser) oidc(returnTo string) reply {
	b.t.Helper()
	return b.get("/login/oidc?return_to=" + url.QueryEscape(returnTo))
}

var tokenText = regexp.MustCompile(`exb_[a-z2-7]{10}_[a-z2-7]{52}`)

// token makes an API token by an admin of this machine.
func (w *world) token(n access.NewToken) (access.Token, string) {
	w.t.Helper()
	by := access.Principal{Account: access.LocalAccount("root@host"), Person: "marek", Via: access.ViaLocal}
	for _, r := range access.Roles() {
		by.Roles = append(by.Roles, r.Role)
	}
	if n.Name == "" {
		n.Name = "ci"
	}
	tok, text, err := w.s.Gate().Tokens.Create(w.t.Context(), by, n)
	if err != nil {
		w.t.Fatal(err)
	}
	if !tokenText.MatchString(text) {
		w.t.Fatalf("the token is %s", text)
	}
	return tok, text
}

// bearer asks the API with a token.
func (b *browser) bearer(method, path, token string) reply {
	b.t.Helper()
	r := b.request(method, path, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return b.do(r)
}

// events are the access entries of the ledger.
func (w *world) events() []access.Event {
	w.t.Helper()
	var out []access.Event
	for e, err := range w.store.Entries(w.t.Context(), 0, 1<<40, evidence.EntryAccess) {
		if err != nil {
			w.t.Fatal(err)
		}
		ev, err := access.ParseEvent(e)
		if err != nil {
			w.t.Fatal(err)
		}
		out = append(out, ev)
	}
	return out
}
