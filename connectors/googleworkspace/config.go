package googleworkspace

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/grants"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// Names of the secrets.
const (
	secretKey   = "service_account_key"
	secretToken = "access_token"
)

// config is the settings of one source.
type config struct {
	grants.Privacy
	Admin      string  `json:"admin"`
	Customer   string  `json:"customer_id"`
	History    int     `json:"history_days"`
	MaxUsers   int     `json:"max_users"`
	APICalls   bool    `json:"api_calls"`
	Gemini     bool    `json:"gemini"`
	Licences   bool    `json:"licences"`
	Unresolved bool    `json:"include_unresolved"`
	Rate       float64 `json:"requests_per_second"`
	BaseURL    string  `json:"base_url"`

	token string
	key   *serviceKey
}

// serviceKey is the key file of a service account.
type serviceKey struct {
	Type       string `json:"type"`
	Email      string `json:"client_email"`
	ClientID   string `json:"client_id"`
	KeyID      string `json:"private_key_id"`
	PrivateKey string `json:"private_key"`
	TokenURI   string `json:"token_uri"`
}

// parseConfig decodes and checks the settings and the secrets.
func parseConfig(in connector.Config) (*config, error) {
	c := &config{Customer: "my_customer", History: 14, MaxUsers: 5000, Gemini: true, Rate: 10, token: in.Secrets[secretToken]}
	if len(in.Settings) > 0 {
		if err := json.Unmarshal(in.Settings, c); err != nil {
			return nil, fmt.Errorf("googleworkspace: settings: %w", err)
		}
	}
	if u, err := url.Parse(c.BaseURL); c.BaseURL != "" && (err != nil || u.Host == "" || u.User != nil) {
		return nil, errors.New("googleworkspace: base_url: want an address that begins with https://, without user name or password")
	}
	switch {
	case c.History < 1 || c.MaxUsers < 1:
		return nil, errors.New("googleworkspace: history_days and max_users: want at least 1")
	case c.Licences && c.Customer == "my_customer":
		return nil, errors.New("googleworkspace: customer_id: licences need the customer's own id, C…")
	}
	if err := c.Settle(in.Secrets[grants.SecretSalt]); err != nil {
		return nil, fmt.Errorf("googleworkspace: %w", err)
	}
	return c, c.credential(in.Secrets[secretKey])
}

// credential checks that there is exactly one, and that it can be used.
func (c *config) credential(raw string) error {
	switch {
	case (raw == "") == (c.token == ""):
		return fmt.Errorf("googleworkspace: give one of the secrets %s and %s", secretKey, secretToken)
	case raw == "" && !rest.FitsHeader(c.token):
		return fmt.Errorf("googleworkspace: the secret %s holds a space, a line break or another character that no token has", secretToken)
	case raw == "":
		return nil
	case c.Admin == "":
		return fmt.Errorf("googleworkspace: admin: with the secret %s, name the administrator in whose name it reads", secretKey)
	}
	c.key = &serviceKey{}
	if json.Unmarshal([]byte(raw), c.key) != nil || c.key.Type != "service_account" || c.key.Email == "" || c.key.PrivateKey == "" {
		return fmt.Errorf("googleworkspace: the secret %s is no key of a service account: give the whole JSON file, with type service_account", secretKey)
	}
	return c.checkTokenURI()
}

// checkTokenURI refuses a key that would have the signed claim sent elsewhere.
func (c *config) checkTokenURI() error {
	const google = "https://oauth2.googleapis.com/token"
	if c.key.TokenURI == "" {
		c.key.TokenURI = google
	}
	u, err := url.Parse(c.key.TokenURI)
	if err != nil || c.key.TokenURI != google && (c.BaseURL == "" || u.Scheme != "https" && u.Hostname() != "127.0.0.1") {
		return fmt.Errorf("googleworkspace: the secret %s names a token_uri that is not Google's; with another base_url it may be any https address", secretKey)
	}
	return nil
}
