package jira

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// checking is one Check.
type checking struct {
	cfg *config
	api *client
	rep connector.CheckReport

	browse, security, approvals, files finding
	reached                            int // projects that can be read
}

// finding is what is known of one permission over all projects. Nothing is
// granted that was not seen.
type finding struct {
	granted, unknown, missing []string // why, by project
}

func (f *finding) state(id string) connector.PermissionState {
	s := connector.PermissionState{Permission: id}
	switch {
	case len(f.missing) > 0:
		s.Grant = connector.Missing
	case len(f.unknown) == 0 && len(f.granted) > 0:
		s.Grant = connector.Granted
	}
	s.Detail = records.Line(strings.Join(slices.Concat(f.missing, f.unknown), "; "), 900)
	return s
}

// Check says who we are, which projects may be browsed, whether each canary is
// found, and what stands in the way of security levels, approvals and files.
// It reads no other issue.
func (k *Connector) Check(ctx context.Context, cc connector.Config) (connector.CheckReport, error) {
	cfg, err := parseConfig(cc)
	if err != nil {
		return connector.CheckReport{}, err
	}
	api, err := newClient(cfg, k.tune, nil)
	if err != nil {
		return connector.CheckReport{}, err
	}
	c := &checking{cfg: cfg, api: api}
	me, err := api.myself(ctx)
	switch {
	case ctx.Err() != nil:
		return connector.CheckReport{}, ctx.Err()
	case err != nil:
		return c.turnedAway(err), nil
	}
	c.rep.Identity = me.String()
	if c.wrongDeployment(ctx) {
		return c.rep, nil
	}
	for _, p := range cfg.Projects {
		c.project(ctx, p)
		if ctx.Err() != nil {
			return connector.CheckReport{}, ctx.Err()
		}
	}
	return c.report(), nil
}

// turnedAway is the report where Jira does not know us.
func (c *checking) turnedAway(err error) connector.CheckReport {
	c.noPermissions()
	c.rep.Problem = explainLogin(err).Error()
	c.rep.Remedy = "Cloud: create an API token at id.atlassian.com for the account in settings.email; Data Center: a personal access token in the account's profile; then check base_url"
	return c.rep
}

func (c *checking) noPermissions() {
	for _, p := range permissions() {
		c.rep.Permissions = append(c.rep.Permissions, connector.PermissionState{Permission: p.ID})
	}
}

// wrongDeployment compares the settings with what Jira says it is, and the
// clocks.
func (c *checking) wrongDeployment(ctx context.Context) bool {
	var info struct {
		Type string `json:"deploymentType"`
		Time string `json:"serverTime"`
	}
	if c.api.get(ctx, "api/2/serverInfo", nil, &info) != nil {
		return false // not said: what follows will tell
	}
	is := map[string]string{"Cloud": cloud, "Server": dataCenter, "Data Center": dataCenter}[info.Type]
	if is != "" && is != c.cfg.Deployment {
		c.noPermissions()
		c.rep.Problem = fmt.Sprintf("this Jira is %s, the settings say deployment: %s", is, c.cfg.Deployment)
		c.rep.Remedy = "set deployment: " + is
		return true
	}
	if at, err := parseTime(info.Time); err == nil {
		if d := time.Until(at).Round(time.Second); d > time.Minute {
			c.rep.Scope = append(c.rep.Scope, fmt.Sprintf("(Jira's clock is %s ahead of ours: what happened in that time is read when it has come)", d))
		}
	}
	return false
}

// project adds one project to what was found.
func (c *checking) project(ctx context.Context, p project) {
	if err := c.api.project(ctx, p.Key); err != nil {
		c.browse.missing = append(c.browse.missing, records.Line(fmt.Sprintf("project %s: %v", p.Key, err), 300))
		return
	}
	if c.mayBrowse(ctx, p) {
		c.reached++
	}
	c.levels(ctx, p)
	if p.Approvals {
		c.agent(ctx, p)
	}
	if c.cfg.Attachments.SHA256 {
		c.file(ctx, p)
	}
}

