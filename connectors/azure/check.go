package azure

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// Check asks Azure which actions the app may take on each subscription.
func (c *Connector) Check(ctx context.Context, in connector.Config) (connector.CheckReport, error) {
	var report connector.CheckReport
	cfg, err := parseConfig(in)
	if err != nil {
		report.Problem, report.Remedy = err.Error(), "correct the settings or the secret"
		return rest.Unknown(report, permissions()), nil //nolint:nilerr // the report tells it
	}
	report.Identity = "app " + cfg.Client + " in " + cfg.Tenant
	s, err := newSession(ctx, cfg, c.transport, nil)
	if err == nil {
		err = s.check(ctx, &report)
	}
	if err != nil {
		return rest.Failed(ctx, rest.Unknown(report, permissions()), err,
			"App registrations in Entra ID: make a new secret for the app and put it in the place of "+secretClient)
	}
	return report, nil
}

// allowed is what a role lets the app do: actions with * for anything.
type allowed struct {
	Actions    []string `json:"actions"`
	NotActions []string `json:"notActions"`
}

func (s *session) check(ctx context.Context, report *connector.CheckReport) error {
	missing, untold, mute := map[string][]string{}, []string{}, []string{}
	for _, id := range s.cfg.Subscriptions {
		roles, err := s.held(ctx, id)
		if rest.StatusOf(err) == http.StatusUnauthorized {
			return fmt.Errorf("%w: %w", err, connector.ErrRefused)
		}
		if fatal := coverage.Fatal(ctx, err); fatal != nil {
			return fatal
		}
		switch {
		case rest.StatusOf(err) == http.StatusForbidden:
			// No role at all, or one without the right to ask: that is not told.
			mute = append(mute, id)
			untold = append(untold, id+": the app may not ask which actions it may take; give it "+permOwn+", or Reader")
		case rest.StatusOf(err) == http.StatusNotFound:
			for _, p := range permissions() {
				missing[p.ID] = append(missing[p.ID], id)
			}
		case err != nil:
			untold = append(untold, id+": "+err.Error())
		default:
			report.Scope = append(report.Scope, "subscription "+id)
			for _, p := range permissions() {
				if p.ID != permOwn && !may(roles, p.ID) { // that it may ask it has shown
					missing[p.ID] = append(missing[p.ID], id)
				}
			}
		}
	}
	missing[permOwn] = append(missing[permOwn], mute...)
	for _, p := range permissions() {
		state := connector.PermissionState{Permission: p.ID, Grant: connector.Granted}
		switch {
		case len(missing[p.ID]) > 0:
			state.Grant, state.Detail = connector.Missing, "missing on subscription "+strings.Join(missing[p.ID], ", ")
		case len(untold) > 0:
			state.Grant, state.Detail = connector.GrantUnknown, records.Line("subscription "+strings.Join(untold, "; "), 900)
		}
		report.Permissions = append(report.Permissions, state)
	}
	return nil
}

// held asks which actions the app may take on a whole subscription.
func (s *session) held(ctx context.Context, id string) ([]allowed, error) {
	path := "subscriptions/" + id + "/providers/Microsoft.Authorization/permissions"
	var all []allowed
	q := url.Values{"api-version": {"2022-04-01"}}
	err := rest.Pages(ctx, path, func(token string) (string, rest.Answer, error) {
		if token != "" {
			var err error
			if q, err = url.ParseQuery(token); err != nil {
				return "", rest.Answer{}, &rest.MalformedError{Path: path, Why: "the link to the next page cannot be read"}
			}
		}
		var out struct {
			Value []allowed `json:"value"`
			Next  string    `json:"nextLink"`
		}
		a, err := s.rest.Get(ctx, rest.Call{Path: path, Query: q}, &out)
		if err == nil && out.Value == nil {
			err = &rest.MalformedError{Path: path, Why: "the answer holds no list"}
		}
		all = append(all, out.Value...)
		_, next, _ := strings.Cut(out.Next, "?") // the host of the link is not ours to choose
		return next, a, err
	})
	return all, err
}

// may reports whether one of the roles allows an action.
func may(roles []allowed, action string) bool {
	for _, r := range roles {
		if matches(r.Actions, action) && !matches(r.NotActions, action) {
			return true
		}
	}
	return false
}

// matches compares as Azure does: without regard to case, * for any text.
func matches(patterns []string, action string) bool {
	for _, p := range patterns {
		// path.Match's * stops at a slash, Azure's does not.
		p, a := strings.ReplaceAll(strings.ToLower(p), "/", "\x00"), strings.ReplaceAll(strings.ToLower(action), "/", "\x00")
		if ok, err := path.Match(p, a); err == nil && ok {
			return true
		}
	}
	return false
}
