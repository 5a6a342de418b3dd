package azure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// session is who we are, and how requests are sent.
type session struct {
	cfg     *config
	tokens  oauth2.TokenSource
	options *arm.ClientOptions // of Azure's clients
	rest    *rest.Client       // for what they have no form for
}

var _ azcore.TokenCredential = (*session)(nil)

// newSession takes a first token, so that a refused secret is told at once.
func newSession(ctx context.Context, c *config, sender policy.Transporter, counted func(connector.Calls)) (*session, error) {
	s := &session{cfg: c}
	options := transport.Options{
		BaseURL: c.BaseURL, UserAgent: "exhibit-connector-azure/" + Version, RequestsPerSecond: c.Rate, Burst: 5, Counted: counted,
		Authorize: func(r *http.Request) {
			if token, err := s.tokens.Token(); err == nil { // else the answer is 401, which says it all
				token.SetAuthHeader(r)
			}
		},
	}
	t, err := transport.New(options)
	if err != nil {
		return nil, fmt.Errorf("azure: base_url: %w", err)
	}
	if s.rest, err = rest.New(options); err != nil {
		return nil, fmt.Errorf("azure: base_url: %w", err)
	}
	if sender == nil {
		sender = homebound{t.BaseURL(), t.HTTPClient()}
	}
	s.options = &arm.ClientOptions{
		ClientOptions: policy.ClientOptions{
			Cloud: cloud.Configuration{Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
				cloud.ResourceManager: {Endpoint: c.BaseURL, Audience: c.BaseURL},
			}},
			Retry:                           policy.RetryOptions{MaxRetries: -1}, // the transport does
			Telemetry:                       policy.TelemetryOptions{Disabled: true},
			Transport:                       sender,
			InsecureAllowCredentialWithHTTP: strings.HasPrefix(c.BaseURL, "http://"), // which the transport allows on the loopback only
		},
		DisableRPRegistration: true, // that would be a write
	}
	return s, s.signIn(ctx)
}

// homebound refuses to follow a link of an answer to another host: what stands
// there is not Azure's.
type homebound struct {
	home   *url.URL
	sender policy.Transporter
}

func (h homebound) Do(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != h.home.Scheme || !strings.EqualFold(req.URL.Hostname(), h.home.Hostname()) || port(req.URL) != port(h.home) {
		return nil, &rest.MalformedError{Why: "the link to the next page leads to another host"}
	}
	return h.sender.Do(req)
}

func port(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}

// signIn gets a token for the app, by its secret or by a token of a workload
// identity that it trusts.
func (s *session) signIn(ctx context.Context) error {
	address := s.cfg.AuthorityURL + "/" + s.cfg.Tenant + "/oauth2/v2.0/token"
	issuer, err := transport.New(transport.Options{BaseURL: address, Authorize: func(*http.Request) {}, MaxResponseBytes: 1 << 20})
	if err != nil {
		return fmt.Errorf("azure: authority_url: %w", err)
	}
	client := issuer.HTTPClient()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	conf := clientcredentials.Config{
		ClientID: s.cfg.Client, ClientSecret: s.cfg.secret, TokenURL: address, Scopes: []string{s.scope()}, AuthStyle: oauth2.AuthStyleInParams,
	}
	if s.cfg.FederatedTokenFile != "" {
		assertion, err := os.ReadFile(s.cfg.FederatedTokenFile)
		if err != nil {
			return fmt.Errorf("azure: federated_token_file: %w", err)
		}
		conf.EndpointParams = url.Values{
			"client_assertion":      {strings.TrimSpace(string(assertion))},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
		}
	}
	s.tokens = conf.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, client))
	if _, err := s.tokens.Token(); err != nil {
		text, _, _ := strings.Cut(err.Error(), "Response:")
		if s.cfg.secret != "" {
			text = strings.ReplaceAll(text, s.cfg.secret, "REDACTED")
		}
		return fmt.Errorf("azure: Entra ID gave no token for app %s in %s (%s); is the secret %s expired? %w",
			s.cfg.Client, s.cfg.Tenant, records.Line(text, 200), secretClient, connector.ErrRefused)
	}
	return nil
}

// scope is what a token is for: the resource manager of the cloud.
func (s *session) scope() string {
	if at, ok := clouds()[s.cfg.Cloud]; ok {
		return at.manager + "/.default"
	}
	return s.cfg.BaseURL + "/.default"
}

// GetToken hands the token to Azure's clients.
func (s *session) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := s.tokens.Token()
	if err != nil {
		return azcore.AccessToken{}, fmt.Errorf("azure: no token: %w", connector.ErrRefused)
	}
	expires := token.Expiry
	if expires.IsZero() {
		expires = time.Now().Add(time.Hour)
	}
	return azcore.AccessToken{Token: token.AccessToken, ExpiresOn: expires}, nil
}

// callError is a request of Azure's clients that gave no usable answer. Its
// text holds the operation and the code, never the address or the body.
type callError struct {
	op  string
	err error
}

func (e *callError) Unwrap() error { return e.err }

func (e *callError) Error() string {
	var resp *azcore.ResponseError
	if errors.As(e.err, &resp) {
		return records.Line(fmt.Sprintf("%s: %d %s: %s", e.op, resp.StatusCode, http.StatusText(resp.StatusCode), resp.ErrorCode), 300)
	}
	var bad *rest.MalformedError
	if errors.As(e.err, &bad) {
		return e.op + ": " + bad.Why
	}
	return records.Line(e.op+": "+transport.RedactError(e.err).Error(), 500)
}

// Reason says what the answer means.
func (e *callError) Reason() connector.Reason {
	var (
		resp  *azcore.ResponseError
		bad   *rest.MalformedError
		limit *transport.RateLimitError
		large *transport.TooLargeError
		net   *url.Error
	)
	switch {
	case errors.As(e.err, &resp):
		return (&rest.StatusError{Status: resp.StatusCode}).Reason()
	case errors.As(e.err, &bad):
		return connector.Malformed
	case errors.As(e.err, &limit):
		return connector.RateLimited
	case errors.As(e.err, &large):
		return connector.Truncated
	case errors.As(e.err, &net):
		return connector.Unavailable
	}
	return connector.Malformed // the answer could not be decoded
}
