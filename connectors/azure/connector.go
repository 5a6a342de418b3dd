package azure

import (
	_ "embed"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Version is the connector's own version.
const Version = "0.1.0"

// Permissions, by the names of Azure's actions.
const (
	permSubscription = "Microsoft.Resources/subscriptions/read"
	permAccounts     = "Microsoft.CognitiveServices/accounts/read"
	permDeployments  = "Microsoft.CognitiveServices/accounts/deployments/read"
	permPolicies     = "Microsoft.CognitiveServices/accounts/raiPolicies/read"
	permModels       = "Microsoft.CognitiveServices/locations/models/read"
	permDiagnostics  = "Microsoft.Insights/diagnosticSettings/read"
	permActivity     = "Microsoft.Insights/eventtypes/values/read"
	permWorkspaces   = "Microsoft.MachineLearningServices/workspaces/read"
	permRegistries   = "Microsoft.MachineLearningServices/registries/read"
	permMLModels     = "Microsoft.MachineLearningServices/workspaces/models/read"
	permMLVersions   = "Microsoft.MachineLearningServices/workspaces/models/versions/read"
	permRegModels    = "Microsoft.MachineLearningServices/registries/models/read"
	permRegVersions  = "Microsoft.MachineLearningServices/registries/models/versions/read"
	permEndpoints    = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/read"
	permServing      = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments/read"
	permOwn          = "Microsoft.Authorization/permissions/read"
	permSchedules    = "Microsoft.MachineLearningServices/workspaces/schedules/read"
)

//go:embed config.schema.json
var configSchema []byte

// Connector reads Azure subscriptions.
type Connector struct {
	// transport sends the requests of Azure's clients in a test with Azure's own
	// fakes; nil otherwise.
	transport policy.Transporter
}

var _ connector.Connector = (*Connector)(nil)

// New returns the connector.
func New() *Connector { return &Connector{} }

// Describe says what the connector is.
func (*Connector) Describe() connector.Descriptor {
	return connector.Descriptor{
		Name:         "azure",
		Version:      Version,
		Summary:      "Azure OpenAI and Azure Machine Learning: deployments and their upgrades, content filters, models and retirement dates, registries, endpoints, monitors, activity log",
		ConfigSchema: configSchema,
		Secrets: []connector.SecretSpec{
			{Name: secretClient, Summary: "secret of the app registration in settings.client_id; not needed with federated_token_file"},
		},
		Kinds: []connector.KindSpec{
			{Kind: records.KindAIResource, Major: 1, Summary: "an Azure AI account, workspace, registry or online endpoint"},
			{Kind: records.KindDeploymentPolicy, Major: 1, Summary: "a model deployment and whether Azure may swap its version"},
			{Kind: records.KindDeployment, Major: 1, Summary: "a model deployment of Azure OpenAI, or an online endpoint with its share of traffic"},
			{Kind: records.KindModelObservation, Major: 1, Summary: "the version that a deployment serves, against the one that was last asked for"},
			{Kind: records.KindGuardrail, Major: 1, Summary: "a content filter (RAI policy) and the deployments that use it"},
			{Kind: records.KindModelLifecycle, Major: 1, Summary: "a state of a model in a region, with its retirement date"},
			{Kind: records.KindInvocationLogging, Major: 1, Summary: "whether an account's requests are logged, and where to"},
			{Kind: records.KindModel, Major: 1, Summary: "a model of a workspace or registry"},
			{Kind: records.KindModelVersion, Major: 1, Summary: "a version of a model"},
			{Kind: records.KindModelMonitor, Major: 1, Summary: "a monitor's schedule; its runs are jobs that are not read"},
			{Kind: records.KindCloudAuditEvent, Major: 1, Summary: "an administrative act in the activity log", Reread: connector.ReadSinceCursor},
		},
		Permissions: permissions(),
	}
}

func permissions() []connector.Permission {
	const grant = "Access control (IAM) of the subscription: give the app a custom role with it, or Reader"
	accounts := []string{records.KindAIResource, records.KindDeploymentPolicy, records.KindDeployment, records.KindModelObservation, records.KindGuardrail,
		records.KindModelLifecycle, records.KindInvocationLogging}
	ml := []string{records.KindAIResource, records.KindModel, records.KindModelVersion, records.KindDeployment, records.KindModelMonitor}
	var out []connector.Permission
	for _, p := range []struct {
		id, why string
		kinds   []string
	}{
		{permSubscription, "tells whether the subscription can be seen at all", accounts},
		{permAccounts, "lists Azure OpenAI and Azure AI accounts", accounts},
		{permDeployments, "lists an account's model deployments", []string{records.KindDeploymentPolicy, records.KindDeployment, records.KindModelObservation}},
		{permPolicies, "lists an account's content filters", []string{records.KindGuardrail}},
		{permModels, "lists models of a region with their retirement dates", []string{records.KindModelLifecycle}},
		{permDiagnostics, "tells where an account's requests are logged", []string{records.KindInvocationLogging}},
		{permActivity, "reads the activity log", []string{records.KindCloudAuditEvent}},
		{permWorkspaces, "lists workspaces", ml},
		{permRegistries, "lists registries", []string{records.KindAIResource, records.KindModel, records.KindModelVersion}},
		{permMLModels, "lists models of a workspace", []string{records.KindModel, records.KindModelVersion}},
		{permMLVersions, "lists versions of a model", []string{records.KindModelVersion}},
		{permRegModels, "lists models of a registry", []string{records.KindModel, records.KindModelVersion}},
		{permRegVersions, "lists versions of a registry's model", []string{records.KindModelVersion}},
		{permEndpoints, "lists online endpoints", []string{records.KindDeployment, records.KindAIResource}},
		{permServing, "lists the deployments behind an endpoint", []string{records.KindDeployment}},
		{permSchedules, "lists monitors", []string{records.KindModelMonitor}},
		{permOwn, "tells whether the app sees the whole subscription; without it nothing is called gone", nil},
	} {
		out = append(out, connector.Permission{ID: p.id, Kinds: p.kinds, Why: p.why, Grant: grant})
	}
	return out
}
