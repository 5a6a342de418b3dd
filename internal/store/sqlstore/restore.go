package sqlstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/portable"
)

// Restore fills a store that has no entry, in one transaction: what is
// restored is verified as a whole, against the signed checkpoint, before
// anybody can see it; what does not hold leaves nothing. Indexes are made anew.
// A store that has entries is store.ErrNotEmpty.
func (s *Store) Restore(ctx context.Context, o portable.Restoring) (store.Verified, error) {
	if o.Progress == nil {
		o.Progress = func(string, int64) {}
	}
	var out store.Verified
	var r *replay
	err := s.db.Fill(ctx, func(tx Tx) (err error) {
		if err := empty(ctx, tx); err != nil {
			return err
		}
		d := &restorer{ctx: ctx, tx: tx, ids: newIDs(s, tx), progress: o.Progress}
		if err := d.begin(); err != nil {
			return err
		}
		if err := o.From(ctx, d); err != nil {
			return err
		}
		if !d.ended {
			return fmt.Errorf("%w: it has no end", portable.ErrDamaged)
		}
		if r, err = s.newReplay(ctx, tx); err != nil {
			return err
		}
		if err := r.run(ctx, func(done, _ int64) { o.Progress("indexing", done) }); err != nil {
			return err
		}
		if err := d.finish(); err != nil {
			return err
		}
		out, err = store.Verify(ctx, inTx{tx}, store.VerifyOptions{Verifier: o.Verifier, Progress: o.Progress})
		return err
	})
	if err != nil {
		return store.Verified{}, fmt.Errorf("restore: %w", err)
	}
	r.w.ids.commit()
	<-s.tails
	s.tails <- newTail(r.w.tip)
	return out, nil
}

// empty refuses a store that has entries.
func empty(ctx context.Context, tx Tx) error {
	t, err := readTip(ctx, tx)
	if err != nil || t.note == nil {
		return err
	}
	c, err := ledger.UnverifiedCheckpoint(t.note)
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrNotEmpty, err)
	}
	return fmt.Errorf("%w: it holds the ledger %s of %d entries", store.ErrNotEmpty, c.Origin, c.Size)
}

// inTx is a store in a transaction that is not over.
type inTx struct{ tx Tx }

// Snapshot implements store.Verifiable.
func (v inTx) Snapshot(_ context.Context, fn func(store.Raw) error) error {
	return fn(&raw{tx: v.tx})
}

// restorer is a sink that writes rows.
type restorer struct {
	ctx      context.Context //nolint:containedctx // a Sink's methods are one call of Restore
	tx       Tx
	ids      *ids
	progress func(string, int64)

	block   int64 // number of the payload block being filled
	head    []byte
	body    []byte
	groups  []portable.Group
	tallies []portable.Tally
	ended   bool
}

var _ portable.Sink = (*restorer)(nil)

func (d *restorer) begin() error {
	d.block = 1
	return d.tx.Exec(d.ctx, "CREATE TEMPORARY TABLE moved_groups (seq BIGINT PRIMARY KEY, grp BIGINT NOT NULL)")
}

// Head implements portable.Sink. What it says is held against the end.
func (d *restorer) Head(portable.Head) error { return nil }

// Lines implements portable.Sink: lines are packed as they come, a block each.
func (d *restorer) Lines(first, n int64, text []byte) error {
	if len(text) > maxBlock {
		return fmt.Errorf("%w: entries from %d on are %d bytes", portable.ErrDamaged, first, len(text))
	}
	d.progress("entries read", first+n)
	return d.tx.Insert(d.ctx, tableLines, []any{first, n, int64(len(text)), pack(text)})
}

// Payload implements portable.Sink.
func (d *restorer) Payload(p portable.Payload) error {
	if len(d.body)+len(p.Body) > blockSize && len(d.head) > 0 {
		if err := d.flushPayloads(); err != nil {
			return err
		}
	}
	d.head = appendHead(d.head, payloadItem{sum: p.Sum, size: int64(p.Size), erased: p.Erased})
	d.body = append(d.body, p.Body...)
	return nil
}

func (d *restorer) flushPayloads() error {
	if len(d.head) == 0 {
		return nil
	}
	err := d.tx.Insert(d.ctx, tablePayloads, []any{d.block, slices.Clone(d.head), int64(len(d.body)), pack(d.body)})
	d.block++
	d.head, d.body = d.head[:0], d.body[:0]
	return err
}

// Group implements portable.Sink.
func (d *restorer) Group(g portable.Group) error {
	d.groups = append(d.groups, g)
	return nil
}

// Members implements portable.Sink.
func (d *restorer) Members(list []portable.Member) error {
	args := make([]any, 0, 2*len(list))
	for _, m := range list {
		args = append(args, m.Seq, m.Group)
	}
	return d.tx.Insert(d.ctx, Table{"moved_groups", []string{"seq", "grp"}}, args)
}

// State implements portable.Sink.
func (d *restorer) State(s portable.State) error {
	source, err := d.ids.name(d.ctx, s.Source)
	if err != nil {
		return err
	}
	cursor := int64(0)
	if s.Cursor {
		cursor = 1
	}
	return d.tx.Insert(d.ctx, Table{"state", []string{"source", "is_cursor", "name", "value"}}, []any{source, cursor, s.Key, notNil(s.Value)})
}

// Tally implements portable.Sink.
func (d *restorer) Tally(t portable.Tally) error {
	d.tallies = append(d.tallies, t)
	return nil
}

// End implements portable.Sink.
func (d *restorer) End(e portable.End) error {
	if err := d.flushPayloads(); err != nil {
		return err
	}
	if err := d.ids.flush(d.ctx); err != nil {
		return err
	}
	c, err := ledger.UnverifiedCheckpoint(e.Note)
	if err != nil {
		return fmt.Errorf("%w: %w", portable.ErrDamaged, err)
	}
	d.ended = true
	return d.tx.Insert(d.ctx, Table{"checkpoint", []string{"id", "size", "at", "note", "indexed", "indexed_block"}},
		[]any{int64(1), c.Size, e.At, e.Note, int64(0), int64(1)})
}

// finish writes what refers to rows that the replay made.
func (d *restorer) finish() error {
	later := newIDs(d.ids.s, d.tx)
	var rows []any
	for _, g := range d.groups {
		source, err := later.find(d.ctx, g.Source)
		if err != nil {
			return err
		}
		if source == 0 {
			return fmt.Errorf("%w: group %d of source %.80q, which has no run", portable.ErrDamaged, g.ID, g.Source)
		}
		rows = append(rows, g.ID, source, g.Name)
	}
	if err := d.tx.Insert(d.ctx, tableGroups, rows); err != nil {
		return err
	}
	for _, q := range []string{
		"UPDATE evidence SET grp = k.grp FROM moved_groups AS k WHERE k.seq = evidence.seq",
		"DROP TABLE moved_groups",
	} {
		if err := d.tx.Exec(d.ctx, q); err != nil {
			return err
		}
	}
	for _, t := range d.tallies {
		var opened int64
		ok, err := one(d.ctx, d.tx, []any{&opened}, "SELECT opened FROM runs WHERE id = $1 AND closed IS NULL", t.Run)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("%w: counts of run %.80q, which is not open", portable.ErrDamaged, t.Run)
		}
		err = d.tx.Insert(d.ctx, Table{"tally", []string{"run", "kind", "new", "revised", "unchanged"}},
			[]any{opened, t.Kind, t.New, t.Revised, t.Unchanged})
		if err != nil {
			return err
		}
	}
	return nil
}