// mayBrowse asks for the right itself, and looks for the canary.
func (c *checking) mayBrowse(ctx context.Context, p project) bool {
	have, told := c.have(ctx, p.Key, permBrowse)
	switch {
	case told && !have:
		c.browse.missing = append(c.browse.missing, "project "+p.Key+": Browse Projects is not given")
		return false
	case p.Canary == "":
		c.rep.Scope = append(c.rep.Scope, p.Key+" (no canary: hidden issues would not be noticed)")
		if told {
			c.browse.granted = append(c.browse.granted, p.Key)
		} else {
			c.browse.unknown = append(c.browse.unknown, "project "+p.Key+": Jira does not say, and there is no canary to look for")
		}
		return true
	}
	found, err := c.api.visible(ctx, p)
	switch {
	case err != nil:
		c.browse.missing = append(c.browse.missing, records.Line(fmt.Sprintf("project %s: %v", p.Key, err), 300))
	case !found:
		c.browse.missing = append(c.browse.missing, "project "+p.Key+": the canary "+p.Canary+" is not found")
	default:
		c.browse.granted = append(c.browse.granted, p.Key)
		c.rep.Scope = append(c.rep.Scope, p.Key)
		return true
	}
	return false
}

// have asks whether the account has a permission in a project; told is false
// if Jira does not say.
func (c *checking) have(ctx context.Context, key, permission string) (have, told bool) {
	var out struct {
		Permissions map[string]struct {
			Have *bool `json:"havePermission"`
		} `json:"permissions"`
	}
	q := url.Values{"projectKey": {key}, "permissions": {permission}}
	if c.api.get(ctx, "api/"+c.api.version+"/mypermissions", q, &out) != nil {
		return false, false
	}
	got := out.Permissions[permission].Have
	return got != nil && *got, got != nil
}

// levels compares the security levels that the account is in with those of the
// project's scheme. Only an administrator may see the scheme: for anybody else
// it stays unknown.
func (c *checking) levels(ctx context.Context, p project) {
	type level struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	var ours struct {
		Levels []level `json:"levels"`
	}
	var all struct {
		ID     json.Number `json:"id"`
		Levels []level     `json:"levels"`
	}
	base := "api/" + c.api.version + "/project/" + url.PathEscape(p.Key)
	if err := c.api.get(ctx, base+"/securitylevel", nil, &ours); err != nil {
		c.security.unknown = append(c.security.unknown, "project "+p.Key+": Jira does not say which levels the account is in")
		return
	}
	names := make([]string, 0, len(ours.Levels))
	in := map[string]bool{}
	for _, l := range ours.Levels {
		in[l.ID] = true
		names = append(names, records.Line(l.Name, 60))
	}
	if err := c.api.get(ctx, base+"/issuesecuritylevelscheme", nil, &all); err != nil || all.ID == "" || all.Levels == nil {
		seen := "the account is in no level that it can see"
		if len(names) > 0 {
			seen = "the account is in " + strings.Join(names, ", ")
		}
		c.security.unknown = append(c.security.unknown, "project "+p.Key+": "+seen+"; only an administrator can see whether there are others")
		return
	}
	var missing []string
	for _, l := range all.Levels {
		if !in[l.ID] {
			missing = append(missing, records.Line(l.Name, 60))
		}
	}
	if len(missing) > 0 {
		c.security.missing = append(c.security.missing, "project "+p.Key+": not in the level "+strings.Join(missing, ", "))
		return
	}
	c.security.granted = append(c.security.granted, p.Key)
}

