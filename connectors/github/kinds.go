package github

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Kinds beside changes and the gates before them, version 1 of each.
const (
	KindCodeowners      = "github.codeowners"
	KindRelease         = "github.release"
	KindDeployment      = "github.deployment"
	KindEnvironment     = "github.environment"
	KindSBOM            = "github.sbom"
	KindAuditEvent      = "github.org_audit_event"
	KindAppInstallation = "github.app_installation"
	KindTokenGrant      = "github.token_grant"
	KindSecretName      = "github.secret_name"
	KindCopilotPolicy   = "github.copilot_policy"
	KindCopilotSeat     = "github.copilot_seat"
)

// Permissions that only these kinds need.
const (
	permDeployments       = "deployments:read"
	permEnvironments      = "environments:read"
	permSecrets           = "secrets:read"
	permVariables         = "actions_variables:read"
	permDependabot        = "dependabot_secrets:read"
	permOrgAdmin          = "organization_administration:read"
	permOrgTokens         = "organization_personal_access_tokens:read"
	permOrgSecrets        = "organization_secrets:read"
	permOrgVariables      = "organization_actions_variables:read"
	permOrgDependabot     = "organization_dependabot_secrets:read"
	permCopilotSeats      = "organization_copilot_seat_management:read"
	permCopilotExclusions = "organization_copilot_content_exclusion:read"
	permCopilotAgent      = "organization_copilot_agent_settings:read"
)

// furtherKinds are described after the others.
func furtherKinds() []connector.KindSpec {
	const part, cursor = connector.ReadIfChanged, connector.ReadSinceCursor
	return []connector.KindSpec{
		{Kind: KindCodeowners, Major: 1, Reread: part, Summary: "who must review which paths, and what GitHub finds wrong in it"},
		{Kind: KindRelease, Major: 1, Reread: part, Summary: "a release with the commit of its tag and its assets"},
		{Kind: KindDeployment, Major: 1, Reread: cursor, Summary: "a deployment with its newest status and who let it through"},
		{Kind: KindEnvironment, Major: 1, Reread: part, Summary: "a deployment environment and the rules before it"},
		{Kind: KindSBOM, Major: 1, Reread: cursor, Summary: "the packages that GitHub finds in a repository; read in turns"},
		{Kind: KindAuditEvent, Major: 1, Reread: cursor, Summary: "an entry of the organisation's audit log (Enterprise Cloud)"},
		{Kind: KindAppInstallation, Major: 1, Reread: part, Summary: "an app installed in the organisation, with its rights"},
		{Kind: KindTokenGrant, Major: 1, Reread: part, Summary: "a fine-grained token that the organisation let in (shown to GitHub Apps only)"},
		{Kind: KindSecretName, Major: 1, Reread: part, Summary: "the name of a secret or variable, never its value"},
		{Kind: KindCopilotPolicy, Major: 1, Reread: part, Summary: "what the organisation allows Copilot"},
		{Kind: KindCopilotSeat, Major: 1, Reread: part, Summary: "a person's Copilot seat and the day of its last use"},
		{Kind: records.KindCodeUsage, Major: 1, Reread: cursor, Summary: "a place in code that shows AI (with scan_code)"},
		{Kind: records.KindModelReference, Major: 1, Reread: cursor, Summary: "a model that code names, and whether it stays the same (with scan_code)"},
		{Kind: records.KindPromptAsset, Major: 1, Reread: cursor, Summary: "a prompt, a tool's schema or settings of a model kept as a file (with scan_code)"},
		{Kind: records.KindCodeSecret, Major: 1, Reread: cursor, Summary: "a credential of an AI vendor that lies open, by prefix, length and hash (with scan_code)"},
		{Kind: records.KindCodeScan, Major: 1, Reread: cursor, Summary: "a scan of a repository's code: what was read and what was not (with scan_code)"},
	}
}

