package aws

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// allRegions stands for every region that an account has switched on.
const allRegions = "all"

// config is the connector's settings; config.schema.json documents them.
type config struct {
	Regions              []string        `json:"regions"`
	Services             []string        `json:"services"`
	HomeRegion           string          `json:"home_region"`
	RoleARN              string          `json:"role_arn"`
	Accounts             []accountConfig `json:"accounts"`
	Organization         *orgConfig      `json:"organization"`
	SessionName          string          `json:"session_name"`
	WebIdentityTokenFile string          `json:"web_identity_token_file"`
	EnvironmentTag       string          `json:"environment_tag"`
	OwnerTag             string          `json:"owner_tag"`
	Vendor               string          `json:"vendor"`
	EndpointURL          string          `json:"endpoint_url"`
	RequestsPerSecond    float64         `json:"requests_per_second"`
	LookupsPerSecond     float64         `json:"lookups_per_second"`
	LookupPages          int             `json:"lookup_pages"`
	MaxAttempts          int             `json:"max_attempts"`

	keyID, secretKey, sessionToken, externalID string
}

// Services that can be left out, with what belongs to them.
const (
	serveSageMaker  = "sagemaker"
	serveBedrock    = "bedrock" // with the metrics and log stores that tell of its use
	serveCloudTrail = "cloudtrail"
)

func allServices() []string { return []string{serveSageMaker, serveBedrock, serveCloudTrail} }

// reads reports whether a service is to be read.
func (c *config) reads(service string) bool { return slices.Contains(c.Services, service) }

// serviceOf is the service that an IAM action belongs to; empty for those that
// every reading needs.
func serviceOf(action string) string {
	prefix, _, _ := strings.Cut(action, ":")
	switch prefix {
	case "sagemaker":
		return serveSageMaker
	case "bedrock", "cloudwatch", "logs", "s3":
		return serveBedrock
	case "cloudtrail":
		return serveCloudTrail
	}
	return ""
}

// accountConfig is an account to read, and the role that opens it.
type accountConfig struct {
	ID         string `json:"id"`
	RoleARN    string `json:"role_arn"`
	ExternalID string `json:"external_id"`
}

// orgConfig is how all accounts of an organisation are opened.
type orgConfig struct {
	RoleName   string   `json:"role_name"`
	ExternalID string   `json:"external_id"`
	Exclude    []string `json:"exclude"`
}

// parseConfig reads and checks settings and secrets and reports every error at
// once.
func parseConfig(cc connector.Config) (*config, error) {
	c := &config{SessionName: "exhibit", EnvironmentTag: "environment", OwnerTag: "owner", Vendor: "aws",
		Services: allServices(), RequestsPerSecond: 8, LookupsPerSecond: 2, LookupPages: 20, MaxAttempts: 5,
		keyID: cc.Secrets["access_key_id"], secretKey: cc.Secrets["secret_access_key"],
		sessionToken: cc.Secrets["session_token"], externalID: cc.Secrets["external_id"]}
	dec := json.NewDecoder(bytes.NewReader(cc.Settings))
	dec.DisallowUnknownFields()
	if err := dec.Decode(c); err != nil {
		return nil, fmt.Errorf("aws: settings: %w", err)
	}
	var errs []error
	if c.MaxAttempts < 1 || c.RequestsPerSecond <= 0 || c.LookupsPerSecond <= 0 || c.LookupPages < 1 {
		errs = append(errs, errors.New("max_attempts, requests_per_second, lookups_per_second, lookup_pages: want more than zero"))
	}
	errs = append(errs, c.checkRegions()...)
	errs = append(errs, c.checkIdentity()...)
	errs = append(errs, c.checkAccounts()...)
	if c.EndpointURL != "" {
		if err := checkEndpoint(c.EndpointURL); err != nil {
			errs = append(errs, fmt.Errorf("endpoint_url: %w", err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("aws: settings: %w", err)
	}
	return c, nil
}

// checkRegions also settles the home region: the first one named, or the one
// where AWS keeps its global services.
func (c *config) checkRegions() []error {
	var errs []error
	if len(c.Regions) == 0 {
		errs = append(errs, errors.New(`regions: name at least one, or "all"`))
	}
	name := regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$`)
	for i, r := range c.Regions {
		if !name.MatchString(r) && r != allRegions {
			errs = append(errs, fmt.Errorf("regions[%d]: %q is no region", i, r))
		}
	}
	if c.everyRegion() && len(c.Regions) > 1 {
		errs = append(errs, errors.New(`regions: give either "all" or names`))
	}
	if c.HomeRegion != "" && !name.MatchString(c.HomeRegion) {
		errs = append(errs, fmt.Errorf("home_region: %q is no region", c.HomeRegion))
	}
	switch {
	case c.HomeRegion != "":
	case c.everyRegion() || len(c.Regions) == 0:
		c.HomeRegion = "us-east-1"
	default:
		c.HomeRegion = c.Regions[0]
	}
	return errs
}

func (c *config) everyRegion() bool { return slices.Contains(c.Regions, allRegions) }

// checkIdentity: either keys, or a token file with a role.
func (c *config) checkIdentity() []error {
	var errs []error
	if (c.keyID == "") != (c.secretKey == "") {
		errs = append(errs, errors.New("secrets access_key_id and secret_access_key: give both or neither"))
	}
	switch {
	case c.WebIdentityTokenFile != "" && c.RoleARN == "":
		errs = append(errs, errors.New("role_arn: missing; web_identity_token_file needs the role that the token is for"))
	case c.WebIdentityTokenFile != "" && c.keyID != "":
		errs = append(errs, errors.New("web_identity_token_file: give either this or keys"))
	case c.WebIdentityTokenFile == "" && c.keyID == "":
		errs = append(errs, errors.New("secrets access_key_id and secret_access_key: missing; "+
			"a connector sees no environment and no ~/.aws, so give keys, or web_identity_token_file with role_arn"))
	}
	return errs
}

// checkAccounts: a list or an organisation, each account once, each role in
// the account that it opens.
func (c *config) checkAccounts() []error {
	var errs []error
	if c.Organization != nil && len(c.Accounts) > 0 {
		errs = append(errs, errors.New("accounts, organization: give one of them"))
	}
	if o := c.Organization; o != nil && !regexp.MustCompile(`^[A-Za-z0-9+=,.@_/-]{1,512}$`).MatchString(o.RoleName) {
		errs = append(errs, fmt.Errorf("organization.role_name: %q names no role", o.RoleName))
	}
	number := regexp.MustCompile(`^[0-9]{12}$`)
	seen := map[string]bool{}
	for i, a := range c.Accounts {
		switch {
		case !number.MatchString(a.ID):
			errs = append(errs, fmt.Errorf("accounts[%d].id: want twelve digits", i))
		case seen[a.ID]:
			errs = append(errs, fmt.Errorf("accounts[%d].id: %s is there twice", i, a.ID))
		case a.RoleARN != "" && !strings.Contains(a.RoleARN, ":iam::"+a.ID+":role/"):
			errs = append(errs, fmt.Errorf("accounts[%d].role_arn: not a role of account %s", i, a.ID))
		}
		seen[a.ID] = true
	}
	return errs
}

// checkEndpoint refuses addresses that would carry a session token in clear.
func checkEndpoint(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return errors.New("want an address like https://vpce-1.api.sagemaker.eu-west-1.vpce.amazonaws.com")
	}
	ip := net.ParseIP(u.Hostname())
	local := strings.EqualFold(u.Hostname(), "localhost") || (ip != nil && ip.IsLoopback())
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return errors.New("want https; http is for this machine itself")
	}
	return nil
}
