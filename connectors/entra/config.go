package entra

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/grants"
)

// secretClient is the name of the secret.
const secretClient = "client_secret"

// config is the settings of one source.
type config struct {
	grants.Privacy
	Tenant       string  `json:"tenant_id"`
	Client       string  `json:"client_id"`
	TokenFile    string  `json:"federated_token_file"`
	History      int     `json:"history_days"`
	SignIns      bool    `json:"sign_ins"`
	Unresolved   bool    `json:"include_unresolved"`
	Rate         float64 `json:"requests_per_second"`
	Cloud        string  `json:"cloud"`
	BaseURL      string  `json:"base_url"`
	AuthorityURL string  `json:"authority_url"`

	secret string
	portal string
}

// place is where one of Microsoft's clouds answers.
type place struct{ graph, authority, portal string }

func clouds() map[string]place {
	return map[string]place{
		"public":     {"https://graph.microsoft.com", "https://login.microsoftonline.com", "https://entra.microsoft.com"},
		"government": {"https://graph.microsoft.us", "https://login.microsoftonline.us", "https://entra.microsoft.us"},
		"dod":        {"https://dod-graph.microsoft.us", "https://login.microsoftonline.us", "https://entra.microsoft.us"},
		"china":      {"https://microsoftgraph.chinacloudapi.cn", "https://login.partner.microsoftonline.cn", "https://entra.microsoftonline.cn"},
	}
}

// parseConfig decodes and checks the settings and the secrets.
func parseConfig(in connector.Config) (*config, error) {
	c := &config{History: 14, SignIns: true, Rate: 5, Cloud: "public", secret: in.Secrets[secretClient]}
	if len(in.Settings) > 0 {
		if err := json.Unmarshal(in.Settings, c); err != nil {
			return nil, fmt.Errorf("entra: settings: %w", err)
		}
	}
	at, ok := clouds()[c.Cloud]
	switch {
	case (c.secret == "") == (c.TokenFile == ""):
		return nil, fmt.Errorf("entra: give either the secret %s or federated_token_file", secretClient)
	case !plain(c.Tenant) || !plain(c.Client):
		return nil, errors.New("entra: tenant_id and client_id: want the ids that the app registration shows, or the tenant's domain")
	case !ok:
		return nil, errors.New("entra: cloud: want public, government, dod or china")
	case c.History < 1:
		return nil, errors.New("entra: history_days: want at least 1")
	case c.AuthorityURL != "" && c.BaseURL == "":
		return nil, errors.New("entra: authority_url: only with base_url: the secret would go elsewhere than to Microsoft")
	}
	for name, raw := range map[string]string{"base_url": c.BaseURL, "authority_url": c.AuthorityURL} {
		if u, err := url.Parse(raw); raw != "" && (err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http")) {
			return nil, fmt.Errorf("entra: %s: want an address that begins with https://, without user name or password", name)
		}
	}
	if c.BaseURL == "" {
		c.BaseURL, c.portal = at.graph, at.portal
	}
	if c.AuthorityURL == "" {
		c.AuthorityURL = at.authority
	}
	if err := c.Settle(in.Secrets[grants.SecretSalt]); err != nil {
		return nil, fmt.Errorf("entra: %w", err)
	}
	return c, nil
}

// plain reports whether an id can stand in an address or a filter.
func plain(id string) bool {
	return id != "" && len(id) <= 100 && id[0] != '.' && !strings.ContainsFunc(id, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_'
	})
}
