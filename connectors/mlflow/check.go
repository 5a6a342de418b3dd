package mlflow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// Check says what the server lets us see. MLflow leaves out what an identity
// may not read, so that a listing that works proves nothing by itself.
func (conn *Connector) Check(ctx context.Context, cc connector.Config) (connector.CheckReport, error) {
	cfg, err := parseConfig(cc)
	if err != nil {
		return connector.CheckReport{}, err
	}
	a, err := newAPI(cfg, conn.clock, nil)
	if err != nil {
		return connector.CheckReport{}, err
	}
	rep := connector.CheckReport{Identity: cfg.identity()}
	who, err := a.whoami(ctx, cfg)
	if err != nil {
		return problem(ctx, rep, err)
	}
	if who.User.Name != "" {
		rep.Identity = records.Line(who.User.Name, 250)
	}
	models, err := checkModels(ctx, cfg, a, who)
	if err != nil {
		return problem(ctx, rep, err)
	}
	runs, err := checkRuns(ctx, a)
	if err != nil {
		return problem(ctx, rep, err)
	}
	rep.Permissions = []connector.PermissionState{models, runs}
	rep.Scope = []string{cfg.Registry}
	if cfg.databricks() {
		rep.Scope = append(rep.Scope, "not models in Unity Catalog: they are not in the workspace's own registry")
	}
	return rep, nil
}

func problem(ctx context.Context, rep connector.CheckReport, err error) (connector.CheckReport, error) {
	if ctx.Err() != nil {
		return connector.CheckReport{}, ctx.Err()
	}
	rep.Permissions = []connector.PermissionState{{Permission: readModels}, {Permission: readExperiments}}
	rep.Problem = err.Error()
	rep.Remedy = "check base_url (a browser must show MLflow there) and the secrets"
	return rep, nil
}

// identity is who we are as far as anything tells.
func (c *config) identity() string {
	switch {
	case c.token != "":
		return "the owner of the token (MLflow does not say who)"
	case c.username != "":
		return c.username
	}
	return "anybody: no credential is configured"
}

// account is what MLflow's own login tells of the user.
type account struct {
	User struct {
		Name  string `json:"username"`
		Admin bool   `json:"is_admin"`
	} `json:"user"`
}

// whoami asks who we are; servers without MLflow's own login do not tell.
func (a *api) whoami(ctx context.Context, cfg *config) (account, error) {
	var who account
	if !cfg.credential() {
		return who, nil
	}
	_, ans, err := a.ask(ctx, rest.Call{Path: "/users/current"})
	if errors.Is(err, connector.ErrRefused) || errors.Is(err, connector.ErrUnreachable) || ctx.Err() != nil {
		return who, err
	}
	if err != nil || json.Unmarshal(ans.Body, &who) != nil {
		return account{}, nil //nolint:nilerr // an older server, or another login: it cannot be told
	}
	return who, nil
}

// checkModels asks for a model that must be there, or else for any.
func checkModels(ctx context.Context, cfg *config, a *api, who account) (connector.PermissionState, error) {
	state := connector.PermissionState{Permission: readModels}
	rows, err := a.first(ctx, pathModels, "registered_models", nil)
	if err != nil {
		if rest.StatusOf(err) == 403 {
			state.Grant, state.Detail = connector.Missing, err.Error()
			return state, nil
		}
		return state, err
	}
	shown, err := a.sees(ctx)
	if err != nil {
		return state, err
	}
	if cfg.Canary != "" {
		var m registeredModel
		err := a.get(ctx, pathModel, url.Values{"name": {cfg.Canary}}, "registered_model", &m)
		switch status := rest.StatusOf(err); {
		case err == nil && m.Name == cfg.Canary:
			state.Grant, state.Detail = connector.Granted, fmt.Sprintf("the canary %q is seen", cfg.Canary)
		case status == 403 || status == 404:
			state.Grant, state.Detail = connector.Missing, fmt.Sprintf("the canary %q is not seen: %v", cfg.Canary, err)
		case errors.Is(err, connector.ErrRefused), errors.Is(err, connector.ErrUnreachable):
			return state, err
		default:
			state.Detail = fmt.Sprintf("the canary %q could not be read: %v", cfg.Canary, err)
		}
		return state, nil
	}
	switch {
	case !cfg.credential():
		state.Grant, state.Detail = connector.Granted, "the server asks nobody for a credential"
		return state, nil
	case who.User.Admin:
		state.Grant, state.Detail = connector.Granted, "an administrator sees every model; a plain reader with READ by default would do"
		return state, nil
	case shown == byGrant:
		state.Grant, state.Detail = connector.Missing, "only models that are granted by name are seen"
		return state, nil
	}
	state.Detail = fmt.Sprintf("the list can be read (%d seen on its first page), but MLflow leaves out what may not be read; name a canary to be sure", rows)
	return state, nil
}

// checkRuns tries the run of a version that has one.
func checkRuns(ctx context.Context, a *api) (connector.PermissionState, error) {
	state := connector.PermissionState{Permission: readExperiments}
	run := ""
	_, err := a.first(ctx, pathVersions, "model_versions", func(raw json.RawMessage) {
		var v modelVersion
		if run == "" && json.Unmarshal(raw, &v) == nil {
			run = v.RunID
		}
	})
	if err == nil && run == "" {
		state.Detail = "no version with a run is seen, so that it could not be tried"
		return state, nil
	}
	if err == nil {
		var r mlRun
		err = a.get(ctx, pathRun, url.Values{"run_id": {run}}, "run", &r)
	}
	switch {
	case err == nil:
		state.Grant = connector.Granted
	case errors.Is(err, connector.ErrRefused), errors.Is(err, connector.ErrUnreachable), ctx.Err() != nil:
		return state, err
	default:
		if rest.StatusOf(err) == 403 {
			state.Grant = connector.Missing
		}
		state.Detail = err.Error()
	}
	return state, nil
}

// first reads the first page of a listing.
func (a *api) first(ctx context.Context, path, name string, row func(json.RawMessage)) (int, error) {
	object, _, err := a.ask(ctx, a.page(rest.Call{Path: path}, ""))
	if err != nil {
		return 0, err
	}
	var list []json.RawMessage
	if raw, there := object[name]; there && json.Unmarshal(raw, &list) != nil {
		return 0, &rest.MalformedError{Path: path, Why: name + " is no list"}
	}
	for _, r := range list {
		if row != nil {
			row(r)
		}
	}
	return len(list), nil
}
