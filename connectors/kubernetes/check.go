package kubernetes

import (
	"context"
	"net/url"
	"path/filepath"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// Check asks for one object of each built-in kind, and looks for the files.
func (c *Connector) Check(ctx context.Context, in connector.Config) (connector.CheckReport, error) {
	unknown := rest.Unknown(connector.CheckReport{}, c.Describe().Permissions)
	cfg, err := parseConfig(in)
	if err == nil && cfg.URL != "" {
		err = cfg.open()
	}
	if err != nil {
		return rest.Failed(ctx, unknown, err, "correct the settings or the secret")
	}
	report := connector.CheckReport{Identity: "the agent's user on this machine"}
	workloads, custom := connector.PermissionState{Permission: permWorkloads}, connector.PermissionState{Permission: permCustom}
	if cfg.URL != "" {
		const remedy = "check the address, ca_file and the token: kubectl auth can-i --list --token=…"
		a, err := newAPI(cfg, c.clock, nil)
		if err != nil {
			return rest.Failed(ctx, unknown, err, remedy)
		}
		if report.Identity, workloads, err = a.trial(ctx, cfg); err != nil {
			return rest.Failed(ctx, unknown, err, remedy)
		}
		custom.Detail = "it shows with each kind that is there: what is refused is a gap of the run"
		report.Scope = append(report.Scope, "cluster "+cfg.Cluster+" at "+cfg.URL)
	} else {
		workloads.Detail, custom.Detail = "no url is set: only files are read", "no url is set: only files are read"
	}
	files := connector.PermissionState{Permission: permFiles, Detail: "no files are set"}
	for _, pattern := range cfg.Files {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			files.Grant, files.Detail = connector.GrantUnknown, "there is no file "+pattern
			continue
		}
		report.Scope = append(report.Scope, names[:min(len(names), 20)]...)
		if files.Detail == "no files are set" {
			files.Grant, files.Detail = connector.Granted, ""
		}
	}
	report.Permissions = []connector.PermissionState{workloads, custom, files}
	if len(report.Scope) == 0 {
		report.Problem, report.Remedy = "there is nothing to read: "+files.Detail, "check the paths in files"
	}
	return report, nil
}

// trial asks for one object of each built-in kind in the scope.
func (a *api) trial(ctx context.Context, cfg *config) (identity string, state connector.PermissionState, err error) {
	r := &run{cfg: cfg}
	for _, path := range builtin() {
		p := r.paths(path)[0]
		if state, err = a.Probe(ctx, permWorkloads, rest.Call{Path: p, Query: url.Values{"limit": {"1"}}}); err != nil {
			return "", state, err
		}
		if state.Grant != connector.Granted {
			break
		}
	}
	return "the service account of the token", state, nil
}
