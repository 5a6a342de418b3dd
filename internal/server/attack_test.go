package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/access"
)

// TestForms: what changes something is done only by a form of a page of that
// very session.
func TestForms(t *testing.T) {
	w := start(t, nil)
	b := w.browser()
	b.link("marek")
	csrf := b.who().CSRF
	other := w.browser()
	other.link("ines")
	foreign := other.who().CSRF
	for name, tt := range map[string]struct {
		form   url.Values
		header map[string]string
		want   int
	}{
		"its own form":                 {url.Values{"csrf": {csrf}}, nil, 200},
		"as a browser sends it":        {url.Values{"csrf": {csrf}}, map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": w.url}, 200},
		"no token":                     {url.Values{}, nil, 403},
		"an empty token":               {url.Values{"csrf": {""}}, nil, 403},
		"the token of another session": {url.Values{"csrf": {foreign}}, nil, 403},
		"from another site":            {url.Values{"csrf": {csrf}}, map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403},
		"from another origin, alone":   {url.Values{"csrf": {csrf}}, map[string]string{"Origin": "https://evil.example"}, 403},
		"from a neighbouring host":     {url.Values{"csrf": {csrf}}, map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
		"by a script, with the header": {nil, map[string]string{"X-CSRF-Token": csrf}, 200},
		"by a script, as plain text":   {nil, map[string]string{"Content-Type": "text/plain"}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			r := b.request(http.MethodPost, "/change", tt.form)
			for key, value := range tt.header {
				r.Header.Set(key, value)
			}
			if got := b.do(r); got.StatusCode != tt.want {
				t.Errorf("%d, want %d: %s", got.StatusCode, tt.want, got.body)
			}
		})
	}
	in := b.request(http.MethodGet, "/change?csrf="+csrf, nil)
	in.Method = http.MethodPost
	if got := b.do(in); got.StatusCode != http.StatusForbidden {
		t.Errorf("a token in the address counts: %d", got.StatusCode)
	}
	outside := b.request(http.MethodPost, "/login", url.Values{"token": {"x"}})
	outside.Header.Set("Origin", "https://evil.example")
	if got := b.do(outside); got.StatusCode != http.StatusForbidden {
		t.Errorf("another site may log people in: %d", got.StatusCode)
	}
}

// TestFixation: a cookie that was there before the login is worth nothing after
// it, and no login keeps it.
func TestFixation(t *testing.T) {
	w := start(t, nil)
	victim, attacker := w.browser(), w.browser()
	attacker.link("")
	at, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	planted := attacker.http.Jar.Cookies(at)
	if len(planted) != 1 || planted[0].Name != "exhibit_session" {
		t.Fatalf("%v", planted)
	}
	victim.http.Jar.SetCookies(at, planted)
	victim.link("marek")
	if got := victim.http.Jar.Cookies(at); got[0].Value == planted[0].Value {
		t.Error("the login kept the cookie that was there before")
	}
	if attacker.in() {
		t.Error("the planted session lives on after the login")
	}
	made := w.browser()
	made.http.Jar.SetCookies(at, []*http.Cookie{{Name: "exhibit_session", Value: strings.Repeat("a", 52)}})
	if made.in() {
		t.Error("a cookie that nobody gave out is a session")
	}
}

// TestTossing: where a browser sends a cookie twice, somebody else set one:
// neither counts.
func TestTossing(t *testing.T) {
	w := start(t, nil)
	b, attacker := w.browser(), w.browser()
	b.link("marek")
	attacker.link("ines")
	at, _ := url.Parse(w.url)
	own, planted := b.http.Jar.Cookies(at)[0], attacker.http.Jar.Cookies(at)[0]
	for name, cookies := range map[string]string{
		"before": "exhibit_session=" + planted.Value + "; exhibit_session=" + own.Value,
		"after":  "exhibit_session=" + own.Value + "; exhibit_session=" + planted.Value,
	} {
		r := b.request(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", cookies)
		plain := w.browser()
		if got := plain.do(r); got.Request.URL.Path != "/login" {
			t.Errorf("%s: %s", name, got.body)
		}
	}
}

// TestHosts: this server answers to its own name only, so that no other name can
// be pointed at it.
func TestHosts(t *testing.T) {
	w := start(t, nil)
	_, port, _ := strings.Cut(strings.TrimPrefix(w.url, "http://"), ":")
	b := w.browser()
	b.link("")
	for host, want := range map[string]int{
		"127.0.0.1:" + port: 200, "localhost:" + port: 200, "LOCALHOST": 200, "localhost.": 200, "[::1]:" + port: 200, "localhost:9000": 200,
		"evil.example": 421, "evil.example:" + port: 421, "127.0.0.1.evil.example": 421, "localhost.evil.example:" + port: 421, "10.0.0.1": 421,
	} {
		for _, path := range []string{"/login", "/metrics", "/v1/who"} {
			r := b.request(http.MethodGet, path, nil)
			r.Host = host
			if got := b.do(r); (got.StatusCode == http.StatusMisdirectedRequest) != (want == http.StatusMisdirectedRequest) {
				t.Errorf("%s%s: %d, want %d", host, path, got.StatusCode, want)
			}
		}
		r := b.request(http.MethodGet, "/healthz", nil)
		r.Host = host
		if got := b.do(r); got.StatusCode != http.StatusOK {
			t.Errorf("%s/healthz: %d", host, got.StatusCode)
		}
	}
}

// TestTokens: a token opens what its scope says; nothing else does.
func TestTokens(t *testing.T) {
	w := start(t, nil)
	b := w.browser()
	_, viewer := w.token(access.NewToken{Roles: []access.Role{access.Viewer}})
	ci, ingest := w.token(access.NewToken{Roles: []access.Role{access.Operator}, Scope: []access.Permission{access.Ingest}, Sources: []string{"ci"}})
	_, act := w.token(access.NewToken{Roles: []access.Role{access.Operator}, Scope: []access.Permission{access.Read, access.ActFindings}})
	for name, tt := range map[string]struct {
		path, token string
		want        int
	}{
		"a viewer reads":               {"/v1/who", viewer, 200},
		"a viewer pushes":              {"/v1/records", viewer, 403},
		"CI pushes":                    {"/v1/records", ingest, 200},
		"CI reads":                     {"/mcp", ingest, 403},
		"an operator asks MCP":         {"/mcp", act, 200},
		"no token":                     {"/v1/who", "", 401},
		"half a token":                 {"/v1/who", viewer[:len(viewer)-1], 401},
		"another secret":               {"/v1/who", viewer[:15] + strings.Repeat("a", 52), 401},
		"an id that is not there":      {"/v1/who", "exb_aaaaaaaaaa_" + strings.Repeat("a", 52), 401},
		"a token of the wrong id":      {"/v1/who", "exb_" + ci.ID + viewer[14:], 401},
		"in capitals":                  {"/v1/who", strings.ToUpper(viewer), 401},
		"a token is no session cookie": {"/", viewer, 200}, // the page to log in
	} {
		t.Run(name, func(t *testing.T) {
			r := b.bearer(http.MethodGet, tt.path, tt.token)
			if r.StatusCode != tt.want {
				t.Fatalf("%d, want %d: %s", r.StatusCode, tt.want, r.body)
			}
			if tt.path == "/" && r.Request.URL.Path != "/login" {
				t.Error("a token opens the dashboard without a login")
			}
			if tt.want == 401 && (r.Header.Get("WWW-Authenticate") == "" || r.Header.Get("Content-Type") != "application/problem+json") {
				t.Errorf("%v", r.Header)
			}
		})
	}
	for _, header := range []string{"Basic " + viewer, viewer, "Bearer", "Bearer  ", "bearer " + viewer + " " + viewer} {
		r := b.request(http.MethodGet, "/v1/who", nil)
		r.Header.Set("Authorization", header)
		if got := b.do(r); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("%.12s…: %d", header, got.StatusCode)
		}
	}
	twice := b.request(http.MethodGet, "/v1/who", nil)
	twice.Header.Add("Authorization", "Bearer "+viewer)
	twice.Header.Add("Authorization", "Bearer "+viewer)
	if got := b.do(twice); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("two headers: %d", got.StatusCode)
	}
	for _, secret := range []string{viewer, ingest, act} {
		if strings.Contains(w.log.String(), secret[15:]) {
			t.Error("the log holds a token")
		}
	}
}

