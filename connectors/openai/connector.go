package openai

import (
	_ "embed"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// Version is the connector's own version.
const Version = "0.1.0"

// Permissions, by the names of OpenAI's scopes. The first three are an admin
// key's, the others those of a key of a project.
const (
	permManagement = "api.management.read"
	permUsage      = "api.usage.read"
	permAudit      = "api.audit_logs.read"
	permModels     = "api.model.read"
	permFineTuning = "api.fine_tuning.jobs.read"
)

//go:embed config.schema.json
var configSchema []byte

// Connector reads an organisation at OpenAI.
type Connector struct {
	clock transport.Clock // of waits; nil means the system's
}

var _ connector.Connector = (*Connector)(nil)

// New returns the connector.
func New() *Connector { return &Connector{} }

// Describe says what the connector is.
func (*Connector) Describe() connector.Descriptor {
	return connector.Descriptor{
		Name:         "openai",
		Version:      Version,
		Summary:      "OpenAI: users, projects, API keys, usage and costs, audit log, data controls, model lifecycle, fine-tuned models",
		ConfigSchema: configSchema,
		Secrets: []connector.SecretSpec{
			{Name: secretAdmin, Required: true, Summary: "an admin key of the organisation (sk-admin-…) that may only read"},
			{Name: secretKey, Summary: "a key of a project that may read models and fine-tuning jobs; an admin key may not. Without it neither is read"},
		},
		Kinds: []connector.KindSpec{
			{Kind: records.KindVendorUser, Major: 1, Summary: "a person, an invitation that is open, or a service account"},
			{Kind: records.KindVendorProject, Major: 1, Summary: "a project, archived ones too"},
			{Kind: records.KindAPIKey, Major: 1, Summary: "a key of a project or an admin key, never its value"},
			{Kind: records.KindVendorUsage, Major: 1, Summary: "use of a model through a key on a day, or a project's cost on a day", Reread: connector.ReadSinceCursor},
			{Kind: records.KindModelObservation, Major: 1, Summary: "a model that answered in a project on a day, with what was asked for where the settings say so", Reread: connector.ReadSinceCursor},
			{Kind: records.KindVendorAuditLog, Major: 1, Summary: "an event of the audit log", Reread: connector.ReadSinceCursor},
			{Kind: records.KindDataControls, Major: 1, Summary: "retention, residency and allowed models of the organisation or a project"},
			{Kind: records.KindModelLifecycle, Major: 1, Summary: "a model on offer, with its end once that is announced"},
			{Kind: records.KindModelVersion, Major: 1, Summary: "a model that a fine-tuning job made"},
			{Kind: records.KindLineage, Major: 1, Summary: "what a fine-tuned model was made from"},
		},
		Permissions: permissions(),
	}
}

func permissions() []connector.Permission {
	const (
		admin = "an owner of the organisation makes an admin key at platform.openai.com, Settings, Organization, Admin keys, with the scope "
		own   = "make a key of a project at platform.openai.com, API keys, permissions Restricted, with "
	)
	return []connector.Permission{
		{ID: permManagement, Kinds: []string{records.KindVendorUser, records.KindVendorProject, records.KindAPIKey, records.KindDataControls},
			Why: "lists users, projects and keys, and reads data controls", Grant: admin + permManagement},
		{ID: permUsage, Kinds: []string{records.KindVendorUsage, records.KindModelObservation},
			Why: "reads use and costs by day", Grant: admin + permUsage},
		{ID: permAudit, Kinds: []string{records.KindVendorAuditLog},
			Why: "reads the audit log", Grant: admin + permAudit + "; the log itself is switched on under Organization, Data controls, Audit logging, for good"},
		{ID: permModels, Kinds: []string{records.KindModelLifecycle},
			Why: "lists the models on offer; an admin key may not", Grant: own + "Models: Read, and put it into the secret " + secretKey},
		{ID: permFineTuning, Kinds: []string{records.KindModelVersion, records.KindLineage},
			Why: "lists fine-tuning jobs of the key's project; an admin key may not", Grant: own + "Fine-tuning: Read, and put it into the secret " + secretKey},
	}
}
