package okta

import (
	_ "embed"
	"sync"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/grants"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// Version is the connector's own version.
const Version = "0.1.0"

// Permissions, by the names of Okta's scopes. An API token has those of the
// administrator who made it.
const (
	permApps   = "okta.apps.read"
	permGrants = "okta.appGrants.read"
	permLogs   = "okta.logs.read"
	permUsers  = "okta.users.read"
)

//go:embed config.schema.json
var configSchema []byte

// Connector reads an organisation at Okta.
type Connector struct {
	clock   transport.Clock // of waits; nil means the system's
	matcher func() (*grants.Matcher, error)
}

var _ connector.Connector = (*Connector)(nil)

// New returns the connector.
func New() *Connector { return &Connector{matcher: sync.OnceValues(grants.NewMatcher)} }

// Describe says what the connector is.
func (*Connector) Describe() connector.Descriptor {
	return connector.Descriptor{
		Name:         "okta",
		Version:      Version,
		Summary:      "Okta: AI that people sign in to: applications, assignments, rights, days of use",
		ConfigSchema: configSchema,
		Secrets: []connector.SecretSpec{
			{Name: secretKey, Summary: "private key (PEM, RSA) of a service app that may only read; the better way"},
			{Name: secretToken, Summary: "instead of the key: an API token of a read-only administrator (sent as SSWS)"},
			{Name: secretAccess, Summary: "instead of both: an OAuth access token, for an hour at most"},
			{Name: grants.SecretSalt, Summary: "16 characters or more that nobody can guess; pseudonyms are made with it, the same in all sources that have it"},
		},
		Kinds: []connector.KindSpec{
			{Kind: records.KindSighting, Major: 1, Summary: "an application of a known AI vendor or product, or an OAuth client that people let in"},
			{Kind: records.KindActivity, Major: 1, Summary: "sign-ins and tokens of such an application on a day, and how many people", Reread: connector.ReadSinceCursor},
		},
		Permissions: permissions(),
	}
}

func permissions() []connector.Permission {
	const grant = "Admin console, Applications, the service app, Okta API Scopes: grant it; with an API token: the role Read-only Administrator has it"
	both := []string{records.KindSighting, records.KindActivity}
	return []connector.Permission{
		{ID: permApps, Kinds: both, Why: "lists applications, and the people and groups that they are assigned to", Grant: grant},
		{ID: permGrants, Kinds: []string{records.KindSighting}, Why: "reads which scopes an application was granted, and by whom", Grant: grant},
		{ID: permLogs, Kinds: []string{records.KindActivity}, Why: "reads sign-ins and tokens of these applications in the System Log", Grant: grant + "; Report Administrator has it too"},
		{ID: permUsers, Kinds: []string{records.KindSighting}, Why: "with user_grants or owner_hints: lists people and reads the login of one who granted something", Grant: grant},
	}
}
