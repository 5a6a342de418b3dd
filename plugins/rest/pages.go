package rest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/url"
	"strings"
)

// maxPages bounds any listing.
const maxPages = 10_000

// Pages asks for page after page, beginning with an empty token, until ask
// returns none. A token or a page that comes a second time, and a listing
// without end, are errors: nothing after them would be new.
func Pages(ctx context.Context, path string, ask func(token string) (next string, a Answer, err error)) error {
	tokens := map[string]bool{"": true}
	pages := map[[sha256.Size]byte]bool{}
	token := ""
	for range maxPages {
		if err := ctx.Err(); err != nil {
			return err
		}
		next, a, err := ask(token)
		if err != nil || next == "" {
			return err
		}
		if tokens[next] {
			return &MalformedError{Path: path, Why: "the pages go round in a circle"}
		}
		if !a.NotModified && pages[a.Sum] {
			return &MalformedError{Path: path, Why: "a page came a second time"}
		}
		tokens[next], pages[a.Sum], token = true, true, next
	}
	return &MalformedError{Path: path, Why: fmt.Sprintf("the listing does not end: %d pages", maxPages)}
}

// NextLink returns the query of the next page in a Link header; nil if there
// is none. Several headers are joined with commas. The address itself is not
// followed: its host is not ours to choose.
func NextLink(link string) (url.Values, error) {
	for link != "" {
		_, rest, _ := strings.Cut(link, "<")
		target, rest, ok := strings.Cut(rest, ">")
		if !ok {
			return nil, nil
		}
		params, after := linkParams(rest)
		link = after
		if !isNext(params) {
			continue
		}
		u, err := url.Parse(strings.TrimSpace(target))
		if err != nil || u.RawQuery == "" {
			return nil, fmt.Errorf("the link to the next page cannot be read")
		}
		q, err := url.ParseQuery(u.RawQuery)
		if err != nil {
			return nil, fmt.Errorf("the link to the next page cannot be read")
		}
		return q, nil
	}
	return nil, nil
}

// linkParams cuts the parameters of one link off at the comma that ends it; one
// within quotes does not.
func linkParams(s string) (params, after string) {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// isNext reports whether one of the relations is next: there may be several,
// and neither case nor quotes matter.
func isNext(params string) bool {
	for p := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(p, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "rel") {
			continue
		}
		for rel := range strings.FieldsSeq(strings.Trim(strings.TrimSpace(value), `"`)) {
			if strings.EqualFold(rel, "next") {
				return true
			}
		}
	}
	return false
}
