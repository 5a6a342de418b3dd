package jira

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxPages bounds any listing: a source that never ends is broken.
const maxPages = 20_000

// errLoop means that a listing gave a page for a second time.
var errLoop = errors.New("the pages go round in a circle or never end")

// issue is one issue as the search gave it.
type issue struct {
	id, key string
	fields  map[string]any // numbers as json.Number
	created time.Time
	updated time.Time // zero, as created, if it is among the problems
	problem error     // times that are missing or none
	history []*change // oldest first; nil until it was read
}

type rawIssue struct {
	ID     string         `json:"id"`
	Key    string         `json:"key"`
	Fields map[string]any `json:"fields"`
}

// badIssue is an issue in an answer that could not be understood.
type badIssue struct {
	ref string
	err error
}

// parseIssue reads one issue and checks what the rest relies on.
func parseIssue(b []byte) (*issue, *badIssue) {
	var raw rawIssue
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&raw); err != nil {
		return nil, &badIssue{"an issue", errors.New("not an object with id, key and fields")}
	}
	ref := printable(raw.Key, 80)
	if ref == "" {
		ref = "an issue"
	}
	if _, err := strconv.ParseUint(raw.ID, 10, 64); err != nil || !issueKey().MatchString(raw.Key) {
		return nil, &badIssue{ref, errors.New("its id is no number or its key is no issue key")}
	}
	is := &issue{id: raw.ID, key: raw.Key, fields: raw.Fields}
	var noCreated, noUpdated error
	is.created, noCreated = timeField(raw.Fields, "created")
	is.updated, noUpdated = timeField(raw.Fields, "updated")
	is.problem = errors.Join(noCreated, noUpdated)
	return is, nil
}

// parseTime reads the times of Jira's API.
func parseTime(s string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02T15:04:05.999-0700", time.RFC3339Nano} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time", printable(s, 40))
}

func timeField(fields map[string]any, name string) (time.Time, error) {
	s, ok := fields[name].(string)
	if !ok {
		return time.Time{}, fmt.Errorf("field %s: missing or no time", name)
	}
	t, err := parseTime(s)
	if err != nil {
		return time.Time{}, fmt.Errorf("field %s: %w", name, err)
	}
	return t, nil
}

// searchPage is the answer of either search.
type searchPage struct {
	Issues        []json.RawMessage `json:"issues"`
	NextPageToken string            `json:"nextPageToken"`
	IsLast        *bool             `json:"isLast"`
	StartAt       int               `json:"startAt"` // Data Center, from here on
	Total         int               `json:"total"`
}

// search calls page with the issues that match, page by page.
func (c *client) search(ctx context.Context, q searchQuery, page func([]*issue, []*badIssue) error) error {
	if c.version == "2" {
		return c.searchByOffset(ctx, q, page)
	}
	seen := map[string]bool{}
	token := ""
	for range maxPages {
		body := map[string]any{"jql": q.jql, "fields": q.fields, "maxResults": q.size}
		if token != "" {
			body["nextPageToken"] = token
		}
		var p searchPage
		if err := c.post(ctx, "api/3/search/jql", body, &p); err != nil {
			return err
		}
		if err := page(parseIssues(p.Issues)); err != nil {
			return err
		}
		if p.NextPageToken == "" {
			if p.IsLast != nil && !*p.IsLast {
				return &formatError{op: "api/3/search/jql", err: errors.New("more pages are announced, but no token to ask for them")}
			}
			return nil
		}
		if p.IsLast != nil && *p.IsLast {
			return nil
		}
		if token = p.NextPageToken; seen[token] {
			return &formatError{op: "api/3/search/jql", err: errLoop}
		}
		seen[token] = true
	}
	return &formatError{op: "api/3/search/jql", err: errLoop}
}

// searchByOffset is the search of Data Center.
func (c *client) searchByOffset(ctx context.Context, q searchQuery, page func([]*issue, []*badIssue) error) error {
	at := 0
	for range maxPages {
		var p searchPage
		body := map[string]any{"jql": q.jql, "fields": q.fields, "maxResults": q.size, "startAt": at}
		if err := c.post(ctx, "api/2/search", body, &p); err != nil {
			return err
		}
		if p.StartAt != at {
			return &formatError{op: "api/2/search", err: errLoop}
		}
		if err := page(parseIssues(p.Issues)); err != nil {
			return err
		}
		at += len(p.Issues)
		if at >= p.Total {
			return nil
		}
		if len(p.Issues) == 0 {
			return &formatError{op: "api/2/search", err: fmt.Errorf("%d of %d issues were given", at, p.Total)}
		}
	}
	return &formatError{op: "api/2/search", err: errLoop}
}

func parseIssues(raw []json.RawMessage) ([]*issue, []*badIssue) {
	var good []*issue
	var bad []*badIssue
	for _, r := range raw {
		if is, b := parseIssue(r); b != nil {
			bad = append(bad, b)
		} else {
			good = append(good, is)
		}
	}
	return good, bad
}

// searchQuery is what to search for.
type searchQuery struct {
	jql    string
	fields []string
	size   int
}

// restriction is the JQL for a project's issues that were updated since a
// time, which the account's time zone decides how to write. The project's key
// has been checked and needs no quoting; it is quoted because keys may be
// reserved words.
func restriction(key string, since time.Time, a *account) string {
	jql := fmt.Sprintf(`project = "%s"`, key)
	if since.IsZero() {
		return jql
	}
	return jql + fmt.Sprintf(` AND updated >= "%s"`, jqlMinute(since, a))
}

// jqlMinute writes a time for JQL, which sees minutes of the account's clock,
// a little early: two minutes for the rounding, three hours where the clock is
// put forward or back, a day where its zone is unknown.
func jqlMinute(t time.Time, a *account) string {
	loc, known := a.location()
	t = t.Add(-2 * time.Minute)
	_, before := t.Add(-3 * time.Hour).In(loc).Zone()
	_, after := t.Add(3 * time.Hour).In(loc).Zone()
	switch {
	case !known:
		t = t.Add(-26 * time.Hour)
	case before != after:
		t = t.Add(-3 * time.Hour)
	}
	return t.In(loc).Format("2006/01/02 15:04")
}

// visible asks the search, which hides silently, for one issue.
func (c *client) visible(ctx context.Context, p project) (bool, error) {
	found := false
	q := searchQuery{jql: fmt.Sprintf(`project = "%s" AND key = "%s"`, p.Key, p.Canary), fields: []string{"created", "updated"}, size: 1}
	err := c.search(ctx, q, func(list []*issue, _ []*badIssue) error {
		for _, is := range list {
			found = found || strings.EqualFold(is.key, p.Canary)
		}
		return nil
	})
	var api *apiError
	if errors.As(err, &api) && api.status == http.StatusBadRequest { // Jira's word for a key that is not there, or not for us
		return false, nil
	}
	return found, err
}
