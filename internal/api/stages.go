package api

import (
	"context"
	"net/http"

	"github.com/exhibit-aims/exhibit/internal/access"
	"github.com/exhibit-aims/exhibit/internal/readiness"
)

func (a *API) stageOperations() {
	register(a, operation{method: http.MethodGet, path: "/v1/readiness/{stage}", id: "readiness", tag: "state", needs: access.Read, costly: true,
		summary: "What an auditor expects at a stage, and what of it is there",
		about:   "This says what is there, not what an auditor will conclude."}, a.readiness)
}

func (a *API) readiness(ctx context.Context, in *struct {
	Stage string `path:"stage" enum:"stage1,stage2,surveillance"`
	AsOf  string `query:"as_of" maxLength:"40" format:"instant"`
	Since string `query:"since" maxLength:"40" format:"instant" doc:"Of surveillance: when the last audit was; left out: a year before."`
}) (*Answer[readiness.Pack], error) {
	v, _, err := a.view(ctx, Instant{AsOf: in.AsOf})
	if err != nil {
		return nil, err
	}
	since, err := parseDay("since", in.Since)
	if err != nil {
		return nil, err
	}
	return answered(a.Service.Readiness(ctx, in.Stage, v, since))
}
