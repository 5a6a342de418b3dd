package records

// Kinds of the vendor family that connectors read from vendors' own systems,
// version 1 of each. Records of vendors, assessments, contract terms and
// attestations are kept by people and have a Shape.
const (
	KindTermsRevision    = "vendor.terms_revision"
	KindModelLifecycle   = "vendor.model_lifecycle"
	KindModelObservation = "vendor.model_observation"
	KindVendorIncident   = "vendor.incident"
	KindAPIKey           = "vendor.api_key_inventory"
	KindVendorUsage      = "vendor.usage"
	KindVendorAuditLog   = "vendor.audit_log"
	KindDataControls     = "vendor.data_controls"
	KindVendorUser       = "vendor.user"
	KindVendorProject    = "vendor.project"
)

// States of a vendor's model, from first to last.
const (
	ModelActive     = "active"
	ModelLegacy     = "legacy"     // still served, no longer recommended
	ModelDeprecated = "deprecated" // its end is announced
	ModelRetired    = "retired"    // no longer served
)

// Bases of ModelLifecycle.AnnouncedBasis.
const (
	AnnouncedPublished = "published"  // the vendor says when it announced it
	AnnouncedFirstSeen = "first_seen" // the vendor does not say; this is when it was first read
)

// TermsRevision is a text of a public page that differs from the one before.
// The first one read has no PreviousSHA256 and is no change.
type TermsRevision struct {
	VendorID       string `json:"vendor_id"`
	URL            string `json:"url"`
	PageType       string `json:"page_type,omitempty"` // terms, privacy, subprocessors, trust, model_lifecycle, other
	FetchedAt      string `json:"fetched_at"`          // when this text was first seen; RFC 3339, UTC, as all times below
	ContentSHA256  string `json:"content_sha256"`      // of the normalised text
	PreviousSHA256 string `json:"previous_sha256,omitempty"`
	DiffSummary    string `json:"diff_summary,omitempty"`
	EffectiveAt    string `json:"effective_at,omitempty"` // as the page states it
}

// ModelLifecycle is a state of a model that its vendor published. A model
// that was never anything but active has one too, dated by its release if that
// is known.
type ModelLifecycle struct {
	Vendor         string `json:"vendor"`
	ModelID        string `json:"model_id"` // as requests name it
	Status         string `json:"status"`
	ReleasedAt     string `json:"released_at,omitempty"`
	AnnouncedAt    string `json:"announced_at,omitempty"`
	AnnouncedBasis string `json:"announced_basis,omitempty"`
	LegacyAt       string `json:"legacy_at,omitempty"`
	ExtendedAt     string `json:"extended_access_at,omitempty"` // from when staying on it costs more
	ShutdownAt     string `json:"shutdown_at,omitempty"`
	NotBefore      string `json:"shutdown_not_before,omitempty"` // the vendor promises no more than that it does not end earlier
	Replacement    string `json:"replacement,omitempty"`
	Region         string `json:"region,omitempty"` // where a cloud publishes dates of its own
	SourceURL      string `json:"source_url,omitempty"`
}

// ModelObservation is a model that answered. RequestedModel is empty where the
// source does not tell what was asked for.
type ModelObservation struct {
	Vendor         string   `json:"vendor"`
	RequestedModel string   `json:"requested_model,omitempty"`
	ServedModel    string   `json:"served_model"`
	Fingerprint    string   `json:"system_fingerprint_or_version,omitempty"`
	ObservedAt     string   `json:"observed_at"`
	Source         string   `json:"source"` // usage_report, response_metadata, canary_eval, deployment_read
	SystemID       string   `json:"system_id,omitempty"`
	Project        string   `json:"project_or_workspace,omitempty"`
	Deployment     string   `json:"deployment,omitempty"`
	CanaryScore    *float64 `json:"canary_score,omitempty"`
}

// VendorIncident is an incident that the vendor acknowledged.
type VendorIncident struct {
	Vendor     string           `json:"vendor"`
	IncidentID string           `json:"incident_id"`
	Name       string           `json:"name,omitempty"`
	Components []string         `json:"components"`       // never null
	Impact     string           `json:"impact,omitempty"` // none, minor, major, critical, maintenance; empty if the page does not say
	Status     string           `json:"status,omitempty"`
	StartedAt  string           `json:"started_at,omitempty"`
	ResolvedAt string           `json:"resolved_at,omitempty"`
	Updates    []IncidentUpdate `json:"updates"` // never null
	URL        string           `json:"url,omitempty"`
}

