package googleworkspace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// Hosts of Google's interfaces.
const (
	hostAdmin     = "https://admin.googleapis.com"
	hostLicensing = "https://licensing.googleapis.com"
)

// session holds a client for each scope: Google gives no token at all if one
// of several scopes is not delegated, and one that is missing has to be a gap of
// its own.
type session struct {
	cfg     *config
	clock   transport.Clock
	counted func(connector.Calls)

	mu      sync.Mutex
	clients map[string]*rest.Client
	refused map[string]error
}

func newSession(c *config, clock transport.Clock, counted func(connector.Calls)) *session {
	return &session{cfg: c, clock: clock, counted: counted, clients: map[string]*rest.Client{}, refused: map[string]error{}}
}

// with returns the client whose token has a scope.
func (s *session) with(ctx context.Context, scope string) (*rest.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.clients[scope]; c != nil {
		return c, nil
	}
	if err := s.refused[scope]; err != nil {
		return nil, err
	}
	tokens, err := s.tokens(ctx, scope)
	if err != nil {
		s.refused[scope] = err
		return nil, err
	}
	base := hostAdmin
	if scope == permLicences {
		base = hostLicensing
	}
	if s.cfg.BaseURL != "" {
		base = s.cfg.BaseURL
	}
	c, err := rest.New(transport.Options{
		BaseURL: base, UserAgent: "exhibit-connector-googleworkspace/" + Version, RequestsPerSecond: s.cfg.Rate, Burst: 5, Counted: s.counted, Clock: s.clock,
		Authorize: func(r *http.Request) {
			if token, err := tokens.Token(); err == nil { // else the answer is 401, which says it all
				token.SetAuthHeader(r)
			}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("googleworkspace: base_url: %w", err)
	}
	s.clients[scope] = c
	return c, nil
}

// tokens gets a first token for a scope, so that a key which is refused is told
// at once.
func (s *session) tokens(ctx context.Context, scope string) (oauth2.TokenSource, error) {
	k := s.cfg.key
	if k == nil {
		return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: s.cfg.token}), nil
	}
	issuer, err := transport.New(transport.Options{BaseURL: k.TokenURI, Authorize: func(*http.Request) {}, Counted: s.counted, MaxResponseBytes: 1 << 20, Clock: s.clock})
	if err != nil {
		return nil, fmt.Errorf("googleworkspace: token_uri of the secret %s: %w", secretKey, err)
	}
	client := issuer.HTTPClient()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	conf := jwt.Config{Email: k.Email, PrivateKey: []byte(k.PrivateKey), PrivateKeyID: k.KeyID, Subject: s.cfg.Admin, TokenURL: k.TokenURI, Scopes: []string{scope}}
	source := oauth2.ReuseTokenSource(nil, conf.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, client)))
	if _, err := source.Token(); err != nil {
		return nil, s.noToken(ctx, scope, err)
	}
	return source, nil
}

// delegationError is a scope that is not delegated.
type delegationError struct{ text string }

func (e *delegationError) Error() string { return e.text }

// Reason is Denied.
func (*delegationError) Reason() connector.Reason { return connector.Denied }

var _ coverage.Reasoner = (*delegationError)(nil)

// noToken says why Google gave no token, without its body.
func (s *session) noToken(ctx context.Context, scope string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var answer *oauth2.RetrieveError
	if !errors.As(err, &answer) {
		text, _, _ := strings.Cut(err.Error(), "Response:")
		if strings.Contains(text, "cannot fetch token") {
			return fmt.Errorf("googleworkspace: %s: %w", records.Line(text, 300), connector.ErrUnreachable)
		}
		return fmt.Errorf("googleworkspace: the private key in the secret %s cannot be read: %w", secretKey, connector.ErrRefused)
	}
	var said struct {
		Error string `json:"error"`
		Why   string `json:"error_description"`
	}
	_ = json.Unmarshal(answer.Body, &said) // another form says nothing
	text := records.Line(said.Error+": "+said.Why, 200)
	switch said.Error {
	case "unauthorized_client", "access_denied", "invalid_scope": //nolint:misspell // OAuth's word
		return &delegationError{fmt.Sprintf("the scope %s is not delegated to service account %s (%s)", scope, records.Line(s.cfg.key.Email, 200), text)}
	}
	return fmt.Errorf("googleworkspace: no token for %s in the name of %s: %s; was the key deleted, is admin right, and the clock? %w",
		records.Line(s.cfg.key.Email, 200), records.Line(s.cfg.Admin, 200), text, connector.ErrRefused)
}

// refused wraps the refusal of the credential itself.
func refused(err error) error {
	if rest.StatusOf(err) == http.StatusUnauthorized {
		return fmt.Errorf("googleworkspace: %w: %w", err, connector.ErrRefused)
	}
	return err
}

// listing takes the entries of a listing that stand under field.
type listing[T any] struct {
	field string
	each  func(T) error
	bad   func(n int) error // an entry of another form; nil ends the listing with an error
}

// pages reads all pages of a listing. An answer without the field is an empty
// page, as Google leaves empty lists out; what must be there is its kind.
func pages[T any](ctx context.Context, c *rest.Client, call rest.Call, l listing[T]) error {
	n := 0
	return rest.Pages(ctx, call.Path, func(token string) (string, rest.Answer, error) {
		ask := call
		if token != "" {
			ask.Query = url.Values{}
			for name, values := range call.Query {
				ask.Query[name] = values
			}
			ask.Query.Set("pageToken", token)
		}
		var body map[string]json.RawMessage
		answer, err := c.Get(ctx, ask, &body)
		if err != nil {
			return "", answer, err
		}
		next, err := l.page(call.Path, body, &n)
		return next, answer, err
	})
}

func (l listing[T]) page(path string, body map[string]json.RawMessage, n *int) (string, error) {
	var kind, next string
	var items []json.RawMessage
	for name, into := range map[string]any{"kind": &kind, "nextPageToken": &next, l.field: &items} {
		if raw := body[name]; len(raw) > 0 && json.Unmarshal(raw, into) != nil {
			return "", &rest.MalformedError{Path: path, Why: name + " is of another form than is documented"}
		}
	}
	if kind == "" {
		return "", &rest.MalformedError{Path: path, Why: "the answer does not say what kind it is"}
	}
	for _, raw := range items {
		*n++
		var item T
		err := json.Unmarshal(raw, &item)
		switch {
		case err == nil:
			err = l.each(item)
		case l.bad != nil:
			err = l.bad(*n)
		default:
			err = &rest.MalformedError{Path: path, Why: "an entry is not of the form that is documented"}
		}
		if err != nil {
			return "", err
		}
	}
	return next, nil
}
