package github_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
)

// readFurther makes a run of the further kinds, as an app.
func readFurther(h *host, f *fakeGitHub, more ...any) connector.Coverage {
	h.t.Helper()
	return h.mustCollect(f, everything(more...), onlyKinds(furtherKinds()...))
}

func newInventory(t *testing.T) (*fakeGitHub, *host) {
	t.Helper()
	f, h := newFake(t), newHost(t)
	organisation(f)
	inventory(f)
	return f, h
}

func TestFurtherKinds(t *testing.T) {
	f, h := newInventory(t)
	cov := readFurther(h, f)
	if len(h.gaps) > 0 {
		t.Errorf("gaps: %+v", h.gaps)
	}
	enumerated := map[string]bool{github.KindCodeowners: true, github.KindEnvironment: true, github.KindAppInstallation: true, github.KindTokenGrant: true,
		github.KindSecretName: true, github.KindCopilotPolicy: true, github.KindCopilotSeat: true}
	for _, kind := range furtherKinds() {
		if k := cov[kind]; k.Status != connector.Complete || k.Query == "" || k.Enumerated != enumerated[kind] {
			t.Errorf("%s: %+v", kind, k)
		}
	}
	if cov[github.KindCopilotSeat].IndependentCount != 1 || cov[github.KindAppInstallation].IndependentCount != 1 {
		t.Errorf("independent counts: %+v", cov)
	}
	for kind, want := range furtherWant() {
		if d := cmp.Diff(want, h.payloads(kind)); d != "" {
			t.Errorf("%s (-want +got):\n%s", kind, d)
		}
	}
	checkLinks(t, h)
	for id, r := range h.records {
		if strings.Contains(string(r.Payload)+r.Key+r.URL, theValue) {
			t.Errorf("%s shows the value of a variable", id)
		}
	}
	for key, v := range h.validators {
		if strings.Contains(key+string(v.Memo), theValue) {
			t.Errorf("the note of %s holds the value of a variable", key)
		}
	}
	again := readFurther(h, f)
	if len(h.gaps) != 0 || h.revisions != 0 {
		t.Errorf("again: %d revisions, gaps %+v", h.revisions, h.gaps)
	}
	if d := cmp.Diff(cov, again); d != "" {
		t.Errorf("again (-first +second):\n%s", d)
	}
	// Counted are the questions that GitHub answers anew: the audit log since its last event.
	if n := counted(h); n != 1 {
		t.Errorf("again: %d counted calls of %d", n, h.calls.Requests)
	}
}

