package gcp

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// pageSize of listings; some allow less and answer with less.
const pageSize = "100"

// list reads all pages of a listing whose items stand under field. An answer
// without the field is an empty page: Google leaves empty lists out, so what
// must be there is the JSON object itself.
func list[T any](ctx context.Context, api *rest.Client, path, field string, each func(T) error) error {
	return rest.Pages(ctx, path, func(token string) (string, rest.Answer, error) {
		q := url.Values{"pageSize": {pageSize}}
		if token != "" {
			q.Set("pageToken", token)
		}
		var body map[string]json.RawMessage
		a, err := api.Get(ctx, rest.Call{Path: path, Query: q}, &body)
		if err != nil {
			return "", a, err
		}
		next, err := page(path, field, body, each)
		return next, a, err
	})
}

// page deals with the items of one page and returns the token of the next.
func page[T any](path, field string, body map[string]json.RawMessage, each func(T) error) (string, error) {
	bad := func(why string) error { return &rest.MalformedError{Path: path, Why: why} }
	if body == nil {
		return "", bad("the answer is null")
	}
	for name := range body {
		if name != field && name != "nextPageToken" && name != "unreachable" && len(body[field]) == 0 && strings.HasPrefix(string(body[name]), "[") {
			return "", bad("the answer holds " + name + " where " + field + " should be")
		}
	}
	var items []T
	if raw := body[field]; len(raw) > 0 {
		if err := json.Unmarshal(raw, &items); err != nil {
			return "", bad("an entry of " + field + " has another form")
		}
	}
	for _, item := range items {
		if err := each(item); err != nil {
			return "", err
		}
	}
	var next string
	if raw := body["nextPageToken"]; len(raw) > 0 && json.Unmarshal(raw, &next) != nil {
		return "", bad("nextPageToken is no text")
	}
	return next, nil
}

// last is the last part of a resource name.
func last(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
