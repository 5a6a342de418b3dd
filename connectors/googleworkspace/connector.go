package googleworkspace

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

// Permissions, by the names of Google's scopes.
const (
	permUsers    = "https://www.googleapis.com/auth/admin.directory.user.readonly"
	permTokens   = "https://www.googleapis.com/auth/admin.directory.user.security"
	permReports  = "https://www.googleapis.com/auth/admin.reports.audit.readonly"
	permLicences = "https://www.googleapis.com/auth/apps.licensing"
)

//go:embed config.schema.json
var configSchema []byte

// Connector reads a customer of Google Workspace.
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
		Name:         "googleworkspace",
		Version:      Version,
		Summary:      "Google Workspace: AI applications that people let in, consents, sign-ins, Gemini",
		ConfigSchema: configSchema,
		Secrets: []connector.SecretSpec{
			{Name: secretKey, Summary: "key of a service account with domain-wide delegation, the whole JSON file"},
			{Name: secretToken, Summary: "instead of the key: an access token of an administrator, for an hour at most"},
			{Name: grants.SecretSalt, Summary: "16 characters or more that nobody can guess; pseudonyms are made with it, the same in all sources that have it"},
		},
		Kinds: []connector.KindSpec{
			{Kind: records.KindSighting, Major: 1, Summary: "an application of a known AI vendor or product that people gave a token, with its rights, or licences of Gemini"},
			{Kind: records.KindActivity, Major: 1, Summary: "consents to such an application, sign-ins, calls for data, or use of Gemini, on a day", Reread: connector.ReadSinceCursor},
		},
		Permissions: permissions(),
	}
}

func permissions() []connector.Permission {
	const grant = "Admin console, Security, Access and data control, API controls, Domain-wide delegation: add the scope for the service account's client id; the administrator named in the settings needs the role: "
	seen, did := []string{records.KindSighting}, []string{records.KindActivity}
	return []connector.Permission{
		{ID: permUsers, Kinds: seen, Why: "lists people", Grant: grant + "Users, Read"},
		{ID: permTokens, Kinds: seen, Why: "reads which applications each person let in; Google has no scope for that which may only read, the connector asks with GET alone", Grant: grant + "Security, User Security Management"},
		{ID: permReports, Kinds: did, Why: "reads consents, sign-ins by SAML and Gemini's log", Grant: grant + "Reports"},
		{ID: permLicences, Kinds: seen, Why: "with licences: counts licences of Gemini; this scope may also assign them", Grant: grant + "License Management, Read"},
	}
}
