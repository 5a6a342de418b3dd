package anthropic

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// one asks for a page of one entry.
func one(path string) rest.Call { return rest.Call{Path: path, Query: url.Values{"limit": {"1"}}} }

// Check tries each key with a question that needs it.
func (conn *Connector) Check(ctx context.Context, in connector.Config) (connector.CheckReport, error) {
	cfg, err := parseConfig(in)
	r := &run{cfg: cfg, now: time.Now().UTC()}
	if err == nil {
		err = r.connect(conn, nil)
	}
	unknown := rest.Unknown(connector.CheckReport{}, permissions())
	if err != nil {
		return rest.Failed(ctx, unknown, err, "correct the settings or the secrets")
	}
	hello, err := r.admin.admit(ctx, r.now)
	if err != nil {
		return rest.Failed(ctx, unknown, err,
			"a member with the role admin makes an Admin API key (sk-ant-admin…) under Settings, Admin keys; an ordinary API key (sk-ant-api…) is none")
	}
	report := connector.CheckReport{Identity: "the Admin API key in the secret " + secretAdmin}
	if hello.ID != "" {
		report.Identity += " of organisation " + hello.Name + " (" + hello.ID + ")"
		report.Scope = []string{"organisation " + hello.ID}
	}
	report.Permissions, err = r.probes(ctx)
	return report, err
}

func (r *run) probes(ctx context.Context) ([]connector.PermissionState, error) {
	admin, err := r.admin.probe(ctx, permAdmin, one("v1/organizations/users"))
	if err != nil {
		return nil, err
	}
	feed, err := r.compliance.probe(ctx, permActivity, one(pathActivities))
	if err != nil {
		return nil, err
	}
	if off, err := r.switchedOff(ctx); err != nil {
		return nil, err
	} else if off {
		feed.Grant, feed.Detail = connector.Missing, "the Compliance API is not switched on for this organisation"
	}
	own := connector.PermissionState{Permission: permKey, Detail: "not tried: the secret " + secretKey + " is not given; an Admin API key may not"}
	if r.key != nil {
		if own, err = r.key.probe(ctx, permKey, one(pathModels)); err != nil {
			return nil, err
		}
	}
	return []connector.PermissionState{admin, feed, own}, nil
}

// probe tries a permission. A key of another kind is refused with 401.
func (a *api) probe(ctx context.Context, permission string, call rest.Call) (connector.PermissionState, error) {
	return a.Probe(ctx, permission, call, http.StatusUnauthorized)
}
