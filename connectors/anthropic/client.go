package anthropic

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
	"github.com/exhibit-aims/exhibit/plugins/transport"
	"github.com/exhibit-aims/exhibit/plugins/usage"
)

// apiVersion is the version of the interface that is asked for.
const apiVersion = "2023-06-01"

// Paths of the interface.
const (
	pathMe         = "v1/organizations/me"
	pathModels     = "v1/models"
	pathActivities = "v1/compliance/activities"
)

// api is the interface as one key sees it.
type api struct{ *rest.Client }

func newAPI(c *config, key string, clock transport.Clock, counted func(connector.Calls)) (*api, error) {
	client, err := rest.New(transport.Options{
		BaseURL: c.BaseURL, UserAgent: "exhibit-connector-anthropic/" + Version, RequestsPerSecond: c.Rate, Burst: 5, Counted: counted, Clock: clock,
		Authorize: func(r *http.Request) {
			r.Header.Set("X-Api-Key", key)
			r.Header.Set("Anthropic-Version", apiVersion)
		},
	})
	if err != nil {
		return nil, fmt.Errorf("anthropic: base_url: %w", err)
	}
	return &api{client}, nil
}

// greeting is who Anthropic says we are.
type greeting struct {
	ID   string `json:"id"`
	Name string `json:"name"`

	now time.Time // by the clock that is behind
}

// admit finds out whether an Admin API key is taken.
func (a *api) admit(ctx context.Context, now time.Time) (greeting, error) {
	g := greeting{}
	answer, err := a.Get(ctx, rest.Call{Path: pathMe}, &g)
	g.now = usage.Behind(answer.Header, now)
	switch {
	case err == nil:
		g.ID, g.Name = records.Line(g.ID, 100), records.Line(g.Name, 200)
		return g, nil
	case coverage.Fatal(ctx, err) != nil:
		return g, coverage.Fatal(ctx, err)
	case rest.StatusOf(err) == http.StatusUnauthorized:
		return g, fmt.Errorf("anthropic: the secret %s: %w: %w", secretAdmin, err, connector.ErrRefused)
	}
	return greeting{now: g.now}, nil // what may not be read is told part by part
}

// list reads all pages of a listing.
func list[T any](ctx context.Context, a *api, path string, query url.Values, s rest.Sink[T]) error {
	q := url.Values{"limit": {"1000"}}
	maps.Copy(q, query)
	return rest.List(ctx, a.Client, rest.Call{Path: path, Query: q}, "after_id", s)
}
