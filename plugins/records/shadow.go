package records

// Kinds of the code and shadow_ai families that connectors emit, version 1 of
// each.
const (
	KindCodeScan       = "code.scan_run"
	KindCodeUsage      = "code.ai_usage"
	KindModelReference = "code.model_reference"
	KindPromptAsset    = "code.prompt_asset"
	KindCodeSecret     = "code.ai_secret"
	KindSighting       = "shadow_ai.sighting"
	KindActivity       = "shadow_ai.activity"
)

// Seen is AI use that an account, a grant or a workload shows (KindSighting:
// it stands until it is taken away) or that a log or a bill shows for a period
// (KindActivity). All times are RFC 3339 in UTC.
//
// Key: channel|provider|place, then |period of an activity, then |actor where
// it is kept.
type Seen struct {
	Channel       string   `json:"channel"`  // oauth sso app workload extension dns proxy firewall expense api
	Provider      string   `json:"provider"` // id of the signature
	Vendor        string   `json:"vendor,omitempty"`
	Category      string   `json:"category,omitempty"`
	Place         string   `json:"place"` // application, workload, group of hosts or people, cost centre: the source's own id
	PlaceName     string   `json:"place_name,omitempty"`
	Account       string   `json:"account,omitempty"` // tenant, domain, cluster, log
	Environment   string   `json:"environment,omitempty"`
	Signals       []string `json:"signals"` // what matched; never a person; never null
	Rules         []string `json:"rules"`   // openai/hosts; never null
	Models        []string `json:"models,omitempty"`
	ScopesGranted []string `json:"scopes_granted,omitempty"`
	Actor         string   `json:"actor,omitempty"` // pseudonym or name, when the source is set to keep it
	Actors        *int64   `json:"actors,omitempty"`
	Groups        *int64   `json:"groups,omitempty"`
	Requests      *int64   `json:"requests,omitempty"`
	BytesOut      *int64   `json:"bytes_out,omitempty"`
	Blocked       *int64   `json:"blocked,omitempty"`
	Amount        string   `json:"amount,omitempty"` // decimal
	Currency      string   `json:"currency,omitempty"`
	FirstSeen     string   `json:"first_seen,omitempty"`
	LastSeen      string   `json:"last_seen,omitempty"`
	Period        string   `json:"period,omitempty"` // 2026-11-28 or 2026-11
	OwnerHint     string   `json:"owner_hint,omitempty"`
	OwnerHintFrom string   `json:"owner_hint_from,omitempty"`
	Status        string   `json:"status,omitempty"`     // active revoked blocked suspended deleted
	Confidence    string   `json:"confidence,omitempty"` // declared inferred unresolved
	Scope         string   `json:"scope,omitempty"`      // product infrastructure ci development agent_interface supporting
}

// CodeScan is one scan of a repository at a commit.
type CodeScan struct {
	Repo           string        `json:"repo"`
	ScannerVersion string        `json:"scanner_version,omitempty"`
	RulesDigest    string        `json:"rules_digest"`
	CommitSHA      string        `json:"commit_sha"`
	FilesScanned   int64         `json:"files_scanned"`
	FilesSkipped   []SkippedFile `json:"files_skipped"` // never null
	Bytes          int64         `json:"bytes"`
	StartedAt      string        `json:"started_at,omitempty"`
	FinishedAt     string        `json:"finished_at,omitempty"`
}

// SkippedFile is a file that a scan did not read, and why.
type SkippedFile struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// CodeUsage is one place in a repository that shows AI. Key:
// repo|path|rule|hash of the excerpt.
type CodeUsage struct {
	Repo         string `json:"repo"`
	CommitSHA    string `json:"commit_sha,omitempty"`
	Path         string `json:"path"`
	Line         int64  `json:"line,omitempty"`
	RuleID       string `json:"rule_id"`
	Category     string `json:"category,omitempty"` // sdk endpoint model_id weights env_key mcp agent_framework saas_widget
	Provider     string `json:"provider,omitempty"`
	Package      string `json:"package,omitempty"`
	Version      string `json:"version,omitempty"`
	SnippetHash  string `json:"snippet_hash,omitempty"`
	Confidence   string `json:"confidence,omitempty"`
	Scope        string `json:"scope,omitempty"`
	IntroducedAt string `json:"introduced_at,omitempty"`
}

// ModelReference is a model that code names. Key: repo|path|model.
type ModelReference struct {
	Repo        string `json:"repo"`
	Path        string `json:"path"`
	ModelRef    string `json:"model_ref"`
	Provider    string `json:"provider,omitempty"`
	PinType     string `json:"pin_type,omitempty"` // immutable alias unversioned revision_sha
	CommitSHA   string `json:"commit_sha,omitempty"`
	CommittedAt string `json:"committed_at,omitempty"`
}

// PromptAsset is a prompt, a tool's schema, an evaluation or a model's settings
// kept as a file. Key: repo|path.
type PromptAsset struct {
	Repo        string `json:"repo"`
	Path        string `json:"path"`
	SHA256      string `json:"sha256,omitempty"`
	Kind        string `json:"kind,omitempty"` // system_prompt template tool_schema guardrail_config rag_config evaluation model_config
	Owner       string `json:"owner,omitempty"`
	CommittedAt string `json:"committed_at,omitempty"`
}

// CodeSecret is a credential of a vendor that lies open in code, without the
// credential. Key: repo|hint, or repo|alert number.
type CodeSecret struct {
	Repo         string `json:"repo"`
	Path         string `json:"path,omitempty"`
	Provider     string `json:"provider,omitempty"`
	RedactedHint string `json:"redacted_hint,omitempty"` // prefix, length and salted hash
	CommitSHA    string `json:"commit_sha,omitempty"`
	AlertNumber  *int64 `json:"secret_scanning_alert_number,omitempty"`
	State        string `json:"state,omitempty"` // open resolved
	CreatedAt    string `json:"created_at,omitempty"`
	ResolvedAt   string `json:"resolved_at,omitempty"`
}
