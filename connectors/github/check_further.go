package github

import "net/url"

// furtherProbes are the questions about a repository for the further kinds.
func furtherProbes(repo repository) []probe {
	one := url.Values{"per_page": {"1"}}
	on, open := repo.FullName, !repo.Private
	return []probe{
		{permission: permDeployments, call: call{path: repo.path() + "/deployments", query: one}, on: on, open: open},
		{permission: permSecrets, call: call{path: repo.path() + "/actions/secrets", query: one}, on: on},
		{permission: permVariables, call: call{path: repo.path() + "/actions/variables", query: one}, on: on},
		{permission: permDependabot, call: call{path: repo.path() + "/dependabot/secrets", query: one}, on: on},
		{permission: permEnvironments, moot: "it shows when the secrets of an environment are listed"},
	}
}

// orgProbes are the questions about the organisation.
func (r *run) orgProbes() []probe {
	if r.cfg.Organization == "" {
		return nil
	}
	org, one := "orgs/"+r.cfg.Organization, url.Values{"per_page": {"1"}}
	on := "organisation " + r.cfg.Organization
	const noCopilot = "GitHub answers so too where the organisation has no Copilot"
	probes := []probe{
		{permission: permOrgAdmin, call: call{path: org + "/installations", query: one}, on: on},
		{permission: permOrgSecrets, call: call{path: org + "/actions/secrets", query: one}, on: on},
		{permission: permOrgVariables, call: call{path: org + "/actions/variables", query: one}, on: on},
		{permission: permOrgDependabot, call: call{path: org + "/dependabot/secrets", query: one}, on: on},
		{permission: permCopilotSeats, call: call{path: org + "/copilot/billing"}, on: on, absent: noCopilot},
		{permission: permCopilotExclusions, call: call{path: org + "/copilot/content_exclusion"}, on: on, absent: noCopilot},
		{permission: permCopilotAgent, call: call{path: org + "/copilot/coding-agent/permissions"}, on: on, absent: noCopilot},
	}
	tokens := probe{permission: permOrgTokens, call: call{path: org + "/personal-access-tokens", query: one}, on: on}
	if !r.cfg.isApp() {
		tokens.moot = "GitHub shows tokens to GitHub Apps only, and this source reads with a person's token"
	}
	return append(probes, tokens)
}
