package access

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/exhibit-aims/exhibit/internal/opsdb"
)

// ErrProvider: the OpenID provider cannot be reached, or answers what it must
// not. Those who are logged in stay so.
var ErrProvider = errors.New("the OpenID provider does not answer as it should")

// ErrLogin: a login cannot be finished. Begin it anew.
var ErrLogin = fmt.Errorf("%w: the login cannot be finished", ErrUnauthenticated)

// loginLife is how long somebody may take to log in at the provider.
const loginLife = 10 * time.Minute

// Login logs people in at an OpenID provider: by authorization code, with PKCE,
// state and nonce.
type Login struct {
	Issuer      string
	ClientID    string
	Secret      func() (string, error) // nil for a public client
	Scopes      []string               // besides openid
	GroupsClaim string                 // name, or a path with dots; empty: groups
	Require     map[string]string      // claims that an ID token must hold, with their values
	TrustEmail  bool                   // e-mail addresses count though the provider does not say that it verified them
	Redirect    string                 // the address of the callback
	Home        string                 // where the provider may send people after logging out

	Client *http.Client
	DB     *opsdb.DB
	Now    func() time.Time

	mu    sync.Mutex
	found *discovered
}

// discovered is what the provider says of itself.
type discovered struct {
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
	endpoint oauth2.Endpoint
	logout   string
	userInfo bool
	at       time.Time
}

// rediscover is how long that counts. Keys are looked up whenever one is missing.
const rediscover = time.Hour

func (l *Login) discover(ctx context.Context) (*discovered, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.Now()
	if l.found != nil && now.Sub(l.found.at).Abs() < rediscover {
		return l.found, nil
	}
	d, err := l.ask(ctx, now)
	if err == nil {
		l.found = d
		return d, nil
	}
	if l.found != nil {
		return l.found, nil
	}
	return nil, fmt.Errorf("%w: %w", ErrProvider, err)
}

func (l *Login) ask(ctx context.Context, now time.Time) (*discovered, error) {
	p, err := oidc.NewProvider(l.context(ctx), l.Issuer)
	if err != nil {
		return nil, err
	}
	var more struct {
		Logout  string   `json:"end_session_endpoint"`
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := p.Claims(&more); err != nil {
		return nil, err
	}
	d := &discovered{provider: p, endpoint: p.Endpoint(), logout: more.Logout, userInfo: p.UserInfoEndpoint() != "", at: now}
	// Asking in both ways, one after the other, could use a code up.
	d.endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if l.Secret == nil || len(more.Methods) > 0 && !slices.Contains(more.Methods, "client_secret_basic") {
		d.endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	d.verifier = p.VerifierContext(l.context(ctx), &oidc.Config{ClientID: l.ClientID, Now: func() time.Time { return l.Now().Add(-skew) }})
	return d, nil
}

func (l *Login) context(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, l.Client)
}

func (l *Login) config(d *discovered) (*oauth2.Config, error) {
	c := &oauth2.Config{ClientID: l.ClientID, Endpoint: d.endpoint, RedirectURL: l.Redirect, Scopes: []string{oidc.ScopeOpenID}}
	for _, s := range l.Scopes {
		if !slices.Contains(c.Scopes, s) {
			c.Scopes = append(c.Scopes, s)
		}
	}
	if l.Secret != nil {
		secret, err := l.Secret()
		if err != nil {
			return nil, err
		}
		c.ClientSecret = secret
	}
	return c, nil
}

// begin begins a login: where to send the browser, and the cookie that binds it
// to this browser.
func (l *Login) begin(ctx context.Context, returnTo string) (to, cookie string, err error) {
	d, err := l.discover(ctx)
	if err != nil {
		return "", "", err
	}
	c, err := l.config(d)
	if err != nil {
		return "", "", err
	}
	cookie = newSecret()
	state, nonce, verifier := newSecret(), newSecret(), oauth2.GenerateVerifier()
	_, err = l.DB.ExecContext(ctx, l.DB.Rebind("INSERT INTO access_logins (sum, state, nonce, verifier, return_to, expires_at) VALUES (?,?,?,?,?,?)"),
		sumOf(cookie), state, nonce, verifier, ReturnTo(returnTo), millis(l.Now().Add(loginLife)))
	if err != nil {
		return "", "", fmt.Errorf("access: login: %w", err)
	}
	return c.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)), cookie, nil
}

// begun is a login that waits for the provider's answer.
type begun struct{ state, nonce, verifier, returnTo string }

