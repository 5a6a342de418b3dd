package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/server"
)

// TestDawdlers: connections that send nothing, or a byte at a time, hinder
// nobody.
func TestDawdlers(t *testing.T) {
	w := start(t, nil)
	addr := strings.TrimPrefix(w.url, "http://")
	var open []net.Conn
	for i := range 300 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%2 == 0 {
			fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
		}
		open = append(open, c)
	}
	began := time.Now()
	if r := w.browser().get("/login"); r.StatusCode != http.StatusOK || time.Since(began) > 2*time.Second {
		t.Errorf("%d after %s", r.StatusCode, time.Since(began))
	}
	last := open[len(open)-2]
	_ = last.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.ReadAll(last); errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
		t.Error("a connection that never ends its headers is kept")
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// TestTooLarge: neither a large header nor a large body is taken.
func TestTooLarge(t *testing.T) {
	w := start(t, func(c *configfile.Server) { c.MaxBody = 1000 })
	b := w.browser()
	b.link("")
	r := b.request(http.MethodGet, "/", nil)
	r.Header.Set("X-Large", strings.Repeat("a", 64<<10))
	// The server closes without reading the rest, so that the answer may not arrive.
	if resp, err := b.http.Do(r); err == nil {
		if resp.Body.Close(); resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("a large header: %d", resp.StatusCode)
		}
	}
	csrf := b.who().CSRF
	if got := b.post("/change", url.Values{"csrf": {csrf}, "x": {strings.Repeat("a", 2000)}}); got.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a large body: %d", got.StatusCode)
	}
	got := b.post("/v1/records", url.Values{"x": {strings.Repeat("a", 2000)}})
	if got.StatusCode != http.StatusRequestEntityTooLarge || got.Header.Get("Content-Type") != "application/problem+json" || !strings.Contains(got.body, `"detail":"The request is larger than the 1000 bytes that are taken."`) {
		t.Errorf("a large body of a program: %d %s %s", got.StatusCode, got.Header.Get("Content-Type"), got.body)
	}
	unsaid, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/change", io.MultiReader(strings.NewReader("x="+strings.Repeat("a", 2000)+"&csrf="), strings.NewReader(csrf)))
	if err != nil {
		t.Fatal(err)
	}
	unsaid.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if got := b.do(unsaid); got.StatusCode == http.StatusOK {
		t.Errorf("a large body of no said length: %d", got.StatusCode)
	}
}

// TestHeaders: every answer keeps pages from running or framing what is not ours.
func TestHeaders(t *testing.T) {
	w := start(t, nil)
	b := w.browser()
	for _, path := range []string{"/login", "/login/style.css", "/v1/who", "/healthz", "/nothing"} {
		r := b.get(path)
		csp := r.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(csp, part) {
				t.Errorf("%s: %s", path, csp)
			}
		}
		if strings.Contains(csp, "unsafe") || r.Header.Get("X-Content-Type-Options") != "nosniff" || r.Header.Get("Referrer-Policy") == "" ||
			r.Header.Get("X-Request-Id") == "" || r.Header.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s: %v", path, r.Header)
		}
	}
	if r := b.get("/login"); strings.Contains(r.body, "<script") || strings.Contains(r.body, "style=") {
		t.Error("the page to log in holds what its policy forbids")
	}
}

