package aws

import (
	_ "embed"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Version is the connector's own version.
const Version = "0.1.0"

//go:embed config.schema.json
var configSchema []byte

// Connector reads SageMaker in one AWS account.
type Connector struct{}

var _ connector.Connector = (*Connector)(nil)

// New returns the connector.
func New() *Connector { return &Connector{} }

// Describe says what the connector is.
func (*Connector) Describe() connector.Descriptor {
	return connector.Descriptor{
		Name:         "aws",
		Version:      Version,
		Summary:      "Amazon SageMaker and Bedrock: models, their approval, what serves them and what guards them",
		ConfigSchema: configSchema,
		Secrets: []connector.SecretSpec{
			{Name: "access_key_id", Summary: "of the reading identity; not needed with web_identity_token_file"},
			{Name: "secret_access_key", Summary: "belongs to access_key_id"},
			{Name: "session_token", Summary: "for temporary keys"},
			{Name: "external_id", Summary: "that the role in role_arn asks for"},
		},
		Kinds:       append(sagemakerKinds(), bedrockKinds()...),
		Permissions: permissions(),
	}
}

// sagemakerKinds are the kinds that SageMaker and CloudTrail bring.
func sagemakerKinds() []connector.KindSpec {
	return []connector.KindSpec{
		{Kind: records.KindModel, Major: 1, Summary: "a model package group, or a package without versions"},
		{Kind: records.KindModelVersion, Major: 1, Summary: "a model package, or a model of Bedrock's own"},
		{Kind: records.KindModelApproval, Major: 1, Summary: "an approval of a model package that was given, refused or taken back, by whom and when"},
		{Kind: records.KindDeployment, Major: 1, Summary: "an endpoint with its variants and the model package behind each"},
		{Kind: records.KindModelCard, Major: 1, Summary: "a version of a model card, with its sections and status"},
		{Kind: records.KindModelMonitor, Major: 1, Summary: "a run of a monitor, or a schedule that never ran", Reread: connector.ReadSinceCursor},
		{Kind: records.KindCloudAuditEvent, Major: 1, Summary: "a change of something of SageMaker or Bedrock, as CloudTrail's event history holds it", Reread: connector.ReadSinceCursor},
	}
}