// take takes a login that was begun: it can be finished once.
func (l *Login) take(ctx context.Context, cookie string) (begun, error) {
	var b begun
	var expires int64
	if !isSecret(cookie) {
		return b, fmt.Errorf("%w: this browser began none", ErrLogin)
	}
	err := l.DB.QueryRowContext(ctx, l.DB.Rebind("DELETE FROM access_logins WHERE sum = ? RETURNING state, nonce, verifier, return_to, expires_at"), sumOf(cookie)).
		Scan(&b.state, &b.nonce, &b.verifier, &b.returnTo, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return b, fmt.Errorf("%w: this browser began none, or finished it", ErrLogin)
	}
	if err != nil {
		return b, fmt.Errorf("access: login: %w", err)
	}
	if wait := fromMillis(expires).Sub(l.Now()); wait <= 0 || wait > loginLife+skew {
		return b, fmt.Errorf("%w: it took too long", ErrLogin)
	}
	return b, nil
}

// finish is who the provider says has logged in.
func (l *Login) finish(ctx context.Context, cookie string, answer url.Values) (id Identity, idToken, returnTo string, err error) {
	b, err := l.take(ctx, cookie)
	if err != nil {
		return id, "", "", err
	}
	if subtle.ConstantTimeCompare([]byte(b.state), []byte(answer.Get("state"))) != 1 {
		return id, "", "", fmt.Errorf("%w: the answer is to another one", ErrLogin)
	}
	if iss := answer.Get("iss"); iss != "" && iss != l.Issuer {
		return id, "", "", fmt.Errorf("%w: another provider answered", ErrLogin)
	}
	if code := answer.Get("error"); code != "" {
		return id, "", "", fmt.Errorf("%w: the provider says %s", ErrLogin, errorCode(code))
	}
	d, err := l.discover(ctx)
	if err != nil {
		return id, "", "", err
	}
	c, err := l.config(d)
	if err != nil {
		return id, "", "", err
	}
	tok, err := c.Exchange(l.context(ctx), answer.Get("code"), oauth2.VerifierOption(b.verifier))
	if err != nil {
		return id, "", "", exchangeError(err)
	}
	raw, _ := tok.Extra("id_token").(string)
	id, err = l.identity(ctx, d, tok, raw, b.nonce)
	return id, raw, b.returnTo, err
}

// exchangeError says why the provider gave no token, without what it sent.
func exchangeError(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.ErrorCode != "" {
		return fmt.Errorf("%w: the provider says %s", ErrLogin, errorCode(refused.ErrorCode))
	}
	if errors.As(err, &refused) && refused.Response != nil {
		return fmt.Errorf("%w: it answers %d", ErrProvider, refused.Response.StatusCode)
	}
	return fmt.Errorf("%w: %w", ErrProvider, err)
}

// errorCode makes an error code of the provider fit to be shown.
func errorCode(s string) string {
	if s == "" || len(s) > 60 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return "something that is no error code"
	}
	return s
}

// claims is what is read from an ID token, or asked of the provider.
type claims struct {
	Name          string          `json:"name"`
	Username      string          `json:"preferred_username"`
	Email         string          `json:"email"`
	EmailVerified json.RawMessage `json:"email_verified"`
	Party         string          `json:"azp"`
}

func (c claims) verified() bool {
	s := string(c.EmailVerified)
	return s == "true" || s == `"true"`
}

func (l *Login) identity(ctx context.Context, d *discovered, tok *oauth2.Token, raw, nonce string) (Identity, error) {
	t, err := d.verifier.Verify(l.context(ctx), raw)
	if err != nil {
		return Identity{}, fmt.Errorf("%w: its ID token does not hold: %w", ErrLogin, err)
	}
	var c claims
	all := map[string]json.RawMessage{}
	if err := errors.Join(t.Claims(&c), t.Claims(&all)); err != nil {
		return Identity{}, fmt.Errorf("%w: its ID token cannot be read: %w", ErrLogin, err)
	}
	switch {
	case subtle.ConstantTimeCompare([]byte(t.Nonce), []byte(nonce)) != 1:
		return Identity{}, fmt.Errorf("%w: its ID token is of another login", ErrLogin)
	case c.Party != "" && c.Party != l.ClientID, len(t.Audience) > 1 && c.Party == "":
		return Identity{}, fmt.Errorf("%w: its ID token was made for somebody else", ErrLogin)
	case t.IssuedAt.Sub(l.Now()) > 5*time.Minute:
		return Identity{}, fmt.Errorf("%w: its ID token is of the future; check the clock", ErrLogin)
	case t.Subject == "" || len(t.Subject) > 255:
		return Identity{}, fmt.Errorf("%w: its ID token names nobody", ErrLogin)
	}
	for name, want := range l.Require {
		if !holds(all[name], want) {
			return Identity{}, fmt.Errorf("%w: the claim %s is not what server.oidc.require asks for", ErrNoRole, name)
		}
	}
	if t.AccessTokenHash != "" {
		if err := t.VerifyAccessToken(tok.AccessToken); err != nil {
			return Identity{}, fmt.Errorf("%w: %w", ErrLogin, err)
		}
	}
	groups, given := l.groups(all)
	if d.userInfo && (!given || c.Email == "") {
		more, further, err := l.askMore(ctx, d, tok, t.Subject)
		if err != nil {
			return Identity{}, err
		}
		c.add(more)
		if !given {
			groups = further
		}
	}
	return l.identified(t, c, groups), nil
}