// TestTokenInBrowser: a token can be a login, with the token's rights, and ends
// with it.
func TestTokenInBrowser(t *testing.T) {
	w := start(t, nil)
	b := w.browser()
	tok, text := w.token(access.NewToken{Roles: []access.Role{access.Auditor}, Scope: []access.Permission{access.Read, access.Note}})
	r := b.post("/login", url.Values{"token": {" " + text + "\n"}, "return_to": {"/controls"}})
	a := r.who(t)
	if r.Request.URL.Path != "/controls" || a.Token != tok.ID || a.Account != "local:root@host" || a.Person != "marek" || len(a.May) != 2 {
		t.Fatalf("%s: %+v", r.Request.URL, a)
	}
	admin := access.Principal{Account: "local:root@host", Via: access.ViaLocal, Roles: []access.Role{access.Admin}}
	if _, err := w.s.Gate().Tokens.Revoke(t.Context(), admin, tok.ID); err != nil {
		t.Fatal(err)
	}
	if b.in() {
		t.Error("the session outlives its token")
	}
	if r := b.post("/login", url.Values{"token": {text}}); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("a revoked token logs in: %d", r.StatusCode)
	}
}

// TestTokenEnds: revoked, expired, its person gone, clocks that jump.
func TestTokenEnds(t *testing.T) {
	w := start(t, nil)
	b := w.browser()
	works := func(text string) bool { return b.bearer(http.MethodGet, "/v1/who", text).StatusCode == http.StatusOK }
	_, text := w.token(access.NewToken{Roles: []access.Role{access.Viewer}, Life: time.Hour})
	if !works(text) {
		t.Fatal("it never worked")
	}
	w.jump(-30 * time.Minute)
	if works(text) {
		t.Error("it works before it was made")
	}
	w.jump(30*time.Minute + time.Hour + time.Second)
	if works(text) {
		t.Error("it works after its end")
	}
	w.jump(-time.Hour)
	if works(text) {
		t.Error("a clock that was set back wakes it")
	}
	_, text = w.token(access.NewToken{Roles: []access.Role{access.Viewer}})
	if !works(text) {
		t.Fatal("it never worked")
	}
	w.people(strings.Replace(registerText, "email: marek@example.com,", "email: marek@example.com, active: false,", 1))
	if works(text) {
		t.Error("it works though whoever made it has left")
	}
}

