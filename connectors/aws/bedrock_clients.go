package aws

import (
	"context"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/bedrock"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagent"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
)

// reach returns an HTTP client for the address of a service in a region.
func (s *session) reach(service, region string, e smithyendpoints.Endpoint, err error) (*http.Client, error) {
	if err != nil {
		return nil, fmt.Errorf("aws: address of %s in %s: %w", service, region, err)
	}
	return s.httpClient(e.URI.String())
}

func (s *session) bedrock(ctx context.Context, region string) (*bedrock.Client, error) {
	e, err := bedrock.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, bedrock.EndpointParameters{Region: &region, Endpoint: s.endpoint()})
	hc, err := s.reach("Bedrock", region, e, err)
	if err != nil {
		return nil, err
	}
	return bedrock.New(bedrock.Options{Region: region, Credentials: s.creds, HTTPClient: hc, BaseEndpoint: s.endpoint(), Retryer: s.retryer()}), nil
}

func (s *session) bedrockAgent(ctx context.Context, region string) (*bedrockagent.Client, error) {
	e, err := bedrockagent.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, bedrockagent.EndpointParameters{Region: &region, Endpoint: s.endpoint()})
	hc, err := s.reach("Agents for Bedrock", region, e, err)
	if err != nil {
		return nil, err
	}
	return bedrockagent.New(bedrockagent.Options{Region: region, Credentials: s.creds, HTTPClient: hc, BaseEndpoint: s.endpoint(), Retryer: s.retryer()}), nil
}

func (s *session) cloudWatch(ctx context.Context, region string) (*cloudwatch.Client, error) {
	e, err := cloudwatch.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, cloudwatch.EndpointParameters{Region: &region, Endpoint: s.endpoint()})
	hc, err := s.reach("CloudWatch", region, e, err)
	if err != nil {
		return nil, err
	}
	return cloudwatch.New(cloudwatch.Options{Region: region, Credentials: s.creds, HTTPClient: hc, BaseEndpoint: s.endpoint(), Retryer: s.retryer()}), nil
}

func (s *session) cloudWatchLogs(ctx context.Context, region string) (*cloudwatchlogs.Client, error) {
	e, err := cloudwatchlogs.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, cloudwatchlogs.EndpointParameters{Region: &region, Endpoint: s.endpoint()})
	hc, err := s.reach("CloudWatch Logs", region, e, err)
	if err != nil {
		return nil, err
	}
	return cloudwatchlogs.New(cloudwatchlogs.Options{Region: region, Credentials: s.creds, HTTPClient: hc, BaseEndpoint: s.endpoint(), Retryer: s.retryer()}), nil
}
