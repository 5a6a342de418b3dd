package github

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// cursorPages reads a listing whose pages are named by what stands after them.
// A listing that goes in a circle, repeats a page or never ends is an error.
func cursorPages[T any](ctx context.Context, a *api, c call, each func(page[T]) error) error {
	seen, last := map[string]bool{}, [sha256.Size]byte{}
	for n, after := 1, ""; ; n++ {
		q := url.Values{}
		for k, v := range c.query {
			q[k] = v
		}
		if after != "" {
			q.Set("after", after)
		}
		p := page[T]{number: n}
		var err error
		if p.answer, err = a.get(ctx, call{path: c.path, query: q}, &p.body); err != nil {
			return err
		}
		if n > 1 && p.sum == last {
			return &malformedError{Path: c.path, Why: fmt.Sprintf("page %d is the same as the page before", n)}
		}
		last = p.sum
		if err := each(p); err != nil {
			return err
		}
		if after, err = nextCursor(p.header.Get("Link")); err != nil {
			return &malformedError{Path: c.path, Why: err.Error()}
		}
		if after == "" {
			return nil
		}
		if seen[after] || n >= maxPages {
			return &malformedError{Path: c.path, Why: fmt.Sprintf("the listing does not end: page %d leads back", n)}
		}
		seen[after] = true
	}
}

// nextCursor reads what the next page stands after from a Link header; empty
// if there is none. The address itself is not followed.
func nextCursor(link string) (string, error) {
	for part := range strings.SplitSeq(link, ",") {
		target, params, ok := strings.Cut(part, ">")
		if !ok || !strings.Contains(params, `rel="next"`) {
			continue
		}
		u, err := url.Parse(strings.TrimLeft(target, " <"))
		if err != nil {
			return "", errors.New("the link to the next page cannot be read")
		}
		after := u.Query().Get("after")
		if after == "" || len(after) > 2000 {
			return "", errors.New("the link to the next page does not say what it stands after")
		}
		return after, nil
	}
	return "", nil
}
