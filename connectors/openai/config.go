package openai

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// Names of the secrets.
const (
	secretAdmin = "admin_key"
	secretKey   = "api_key"
)

// config is the settings of one source.
type config struct {
	Vendor   string          `json:"vendor"`
	History  int             `json:"history_days"`
	Requests []records.Asked `json:"requests"`
	Rate     float64         `json:"requests_per_second"`
	BaseURL  string          `json:"base_url"`

	admin, key string
}

// parseConfig decodes and checks the settings and the secrets.
func parseConfig(in connector.Config) (*config, error) {
	c := &config{Vendor: "openai", History: 90, Rate: 5, BaseURL: "https://api.openai.com/v1", admin: in.Secrets[secretAdmin], key: in.Secrets[secretKey]}
	if len(in.Settings) > 0 {
		if err := json.Unmarshal(in.Settings, c); err != nil {
			return nil, fmt.Errorf("openai: settings: %w", err)
		}
	}
	if u, err := url.Parse(c.BaseURL); err != nil || u.Host == "" || u.User != nil {
		return nil, errors.New("openai: base_url: want an address such as https://api.openai.com/v1, without user name or password")
	}
	if c.admin == "" {
		return nil, fmt.Errorf("openai: the secret %s is not given", secretAdmin)
	}
	for _, name := range []string{secretAdmin, secretKey} {
		if s := in.Secrets[name]; s != "" && !rest.FitsHeader(s) {
			return nil, fmt.Errorf("openai: the secret %s holds a space, a line break or another character that no key has", name)
		}
	}
	if c.History < 1 {
		return nil, errors.New("openai: history_days: want at least 1")
	}
	for _, a := range c.Requests {
		if a.Model == "" || a.System == "" || a.Project == "" && a.APIKey == "" {
			return nil, errors.New("openai: requests: each wants a model, a system, and a project or an api_key")
		}
	}
	return c, nil
}
