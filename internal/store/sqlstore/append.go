package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// prepared is a record ready to be compared and sealed.
type prepared struct {
	ev    evidence.Evidence
	group string
	khash int64
	mark  [store.MarkSize]byte
}

// Append implements store.Writer. All that does not need the ledger's end
// (canonical form, digests) is done on all cores before the transaction.
func (s *Store) Append(ctx context.Context, b store.Batch) (store.Receipt, error) {
	began := time.Now()
	r, err := s.append(ctx, b)
	if f := s.appended.Load(); f != nil && err == nil {
		(*f)(time.Since(began))
	}
	return r, err
}

func (s *Store) append(ctx context.Context, b store.Batch) (store.Receipt, error) {
	if err := b.Check(); err != nil {
		return store.Receipt{}, err
	}
	recs := make([]prepared, len(b.Records))
	err := parallel(len(recs), func(i int) (err error) {
		recs[i].ev, err = store.Prepare(&b.Records[i])
		recs[i].group = b.Records[i].Group
		return err
	})
	if err != nil {
		return store.Receipt{}, err
	}
	var w *writer
	defer func() {
		if w != nil {
			w.release()
		}
	}()
	err = s.db.Write(ctx, func(tx Tx) error {
		if w, err = s.begin(ctx, tx); err != nil {
			return err
		}
		if err := w.apply(ctx, &b, recs); err != nil {
			return err
		}
		return w.finish(ctx)
	})
	if err != nil {
		return store.Receipt{}, fmt.Errorf("append: %w", err)
	}
	w.committed()
	return w.receipt, nil
}

// apply does the parts of a batch in their order.
func (w *writer) apply(ctx context.Context, b *store.Batch, recs []prepared) error {
	if b.Open != nil {
		if err := w.open(ctx, b.Open); err != nil {
			return err
		}
	}
	if id := b.RunID(); id != "" {
		if err := w.enterRun(ctx, id); err != nil {
			return err
		}
	}
	if err := w.records(ctx, recs); err != nil {
		return err
	}
	if err := w.attest(ctx, b.Attest); err != nil {
		return err
	}
	if err := w.state(ctx, b.State); err != nil {
		return err
	}
	if b.Close != nil {
		if err := w.close(ctx, b.Close); err != nil {
			return err
		}
	}
	for _, n := range b.Entries {
		at, err := store.EntryTime(n.At, w.now, w.tip.at)
		if err != nil {
			return err
		}
		e, err := evidence.NewEntry(n.Type, at, n.Body)
		if err != nil {
			return err
		}
		w.add(e)
	}
	return nil
}

// open appends the entry that opens a run.
func (w *writer) open(ctx context.Context, r *evidence.Run) error {
	ok, err := one(ctx, w.tx, []any{new(int64)}, "SELECT opened FROM runs WHERE id = $1", r.ID)
	if err != nil {
		return err
	}
	if ok {
		return fmt.Errorf("run %.80q was opened before; a new run needs a new id", r.ID)
	}
	e, err := evidence.RunOpened(*r, w.now)
	if err != nil {
		return err
	}
	seq := w.add(e)
	source, err := w.ids.name(ctx, r.Provenance.Source)
	if err != nil {
		return err
	}
	if err := w.ids.flush(ctx); err != nil {
		return err
	}
	return w.tx.Exec(ctx, "INSERT INTO runs (opened, id, source) VALUES ($1, $2, $3)", seq, r.ID, source)
}

// enterRun loads the run that the batch belongs to, which must be open.
func (w *writer) enterRun(ctx context.Context, id string) error {
	var opened, source, closed int64
	ok, err := one(ctx, w.tx, []any{&opened, &source, &closed},
		"SELECT opened, source, COALESCE(closed, -1) FROM runs WHERE id = $1", id)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("run %.80q: %w; open it first", id, store.ErrNotFound)
	}
	if closed >= 0 {
		return fmt.Errorf("run %.80q was closed at entry %d; open a new one", id, closed)
	}
	w.s.mu.Lock()
	known, ok := w.s.runs[id]
	w.s.mu.Unlock()
	if ok && known.opened == opened {
		w.run = known
		return nil
	}
	e, err := w.entry(ctx, opened)
	if err != nil {
		return err
	}
	r, err := evidence.ParseRunOpened(e)
	if err != nil {
		return fmt.Errorf("entry %d: %w: %w", opened, store.ErrTampered, err)
	}
	w.run = &openRun{id: id, opened: opened, source: source, name: r.Provenance.Source, imported: r.Provenance.Imported}
	return nil
}
