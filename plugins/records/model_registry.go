package records

import "encoding/json"

// Kinds of the model registry family, version 1 of each.
const (
	KindModel         = "model_registry.model"
	KindModelVersion  = "model_registry.model_version"
	KindModelApproval = "model_registry.approval"
	KindDeployment    = "model_registry.deployment"
	KindLineage       = "model_registry.lineage"
	KindModelCard     = "model_registry.model_card"
)

// Model is a model as a registry lists it.
type Model struct {
	Registry   string            `json:"registry"` // the registry's name, with account and region: sagemaker/123456789012/eu-west-1
	Name       string            `json:"name"`
	ID         string            `json:"id"` // the registry's own id: ARN, URI
	Owner      string            `json:"owner,omitempty"`
	About      string            `json:"description,omitempty"`
	Tags       map[string]string `json:"tags"`
	CreatedAt  string            `json:"created_at,omitempty"` // RFC 3339, UTC; so are all times below
	Visibility string            `json:"visibility,omitempty"`
	Licence    string            `json:"licence,omitempty"`
	Gated      string            `json:"gated,omitempty"`
	Disabled   bool              `json:"disabled,omitempty"` // closed by the registry's operator
}

// ModelVersion is one immutable version of a model.
type ModelVersion struct {
	Registry       string            `json:"registry"`
	Model          string            `json:"model"`
	Version        string            `json:"version"`
	ARNOrURI       string            `json:"arn_or_uri"`
	CreatedAt      string            `json:"created_at,omitempty"`
	CreatedBy      string            `json:"created_by,omitempty"`
	SourceRun      string            `json:"source_run,omitempty"`
	ArtifactDigest string            `json:"artifact_digest,omitempty"`
	ArtifactURI    string            `json:"artifact_uri,omitempty"`
	MetricsURI     string            `json:"metrics_uri,omitempty"`
	StageOrAlias   string            `json:"stage_or_alias,omitempty"`
	Aliases        []string          `json:"aliases,omitempty"`
	Tags           map[string]string `json:"tags"`
	Framework      string            `json:"framework,omitempty"`
	BaseModel      string            `json:"base_model,omitempty"`
	RevisionSHA    string            `json:"revision_sha,omitempty"`
	Status         string            `json:"status,omitempty"`
	Formats        []string          `json:"formats,omitempty"` // of the files, by their names; loading pickle runs code
	Files          []ModelFile       `json:"files,omitempty"`
	Datasets       []string          `json:"datasets,omitempty"` // that the version's card names
}

// ModelFile is one file of a model version.
type ModelFile struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256,omitempty"` // as the registry tells it
	Format string `json:"format,omitempty"`
}

// ModelApproval is the approval state that a model version carried when it was
// read. ChangedAt is when the registry last touched the version: never before
// the approval, but later if anything else was edited since.
type ModelApproval struct {
	Registry            string `json:"registry"`
	Model               string `json:"model"`
	Version             string `json:"version"`
	ARNOrURI            string `json:"arn_or_uri"`
	ApprovalStatus      string `json:"approval_status"`
	ApprovalDescription string `json:"approval_description,omitempty"`
	ChangedBy           string `json:"changed_by,omitempty"`
	ChangedAt           string `json:"changed_at,omitempty"`
	PreviousStatus      string `json:"previous_status,omitempty"`
	Basis               string `json:"basis,omitempty"` // audit_log: the change itself was seen; last_change: the version as it was read; first_seen: the registry keeps no time; stated: a note there says so
}

// Deployment is what serves traffic at one endpoint.
type Deployment struct {
	Platform    string    `json:"platform"` // sagemaker, vertex, …
	EndpointID  string    `json:"endpoint_id"`
	Environment string    `json:"environment,omitempty"`
	Region      string    `json:"region"`
	Variants    []Variant `json:"variants"` // never null
	CreatedAt   string    `json:"created_at,omitempty"`
	UpdatedAt   string    `json:"updated_at,omitempty"`
	Status      string    `json:"status,omitempty"`
	ConfigRef   string    `json:"config_ref,omitempty"`
	DataCapture string    `json:"data_capture,omitempty"` // enabled, disabled, or empty where the platform does not say
	ARNOrURI    string    `json:"arn_or_uri,omitempty"`

	Tags map[string]string `json:"tags"`
}

// Variant is one model behind an endpoint. ModelPackageARN is empty for a
// model that was made from files and is in no registry; Resolved is false when
// the connector could not look behind the model's name, so that an empty
// package says nothing.
type Variant struct {
	Name            string  `json:"name"`
	ModelRef        string  `json:"model_ref"`
	ModelPackageARN string  `json:"model_package_arn"`
	Model           string  `json:"model"`   // the package's group, if it is versioned
	Version         string  `json:"version"` // the package's version, if it is versioned
	Weight          float64 `json:"weight"`  // share of traffic as configured, not normalised
	InstanceCount   int64   `json:"instance_count"`
	Shadow          bool    `json:"shadow"` // receives copies of traffic, answers nobody
	Resolved        bool    `json:"resolved"`
}

// Lineage is what a version was made from, as the tracker recorded it.
type Lineage struct {
	RunID             string   `json:"run_id"`
	Registry          string   `json:"registry,omitempty"`
	Model             string   `json:"model,omitempty"`
	ModelVersion      string   `json:"model_version"`
	TrainingRun       string   `json:"training_run,omitempty"`
	DatasetVersions   []string `json:"dataset_versions"` // never null
	CodeCommit        string   `json:"code_commit,omitempty"`
	ParametersDigest  string   `json:"parameters_digest,omitempty"`
	EnvironmentDigest string   `json:"environment_digest,omitempty"`
	StartedAt         string   `json:"started_at,omitempty"`
	EndedAt           string   `json:"ended_at,omitempty"`
}

// ModelCard is a model's documentation as the registry holds it.
type ModelCard struct {
	Registry      string                     `json:"registry,omitempty"`
	Model         string                     `json:"model,omitempty"`
	ModelVersion  string                     `json:"model_version"`
	Name          string                     `json:"name,omitempty"`
	Sections      map[string]json.RawMessage `json:"sections"` // never null; a text that says a section is there may stand for it
	Version       string                     `json:"version,omitempty"`
	Status        string                     `json:"status,omitempty"`
	ApprovedBy    string                     `json:"approved_by,omitempty"`
	CreatedAt     string                     `json:"created_at,omitempty"`
	UpdatedAt     string                     `json:"updated_at,omitempty"`
	ContentSHA256 string                     `json:"content_sha256,omitempty"`
}
