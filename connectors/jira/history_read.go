package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// historyBatch is how many issues' histories are asked for at once.
const historyBatch = 1000

// histories reads the full history of each issue into it and returns those it
// could not read, with why. Cloud is asked for up to a thousand at once; Data
// Center has given them with the search, unless that was too much.
func (c *client) histories(ctx context.Context, list []*issue) (map[*issue]error, error) {
	failed := map[*issue]error{}
	var todo []*issue
	for _, is := range list {
		switch {
		case is.historyErr != nil:
			failed[is] = is.historyErr
		case !is.historyRead:
			todo = append(todo, is)
		}
	}
	if c.version == "3" {
		return failed, c.manyHistories(ctx, todo, failed)
	}
	return failed, each(todo, failed, func(is *issue) error { return c.expandedHistory(ctx, is) })
}

// each reads one by one and notes what failed, until something stops it all.
func each(list []*issue, failed map[*issue]error, read func(*issue) error) error {
	for _, is := range list {
		err := read(is)
		if err == nil {
			continue
		}
		if failed[is] = err; stops(err) || manyBroken(failed) {
			return err
		}
	}
	return nil
}

// manyBroken reports whether so many answers were server errors that it is not
// the issues.
func manyBroken(failed map[*issue]error) bool {
	n := 0
	for _, err := range failed {
		if statusOf(err) == http.StatusInternalServerError {
			n++
		}
	}
	return n > 20
}

// manyHistories asks for all at once. If that fails because of one of them, it
// asks for each half; where it is not offered, one by one.
func (c *client) manyHistories(ctx context.Context, list []*issue, failed map[*issue]error) error {
	switch {
	case len(list) == 0:
		return nil
	case len(list) == 1 || c.noBulk:
		return each(list, failed, func(is *issue) error { return c.pagedHistory(ctx, is) })
	}
	err := c.bulkHistories(ctx, list)
	switch {
	case err == nil:
		return nil
	case stops(err):
		return err
	}
	if r := coverage.ReasonOf(err); r == connector.Unsupported || r == connector.NotFound || r == connector.Denied {
		c.noBulk = true
		return c.manyHistories(ctx, list, failed)
	}
	half := len(list) / 2
	if err := c.manyHistories(ctx, list[:half], failed); err != nil {
		return err
	}
	return c.manyHistories(ctx, list[half:], failed)
}

// bulkPage is an answer of changelog/bulkfetch.
type bulkPage struct {
	Logs []struct {
		IssueID string    `json:"issueId"`
		Changes []*change `json:"changeHistories"`
	} `json:"issueChangeLogs"`
	NextPageToken string `json:"nextPageToken"`
}

// bulkHistories asks for the histories of up to 1000 issues. What was asked
// for twice, in larger and in smaller pages, is kept once.
func (c *client) bulkHistories(ctx context.Context, list []*issue) error {
	const op = "api/3/changelog/bulkfetch"
	byID := map[string]*issue{}
	ids := make([]string, 0, len(list))
	for _, is := range list {
		byID[is.id], ids = is, append(ids, is.id)
	}
	found, seen := map[string][]*change{}, map[string]bool{}
	body := map[string]any{"issueIdsOrKeys": ids, "maxResults": 1000}
	for range maxPages {
		var p bulkPage
		err := c.post(ctx, op, body, &p)
		var large *transport.TooLargeError
		if errors.As(err, &large) && body["maxResults"] != 100 {
			body["maxResults"] = 100
			continue
		}
		if err != nil {
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
		if p.NextPageToken == "" {
			for id, is := range byID {
				is.setHistory(found[id])
			}
			return nil
		}
		if seen[p.NextPageToken] {
			break
		}
		seen[p.NextPageToken] = true
		body["nextPageToken"] = p.NextPageToken
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

// expandedChangelog is the history as Data Center gives it with an issue.
type expandedChangelog struct {
	Total     int       `json:"total"`
	Histories []*change `json:"histories"`
}

// take keeps the history if it is whole. A search may give less of it than
// there is, and then says so.
func (is *issue) take(log *expandedChangelog) error {
	if err := checkChanges(log.Histories); err != nil {
		return err
	}
	if len(log.Histories) < log.Total {
		return fmt.Errorf("%d of %d history entries were given", len(log.Histories), log.Total)
	}
	is.setHistory(log.Histories)
	return nil
}

// expandedHistory reads one issue's history from Data Center, which gives all
// of it with the issue.
func (c *client) expandedHistory(ctx context.Context, is *issue) error {
	op := "api/2/issue/" + url.PathEscape(is.id)
	var out struct {
		Changelog json.RawMessage `json:"changelog"`
	}
	if err := c.get(ctx, op, url.Values{"expand": {"changelog"}, "fields": {"updated"}}, &out); err != nil {
		return err
	}
	var log expandedChangelog
	if out.Changelog == nil || json.Unmarshal(out.Changelog, &log) != nil {
		return &formatError{op: op, err: errors.New("there is no history with the issue")}
	}
	if err := is.take(&log); err != nil {
		if len(log.Histories) < log.Total {
			return &scopeError{connector.Truncated, fmt.Sprintf("jira: %s: %v", op, err)}
		}
		return &formatError{op: op, err: err}
	}
	return nil
}
