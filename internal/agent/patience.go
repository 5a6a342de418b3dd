package agent

import (
	"context"
	"errors"
	"time"

	"github.com/exhibit-aims/exhibit/internal/store"
)

// append appends a batch. While another process writes for longer than the store
// waits, it asks again, for as long as the collector is patient: a batch that
// was refused so left nothing behind.
func (c *Collector) append(ctx context.Context, b store.Batch) (store.Receipt, error) {
	for end := time.Now().Add(c.Patience); ; {
		receipt, err := c.Store.Append(ctx, b)
		if err == nil || !errors.Is(err, store.ErrLocked) || time.Now().After(end) {
			return receipt, err
		}
		c.Logger.Warn("another process writes the store; waiting for it", "error", err)
		select {
		case <-ctx.Done():
			return receipt, errors.Join(ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
