package github

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// graphError is one of the errors that GraphQL answers beside, or instead of,
// its data. The status of such an answer is 200.
type graphError struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

// graphPath is where GraphQL is asked, from the root of the REST API: beside
// /api/v3 on a server of one's own.
func (a *api) graphPath() string {
	if strings.HasSuffix(a.build.BaseURL.Path, "/api/v3/") {
		return "../graphql"
	}
	return "graphql"
}

// graphql asks one question. What GraphQL could not tell is null in out; an
// answer without any data is an error.
func (a *api) graphql(ctx context.Context, query string, variables map[string]any, out any) (answer, error) {
	var said struct {
		Data   json.RawMessage `json:"data"`
		Errors []graphError    `json:"errors"`
	}
	c := call{method: http.MethodPost, path: a.graphPath(), body: map[string]any{"query": query, "variables": variables}}
	ans, err := a.get(ctx, c, &said)
	if err != nil {
		return ans, err
	}
	for _, e := range said.Errors {
		if e.Type == "RATE_LIMITED" || e.Type == "RATE_LIMIT" {
			return ans, &transport.RateLimitError{Host: a.build.BaseURL.Host, Status: http.StatusOK, Until: resetTime(ans.header)}
		}
	}
	if len(said.Data) == 0 || string(said.Data) == "null" {
		why := "the answer holds no data"
		if len(said.Errors) > 0 {
			why += ": " + line(said.Errors[0].Message, 200)
		}
		return ans, &malformedError{Path: "graphql", Why: why}
	}
	if err := json.Unmarshal(said.Data, out); err != nil {
		return ans, &malformedError{Path: "graphql", Why: "the answer is not the JSON that is documented: " + decodeProblem(err)}
	}
	return ans, nil
}

// resetTime is when the hourly limit begins anew; zero if not told.
func resetTime(h http.Header) time.Time {
	n, err := strconv.ParseInt(h.Get("X-Ratelimit-Reset"), 10, 64)
	if err != nil || n <= 0 || n >= 1<<40 {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}
