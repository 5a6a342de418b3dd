package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"

	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// Why a page of the form of Listing is none.
const (
	NoList  = "it holds no list under data, or does not say whether more follows"
	NoToken = "it says that more follows, and not where"
)

// Listing is a page of things in a form that several vendors share: whether
// more follows stands in it, and the next page begins after its last entry.
type Listing struct {
	Data    []json.RawMessage `json:"data"`
	HasMore *bool             `json:"has_more"`
	LastID  string            `json:"last_id"`
}

// Sink takes the entries of a listing.
type Sink[T any] struct {
	Each  func(T) error
	Bad   func(entry int, why string) error // an entry of another form
	Saw   func()                            // a page was read
	Whole bool                              // the listing has no pages

	n int
}

// Into makes a sink for a listing of some kinds. what names it to a person. An
// entry of another form is a gap.
func Into[T any](b *coverage.Book, what string, each func(T) error, kinds ...string) Sink[T] {
	return Sink[T]{
		Each: each,
		Bad:  func(n int, why string) error { return b.Malformed(Entry(what, n), why, kinds...) },
		Saw:  func() { b.Read(kinds...) },
	}
}

// Entry names an entry of a listing to a person.
func Entry(what string, n int) string { return fmt.Sprintf("%s, entry %d", what, n) }

// List reads all pages of a Listing. after is the parameter that takes the last
// id of the page before. An entry of another form is handed to s.Bad, and the
// rest is read.
func List[T any](ctx context.Context, c *Client, call Call, after string, s Sink[T]) error {
	return Pages(ctx, call.Path, func(token string) (string, Answer, error) {
		ask := call
		if token != "" {
			ask.Query = url.Values{}
			maps.Copy(ask.Query, call.Query)
			ask.Query.Set(after, token)
		}
		var page Listing
		answer, err := c.Get(ctx, ask, &page)
		if err != nil {
			return "", answer, err
		}
		next, err := s.Page(call.Path, page)
		return next, answer, err
	})
}

// Page deals with the entries of a page and returns the token of the next.
func (s *Sink[T]) Page(path string, p Listing) (string, error) {
	if p.Data == nil || p.HasMore == nil && !s.Whole {
		return "", &MalformedError{Path: path, Why: NoList}
	}
	for _, raw := range p.Data {
		s.n++
		var item T
		if err := json.Unmarshal(raw, &item); err != nil {
			if err := s.Bad(s.n, "it is not of the form that is documented"); err != nil {
				return "", err
			}
			continue
		}
		if err := s.Each(item); err != nil {
			return "", err
		}
	}
	s.Saw()
	if p.HasMore == nil || !*p.HasMore {
		return "", nil
	}
	last := p.LastID
	if last == "" && len(p.Data) > 0 {
		last = IDOf(p.Data[len(p.Data)-1])
	}
	if last == "" {
		return "", &MalformedError{Path: path, Why: NoToken}
	}
	return last, nil
}

// IDOf returns an entry's id; empty if it has none that can be one.
func IDOf(raw json.RawMessage) string {
	var item struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(raw, &item) != nil || !records.Fit(item.ID) {
		return ""
	}
	return item.ID
}
