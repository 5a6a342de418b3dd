package http

import (
	_ "embed"
	"maps"
	"slices"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Version is the connector's own version.
const Version = "0.1.0"

// permRead is the one permission: what it is called only the API knows.
const permRead = "read"

//go:embed config.schema.json
var configSchema []byte

// Connector reads one API.
type Connector struct{}

var _ connector.Connector = (*Connector)(nil)

// New returns the connector.
func New() *Connector { return &Connector{} }

// Describe says what the connector is.
func (*Connector) Describe() connector.Descriptor {
	d := connector.Descriptor{
		Name:         "http",
		Version:      Version,
		Summary:      "Any system with a JSON API: requests, paging and mapping to records declared in the settings",
		ConfigSchema: configSchema,
		Secrets: []connector.SecretSpec{
			{Name: secretToken, Summary: "for auth.type bearer and header: the token; for basic: the password; for client_credentials: the client's secret"},
		},
		Permissions: []connector.Permission{{
			ID: permRead, Why: "every request of the settings is a question; none changes anything",
			Grant: "in the system's own administration: an identity that may read the paths in the settings and nothing else",
		}},
	}
	for _, kind := range kinds() {
		d.Kinds = append(d.Kinds, connector.KindSpec{Kind: kind, Major: 1, Summary: "from items that the settings map to it", Reread: connector.ReadIfChanged})
		d.Permissions[0].Kinds = append(d.Permissions[0].Kinds, kind)
	}
	return d
}

// kinds are those that an item can be mapped to, sorted.
func kinds() []string {
	all := slices.Collect(maps.Keys(records.Typed()))
	for _, s := range records.Shapes() {
		all = append(all, s.Kind)
	}
	slices.Sort(all)
	return all
}
