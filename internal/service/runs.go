package service

import (
	"context"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// NewestRuns are the newest runs of a source, n at the most, the newest first.
func (s *Service) NewestRuns(ctx context.Context, source string, n int) ([]evidence.Run, error) {
	var out []evidence.Run
	for run, err := range s.store.Runs(ctx, source) {
		if err != nil {
			return nil, err
		}
		if out = append(out, run); len(out) > 2*n {
			out = slices.Delete(out, 0, n)
		}
	}
	slices.Reverse(out)
	return out[:min(n, len(out))], nil
}