// furtherPermissions are those that the further kinds need besides the
// others'.
func furtherPermissions(repoGrant string) []connector.Permission {
	const orgGrant = "github.com > Settings > Developer settings > Fine-grained tokens (or the GitHub App's permissions) > Organization permissions > "
	return []connector.Permission{
		{ID: permDeployments, Kinds: []string{KindDeployment},
			Why: "read deployments and their statuses", Grant: repoGrant + "Deployments: read-only"},
		{ID: permEnvironments, Kinds: []string{KindSecretName},
			Why: "list the names of secrets and variables of an environment", Grant: repoGrant + "Environments: read-only"},
		{ID: permSecrets, Kinds: []string{KindSecretName},
			Why: "list the names of a repository's Actions secrets; GitHub never shows their values", Grant: repoGrant + "Secrets: read-only"},
		{ID: permVariables, Kinds: []string{KindSecretName},
			Why: "list the names of a repository's Actions variables; their values are dropped unread", Grant: repoGrant + "Variables: read-only"},
		{ID: permDependabot, Kinds: []string{KindSecretName},
			Why: "list the names of a repository's Dependabot secrets", Grant: repoGrant + "Dependabot secrets: read-only"},
		{ID: permOrgAdmin, Kinds: []string{KindAuditEvent, KindAppInstallation},
			Why: "read the audit log and which apps are installed; the token's owner must own the organisation", Grant: orgGrant + "Administration: read-only"},
		{ID: permOrgTokens, Kinds: []string{KindTokenGrant},
			Why: "list the fine-grained tokens that the organisation let in; only a GitHub App can", Grant: orgGrant + "Personal access tokens: read-only"},
		{ID: permOrgSecrets, Kinds: []string{KindSecretName},
			Why: "list the names of the organisation's Actions secrets", Grant: orgGrant + "Secrets: read-only"},
		{ID: permOrgVariables, Kinds: []string{KindSecretName},
			Why: "list the names of the organisation's Actions variables; their values are dropped unread", Grant: orgGrant + "Variables: read-only"},
		{ID: permOrgDependabot, Kinds: []string{KindSecretName},
			Why: "list the names of the organisation's Dependabot secrets", Grant: orgGrant + "Organization dependabot secrets: read-only"},
		{ID: permCopilotSeats, Kinds: []string{KindCopilotPolicy, KindCopilotSeat},
			Why: "read Copilot's settings and seats; the token's owner must own the organisation", Grant: orgGrant + "GitHub Copilot Business: read-only"},
		{ID: permCopilotExclusions, Kinds: []string{KindCopilotPolicy},
			Why: "read which paths are kept from Copilot", Grant: orgGrant + "Copilot content exclusion: read-only"},
		{ID: permCopilotAgent, Kinds: []string{KindCopilotPolicy},
			Why: "read which repositories Copilot's agent may work in", Grant: orgGrant + "Copilot agent settings: read-only"},
	}
}

// furtherSteps are read of each repository after the others.
func (r *run) furtherSteps() []step {
	envs := &environmentNames{}
	return []step{
		{[]string{KindCodeowners}, permContents, r.codeowners},
		{[]string{KindRelease}, permContents, r.releases},
		{[]string{KindDeployment}, permDeployments, r.deployments},
		{[]string{KindEnvironment}, permActions, func(ctx context.Context, repo repository) error { return r.environments(ctx, repo, envs) }},
		{[]string{KindSecretName}, permSecrets, func(ctx context.Context, repo repository) error { return r.repoNames(ctx, repo, actionsSecrets) }},
		{[]string{KindSecretName}, permVariables, func(ctx context.Context, repo repository) error { return r.repoNames(ctx, repo, actionsVariables) }},
		{[]string{KindSecretName}, permDependabot, func(ctx context.Context, repo repository) error { return r.repoNames(ctx, repo, dependabotSecrets) }},
		{[]string{KindSecretName}, permEnvironments, func(ctx context.Context, repo repository) error { return r.environmentSecrets(ctx, repo, envs) }},
		{[]string{KindSBOM}, permContents, r.sbom},
		{codeKinds(), permContents, r.code},
	}
}

// furtherOrgSteps are read once, of the organisation.
func (r *run) furtherOrgSteps() []orgStep {
	return []orgStep{
		{[]string{KindAuditEvent}, permOrgAdmin, r.auditLog},
		{[]string{KindAppInstallation}, permOrgAdmin, r.installations},
		{[]string{KindTokenGrant}, permOrgTokens, r.tokenGrants},
		{[]string{KindSecretName}, permOrgSecrets, func(ctx context.Context) error { return r.orgNames(ctx, actionsSecrets) }},
		{[]string{KindSecretName}, permOrgVariables, func(ctx context.Context) error { return r.orgNames(ctx, actionsVariables) }},
		{[]string{KindSecretName}, permOrgDependabot, func(ctx context.Context) error { return r.orgNames(ctx, dependabotSecrets) }},
		{[]string{KindCopilotPolicy}, permCopilotSeats, r.copilotPolicy},
		{[]string{KindCopilotSeat}, permCopilotSeats, r.copilotSeats},
	}
}

