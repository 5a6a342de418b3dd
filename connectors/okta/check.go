package okta

import (
	"context"
	"fmt"
	"net/url"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// Check tries each permission with a question that needs it.
func (conn *Connector) Check(ctx context.Context, in connector.Config) (connector.CheckReport, error) {
	unknown := rest.Unknown(connector.CheckReport{}, permissions())
	cfg, err := parseConfig(in)
	if err != nil {
		return rest.Failed(ctx, unknown, err, "correct the settings or the secrets")
	}
	const remedy = "make a new token or key: Admin console, Security, API, Tokens; or Applications, the service app, Client Credentials"
	a, err := newAPI(ctx, cfg, conn.clock, nil)
	if err != nil {
		return rest.Failed(ctx, unknown, err, remedy)
	}
	report := connector.CheckReport{Scope: []string{"organisation " + cfg.account()}}
	if report.Identity, err = a.identity(ctx, cfg); err != nil {
		return rest.Failed(ctx, unknown, err, remedy)
	}
	for _, t := range a.trials(ctx, cfg) {
		state, err := connector.PermissionState{Permission: t.permission, Detail: t.untried}, error(nil)
		if t.untried == "" {
			state, err = a.Probe(ctx, t.permission, t.call)
		}
		if err != nil {
			return rest.Failed(ctx, unknown, err, remedy)
		}
		report.Permissions = append(report.Permissions, state)
	}
	return report, nil
}

// trial is a small question that needs one permission.
type trial struct {
	permission string
	call       rest.Call
	untried    string // why it is not asked
}

func (a *api) trials(ctx context.Context, c *config) []trial {
	one := url.Values{"limit": {"1"}}
	out := []trial{
		{permission: permApps, call: rest.Call{Path: "api/v1/apps", Query: one}},
		{permission: permLogs, call: rest.Call{Path: "api/v1/logs", Query: one}},
	}
	var some []app
	if _, err := a.Get(ctx, out[0].call, &some); err == nil && len(some) > 0 && some[0].ID != "" {
		out = append(out, trial{permission: permGrants, call: rest.Call{Path: some[0].path("grants")}})
	} else {
		out = append(out, trial{permission: permGrants, untried: "there is no application to try it with"})
	}
	users := trial{permission: permUsers, call: rest.Call{Path: "api/v1/users", Query: one}}
	if !c.UserGrants && c.Owners == "none" {
		users.untried = "not tried: neither user_grants nor owner_hints need it"
	}
	return append(out, users)
}

// path is the address of something of an application.
func (a app) path(what string) string {
	return fmt.Sprintf("api/v1/apps/%s/%s", url.PathEscape(a.ID), what)
}
