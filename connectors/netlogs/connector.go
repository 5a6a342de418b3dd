package netlogs

import (
	_ "embed"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Version is the connector's own version.
const Version = "0.1.0"

// permRead is the right to read the files.
const permRead = "read-files"

//go:embed config.schema.json
var configSchema []byte

// Connector reads logs of networks.
type Connector struct {
	signatures func() (*aisign.Set, error)
}

var _ connector.Connector = (*Connector)(nil)

// New returns the connector.
func New() *Connector { return &Connector{signatures: aisign.Load} }

// Describe says what the connector is.
func (*Connector) Describe() connector.Descriptor {
	return connector.Descriptor{
		Name:         "netlogs",
		Version:      Version,
		Summary:      "Logs of name servers, proxies and firewalls: which vendors of AI were asked for, by day and part of the network",
		ConfigSchema: configSchema,
		Secrets: []connector.SecretSpec{{Name: secretSalt,
			Summary: "at least 16 random letters, kept for good: people and machines are counted by hashes keyed with it, and pseudonyms are made with it"}},
		Kinds: []connector.KindSpec{{Kind: records.KindActivity, Major: 1,
			Summary: "requests of a day to a vendor's API or pages, by a group of the network or of people", Reread: connector.ReadSinceCursor}},
		Permissions: []connector.Permission{{
			ID: permRead, Kinds: []string{records.KindActivity},
			Why:   "logs are read where they lie",
			Grant: "let the agent's user read the files and list their folders (a group such as adm or proxy, or an ACL); nothing is ever written",
		}},
	}
}