// furtherQueries says for each further kind what is asked.
func (r *run) furtherQueries() map[string]string {
	q := map[string]string{
		KindCodeowners:      "GET /repos/{repo}/git/trees/{default branch} for .github/CODEOWNERS, CODEOWNERS, docs/CODEOWNERS; /codeowners/errors",
		KindRelease:         "GET /repos/{repo}/releases and /tags",
		KindDeployment:      "GET /repos/{repo}/deployments, /{id}/statuses, /actions/runs/{id}/approvals",
		KindEnvironment:     "GET /repos/{repo}/environments and /{name}/deployment-branch-policies",
		KindSBOM:            fmt.Sprintf("GET /repos/{repo}/dependency-graph/sbom of %d repositories at most, the ones read longest ago first", r.cfg.SBOMPerRun),
		KindAuditEvent:      fmt.Sprintf("GET /orgs/{org}/audit-log?include=%s&phrase=%s", r.cfg.AuditInclude, r.cfg.AuditPhrase),
		KindAppInstallation: "GET /orgs/{org}/installations",
		KindTokenGrant:      "GET /orgs/{org}/personal-access-tokens",
		KindSecretName: "GET /orgs/{org} and /repos/{repo}: /actions/secrets, /actions/variables, /dependabot/secrets; " +
			"/repos/{repo}/environments/{name}/secrets and /variables; names only",
		KindCopilotPolicy: "GET /orgs/{org}/copilot/billing, /content_exclusion, /coding-agent/permissions",
		KindCopilotSeat:   "GET /orgs/{org}/copilot/billing/seats",
	}
	for _, kind := range codeKinds() {
		q[kind] = fmt.Sprintf("GET /repos/{repo}/tarball/{commit of the default branch}, read as it arrives and not kept; %d MB at most", r.cfg.ScanMaxMB)
	}
	if r.cfg.Organization == "" {
		for _, s := range r.furtherOrgSteps() {
			for _, k := range s.kinds {
				q[k] += "; nothing of an organisation was read: the configuration names none"
			}
		}
	}
	return q
}

// furtherEnumerated are those further kinds of which every run lists all.
func furtherEnumerated() []string {
	return append([]string{KindCodeowners, KindEnvironment, KindAppInstallation, KindTokenGrant, KindSecretName, KindCopilotPolicy, KindCopilotSeat},
		records.KindCodeUsage, records.KindModelReference, records.KindPromptAsset, records.KindCodeSecret)
}

// furtherSettings are those that only the further kinds use.
type furtherSettings struct {
	SBOMPerRun   int    `json:"sbom_per_run"`
	SBOMReports  bool   `json:"sbom_reports"`
	AuditPhrase  string `json:"audit_phrase"`
	AuditInclude string `json:"audit_include"`
	ScanCode     bool   `json:"scan_code"`
	ScanMaxMB    int    `json:"scan_max_mb"`
}

func defaultFurther() furtherSettings {
	return furtherSettings{SBOMPerRun: 100, AuditInclude: webEvents, ScanMaxMB: 2048}
}

func (s furtherSettings) checkFurther() (errs []error) {
	if s.SBOMPerRun < 1 {
		errs = append(errs, errors.New("sbom_per_run: must be above zero; to read no packages leave the kind out of the source's kinds"))
	}
	if s.ScanMaxMB < 1 {
		errs = append(errs, errors.New("scan_max_mb: must be above zero; to scan no code leave scan_code out"))
	}
	if strings.Contains(strings.ToLower(s.AuditPhrase), "created:") {
		errs = append(errs, errors.New("audit_phrase: leave created: out; the connector asks for the time itself"))
	}
	if s.AuditPhrase != line(s.AuditPhrase, 500) {
		errs = append(errs, errors.New("audit_phrase: holds control characters, or begins or ends with blanks"))
	}
	if !slices.Contains([]string{webEvents, "git", "all"}, s.AuditInclude) {
		errs = append(errs, fmt.Errorf("audit_include: %q is none of web, git, all", s.AuditInclude))
	}
	return errs
}

// isApp reports whether a GitHub App reads, rather than a person's token.
func (c *config) isApp() bool { return c.key != nil || strings.HasPrefix(c.token, "ghs_") }

// notOfferedError is what GitHub does not offer with this plan, or to this kind
// of credential.
type notOfferedError struct{ why string }

func (e *notOfferedError) Error() string { return e.why }
