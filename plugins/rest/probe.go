package rest

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// Probe tries a permission out with a question that needs it. It says granted
// for a success
// that is no page for people, missing for 403, and unknown for anything else. denies names
// further statuses by which the source says that the right is not there, such
// as 404, or 401 where one key has it and another not. Its error, a refused
// credential (401) or the context's, ends the check.
func (c *Client) Probe(ctx context.Context, permission string, call Call, denies ...int) (connector.PermissionState, error) {
	state := connector.PermissionState{Permission: permission}
	a, err := c.Raw(ctx, call)
	status := StatusOf(err)
	var limit *transport.RateLimitError
	switch {
	case ctx.Err() != nil:
		return state, ctx.Err()
	case err == nil && isPage(a):
		state.Detail = call.Path + ": the answer is a page for people, such as a login, and no answer of an API"
		return state, nil
	case err == nil:
		state.Grant = connector.Granted
		return state, nil
	case status == http.StatusUnauthorized && !slices.Contains(denies, status):
		return state, fmt.Errorf("%w: %w", err, connector.ErrRefused)
	case errors.Is(err, connector.ErrUnreachable):
		return state, err
	case errors.As(err, &limit):
		state.Detail = "could not be tried: " + limit.Error()
		return state, nil
	}
	state.Detail = err.Error()
	if status == http.StatusForbidden || slices.Contains(denies, status) {
		state.Grant = connector.Missing
	}
	return state, nil
}

// isPage reports whether an answer is HTML, as a login page before an API sends it.
func isPage(a Answer) bool {
	t, _, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
	return err == nil && (t == "text/html" || t == "application/xhtml+xml")
}

// Unknown returns a report with permissions of which nothing is known.
func Unknown(report connector.CheckReport, permissions []connector.Permission) connector.CheckReport {
	report.Permissions = nil
	for _, p := range permissions {
		report.Permissions = append(report.Permissions, connector.PermissionState{Permission: p.ID})
	}
	return report
}

// Failed ends a check. The end of the context and a source that cannot be
// reached are its error; anything else is a problem, which remedy mends.
func Failed(ctx context.Context, report connector.CheckReport, err error, remedy string) (connector.CheckReport, error) {
	if ctx.Err() != nil {
		return report, ctx.Err()
	}
	if errors.Is(err, connector.ErrUnreachable) {
		return report, err
	}
	report.Problem, report.Remedy = records.Line(err.Error(), 900), remedy
	return report, nil
}
