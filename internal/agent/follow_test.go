package agent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// TestOneAfterForSeveral: runs that end while After is under way are followed by
// one more call between them, and by one for each that fails.
func TestOneAfterForSeveral(t *testing.T) {
	for _, fails := range []int{0, 2} {
		t.Run(fmt.Sprintf("%d fail", fails), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				w := &collectWorker{d: &daemon{after: make(chan struct{}, 1)}}
				w.d.o.After = func(context.Context, evidence.Run) error {
					calls++
					time.Sleep(time.Minute)
					if 1 < calls && calls <= 1+fails {
						return errors.New("the assessment failed")
					}
					return nil
				}
				var all sync.WaitGroup
				var mu sync.Mutex
				failed := 0
				for i := range 6 {
					all.Go(func() {
						if err := w.follow(t.Context(), evidence.Run{ID: fmt.Sprint(i)}, nothing); err != nil {
							mu.Lock()
							defer mu.Unlock()
							failed++
						}
					})
					time.Sleep(time.Second)
				}
				all.Wait()
				if calls != 2+fails || failed != fails {
					t.Errorf("%d calls, %d failed; want %d and %d", calls, failed, 2+fails, fails)
				}
			})
		})
	}
}
