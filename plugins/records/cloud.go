package records

import "encoding/json"

// Kinds of the cloud family, version 1 of each.
const (
	KindAIResource        = "cloud.ai_resource_inventory"
	KindGuardrail         = "cloud.guardrail"
	KindInvocationLogging = "cloud.invocation_logging"
	KindLogRetention      = "cloud.log_retention"
	KindLogVolume         = "cloud.log_volume"
	KindModelMonitor      = "cloud.model_monitor"
	KindDeploymentPolicy  = "cloud.deployment_policy"
	KindCloudAuditEvent   = "cloud.audit_event"
)

// AIResource is one resource for AI in a cloud account.
type AIResource struct {
	Provider     string            `json:"provider"` // aws, gcp, azure
	Account      string            `json:"account,omitempty"`
	Region       string            `json:"region,omitempty"`
	Service      string            `json:"service,omitempty"`
	ResourceType string            `json:"resource_type,omitempty"`
	ResourceID   string            `json:"resource_id"` // the provider's own id: ARN, resource name
	Name         string            `json:"name,omitempty"`
	Tags         map[string]string `json:"tags"`                 // never null
	CreatedAt    string            `json:"created_at,omitempty"` // RFC 3339, UTC; so are all times below
	UpdatedAt    string            `json:"updated_at,omitempty"`
	OwnerTag     string            `json:"owner_tag,omitempty"`
	Status       string            `json:"status,omitempty"`
	Attributes   map[string]string `json:"attributes,omitempty"` // what the provider says besides: model, version, guardrail, regions
}

// Guardrail is one version of a content-safety configuration.
type Guardrail struct {
	Provider    string                     `json:"provider"`
	GuardrailID string                     `json:"guardrail_id"`
	Name        string                     `json:"name,omitempty"`
	Version     string                     `json:"version,omitempty"`
	Status      string                     `json:"status,omitempty"`
	Policies    map[string]json.RawMessage `json:"policies"`    // never null
	AttachedTo  []string                   `json:"attached_to"` // never null
	CreatedAt   string                     `json:"created_at,omitempty"`
	UpdatedAt   string                     `json:"updated_at,omitempty"`
	Region      string                     `json:"region,omitempty"`
	Account     string                     `json:"account,omitempty"`
}

// InvocationLogging is whether calls to models are logged in one region.
type InvocationLogging struct {
	Provider      string   `json:"provider"`
	Account       string   `json:"account,omitempty"`
	Region        string   `json:"region,omitempty"`
	Resource      string   `json:"resource,omitempty"` // where logging is set per resource
	Enabled       bool     `json:"enabled"`
	Destinations  []string `json:"destinations"`  // never null
	ContentTypes  []string `json:"content_types"` // never null
	LogGroup      string   `json:"log_group,omitempty"`
	RetentionDays *int64   `json:"retention_days,omitempty"` // absent: without limit, or not known
	KMSKey        string   `json:"kms_key,omitempty"`
}

// LogRetention is how long a log store keeps what it holds.
type LogRetention struct {
	Store         string           `json:"store"`
	Provider      string           `json:"provider,omitempty"`
	Account       string           `json:"account,omitempty"`
	Region        string           `json:"region,omitempty"`
	RetentionDays *int64           `json:"retention_days,omitempty"` // absent: without limit
	Immutability  *LogImmutability `json:"immutability,omitempty"`
	Principals    []string         `json:"access_principals,omitempty"`
}

// LogImmutability is whether entries can be removed before their time.
type LogImmutability struct {
	Lock bool   `json:"lock"`
	Mode string `json:"mode,omitempty"`
}

// ModelMonitor is one run of a monitor, or a schedule that never ran: then
// LastRunAt is empty.
type ModelMonitor struct {
	Deployment         string `json:"deployment"`
	MonitorType        string `json:"monitor_type,omitempty"` // data, model, bias, explainability, safety, latency
	Schedule           string `json:"schedule"`
	ScheduleExpression string `json:"schedule_expression,omitempty"`
	ScheduleStatus     string `json:"schedule_status,omitempty"`
	LastRunStatus      string `json:"last_run_status,omitempty"`
	LastRunAt          string `json:"last_run_at,omitempty"`
	Violations         *int64 `json:"violations,omitempty"`
	BaselineRef        string `json:"baseline_ref,omitempty"`
}

// DeploymentPolicy is whether the provider may swap the model of a deployment.
type DeploymentPolicy struct {
	Provider             string `json:"provider"`
	Deployment           string `json:"deployment"`
	ModelName            string `json:"model_name,omitempty"`
	ModelVersion         string `json:"model_version,omitempty"`
	VersionUpgradeOption string `json:"version_upgrade_option,omitempty"`
	Guardrail            string `json:"guardrail,omitempty"` // name of the content filter in force
	Region               string `json:"region,omitempty"`
	Account              string `json:"account,omitempty"`
}

// CloudAuditEvent is an API action as the cloud's audit log holds it.
type CloudAuditEvent struct {
	Provider      string                     `json:"provider"`
	EventID       string                     `json:"event_id"`
	EventName     string                     `json:"event_name,omitempty"`
	EventSource   string                     `json:"event_source,omitempty"`
	Principal     string                     `json:"principal,omitempty"`
	Resource      string                     `json:"resource,omitempty"`
	Account       string                     `json:"account,omitempty"`
	Region        string                     `json:"region,omitempty"`
	EventTime     string                     `json:"event_time,omitempty"`
	RequestParams map[string]json.RawMessage `json:"request_params,omitempty"`
}
