package anthropic

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
	secretAdmin      = "admin_key"
	secretKey        = "api_key"
	secretCompliance = "compliance_key"
)

// config is the settings of one source.
type config struct {
	Vendor   string `json:"vendor"`
	History  int    `json:"history_days"`
	Requests []struct {
		Workspace string `json:"workspace"`
		APIKey    string `json:"api_key"`
		Model     string `json:"model"`
		System    string `json:"system"`
	} `json:"requests"`
	Activities []string `json:"activity_types"`
	Rate       float64  `json:"requests_per_second"`
	BaseURL    string   `json:"base_url"`

	admin, key, compliance string
}

// parseConfig decodes and checks the settings and the secrets.
func parseConfig(in connector.Config) (*config, error) {
	c := &config{Vendor: "anthropic", History: 90, Rate: 5, BaseURL: "https://api.anthropic.com",
		admin: in.Secrets[secretAdmin], key: in.Secrets[secretKey], compliance: in.Secrets[secretCompliance]}
	if len(in.Settings) > 0 {
		if err := json.Unmarshal(in.Settings, c); err != nil {
			return nil, fmt.Errorf("anthropic: settings: %w", err)
		}
	}
	if u, err := url.Parse(c.BaseURL); err != nil || u.Host == "" || u.User != nil {
		return nil, errors.New("anthropic: base_url: want an address such as https://api.anthropic.com, without user name or password")
	}
	if c.admin == "" {
		return nil, fmt.Errorf("anthropic: the secret %s is not given", secretAdmin)
	}
	for _, name := range []string{secretAdmin, secretKey, secretCompliance} {
		if s := in.Secrets[name]; s != "" && !rest.FitsHeader(s) {
			return nil, fmt.Errorf("anthropic: the secret %s holds a space, a line break or another character that no key has", name)
		}
	}
	if c.History < 1 {
		return nil, errors.New("anthropic: history_days: want at least 1")
	}
	for _, a := range c.Requests {
		if a.Model == "" || a.System == "" || a.Workspace == "" && a.APIKey == "" {
			return nil, errors.New("anthropic: requests: each wants a model, a system, and a workspace or an api_key")
		}
	}
	return c, nil
}

// declared is what systems ask for, with the default workspace by its id.
func (c *config) declared(defaultID string) []records.Asked {
	var out []records.Asked
	for _, a := range c.Requests {
		workspace := a.Workspace
		if workspace == defaultName {
			workspace = defaultID
		}
		out = append(out, records.Asked{Project: workspace, APIKey: a.APIKey, Model: a.Model, System: a.System})
	}
	return out
}
