package jira

import (
	"context"
	"fmt"
	"net/url"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// Check says who we are, which projects may be browsed, and whether each
// canary is found. It reads no other issue.
func (*Connector) Check(ctx context.Context, cc connector.Config) (connector.CheckReport, error) {
	cfg, err := parseConfig(cc)
	if err != nil {
		return connector.CheckReport{}, err
	}
	api, err := newClient(cfg, nil)
	if err != nil {
		return connector.CheckReport{}, err
	}
	me, err := api.myself(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return connector.CheckReport{}, ctx.Err()
		}
		return connector.CheckReport{
			Permissions: []connector.PermissionState{{Permission: permBrowse}, {Permission: permApprovals}},
			Problem:     explainLogin(err).Error(),
			Remedy:      "Cloud: create an API token at id.atlassian.com for the account in settings.email; Data Center: a personal access token in the account's profile; then check base_url",
		}, nil
	}
	rep := connector.CheckReport{Identity: me.String()}
	browse := connector.PermissionState{Permission: permBrowse, Grant: connector.Granted}
	approvals := connector.PermissionState{Permission: permApprovals, Detail: "no project has approvals switched on"}
	for _, p := range cfg.Projects {
		if err := api.checkProject(ctx, p, &browse, &rep); err != nil {
			return connector.CheckReport{}, err
		}
		if p.Approvals {
			approvals.Detail = "seen only when a request is read"
		}
	}
	rep.Permissions = []connector.PermissionState{browse, approvals}
	if browse.Grant == connector.Missing && len(rep.Scope) == 0 {
		rep.Problem = "none of the projects can be browsed"
		rep.Remedy = New().Describe().Permissions[0].Grant
	}
	return rep, nil
}

// checkProject adds one project to what Check found. An error means that the
// check could not be made.
func (c *client) checkProject(ctx context.Context, p project, browse *connector.PermissionState, rep *connector.CheckReport) error {
	missing := func(why string) {
		browse.Grant = connector.Missing
		if browse.Detail != "" {
			browse.Detail += "; "
		}
		browse.Detail += why
	}
	if err := c.projectExists(ctx, p.Key); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		missing(printable(fmt.Sprintf("project %s: %v", p.Key, err), 300))
		return nil
	}
	var perms struct {
		Permissions map[string]struct {
			Have bool `json:"havePermission"`
		} `json:"permissions"`
	}
	q := url.Values{"projectKey": {p.Key}, "permissions": {permBrowse}}
	err := c.get(ctx, "api/"+c.version+"/mypermissions", q, &perms)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if got, told := perms.Permissions[permBrowse]; err == nil && told && !got.Have {
		missing("project " + p.Key + ": Browse Projects is not given")
		return nil
	}
	if p.Canary == "" {
		rep.Scope = append(rep.Scope, p.Key+" (no canary: hidden issues would not be noticed)")
		return nil
	}
	found, err := c.visible(ctx, p)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		missing(printable(fmt.Sprintf("project %s: %v", p.Key, err), 300))
	case !found:
		missing("project " + p.Key + ": the canary " + p.Canary + " is not found")
	default:
		rep.Scope = append(rep.Scope, p.Key)
	}
	return nil
}
