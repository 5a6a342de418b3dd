package main

import (
	"context"
	"errors"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// reconcile puts on record which AI was seen and which registered system
// accounts for it, as far as that has changed.
func (w *workplace) reconcile(ctx context.Context) error {
	release, err := w.locks.Acquire(agent.ShadowSource)
	if errors.Is(err, store.ErrLocked) {
		return nil // another process is at it: one is enough
	}
	if err != nil {
		return err
	}
	defer release()
	return w.collector.CollectShadow(ctx)
}