func furtherWant() map[string]map[string]obj {
	kept := func(scope, store, typ, name string, more ...any) obj {
		o := obj{"scope": scope, "store": store, "type": typ, "name": name, "created_at": day(1), "updated_at": day(2)}
		if scope != "organization" {
			o["repo"], o["repo_id"] = "acme/app", 11.0
		} else {
			o["organization"] = "acme"
		}
		for i := 0; i < len(more); i += 2 {
			o[more[i].(string)] = more[i+1]
		}
		return o
	}
	deployed := obj{"repo": "acme/app", "repo_id": 11.0, "deployment_id": 801.0, "environment": "production", "production_environment": true,
		"transient_environment": false, "sha": appSHA, "ref": "main", "task": "deploy", "status": "success", "status_at": day(12), "run_id": 71.0, "creator": "kim",
		"creator_type": "User", "created_at": day(12), "updated_at": day(12),
		"protection_reviews": []any{obj{"reviewer": "lee", "state": "approved", "environment": "production", "comment": "ship it"}}}
	audit := func(id string, n int) obj {
		return obj{"event_id": id, "organization": "acme", "action": "protected_branch.destroy", "actor": "kim", "user": "lee", "repo": "acme/app",
			"created_at": strings.Replace(recent(n), "Z", ".000Z", 1), "data": map[string]any{"name": "main", "admin_enforced": true, "token_id": 12.0,
				"events": []any{"push"}, "note": "[left out]"}}
	}
	return plain(map[string]map[string]obj{
		github.KindCodeowners: {"11/.github/CODEOWNERS": {"repo": "acme/app", "repo_id": 11, "path": ".github/CODEOWNERS", "ref": "main", "sha": gitBlob(ownersText),
			"size": len(ownersText), "rules_truncated": false, "committed_at": day(4), "rules": []any{
				obj{"pattern": "*", "owners": []any{"@acme/web"}, "line": 2}, obj{"pattern": "/prompts/", "owners": []any{"@acme/ml", "kim@example.com"}, "line": 3},
				obj{"pattern": `/docs/\ a\ b`, "owners": []any{"@lee"}, "line": 4}, obj{"pattern": "/vendor/", "owners": []any{}, "line": 5}},
			"errors": []any{obj{"line": 4, "kind": "Unknown owner", "message": "Unknown owner on line 4: @lee"}}}},
		github.KindRelease: {
			"900": {"repo": "acme/app", "repo_id": 11, "release_id": 900, "tag": "v1.0", "name": "Version v1.0", "target_commitish": "main", "sha": sha("root"),
				"created_at": day(3), "published_at": day(3), "author": "kim", "draft": false, "prerelease": false, "immutable": true, "assets": []any{
					obj{"name": "model.bin", "content_type": "application/octet-stream", "size": 10, "digest": "sha256:aa", "created_at": day(3)}}},
			"901": {"repo": "acme/app", "repo_id": 11, "release_id": 901, "tag": "v1.1", "name": "Version v1.1", "target_commitish": "main", "sha": appSHA,
				"created_at": day(11), "published_at": day(11), "author": "kim", "draft": false, "prerelease": false, "immutable": true, "assets": []any{}}},
		github.KindDeployment: {"801": deployed,
			"800": {"repo": "acme/app", "repo_id": 11, "deployment_id": 800, "environment": "staging", "production_environment": true, "transient_environment": false,
				"sha": appSHA, "ref": "main", "task": "deploy", "status": "inactive", "status_at": day(7), "creator": "kim", "creator_type": "User",
				"created_at": day(6), "updated_at": day(6)}},
		github.KindEnvironment: {
			"11/production": {"repo": "acme/app", "repo_id": 11, "environment_id": 61, "name": "production", "created_at": day(1), "updated_at": day(2),
				"required_reviewers": []any{"team:ml", "user:lee"}, "prevent_self_review": true, "wait_timer_minutes": 30, "can_admins_bypass": false,
				"branch_policy": "custom", "branch_patterns": []any{"branch:release/*", "tag:v*"}, "custom_rules": []any{"datadog_check"}},
			"11/dev/a b": {"repo": "acme/app", "repo_id": 11, "environment_id": 62, "name": "dev/a b", "created_at": day(1), "updated_at": day(1),
				"required_reviewers": []any{}, "wait_timer_minutes": 0, "branch_policy": "any", "custom_rules": []any{}}},
		github.KindAuditEvent: {"e1": audit("e1", 5), "e2": audit("e2", 4)},
		github.KindAppInstallation: {"71": {"organization": "acme", "installation_id": 71, "app_id": 7, "app_slug": "reviewer",
			"permissions": obj{"contents": "write", "metadata": "read"}, "events": []any{"issues", "push"}, "repository_selection": "selected",
			"suspended": true, "suspended_at": day(3), "suspended_by": "lee", "created_at": day(1), "updated_at": day(2)}},
		github.KindTokenGrant: {"51": {"organization": "acme", "grant_id": 51, "owner": "kim", "token_name": "ci", "repository_selection": "all",
			"permissions": obj{"organization.members": "read", "repository.contents": "write"}, "granted_at": day(1), "expired": false,
			"last_used_at": "2026-03-05T00:00:00Z"}},
		github.KindSecretName: {
			"org/acme/actions/secret/ANTHROPIC_API_KEY":               kept("organization", "actions", "secret", "ANTHROPIC_API_KEY", "visibility", "selected"),
			"org/acme/actions/variable/ORG_REGION":                    kept("organization", "actions", "variable", "ORG_REGION", "visibility", "all"),
			"11/actions/secret/DEPLOY_KEY":                            kept("repository", "actions", "secret", "DEPLOY_KEY"),
			"11/actions/variable/REGION":                              kept("repository", "actions", "variable", "REGION"),
			"11/dependabot/secret/DEPLOY_KEY":                         kept("repository", "dependabot", "secret", "DEPLOY_KEY"),
			"11/environment/production/actions/secret/OPENAI_API_KEY": kept("environment", "actions", "secret", "OPENAI_API_KEY", "environment", "production"),
			"11/environment/production/actions/variable/MODEL":        kept("environment", "actions", "variable", "MODEL", "environment", "production")},
		github.KindCopilotPolicy: {"acme": {"organization": "acme", "plan_type": "business", "seat_management_setting": "assign_selected",
			"public_code_suggestions": "block", "ide_chat": "enabled", "platform_chat": "disabled", "cli": "unconfigured", "other_settings": obj{"mcp": "disabled"},
			"seats_total": 1, "coding_agent_repositories": "selected", "unread": []any{}, "content_exclusions": []any{
				obj{"repository": "*", "paths": []any{"**/.env"}}, obj{"repository": "app", "paths": []any{"/secrets/**", `{"ifAnyMatch":["x"]}`}}}}},
		github.KindCopilotSeat: {"acme/41": {"organization": "acme", "user": "kim", "user_id": 41, "assigning_team": "ml", "plan_type": "business",
			"created_at": day(1), "pending_cancellation_date": "2026-04-01", "last_activity_at": "2026-03-09T00:00:00Z", "last_activity_editor": "vscode",
			"last_authenticated_at": "2026-03-08T00:00:00Z"}},
	})
}

