package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// Probe tries a permission out with a question that needs it. It says granted
// for a success, missing for 403, and unknown for anything else. denies names
// further statuses by which the source says that the right is not there, such
// as 404. Its error, a refused credential (401) or the context's, ends the check.
func (c *Client) Probe(ctx context.Context, permission string, call Call, denies ...int) (connector.PermissionState, error) {
	state := connector.PermissionState{Permission: permission}
	_, err := c.Raw(ctx, call)
	status := StatusOf(err)
	var limit *transport.RateLimitError
	switch {
	case ctx.Err() != nil:
		return state, ctx.Err()
	case err == nil:
		state.Grant = connector.Granted
		return state, nil
	case status == http.StatusUnauthorized:
		return state, fmt.Errorf("%w: %w", err, connector.ErrRefused)
	case errors.Is(err, connector.ErrUnreachable):
		return state, err
	case errors.As(err, &limit):
		state.Detail = "could not be tried: " + limit.Error()
		return state, nil
	}
	state.Detail = err.Error()
	if status == http.StatusForbidden {
		state.Grant = connector.Missing
	}
	for _, s := range denies {
		if s == status {
			state.Grant = connector.Missing
		}
	}
	return state, nil
}
