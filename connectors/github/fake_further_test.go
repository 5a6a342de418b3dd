package github_test

import (
	"time"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// ownersText is a CODEOWNERS file whose rules every kind of line is in.
const ownersText = "# who reviews what\n*            @acme/web\n/prompts/    @acme/ml kim@example.com # and a remark\n/docs/\\ a\\ b  @lee\n/vendor/\n"

var (
	appSHA    = sha("m1")
	githubDir = sha("tree .github")
)

// onlyKinds asks a run for some kinds.
func onlyKinds(kinds ...string) func(*connector.Request) {
	return func(r *connector.Request) { r.Kinds = kinds }
}

// furtherKinds are all that inventory fills, but for those that the credential
// or the plan decides about.
func furtherKinds() []string {
	return []string{github.KindCodeowners, github.KindRelease, github.KindDeployment, github.KindEnvironment, github.KindSBOM, github.KindAuditEvent,
		github.KindAppInstallation, github.KindTokenGrant, github.KindSecretName, github.KindCopilotPolicy, github.KindCopilotSeat}
}

func named(name string, more ...any) obj {
	o := obj{"name": name, "created_at": day(1), "updated_at": day(2)}
	for i := 0; i < len(more); i += 2 {
		o[more[i].(string)] = more[i+1]
	}
	return o
}

func variable(name string, more ...any) obj { return named(name, append(more, "value", theValue)...) }

// theValue is what a variable holds: it must not be found anywhere.
const theValue = "sk-value-of-a-variable"

func blobJSON(text string) obj {
	c := contentJSON(text, gitBlob(text))
	return obj{"sha": gitBlob(text), "encoding": "base64", "content": c["content"], "size": len(text)}
}

// inventory fills the fake with what the further kinds read.
func inventory(f *fakeGitHub) {
	const app, org = "/repos/acme/app", "/orgs/acme"
	f.set(
		app+"/git/trees/main", obj{"sha": sha("tree"), "tree": []any{
			obj{"path": ".github", "type": "tree", "sha": githubDir}, obj{"path": "CODEOWNERS", "type": "blob", "mode": "100644", "sha": sha("other")}}},
		app+"/git/trees/"+githubDir, obj{"sha": githubDir, "tree": []any{
			obj{"path": "CODEOWNERS", "type": "blob", "mode": "100644", "sha": gitBlob(ownersText)}}},
		app+"/git/blobs/"+gitBlob(ownersText), blobJSON(ownersText),
		app+"/commits?path=.github%2FCODEOWNERS&sha=main", []any{commitJSON("owners", day(4))},
		app+"/codeowners/errors", obj{"errors": []any{obj{"line": 4, "kind": "Unknown owner", "message": "Unknown owner on line 4: @lee\n\n  ^", "source": "x"}}},
		app+"/releases", []any{
			releaseJSON(901, "v1.1", day(11)), releaseJSON(900, "v1.0", day(3), "assets", []any{
				obj{"name": "model.bin", "size": 10, "digest": "sha256:aa", "content_type": "application/octet-stream", "created_at": day(3), "download_count": 7}})},
		app+"/tags", []any{obj{"name": "v1.1", "commit": obj{"sha": appSHA}}, obj{"name": "v1.0", "commit": obj{"sha": sha("root")}}},
		app+"/deployments", []any{deploymentJSON(801, day(12)), deploymentJSON(800, day(6), "environment", "staging")},
		app+"/deployments/801/statuses", []any{statusJSON(2, "success", day(12)), statusJSON(1, "waiting", day(11))},
		app+"/deployments/800/statuses", []any{obj{"id": 3, "state": "inactive", "created_at": day(7), "log_url": "https://deploy.example/x"}},
		app+"/actions/runs/71/approvals", []any{obj{"state": "approved", "comment": "ship it", "user": user("lee"),
			"environments": []any{obj{"name": "production"}}}, obj{"state": "approved", "user": user("kim"), "environments": []any{obj{"name": "other"}}}},
		app+"/environments", wrapped{"environments", []any{environmentJSON(61, "production"), obj{"id": 62, "name": "dev/a b", "created_at": day(1), "updated_at": day(1)}}},
		app+"/environments/production/deployment-branch-policies", wrapped{"branch_policies", []any{obj{"id": 1, "name": "release/*"}, obj{"id": 2, "name": "v*", "type": "tag"}}},
		app+"/environments/production/secrets", wrapped{"secrets", []any{named("OPENAI_API_KEY")}},
		app+"/environments/production/variables", wrapped{"variables", []any{variable("MODEL")}},
		app+"/environments/dev/a b/secrets", wrapped{"secrets", []any{}}, app+"/environments/dev/a b/variables", wrapped{"variables", []any{}},
		app+"/actions/secrets", wrapped{"secrets", []any{named("DEPLOY_KEY")}}, app+"/actions/variables", wrapped{"variables", []any{variable("REGION")}},
		app+"/dependabot/secrets", wrapped{"secrets", []any{named("DEPLOY_KEY")}},
		app+"/dependency-graph/sbom", obj{"sbom": spdxJSON("2026-03-01T00:00:00Z", "one")},
		org+"/actions/secrets", wrapped{"secrets", []any{named("ANTHROPIC_API_KEY", "visibility", "selected")}},
		org+"/actions/variables", wrapped{"variables", []any{variable("ORG_REGION", "visibility", "all")}},
		org+"/dependabot/secrets", wrapped{"secrets", []any{}},
		org+"/installations", wrapped{"installations", []any{obj{"id": 71, "app_id": 7, "app_slug": "reviewer", "repository_selection": "selected",
			"permissions": obj{"contents": "write", "metadata": "read"}, "events": []any{"push", "issues"}, "created_at": day(1), "updated_at": day(2),
			"html_url": "https://github.com/organizations/acme/settings/installations/71", "suspended_at": day(3), "suspended_by": user("lee")}}},
		org+"/personal-access-tokens", []any{obj{"id": 51, "owner": user("kim"), "repository_selection": "all", "token_name": "ci", "token_id": 9,
			"permissions": obj{"organization": obj{"members": "read"}, "repository": obj{"contents": "write"}}, "access_granted_at": day(1),
			"token_expired": false, "token_expires_at": nil, "token_last_used_at": "2026-03-05T17:04:05Z"}},
		org+"/copilot/billing", obj{"seat_breakdown": obj{"total": 1, "active_this_cycle": 1}, "seat_management_setting": "assign_selected",
			"public_code_suggestions": "block", "ide_chat": "enabled", "platform_chat": "disabled", "cli": "unconfigured", "plan_type": "business", "mcp": "disabled"},
		org+"/copilot/content_exclusion", obj{"app": []any{"/secrets/**", obj{"ifAnyMatch": []any{"x"}}}, "*": []any{"**/.env"}},
		org+"/copilot/coding-agent/permissions", obj{"enabled_repositories": "selected"},
		org+"/copilot/billing/seats", wrappedSeats{seatJSON(41, "kim")},
		org+"/audit-log", []any{auditJSON("e1", recent(5)), auditJSON("e2", recent(4))},
	)
}

// wrappedSeats is the one list that counts itself under another name.
type wrappedSeats []any

func releaseJSON(id int, tag, at string, more ...any) obj {
	r := obj{"id": id, "tag_name": tag, "target_commitish": "main", "name": "Version " + tag, "draft": false, "prerelease": false, "immutable": true,
		"created_at": at, "published_at": at, "author": user("kim"), "assets": []any{}, "html_url": "https://github.com/acme/app/releases/tag/" + tag}
	for i := 0; i < len(more); i += 2 {
		r[more[i].(string)] = more[i+1]
	}
	return r
}

func deploymentJSON(id int, at string, more ...any) obj {
	d := obj{"id": id, "sha": appSHA, "ref": "main", "task": "deploy", "environment": "production", "creator": user("kim"), "created_at": at, "updated_at": at,
		"production_environment": true, "transient_environment": false}
	for i := 0; i < len(more); i += 2 {
		d[more[i].(string)] = more[i+1]
	}
	return d
}

func statusJSON(id int, state, at string) obj {
	return obj{"id": id, "state": state, "created_at": at, "creator": user("kim"), "log_url": "https://github.com/acme/app/actions/runs/71/job/5", "target_url": ""}
}

func environmentJSON(id int, name string) obj {
	return obj{"id": id, "name": name, "created_at": day(1), "updated_at": day(2), "html_url": "https://github.com/acme/app/deployments/activity_log?environment=" + name,
		"can_admins_bypass": false, "deployment_branch_policy": obj{"protected_branches": false, "custom_branch_policies": true},
		"protection_rules": []any{obj{"type": "wait_timer", "wait_timer": 30}, obj{"type": "branch_policy"}, obj{"type": "datadog_check"},
			obj{"type": "required_reviewers", "prevent_self_review": true, "reviewers": []any{
				obj{"type": "User", "reviewer": user("lee")}, obj{"type": "Team", "reviewer": obj{"slug": "ml", "name": "ML"}}}}}}
}

func seatJSON(id int, login string, more ...any) obj {
	s := obj{"assignee": obj{"id": id, "login": login, "type": "User"}, "assigning_team": obj{"slug": "ml"}, "plan_type": "business", "created_at": day(1),
		"updated_at": day(1), "last_activity_at": "2026-03-09T13:14:15Z", "last_activity_editor": "vscode/1.77.3/copilot/1.86.82",
		"last_authenticated_at": "2026-03-08T10:00:00Z", "pending_cancellation_date": "2026-04-01"}
	for i := 0; i < len(more); i += 2 {
		s[more[i].(string)] = more[i+1]
	}
	return s
}

func auditJSON(id, at string, more ...any) obj {
	e := obj{"_document_id": id, "action": "protected_branch.destroy", "actor": "kim", "org": "acme", "repo": "acme/app", "user": "lee", "created_at": milli(at),
		"@timestamp": milli(at), "actor_ip": "203.0.113.9", "actor_location": obj{"country_code": "DE"}, "hashed_token": "abc=", "token_id": 12,
		"name": "main", "admin_enforced": true, "config": []any{"https://x/?token=y"}, "events": []any{"push"}, "note": "ghp_" + "leaked"}
	for i := 0; i < len(more); i += 2 {
		e[more[i].(string)] = more[i+1]
	}
	return e
}

func spdxJSON(created, space string, packages ...any) obj {
	if packages == nil {
		packages = []any{spdxPackage("rails", "1.0.0", "gem"), spdxPackage("openai", "3.96.0", "npm")}
	}
	return obj{"SPDXID": "SPDXRef-DOCUMENT", "spdxVersion": "SPDX-2.3", "creationInfo": obj{"created": created, "creators": []any{"Tool: GitHub.com-Dependency-Graph"}},
		"name": "com.github.acme/app", "documentNamespace": "https://spdx.org/spdxdocs/protobom/" + space,
		"packages":      append([]any{obj{"SPDXID": "SPDXRef-Repository", "name": "com.github.acme/app", "versionInfo": "main"}}, packages...),
		"relationships": []any{obj{"relationshipType": "DESCRIBES", "spdxElementId": "SPDXRef-DOCUMENT", "relatedSpdxElement": "SPDXRef-Repository"}}}
}

func spdxPackage(name, version, typ string) obj {
	return obj{"SPDXID": "SPDXRef-" + typ + "-" + name, "name": name, "versionInfo": version, "licenseConcluded": "MIT", "licenseDeclared": "NOASSERTION",
		"externalRefs": []any{obj{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": "pkg:" + typ + "/" + name + "@" + version}}}
}

// recent is n days ago: the audit log keeps nothing older than 180.
func recent(n int) string { return started.AddDate(0, 0, -n).Format(time.RFC3339) }

var started = time.Now().UTC().Truncate(time.Second)

func milli(at string) int64 {
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		panic(err)
	}
	return t.UnixMilli()
}
