package github_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

// appServer makes a fake speak with GitHub Apps only: it checks their
// signatures and lends tokens.
type appServer struct {
	*fakeGitHub
	t    *testing.T
	key  *rsa.PrivateKey
	life time.Duration // of a token
	skew time.Duration // of the server's clock

	mu     sync.Mutex
	lent   int
	from   int // tokens up to it are refused
	refuse http.HandlerFunc
}

func newAppServer(t *testing.T) *appServer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s := &appServer{fakeGitHub: newFake(t), t: t, key: key, life: time.Hour}
	organisation(s.fakeGitHub)
	s.set("/repos/acme/app", repoJSON(11, "app"), "/rate_limit", obj{}, "/repos/acme/app/commits", []any{})
	s.admit = s.admits
	s.on("/orgs/acme/installation", s.installation(91, nil))
	s.on("/app/installations/91", s.installation(91, nil))
	s.on("/app/installations/91/access_tokens", s.lend)
	s.on("/user", status(403, "Resource not accessible by integration"))
	return s
}

func (s *appServer) now() time.Time { return time.Now().Add(s.skew) }

// admits tells the app's own endpoints from all others, as GitHub does.
func (s *appServer) admits(r *http.Request) bool {
	text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	own := strings.HasPrefix(r.URL.Path, "/app/") || strings.HasSuffix(r.URL.Path, "/installation")
	if own {
		return ok && s.signed(text)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var n int
	_, err := fmt.Sscanf(text, "ghs_lent%d", &n)
	return err == nil && n > s.from
}

// signed checks what GitHub checks: the signature, who it is from, and that it
// is neither from the future nor good for more than ten minutes.
func (s *appServer) signed(jwt string) bool {
	part := strings.Split(jwt, ".")
	if len(part) != 3 {
		return false
	}
	sig, err := base64.RawURLEncoding.DecodeString(part[2])
	sum := sha256.Sum256([]byte(part[0] + "." + part[1]))
	if err != nil || rsa.VerifyPKCS1v15(&s.key.PublicKey, crypto.SHA256, sum[:], sig) != nil {
		return false
	}
	var claims struct {
		Iat, Exp int64
		Iss      string
	}
	raw, err := base64.RawURLEncoding.DecodeString(part[1])
	if err != nil || json.Unmarshal(raw, &claims) != nil {
		return false
	}
	now := s.now().Unix()
	return claims.Iss == "7001" && claims.Iat <= now && claims.Exp > now && claims.Exp <= now+600
}

func (s *appServer) installation(id int, suspended any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(obj{"id": id, "app_slug": "exhibit", "repository_selection": "selected", "suspended_at": suspended,
			"account":     user("acme"),
			"permissions": obj{"metadata": "read", "contents": "write", "pull_requests": "read", "actions": "read"}})
	}
}

func (s *appServer) lend(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		s.refuse(w, r)
		return
	}
	if r.Method != http.MethodPost {
		reply(w, 404, "Not Found")
		return
	}
	s.lent++
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(obj{"token": fmt.Sprintf("ghs_lent%d", s.lent), "expires_at": s.now().Add(s.life).UTC().Format(time.RFC3339)})
}

// aKey is an app's private key, as GitHub generates it.
func aKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return pemOf(key)
}

func (s *appServer) pem() string { return pemOf(s.key) }

func pemOf(key *rsa.PrivateKey) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// asApp makes a request be one of the app.
func (s *appServer) asApp(r *connector.Request) { r.Config = s.config() }

func (s *appServer) config(more ...any) connector.Config {
	cfg := configOf(s.t, s.fakeGitHub, everything(append([]any{"app_id", 7001}, more...)...))
	cfg.Secrets = map[string]string{"app_private_key": s.pem()}
	return cfg
}

func TestApp(t *testing.T) {
	s, h := newAppServer(t), newHost(t)
	cov := h.mustCollect(s.fakeGitHub, everything(), s.asApp)
	if len(h.gaps) != 0 || cov[github.KindPullRequest].Status != connector.Complete || s.lent != 1 {
		t.Errorf("gaps %+v, coverage %+v, %d tokens", h.gaps, cov[github.KindPullRequest], s.lent)
	}
	connectortest.Run(t, github.New(), connectortest.Case{Config: s.config()})
}

