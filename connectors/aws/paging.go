package aws

import (
	"context"
	"errors"
)

// maxPages bounds any listing.
const maxPages = 10_000

// errLoop means that a listing gave a page for a second time, or never ended.
var errLoop = errors.New("the pages go round in a circle or never end")

// eachPage asks for page after page until there is no further token. ask gets
// a token (nil at first), deals with the page and returns the next one.
func eachPage(ctx context.Context, op string, ask func(token *string) (next *string, err error)) error {
	seen := map[string]bool{}
	var token *string
	for range maxPages {
		if err := ctx.Err(); err != nil {
			return err
		}
		next, err := ask(token)
		if err != nil {
			return err
		}
		if next == nil || *next == "" {
			return nil
		}
		if seen[*next] {
			break
		}
		seen[*next] = true
		token = next
	}
	return &callError{op: op, err: errLoop}
}
