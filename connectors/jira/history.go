package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// change is one entry of an issue's history: somebody changed some fields at
// once.
type change struct {
	ID      string          `json:"id"`
	Author  *account        `json:"author"`
	Created json.RawMessage `json:"created"` // text, or a number of seconds or milliseconds
	Items   []changeItem    `json:"items"`

	at time.Time
}

type changeItem struct {
	Field      string  `json:"field"`
	FieldID    string  `json:"fieldId"`
	From       *string `json:"from"`
	FromString *string `json:"fromString"`
	To         *string `json:"to"`
	ToString   *string `json:"toString"`
}

func (i changeItem) toText() string   { return firstText(i.ToString, i.To) }
func (i changeItem) fromText() string { return firstText(i.FromString, i.From) }

func firstText(a, b *string) string {
	if a != nil && *a != "" {
		return *a
	}
	if b != nil {
		return *b
	}
	return ""
}

// checkChanges reads the times and refuses entries without an id.
func checkChanges(list []*change) error {
	for _, c := range list {
		if _, err := strconv.ParseUint(c.ID, 10, 64); err != nil {
			return fmt.Errorf("history %q: the id is no number", printable(c.ID, 40))
		}
		at, err := changeTime(c.Created)
		if err != nil {
			return fmt.Errorf("history %s: %w", c.ID, err)
		}
		c.at = at
	}
	return nil
}

// changeTime reads the two forms in which Jira gives the time of a change.
func changeTime(raw json.RawMessage) (time.Time, error) {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return parseTime(s)
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || n <= 0 || n > 1e14 {
		return time.Time{}, errors.New("created is no time")
	}
	if n < 1e11 { // seconds: until the year 5138
		return time.Unix(n, 0).UTC(), nil
	}
	return time.UnixMilli(n).UTC(), nil
}

// histories reads the full history of each issue into it. It asks for all of
// them at once where that is offered, and returns those it could not read.
func (c *client) histories(ctx context.Context, list []*issue) (map[*issue]error, error) {
	failed := map[*issue]error{}
	if len(list) == 0 {
		return failed, nil
	}
	if c.version == "3" {
		err := c.bulkHistories(ctx, list)
		if err == nil || stops(err) {
			return failed, err
		}
		// not offered here, or it stumbled over one of the issues: one by one
	}
	for _, is := range list {
		var err error
		if c.version == "3" {
			err = c.pagedHistory(ctx, is)
		} else {
			err = c.expandedHistory(ctx, is)
		}
		if err != nil && stops(err) {
			return failed, err
		}
		if err != nil {
			failed[is] = err
		}
	}
	return failed, nil
}

// bulkHistories asks for the histories of up to 1000 issues.
func (c *client) bulkHistories(ctx context.Context, list []*issue) error {
	const op = "api/3/changelog/bulkfetch"
	byID := map[string]*issue{}
	ids := make([]string, 0, len(list))
	for _, is := range list {
		byID[is.id], ids = is, append(ids, is.id)
	}
	found := map[string][]*change{}
	seen := map[string]bool{}
	token := ""
	for range maxPages {
		body := map[string]any{"issueIdsOrKeys": ids, "maxResults": 1000}
		if token != "" {
			body["nextPageToken"] = token
		}
		var p struct {
			Logs []struct {
				IssueID string    `json:"issueId"`
				Changes []*change `json:"changeHistories"`
			} `json:"issueChangeLogs"`
			NextPageToken string `json:"nextPageToken"`
		}
		if err := c.post(ctx, op, body, &p); err != nil {
			return err
		}
		for _, l := range p.Logs {
			if byID[l.IssueID] == nil {
				return &formatError{op: op, err: errors.New("it holds the history of an issue that was not asked for")}
			}
			if err := checkChanges(l.Changes); err != nil {
				return &formatError{op: op, err: err}
			}
			found[l.IssueID] = append(found[l.IssueID], l.Changes...)
		}
		if token = p.NextPageToken; token == "" {
			for id, is := range byID {
				is.setHistory(found[id])
			}
			return nil
		}
		if seen[token] {
			break
		}
		seen[token] = true
	}
	return &formatError{op: op, err: errLoop}
}

// pagedHistory reads one issue's history, oldest first.
func (c *client) pagedHistory(ctx context.Context, is *issue) error {
	op := "api/3/issue/" + url.PathEscape(is.id) + "/changelog"
	var all []*change
	for range maxPages {
		var p struct {
			StartAt int       `json:"startAt"`
			Total   int       `json:"total"`
			IsLast  *bool     `json:"isLast"`
			Values  []*change `json:"values"`
		}
		q := url.Values{"startAt": {strconv.Itoa(len(all))}, "maxResults": {"100"}}
		if err := c.get(ctx, op, q, &p); err != nil {
			return err
		}
		if p.StartAt != len(all) {
			return &formatError{op: op, err: fmt.Errorf("asked from entry %d, it answers from %d", len(all), p.StartAt)}
		}
		if err := checkChanges(p.Values); err != nil {
			return &formatError{op: op, err: err}
		}
		all = append(all, p.Values...)
		last := len(all) >= p.Total
		if p.IsLast != nil {
			last = *p.IsLast
		}
		if last {
			if len(all) < p.Total {
				return &formatError{op: op, err: fmt.Errorf("%d of %d entries were given", len(all), p.Total)}
			}
			is.setHistory(all)
			return nil
		}
		if len(p.Values) == 0 {
			break
		}
	}
	return &formatError{op: op, err: errLoop}
}

// expandedHistory reads one issue's history from Data Center, which gives all
// of it with the issue.
func (c *client) expandedHistory(ctx context.Context, is *issue) error {
	op := "api/2/issue/" + url.PathEscape(is.id)
	var out struct {
		Changelog struct {
			Total     int       `json:"total"`
			Histories []*change `json:"histories"`
		} `json:"changelog"`
	}
	if err := c.get(ctx, op, url.Values{"expand": {"changelog"}, "fields": {"updated"}}, &out); err != nil {
		return err
	}
	if len(out.Changelog.Histories) < out.Changelog.Total {
		return &formatError{op: op, err: fmt.Errorf("%d of %d history entries were given", len(out.Changelog.Histories), out.Changelog.Total)}
	}
	if err := checkChanges(out.Changelog.Histories); err != nil {
		return &formatError{op: op, err: err}
	}
	is.setHistory(out.Changelog.Histories)
	return nil
}

// setHistory keeps the changes, each once, oldest first.
func (is *issue) setHistory(list []*change) {
	slices.SortStableFunc(list, func(a, b *change) int { return a.at.Compare(b.at) })
	seen := map[string]bool{}
	is.history = slices.DeleteFunc(list, func(c *change) bool {
		twice := seen[c.ID]
		seen[c.ID] = true
		return twice
	})
}
