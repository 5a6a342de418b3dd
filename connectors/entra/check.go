package entra

import (
	"context"
	"net/http"
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
	const remedy = "Entra admin centre, App registrations, the app, Certificates & secrets: make a new client secret, and put its value (not its id) into the secret " + secretClient
	g, err := newGraph(ctx, cfg, conn.clock, nil)
	if err != nil {
		return rest.Failed(ctx, unknown, err, remedy)
	}
	report := connector.CheckReport{Identity: "app " + cfg.Client + " of tenant " + cfg.Tenant, Scope: []string{"tenant " + cfg.Tenant}}
	for _, t := range trials(cfg) {
		state, err := connector.PermissionState{Permission: t.permission, Detail: t.untried}, error(nil)
		if t.untried == "" {
			state, err = g.Probe(ctx, t.permission, t.call)
		}
		if err != nil {
			return rest.Failed(ctx, unknown, err, remedy)
		}
		report.Permissions = append(report.Permissions, state)
	}
	if cfg.SignIns {
		var p page
		_, err := g.Get(ctx, rest.Call{Path: "v1.0/auditLogs/signIns", Query: top("1")}, &p)
		if rest.StatusOf(err) == http.StatusForbidden {
			for i := range report.Permissions {
				if s := &report.Permissions[i]; s.Permission == permLogs && s.Grant == connector.Granted {
					s.Detail = "consents can be read, sign-ins cannot: " + unlicensed(err).Error()
				}
			}
		}
	}
	return report, nil
}

// trial is a small question that needs one permission.
type trial struct {
	permission string
	call       rest.Call
	untried    string // why it is not asked
}

func top(n string) url.Values { return url.Values{"$top": {n}} }

func trials(c *config) []trial {
	users := trial{permission: permUsers, call: rest.Call{Path: "v1.0/users", Query: url.Values{"$top": {"1"}, "$select": {"id,userPrincipalName"}}}}
	if !c.Kept() {
		users.untried = "not tried: people are only counted"
	}
	return []trial{
		{permission: permApps, call: rest.Call{Path: "v1.0/servicePrincipals", Query: url.Values{"$top": {"1"}, "$select": {"id"}}}},
		{permission: permGrants, call: rest.Call{Path: "v1.0/oauth2PermissionGrants", Query: top("1")}},
		{permission: permLogs, call: rest.Call{Path: "v1.0/auditLogs/directoryAudits", Query: top("1")}},
		{permission: permLicences, call: rest.Call{Path: "v1.0/subscribedSkus"}},
		{permission: permReports, call: rest.Call{Path: copilotReport, Query: url.Values{"$format": {"application/json"}}}},
		users,
	}
}
