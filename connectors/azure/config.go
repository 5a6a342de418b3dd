package azure

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// secretClient is the name of the one secret.
const secretClient = "client_secret"

// config is the settings of one source.
type config struct {
	Tenant             string            `json:"tenant_id"`
	Client             string            `json:"client_id"`
	FederatedTokenFile string            `json:"federated_token_file"`
	Subscriptions      []string          `json:"subscriptions"`
	Vendor             string            `json:"vendor"`
	EnvironmentTag     string            `json:"environment_tag"`
	OwnerTag           string            `json:"owner_tag"`
	Systems            map[string]string `json:"systems"`
	Rate               float64           `json:"requests_per_second"`
	Cloud              string            `json:"cloud"`
	BaseURL            string            `json:"base_url"`
	AuthorityURL       string            `json:"authority_url"`

	secret string
}

// place is where one of Azure's clouds answers.
type place struct{ manager, authority, portal string }

func clouds() map[string]place {
	return map[string]place{
		"public":     {"https://management.azure.com", "https://login.microsoftonline.com", "https://portal.azure.com"},
		"government": {"https://management.usgovcloudapi.net", "https://login.microsoftonline.us", "https://portal.azure.us"},
		"china":      {"https://management.chinacloudapi.cn", "https://login.partner.microsoftonline.cn", "https://portal.azure.cn"},
	}
}

// parseConfig decodes and checks the settings.
func parseConfig(in connector.Config) (*config, error) {
	c := &config{Vendor: "azure", EnvironmentTag: "environment", OwnerTag: "owner", Rate: 5, Cloud: "public", secret: in.Secrets[secretClient]}
	if err := json.Unmarshal(in.Settings, c); err != nil {
		return nil, fmt.Errorf("azure: settings: %w", err)
	}
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if (c.secret == "") == (c.FederatedTokenFile == "") {
		bad("give either the secret %s or settings.federated_token_file", secretClient)
	}
	if c.AuthorityURL != "" && c.BaseURL == "" {
		bad("authority_url: only with base_url: the secret would go elsewhere than to Azure")
	}
	for name, raw := range map[string]string{"base_url": c.BaseURL, "authority_url": c.AuthorityURL} {
		if u, err := url.Parse(raw); raw != "" && (err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http")) {
			bad("%s: want an address that begins with https://, without user name or password", name)
		}
	}
	at := clouds()[c.Cloud]
	if c.BaseURL == "" {
		c.BaseURL = at.manager
	}
	if c.AuthorityURL == "" {
		c.AuthorityURL = at.authority
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("azure: settings: %w", err)
	}
	return c, nil
}
