package gcp

import (
	_ "embed"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Version is the connector's own version.
const Version = "0.1.0"

// kindEvaluation is the kind of a model's evaluation.
const kindEvaluation = "evaluation.run"

// Permissions, by the names that IAM gives them.
const (
	permLocations   = "aiplatform.locations.list"
	permModels      = "aiplatform.models.list"
	permEvaluations = "aiplatform.modelEvaluations.list"
	permEndpoints   = "aiplatform.endpoints.list"
	permMonitoring  = "aiplatform.modelDeploymentMonitoringJobs.list"
	permMonitors    = "aiplatform.modelMonitors.list"
	permMonitorRuns = "aiplatform.modelMonitoringJobs.list"
	permPipelines   = "aiplatform.trainingPipelines.get"
	permTuning      = "aiplatform.tuningJobs.list"
	permAgents      = "aiplatform.reasoningEngines.list"
	permNotebooks   = "aiplatform.notebookRuntimes.list"
	permLogs        = "logging.logEntries.list"
	permPublishers  = "aiplatform.publisherModels"
)

//go:embed config.schema.json
var configSchema []byte

// Connector reads Vertex AI in some projects.
type Connector struct{}

var _ connector.Connector = (*Connector)(nil)

// New returns the connector.
func New() *Connector { return &Connector{} }

// Describe says what the connector is.
func (*Connector) Describe() connector.Descriptor {
	return connector.Descriptor{
		Name:         "gcp",
		Version:      Version,
		Summary:      "Google Cloud Vertex AI: models, versions, endpoints, evaluations, monitoring, tuning, publishers' models, audit log",
		ConfigSchema: configSchema,
		Secrets: []connector.SecretSpec{
			{Name: secretKey, Summary: "key of a service account, the whole JSON file; its role needs the permissions below"},
			{Name: secretToken, Summary: "instead of the key: an access token, for an hour at most"},
		},
		Kinds: []connector.KindSpec{
			{Kind: records.KindModel, Major: 1, Summary: "a model of the registry"},
			{Kind: records.KindModelVersion, Major: 1, Summary: "a version of a model with its aliases"},
			{Kind: records.KindModelApproval, Major: 1, Summary: "an alias that the settings call approval was given to a version, or taken from it"},
			{Kind: records.KindDeployment, Major: 1, Summary: "an endpoint with the model versions it serves and their share of traffic"},
			{Kind: records.KindLineage, Major: 1, Summary: "a training pipeline or tuning job that made a model version"},
			{Kind: kindEvaluation, Major: 1, Summary: "an evaluation of a model version"},
			{Kind: records.KindModelMonitor, Major: 1, Summary: "a run of a monitor, or a monitor that never ran"},
			{Kind: records.KindInvocationLogging, Major: 1, Summary: "whether an endpoint logs requests and responses"},
			{Kind: records.KindAIResource, Major: 1, Summary: "an endpoint, agent or notebook runtime"},
			{Kind: records.KindModelLifecycle, Major: 1, Summary: "a publisher's model with its launch stage; Google gives no retirement date here"},
			{Kind: records.KindCloudAuditEvent, Major: 1, Summary: "an administrative act on Vertex AI in the audit log", Reread: connector.ReadSinceCursor},
		},
		Permissions: permissions(),
	}
}

func permissions() []connector.Permission {
	const grant = "IAM: give the service account a custom role with it, or Vertex AI Viewer (roles/aiplatform.viewer), on the project"
	versions := []string{records.KindModelVersion, records.KindModelApproval, records.KindLineage, kindEvaluation}
	return []connector.Permission{
		{ID: permLocations, Kinds: append([]string{records.KindModel, records.KindDeployment, records.KindModelMonitor, records.KindInvocationLogging, records.KindAIResource}, versions...), Why: "lists locations, if the settings name none", Grant: grant},
		{ID: permModels, Kinds: append([]string{records.KindModel}, versions...), Why: "lists models and their versions", Grant: grant},
		{ID: permEvaluations, Kinds: []string{kindEvaluation}, Why: "lists the evaluations of a version", Grant: grant},
		{ID: permEndpoints, Kinds: []string{records.KindDeployment, records.KindInvocationLogging, records.KindAIResource}, Why: "lists endpoints, what they serve and whether they log", Grant: grant},
		{ID: permMonitoring, Kinds: []string{records.KindModelMonitor}, Why: "lists monitors of endpoints", Grant: grant},
		{ID: permMonitors, Kinds: []string{records.KindModelMonitor}, Why: "lists model monitors", Grant: grant},
		{ID: permMonitorRuns, Kinds: []string{records.KindModelMonitor}, Why: "lists the runs of model monitors", Grant: grant},
		{ID: permPipelines, Kinds: []string{records.KindLineage}, Why: "reads the pipeline that made a version", Grant: grant},
		{ID: permTuning, Kinds: []string{records.KindLineage}, Why: "lists tuning jobs", Grant: grant},
		{ID: permAgents, Kinds: []string{records.KindAIResource}, Why: "lists agents", Grant: grant},
		{ID: permNotebooks, Kinds: []string{records.KindAIResource}, Why: "lists notebook runtimes", Grant: grant},
		{ID: permPublishers, Kinds: []string{records.KindModelLifecycle}, Why: "lists publishers' models; anybody who is signed in may", Grant: "enable the Vertex AI API in the project"},
		{ID: permLogs, Kinds: []string{records.KindCloudAuditEvent}, Why: "reads the Admin Activity audit log", Grant: "IAM: Logs Viewer (roles/logging.viewer) on the project"},
	}
}
