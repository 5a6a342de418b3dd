package gcp

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// pageSize of listings; some allow less and answer with less.
const pageSize = "100"

// list reads all pages of a listing whose items stand under field. An answer
// without the field is an empty page: Google leaves empty lists out, so what
// must be there is the JSON object itself. Places that Google could not reach
// are an error at the end: what it lists is not all there is.
func list[T any](ctx context.Context, api *rest.Client, path, field string, each func(T) error) error {
	var away []string
	err := rest.Pages(ctx, path, func(token string) (string, rest.Answer, error) {
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
		if err == nil {
			err = unreachable(path, body, &away)
		}
		return next, a, err
	})
	if err == nil && len(away) > 0 {
		slices.Sort(away)
		return fmt.Errorf("%s: Google could not reach %s, and left out what is there", path, records.Line(strings.Join(slices.Compact(away), ", "), 300))
	}
	return err
}

// unreachable adds the places of a page that were left out.
func unreachable(path string, body map[string]json.RawMessage, away *[]string) error {
	raw := body["unreachable"]
	if len(raw) == 0 {
		return nil
	}
	var names []string
	if json.Unmarshal(raw, &names) != nil {
		return &rest.MalformedError{Path: path, Why: "unreachable is no list of names"}
	}
	*away = append(*away, names...)
	return nil
}

// page deals with the items of one page and returns the token of the next.
func page[T any](path, field string, body map[string]json.RawMessage, each func(T) error) (string, error) {
	bad := func(why string) error { return &rest.MalformedError{Path: path, Why: why} }
	if body == nil {
		return "", bad("the answer is null")
	}
	for name := range body {
		if _, there := body[field]; !there && name != "nextPageToken" && name != "unreachable" && name != "totalSize" {
			return "", bad("the answer holds " + records.Line(name, 60) + " where " + field + " should be")
		}
	}
	var items []T
	if raw, there := body[field]; there {
		if err := json.Unmarshal(raw, &items); err != nil || items == nil {
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
