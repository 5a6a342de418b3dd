package openai

import (
	"context"
	"net/http"
	"time"

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
	admin, err := newAPI(cfg, cfg.admin, conn.clock, nil)
	if err != nil {
		return rest.Failed(ctx, unknown, err, "correct base_url")
	}
	now := time.Now().UTC()
	hello, err := admin.admit(ctx, now)
	if err != nil {
		return rest.Failed(ctx, unknown, err,
			"an owner of the organisation makes an admin key (sk-admin-…) under Settings, Organization, Admin keys; a key of a project (sk-proj-…) is no admin key")
	}
	report := connector.CheckReport{Identity: "the admin key in the secret " + secretAdmin}
	if hello.organisation != "" {
		report.Identity += " of organisation " + hello.organisation
	}
	if report.Permissions, err = admin.probe(ctx, trials(now)); err != nil {
		return connector.CheckReport{}, err
	}
	states, err := conn.keyStates(ctx, cfg)
	if err != nil {
		return connector.CheckReport{}, err
	}
	report.Permissions = append(report.Permissions, states...)
	report.Scope = scope(ctx, admin)
	return report, nil
}

// keyStates tries the key of a project, if there is one.
func (conn *Connector) keyStates(ctx context.Context, cfg *config) ([]connector.PermissionState, error) {
	if cfg.key == "" {
		why := "not tried: the secret " + secretKey + " is not given; an admin key may not"
		return []connector.PermissionState{{Permission: permModels, Detail: why}, {Permission: permFineTuning, Detail: why}}, nil
	}
	own, err := newAPI(cfg, cfg.key, conn.clock, nil)
	if err != nil {
		return nil, err
	}
	return own.probe(ctx, keyTrials())
}

// probe tries permissions. OpenAI answers 401 or 403 to a key that lacks one.
func (a *api) probe(ctx context.Context, trials []trial) ([]connector.PermissionState, error) {
	var out []connector.PermissionState
	for _, t := range trials {
		state, err := a.Probe(ctx, t.permission, t.call, http.StatusUnauthorized)
		if err != nil {
			return nil, err
		}
		out = append(out, state)
	}
	return out, nil
}

// scope names what can be reached: how many projects, at most a page of them.
func scope(ctx context.Context, a *api) []string {
	var page rest.Listing
	call := trials(time.Now())[0].call
	call.Query.Set("limit", "100")
	if _, err := a.Get(ctx, call, &page); err != nil {
		return nil // which permission is missing stands above
	}
	var out []string
	for _, raw := range page.Data {
		if id := rest.IDOf(raw); id != "" {
			out = append(out, "project "+id)
		}
	}
	return out
}
