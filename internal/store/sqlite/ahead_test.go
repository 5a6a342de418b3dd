package sqlite

import (
	"iter"
	"testing"
	"testing/synctest"
)

// TestAhead reads slower than is walked: a page stays as it is until the next is
// asked for, however far ahead the walk is with pages that are used again.
func TestAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const walked = 5 * pagesOut
		s, made := new(scan), new(ring[int])
		pages := iter.Seq2[[]int, error](func(yield func([]int, error) bool) {
			for n := range walked {
				page := made.next(1 + n%3)
				page[n%3] = n
				if !yield(page, nil) {
					return
				}
			}
		})
		n := 0
		for page := range ahead(s, pages) {
			synctest.Wait() // until the walk is as far ahead as it gets
			if len(page) != 1+n%3 || page[n%3] != n {
				t.Fatalf("page %d: %v", n, page)
			}
			n++
		}
		if n != walked {
			t.Errorf("%d pages, want %d", n, walked)
		}
	})
}