// TestRevokedWhileStreaming: what streams to a token or a session ends with it.
func TestRevokedWhileStreaming(t *testing.T) {
	admin := access.Principal{Account: "local:root@host", Via: access.ViaLocal, Roles: []access.Role{access.Admin}}
	for name, f := range map[string]func(w *world, b *browser, id string) error{
		"token revoked": func(w *world, b *browser, id string) error {
			_, err := w.s.Gate().Tokens.Revoke(b.t.Context(), admin, id)
			return err
		},
		"token expired": func(w *world, b *browser, _ string) error { w.jump(91 * 24 * time.Hour); return nil },
		"person left": func(w *world, b *browser, _ string) error {
			w.people(strings.Replace(registerText, "email: marek@example.com,", "email: marek@example.com, active: false,", 1))
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, nil)
			b := w.browser()
			tok, text := w.token(access.NewToken{Roles: []access.Role{access.Viewer}})
			r := b.request(http.MethodGet, "/v1/events", nil)
			r.Header.Set("Authorization", "Bearer "+text)
			last := follow(t, b, r, func() error { return f(w, b, tok.ID) })
			if !strings.HasPrefix(last, "ended: not authenticated") {
				t.Errorf("the last line is %q", last)
			}
		})
	}
	t.Run("session ended", func(t *testing.T) {
		w := start(t, nil)
		b := w.browser()
		b.link("")
		last := follow(t, b, b.request(http.MethodGet, "/v1/events", nil), func() error {
			return w.s.Gate().Sessions.EndAccount(t.Context(), "local:root@host")
		})
		if !strings.HasPrefix(last, "ended: not authenticated") {
			t.Errorf("the last line is %q", last)
		}
	})
}