// holds reports whether a claim is a text, or a list with it.
func holds(claim json.RawMessage, want string) bool {
	var one string
	if json.Unmarshal(claim, &one) == nil {
		return one == want
	}
	var many []string
	return json.Unmarshal(claim, &many) == nil && slices.Contains(many, want)
}

// askMore asks the provider for what its ID token left out.
func (l *Login) askMore(ctx context.Context, d *discovered, tok *oauth2.Token, subject string) (more claims, groups []string, err error) {
	info, err := d.provider.UserInfo(l.context(ctx), oauth2.StaticTokenSource(tok))
	if err != nil {
		return more, nil, fmt.Errorf("%w: %w", ErrProvider, err)
	}
	if info.Subject != subject {
		return more, nil, fmt.Errorf("%w: the provider speaks of somebody else", ErrLogin)
	}
	all := map[string]json.RawMessage{}
	if err := errors.Join(info.Claims(&more), info.Claims(&all)); err != nil {
		return more, nil, fmt.Errorf("%w: %w", ErrProvider, err)
	}
	groups, _ = l.groups(all)
	return more, groups, nil
}

// add fills in what is not said yet. An address comes with its own word on
// whether it was verified.
func (c *claims) add(more claims) {
	if c.Email == "" {
		c.Email, c.EmailVerified = more.Email, more.EmailVerified
	}
	if c.Name == "" {
		c.Name = more.Name
	}
}

func (l *Login) identified(t *oidc.IDToken, c claims, groups []string) Identity {
	id := Identity{Issuer: l.Issuer, Subject: t.Subject, Groups: groups, Name: oneLine(c.Name, 120)}
	if c.verified() || l.TrustEmail && len(c.EmailVerified) == 0 {
		id.Email = strings.TrimSpace(c.Email)
	}
	for _, name := range []string{c.Username, c.Email, t.Subject} {
		if id.Name == "" {
			id.Name = oneLine(name, 120)
		}
	}
	return id
}

// maxGroups is how many groups of one account are looked at.
const maxGroups = 1000

// groups reads the groups from claims. A claim that is there under its whole
// name counts before a path.
func (l *Login) groups(all map[string]json.RawMessage) (groups []string, given bool) {
	name := l.GroupsClaim
	if name == "" {
		name = "groups"
	}
	value, ok := all[name]
	for rest := name; !ok && strings.Contains(rest, "."); {
		var first string
		first, rest, _ = strings.Cut(rest, ".")
		inner := map[string]json.RawMessage{}
		if json.Unmarshal(all[first], &inner) != nil {
			return nil, false
		}
		all = inner
		value, ok = all[rest]
	}
	if !ok {
		return nil, false
	}
	if json.Unmarshal(value, &groups) == nil {
		return groups[:min(len(groups), maxGroups)], true
	}
	var one string
	if json.Unmarshal(value, &one) == nil && one != "" {
		return []string{one}, true
	}
	return nil, true
}

// LogoutURL is where the provider ends its own session, if it offers that.
func (l *Login) LogoutURL(ctx context.Context, idToken string) (string, bool) {
	d, err := l.discover(ctx)
	if err != nil || d.logout == "" {
		return "", false
	}
	u, err := url.Parse(d.logout)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return "", false
	}
	q := u.Query()
	q.Set("client_id", l.ClientID)
	q.Set("post_logout_redirect_uri", l.Home)
	if idToken != "" {
		q.Set("id_token_hint", idToken)
	}
	u.RawQuery = q.Encode()
	return u.String(), true
}

// Bounded limits what is read of each answer, so that a provider cannot fill
// the memory, and follows no redirect to another host.
func Bounded(c *http.Client) *http.Client {
	out := *c
	next := out.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	out.Transport = bounded{next}
	if out.Timeout == 0 {
		out.Timeout = 15 * time.Second
	}
	out.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if len(via) > 3 || r.URL.Host != via[0].URL.Host || r.URL.Scheme != via[0].URL.Scheme {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return &out
}

// maxAnswer is the most that is read of an answer of a provider.
const maxAnswer = 1 << 20

type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	}
	return resp, err
}