// plain makes values what they are after a way through JSON.
func plain(in map[string]map[string]obj) (out map[string]map[string]obj) {
	b, err := json.Marshal(in)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		panic(err)
	}
	return out
}

// The fake's address gives no site away, so only what GitHub says is a link.
func checkLinks(t *testing.T, h *host) {
	t.Helper()
	for id, want := range map[string]envelope{
		github.KindCodeowners + " 11/.github/CODEOWNERS":      {"repository", "acme/app", "", ""},
		github.KindRelease + " 901":                           {"release", "acme/app@" + appSHA, day(11), "https://github.com/acme/app/releases/tag/v1.1"},
		github.KindDeployment + " 801":                        {"release", "acme/app@" + appSHA, day(12), ""},
		github.KindEnvironment + " 11/production":             {"repository", "acme/app", "", "https://github.com/acme/app/deployments/activity_log?environment=production"},
		github.KindAuditEvent + " e1":                         {"organization", "acme", recent(5), ""},
		github.KindAppInstallation + " 71":                    {"organization", "acme", "", "https://github.com/organizations/acme/settings/installations/71"},
		github.KindSecretName + " 11/actions/variable/REGION": {"repository", "acme/app", "", ""},
		github.KindCopilotSeat + " acme/41":                   {"person", "kim", "", ""},
		github.KindSBOM + " 11":                               {"repository", "acme/app", "", ""},
	} {
		r, ok := h.records[id]
		if !ok {
			t.Errorf("no record %s", id)
			continue
		}
		got := envelope{r.Subject.Type, r.Subject.ID, "", r.URL}
		if !r.EventTime.IsZero() {
			got.Event = r.EventTime.Format("2006-01-02T15:04:05Z07:00")
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", id, d)
		}
	}
}

func TestConformanceOfFurtherKinds(t *testing.T) {
	f, _ := newInventory(t)
	f.set("/repos/acme/app", repoJSON(11, "app"))
	connectortest.Run(t, github.New(), connectortest.Case{Config: configOf(t, f, everything())})
}

// Without an organisation in the configuration nothing of one is asked, and
// nothing is claimed of it.
func TestNoOrganisation(t *testing.T) {
	for _, settings := range []obj{{"repositories": []any{"acme/app"}}, {"owner": "acme"}} {
		f, h := newInventory(t)
		f.set("/repos/acme/app", repoJSON(11, "app"), "/users/acme/repos", []any{repoJSON(11, "app")})
		f.took()
		cov := h.mustCollect(f, settings, onlyKinds(furtherKinds()...))
		for _, a := range f.took() {
			if strings.HasPrefix(a, "/orgs/") {
				t.Errorf("%v: asked %s", settings, a)
			}
		}
		for _, kind := range []string{github.KindAuditEvent, github.KindAppInstallation, github.KindTokenGrant, github.KindCopilotPolicy, github.KindCopilotSeat} {
			if k := cov[kind]; k.Status != connector.NotRead || k.Enumerated || !strings.Contains(k.Query, "names none") || len(h.payloads(kind)) > 0 {
				t.Errorf("%v: %s: %+v", settings, kind, k)
			}
		}
		whole := settings["owner"] == nil // of another's account only what is public is listed
		if k := cov[github.KindSecretName]; (k.Status == connector.Complete) != whole || k.Enumerated != whole || !strings.Contains(k.Query, "names none") {
			t.Errorf("%v: names of the repository: %+v", settings, k)
		}
		if len(h.payloads(github.KindSecretName)) != 5 || len(h.payloads(github.KindCodeowners)) != 1 {
			t.Errorf("%v: of the repository: %v", settings, h.keys(github.KindSecretName))
		}
	}
}

