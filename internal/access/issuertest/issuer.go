// Package issuertest is an OpenID provider for tests: real keys, real
// signatures, real HTTP on this machine, and on request each fault that a
// relying party has to notice. It checks what a provider checks (client, code,
// redirect, PKCE), so that a login that works here is one that follows the rules.
//
// It may import go-jose and the standard library. It is for tests only.
package issuertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Credentials of the one client that the provider knows.
const (
	ClientID     = "exhibit"
	ClientSecret = "a-secret-of-the-client"
)

// Issuer is a running provider. Its fields may be changed between logins.
type Issuer struct {
	URL string

	mu       sync.Mutex
	server   *httptest.Server
	key      jose.JSONWebKey
	public   []jose.JSONWebKey
	codes    map[string]grant
	tokens   map[string]map[string]any
	user     map[string]any
	info     map[string]any
	tamper   func(claims map[string]any)
	sign     func(payload []byte) (string, error)
	down     bool
	answers  url.Values
	redirect []string
	asked    []url.Values
	logout   bool
}

// grant is what a code stands for.
type grant struct {
	challenge, nonce, redirect string
	claims                     map[string]any
}

// Start starts a provider that accepts redirects to the given addresses.
func Start(tb testing.TB, redirects ...string) *Issuer {
	tb.Helper()
	i := &Issuer{codes: map[string]grant{}, tokens: map[string]map[string]any{}, redirect: redirects, logout: true}
	if err := i.Rotate(); err != nil {
		tb.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /keys", i.keys)
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /token", i.token)
	mux.HandleFunc("GET /userinfo", i.userInfo)
	i.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		down := i.down
		i.mu.Unlock()
		if down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	i.URL = i.server.URL
	tb.Cleanup(i.server.Close)
	return i
}

// set changes something under the lock.
func (i *Issuer) set(f func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	f()
}

// Redirects sets the addresses that codes may be sent to.
func (i *Issuer) Redirects(to ...string) { i.set(func() { i.redirect = to }) }

// User sets who logs in next, by the claims of the ID token besides those that
// every token has.
func (i *Issuer) User(claims map[string]any) { i.set(func() { i.user, i.info = claims, nil }) }

// Info sets what the user info says besides the subject.
func (i *Issuer) Info(claims map[string]any) { i.set(func() { i.info = claims }) }

// Tamper changes the claims of ID tokens before they are signed; nil for honest ones.
func (i *Issuer) Tamper(f func(claims map[string]any)) { i.set(func() { i.tamper = f }) }

// SignBy signs ID tokens by f instead of the provider's key; nil for the key.
func (i *Issuer) SignBy(f func(payload []byte) (string, error)) { i.set(func() { i.sign = f }) }

// Down makes every answer 503, or ends that.
func (i *Issuer) Down(down bool) { i.set(func() { i.down = down }) }

// Answer changes what the callback is called with; nil for what is right.
func (i *Issuer) Answer(q url.Values) { i.set(func() { i.answers = q }) }

// Asked returns the queries of the authorization requests so far.
func (i *Issuer) Asked() []url.Values {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]url.Values(nil), i.asked...)
}

// Rotate makes a new key, and publishes it alone: what the old one signed holds
// no more.
func (i *Issuer) Rotate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	id := rand.Text()
	i.set(func() {
		i.key = jose.JSONWebKey{Key: key, KeyID: id, Algorithm: string(jose.ES256), Use: "sig"}
		i.public = []jose.JSONWebKey{i.key.Public()}
	})
	return nil
}

// Key is the key that signs now.
func (i *Issuer) Key() jose.JSONWebKey {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.key
}

func (i *Issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	d := map[string]any{
		"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token",
		"jwks_uri": i.URL + "/keys", "userinfo_endpoint": i.URL + "/userinfo", "response_types_supported": []string{"code"},
		"subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"ES256", "none", "HS256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic"}, "code_challenge_methods_supported": []string{"S256"},
	}
	if i.logout {
		d["end_session_endpoint"] = i.URL + "/logout?kind=front"
	}
	answer(w, http.StatusOK, d)
}

func (i *Issuer) keys(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	answer(w, http.StatusOK, jose.JSONWebKeySet{Keys: i.public})
}

// authorize logs the user in without asking, as where somebody is logged in at
// the provider already.
func (i *Issuer) authorize(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	q := r.URL.Query()
	i.asked = append(i.asked, q)
	back, err := url.Parse(q.Get("redirect_uri"))
	ok := err == nil && q.Get("client_id") == ClientID && q.Get("response_type") == "code" && q.Get("code_challenge_method") == "S256" &&
		q.Get("code_challenge") != "" && q.Get("state") != "" && q.Get("nonce") != "" && strings.Contains(" "+q.Get("scope")+" ", " openid ") &&
		i.mayRedirect(q.Get("redirect_uri"))
	if !ok {
		http.Error(w, "not a request that this provider takes: "+r.URL.RawQuery, http.StatusBadRequest)
		return
	}
	code := rand.Text()
	claims := maps.Clone(i.user)
	i.codes[code] = grant{challenge: q.Get("code_challenge"), nonce: q.Get("nonce"), redirect: q.Get("redirect_uri"), claims: claims}
	out := url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {i.URL}}
	for key, value := range i.answers {
		out[key] = value
	}
	back.RawQuery = out.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (i *Issuer) mayRedirect(to string) bool {
	for _, r := range i.redirect {
		if r == to {
			return true
		}
	}
	return false
}

func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	id, secret, _ := r.BasicAuth()
	if id != ClientID || secret != ClientSecret {
		answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	}
	g, ok := i.codes[r.PostFormValue("code")]
	delete(i.codes, r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || r.PostFormValue("grant_type") != "authorization_code" || r.PostFormValue("redirect_uri") != g.redirect ||
		base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge {
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	access := rand.Text()
	claims := i.claims(g, access)
	i.tokens[access] = map[string]any{"sub": claims["sub"]}
	raw, err := i.signed(claims)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, http.StatusOK, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": raw})
}

func (i *Issuer) claims(g grant, access string) map[string]any {
	half := sha256.Sum256([]byte(access))
	now := time.Now()
	claims := map[string]any{"iss": i.URL, "aud": ClientID, "sub": "somebody", "tenant": "o", "nonce": g.nonce, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
		"at_hash": base64.RawURLEncoding.EncodeToString(half[:16])}
	maps.Copy(claims, g.claims)
	if i.tamper != nil {
		i.tamper(claims)
	}
	return claims
}

func (i *Issuer) signed(claims map[string]any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	if i.sign != nil {
		return i.sign(payload)
	}
	return Sign(i.key, payload)
}

// Sign signs a payload with a key.
func Sign(key jose.JSONWebKey, payload []byte) (string, error) {
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm), Key: key}, nil)
	if err != nil {
		return "", err
	}
	jws, err := s.Sign(payload)
	if err != nil {
		return "", err
	}
	return jws.CompactSerialize()
}

// Unsigned writes a payload as a token with the algorithm none.
func Unsigned(payload []byte) (string, error) {
	e := base64.RawURLEncoding.EncodeToString
	return e([]byte(`{"alg":"none"}`)) + "." + e(payload) + ".", nil
}

func (i *Issuer) userInfo(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	claims, ok := i.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	if !ok {
		answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
		return
	}
	claims = maps.Clone(claims)
	maps.Copy(claims, i.info)
	answer(w, http.StatusOK, claims)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that is gone is a fault that tests make
}