// follow reads a stream, does something once it runs, and returns its last line.
func follow(t *testing.T, b *browser, r *http.Request, do func() error) string {
	t.Helper()
	resp, err := b.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	last := ""
	for n := 0; lines.Scan(); n++ {
		last = lines.Text()
		if n == 5 {
			if err := do(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return last
}

// TestGuessing: after some failures an address waits, longer each time, also
// with what is right; another address does not; and it ends.
func TestGuessing(t *testing.T) {
	w := start(t, nil)
	b := w.browser()
	_, text := w.token(access.NewToken{Roles: []access.Role{access.Viewer}})
	wrong := "exb_aaaaaaaaaa_" + strings.Repeat("a", 52)
	tries := 0
	for ; tries < 30; tries++ {
		if b.bearer(http.MethodGet, "/v1/who", wrong).StatusCode == http.StatusTooManyRequests {
			break
		}
	}
	if tries != 10 {
		t.Fatalf("%d attempts before it has to wait", tries)
	}
	r := b.bearer(http.MethodGet, "/v1/who", text)
	if r.StatusCode != http.StatusTooManyRequests || r.Header.Get("Retry-After") == "" {
		t.Fatalf("the right one: %d %v", r.StatusCode, r.Header)
	}
	for _, path := range []string{"/login", "/healthz"} {
		if r := b.get(path); r.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	w.jump(2 * time.Second)
	if r := b.bearer(http.MethodGet, "/v1/who", text); r.StatusCode != http.StatusOK {
		t.Fatalf("after its wait: %d", r.StatusCode)
	}
	for _, wait := range []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second} {
		b.bearer(http.MethodGet, "/v1/who", wrong)
		w.jump(wait - 500*time.Millisecond)
		if r := b.bearer(http.MethodGet, "/v1/who", text); r.StatusCode != http.StatusTooManyRequests {
			t.Fatalf("before %s are over: %d", wait, r.StatusCode)
		}
		w.jump(time.Second)
	}
	for range 40 {
		b.bearer(http.MethodGet, "/v1/who", wrong)
		w.jump(15 * time.Minute)
	}
	if r := b.bearer(http.MethodGet, "/v1/who", text); r.StatusCode != http.StatusOK {
		t.Fatalf("it waits longer than the longest: %d", r.StatusCode)
	}
	for range 11 {
		b.post("/login", url.Values{"token": {wrong}})
	}
	if r := b.post("/login", url.Values{"token": {text}}); r.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the form does not count: %d", r.StatusCode)
	}
	w.jump(-time.Hour)
	if r := b.bearer(http.MethodGet, "/v1/who", text); r.StatusCode == http.StatusTooManyRequests {
		t.Errorf("a clock that was set back locks out for longer: %d", r.StatusCode)
	}
}

// TestPayloadOnRecord: nobody sees a payload before the ledger says so, one
// entry a request; where the ledger fails, nobody sees it.
func TestPayloadOnRecord(t *testing.T) {
	w := start(t, nil)
	b := w.browser()
	b.link("marek")
	if r := b.get("/payload"); r.StatusCode != http.StatusOK || !strings.Contains(r.body, "the payload") {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	tok, text := w.token(access.NewToken{Roles: []access.Role{access.Auditor}})
	_, viewer := w.token(access.NewToken{Roles: []access.Role{access.Viewer}})
	b.bearer(http.MethodGet, "/v1/payload", text)
	if r := b.bearer(http.MethodGet, "/v1/payload", viewer); r.StatusCode != http.StatusForbidden || strings.Contains(r.body, "the payload") {
		t.Errorf("a viewer: %d %s", r.StatusCode, r.body)
	}
	ev := w.events()
	if len(ev) != 4 {
		t.Fatalf("%d entries: %+v", len(ev), ev)
	}
	if e := ev[0]; e.Event != "payloads_read" || e.Account != "local:root@host" || e.Person != "marek" || e.Count != 2 || len(e.Digests) != 2 || e.Purpose != "GET /payload" {
		t.Errorf("%+v", e)
	}
	if e := ev[1]; e.Event != "token_created" || e.Token != tok.ID || e.TokenName != "ci" || e.Expires == nil {
		t.Errorf("%+v", e)
	}
	if e := ev[3]; e.Token != tok.ID || e.Via != access.ViaToken || e.Purpose != "GET /v1/payload" {
		t.Errorf("%+v", e)
	}
	for _, e := range ev {
		if strings.Contains(fmt.Sprint(e), text[15:]) {
			t.Error("the ledger holds a token")
		}
	}
	w.broken.Store(true)
	if r := b.get("/payload"); r.StatusCode != http.StatusInternalServerError || strings.Contains(r.body, "the payload") {
		t.Errorf("without a ledger: %d %s", r.StatusCode, r.body)
	}
}

// TestManyClients: fifty clients read pages with payloads side by side; each has
// its entry.
func TestManyClients(t *testing.T) {
	w := start(t, nil)
	_, text := w.token(access.NewToken{Roles: []access.Role{access.Auditor}})
	const clients, each = 50, 6
	before := len(w.events())
	var wg sync.WaitGroup
	failed := make(chan string, clients*each)
	began := time.Now()
	for range clients {
		b := w.browser()
		b.http.Transport = nil
		wg.Go(func() {
			for range each {
				r := b.request(http.MethodGet, "/v1/payload", nil)
				r.Header.Set("Authorization", "Bearer "+text)
				resp, err := b.http.Do(r)
				if err != nil {
					failed <- err.Error()
					continue
				}
				if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK {
					failed <- string(body)
				}
				_ = resp.Body.Close()
			}
		})
	}
	wg.Wait()
	close(failed)
	for f := range failed {
		t.Error(f)
	}
	if got := len(w.events()) - before; got != clients*each {
		t.Errorf("%d entries of %d requests", got, clients*each)
	}
	t.Logf("%d requests by %d clients in %s", clients*each, clients, time.Since(began))
}

// TestNoFileOfAForm: no page takes files, so that a form that brings some is refused
// before it is read; read, what is over 32 MB would be kept on the disk.
func TestNoFileOfAForm(t *testing.T) {
	disk := t.TempDir()
	t.Setenv("TMPDIR", disk)
	w := start(t, nil)
	head := "--b\r\nContent-Disposition: form-data; name=\"token\"; filename=\"f\"\r\n\r\n"
	for _, path := range []string{"/login", "/logout", "/change"} {
		body := io.MultiReader(strings.NewReader(head), io.LimitReader(zeros{}, 40<<20), strings.NewReader("\r\n--b--\r\n"))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+path, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		res, err := http.DefaultClient.Do(req)
		if err == nil { // else the connection was closed while the rest was being sent
			if res.Body.Close(); res.StatusCode != http.StatusUnsupportedMediaType {
				t.Errorf("%s: status %d", path, res.StatusCode)
			}
		}
		if files, err := os.ReadDir(disk); err != nil || len(files) > 0 {
			t.Errorf("%s: %d files are left on the disk: %v", path, len(files), err)
		}
	}
}

// zeros is without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