// agent asks for the queues of the service project, which only agents may see.
func (c *checking) agent(ctx context.Context, p project) {
	id, err := c.api.serviceDesk(ctx, p.Key)
	if err == nil && id == "" {
		c.approvals.missing = append(c.approvals.missing, "project "+p.Key+": it is no service project that the account may see")
		return
	}
	var out struct {
		Values []json.RawMessage `json:"values"`
	}
	if err == nil {
		err = c.api.get(ctx, "servicedeskapi/servicedesk/"+url.PathEscape(id)+"/queue", url.Values{"start": {"0"}, "limit": {"1"}}, &out)
	}
	switch s := statusOf(err); {
	case err == nil && out.Values != nil:
		c.approvals.granted = append(c.approvals.granted, p.Key)
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		c.approvals.missing = append(c.approvals.missing, "project "+p.Key+": the account is no agent of it, or the token lacks read:servicedesk-request")
	default:
		c.approvals.unknown = append(c.approvals.unknown, "project "+p.Key+": Jira does not say; it is seen when a request is read")
	}
}

// serviceDesk finds the number of a project's service desk; empty if none is
// shown to the account.
func (c *client) serviceDesk(ctx context.Context, key string) (string, error) {
	const op = "servicedeskapi/servicedesk"
	at := 0
	for range maxPages {
		var page struct {
			Last   *bool `json:"isLastPage"`
			Values []struct {
				ID  string `json:"id"`
				Key string `json:"projectKey"`
			} `json:"values"`
		}
		if err := c.get(ctx, op, url.Values{"start": {strconv.Itoa(at)}, "limit": {"100"}}, &page); err != nil {
			return "", err
		}
		for _, d := range page.Values {
			if d.Key == key {
				return d.ID, nil
			}
		}
		if page.Last == nil || *page.Last {
			return "", nil
		}
		if len(page.Values) == 0 {
			break
		}
		at += len(page.Values)
	}
	return "", &formatError{op: op, err: errLoop}
}

// file reads one small file of the canary, if it has one.
func (c *checking) file(ctx context.Context, p project) {
	unknown := func(why string) { c.files.unknown = append(c.files.unknown, "project "+p.Key+": "+why) }
	if p.Canary == "" {
		unknown("attach a small file to a canary to have this tried out")
		return
	}
	var small *attachment
	q := searchQuery{jql: fmt.Sprintf(`project = "%s" AND key = "%s"`, p.Key, p.Canary), fields: []string{"created", "attachment"}, size: 1}
	err := c.api.search(ctx, q, func(list []json.RawMessage) error {
		for _, raw := range list {
			is, bad := parseIssue(raw)
			if bad != nil {
				return badIssue(bad.err)
			}
			files, err := is.attachments()
			if err != nil {
				return err
			}
			for i := range files {
				if files[i].Size <= 1<<20 && small == nil {
					small = &files[i]
				}
			}
		}
		return nil
	})
	if err != nil || small == nil {
		unknown("attach a small file to the canary to have this tried out")
		return
	}
	err = c.api.hash(ctx, small, c.cfg.Attachments.MaxBytes)
	switch s := statusOf(err); {
	case err == nil && small.SHA256 != "":
		c.files.granted = append(c.files.granted, p.Key)
	case s == http.StatusUnauthorized || s == http.StatusForbidden || s == http.StatusNotFound:
		c.files.missing = append(c.files.missing, records.Line(fmt.Sprintf("project %s: %v", p.Key, err), 300))
	default:
		unknown("the canary's file could not be read")
	}
}

// report sums up.
func (c *checking) report() connector.CheckReport {
	noun := func(f *finding, why string) {
		if len(f.granted)+len(f.unknown)+len(f.missing) == 0 {
			f.unknown = append(f.unknown, why)
		}
	}
	noun(&c.security, "no project could be asked")
	noun(&c.approvals, "no project has approvals switched on")
	noun(&c.files, "attachments.sha256 is not switched on")
	c.rep.Permissions = []connector.PermissionState{
		c.browse.state(permBrowse), c.security.state(permSecurity), c.approvals.state(permApprovals), c.files.state(permAttachments),
	}
	if c.reached == 0 {
		c.rep.Problem = "none of the projects can be browsed"
		if why := c.browse.state(permBrowse).Detail; why != "" {
			c.rep.Problem += ": " + why
		}
		c.rep.Remedy = permissions()[0].Grant
	}
	return c.rep
}
