package aws

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// session is who we are, and how requests are sent.
type session struct {
	cfg   *config
	creds aws.CredentialsProvider
	count func(connector.Calls)
}

// newSession prepares the credentials. It does no I/O.
func newSession(ctx context.Context, c *config, count func(connector.Calls)) (*session, error) {
	s := &session{cfg: c, count: count}
	if c.keyID != "" {
		s.creds = credentials.NewStaticCredentialsProvider(c.keyID, c.secretKey, c.sessionToken)
	}
	if c.RoleARN == "" {
		return s, nil
	}
	if c.WebIdentityTokenFile == "" {
		return s.assume(ctx, c.RoleARN, c.externalID)
	}
	client, err := s.sts(ctx)
	if err != nil {
		return nil, err
	}
	s.creds = aws.NewCredentialsCache(stscreds.NewWebIdentityRoleProvider(client, c.RoleARN,
		stscreds.IdentityTokenFile(c.WebIdentityTokenFile),
		func(o *stscreds.WebIdentityRoleOptions) { o.RoleSessionName = c.SessionName }))
	return s, nil
}

// assume returns a session in a role. It does no I/O: the role is assumed when
// its first request is sent, and again before its keys expire.
func (s *session) assume(ctx context.Context, role, externalID string) (*session, error) {
	client, err := s.sts(ctx)
	if err != nil {
		return nil, err
	}
	creds := aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(client, role, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = s.cfg.SessionName
		if externalID != "" {
			o.ExternalID = &externalID
		}
	}))
	return &session{cfg: s.cfg, creds: creds, count: s.count}, nil
}

// httpClient returns a client that sends credentials to one address only.
// Redirects are not followed: AWS sends none.
func (s *session) httpClient(address string) (*http.Client, error) {
	return s.clientAt(address, s.cfg.RequestsPerSecond, 4)
}

// clientAt is httpClient with a budget of its own.
func (s *session) clientAt(address string, perSecond float64, burst int) (*http.Client, error) {
	t, err := transport.New(transport.Options{
		BaseURL:           address,
		RequestsPerSecond: perSecond,
		Burst:             burst,
		Retry:             transport.Retry{MaxAttempts: 1}, // the SDK tries again itself
		Counted:           s.count,
	})
	if err != nil {
		return nil, fmt.Errorf("aws: %w", err)
	}
	c := t.HTTPClient()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c, nil
}

func (s *session) endpoint() *string {
	if s.cfg.EndpointURL == "" {
		return nil
	}
	return &s.cfg.EndpointURL
}

func (s *session) retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = s.cfg.MaxAttempts })
}

// sts returns a client for the security token service in the home region.
func (s *session) sts(ctx context.Context) (*sts.Client, error) {
	region := s.cfg.HomeRegion
	e, err := sts.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, sts.EndpointParameters{Region: &region, Endpoint: s.endpoint()})
	hc, err := s.reach("STS", region, e, err)
	if err != nil {
		return nil, err
	}
	return sts.New(sts.Options{Region: region, Credentials: s.creds, HTTPClient: hc, BaseEndpoint: s.endpoint(), Retryer: s.retryer()}), nil
}

// organizations returns a client for the accounts of the organisation.
func (s *session) organizations(ctx context.Context) (*organizations.Client, error) {
	region := s.cfg.HomeRegion
	e, err := organizations.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, organizations.EndpointParameters{Region: &region, Endpoint: s.endpoint()})
	hc, err := s.reach("Organizations", region, e, err)
	if err != nil {
		return nil, err
	}
	return organizations.New(organizations.Options{Region: region, Credentials: s.creds, HTTPClient: hc, BaseEndpoint: s.endpoint(), Retryer: s.retryer()}), nil
}

// sagemaker returns a client for one region.
func (s *session) sagemaker(ctx context.Context, region string) (*sagemaker.Client, error) {
	e, err := sagemaker.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, sagemaker.EndpointParameters{Region: &region, Endpoint: s.endpoint()})
	hc, err := s.reach("SageMaker", region, e, err)
	if err != nil {
		return nil, err
	}
	return sagemaker.New(sagemaker.Options{Region: region, Credentials: s.creds, HTTPClient: hc, BaseEndpoint: s.endpoint(), Retryer: s.retryer()}), nil
}

// cloudTrail returns a client for one region with the small budget that the
// event history has.
func (s *session) cloudTrail(ctx context.Context, region string) (*cloudtrail.Client, error) {
	e, err := cloudtrail.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, cloudtrail.EndpointParameters{Region: &region, Endpoint: s.endpoint()})
	if err != nil {
		return nil, fmt.Errorf("aws: address of CloudTrail in %s: %w", region, err)
	}
	hc, err := s.clientAt(e.URI.String(), s.cfg.LookupsPerSecond, 1)
	if err != nil {
		return nil, err
	}
	return cloudtrail.New(cloudtrail.Options{Region: region, Credentials: s.creds, HTTPClient: hc, BaseEndpoint: s.endpoint(), Retryer: s.retryer()}), nil
}

// identity is who AWS says we are.
type identity struct{ account, arn string }

func (s *session) identity(ctx context.Context) (identity, error) {
	client, err := s.sts(ctx)
	if err != nil {
		return identity{}, err
	}
	out, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return identity{}, &callError{op: "sts:GetCallerIdentity", err: err}
	}
	id := identity{account: printable(aws.ToString(out.Account), 20), arn: printable(aws.ToString(out.Arn), 300)}
	if id.account == "" || id.arn == "" {
		return identity{}, &callError{op: "sts:GetCallerIdentity", err: errNoAnswer}
	}
	return id, nil
}

// errNoAnswer is an answer that lacks what every such answer holds. An empty
// list is there and empty; one that is missing says nothing.
var errNoAnswer = errors.New("the answer lacks what it should hold; is this the address of AWS?")
