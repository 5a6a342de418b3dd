package github

import "time"

// Payloads, version 1 of each kind. Optional fields are absent when GitHub does
// not say; lists are never null. repo is OWNER/NAME.

type repositoryPayload struct {
	Repo             string         `json:"repo"`
	Owner            string         `json:"owner"`
	Name             string         `json:"name"`
	ID               int64          `json:"id"`
	Visibility       string         `json:"visibility"` // public, private, internal
	Archived         bool           `json:"archived"`
	Fork             bool           `json:"fork"`
	DefaultBranch    string         `json:"default_branch"`
	PushedAt         string         `json:"pushed_at,omitempty"`
	CreatedAt        string         `json:"created_at,omitempty"`
	Language         string         `json:"language,omitempty"`
	Topics           []string       `json:"topics"`
	CustomProperties map[string]any `json:"custom_properties,omitempty"`
}

type pullPayload struct {
	Repo            string   `json:"repo"`
	RepoID          int64    `json:"repo_id"`
	Number          int      `json:"number"`
	Title           string   `json:"title"`
	State           string   `json:"state"` // open, closed
	Draft           bool     `json:"draft"`
	Merged          bool     `json:"merged"`
	Author          string   `json:"author"`
	AuthorType      string   `json:"author_type"`                  // User, Bot, Organization
	AuthorRelation  string   `json:"author_association,omitempty"` // MEMBER, CONTRIBUTOR …
	HeadSHA         string   `json:"head_sha"`
	HeadRef         string   `json:"head_ref"`
	MergeCommitSHA  string   `json:"merge_commit_sha,omitempty"` // once merged
	BaseRef         string   `json:"base_ref"`
	IsDefaultBranch bool     `json:"is_default_branch"` // base_ref is the default branch
	Files           []string `json:"files"`             // new paths, and old ones of what was renamed
	FilesTruncated  bool     `json:"files_truncated"`
	Labels          []string `json:"labels"`
	CreatedAt       string   `json:"created_at"`
	ClosedAt        string   `json:"closed_at,omitempty"`
	MergedAt        string   `json:"merged_at,omitempty"`
	MergedBy        string   `json:"merged_by,omitempty"`
	AutoMerge       bool     `json:"auto_merge"`
	MergeQueue      bool     `json:"merge_queue,omitempty"`
	LinkedIssueKeys []string `json:"linked_issue_keys"`
	ClosesIssues    []string `json:"closes_issues,omitempty"` // OWNER/NAME#n
}

type reviewPayload struct {
	Repo             string `json:"repo"`
	PRNumber         int    `json:"pr_number"`
	ReviewID         int64  `json:"review_id"`
	Reviewer         string `json:"reviewer"`
	ReviewerType     string `json:"reviewer_type"`
	ReviewerRelation string `json:"reviewer_association,omitempty"`
	ReviewerIsAuthor bool   `json:"reviewer_is_author"`
	State            string `json:"state"` // APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED
	CommitID         string `json:"commit_id"`
	SubmittedAt      string `json:"submitted_at"`
	// Once it was dismissed, where GitHub tells.
	DismissedAt    string `json:"dismissed_at,omitempty"`
	DismissedBy    string `json:"dismissed_by,omitempty"`
	DismissedState string `json:"dismissed_state,omitempty"`
}

type pushPayload struct {
	Repo            string   `json:"repo"`
	RepoID          int64    `json:"repo_id"`
	Ref             string   `json:"ref"` // branch
	IsDefaultBranch bool     `json:"is_default_branch"`
	SHA             string   `json:"sha"`
	Parents         []string `json:"parents"`
	Author          string   `json:"author"` // login, or the name in the commit if no account has its address
	AuthorLinked    bool     `json:"author_linked"`
	Committer       string   `json:"committer"`
	AuthoredAt      string   `json:"authored_at,omitempty"`
	CommittedAt     string   `json:"committed_at,omitempty"` // chosen by the committer
	MessageSummary  string   `json:"message_summary"`
	Verified        bool     `json:"verified"`
	Files           []string `json:"files"`
	FilesTruncated  bool     `json:"files_truncated"`
	// Association is none if GitHub knows no merged pull request that brought
	// the commit, unknown if it could not be asked.
	Association     string   `json:"association"`
	LinkedIssueKeys []string `json:"linked_issue_keys"`
	// From the branch's activity, where GitHub shows it.
	PushedAt string `json:"pushed_at,omitempty"`
	Pusher   string `json:"pusher,omitempty"`
	Forced   bool   `json:"forced,omitempty"`
	Before   string `json:"before,omitempty"` // with forced
}

