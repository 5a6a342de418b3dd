package gcp

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// Names of the secrets.
const (
	secretKey   = "service_account_key"
	secretToken = "access_token"
)

// config is the settings of one source.
type config struct {
	Projects         []string `json:"projects"`
	Locations        []string `json:"locations"`
	Publishers       []string `json:"publishers"`
	Vendor           string   `json:"vendor"`
	ApprovalAliases  []string `json:"approval_aliases"`
	EnvironmentLabel string   `json:"environment_label"`
	OwnerLabel       string   `json:"owner_label"`
	Rate             float64  `json:"requests_per_second"`
	BaseURL          string   `json:"base_url"`

	token string
	key   *serviceKey
}

// serviceKey is the key file of a service account.
type serviceKey struct {
	Type       string `json:"type"`
	Email      string `json:"client_email"`
	KeyID      string `json:"private_key_id"`
	PrivateKey string `json:"private_key"`
	TokenURI   string `json:"token_uri"`
}

// parseConfig decodes and checks the settings and the secret.
func parseConfig(in connector.Config) (*config, error) {
	c := &config{Vendor: "google", Publishers: []string{"google"}, EnvironmentLabel: "environment", OwnerLabel: "owner", Rate: 5, token: in.Secrets[secretToken]}
	if err := json.Unmarshal(in.Settings, c); err != nil {
		return nil, fmt.Errorf("gcp: settings: %w", err)
	}
	if c.BaseURL != "" {
		if u, err := url.Parse(c.BaseURL); err != nil || u.Host == "" || u.User != nil {
			return nil, errors.New("gcp: base_url: want an address that begins with https://, without user name or password")
		}
	}
	raw := in.Secrets[secretKey]
	switch {
	case raw == "" && c.token == "":
		return nil, fmt.Errorf("gcp: neither the secret %s nor %s is given", secretKey, secretToken)
	case raw == "":
		return c, nil
	case c.token != "":
		return nil, fmt.Errorf("gcp: both secrets are given; leave one of %s and %s out", secretKey, secretToken)
	}
	c.key = &serviceKey{}
	if json.Unmarshal([]byte(raw), c.key) != nil || c.key.Type != "service_account" || c.key.Email == "" || c.key.PrivateKey == "" {
		return nil, fmt.Errorf("gcp: the secret %s is no key of a service account: give the whole JSON file that IAM made, with type service_account", secretKey)
	}
	return c, c.checkTokenURI()
}

// checkTokenURI refuses a key that would have the signed claim sent elsewhere.
func (c *config) checkTokenURI() error {
	const google = "https://oauth2.googleapis.com/token"
	if c.key.TokenURI == "" {
		c.key.TokenURI = google
	}
	u, err := url.Parse(c.key.TokenURI)
	if err != nil || c.key.TokenURI != google && (c.BaseURL == "" || u.Scheme != "https" && u.Hostname() != "127.0.0.1") {
		return fmt.Errorf("gcp: the secret %s names a token_uri that is not Google's; with another base_url it may be any https address", secretKey)
	}
	return nil
}
