package service

import (
	"context"
	"sync"

	"github.com/exhibit-aims/exhibit/internal/evaluate"
)

// grown remembers which entries were looked at since a view, and how many of
// them say more than what was made of those before.
type grown struct {
	mu       sync.Mutex
	from, to int64
	more     int64
}

// lookThrough is how many new entries are looked at: among more there is one
// that counts.
const lookThrough = 10_000

// Behind reports how many entries the ledger has beyond those that a view was
// made from. Those that only conclude, or say who saw what, do not count: a view
// made anew would show the same, and showing it may make more of them.
func (s *Service) Behind(ctx context.Context, v *View) (int64, error) {
	size, err := s.Size(ctx)
	if err != nil || size <= v.seen {
		return 0, err
	}
	g := &s.grown
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.from != v.seen || g.to > size {
		g.from, g.to, g.more = v.seen, v.seen, 0
	}
	if size-g.to > lookThrough {
		return size - v.seen, nil
	}
	for e, err := range s.store.Entries(ctx, g.to, size) {
		if err != nil {
			return 0, err
		}
		g.to = e.Seq + 1
		if !evaluate.Concluding(e) {
			g.more++
		}
	}
	return g.more, nil
}