type protectionPayload struct {
	Repo            string   `json:"repo"`
	RepoID          int64    `json:"repo_id"`
	Ref             string   `json:"ref"`
	IsDefaultBranch bool     `json:"is_default_branch"`
	Source          string   `json:"source"` // classic, ruleset, classic+ruleset, none
	Unread          []string `json:"unread"` // of classic and ruleset, what could not be read

	RequirePullRequest      bool     `json:"require_pull_request"`
	RequiredApprovals       int      `json:"required_approving_review_count"`
	DismissStaleReviews     bool     `json:"dismiss_stale_reviews"`
	RequireLastPushApproval bool     `json:"require_last_push_approval"`
	RequireCodeOwnerReview  bool     `json:"require_code_owner_review"`
	RequiredStatusChecks    []string `json:"required_status_checks"`
	StrictStatusChecks      bool     `json:"strict_status_checks"`
	RequireSignatures       bool     `json:"require_signatures"`
	ForbidForcePushes       bool     `json:"forbid_force_pushes"`
	ForbidDeletion          bool     `json:"forbid_deletion"`
	Locked                  bool     `json:"locked,omitempty"`
	RequireMergeQueue       bool     `json:"require_merge_queue,omitempty"`
	RuleTypes               []string `json:"rule_types,omitempty"`

	EnforceAdmins     *bool    `json:"enforce_admins,omitempty"` // absent when it could not be known
	BypassActors      []string `json:"bypass_actors"`            // TYPE:NAME or TYPE:id
	BypassActorsKnown bool     `json:"bypass_actors_known"`
	RulesetID         string   `json:"ruleset_id,omitempty"` // the first
	RulesetIDs        []string `json:"ruleset_ids"`
	Enforcement       string   `json:"enforcement"` // active, none
}

type runPayload struct {
	Repo            string `json:"repo"`
	RepoID          int64  `json:"repo_id"`
	RunID           int64  `json:"run_id"`
	RunAttempt      int    `json:"run_attempt"`
	Name            string `json:"name"`
	WorkflowPath    string `json:"workflow_path"`
	HeadSHA         string `json:"head_sha"`
	HeadBranch      string `json:"head_branch,omitempty"`
	Event           string `json:"event"`
	Conclusion      string `json:"conclusion"`
	CreatedAt       string `json:"created_at,omitempty"`
	StartedAt       string `json:"started_at,omitempty"`
	UpdatedAt       string `json:"updated_at"`
	Actor           string `json:"actor"`
	TriggeringActor string `json:"triggering_actor,omitempty"`
	// Of workflows in artifact_workflows.
	Artifacts []artifactPayload `json:"artifacts,omitempty"`
	Jobs      []jobPayload      `json:"job_summaries,omitempty"`
}

type jobPayload struct {
	Name        string `json:"name"`
	Conclusion  string `json:"conclusion,omitempty"`
	StartedAt   string `json:"started_at,omitempty"`
	CompletedAt string `json:"completed_at,omitempty"`
}

type artifactPayload struct {
	ID        int64  `json:"id"`
	Name      string `json:"name"`
	Size      int64  `json:"size"`             // bytes
	Digest    string `json:"digest,omitempty"` // sha256:…
	CreatedAt string `json:"created_at,omitempty"`
}

type revisionPayload struct {
	Repo          string         `json:"repo"`
	RepoID        int64          `json:"repo_id"`
	Path          string         `json:"path"`
	Ref           string         `json:"ref"`
	CommitSHA     string         `json:"commit_sha"`
	Author        string         `json:"author"`
	Committer     string         `json:"committer"`
	CommittedAt   string         `json:"committed_at,omitempty"`
	Verified      bool           `json:"verified"`
	Deleted       bool           `json:"deleted"`
	BlobSHA       string         `json:"blob_sha,omitempty"`
	ContentSHA256 string         `json:"content_sha256,omitempty"`
	Size          int64          `json:"size"` // bytes
	FrontMatter   map[string]any `json:"front_matter,omitempty"`
}

// stamp gives a time the form it has in payloads; empty for zero.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
