package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
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
	files := cfg.readable(&report)
	report.Permissions = []connector.PermissionState{workloads, custom, files}
	if len(report.Scope) == 0 {
		report.Problem, report.Remedy = "there is nothing to read: "+files.Detail, "check the paths in files"
	}
	return report, nil
}

// readable opens every file, and looks whether it begins like one of JSON.
func (c *config) readable(report *connector.CheckReport) connector.PermissionState {
	state := connector.PermissionState{Permission: permFiles, Detail: "no files are set"}
	if len(c.Files) == 0 {
		return state
	}
	var problems []string
	state.Grant = connector.Granted
	note := func(what string, err error) {
		problems = append(problems, what+": "+err.Error())
		var why *fileError
		if errors.As(err, &why) && why.reason == connector.Denied {
			state.Grant = connector.Missing
		}
	}
	for _, pattern := range c.Files {
		names, err := filesOf(pattern)
		if err != nil {
			note(pattern, err)
		}
		for _, name := range names {
			if err := begins(name); err != nil {
				note(name, err)
			} else if len(report.Scope) < 20 {
				report.Scope = append(report.Scope, name)
			}
		}
	}
	if state.Detail = records.Line(strings.Join(problems, "; "), 900); state.Grant == connector.Granted && len(report.Scope) == 0 {
		state.Grant = connector.GrantUnknown
	}
	return state
}

// begins reports what is wrong with the beginning of a file.
func begins(name string) error {
	f, err := open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	text := transform.NewReader(f, unicode.BOMOverride(unicode.UTF8.NewDecoder()))
	if token, err := json.NewDecoder(text).Token(); err != nil || token != json.Delim('{') {
		return &fileError{connector.Malformed, "it does not begin with an object in JSON; save lists with -o json"}
	}
	return nil
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
