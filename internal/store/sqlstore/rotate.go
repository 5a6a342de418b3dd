package sqlstore

import (
	"context"
	"fmt"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Rotate implements store.Writer.
func (s *Store) Rotate(ctx context.Context, k store.KeyChange) (store.Receipt, error) {
	var w *writer
	defer func() {
		if w != nil {
			w.release()
		}
	}()
	err := s.db.Write(ctx, func(tx Tx) (err error) {
		if w, err = s.begin(ctx, tx); err != nil {
			return err
		}
		if w.tip.note == nil {
			return fmt.Errorf("%w: the ledger has no entry yet: there is nothing to hand over", store.ErrNoStore)
		}
		if err := store.CheckSigner(w.tip.note, k.Old.Signer()); err != nil {
			return err
		}
		body, err := k.Entry(ledger.Checkpoint{Origin: k.Old.Origin(), Size: w.tip.size, Root: w.frontier.Root()})
		if err != nil {
			return err
		}
		e, err := evidence.KeyEntry(body, w.now)
		if err != nil {
			return err
		}
		w.add(e)
		w.signer = k.New.Signer()
		return w.finish(ctx)
	})
	if err != nil {
		return store.Receipt{}, fmt.Errorf("rotate key: %w", err)
	}
	s.mu.Lock()
	s.signer = k.New.Signer()
	s.mu.Unlock()
	w.committed()
	return w.receipt, nil
}
