package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"slices"

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

// Runs implements store.Reader. Nothing is held open between pages.
func (s *Store) Runs(ctx context.Context, source string) iter.Seq2[evidence.Run, error] {
	return func(yield func(evidence.Run, error) bool) {
		for after := int64(-1); ; {
			var runs []evidence.Run
			err := s.db.Read(ctx, func(tx Tx) error {
				page, err := runPage(ctx, tx, source, after)
				if err != nil {
					return err
				}
				lines := &lineReader{tx: tx}
				for _, p := range page {
					r, err := readRun(ctx, lines, p)
					if err != nil {
						return err
					}
					runs, after = append(runs, r), p.opened
				}
				return nil
			})
			for _, r := range runs {
				if !yield(r, nil) {
					return
				}
			}
			if err != nil {
				yield(evidence.Run{}, err)
			}
			if err != nil || len(runs) < runsPage {
				return
			}
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

// RunPage implements store.Searcher.
func (s *Store) RunPage(ctx context.Context, q store.RunQuery) (store.RunPage, error) {
	if err := q.Check(); err != nil {
		return store.RunPage{}, err
	}
	var p store.RunPage
	err := s.db.Read(ctx, func(tx Tx) error {
		before := int64(math.MaxInt64)
		if q.Before != "" {
			ok, err := one(ctx, tx, []any{&before}, "SELECT opened FROM runs WHERE id = $1", q.Before)
			if err != nil {
				return err
			}
			if !ok {
				return fmt.Errorf("run %.80q: %w", q.Before, store.ErrNotFound)
			}
		}
		rows, err := runsBefore(ctx, tx, q, before)
		if err != nil {
			return err
		}
		p.More = len(rows) > q.Limit
		lines := &lineReader{tx: tx}
		for _, row := range rows[:min(q.Limit, len(rows))] {
			r, err := readRun(ctx, lines, row)
			if err != nil {
				return err
			}
			p.Runs = append(p.Runs, r)
		}
		return nil
	})
	return p, err
}

// runsBefore gives one row more than a page holds, the newest first.
func runsBefore(ctx context.Context, tx Tx, q store.RunQuery, before int64) ([]runRow, error) {
	where, args := "opened < $1", []any{before, int64(q.Limit) + 1}
	if q.Source != "" {
		where += " AND source = (SELECT id FROM names WHERE name = $3)"
		args = append(args, q.Source)
	}
	var rows []runRow
	err := each(ctx, tx, func(r Rows) error {
		var row runRow
		err := r.Scan(&row.opened, &row.closed)
		rows = append(rows, row)
		return err
	}, "SELECT opened, COALESCE(closed, -1) FROM runs WHERE "+where+" ORDER BY opened DESC LIMIT $2", args...)
	return rows, err
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

// Entries implements store.Ledger. Lines never change, so nothing is held open
// between blocks.
func (s *Store) Entries(ctx context.Context, from, to int64, types ...evidence.EntryType) iter.Seq2[evidence.Entry, error] {
	return func(yield func(evidence.Entry, error) bool) {
		var t tip
		err := s.db.Read(ctx, func(tx Tx) (err error) {
			t, err = readTip(ctx, tx)
			return err
		})
		from, to := max(from, 0), min(to, t.size)
		more := err == nil
		for more && from < to {
			var lines []numbered
			if len(types) > 0 && !slices.Contains(types, evidence.EntryEvidence) {
				lines, from, err = s.rareLines(ctx, rareRange{from, to, types})
			} else {
				lines, from, err = s.blockLines(ctx, from, to)
			}
			for _, l := range lines {
				e, perr := evidence.ParseLine(l.seq, l.line)
				if perr != nil {
					yield(evidence.Entry{}, fmt.Errorf("%w: %w", store.ErrTampered, perr))
					return
				}
				if len(types) > 0 && !slices.Contains(types, e.Type) {
					continue
				}
				if !yield(e, nil) {
					return
				}
			}
			more = err == nil
		}
		if err != nil {
			yield(evidence.Entry{}, err)
		}
	}
}

// numbered is a line and its position.
type numbered struct {
	seq  int64
	line []byte
}

// blockLines gives the lines from one position to the end of their block, and
// where the next block begins.
func (s *Store) blockLines(ctx context.Context, from, to int64) ([]numbered, int64, error) {
	var b *lineBlock
	err := s.db.Read(ctx, func(tx Tx) (err error) {
		b, err = readLineBlock(ctx, tx, from)
		return err
	})
	if err != nil {
		return nil, from, err
	}
	lines, err := b.lines()
	if err != nil {
		return nil, from, err
	}
	var out []numbered
	for ; b.has(from) && from < to; from++ {
		out = append(out, numbered{from, lines[from-b.first]})
	}
	return out, from, nil
}

type rareRange struct {
	from, to int64
	types    []evidence.EntryType
}

// rareLines gives the next lines of types other than evidence, by their index,
// and where to go on.
func (s *Store) rareLines(ctx context.Context, q rareRange) ([]numbered, int64, error) {
	var out []numbered
	next := q.to
	err := s.db.Read(ctx, func(tx Tx) error {
		seqs, err := rarePage(ctx, tx, q)
		if err != nil {
			return err
		}
		if len(seqs) == runsPage {
			next = seqs[len(seqs)-1] + 1
		}
		lines := &lineReader{tx: tx}
		for _, seq := range seqs {
			line, err := lines.line(ctx, seq)
			if err != nil {
				return err
			}
			out = append(out, numbered{seq, line})
		}
		return nil
	})
	return out, next, err
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
