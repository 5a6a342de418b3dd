package azure

import (
	"context"
	"crypto/sha256"
	"encoding/json"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/exhibit-aims/exhibit/plugins/rest"
)

const maxPages = 10_000

// each deals with all items of a listing. An answer without a list, a page that
// comes a second time and a listing without end are errors.
func each[P, T any](ctx context.Context, op string, pager *runtime.Pager[P], items func(P) []*T, do func(*T) error) error {
	bad := func(why string) error { return &callError{op, &rest.MalformedError{Why: why}} }
	seen := map[[sha256.Size]byte]bool{}
	for n := 0; pager.More(); n++ {
		if n == maxPages {
			return bad("the listing does not end")
		}
		page, err := pager.NextPage(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &callError{op, err}
		}
		raw, err := json.Marshal(page)
		if err != nil {
			return bad("a page cannot be compared")
		}
		sum := sha256.Sum256(raw)
		if seen[sum] {
			return bad("a page came a second time")
		}
		seen[sum] = true
		list := items(page)
		if list == nil {
			return bad("the answer holds no list; is this the address of Azure's resource manager?")
		}
		for _, item := range list {
			if item == nil {
				return bad("an entry is null")
			}
			if err := do(item); err != nil {
				return err
			}
		}
	}
	return nil
}

// str is the text behind a pointer, or nothing.
func str[S ~string](s *S) string {
	if s == nil {
		return ""
	}
	return string(*s)
}