// IncidentUpdate is one thing the vendor said of an incident.
type IncidentUpdate struct {
	At     string `json:"at"`
	Status string `json:"status,omitempty"`
	Text   string `json:"text,omitempty"`
}

// APIKey is a key, never its value.
type APIKey struct {
	Vendor     string   `json:"vendor"`
	KeyID      string   `json:"key_id"`
	Name       string   `json:"name,omitempty"`
	KeyType    string   `json:"key_type,omitempty"` // admin, organization, project, workspace, service_account, cloud
	Project    string   `json:"project_or_workspace,omitempty"`
	Owner      string   `json:"owner,omitempty"`
	OwnerUse   string   `json:"owner_access,omitempty"` // active, inactive: whether the owner may still use the project
	CreatedAt  string   `json:"created_at,omitempty"`
	LastUsedAt string   `json:"last_used_at,omitempty"` // a day is enough: to the second it would change in every run
	Status     string   `json:"status,omitempty"`       // active, inactive, revoked, archived, expired
	ExpiresAt  string   `json:"expires_at,omitempty"`
	Scopes     []string `json:"scopes,omitempty"`
}

// VendorUsage is the use of one model by one key on one day, all over.
type VendorUsage struct {
	Vendor   string   `json:"vendor"`
	Project  string   `json:"project_or_workspace,omitempty"`
	APIKeyID string   `json:"api_key_id,omitempty"`
	Model    string   `json:"model,omitempty"`
	Day      string   `json:"day"` // 2006-01-02, UTC
	Requests *int64   `json:"requests,omitempty"`
	Tokens   *int64   `json:"tokens,omitempty"`
	Cost     *float64 `json:"cost,omitempty"` // US dollars
}

// VendorAuditEvent is an administrative act in the vendor's tenant.
type VendorAuditEvent struct {
	Vendor      string `json:"vendor"`
	EventID     string `json:"event_id"`
	EventType   string `json:"event_type,omitempty"`
	Actor       string `json:"actor,omitempty"`
	EffectiveAt string `json:"effective_at,omitempty"`
	Target      string `json:"target,omitempty"`
	Project     string `json:"project_or_workspace,omitempty"`
}

// DataControls is what an organisation or project set for its data. A pointer
// is nil where the source does not say; that is not "off".
type DataControls struct {
	Vendor        string   `json:"vendor"`
	Project       string   `json:"org_or_project"` // organization, or the project's id
	TrainingOut   *bool    `json:"training_opt_out,omitempty"`
	RetentionDays *int64   `json:"retention_days,omitempty"`
	RetentionType string   `json:"retention_type,omitempty"` // in the vendor's words
	ZDR           *bool    `json:"zdr,omitempty"`            // zero data retention
	Region        string   `json:"region,omitempty"`
	Inference     []string `json:"inference_regions,omitempty"` // where requests may be computed; unrestricted: anywhere
	AllowedModels []string `json:"allowed_models,omitempty"`
	DeniedModels  []string `json:"denied_models,omitempty"`
	ModelPolicy   string   `json:"model_policy,omitempty"` // allow_list, deny_list, in the vendor's words
}

// VendorUser is a person or service account of the organisation at the vendor.
type VendorUser struct {
	Vendor     string   `json:"vendor"`
	UserID     string   `json:"user_id"`
	Email      string   `json:"email,omitempty"`
	Name       string   `json:"name,omitempty"`
	Role       string   `json:"role,omitempty"`
	Service    bool     `json:"service_account"`
	AddedAt    string   `json:"added_at,omitempty"`
	LastUsedAt string   `json:"last_used_at,omitempty"` // a day
	Status     string   `json:"status,omitempty"`       // active, invited, disabled
	Projects   []string `json:"projects,omitempty"`
}

// VendorProject is a project, workspace or seat group at the vendor.
type VendorProject struct {
	Vendor     string `json:"vendor"`
	ProjectID  string `json:"project_id"`
	Name       string `json:"name,omitempty"`
	Status     string `json:"status,omitempty"` // active, archived
	CreatedAt  string `json:"created_at,omitempty"`
	ArchivedAt string `json:"archived_at,omitempty"`
	Region     string `json:"region,omitempty"`
	Members    *int64 `json:"members,omitempty"` // people
	Services   *int64 `json:"service_accounts,omitempty"`
}
