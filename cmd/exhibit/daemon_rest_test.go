package main

import (
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/service"
)

// TestResting: memory is given back once for each view that stays, not while
// one follows the other, and anew after a while.
func TestResting(t *testing.T) {
	a, b := new(service.View), new(service.View)
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	var r resting
	for i, c := range []struct {
		view  *service.View
		after time.Duration
		want  bool
	}{
		{nil, 0, false}, {nil, restAfter, false}, {a, restAfter, false}, {b, restAfter, false}, {b, restAfter, true}, {b, restAfter, false},
		{a, restAfter, false}, {a, restAfter, true}, {a, restEvery - time.Second, false}, {a, time.Second, true}, {a, restAfter, false},
	} {
		now = now.Add(c.after)
		if got := r.due(c.view, now); got != c.want {
			t.Errorf("look %d: given back %v, want %v", i, got, c.want)
		}
	}
}
