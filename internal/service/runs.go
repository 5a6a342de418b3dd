package service

import (
	"context"
	"errors"

	"github.com/exhibit-aims/exhibit/internal/store"
)

// Runs is one page of runs, the newest first.
func (s *Service) Runs(ctx context.Context, q store.RunQuery) (store.RunPage, error) {
	p, err := s.store.RunPage(ctx, q)
	if errors.Is(err, store.ErrNotFound) {
		return p, notFound("", nil, "begin with the newest", "no run is called %q", q.Before)
	}
	return p, err
}
