package sqlstore

import (
	"context"
	"fmt"

	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/portable"
)

// membersAtOnce is how many rows of evidence are read for their groups at once.
const membersAtOnce = 8192

// Backup hands everything that cannot be made anew to a sink, as it is in one
// snapshot; the store may be written meanwhile. It checks nothing: that is for
// who reads it.
func (s *Store) Backup(ctx context.Context, to portable.Sink) (cp ledger.Checkpoint, err error) {
	err = s.db.Read(ctx, func(tx Tx) error {
		b := &backup{tx: tx, raw: &raw{tx: tx}, to: to}
		t, err := b.head(ctx)
		if err != nil {
			return err
		}
		cp = t.cp
		for _, part := range []func(context.Context) error{b.lines, b.payloads, b.groups, b.members, b.state, b.tally} {
			if err := part(ctx); err != nil {
				return err
			}
		}
		return to.End(portable.End{Note: t.Note, At: t.At})
	})
	if err != nil {
		return cp, fmt.Errorf("backup: %w", err)
	}
	return cp, nil
}

// backup is one run of Backup.
type backup struct {
	tx    Tx
	raw   *raw
	to    portable.Sink
	names map[int64]string
}

type backupTip struct {
	store.RawTip
	cp ledger.Checkpoint
}

func (b *backup) head(ctx context.Context) (t backupTip, err error) {
	if t.RawTip, err = b.raw.Checkpoint(ctx); err != nil {
		return t, err
	}
	if t.Note == nil {
		return t, fmt.Errorf("%w: the ledger has no entry yet", store.ErrNoStore)
	}
	if t.cp, err = ledger.UnverifiedCheckpoint(t.Note); err != nil {
		return t, fmt.Errorf("%w: %w", store.ErrTampered, err)
	}
	if b.names, err = readNames(ctx, b.tx); err != nil {
		return t, err
	}
	return t, b.to.Head(portable.Head{Origin: t.cp.Origin, Size: t.cp.Size})
}

func (b *backup) lines(ctx context.Context) error {
	for l, err := range b.raw.Lines(ctx) {
		if err != nil {
			return err
		}
		text, err := l.Unpack(nil)
		if err != nil {
			return err
		}
		if err := b.to.Lines(l.First, l.N, text); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (b *backup) payloads(ctx context.Context) error {
	for block, err := range b.raw.Payloads(ctx) {
		if err != nil {
			return err
		}
		items, err := block.Unpack(nil, nil)
		if err != nil {
			return err
		}
		for _, p := range items {
			if err := b.to.Payload(portable.Payload{Sum: p.Sum, Size: p.Size, Erased: p.Erased, Body: p.Body}); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

func (b *backup) groups(ctx context.Context) error {
	for after, n := int64(-1), 1; n > 0; {
		var page []portable.Group
		err := each(ctx, b.tx, func(r Rows) error {
			var g portable.Group
			var source int64
			if err := r.Scan(&g.ID, &source, &g.Name); err != nil {
				return err
			}
			g.Source, after = b.names[source], g.ID
			page = append(page, g)
			return nil
		}, "SELECT id, source, name FROM evidence_groups WHERE id > $1 ORDER BY id LIMIT $2", after, int64(membersAtOnce))
		if err != nil {
			return err
		}
		for _, g := range page {
			if err := b.to.Group(g); err != nil {
				return err
			}
		}
		n = len(page)
	}
	return nil
}

func (b *backup) members(ctx context.Context) error {
	for after := int64(-1); ; {
		var page []portable.Member
		err := each(ctx, b.tx, func(r Rows) error {
			var m portable.Member
			err := r.Scan(&m.Seq, &m.Group)
			page, after = append(page, m), m.Seq
			return err
		}, `SELECT e.seq, e.grp FROM evidence AS e JOIN evidence_groups AS g ON g.id = e.grp AND g.source = e.source
WHERE e.seq > $1 ORDER BY e.seq LIMIT $2`, after, int64(membersAtOnce))
		if err != nil || len(page) == 0 {
			return err
		}
		if err := b.to.Members(page); err != nil {
			return err
		}
	}
}

func (b *backup) state(ctx context.Context) error {
	var page []portable.State
	err := each(ctx, b.tx, func(r Rows) error {
		var s portable.State
		var source, cursor int64
		var value []byte
		if err := r.Scan(&source, &cursor, &s.Key, &value); err != nil {
			return err
		}
		s.Source, s.Cursor, s.Value = b.names[source], cursor == 1, append([]byte(nil), value...)
		page = append(page, s)
		return nil
	}, "SELECT source, is_cursor, name, value FROM state ORDER BY source, is_cursor, name")
	for _, s := range page {
		if err == nil {
			err = b.to.State(s)
		}
	}
	return err
}

func (b *backup) tally(ctx context.Context) error {
	var page []portable.Tally
	err := each(ctx, b.tx, func(r Rows) error {
		var t portable.Tally
		err := r.Scan(&t.Run, &t.Kind, &t.New, &t.Revised, &t.Unchanged)
		page = append(page, t)
		return err
	}, "SELECT r.id, t.kind, t.new, t.revised, t.unchanged FROM tally AS t JOIN runs AS r ON r.opened = t.run ORDER BY t.run, t.kind")
	for _, t := range page {
		if err == nil {
			err = b.to.Tally(t)
		}
	}
	return err
}
