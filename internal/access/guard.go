package access

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Gate proves who makes a request. API and Pages are the two ways in; behind
// them From says who acts, and Require refuses who may not.
type Gate struct {
	Tokens   *Tokens
	Sessions *Sessions
	Links    *Links
	Limits   *Limits
	Logger   *slog.Logger
	// Address is where a request comes from, proxies that are trusted aside.
	Address func(*http.Request) netip.Addr
	// Secure says that browsers come by HTTPS.
	Secure bool
	// Recheck is how often a request that lasts is looked at again; 0: 10 s. Its
	// context ends with the token or session.
	Recheck time.Duration
}

// The cookies. __Host- keeps other hosts, and pages without TLS, from setting
// one; browsers take it with TLS only.
const (
	sessionCookie = "exhibit_session"
	loginCookie   = "exhibit_login"
	hostPrefix    = "__Host-"
)

// CSRFHeader carries CSRF where a script sends no form.
const CSRFHeader = "X-CSRF-Token"

func (g *Gate) cookieName(name string) string {
	if g.Secure {
		return hostPrefix + name
	}
	return name
}

// cookie returns the value of a cookie. A browser that sends it twice was given
// one by somebody else: then neither counts.
func (g *Gate) cookie(r *http.Request, name string) string {
	found := r.CookiesNamed(g.cookieName(name))
	if len(found) != 1 {
		return ""
	}
	return found[0].Value
}

func (g *Gate) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	c := &http.Cookie{Name: g.cookieName(name), Value: value, Path: "/", HttpOnly: true, Secure: g.Secure, SameSite: http.SameSiteLaxMode}
	if value == "" {
		c.MaxAge = -1
	} else if life > 0 {
		c.MaxAge = int(life.Seconds())
	}
	http.SetCookie(w, c)
}

// Begin begins a session for whoever was proved, and gives the browser its cookie.
func (g *Gate) Begin(w http.ResponseWriter, r *http.Request, in Session) (Session, error) {
	in, cookie, err := g.Sessions.Start(r.Context(), in, g.cookie(r, sessionCookie))
	if err != nil {
		return Session{}, err
	}
	g.setCookie(w, sessionCookie, cookie, 0)
	return in, nil
}

// End ends the session of a request.
func (g *Gate) End(w http.ResponseWriter, r *http.Request) error {
	g.setCookie(w, sessionCookie, "", 0)
	if cookie := g.cookie(r, sessionCookie); cookie != "" {
		return g.Sessions.End(r.Context(), cookie)
	}
	return nil
}

// ChoosePerson sets the person that the local session of a request acts as.
func (g *Gate) ChoosePerson(r *http.Request, person string) error {
	return g.Sessions.ChoosePerson(r.Context(), g.cookie(r, sessionCookie), person)
}

type sessionKey struct{}

// SessionOf returns the session of a request that came through Pages.
func SessionOf(ctx context.Context) (Session, bool) {
	s, ok := ctx.Value(sessionKey{}).(Session)
	return s, ok
}

// Pages serves h to browsers with a session. Whoever has none is refused with
// ErrUnauthenticated, a form from elsewhere with ErrCrossOrigin.
func (g *Gate) Pages(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookie := g.cookie(r, sessionCookie)
		in, p, err := g.Sessions.Get(r.Context(), cookie)
		if err == nil && !safe(r.Method) {
			err = g.sameOrigin(r, in)
		}
		if err != nil {
			RefuseWith(w, r, err)
			return
		}
		ctx := WithCSRF(context.WithValue(r.Context(), sessionKey{}, in), in.CSRF)
		g.serve(w, r.WithContext(ctx), h, p, func(ctx context.Context) (Principal, error) { return g.Sessions.look(ctx, cookie) })
	})
}

// Known serves h also to browsers without a session: for the pages by which
// they get one. A form from elsewhere is refused here too.
func (g *Gate) Known(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !safe(r.Method) {
			if err := new(http.CrossOriginProtection).Check(r); err != nil {
				RefuseWith(w, r, ErrCrossOrigin)
				return
			}
		}
		h.ServeHTTP(w, r)
	})
}

