package aws

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// config is the connector's settings; config.schema.json documents them.
type config struct {
	Regions              []string `json:"regions"`
	RoleARN              string   `json:"role_arn"`
	SessionName          string   `json:"session_name"`
	WebIdentityTokenFile string   `json:"web_identity_token_file"`
	EnvironmentTag       string   `json:"environment_tag"`
	Vendor               string   `json:"vendor"`
	EndpointURL          string   `json:"endpoint_url"`
	RequestsPerSecond    float64  `json:"requests_per_second"`
	MaxAttempts          int      `json:"max_attempts"`

	keyID, secretKey, sessionToken, externalID string
}

// parseConfig reads and checks settings and secrets and reports every error at
// once.
func parseConfig(cc connector.Config) (*config, error) {
	c := &config{SessionName: "exhibit", EnvironmentTag: "environment", Vendor: "aws", RequestsPerSecond: 8, MaxAttempts: 5,
		keyID: cc.Secrets["access_key_id"], secretKey: cc.Secrets["secret_access_key"],
		sessionToken: cc.Secrets["session_token"], externalID: cc.Secrets["external_id"]}
	dec := json.NewDecoder(bytes.NewReader(cc.Settings))
	dec.DisallowUnknownFields()
	if err := dec.Decode(c); err != nil {
		return nil, fmt.Errorf("aws: settings: %w", err)
	}
	var errs []error
	if len(c.Regions) == 0 {
		errs = append(errs, errors.New("regions: name at least one"))
	}
	if c.MaxAttempts < 1 || c.RequestsPerSecond <= 0 {
		errs = append(errs, errors.New("max_attempts, requests_per_second: want more than zero"))
	}
	name := regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$`)
	for i, r := range c.Regions {
		if !name.MatchString(r) {
			errs = append(errs, fmt.Errorf("regions[%d]: %q is no region", i, r))
		}
	}
	errs = append(errs, c.checkIdentity()...)
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
