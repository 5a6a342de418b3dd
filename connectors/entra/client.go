package entra

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// graph is Microsoft Graph as the app sees it.
type graph struct{ *rest.Client }

// newGraph takes a first token, so that a refused secret is told at once.
func newGraph(ctx context.Context, c *config, clock transport.Clock, counted func(connector.Calls)) (*graph, error) {
	tokens, err := c.signIn(ctx, clock, counted)
	if err != nil {
		return nil, err
	}
	client, err := rest.New(transport.Options{
		BaseURL: c.BaseURL, UserAgent: "exhibit-connector-entra/" + Version, RequestsPerSecond: c.Rate, Burst: 5, MaxInFlight: 4, Counted: counted, Clock: clock,
		Authorize: func(r *http.Request) {
			if token, err := tokens.Token(); err == nil { // else the answer is 401, which says it all
				token.SetAuthHeader(r)
			}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("entra: base_url: %w", err)
	}
	return &graph{client}, nil
}

// signIn gets a token for the app by its secret.
func (c *config) signIn(ctx context.Context, clock transport.Clock, counted func(connector.Calls)) (oauth2.TokenSource, error) {
	address := strings.TrimRight(c.AuthorityURL, "/") + "/" + c.Tenant + "/oauth2/v2.0/token"
	issuer, err := transport.New(transport.Options{BaseURL: address, Authorize: func(*http.Request) {}, MaxResponseBytes: 1 << 20, Counted: counted, Clock: clock})
	if err != nil {
		return nil, fmt.Errorf("entra: authority_url: %w", err)
	}
	client := issuer.HTTPClient()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	conf := clientcredentials.Config{
		ClientID: c.Client, ClientSecret: c.secret, TokenURL: address, Scopes: []string{strings.TrimRight(c.BaseURL, "/") + "/.default"}, AuthStyle: oauth2.AuthStyleInParams,
	}
	if c.TokenFile != "" {
		assertion, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("entra: federated_token_file: %w", err)
		}
		conf.EndpointParams = url.Values{
			"client_assertion":      {strings.TrimSpace(string(assertion))},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		}
	}
	tokens := conf.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, client))
	if _, err := tokens.Token(); err != nil {
		return nil, c.noToken(ctx, err)
	}
	return tokens, nil
}

// noToken says why there is no token, without what was sent.
func (c *config) noToken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	conceal := func(text string) string {
		if c.secret != "" {
			text = strings.ReplaceAll(text, c.secret, "REDACTED")
		}
		return records.Line(text, 300)
	}
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil && refused.Response.StatusCode/100 == 4 {
		return fmt.Errorf("entra: no token for app %s in %s: %s; is the secret %s right, and not expired? %w",
			c.Client, c.Tenant, conceal(refused.ErrorCode+" "+refused.ErrorDescription), secretClient, connector.ErrRefused)
	}
	text, _, _ := strings.Cut(err.Error(), "Response:")
	return fmt.Errorf("entra: no token: %s: %w", conceal(text), connector.ErrUnreachable)
}

// page is a page of a listing.
type page struct {
	Value []json.RawMessage `json:"value"`
	Next  string            `json:"@odata.nextLink"`
	Count *int64            `json:"@odata.count"`
}

// listing takes the entries of a listing.
type listing[T any] struct {
	each  func(T) error
	bad   func(n int) error // an entry of another form; nil ends the listing with an error
	count *int64            // how many there are by Graph's own count
}

// pages reads all pages of a listing. Of the link to the next one the query is
// followed: its host and path are not an answer's to choose.
func pages[T any](ctx context.Context, g *graph, call rest.Call, l listing[T]) error {
	n := 0
	return rest.Pages(ctx, call.Path, func(token string) (string, rest.Answer, error) {
		ask := call
		if token != "" {
			q, err := url.ParseQuery(token)
			if err != nil {
				return "", rest.Answer{}, unreadable(call.Path)
			}
			ask.Query = q
		}
		var p page
		answer, err := g.Get(ctx, ask, &p)
		if err != nil {
			return "", answer, err
		}
		if p.Value == nil {
			return "", answer, &rest.MalformedError{Path: call.Path, Why: "it holds no list under value"}
		}
		if p.Count != nil && l.count != nil {
			*l.count = *p.Count
		}
		if err := l.take(call.Path, p.Value, &n); err != nil || p.Next == "" {
			return "", answer, err
		}
		u, err := url.Parse(p.Next)
		if err != nil || u.RawQuery == "" {
			return "", answer, unreadable(call.Path)
		}
		return u.RawQuery, answer, nil
	})
}

func unreadable(path string) error {
	return &rest.MalformedError{Path: path, Why: "the link to the next page cannot be read"}
}

func (l listing[T]) take(path string, value []json.RawMessage, n *int) error {
	for _, raw := range value {
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
			return err
		}
	}
	return nil
}

// refused wraps the refusal of the credential itself.
func refused(err error) error {
	if rest.StatusOf(err) == http.StatusUnauthorized {
		return fmt.Errorf("entra: %w: %w", err, connector.ErrRefused)
	}
	return err
}

// notLicensed is what Graph answers to a tenant whose licence is too small.
const notLicensed = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"

// licenceError is a part that the tenant's licence does not hold.
type licenceError struct{ error }

func (e licenceError) Unwrap() error { return e.error }

// Reason is Unsupported: no permission would help.
func (licenceError) Reason() connector.Reason { return connector.Unsupported }

var _ coverage.Reasoner = licenceError{}

// unlicensed tells a licence that is missing from a right that is.
func unlicensed(err error) error {
	var se *rest.StatusError
	if errors.As(err, &se) && se.Status == http.StatusForbidden && se.Code == notLicensed {
		return licenceError{fmt.Errorf("%w; sign-ins are told only with the licence Microsoft Entra ID P1: switch sign_ins off, or take the logs of proxy and DNS", err)}
	}
	return refused(err)
}
