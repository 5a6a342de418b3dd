package http

import (
	"context"
	"fmt"
	"net/http"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/rest"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// newClient returns a client that sends the credential to the API alone. With
// client_credentials it asks for a first token.
func newClient(ctx context.Context, c *config, validators map[string]connector.Validator, counted func(connector.Calls)) (*rest.Client, error) {
	authorize, err := c.authorize(ctx)
	if err != nil {
		return nil, err
	}
	client, err := rest.New(transport.Options{
		BaseURL: c.BaseURL,
		Authorize: func(r *http.Request) {
			for name, value := range c.Headers {
				r.Header.Set(name, value)
			}
			if authorize != nil {
				authorize(r)
			}
		},
		UserAgent:         "exhibit-connector-http/" + Version,
		RequestsPerSecond: c.Rate,
		Burst:             5,
		Validators:        validators,
		Counted:           counted,
	})
	if err != nil {
		return nil, fmt.Errorf("http: base_url: %w", err)
	}
	client.Conceal(c.token)
	return client, nil
}

// authorize returns what puts the credential on a request; nil for none.
func (c *config) authorize(ctx context.Context) (func(*http.Request), error) {
	if c.Auth == nil {
		return nil, nil
	}
	switch c.Auth.Type {
	case "basic":
		return func(r *http.Request) { r.SetBasicAuth(c.Auth.Username, c.token) }, nil
	case "header":
		return func(r *http.Request) { r.Header.Set(c.Auth.Header, c.token) }, nil
	case "client_credentials":
		return c.tokens(ctx)
	}
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+c.token) }, nil
}

// tokens gets tokens for the client, and new ones when they run out.
func (c *config) tokens(ctx context.Context) (func(*http.Request), error) {
	issuer, err := transport.New(transport.Options{BaseURL: c.Auth.TokenURL, Authorize: func(*http.Request) {}, MaxResponseBytes: 1 << 20})
	if err != nil {
		return nil, fmt.Errorf("http: auth.token_url: %w", err)
	}
	client := issuer.HTTPClient()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the form holds the secret
	conf := clientcredentials.Config{ClientID: c.Auth.ClientID, ClientSecret: c.token, TokenURL: c.Auth.TokenURL, Scopes: c.Auth.Scopes}
	source := conf.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, client))
	if _, err := source.Token(); err != nil {
		return nil, fmt.Errorf("http: auth.token_url: no token was issued (%s); check client_id and the secret %s: %w",
			issuerProblem(err), secretToken, connector.ErrRefused)
	}
	return func(r *http.Request) {
		if token, err := source.Token(); err == nil { // else the API answers 401, which says it all
			token.SetAuthHeader(r)
		}
	}, nil
}
