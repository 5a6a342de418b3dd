package github

import (
	"context"
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
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

const (
	// jwtBackdate is how far before now an app says that it signed, and
	// jwtLife how long it may be believed: GitHub allows ten minutes in all.
	jwtBackdate = time.Minute
	jwtLife     = 9 * time.Minute
	// renewBefore is how long before its end a token is replaced: longer than
	// any request takes.
	renewBefore = 6 * time.Minute
	// skewTold is from when on the difference of two clocks is corrected.
	skewTold = 20 * time.Second
)

// credential is what proves who asks: a token that is given, or one that an
// app is lent for an hour. It is safe for concurrent use.
type credential struct {
	current atomic.Pointer[loan]
	app     *app          // nil for a token that is given
	turn    chan struct{} // held by the one that renews
}

// loan is a token and the time when it is to be replaced; zero means never.
type loan struct {
	token string
	until time.Time
}

func newCredential(c *config, a *app) *credential {
	cred := &credential{app: a, turn: make(chan struct{}, 1)}
	if a == nil {
		cred.current.Store(&loan{token: c.token})
	}
	return cred
}

// authorize puts the token on a request.
func (c *credential) authorize(r *http.Request) {
	if l := c.current.Load(); l != nil {
		r.Header.Set("Authorization", "Bearer "+l.token)
	}
}

// ready returns a token that is still good for a while; spent is one that was
// refused. Without an app there is no other than the one given.
func (c *credential) ready(ctx context.Context, spent *loan) (*loan, error) {
	good := func() *loan {
		if l := c.current.Load(); l != nil && l != spent && (l.until.IsZero() || time.Now().Before(l.until)) {
			return l
		}
		return nil
	}
	if l := good(); l != nil || c.app == nil {
		return l, nil
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if l := good(); l != nil {
		return l, nil // somebody else was faster
	}
	l, err := c.app.lend(ctx)
	if err != nil {
		return nil, err
	}
	c.current.Store(l)
	return l, nil
}

// app is a GitHub App, which proves itself with its private key.
type app struct {
	id   int64
	key  *rsa.PrivateKey
	api  *api         // asks in the app's own name
	skew atomic.Int64 // nanoseconds that GitHub's clock is ahead of ours

	found atomic.Pointer[installation]
	where string // where the installation is asked for
}

// installation is an app as an account has let it in.
type installation struct {
	ID          int64          `json:"id"`
	AppSlug     string         `json:"app_slug"`
	Selection   string         `json:"repository_selection"` // all, selected
	Permissions map[string]any `json:"permissions"`          // read, write or admin, by name
	Suspended   *time.Time     `json:"suspended_at"`
	Account     struct {
		Login string `json:"login"`
	} `json:"account"`
}

// appError is a failure to prove who the app is.
type appError struct{ err error }

func (e *appError) Error() string { return "GitHub App: " + e.err.Error() }
func (e *appError) Unwrap() error { return e.err }

// ends is the end of a run that cannot prove who asks.
func (e *appError) ends() error {
	if remedy := e.remedy(); remedy != "" {
		return fmt.Errorf("github: %w: %w: %s", e, connector.ErrRefused, remedy)
	}
	return fmt.Errorf("github: %w", e)
}

// remedy says what to do if GitHub refused the app; empty if it did not answer.
func (e *appError) remedy() string {
	var se *statusError
	switch {
	case !errors.As(e.err, &se) || se.Status/100 != 4:
		return ""
	case se.Status == http.StatusUnauthorized:
		return "check app_id, the secret " + secretKey + " and this machine's clock, and that the installation is not suspended"
	}
	return "check organization or installation_id, and that the app is installed there and not suspended"
}

// authorize signs a request in the app's name.
func (a *app) authorize(r *http.Request) {
	if jwt, err := a.sign(time.Now().Add(time.Duration(a.skew.Load()))); err == nil {
		r.Header.Set("Authorization", "Bearer "+jwt)
	}
}

// sign makes the short-lived statement that the asker holds the app's key.
func (a *app) sign(now time.Time) (string, error) {
	claims, err := json.Marshal(map[string]any{
		"iat": now.Add(-jwtBackdate).Unix(), "exp": now.Add(jwtLife - jwtBackdate).Unix(), "iss": strconv.FormatInt(a.id, 10),
	})
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, a.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig), nil
}

// installed returns the installation whose repositories are read.
func (a *app) installed(ctx context.Context) (*installation, error) {
	if in := a.found.Load(); in != nil {
		return in, nil
	}
	var in installation
	if _, err := a.ask(ctx, call{path: a.where}, &in); err != nil {
		return nil, &appError{err}
	}
	switch {
	case !fitID(in.ID):
		return nil, &appError{&malformedError{Path: a.where, Why: "an installation without an id"}}
	case in.Suspended != nil:
		return nil, &appError{&statusError{Status: http.StatusUnauthorized, Path: a.where, Message: "the installation is suspended"}}
	}
	a.found.Store(&in)
	return &in, nil
}

// lend asks for a token of the installation.
func (a *app) lend(ctx context.Context) (*loan, error) {
	in, err := a.installed(ctx)
	if err != nil {
		return nil, err
	}
	var lent struct {
		Token     string    `json:"token"`
		ExpiresAt time.Time `json:"expires_at"`
	}
	asked := time.Now()
	ans, err := a.ask(ctx, call{method: http.MethodPost, path: fmt.Sprintf("app/installations/%d/access_tokens", in.ID)}, &lent)
	if err != nil {
		return nil, &appError{err}
	}
	server, err := http.ParseTime(ans.header.Get("Date"))
	if err != nil {
		server = asked
	}
	if !plainToken(lent.Token) {
		return nil, &appError{&malformedError{Path: a.where, Why: "the answer holds no token"}}
	}
	// One that ends too soon to be renewed in time is used until it is refused.
	return &loan{token: lent.Token, until: asked.Add(max(lent.ExpiresAt.Sub(server)-renewBefore, time.Minute))}, nil
}

// ask sends a request in the app's name, once more if the clocks differ.
func (a *app) ask(ctx context.Context, c call, out any) (answer, error) {
	ans, err := a.api.get(ctx, c, out)
	if statusOf(err) != http.StatusUnauthorized {
		return ans, err
	}
	server, dateErr := http.ParseTime(ans.header.Get("Date"))
	if dateErr != nil {
		return ans, err
	}
	skew := time.Until(server)
	if (skew - time.Duration(a.skew.Load())).Abs() < skewTold {
		return ans, err
	}
	a.skew.Store(int64(skew))
	return a.api.get(ctx, c, out)
}

// parseKey reads the private key that GitHub gives for an app.
func parseKey(text string) (*rsa.PrivateKey, error) {
	if !strings.Contains(text, "\n") {
		text = strings.ReplaceAll(text, `\n`, "\n") // as environment files hold it
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("it is no PEM block; give the whole .pem file that GitHub generated, line breaks included")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if rsaKey, ok := key.(*rsa.PrivateKey); ok && err == nil {
		return rsaKey, nil
	}
	return nil, errors.New("it holds no RSA private key")
}

// plainToken reports whether a text can be a token in a header.
func plainToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
