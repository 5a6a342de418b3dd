package usage

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/records"
	"github.com/exhibit-aims/exhibit/plugins/rest"
)

// Bucket is what a report tells of one day, as the vendor writes it.
type Bucket interface {
	// Day returns when the day begins, zero if that is no time, and its rows,
	// nil if it has none, not even an empty list.
	Day() (time.Time, []json.RawMessage)
}

// Page is a page of a report.
type Page[B Bucket] struct {
	Data    []B    `json:"data"`
	HasMore *bool  `json:"has_more"`
	Next    string `json:"next_page"`
}

// Report is a report to be read, asked for with the days in the vendor's words.
type Report struct {
	Call rest.Call
	Days Days
}

// Read reads a report day by day and hands each row to each. The parameter page
// takes the token of the next page.
func Read[B Bucket, T any](ctx context.Context, c *rest.Client, r Report, each func(time.Time, T) error) error {
	if !r.Days.From.Before(r.Days.Until) {
		return nil
	}
	return rest.Pages(ctx, r.Call.Path, func(token string) (string, rest.Answer, error) {
		ask := r.Call
		if token != "" {
			ask.Query = url.Values{}
			maps.Copy(ask.Query, r.Call.Query)
			ask.Query.Set("page", token)
		}
		var page Page[B]
		answer, err := c.Get(ctx, ask, &page)
		if err != nil {
			return "", answer, err
		}
		next, err := Deal(r, page, each)
		return next, answer, err
	})
}

// Deal deals with the days of a page and returns the token of the next.
func Deal[B Bucket, T any](r Report, page Page[B], each func(time.Time, T) error) (string, error) {
	bad := func(why string) error { return &rest.MalformedError{Path: r.Call.Path, Why: why} }
	if page.Data == nil || page.HasMore == nil {
		return "", bad(rest.NoList)
	}
	for _, b := range page.Data {
		at, rows := b.Day()
		switch {
		case at.IsZero() || rows == nil:
			return "", bad("a day has no beginning, or no results, not even none")
		case !r.Days.hold(at):
			return "", bad("it tells of " + records.Stamp(at) + ", which is no day that was asked for")
		}
		for _, raw := range rows {
			var row T
			if err := json.Unmarshal(raw, &row); err != nil {
				return "", bad("a row of " + at.Format(time.DateOnly) + " is not of the form that is documented")
			}
			if err := each(at, row); err != nil {
				return "", err
			}
		}
	}
	switch {
	case !*page.HasMore:
		return "", nil
	case page.Next == "":
		return "", bad(rest.NoToken)
	}
	return page.Next, nil
}
