package entra

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

// Permissions, by the names of Graph's application permissions.
const (
	permApps     = "Application.Read.All"
	permGrants   = "DelegatedPermissionGrant.Read.All"
	permLogs     = "AuditLog.Read.All"
	permLicences = "LicenseAssignment.Read.All"
	permReports  = "Reports.Read.All"
	permUsers    = "User.ReadBasic.All"
)

//go:embed config.schema.json
var configSchema []byte

// Connector reads a tenant of Microsoft Entra ID.
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
		Name:         "entra",
		Version:      Version,
		Summary:      "Microsoft Entra ID: AI applications with rights and people, consents, sign-ins, Microsoft 365 Copilot",
		ConfigSchema: configSchema,
		Secrets: []connector.SecretSpec{
			{Name: secretClient, Summary: "a client secret of the app registration; or none, with federated_token_file"},
			{Name: grants.SecretSalt, Summary: "16 characters or more that nobody can guess; pseudonyms are made with it, the same in all sources that have it"},
		},
		Kinds: []connector.KindSpec{
			{Kind: records.KindSighting, Major: 1, Summary: "an application of a known AI vendor or product with what it may do, or licences of Microsoft's own assistant"},
			{Kind: records.KindActivity, Major: 1, Summary: "sign-ins to such an application, consents to it, or people who used Microsoft 365 Copilot, on a day", Reread: connector.ReadSinceCursor},
		},
		Permissions: permissions(),
	}
}

func permissions() []connector.Permission {
	const grant = "Entra admin centre, App registrations, the app, API permissions, Microsoft Graph, Application permissions: add it, and grant admin consent"
	seen, both := []string{records.KindSighting}, []string{records.KindSighting, records.KindActivity}
	return []connector.Permission{
		{ID: permApps, Kinds: both, Why: "lists applications, whom they are assigned to, and which application permissions they have", Grant: grant},
		{ID: permGrants, Kinds: seen, Why: "reads which rights people and administrators gave an application", Grant: grant},
		{ID: permLogs, Kinds: []string{records.KindActivity}, Why: "reads consents and sign-ins; sign-ins need the licence P1 too", Grant: grant},
		{ID: permLicences, Kinds: seen, Why: "reads how many licences of Copilot there are and are assigned", Grant: grant},
		{ID: permReports, Kinds: []string{records.KindActivity}, Why: "reads how many people used Copilot on a day; asked only where there are licences", Grant: grant},
		{ID: permUsers, Kinds: seen, Why: "with people: reads the user names of those who use an application", Grant: grant},
	}
}
