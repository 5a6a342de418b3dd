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
		Kinds: append([]connector.KindSpec{
			{Kind: records.KindModel, Major: 1, Summary: "a model package group, or a package without versions"},
			{Kind: records.KindModelVersion, Major: 1, Summary: "a model package"},
			{Kind: records.KindModelApproval, Major: 1, Summary: "the approval state that a model package carries, by whom and since when"},
			{Kind: records.KindDeployment, Major: 1, Summary: "an endpoint with its variants and the model package behind each"},
		}, bedrockKinds()...),
		Permissions: permissions(),
	}
}

// permissions are the IAM actions that the connector calls.
func permissions() []connector.Permission {
	models := []string{records.KindModel, records.KindModelVersion, records.KindModelApproval}
	versions := models[1:]
	endpoints := []string{records.KindDeployment}
	grant := func(action string) string {
		return `add "` + action + `" on "*" to a policy of the reading identity (AmazonSageMakerReadOnly holds all of these)`
	}
	var out []connector.Permission
	for _, p := range []struct {
		action, why string
		kinds       []string
	}{
		{"sagemaker:ListModelPackageGroups", "lists the models", models},
		{"sagemaker:DescribeModelPackageGroup", "says who made a model", []string{records.KindModel}},
		{"sagemaker:ListTags", "tags of models and endpoints, the environment among them", []string{records.KindModel, records.KindDeployment}},
		{"sagemaker:ListModelPackages", "lists the versions of a model", versions},
		{"sagemaker:DescribeModelPackage", "approval, who gave it, and where a version came from", versions},
		{"sagemaker:ListEndpoints", "lists the endpoints", endpoints},
		{"sagemaker:DescribeEndpoint", "status and share of traffic", endpoints},
		{"sagemaker:DescribeEndpointConfig", "the models behind an endpoint", endpoints},
		{"sagemaker:DescribeModel", "the model package behind a model", endpoints},
		{"sagemaker:ListInferenceComponents", "models of endpoints that host components", endpoints},
		{"sagemaker:DescribeInferenceComponent", "the model of a component", endpoints},
	} {
		out = append(out, connector.Permission{ID: p.action, Kinds: p.kinds, Why: p.why, Grant: grant(p.action)})
	}
	return append(out, bedrockPermissions()...)
}
