package gcp

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// scope is all that a token may do: look.
const scope = "https://www.googleapis.com/auth/cloud-platform.read-only"

// session signs requests and holds a client for each of Google's hosts.
type session struct {
	cfg     *config
	tokens  oauth2.TokenSource
	counted func(connector.Calls)

	mu      sync.Mutex
	clients map[string]*rest.Client
}

// newSession gets a first token, so that a key which is refused is told at once.
func newSession(ctx context.Context, c *config, counted func(connector.Calls)) (*session, error) {
	s := &session{cfg: c, counted: counted, clients: map[string]*rest.Client{}}
	if c.key == nil {
		s.tokens = oauth2.StaticTokenSource(&oauth2.Token{AccessToken: c.token})
		return s, nil
	}
	issuer, err := transport.New(transport.Options{BaseURL: c.key.TokenURI, Authorize: func(*http.Request) {}, Counted: counted, MaxResponseBytes: 1 << 20})
	if err != nil {
		return nil, fmt.Errorf("gcp: token_uri of the secret %s: %w", secretKey, err)
	}
	client := issuer.HTTPClient()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	conf := jwt.Config{Email: c.key.Email, PrivateKey: []byte(c.key.PrivateKey), PrivateKeyID: c.key.KeyID, TokenURL: c.key.TokenURI, Scopes: []string{scope}}
	s.tokens = oauth2.ReuseTokenSource(nil, conf.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, client)))
	if _, err := s.tokens.Token(); err != nil {
		return nil, fmt.Errorf("gcp: no token for %s: %s; was the key in the secret %s deleted, and is the clock right? %w",
			records.Line(c.key.Email, 200), problemOf(err), secretKey, connector.ErrRefused)
	}
	return s, nil
}

// problemOf says what the issuer of tokens answered, without its body.
func problemOf(err error) string {
	text, _, _ := strings.Cut(err.Error(), "Response:")
	return records.Line(text, 200)
}

// at returns the client for a host.
func (s *session) at(host string) (*rest.Client, error) {
	base := "https://" + host
	if s.cfg.BaseURL != "" {
		base = s.cfg.BaseURL
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.clients[base]; c != nil {
		return c, nil
	}
	c, err := rest.New(transport.Options{
		BaseURL: base,
		Authorize: func(r *http.Request) {
			if token, err := s.tokens.Token(); err == nil { // else the answer is 401, which says it all
				token.SetAuthHeader(r)
			}
		},
		UserAgent: "exhibit-connector-gcp/" + Version, RequestsPerSecond: s.cfg.Rate, Burst: 5, Counted: s.counted,
	})
	if err != nil {
		return nil, fmt.Errorf("gcp: base_url: %w", err)
	}
	s.clients[base] = c
	return c, nil
}

// vertex returns the client for Vertex AI in a location.
func (s *session) vertex(location string) (*rest.Client, error) {
	if location == "" || location == "global" {
		return s.at("aiplatform.googleapis.com")
	}
	return s.at(location + "-aiplatform.googleapis.com")
}

// identity is who the requests are signed for.
func (s *session) identity() string {
	if s.cfg.key != nil {
		return records.Line(s.cfg.key.Email, 200)
	}
	return "the holder of the secret " + secretToken
}