// TestPanic: a handler that panics costs its own answer.
func TestPanic(t *testing.T) {
	w := start(t, nil)
	b := w.browser()
	b.link("")
	r := b.get("/panic")
	if r.StatusCode != http.StatusInternalServerError || strings.Contains(r.body, "on purpose") || !strings.Contains(r.body, r.Header.Get("X-Request-Id")) {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	if !b.in() || !strings.Contains(w.log.String(), "on purpose") {
		t.Error("nothing is left, or nothing was logged")
	}
}

// TestProvable: nobody elsewhere is served without TLS, nor where nobody could
// be proved.
func TestProvable(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*configfile.Server)
		want   string
	}{
		"every address": {func(c *configfile.Server) { c.Listen = "0.0.0.0:0" }, "there is no TLS"},
		"by a proxy":    {func(c *configfile.Server) { c.BehindProxy = true }, "neither server.oidc nor an API token"},
		"with TLS":      {func(c *configfile.Server) { c.Listen, c.TLS = "0.0.0.0:0", configfile.TLS{Cert: "x", Key: "y"} }, "neither server.oidc nor an API token"},
		"off":           {func(c *configfile.Server) { c.Listen = "" }, "is off"},
	} {
		w, o := prepare(t, tt.change)
		s, err := server.New(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			_ = s.Close()
		}
		_ = w
	}
	w, o := prepare(t, func(c *configfile.Server) { c.BehindProxy = true })
	if err := access.Migrate(t.Context(), w.db); err != nil {
		t.Fatal(err)
	}
	tokens := &access.Tokens{DB: w.db, Now: w.now, Append: w.append, Register: w.register}
	admin := access.Principal{Account: "local:root@host", Via: access.ViaLocal, Roles: []access.Role{access.Admin}}
	_, text, err := tokens.Create(t.Context(), admin, access.NewToken{Name: "x", Roles: []access.Role{access.Viewer}})
	if err != nil {
		t.Fatal(err)
	}
	w.run(o)
	b := w.browser()
	if r := b.bearer(http.MethodGet, "/v1/who", text); r.StatusCode != http.StatusOK {
		t.Errorf("by the token: %d", r.StatusCode)
	}
	if r := b.get("/metrics"); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("the metrics, without: %d", r.StatusCode)
	}
	if to, err := w.s.Link(t.Context(), ""); to != "" || err != nil {
		t.Errorf("a link: %s %v", to, err)
	}
}

// TestProxies: an address counts as a proxy that is trusted says, and no other.
func TestProxies(t *testing.T) {
	i := withProxies
	w := start(t, i(t, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")))
	b := w.browser()
	for sent, want := range map[string]string{
		"203.0.113.7": "203.0.113.7", "198.51.100.1, 203.0.113.7": "203.0.113.7", "203.0.113.7, 10.1.2.3": "203.0.113.7",
		"nonsense, 203.0.113.7": "203.0.113.7", "203.0.113.7, nonsense": "127.0.0.1", "": "127.0.0.1", "10.1.1.1": "10.1.1.1",
	} {
		r := b.request(http.MethodGet, "/login", nil)
		r.Header.Set("X-Forwarded-For", sent)
		r.Header.Set("X-Request-Id", "a-request-of-a-proxy")
		got := b.do(r)
		if !strings.Contains(w.log.String(), "address="+want) || got.Header.Get("X-Request-Id") != "a-request-of-a-proxy" {
			t.Errorf("%q: want %s: %s", sent, want, w.log.String())
		}
	}
	distrusting := start(t, i(t, netip.MustParsePrefix("10.0.0.0/8")))
	b = distrusting.browser()
	r := b.request(http.MethodGet, "/login", nil)
	r.Header.Set("X-Forwarded-For", "203.0.113.7")
	b.do(r)
	if strings.Contains(distrusting.log.String(), "203.0.113.7") {
		t.Error("anybody may say where they come from")
	}
}

func withProxies(t *testing.T, trusted ...netip.Prefix) func(*configfile.Server) {
	return func(c *configfile.Server) {
		c.BehindProxy, c.TrustedProxies = true, trusted
		c.OIDC = &configfile.OIDC{Issuer: "http://127.0.0.1:1", ClientID: "x"}
		c.PublicURL = "http://" + c.Listen
		c.Roles = map[string]configfile.Grant{"viewer": {Everyone: true}}
	}
}

// TestStop: what is being answered comes to an end, what streams is told to.
func TestStop(t *testing.T) {
	w := start(t, nil)
	b := w.browser()
	_, text := w.token(access.NewToken{Roles: []access.Role{access.Viewer}})
	r := b.request(http.MethodGet, "/v1/events", nil)
	r.Header.Set("Authorization", "Bearer "+text)
	began := time.Now()
	last := follow(t, b, r, func() error { w.stop(); return nil })
	if err := w.s.Close(); err != nil {
		t.Errorf("closed once more: %v", err)
	}
	if took := time.Since(began); !strings.HasPrefix(last, "ended:") || took > 8*time.Second {
		t.Errorf("after %s: %q", took, last)
	}
}
