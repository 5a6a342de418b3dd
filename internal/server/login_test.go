package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/access/issuertest"
)

// TestLink: without configuration, one link logs this machine's account in,
// once.
func TestLink(t *testing.T) {
	w := start(t, nil)
	b := w.browser()
	if r := b.get("/findings?x=1"); r.Request.URL.Path != "/login" || r.Request.URL.Query().Get("return_to") != "/findings?x=1" || !strings.Contains(r.body, "exhibit access link") {
		t.Fatalf("%s: %s", r.Request.URL, r.body)
	}
	to, err := w.s.Link(t.Context(), "")
	if err != nil || !strings.HasPrefix(to, w.url+"/login?token=") {
		t.Fatalf("%s: %v", to, err)
	}
	if head := b.do(b.request(http.MethodHead, to, nil)); head.StatusCode != http.StatusOK {
		t.Fatalf("HEAD: %d", head.StatusCode)
	}
	r := b.get(to)
	if r.Request.URL.Path != "/login/person" || !strings.Contains(r.body, "Marek Nowak (marek)") || strings.Contains(r.body, "lena") {
		t.Fatalf("%s: %s", r.Request.URL, r.body)
	}
	a := b.who()
	if a.Account != "local:root@host" || a.Person != "" || len(a.Roles) != len(access.Roles()) {
		t.Fatalf("%+v", a)
	}
	if r := b.post("/login/person", url.Values{"person": {"marek"}, "csrf": {a.CSRF}, "return_to": {"//evil.example"}}); r.Request.URL.Path != "/" || r.Request.URL.Host != strings.TrimPrefix(w.url, "http://") {
		t.Fatalf("%s: %s", r.Request.URL, r.body)
	}
	if a := b.who(); a.Person != "marek" {
		t.Fatalf("%+v", a)
	}
	for person, status := range map[string]int{"lena": http.StatusBadRequest, "nobody-there": http.StatusBadRequest} {
		if r := b.post("/login/person", url.Values{"person": {person}, "csrf": {a.CSRF}}); r.StatusCode != status {
			t.Errorf("%s: %d", person, r.StatusCode)
		}
	}
	other := w.browser()
	if r := other.get(to); r.StatusCode != http.StatusUnauthorized || !strings.Contains(r.body, "used already") || other.in() {
		t.Fatalf("a link works twice: %d %s", r.StatusCode, r.body)
	}
	late, err := w.s.Link(t.Context(), "marek")
	if err != nil {
		t.Fatal(err)
	}
	w.jump(access.LinkLife + time.Second)
	if other.get(late); other.in() {
		t.Fatal("a link works for ever")
	}
	secret := late[strings.Index(late, "token=")+6:]
	if strings.Contains(w.log.String(), secret) {
		t.Error("the log holds a link")
	}
}

// TestLogin: somebody logs in at the provider, is a person of the register with
// roles, comes back to where they wanted to go, and logs out.
func TestLogin(t *testing.T) {
	w := startWithIssuer(t)
	for name, tt := range map[string]struct {
		user   map[string]any
		person string
		roles  string
	}{
		"by address":          {map[string]any{"sub": "1", "email": "Marek@Example.com", "email_verified": true, "groups": []string{"x", "approvers"}}, "marek", "viewer approver admin"},
		"by subject":          {map[string]any{"sub": "sub-of-ines"}, "ines", "viewer"},
		"an auditor":          {map[string]any{"sub": "2", "email": "kim@audit.example", "email_verified": "true", "name": "Kim"}, "", "viewer auditor"},
		"not verified":        {map[string]any{"sub": "3", "email": "marek@example.com", "email_verified": false}, "", "viewer"},
		"nothing about that":  {map[string]any{"sub": "4", "email": "marek@example.com"}, "", "viewer"},
		"two have it":         {map[string]any{"sub": "5", "email": "twins@example.com", "email_verified": true}, "", "viewer"},
		"one group, as text":  {map[string]any{"sub": "6", "groups": "approvers"}, "", "viewer approver"},
		"letters look alike":  {map[string]any{"sub": "7", "email": "marek@example.com\u212a", "email_verified": true}, "", "viewer"},
		"a subject like that": {map[string]any{"sub": "marek@example.com"}, "", "viewer"},
		"brackets in subject": {map[string]any{"sub": "a) (b@c"}, "", "viewer"},
	} {
		t.Run(name, func(t *testing.T) {
			w.issuer.User(tt.user)
			b := w.browser()
			r := b.oidc("/findings?state=open&x=%2F")
			if r.Request.URL.Path != "/findings" || r.Request.URL.RawQuery != "state=open&x=%2F" {
				t.Fatalf("ended at %s: %s", r.Request.URL, r.body)
			}
			a := r.who(t)
			var roles []string
			for _, role := range a.Roles {
				roles = append(roles, string(role))
			}
			if a.Person != tt.person || strings.Join(roles, " ") != tt.roles || a.Via != "oidc" || !strings.HasPrefix(a.Account, "oidc:"+w.issuer.URL+"#") || strings.ContainsAny(a.Account, "() ") {
				t.Errorf("%+v", a)
			}
		})
	}
	asked := w.issuer.Asked()[0]
	if asked.Get("code_challenge_method") != "S256" || asked.Get("nonce") == asked.Get("state") || asked.Get("scope") != "openid profile email" {
		t.Errorf("asked: %v", asked)
	}
}

