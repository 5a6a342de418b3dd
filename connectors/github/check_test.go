package github_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/connectors/github"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

func grants(rep connector.CheckReport) map[string]connector.Grant {
	out := map[string]connector.Grant{}
	for _, p := range rep.Permissions {
		if !further(p.Permission) {
			out[p.Permission] = p.Grant
		}
	}
	return out
}

func TestCheck(t *testing.T) {
	f := newFake(t)
	organisation(f)
	f.set("/repos/acme/app", repoJSON(11, "app"), "/repos/acme/app/commits", []any{})
	all := map[string]connector.Grant{"metadata:read": connector.Granted, "contents:read": connector.Granted, "pull_requests:read": connector.Granted,
		"actions:read": connector.Granted, "administration:read": connector.Granted}
	rep, err := github.New().Check(t.Context(), configOf(t, f, everything()))
	if err != nil || rep.Problem != "" {
		t.Fatalf("%+v, %v", rep, err)
	}
	if rep.Identity != "auditor, a fine-grained token" || cmp.Diff([]string{"acme/app"}, rep.Scope) != "" || cmp.Diff(all, grants(rep)) != "" {
		t.Errorf("report %+v", rep)
	}

	f.on("/repos/acme/app/actions/runs", status(403, "Resource not accessible by personal access token"))
	f.on("/repos/acme/app/branches/main/protection", status(404, "Branch not protected")) // said to those who may know
	f.on("/repos/acme/app/pulls", status(500, "boom"))
	f.on("/repos/acme/app/commits", status(409, "Git Repository is empty."))
	all["actions:read"], all["pull_requests:read"] = connector.Missing, connector.GrantUnknown
	rep, err = github.New().Check(t.Context(), configOf(t, f, everything()))
	if err != nil || cmp.Diff(all, grants(rep)) != "" {
		t.Errorf("report %+v, %v", rep, err)
	}
	for _, p := range rep.Permissions {
		if p.Grant == connector.Missing && !further(p.Permission) && !strings.Contains(p.Detail, "Actions: read-only") {
			t.Errorf("%s does not say how to grant it: %s", p.Permission, p.Detail)
		}
	}
	f.on("/repos/acme/app/branches/main/protection", status(404, "Not Found"))
	all["administration:read"] = connector.Missing
	if rep, err = github.New().Check(t.Context(), configOf(t, f, everything())); err != nil || cmp.Diff(all, grants(rep)) != "" {
		t.Errorf("report %+v, %v", rep, err)
	}
}

func TestCheckProblems(t *testing.T) {
	f := newFake(t)
	organisation(f)
	cfg := configOf(t, f, everything())
	cfg.Secrets["token"] = "expired-token"
	rep, err := github.New().Check(t.Context(), cfg)
	if err != nil || !strings.Contains(rep.Problem, "401") || rep.Remedy == "" || strings.Contains(rep.Problem+rep.Remedy, "expired-token") {
		t.Errorf("refused token: %+v, %v", rep, err)
	}
	f.set("/orgs/acme/repos", []any{})
	rep, err = github.New().Check(t.Context(), configOf(t, f, everything()))
	if err != nil || rep.Problem == "" || len(rep.Permissions) < 5 || rep.Permissions[0].Grant != connector.GrantUnknown {
		t.Errorf("nothing visible: %+v, %v", rep, err)
	}
	f.on("/user", status(403, "Resource not accessible by integration", "X-Foo", "1"))
	f.set("/rate_limit", obj{"resources": obj{}})
	if rep, err = github.New().Check(t.Context(), configOf(t, f, everything())); err != nil || !strings.Contains(rep.Identity, "App") {
		t.Errorf("installation token: %+v, %v", rep, err)
	}
	f.Close()
	if _, err = github.New().Check(t.Context(), configOf(t, f, everything())); err == nil || errors.Is(err, connector.ErrRefused) {
		t.Errorf("no host: %v", err)
	}
}

// A scope that is not seen in full is said before anything is collected.
func TestCheckScope(t *testing.T) {
	f := newFake(t)
	organisation(f)
	f.set("/repos/acme/app", repoJSON(11, "app"))
	rep, err := github.New().Check(t.Context(), configOf(t, f, obj{"repositories": []any{"acme/app", "acme/nobody"}}))
	if err != nil || rep.Problem != "" || cmp.Diff([]string{"acme/app"}, rep.Scope) != "" {
		t.Fatalf("%+v, %v", rep, err)
	}
	if p := rep.Permissions[0]; p.Permission != "metadata:read" || p.Grant != connector.Missing || !strings.Contains(p.Detail, "acme/nobody: no repository of this name") {
		t.Errorf("a name that nobody has: %+v", p)
	}
	f.on("/orgs/acme/repos", status(404, "Not Found"))
	f.on("/users/acme/repos", status(404, "Not Found"))
	rep, err = github.New().Check(t.Context(), configOf(t, f, everything()))
	if err != nil || !strings.Contains(rep.Problem, "repositories of acme: users/acme/repos: 404") {
		t.Errorf("nothing can be listed: %+v, %v", rep, err)
	}
}
