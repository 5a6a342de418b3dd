package openai

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
	"github.com/exhibit-aims/exhibit/plugins/transport"
	"github.com/exhibit-aims/exhibit/plugins/usage"
)

// api is the interface as one key sees it.
type api struct{ *rest.Client }

func newAPI(c *config, key string, clock transport.Clock, counted func(connector.Calls)) (*api, error) {
	client, err := rest.New(transport.Options{
		BaseURL: c.BaseURL, Authorize: func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+key) },
		UserAgent: "exhibit-connector-openai/" + Version, RequestsPerSecond: c.Rate, Burst: 5, Counted: counted, Clock: clock,
	})
	if err != nil {
		return nil, fmt.Errorf("openai: base_url: %w", err)
	}
	return &api{client}, nil
}

// trial is a small question that needs one permission.
type trial struct {
	permission string
	call       rest.Call
}

// trials are those of an admin key; the reports want a time to begin at.
func trials(now time.Time) []trial {
	start := strconv.FormatInt(usage.Midnight(now).Add(-day).Unix(), 10)
	return []trial{
		{permManagement, rest.Call{Path: "organization/projects", Query: url.Values{"limit": {"1"}}}},
		{permUsage, rest.Call{Path: "organization/costs", Query: url.Values{"start_time": {start}, "limit": {"1"}}}},
		{permAudit, rest.Call{Path: "organization/audit_logs", Query: url.Values{"limit": {"1"}}}},
	}
}

// keyTrials are those of a key of a project.
func keyTrials() []trial {
	return []trial{
		{permModels, rest.Call{Path: "models"}},
		{permFineTuning, rest.Call{Path: "fine_tuning/jobs", Query: url.Values{"limit": {"1"}}}},
	}
}

// greeting is what OpenAI says of itself with any answer.
type greeting struct {
	organisation string
	now          time.Time // by the clock that is behind
}

// admit finds out whether an admin key is taken at all. OpenAI answers 401 to a
// key that is not known, and to a good one that lacks a scope, so that a key
// is refused only if every question is.
func (a *api) admit(ctx context.Context, now time.Time) (greeting, error) {
	var refused error
	for _, t := range trials(now) {
		answer, err := a.Raw(ctx, t.call)
		switch {
		case err == nil:
			return greet(answer.Header, now), nil
		case coverage.Fatal(ctx, err) != nil:
			return greeting{}, coverage.Fatal(ctx, err)
		case rest.StatusOf(err) != http.StatusUnauthorized:
			return greet(nil, now), nil
		}
		refused = err
	}
	return greeting{}, fmt.Errorf("openai: the secret %s: %w: %w", secretAdmin, refused, connector.ErrRefused)
}

// greet reads an answer's header.
func greet(h http.Header, now time.Time) greeting {
	return greeting{organisation: records.Line(h.Get("Openai-Organization"), 100), now: usage.Behind(h, now)}
}

// list reads all pages of a listing.
func list[T any](ctx context.Context, a *api, path string, query url.Values, s rest.Sink[T]) error {
	q := url.Values{}
	if !s.Whole {
		q.Set("limit", "100")
	}
	maps.Copy(q, query)
	return rest.List(ctx, a.Client, rest.Call{Path: path, Query: q}, "after", s)
}