// API serves h to clients with a token in the Authorization header, and to
// pages of a session: these read freely, and change something only with
// CSRFHeader.
func (g *Gate) API(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, given, err := bearer(r)
		if err != nil {
			RefuseWith(w, r, err)
			return
		}
		if !given {
			g.Pages(h).ServeHTTP(w, r)
			return
		}
		p, err := g.byToken(r, text)
		if err != nil {
			RefuseWith(w, r, err)
			return
		}
		g.serve(w, r, h, p, func(ctx context.Context) (Principal, error) { return g.Tokens.Authenticate(ctx, text) })
	})
}

// bearer returns what stands in the Authorization header.
func bearer(r *http.Request) (text string, given bool, err error) {
	values := r.Header.Values("Authorization")
	switch len(values) {
	case 0:
		return "", false, nil
	case 1:
	default:
		return "", true, fmt.Errorf("%w: more than one Authorization header", ErrUnauthenticated)
	}
	scheme, text, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", true, fmt.Errorf("%w: want Authorization: Bearer and a token", ErrUnauthenticated)
	}
	return strings.TrimSpace(text), true, nil
}

// byToken proves a token, unless its address or its account failed too often.
func (g *Gate) byToken(r *http.Request, text string) (Principal, error) {
	a := attempt{address: g.Address(r)}
	if id, err := ParseToken(text); err == nil {
		a.account = "token:" + id
	}
	return g.limited(r, a, func(ctx context.Context) (Principal, error) { return g.Tokens.Authenticate(ctx, text) })
}

// limited makes an attempt, if there is one left, and counts a failure.
func (g *Gate) limited(r *http.Request, a attempt, try func(context.Context) (Principal, error)) (Principal, error) {
	if err := g.Limits.check(r.Context(), a); err != nil {
		return Principal{}, err
	}
	p, err := try(r.Context())
	if errors.Is(err, ErrUnauthenticated) {
		g.Logger.WarnContext(r.Context(), "not authenticated", "address", a.address, "account", a.account, "why", err)
		if err := g.Limits.failed(r.Context(), a); err != nil {
			return Principal{}, err
		}
	}
	return p, err
}

// ByToken begins a session for whoever knows an API token.
func (g *Gate) ByToken(w http.ResponseWriter, r *http.Request, text string) (Session, error) {
	p, err := g.byToken(r, strings.TrimSpace(text))
	if err != nil {
		return Session{}, err
	}
	return g.Begin(w, r, Session{Account: p.Account, Name: p.Name, Via: ViaToken, Person: p.Person, Token: p.Token})
}

