package http

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/google/cel-go/common/types/ref"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// Check makes the first request of every listing: of those for each item of
// another with the first item.
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
	t := &trial{cfg: cfg, api: api, report: &report}
	for _, q := range cfg.Requests {
		if err == nil && q.Each == "" {
			err = t.try(ctx, q, nil)
		}
	}
	if err != nil {
		return rest.Failed(ctx, report, err,
			"renew the credential and put it in the place of the secret "+secretToken+"; check base_url and the path that is named")
	}
	report.Permissions[0] = sum(t.states)
	return report, nil
}

// trial tries requests out, each once.
type trial struct {
	cfg    *config
	api    *rest.Client
	report *connector.CheckReport
	states []connector.PermissionState
}

// try makes a request, and those for each of its items with the first of them.
// What is not understood is no proof that it may be read.
func (t *trial) try(ctx context.Context, q *request, parent ref.Val) error {
	v := vars{"parent": parent}
	call, err := q.call(ctx, v, time.Time{}, "")
	if err != nil {
		return fmt.Errorf("request %s: %w", q.Name, err)
	}
	call.Header = map[string][]string{"Accept": {"application/json"}}
	var first ref.Val
	state, err := t.api.Probe(ctx, q.Name, call)
	if err != nil {
		return err
	}
	if state.Grant == connector.Granted {
		if first, err = t.first(ctx, q, call, v); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			state.Grant, state.Detail = connector.GrantUnknown, err.Error()
		} else {
			t.report.Scope = append(t.report.Scope, "request "+q.Name)
		}
	}
	t.states = append(t.states, state)
	return t.children(ctx, q, first)
}

// first is the first item of an answer that is taken; nil if there is none.
func (t *trial) first(ctx context.Context, q *request, call rest.Call, v vars) (ref.Val, error) {
	a, err := t.api.Raw(ctx, call)
	if err != nil {
		return nil, err
	}
	p, err := q.understand(ctx, a, v, "")
	if err != nil {
		return nil, err
	}
	for _, item := range p.items {
		if q.where != nil {
			take, err := q.where.truth(ctx, with(v, "item", item))
			if err != nil {
				return nil, wrap("where", err)
			}
			if !take {
				continue
			}
		}
		return item, nil
	}
	return nil, nil
}

func (t *trial) children(ctx context.Context, q *request, item ref.Val) error {
	for _, child := range t.cfg.Requests {
		if child.Each != q.Name {
			continue
		}
		if item == nil {
			t.states = append(t.states, connector.PermissionState{Permission: child.Name, Detail: "not tried: there is no item of " + q.Name + " to try it with"})
			if err := t.children(ctx, child, nil); err != nil {
				return err
			}
			continue
		}
		if err := t.try(ctx, child, item); err != nil {
			return err
		}
	}
	return nil
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
