package okta

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/grants"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// Names of the secrets.
const (
	secretToken  = "api_token"
	secretAccess = "access_token"
	secretKey    = "private_key"
)

// config is the settings of one source.
type config struct {
	grants.Privacy
	BaseURL    string  `json:"base_url"`
	ClientID   string  `json:"client_id"`
	KeyID      string  `json:"key_id"`
	History    int     `json:"history_days"`
	UserGrants bool    `json:"user_grants"`
	MaxUsers   int     `json:"max_users"`
	Unresolved bool    `json:"include_unresolved"`
	Rate       float64 `json:"requests_per_second"`

	token, access string
	key           *signer
}

// parseConfig decodes and checks the settings and the secrets.
func parseConfig(in connector.Config) (*config, error) {
	c := &config{History: 14, MaxUsers: 2000, Rate: 5, token: in.Secrets[secretToken], access: in.Secrets[secretAccess]}
	if len(in.Settings) > 0 {
		if err := json.Unmarshal(in.Settings, c); err != nil {
			return nil, fmt.Errorf("okta: settings: %w", err)
		}
	}
	u, err := url.Parse(c.BaseURL)
	if err != nil || u.Host == "" || u.User != nil {
		return nil, errors.New("okta: base_url: want an address such as https://acme.okta.com, without user name or password")
	}
	if host := u.Hostname(); strings.HasSuffix(host, "-admin.okta.com") || strings.HasSuffix(host, "-admin.oktapreview.com") {
		return nil, errors.New("okta: base_url: it is the admin console's; leave -admin out")
	}
	if c.History < 1 || c.MaxUsers < 1 {
		return nil, errors.New("okta: history_days and max_users: want at least 1")
	}
	if err := c.Settle(in.Secrets[grants.SecretSalt]); err != nil {
		return nil, fmt.Errorf("okta: %w", err)
	}
	return c, c.credential(in.Secrets[secretKey])
}

// credential checks that there is exactly one, and that it can be sent.
func (c *config) credential(key string) error {
	given := 0
	for _, s := range []string{c.token, c.access, key} {
		if s != "" {
			given++
		}
	}
	if given != 1 {
		return fmt.Errorf("okta: give one of the secrets %s, %s and %s; %d are given", secretToken, secretAccess, secretKey, given)
	}
	for name, s := range map[string]string{secretToken: c.token, secretAccess: c.access} {
		if s != "" && !rest.FitsHeader(s) {
			return fmt.Errorf("okta: the secret %s holds a space, a line break or another character that no token has; give it without SSWS or Bearer", name)
		}
	}
	if key == "" {
		return nil
	}
	if c.ClientID == "" {
		return fmt.Errorf("okta: client_id: the secret %s needs the id of its service app", secretKey)
	}
	var err error
	c.key, err = readKey(key)
	return err
}

// account names the organisation.
func (c *config) account() string {
	u, err := url.Parse(c.BaseURL)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}
