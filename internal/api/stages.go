package api

import (
	"context"
	"net/http"
	"time"

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
	at, err := parseInstant("as_of", in.AsOf, a.Clock())
	if err != nil {
		return nil, err
	}
	if at.IsZero() {
		at = a.Clock().UTC().Truncate(time.Second)
	}
	since, err := parseDay("since", in.Since)
	if err != nil {
		return nil, err
	}
	var pack readiness.Pack
	err = a.inPast(ctx, at, func() error { pack, err = a.Service.Readiness(ctx, in.Stage, at, since); return err })
	return answered(pack, err)
}
