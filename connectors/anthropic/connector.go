package anthropic

import (
	_ "embed"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// Version is the connector's own version.
const Version = "0.1.0"

// Permissions. Anthropic knows kinds of keys, and one scope.
const (
	permAdmin    = "admin_api_key"
	permActivity = "read:compliance_activities"
	permKey      = "api_key"
)

//go:embed config.schema.json
var configSchema []byte

// Connector reads an organisation at Anthropic.
type Connector struct {
	clock transport.Clock // of waits; nil means the system's
}

var _ connector.Connector = (*Connector)(nil)

// New returns the connector.
func New() *Connector { return &Connector{} }

// Describe says what the connector is.
func (*Connector) Describe() connector.Descriptor {
	return connector.Descriptor{
		Name:         "anthropic",
		Version:      Version,
		Summary:      "Anthropic: users, workspaces, API keys, usage and costs, activity feed, data residency, model lifecycle",
		ConfigSchema: configSchema,
		Secrets: []connector.SecretSpec{
			{Name: secretAdmin, Required: true, Summary: "an Admin API key of the organisation (sk-ant-admin…)"},
			{Name: secretKey, Summary: "an API key of any workspace (sk-ant-api…), for the list of models; an Admin API key may not read it. Without it models are not read"},
			{Name: secretCompliance, Summary: "a Compliance Access Key with read:compliance_activities, for the activity feed; left out: the Admin API key is used"},
		},
		Kinds: []connector.KindSpec{
			{Kind: records.KindVendorUser, Major: 1, Summary: "a person, or an invitation that is open"},
			{Kind: records.KindVendorProject, Major: 1, Summary: "a workspace, archived ones too"},
			{Kind: records.KindAPIKey, Major: 1, Summary: "a key in whatever state, never its value; its last use is derived from usage"},
			{Kind: records.KindVendorUsage, Major: 1, Summary: "use of a model through a key on a day, or a workspace's cost on a day", Reread: connector.ReadSinceCursor},
			{Kind: records.KindModelObservation, Major: 1, Summary: "a model that answered in a workspace on a day, with what was asked for where the settings say so", Reread: connector.ReadSinceCursor},
			{Kind: records.KindVendorAuditLog, Major: 1, Summary: "an act in the activity feed that changed something", Reread: connector.ReadSinceCursor},
			{Kind: records.KindDataControls, Major: 1, Summary: "where a workspace's data rests and is computed"},
			{Kind: records.KindModelLifecycle, Major: 1, Summary: "a model: on offer, deprecated with its end, retired"},
		},
		Permissions: permissions(),
	}
}

func permissions() []connector.Permission {
	return []connector.Permission{
		{ID: permAdmin, Kinds: []string{records.KindVendorUser, records.KindVendorProject, records.KindAPIKey, records.KindVendorUsage, records.KindModelObservation, records.KindDataControls},
			Why:   "reads the organisation; there is no narrower key for it",
			Grant: "a member with the role admin makes an Admin API key (sk-ant-admin…) at platform.claude.com, Settings, Admin keys; accounts without an organisation have none"},
		{ID: permActivity, Kinds: []string{records.KindVendorAuditLog}, Why: "reads the activity feed of the Compliance API",
			Grant: "have the Compliance API switched on, and make the Admin API key after that: one made before does not carry the scope. Or give a Compliance Access Key with it as the secret " + secretCompliance},
		{ID: permKey, Kinds: []string{records.KindModelLifecycle}, Why: "lists models; an Admin API key may not",
			Grant: "make an API key at platform.claude.com, API keys, in a workspace of its own with a spend limit near zero, since such a key can also call models, and put it into the secret " + secretKey},
	}
}
