package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

const (
	// maxPages bounds any listing: a source that never ends is broken.
	maxPages = 20_000
	// overlap is how much earlier a search begins than the last one ended: JQL
	// sees minutes, and a change can take a while to be found.
	overlap = 5 * time.Minute
)

// searchQuery is what to search for.
type searchQuery struct {
	jql    string
	order  string // after ORDER BY
	fields []string
	size   int
	expand []string // Data Center
}

func (q searchQuery) body() map[string]any {
	b := map[string]any{"jql": q.jql, "fields": q.fields, "maxResults": q.size}
	if q.order != "" {
		b["jql"] = q.jql + " ORDER BY " + q.order
	}
	if len(q.expand) > 0 {
		b["expand"] = q.expand
	}
	return b
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
func (c *client) search(ctx context.Context, q searchQuery, page func([]json.RawMessage) error) error {
	if c.version == "2" {
		return c.searchByOffset(ctx, q, page)
	}
	const op = "api/3/search/jql"
	seen := map[string]bool{}
	body := q.body()
	for range maxPages {
		var p searchPage
		err := c.post(ctx, op, body, &p)
		var large *transport.TooLargeError
		if errors.As(err, &large) && q.size > 1 { // the same page in smaller pieces
			q.size = max(1, q.size/4)
			body["maxResults"] = q.size
			continue
		}
		if err == nil {
			err = p.check(op, q.fields)
		}
		if err == nil {
			err = page(p.Issues)
		}
		if err != nil {
			return err
		}
		switch last := p.IsLast != nil && *p.IsLast; {
		case last:
			return nil
		case p.NextPageToken == "" && p.IsLast != nil:
			return &formatError{op: op, err: errors.New("more pages are announced, but no token to ask for them")}
		case p.NextPageToken == "":
			return nil
		case seen[p.NextPageToken]:
			return &formatError{op: op, err: errLoop}
		}
		seen[p.NextPageToken] = true
		body["nextPageToken"] = p.NextPageToken
	}
	return &formatError{op: op, err: errLoop}
}

// check refuses a page that is none, or that names issues without telling of
// them although fields were asked for.
func (p *searchPage) check(op string, fields []string) error {
	if p.Issues == nil {
		return &formatError{op: op, err: errors.New("the answer holds no list of issues")}
	}
	if len(fields) < 2 || len(p.Issues) == 0 {
		return nil
	}
	if slices.ContainsFunc(p.Issues, tells) {
		return nil
	}
	return &formatError{op: op, err: errors.New("the answer holds ids only, though fields were asked for")}
}

// tells reports whether an issue holds fields, or is none at all.
func tells(raw json.RawMessage) bool {
	var is struct {
		Fields map[string]json.RawMessage `json:"fields"`
	}
	return json.Unmarshal(raw, &is) != nil || len(is.Fields) > 0
}

// errShifted: issues went from the listing while it was read, so that others
// moved up and past us.
var errShifted = errors.New("the listing changed while it was read")

// searchByOffset is the search of Data Center. Each page repeats the last row
// of the one before: if it is another, the listing is begun again. A page that
// is too large is asked for in smaller pieces.
func (c *client) searchByOffset(ctx context.Context, q searchQuery, page func([]json.RawMessage) error) error {
	const op = "api/2/search"
	for shifts := 0; shifts < 4; {
		err := c.offsetPass(ctx, op, q, page)
		var large *transport.TooLargeError
		switch {
		case errors.As(err, &large) && q.size > 1:
			q.size = max(1, q.size/4)
		case errors.As(err, &large) && len(q.expand) > 0:
			q.expand = nil
		case errors.Is(err, errShifted):
			shifts++
		default:
			return err
		}
	}
	return &scopeError{connector.Truncated, "issues kept going from the listing while it was read; run again when fewer are moved or deleted"}
}

func (c *client) offsetPass(ctx context.Context, op string, q searchQuery, page func([]json.RawMessage) error) error {
	body := q.body()
	at, last := 0, ""
	for range maxPages {
		begin := max(at-1, 0)
		body["startAt"] = begin
		if at > 0 {
			body["maxResults"] = q.size + 1
		}
		var p searchPage
		if err := c.post(ctx, op, body, &p); err != nil {
			return err
		}
		if err := p.check(op, q.fields); err != nil {
			return err
		}
		if p.StartAt != begin {
			return &formatError{op: op, err: errLoop}
		}
		if at > 0 {
			if len(p.Issues) == 0 || idOf(p.Issues[0]) != last {
				return errShifted
			}
			p.Issues = p.Issues[1:]
		}
		if err := page(p.Issues); err != nil {
			return err
		}
		if at += len(p.Issues); at >= p.Total {
			return nil
		}
		if len(p.Issues) == 0 {
			return &formatError{op: op, err: fmt.Errorf("%d of %d issues were given", at, p.Total)}
		}
		last = idOf(p.Issues[len(p.Issues)-1])
	}
	return &formatError{op: op, err: errLoop}
}

func idOf(raw json.RawMessage) string {
	var is struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(raw, &is) != nil {
		return ""
	}
	return is.ID
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
// a little early: the overlap, three hours more where the clock is put forward
// or back, a day where its zone is unknown.
func jqlMinute(t time.Time, a *account) string {
	loc, known := a.location()
	t = t.Add(-overlap)
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

// ids lists the ids of the issues that match.
func (c *client) ids(ctx context.Context, jql string) (map[string]bool, error) {
	found := map[string]bool{}
	q := searchQuery{jql: jql, order: "key ASC", fields: []string{"id"}, size: 1000}
	err := c.search(ctx, q, func(list []json.RawMessage) error {
		for _, raw := range list {
			id := idOf(raw)
			if id == "" {
				return &formatError{op: "search", err: errors.New("an issue has no id")}
			}
			found[id] = true
		}
		return nil
	})
	return found, err
}

// visible asks the search, which hides silently, for one issue.
func (c *client) visible(ctx context.Context, p project) (bool, error) {
	found := false
	q := searchQuery{jql: fmt.Sprintf(`project = "%s" AND key = "%s"`, p.Key, p.Canary), fields: []string{"created"}, size: 1}
	err := c.search(ctx, q, func(list []json.RawMessage) error {
		for _, raw := range list {
			is, bad := parseIssue(raw)
			found = found || bad == nil && strings.EqualFold(is.key, p.Canary)
		}
		return nil
	})
	if statusOf(err) == 400 { // Jira's word for a key that is not there, or not for us
		return false, nil
	}
	return found, err
}
