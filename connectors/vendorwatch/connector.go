package vendorwatch

import (
	_ "embed"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Version is the connector's own version.
const Version = "0.1.0"

// permPublic is no right but a fact to check: the page is open to everybody.
const permPublic = "public-page"

//go:embed config.schema.json
var configSchema []byte

// Connector reads the public pages of vendors.
type Connector struct{}

var _ connector.Connector = (*Connector)(nil)

// New returns the connector.
func New() *Connector { return &Connector{} }

// Describe says what the connector is.
func (*Connector) Describe() connector.Descriptor {
	kinds := []string{records.KindVendorIncident, records.KindModelLifecycle, records.KindTermsRevision}
	return connector.Descriptor{
		Name:         "vendorwatch",
		Version:      Version,
		Summary:      "What vendors of AI publish: incidents, models that end, terms, trust and subprocessor pages",
		ConfigSchema: configSchema,
		Kinds: []connector.KindSpec{
			{Kind: records.KindVendorIncident, Major: 1, Summary: "an incident or a maintenance on a vendor's status page", Reread: connector.ReadIfChanged},
			{Kind: records.KindModelLifecycle, Major: 1, Summary: "a state of a model in a feed of deprecations", Reread: connector.ReadIfChanged},
			{Kind: records.KindTermsRevision, Major: 1, Summary: "a text of a page that differs from the one before; the first one read is no change", Reread: connector.ReadIfChanged},
		},
		Permissions: []connector.Permission{{
			ID: permPublic, Kinds: kinds,
			Why:   "pages are read as anybody would, without an account",
			Grant: "let the machine reach the addresses in the settings through its proxy; a page behind a login is not for this connector: hand it in as a document",
		}},
	}
}
