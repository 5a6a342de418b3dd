package secrets

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// containerHost is where ECS answers for AWS_CONTAINER_CREDENTIALS_RELATIVE_URI.
const containerHost = "http://169.254.170.2"

// ofEnvironment returns the first of those that the environment names: a key, the
// service account of a pod, the container's, the instance's. They are got when
// they are first needed, and again before they expire.
func ofEnvironment(getenv func(string) string, region string, client *http.Client) (aws.CredentialsProvider, error) {
	if id, key := getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY"); id != "" && key != "" {
		return credentials.NewStaticCredentialsProvider(id, key, getenv("AWS_SESSION_TOKEN")), nil
	}
	if file, role := getenv("AWS_WEB_IDENTITY_TOKEN_FILE"), getenv("AWS_ROLE_ARN"); file != "" && role != "" {
		s := sts.NewFromConfig(aws.Config{Region: region, HTTPClient: client, Credentials: aws.AnonymousCredentials{}}, func(o *sts.Options) {
			if e := firstOf(getenv("AWS_ENDPOINT_URL_STS"), getenv("AWS_ENDPOINT_URL")); e != "" {
				o.BaseEndpoint = aws.String(e)
			}
		})
		return aws.NewCredentialsCache(stscreds.NewWebIdentityRoleProvider(s, role, stscreds.IdentityTokenFile(file), func(o *stscreds.WebIdentityRoleOptions) {
			o.RoleSessionName = firstOf(getenv("AWS_ROLE_SESSION_NAME"), "exhibit")
		})), nil
	}
	if full, relative := getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI"), getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); full != "" || relative != "" {
		return ofContainer(full, relative, getenv)
	}
	if strings.EqualFold(getenv("AWS_EC2_METADATA_DISABLED"), "true") {
		return nil, errors.New("the environment holds no credentials of AWS, and those of the instance are switched off by AWS_EC2_METADATA_DISABLED")
	}
	return aws.NewCredentialsCache(ec2rolecreds.New()), nil
}

// ofContainer gets credentials from the agent of ECS or EKS. They are asked for
// on this machine, or over https.
func ofContainer(full, relative string, getenv func(string) string) (aws.CredentialsProvider, error) {
	address := full
	if relative != "" {
		address = containerHost + relative
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("AWS_CONTAINER_CREDENTIALS_FULL_URI is no address")
	}
	if u.Scheme != "https" && !onThisMachine(u.Hostname()) {
		return nil, fmt.Errorf("AWS_CONTAINER_CREDENTIALS_FULL_URI leads to %s in the clear: it may be this machine, or https", u.Hostname())
	}
	return aws.NewCredentialsCache(endpointcreds.New(address, func(o *endpointcreds.Options) {
		o.AuthorizationToken = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")
		if file := getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
			o.AuthorizationTokenProvider = endpointcreds.TokenProviderFunc(func() (string, error) {
				raw, err := os.ReadFile(file)
				return strings.TrimSpace(string(raw)), err
			})
		}
	})), nil
}

// onThisMachine reports whether a host is this machine, or one of the addresses
// at which ECS and EKS answer on each.
func onThisMachine(host string) bool {
	switch host {
	case "localhost", "169.254.170.2", "169.254.170.23", "fd00:ec2::23":
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