// ByLink begins a session for whoever has a link that was not used yet.
func (g *Gate) ByLink(w http.ResponseWriter, r *http.Request, secret string) (Session, error) {
	var person string
	p, err := g.limited(r, attempt{address: g.Address(r)}, func(ctx context.Context) (p Principal, err error) {
		p.Via = ViaLocal
		p.Account, person, err = g.Links.use(ctx, secret)
		return p, err
	})
	if err != nil {
		return Session{}, err
	}
	return g.Begin(w, r, Session{Account: p.Account, Name: p.ActingAccount(), Via: ViaLocal, Person: person})
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// sameOrigin refuses a request that changes something unless it comes from a
// page of this very session: by what the browser says of its origin, and by the
// token that only such a page holds.
func (g *Gate) sameOrigin(r *http.Request, in Session) error {
	if err := new(http.CrossOriginProtection).Check(r); err != nil {
		return ErrCrossOrigin
	}
	sent := r.Header.Get(CSRFHeader)
	if sent == "" && isForm(r) {
		sent = r.PostFormValue(CSRFField)
	}
	if subtle.ConstantTimeCompare([]byte(sent), []byte(in.CSRF)) != 1 {
		return ErrCrossOrigin
	}
	return nil
}

// isForm reports whether a request brings a form. One that may bring files is none:
// no page has such a one, and to read it would write to the disk.
func isForm(r *http.Request) bool {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && t == "application/x-www-form-urlencoded"
}

// serve calls h as p. It looks again while h lasts, so that an answer that
// streams ends when the token is revoked, the session is over, or less is
// allowed than before.
func (g *Gate) serve(w http.ResponseWriter, r *http.Request, h http.Handler, p Principal, again func(context.Context) (Principal, error)) {
	ctx, cancel := context.WithCancelCause(WithPrincipal(r.Context(), p))
	defer cancel(nil)
	stop := g.watch(ctx, cancel, p, again)
	defer stop()
	w.Header().Set("Cache-Control", "no-store")
	h.ServeHTTP(w, r.WithContext(ctx))
}

// maxBlind is how often in a row it may be impossible to look.
const maxBlind = 3

func (g *Gate) watch(ctx context.Context, cancel context.CancelCauseFunc, p Principal, again func(context.Context) (Principal, error)) (stop func()) {
	every := g.Recheck
	if every <= 0 {
		every = 10 * time.Second
	}
	var mu sync.Mutex
	var timer *time.Timer
	stopped, blind := false, 0
	look := func() {
		now, err := again(ctx)
		if err == nil && lost(p, now) {
			err = fmt.Errorf("%w: less is allowed than when the request began", ErrForbidden)
		}
		// A database that is away for a moment ends nothing yet.
		known := err == nil || errors.Is(err, ErrUnauthenticated) || errors.Is(err, ErrForbidden)
		if blind++; known {
			blind = 0
		}
		if known && err != nil || blind > maxBlind {
			cancel(err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if !stopped {
			timer.Reset(every)
		}
	}
	mu.Lock()
	timer = time.AfterFunc(every, look)
	mu.Unlock()
	return func() {
		mu.Lock()
		defer mu.Unlock()
		stopped = true
		timer.Stop()
	}
}

// lost reports whether something that was allowed is not any more.
func lost(before, now Principal) bool {
	for _, i := range Permissions() {
		if before.May(i.Permission) && !now.May(i.Permission) {
			return true
		}
	}
	return before.Account != now.Account
}

// loginStarts is how many logins one address may begin at the provider.
var loginStarts = limit{free: 60, longest: time.Minute}

// BeginLogin begins a login at the provider and returns where to send the
// browser.
func (g *Gate) BeginLogin(w http.ResponseWriter, r *http.Request, l *Login, returnTo string) (string, error) {
	a := attempt{address: g.Address(r), start: true}
	if err := g.Limits.check(r.Context(), a); err != nil {
		return "", err
	}
	if err := g.Limits.failed(r.Context(), a); err != nil {
		return "", err
	}
	to, cookie, err := l.begin(r.Context(), returnTo)
	if err != nil {
		return "", err
	}
	g.setCookie(w, loginCookie, cookie, loginLife)
	return to, nil
}

// FinishLogin begins a session for whoever the provider says has logged in, and
// returns where the browser wanted to go.
func (g *Gate) FinishLogin(w http.ResponseWriter, r *http.Request, l *Login) (Session, string, error) {
	g.setCookie(w, loginCookie, "", 0)
	var id Identity
	var idToken, returnTo string
	_, err := g.limited(r, attempt{address: g.Address(r)}, func(ctx context.Context) (Principal, error) {
		var err error
		id, idToken, returnTo, err = l.finish(ctx, g.cookie(r, loginCookie), r.URL.Query())
		return Principal{}, err
	})
	if err != nil {
		return Session{}, "", err
	}
	p, err := Resolve(g.Sessions.Grants(), id, g.Sessions.Register())
	if err != nil {
		return Session{}, "", err
	}
	in, err := g.Begin(w, r, Session{Account: p.Account, Name: p.Name, Via: ViaOIDC, Email: id.Email, Groups: id.Groups, IDToken: idToken})
	return in, returnTo, err
}
