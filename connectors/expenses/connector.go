package expenses

import (
	_ "embed"
	"sync"

	"github.com/exhibit-aims/exhibit/plugins/aisign"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Version is the connector's own version.
const Version = "0.1.0"

// permRead is the right to read the files.
const permRead = "read-files"

// secretSalt is the name of the secret behind pseudonyms.
const secretSalt = "salt"

//go:embed config.schema.json
var configSchema []byte

// Connector reads exports.
type Connector struct {
	signatures func() (*aisign.Set, error)
}

var _ connector.Connector = (*Connector)(nil)

// New returns the connector.
func New() *Connector { return &Connector{signatures: sync.OnceValues(aisign.Load)} }

// Describe says what the connector is.
func (*Connector) Describe() connector.Descriptor {
	kinds := []string{records.KindActivity}
	return connector.Descriptor{
		Name:         "expenses",
		Version:      Version,
		Summary:      "Exports of cards, expense reports and invoices: which vendors of AI were paid, by month and cost centre",
		ConfigSchema: configSchema,
		Secrets: []connector.SecretSpec{{Name: secretSalt,
			Summary: "at least 16 random letters, kept for good: pseudonyms are made with it, the same in all sources that have it"}},
		Kinds: []connector.KindSpec{{Kind: records.KindActivity, Major: 1, Summary: "charges of a month by a vendor of AI to a cost centre, in one currency"}},
		Permissions: []connector.Permission{{
			ID: permRead, Kinds: kinds, Why: "exports are read where they lie",
			Grant: "let the agent's user read the files and list their folders; nothing is ever written",
		}},
	}
}