// Whatever is denied is a gap with the permission that closes it; the rest is
// read, and nothing that is denied reads as empty.
func TestFurtherDenied(t *testing.T) {
	const app, org = "/repos/acme/app", "/orgs/acme"
	for path, want := range map[string]struct{ kind, permission string }{
		app + "/git/trees/main":            {github.KindCodeowners, "contents:read"},
		app + "/codeowners/errors":         {github.KindCodeowners, "contents:read"},
		app + "/releases":                  {github.KindRelease, "contents:read"},
		app + "/tags":                      {github.KindRelease, "contents:read"},
		app + "/deployments":               {github.KindDeployment, "deployments:read"},
		app + "/deployments/801/statuses":  {github.KindDeployment, "deployments:read"},
		app + "/actions/runs/71/approvals": {github.KindDeployment, "actions:read"},
		app + "/environments/production/deployment-branch-policies": {github.KindEnvironment, "actions:read"},
		app + "/environments/production/secrets":                    {github.KindSecretName, "environments:read"},
		app + "/environments/production/variables":                  {github.KindSecretName, "environments:read"},
		app + "/actions/secrets":                                    {github.KindSecretName, "secrets:read"},
		app + "/actions/variables":                                  {github.KindSecretName, "actions_variables:read"},
		app + "/dependabot/secrets":                                 {github.KindSecretName, "dependabot_secrets:read"},
		app + "/dependency-graph/sbom":                              {github.KindSBOM, "contents:read"},
		org + "/actions/secrets":                                    {github.KindSecretName, "organization_secrets:read"},
		org + "/actions/variables":                                  {github.KindSecretName, "organization_actions_variables:read"},
		org + "/dependabot/secrets":                                 {github.KindSecretName, "organization_dependabot_secrets:read"},
		org + "/installations":                                      {github.KindAppInstallation, "organization_administration:read"},
		org + "/audit-log":                                          {github.KindAuditEvent, "organization_administration:read"},
		org + "/copilot/billing":                                    {github.KindCopilotPolicy, "organization_copilot_seat_management:read"},
		org + "/copilot/billing/seats":                              {github.KindCopilotSeat, "organization_copilot_seat_management:read"},
		org + "/copilot/content_exclusion":                          {github.KindCopilotPolicy, "organization_copilot_content_exclusion:read"},
		org + "/copilot/coding-agent/permissions":                   {github.KindCopilotPolicy, "organization_copilot_agent_settings:read"},
	} {
		t.Run(path, func(t *testing.T) {
			f, h := newInventory(t)
			f.on(path, status(403, "Resource not accessible by personal access token"))
			for range 2 { // the second run says it again
				cov := readFurther(h, f)
				if len(h.gaps) != 1 || h.gaps[0].Reason != connector.Denied || h.gaps[0].Permission != want.permission || h.gaps[0].Kinds[0] != want.kind {
					t.Fatalf("gaps %+v", h.gaps)
				}
				for kind, k := range cov {
					if whole := k.Status == connector.Complete; whole == (kind == want.kind) || kind == want.kind && k.Enumerated {
						t.Errorf("%s: %+v", kind, k)
					}
				}
			}
			f.on(path, nil)
			if readFurther(h, f); want.kind == github.KindSBOM {
				return // asked again after a day
			}
			if len(h.gaps) != 0 {
				t.Errorf("granted: gaps %+v", h.gaps)
			}
			for kind, records := range furtherWant() {
				if d := cmp.Diff(records, h.payloads(kind)); d != "" {
					t.Errorf("granted: %s (-want +got):\n%s", kind, d)
				}
			}
		})
	}
}

// An answer of another form than documented is a gap, never an empty list.
func TestFurtherDrift(t *testing.T) {
	const app, org = "/repos/acme/app", "/orgs/acme"
	raw := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }
	}
	for _, path := range []string{app + "/git/trees/main", app + "/git/trees/" + githubDir, app + "/git/blobs/" + gitBlob(ownersText), app + "/codeowners/errors",
		app + "/releases", app + "/tags", app + "/deployments", app + "/deployments/801/statuses", app + "/environments",
		app + "/environments/production/deployment-branch-policies", app + "/actions/secrets", app + "/actions/variables", app + "/dependency-graph/sbom",
		app + "/actions/runs/71/approvals", org + "/installations", org + "/personal-access-tokens", org + "/copilot/billing", org + "/copilot/content_exclusion",
		org + "/copilot/coding-agent/permissions", org + "/copilot/billing/seats", org + "/audit-log"} {
		for _, text := range []string{`null`, `{}`, `[null]`, `[7]`, `"x"`, `{"total_count":1,"items":[]}`, `<html>`, `{"secrets":null}`, `[{"id":"x"}]`, `{"a":`} {
			if text == "{}" && path == org+"/copilot/content_exclusion" || text == "[]" {
				continue // no rules at all
			}
			f, h := newInventory(t)
			f.on(path, raw(text))
			cov := h.mustCollect(f, everything(), onlyKinds(furtherKinds()...), func(r *connector.Request) { r.Config.Secrets["token"] = goodToken })
			short := 0
			for _, k := range cov {
				if k.Status != connector.Complete {
					short++
				}
			}
			if short == 0 || len(h.gaps) == 0 {
				t.Errorf("%s answers %s: complete, gaps %+v", path, text, h.gaps)
			}
		}
	}
}
