package gcp

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// Check asks Google which of the permissions the identity has on each project:
// that question needs none itself.
func (*Connector) Check(ctx context.Context, in connector.Config) (connector.CheckReport, error) {
	var report connector.CheckReport
	cfg, err := parseConfig(in)
	if err != nil {
		report.Problem, report.Remedy = err.Error(), "correct the settings or the secret"
		return rest.Unknown(report, permissions()), nil //nolint:nilerr // the report tells it
	}
	s, err := newSession(ctx, cfg, nil)
	if err == nil {
		report.Identity = s.identity()
		err = s.check(ctx, &report)
	}
	if err != nil {
		return rest.Failed(ctx, rest.Unknown(report, permissions()), err,
			"make a new key for the service account and put it into the secret "+secretKey)
	}
	return report, nil
}

func (s *session) check(ctx context.Context, report *connector.CheckReport) error {
	missing := map[string][]string{} // projects, by permission
	untold := map[string]string{}
	for _, p := range s.cfg.Projects {
		held, err := s.held(ctx, p)
		if rest.StatusOf(err) == http.StatusUnauthorized {
			return fmt.Errorf("%w: %w", err, connector.ErrRefused)
		}
		if fatal := coverage.Fatal(ctx, err); fatal != nil {
			return fatal
		}
		if err != nil {
			untold[p] = err.Error()
			continue
		}
		report.Scope = append(report.Scope, "project "+p)
		for _, perm := range testable() {
			if !slices.Contains(held, perm) {
				missing[perm] = append(missing[perm], p)
			}
		}
	}
	for _, perm := range permissions() {
		report.Permissions = append(report.Permissions, state(perm.ID, missing[perm.ID], untold))
	}
	return nil
}

// testable are the permissions that IAM knows.
func testable() []string {
	var out []string
	for _, p := range permissions() {
		if p.ID != permPublishers {
			out = append(out, p.ID)
		}
	}
	return out
}

func state(perm string, missing []string, untold map[string]string) connector.PermissionState {
	out := connector.PermissionState{Permission: perm, Grant: connector.Granted}
	switch {
	case len(missing) > 0:
		out.Grant, out.Detail = connector.Missing, "missing on "+strings.Join(missing, ", ")
	case perm == permPublishers:
		out.Grant, out.Detail = connector.GrantUnknown, "anybody who is signed in may; it is not asked for"
	case len(untold) > 0:
		out.Grant = connector.GrantUnknown
		for _, p := range slices.Sorted(maps.Keys(untold)) {
			out.Detail += "project " + p + ": " + untold[p] + "; "
		}
		out.Detail = records.Line(strings.TrimSuffix(out.Detail, "; "), 900)
	}
	return out
}

// held asks which of the permissions the identity has on a project.
func (s *session) held(ctx context.Context, project string) ([]string, error) {
	api, err := s.at("cloudresourcemanager.googleapis.com")
	if err != nil {
		return nil, err
	}
	var out struct {
		Permissions []string `json:"permissions"`
	}
	_, err = api.Get(ctx, rest.Call{
		Method: http.MethodPost, Path: "v1/projects/" + project + ":testIamPermissions", Body: map[string]any{"permissions": testable()},
	}, &out)
	return out.Permissions, err
}