// The host of a run may be older than the token: it is replaced in time.
func TestAppTokenIsRenewed(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*appServer)
	}{
		{"withdrawn", func(s *appServer) {
			s.on("/repos/acme/app/pulls", func(w http.ResponseWriter, r *http.Request) {
				s.on("/repos/acme/app/pulls", nil)
				s.mu.Lock()
				s.from = s.lent
				s.mu.Unlock()
				reply(w, 401, "Bad credentials")
			})
		}},
		{"the key is PKCS 8 on one line, the id of the installation is given", func(s *appServer) { s.from = 1 }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, h := newAppServer(t), newHost(t)
			tc.change(s)
			der, err := x509.MarshalPKCS8PrivateKey(s.key)
			if err != nil {
				t.Fatal(err)
			}
			text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
			cov := h.mustCollect(s.fakeGitHub, everything(), func(r *connector.Request) {
				r.Config = s.config("installation_id", 91)
				r.Config.Secrets["app_private_key"] = strings.ReplaceAll(text, "\n", `\n`)
			})
			if s.lent != 2 || len(h.gaps) != 0 || cov[github.KindReview].Status != connector.Complete {
				t.Errorf("%d tokens lent, gaps %+v", s.lent, h.gaps)
			}
		})
	}
}

// The machine's clock is wrong in either direction.
func TestAppClock(t *testing.T) {
	for _, skew := range []time.Duration{-2 * time.Hour, -3 * time.Minute, 50 * time.Second, 48 * time.Hour} {
		t.Run(skew.String(), func(t *testing.T) {
			s, h := newAppServer(t), newHost(t)
			s.skew = skew
			date := func(w http.ResponseWriter) { w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat)) }
			s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { date(w); s.ServeHTTP(w, r) })
			h.mustCollect(s.fakeGitHub, everything(), s.asApp)
			if len(h.gaps) != 0 || s.lent != 1 {
				t.Errorf("gaps %+v, %d tokens", h.gaps, s.lent)
			}
		})
	}
}

func TestAppRefused(t *testing.T) {
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name    string
		change  func(*appServer)
		refused bool
	}{
		{"wrong key", func(s *appServer) { s.key = other; s.admit = func(*http.Request) bool { return false } }, true},
		{"not installed", func(s *appServer) { s.on("/orgs/acme/installation", status(404, "Not Found")) }, true},
		{"suspended", func(s *appServer) { s.on("/orgs/acme/installation", s.installation(91, day(1))) }, true},
		{"no token", func(s *appServer) { s.refuse = status(403, "This installation has been suspended") }, true},
		{"every token is refused", func(s *appServer) { s.from = 1 << 30 }, true},
		{"nonsense", func(s *appServer) {
			s.refuse = func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"token": "a b"}`) }
		}, false},
		{"broken", func(s *appServer) { s.refuse = status(500, "boom") }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, h := newAppServer(t), newHost(t)
			tc.change(s)
			_, err := h.collect(s.fakeGitHub, everything(), s.asApp)
			if err == nil || errors.Is(err, connector.ErrRefused) != tc.refused || len(h.records) != 0 {
				t.Errorf("error %v, refused should be %v; %d records", err, tc.refused, len(h.records))
			}
			rep, err := github.New().Check(t.Context(), s.config())
			if tc.refused && (err != nil || rep.Problem == "" || rep.Remedy == "") || !tc.refused && err == nil {
				t.Errorf("check: %+v, %v", rep, err)
			}
		})
	}
}

// An app is told its permissions: nothing is guessed from a probe.
func TestCheckApp(t *testing.T) {
	s := newAppServer(t)
	rep, err := github.New().Check(t.Context(), s.config())
	if err != nil || rep.Problem != "" {
		t.Fatalf("%+v, %v", rep, err)
	}
	if rep.Identity != "the GitHub App exhibit, installation 91 in acme, on selected repositories only" {
		t.Errorf("identity %q", rep.Identity)
	}
	got := grants(rep)
	want := map[string]connector.Grant{"metadata:read": connector.Granted, "contents:read": connector.Granted, "pull_requests:read": connector.Granted,
		"actions:read": connector.Granted, "administration:read": connector.Missing}
	for id, grant := range want {
		if d := cmp.Diff(grant, got[id]); d != "" {
			t.Errorf("%s: %s", id, d)
		}
	}
	if p := permission(rep, "administration:read"); !strings.Contains(p.Detail, "Permissions & events") {
		t.Errorf("administration: %+v", p)
	}
	if p := permission(rep, "contents:read"); !strings.Contains(p.Detail, "write") {
		t.Errorf("contents: %+v", p)
	}
}

// The app's key and its tokens stay with the host that is configured.
func TestAppRedirect(t *testing.T) {
	s, h := newAppServer(t), newHost(t)
	var leaked []string
	foreign := newFake(t)
	foreign.admit = func(r *http.Request) bool {
		if a := r.Header.Get("Authorization"); a != "" {
			leaked = append(leaked, a)
		}
		return true
	}
	s.on("/orgs/acme/installation", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, foreign.URL+"/x", http.StatusFound) })
	if _, err := h.collect(s.fakeGitHub, everything(), s.asApp); err == nil || len(leaked) != 0 {
		t.Errorf("error %v, the other host saw %q", err, leaked)
	}
}

func permission(rep connector.CheckReport, id string) connector.PermissionState {
	for _, p := range rep.Permissions {
		if p.Permission == id {
			return p
		}
	}
	return connector.PermissionState{}
}
