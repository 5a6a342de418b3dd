package http

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// Check makes the first request of every listing that needs no other.
func (*Connector) Check(ctx context.Context, in connector.Config) (connector.CheckReport, error) {
	report := connector.CheckReport{Permissions: []connector.PermissionState{{Permission: permRead}}}
	cfg, err := parseConfig(in)
	if err != nil {
		report.Problem, report.Remedy = err.Error(), "correct the settings; every problem is listed"
		return report, nil //nolint:nilerr // the report tells it
	}
	api, err := newClient(ctx, cfg, nil, nil)
	if err == nil {
		report.Identity, err = cfg.identity(ctx, api)
	}
	var states []connector.PermissionState
	for _, q := range cfg.Requests {
		if err != nil {
			break
		}
		if q.Each != "" {
			continue
		}
		var call rest.Call
		if call, err = q.call(ctx, nil, time.Time{}, ""); err != nil {
			err = fmt.Errorf("request %s: %w", q.Name, err)
			break
		}
		var state connector.PermissionState
		if state, err = api.Probe(ctx, q.Name, call); err == nil {
			states = append(states, state)
			report.Scope = append(report.Scope, "request "+q.Name)
		}
	}
	if err != nil {
		return rest.Failed(ctx, report, err,
			"renew the credential and put it in the place of the secret "+secretToken+"; check base_url and the path that is named")
	}
	report.Permissions[0] = sum(states)
	return report, nil
}

// sum is the one permission: granted if every request was answered, missing
// if one was refused.
func sum(states []connector.PermissionState) connector.PermissionState {
	out := connector.PermissionState{Permission: permRead, Grant: connector.Granted}
	var details []string
	for _, s := range states {
		switch {
		case s.Grant == connector.Missing:
			out.Grant = connector.Missing
		case s.Grant == connector.GrantUnknown && out.Grant == connector.Granted:
			out.Grant = connector.GrantUnknown
		}
		if s.Detail != "" {
			details = append(details, "request "+s.Permission+": "+s.Detail)
		}
	}
	out.Detail = records.Line(strings.Join(details, "; "), 900)
	return out
}

// identity is who the source says we are, if the settings say how to ask.
func (c *config) identity(ctx context.Context, api *rest.Client) (string, error) {
	host := c.BaseURL
	if u, err := url.Parse(c.BaseURL); err == nil {
		host = u.Host
	}
	if c.Identity == nil {
		if c.Auth == nil {
			return "anybody at " + host + ": no credential is configured", nil
		}
		return "the holder of the secret " + secretToken + " at " + host + "; settings.identity can tell who that is", nil
	}
	var body any
	a, err := api.Get(ctx, rest.Call{Path: c.Identity.Path}, &body)
	if err != nil {
		return "", fmt.Errorf("identity: %w", err)
	}
	decoded, err := decode(a.Body)
	if err != nil {
		return "", fmt.Errorf("identity: %w", err)
	}
	who, err := c.Identity.value.text(ctx, vars{"body": native(decoded)})
	if err == nil && who == "" {
		err = errors.New("it is empty")
	}
	if err != nil {
		return "", fmt.Errorf("identity.value: %w", err)
	}
	return records.Line(who, 200), nil
}