// TestMoreFromUserInfo: what the ID token leaves out, the user info adds.
func TestMoreFromUserInfo(t *testing.T) {
	w := startWithIssuer(t)
	w.issuer.User(map[string]any{"sub": "1"})
	w.issuer.Info(map[string]any{"email": "marek@example.com", "email_verified": true, "groups": []string{"approvers"}})
	if a := w.browser().oidc("/").who(t); a.Person != "marek" || !slices.Contains(a.Roles, access.Approver) {
		t.Errorf("%+v", a)
	}
	w.issuer.Info(map[string]any{"sub": "2", "email": "marek@example.com", "email_verified": true})
	if b := w.browser(); b.oidc("/").StatusCode == http.StatusOK && b.in() {
		t.Error("the user info of somebody else counts")
	}
}

// TestLogout: the session ends here; the provider's own can be ended by a link.
func TestLogout(t *testing.T) {
	w := startWithIssuer(t)
	w.issuer.User(map[string]any{"sub": "1"})
	b := w.browser()
	csrf := b.oidc("/").who(t).CSRF
	r := b.post("/logout", url.Values{"csrf": {csrf}})
	i := strings.Index(r.body, w.issuer.URL+"/logout?")
	if r.StatusCode != http.StatusOK || i < 0 || !strings.Contains(r.body, "id_token_hint=") || !strings.Contains(r.body, "post_logout_redirect_uri=http") {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	if b.in() {
		t.Error("still logged in")
	}
}

// TestLoginFaults: a provider, or somebody between, that does something else.
func TestLoginFaults(t *testing.T) {
	w := startWithIssuer(t)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set := func(key string, value any) func(map[string]any) {
		return func(c map[string]any) { c[key] = value }
	}
	for name, f := range map[string]func(){
		"another nonce":    func() { w.issuer.Tamper(set("nonce", "abc")) },
		"no nonce":         func() { w.issuer.Tamper(func(c map[string]any) { delete(c, "nonce") }) },
		"another audience": func() { w.issuer.Tamper(set("aud", "somebody-else")) },
		"two audiences":    func() { w.issuer.Tamper(set("aud", []string{issuertest.ClientID, "somebody-else"})) },
		"another party":    func() { w.issuer.Tamper(set("azp", "somebody-else")) },
		"another issuer":   func() { w.issuer.Tamper(set("iss", "https://id.example")) },
		"expired":          func() { w.issuer.Tamper(set("exp", time.Now().Add(-3*time.Minute).Unix())) },
		"not yet":          func() { w.issuer.Tamper(set("nbf", time.Now().Add(time.Hour).Unix())) },
		"of the future":    func() { w.issuer.Tamper(set("iat", time.Now().Add(time.Hour).Unix())) },
		"no subject":       func() { w.issuer.Tamper(set("sub", "")) },
		"another token":    func() { w.issuer.Tamper(set("at_hash", "AAAAAAAAAAAAAAAAAAAAAA")) },
		"another tenant":   func() { w.issuer.Tamper(set("tenant", "p")) },
		"no tenant":        func() { w.issuer.Tamper(func(c map[string]any) { delete(c, "tenant") }) },
		"unsigned":         func() { w.issuer.SignBy(issuertest.Unsigned) },
		"by another key": func() {
			w.issuer.SignBy(by(jose.JSONWebKey{Key: other, KeyID: w.issuer.Key().KeyID, Algorithm: "ES256"}))
		},
		"by the secret": func() {
			w.issuer.SignBy(by(jose.JSONWebKey{Key: []byte(issuertest.ClientSecret + "0123456789"), Algorithm: "HS256"}))
		},
		"no token":          func() { w.issuer.SignBy(func([]byte) (string, error) { return "", nil }) },
		"another state":     func() { w.issuer.Answer(url.Values{"state": {"abc"}}) },
		"no state":          func() { w.issuer.Answer(url.Values{"state": nil}) },
		"another code":      func() { w.issuer.Answer(url.Values{"code": {"abc"}}) },
		"another iss":       func() { w.issuer.Answer(url.Values{"iss": {"https://id.example"}}) },
		"refused":           func() { w.issuer.Answer(url.Values{"error": {"access_denied"}, "code": nil}) },
		"refused in markup": func() { w.issuer.Answer(url.Values{"error": {"<script>alert(1)</script>"}, "code": nil}) },
	} {
		t.Run(name, func(t *testing.T) {
			w.issuer.User(map[string]any{"sub": "1", "email": "marek@example.com", "email_verified": true})
			f()
			b := w.browser()
			r := b.oidc("/")
			w.issuer.Tamper(nil)
			w.issuer.SignBy(nil)
			w.issuer.Answer(nil)
			if r.StatusCode == http.StatusOK && r.Request.URL.Path == "/" || b.in() {
				t.Fatalf("logged in: %s", r.body)
			}
			if strings.Contains(r.body, "<script>") || !strings.Contains(r.body, `role="alert"`) {
				t.Errorf("%d %s", r.StatusCode, r.body)
			}
			// It has to be this fault that was noticed, not the count of the ones before.
			w.jump(time.Hour)
			w.issuer.Tamper(fresh(w.now))
			defer w.issuer.Tamper(nil)
			if again := w.browser(); again.oidc("/").StatusCode != http.StatusOK || !again.in() {
				t.Fatalf("an honest login fails after it: %s", w.log.String()[max(0, len(w.log.String())-1000):])
			}
			w.jump(-time.Hour)
		})
	}
}

// fresh makes the times of tokens follow the server's clock.
func fresh(now func() time.Time) func(map[string]any) {
	return func(c map[string]any) { c["iat"], c["exp"] = now().Unix(), now().Add(5*time.Minute).Unix() }
}

func by(key jose.JSONWebKey) func([]byte) (string, error) {
	return func(payload []byte) (string, error) { return issuertest.Sign(key, payload) }
}

// TestSkew: clocks that are a little apart hinder nobody.
func TestSkew(t *testing.T) {
	w := startWithIssuer(t)
	w.issuer.User(map[string]any{"sub": "1"})
	w.issuer.Tamper(func(c map[string]any) {
		c["exp"], c["iat"] = time.Now().Add(-90*time.Second).Unix(), time.Now().Add(-10*time.Minute).Unix()
	})
	if b := w.browser(); b.oidc("/").StatusCode != http.StatusOK || !b.in() {
		t.Error("90 seconds hinder a login")
	}
	w.issuer.Tamper(func(c map[string]any) { c["iat"] = time.Now().Add(time.Minute).Unix() })
	if b := w.browser(); b.oidc("/").StatusCode != http.StatusOK || !b.in() {
		t.Error("a minute ahead hinders a login")
	}
}

// TestKeyRotation: a key that the provider changed is looked up, and the old one
// holds no more.
func TestKeyRotation(t *testing.T) {
	w := startWithIssuer(t)
	w.issuer.User(map[string]any{"sub": "1"})
	if b := w.browser(); b.oidc("/").StatusCode != http.StatusOK || !b.in() {
		t.Fatal("no login")
	}
	old := w.issuer.Key()
	if err := w.issuer.Rotate(); err != nil {
		t.Fatal(err)
	}
	if b := w.browser(); b.oidc("/").StatusCode != http.StatusOK || !b.in() {
		t.Fatal("no login by the new key")
	}
	w.issuer.SignBy(by(old))
	if b := w.browser(); b.oidc("/").StatusCode == http.StatusOK && b.in() {
		t.Fatal("the old key still holds")
	}
}

// TestIssuerDown: nobody can log in, those who are in stay, and it comes back.
func TestIssuerDown(t *testing.T) {
	w := startWithIssuer(t)
	w.issuer.User(map[string]any{"sub": "1"})
	w.issuer.Down(true)
	b := w.browser()
	if r := b.oidc("/"); r.StatusCode != http.StatusBadGateway || !strings.Contains(r.body, "provider does not answer") {
		t.Fatalf("%d %s", r.StatusCode, r.body)
	}
	w.issuer.Down(false)
	if b.oidc("/"); !b.in() {
		t.Fatal("it is not back")
	}
	w.issuer.Down(true)
	if !b.in() {
		t.Error("who was in is out")
	}
	if r := w.browser().get("/login"); r.StatusCode != http.StatusOK {
		t.Errorf("the page to log in: %d", r.StatusCode)
	}
}

// TestReplay: a callback works once, and in the browser that began it.
func TestReplay(t *testing.T) {
	w := startWithIssuer(t)
	w.issuer.User(map[string]any{"sub": "1"})
	b := w.browser()
	var callback string
	b.http.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == "/oidc/callback" {
			callback = r.URL.String()
			return http.ErrUseLastResponse
		}
		return nil
	}
	b.oidc("/")
	b.http.CheckRedirect = nil
	if callback == "" {
		t.Fatal("no callback")
	}
	stranger := w.browser()
	if stranger.get(callback); stranger.in() {
		t.Fatal("another browser finishes the login: whoever sends the link logs others in")
	}
	if b.get(callback); !b.in() {
		t.Fatal("the login itself fails")
	}
	b.post("/logout", url.Values{"csrf": {b.who().CSRF}})
	if b.get(callback); b.in() {
		t.Fatal("a callback works twice")
	}
}

