package github

import (
	_ "embed"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// Version is the connector's own version.
const Version = "0.1.0"

// Kinds that the connector emits, version 1 of each.
const (
	KindRepository       = "github.repository"
	KindPullRequest      = "github.pull_request"
	KindReview           = "github.pull_request_review"
	KindPush             = "github.push"
	KindBranchProtection = "github.branch_protection"
	KindWorkflowRun      = "github.workflow_run"
	KindFileRevision     = "github.file_revision"
)

// Permissions as GitHub names them for fine-grained tokens and apps.
const (
	permMetadata = "metadata:read"
	permContents = "contents:read"
	permPulls    = "pull_requests:read"
	permActions  = "actions:read"
	permAdmin    = "administration:read"
)

// Names of the secrets, of which one is given.
const (
	secretToken = "token"
	secretKey   = "app_private_key"
)

//go:embed config.schema.json
var configSchema []byte

// Connector reads a GitHub organisation.
type Connector struct{}

var _ connector.Connector = (*Connector)(nil)

// New returns the connector.
func New() *Connector { return &Connector{} }

// Describe says what the connector is and which rights it needs.
func (*Connector) Describe() connector.Descriptor {
	const grant = "github.com > Settings > Developer settings > Fine-grained tokens > Repository permissions > "
	return connector.Descriptor{
		Name:         "github",
		Version:      Version,
		Summary:      "GitHub: repositories, changes and their approval, gates, pipelines, releases, files, packages, apps, names of secrets, audit log, Copilot",
		ConfigSchema: configSchema,
		Secrets: []connector.SecretSpec{
			{Name: secretToken,
				Summary: "fine-grained personal access token, read-only, for all repositories of the organisation; not with app_private_key"},
			{Name: secretKey,
				Summary: "private key (PEM) of the GitHub App named by app_id, which then fetches its own short-lived tokens; not with token"},
		},
		Kinds: append([]connector.KindSpec{
			{Kind: KindRepository, Major: 1, Reread: connector.ReadIfChanged, Summary: "a repository that the token can see"},
			{Kind: KindPullRequest, Major: 1, Reread: connector.ReadSinceCursor, Summary: "a pull request with the paths it changes"},
			{Kind: KindReview, Major: 1, Reread: connector.ReadSinceCursor, Summary: "a submitted review of a pull request"},
			{Kind: KindPush, Major: 1, Reread: connector.ReadSinceCursor, Summary: "a first-parent commit on a read branch that no merged pull request accounts for, or a forced push to it"},
			{Kind: KindBranchProtection, Major: 1, Reread: connector.ReadIfChanged, Summary: "what classic protection and rulesets together require of a branch"},
			{Kind: KindWorkflowRun, Major: 1, Reread: connector.ReadSinceCursor, Summary: "a completed attempt of a workflow run"},
			{Kind: KindFileRevision, Major: 1, Reread: connector.ReadSinceCursor, Summary: "one content that a chosen file had on the default branch"},
		}, furtherKinds()...),
		Permissions: append([]connector.Permission{
			{ID: permMetadata, Kinds: []string{KindRepository, KindBranchProtection},
				Why: "list repositories and the rules that apply to a branch", Grant: grant + "Metadata: read-only"},
			{ID: permContents, Kinds: append([]string{KindPush, KindFileRevision, KindBranchProtection, KindCodeowners, KindRelease, KindSBOM}, codeKinds()...),
				Why: "read branches, commits, chosen files, CODEOWNERS, releases and the packages in use", Grant: grant + "Contents: read-only"},
			{ID: permPulls, Kinds: []string{KindPullRequest, KindReview, KindPush},
				Why: "read pull requests, their files and reviews, and which of them brought a commit", Grant: grant + "Pull requests: read-only"},
			{ID: permActions, Kinds: []string{KindWorkflowRun, KindDeployment, KindEnvironment, KindSecretName},
				Why: "read workflow runs, environments, and who let a deployment through", Grant: grant + "Actions: read-only"},
			{ID: permAdmin, Kinds: []string{KindBranchProtection},
				Why: "read classic branch protection and who may bypass rules", Grant: grant + "Administration: read-only"},
		}, furtherPermissions(grant)...),
	}
}
