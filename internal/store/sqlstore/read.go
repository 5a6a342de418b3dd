package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// State implements store.Reader.
func (s *Store) State(ctx context.Context, source string) (store.State, error) {
	st := store.State{Cursors: make(map[string]string), Validators: make(map[string]json.RawMessage)}
	err := s.db.Read(ctx, func(tx Tx) error {
		return each(ctx, tx, func(r Rows) error {
			var cursor int64
			var name string
			var value []byte
			if err := r.Scan(&cursor, &name, &value); err != nil {
				return err
			}
			if cursor == 1 {
				st.Cursors[name] = store.CursorText(value)
			} else {
				st.Validators[name] = append(json.RawMessage(nil), value...)
			}
			return nil
		}, "SELECT s.is_cursor, s.name, s.value FROM state AS s JOIN names AS n ON n.id = s.source WHERE n.name = $1", source)
	})
	return st, err
}

// Runs implements store.Reader.
func (s *Store) Runs(ctx context.Context, source string) iter.Seq2[evidence.Run, error] {
	return func(yield func(evidence.Run, error) bool) {
		stop := false
		err := s.db.Read(ctx, func(tx Tx) error {
			lines := &lineReader{tx: tx, pack: s.pack}
			for after := int64(-1); ; {
				page, err := runPage(ctx, tx, source, after)
				if err != nil {
					return err
				}
				for _, p := range page {
					r, err := readRun(ctx, lines, p)
					if err != nil {
						return err
					}
					if stop = !yield(r, nil); stop {
						return nil
					}
				}
				if len(page) < runsPage {
					return nil
				}
				after = page[len(page)-1].opened
			}
		})
		if err != nil && !stop {
			yield(evidence.Run{}, err)
		}
	}
}

// runRow is a row of the table runs; closed is -1 while the run is open.
type runRow struct{ opened, closed int64 }

const runsPage = 256

func runPage(ctx context.Context, tx Tx, source string, after int64) ([]runRow, error) {
	var page []runRow
	scan := func(r Rows) error {
		var p runRow
		if err := r.Scan(&p.opened, &p.closed); err != nil {
			return err
		}
		page = append(page, p)
		return nil
	}
	if source == "" {
		err := each(ctx, tx, scan,
			"SELECT opened, COALESCE(closed, -1) FROM runs WHERE opened > $1 ORDER BY opened LIMIT $2", after, int64(runsPage))
		return page, err
	}
	err := each(ctx, tx, scan, `SELECT opened, COALESCE(closed, -1) FROM runs
WHERE source = (SELECT id FROM names WHERE name = $1) AND opened > $2 ORDER BY opened LIMIT $3`, source, after, int64(runsPage))
	return page, err
}

// readRun puts a run together from the entries that opened and closed it.
func readRun(ctx context.Context, lines *lineReader, p runRow) (evidence.Run, error) {
	e, err := lines.entry(ctx, p.opened)
	if err != nil {
		return evidence.Run{}, err
	}
	r, err := evidence.ParseRunOpened(e)
	if err != nil {
		return evidence.Run{}, fmt.Errorf("entry %d: %w: %w", p.opened, store.ErrTampered, err)
	}
	if p.closed < 0 {
		return r, nil
	}
	if e, err = lines.entry(ctx, p.closed); err != nil {
		return evidence.Run{}, err
	}
	c, err := evidence.ParseRunClosed(e)
	if err != nil {
		return evidence.Run{}, fmt.Errorf("entry %d: %w: %w", p.closed, store.ErrTampered, err)
	}
	if c.ID != r.ID {
		return evidence.Run{}, fmt.Errorf("entry %d closes run %.80q, not %.80q: %w", p.closed, c.ID, r.ID, store.ErrTampered)
	}
	c.Provenance, c.StartedAt = r.Provenance, r.StartedAt
	return c, nil
}

// Entries implements store.Ledger.
func (s *Store) Entries(ctx context.Context, from, to int64, types ...evidence.EntryType) iter.Seq2[evidence.Entry, error] {
	return func(yield func(evidence.Entry, error) bool) {
		want := make(map[evidence.EntryType]bool, len(types))
		for _, t := range types {
			want[t] = true
		}
		stop := false
		err := s.db.Read(ctx, func(tx Tx) error {
			t, err := readTip(ctx, tx)
			if err != nil {
				return err
			}
			visit := func(e evidence.Entry) (bool, error) {
				if len(want) > 0 && !want[e.Type] {
					return true, nil
				}
				stop = !yield(e, nil)
				return !stop, nil
			}
			from, to := max(from, 0), min(to, t.size)
			if len(want) == 0 || want[evidence.EntryEvidence] {
				return s.scanEntries(ctx, tx, from, to, visit)
			}
			return s.scanRare(ctx, tx, rareRange{from, to, types}, visit)
		})
		if err != nil && !stop {
			yield(evidence.Entry{}, err)
		}
	}
}

// scanEntries visits every entry of a range, block by block.
func (s *Store) scanEntries(ctx context.Context, tx Tx, from, to int64, visit func(evidence.Entry) (bool, error)) error {
	for from < to {
		b, err := readLineBlock(ctx, tx, from)
		if err != nil {
			return err
		}
		lines, err := s.pack.lines(b)
		if err != nil {
			return err
		}
		for ; b.has(from) && from < to; from++ {
			e, err := evidence.ParseLine(from, lines[from-b.first])
			if err != nil {
				return fmt.Errorf("%w: %w", store.ErrTampered, err)
			}
			if more, err := visit(e); err != nil || !more {
				return err
			}
		}
	}
	return nil
}

type rareRange struct {
	from, to int64
	types    []evidence.EntryType
}

// scanRare visits the entries of types other than evidence, by their index.
func (s *Store) scanRare(ctx context.Context, tx Tx, q rareRange, visit func(evidence.Entry) (bool, error)) error {
	lines := &lineReader{tx: tx, pack: s.pack}
	for from := q.from; ; {
		seqs, err := rarePage(ctx, tx, rareRange{from, q.to, q.types})
		if err != nil {
			return err
		}
		for _, seq := range seqs {
			line, err := lines.line(ctx, seq)
			if err != nil {
				return err
			}
			e, err := evidence.ParseLine(seq, line)
			if err != nil {
				return fmt.Errorf("%w: %w", store.ErrTampered, err)
			}
			if more, err := visit(e); err != nil || !more {
				return err
			}
			from = seq + 1
		}
		if len(seqs) < runsPage {
			return nil
		}
	}
}

func rarePage(ctx context.Context, tx Tx, q rareRange) ([]int64, error) {
	args := []any{q.from, q.to, int64(runsPage)}
	for _, t := range q.types {
		args = append(args, string(t))
	}
	var seqs []int64
	err := each(ctx, tx, func(r Rows) error {
		var seq int64
		if err := r.Scan(&seq); err != nil {
			return err
		}
		seqs = append(seqs, seq)
		return nil
	}, "SELECT seq FROM entry_types WHERE seq >= $1 AND seq < $2 AND type IN "+params(4, len(q.types))+" ORDER BY seq LIMIT $3", args...)
	return seqs, err
}
