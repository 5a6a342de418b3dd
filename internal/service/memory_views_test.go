package service_test

import (
	"math"
	"runtime/debug"
	"testing"

	"github.com/exhibit-aims/exhibit/internal/service"
)

// TestMemoryIsFree: in a process that makes views no evaluation leaves its limit of
// memory behind.
func TestMemoryIsFree(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "")
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	p := newPlace(t)
	s := p.service()
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"a view", func() error { _, err := s.Refresh(t.Context()); return err }},
		{"an assessment", func() error { _, err := s.Assess(t.Context(), p.now); return err }},
		{"a span", func() error {
			_, err := s.Since(t.Context(), p.now.AddDate(0, 0, -1), p.now)
			return err
		}},
		{"an export", func() error { _, err := s.Make(t.Context(), service.Spec{At: p.now}); return err }},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
			t.Errorf("after %s there is a limit of %d", step.name, got)
		}
	}
}
