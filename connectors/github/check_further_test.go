package github_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// further reports whether a permission is one of the further kinds alone.
func further(permission string) bool {
	return strings.HasPrefix(permission, "organization_") || slices.Contains([]string{"deployments:read", "environments:read", "secrets:read",
		"actions_variables:read", "dependabot_secrets:read"}, permission)
}

func furtherGrants(rep connector.CheckReport) map[string]connector.Grant {
	out := map[string]connector.Grant{}
	for _, p := range rep.Permissions {
		if further(p.Permission) {
			out[p.Permission] = p.Grant
		}
	}
	return out
}

func TestCheckFurther(t *testing.T) {
	f := newFake(t)
	organisation(f)
	inventory(f)
	f.set("/repos/acme/app", repoJSON(11, "app"))
	want := map[string]connector.Grant{"deployments:read": connector.Granted, "secrets:read": connector.Granted, "actions_variables:read": connector.Granted,
		"dependabot_secrets:read": connector.Granted, "environments:read": connector.GrantUnknown, "organization_administration:read": connector.Granted,
		"organization_secrets:read": connector.Granted, "organization_actions_variables:read": connector.Granted,
		"organization_dependabot_secrets:read": connector.Granted, "organization_copilot_seat_management:read": connector.Granted,
		"organization_copilot_content_exclusion:read": connector.Granted, "organization_copilot_agent_settings:read": connector.Granted,
		"organization_personal_access_tokens:read": connector.GrantUnknown}
	check := func() connector.CheckReport {
		t.Helper()
		rep, err := github.New().Check(t.Context(), configOf(t, f, everything()))
		if err != nil || rep.Problem != "" {
			t.Fatalf("%+v, %v", rep, err)
		}
		if d := cmp.Diff(want, furtherGrants(rep)); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		return rep
	}
	check()
	f.on("/repos/acme/app/actions/secrets", status(403, "Resource not accessible by personal access token"))
	f.on("/orgs/acme/installations", status(404, "Not Found"))
	f.on("/orgs/acme/copilot/billing", status(404, "Not Found")) // no Copilot, or no permission
	want["secrets:read"], want["organization_administration:read"] = connector.Missing, connector.Missing
	want["organization_copilot_seat_management:read"] = connector.GrantUnknown
	for _, p := range check().Permissions {
		if p.Grant == connector.Missing && !strings.Contains(p.Detail, "read-only") || p.Detail == "" {
			t.Errorf("%s does not say how to grant it: %q", p.Permission, p.Detail)
		}
	}
	for _, settings := range []obj{{"owner": "acme"}, {"repositories": []any{"acme/app"}}} {
		f.set("/users/acme/repos", []any{repoJSON(11, "app")})
		rep, err := github.New().Check(t.Context(), configOf(t, f, settings))
		if err != nil {
			t.Fatal(err)
		}
		for name, grant := range furtherGrants(rep) {
			if strings.HasPrefix(name, "organization_") && grant != connector.GrantUnknown {
				t.Errorf("%v: %s is %q although no organisation is read", settings, name, grant)
			}
		}
	}
}
