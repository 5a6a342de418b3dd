package mlflow

import (
	_ "embed"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// Version is the connector's own version.
const Version = "0.1.0"

// kindEvaluation is a run that measured something.
const kindEvaluation = "evaluation.run"

// Permissions, as MLflow's own access control names them.
const (
	readModels      = "registered_model: READ"
	readExperiments = "experiment: READ"
)

//go:embed config.schema.json
var configSchema []byte

// Connector reads one MLflow server.
type Connector struct {
	clock transport.Clock // of waits; nil means the system's
}

var _ connector.Connector = (*Connector)(nil)

// New returns the connector.
func New() *Connector { return &Connector{} }

// Describe says what the connector is.
func (*Connector) Describe() connector.Descriptor {
	registry := []string{records.KindModel, records.KindModelVersion, records.KindModelApproval}
	return connector.Descriptor{
		Name:         "mlflow",
		Version:      Version,
		Summary:      "MLflow: registered models, their versions and approval, and the runs behind them",
		ConfigSchema: configSchema,
		Secrets: []connector.SecretSpec{
			{Name: "token", Summary: "a bearer token: of Databricks, or of what guards the server"},
			{Name: "username", Summary: "of the reading user, where the server asks for a password"},
			{Name: "password", Summary: "belongs to username"},
		},
		Kinds: []connector.KindSpec{
			{Kind: records.KindModel, Major: 1, Summary: "a registered model"},
			{Kind: records.KindModelVersion, Major: 1, Summary: "a version with its stage, aliases, tags and the run that made it"},
			{Kind: records.KindModelApproval, Major: 1, Summary: "what the alias, stage or tag named in the settings says of a version"},
			{Kind: records.KindLineage, Major: 1, Summary: "the run that made a version: data sets, commit, parameters", Reread: connector.ReadSinceCursor},
			{Kind: kindEvaluation, Major: 1, Summary: "a finished run with its metrics, and the version they are of", Reread: connector.ReadSinceCursor},
		},
		Permissions: []connector.Permission{
			{ID: readModels, Kinds: append(registry, records.KindLineage, kindEvaluation), Why: "lists models and versions; MLflow leaves out those that the identity may not read",
				Grant: "give the user READ on every registered model (mlflow.server.auth: permission of the model; Databricks: CAN READ on the model), or make it the default permission"},
			{ID: readExperiments, Kinds: []string{records.KindLineage, kindEvaluation}, Why: "reads the runs behind the versions",
				Grant: "give the user READ on the experiments that hold the runs (Databricks: CAN READ on the experiment)"},
		},
	}
}