// TestPersonLeaves: who is no longer active in the register is out at once, and
// in no more; a role that the configuration takes away is gone at once.
func TestPersonLeaves(t *testing.T) {
	w := startWithIssuer(t)
	w.issuer.User(map[string]any{"sub": "1", "email": "marek@example.com", "email_verified": true, "groups": []string{"approvers"}})
	b := w.browser()
	if a := b.oidc("/").who(t); a.Person != "marek" {
		t.Fatalf("%+v", a)
	}
	w.unreadable()
	if a := b.who(); a.Person != "marek" {
		t.Errorf("a register that is being written ends sessions: %+v", a)
	}
	w.people(strings.Replace(registerText, "email: marek@example.com,", "email: marek@example.com, active: false,", 1))
	if b.in() {
		t.Error("who left is still in")
	}
	if b.oidc("/"); b.in() {
		t.Error("who left comes in")
	}
	w.people(registerText)
	if b.in() {
		t.Error("the session that ended is back")
	}
	w.issuer.User(map[string]any{"sub": "sub-of-lena"})
	if b.oidc("/"); b.in() {
		t.Error("who the configuration names, and the register says has left, comes in")
	}
}

// TestSessionEnds: at its age, unused, and with clocks that jump.
func TestSessionEnds(t *testing.T) {
	for name, f := range map[string]func(w *world, b *browser){
		"unused": func(w *world, b *browser) { w.jump(time.Hour + time.Second) },
		"age": func(w *world, b *browser) {
			for range 15 {
				w.jump(50 * time.Minute)
				b.get("/")
			}
		},
		"clock back":     func(w *world, b *browser) { w.jump(-24 * time.Hour) },
		"there and back": func(w *world, b *browser) { w.jump(48 * time.Hour); b.get("/"); w.jump(-48 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			w := startWithIssuer(t)
			w.issuer.User(map[string]any{"sub": "1"})
			b := w.browser()
			if b.oidc("/"); !b.in() {
				t.Fatal("no login")
			}
			f(w, b)
			if b.in() {
				t.Error("still in")
			}
		})
	}
	w := startWithIssuer(t)
	w.issuer.User(map[string]any{"sub": "1"})
	b := w.browser()
	b.oidc("/")
	for range 13 {
		w.jump(50 * time.Minute)
		if !b.in() {
			t.Fatal("a session that is used ends early")
		}
	}
}
