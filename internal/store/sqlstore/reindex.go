package sqlstore

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Reindex implements store.Writer. It drops tiles and indexes and replays the
// ledger, in one transaction. If the lines do not give the root of the
// checkpoint, nothing is changed: an index is not made from altered lines.
// Groups, which the ledger does not hold, are carried over, as are cursors,
// validators and the counts of open runs.
func (s *Store) Reindex(ctx context.Context, progress func(done, total int64)) error {
	if progress == nil {
		progress = func(int64, int64) {}
	}
	var r *replay
	err := s.db.Write(ctx, func(tx Tx) (err error) {
		if r, err = s.newReplay(ctx, tx); err != nil {
			return err
		}
		return r.run(ctx, progress)
	})
	if err != nil {
		return fmt.Errorf("reindex: %w", err)
	}
	r.w.ids.commit()
	return nil
}

// replay rebuilds what follows from the lines.
type replay struct {
	w     *writer // gathers rows; appends no entry
	total int64
	root  tlog.Hash
	runs  map[string]*openRun
	p     evidence.Parser

	sealed []evidence.Evidence // of the current part, not yet turned into rows
	runOf  []*openRun          // of each
}

// replayPart is how many evidence entries are turned into rows together.
const replayPart = 2048

func (s *Store) newReplay(ctx context.Context, tx Tx) (*replay, error) {
	t, err := readTip(ctx, tx)
	if err != nil {
		return nil, err
	}
	empty, err := ledger.NewFrontier(0, nil)
	if err != nil {
		return nil, err
	}
	r := &replay{total: t.size, runs: make(map[string]*openRun), root: empty.Root()}
	r.w = &writer{s: s, tx: tx, frontier: empty, reader: &lineReader{tx: tx, pack: s.pack}, ids: newIDs(s, tx), first: t.size}
	if t.note != nil {
		c, err := ledger.UnverifiedCheckpoint(t.note)
		if err != nil || c.Size != t.size {
			return nil, fmt.Errorf("checkpoint of %d entries does not fit its note: %w", t.size, store.ErrTampered)
		}
		r.root = c.Root
	}
	return r, nil
}

// Statements that empty what is derived, and keep groups aside meanwhile.
var (
	beforeReplay = []string{
		"CREATE TEMPORARY TABLE kept_groups (seq BIGINT PRIMARY KEY, grp BIGINT NOT NULL)",
		`INSERT INTO kept_groups (seq, grp) SELECT e.seq, e.grp FROM evidence AS e
JOIN evidence_groups AS g ON g.id = e.grp AND g.source = e.source`,
		"DELETE FROM evidence", "DELETE FROM runs", "DELETE FROM entry_types", "DELETE FROM payload_index", "DELETE FROM tiles",
	}
	afterReplay = []string{
		"UPDATE evidence SET grp = k.grp FROM kept_groups AS k WHERE k.seq = evidence.seq",
		"DROP TABLE kept_groups",
	}
)

func (r *replay) run(ctx context.Context, progress func(done, total int64)) error {
	for _, q := range beforeReplay {
		if err := r.w.tx.Exec(ctx, q); err != nil {
			return err
		}
	}
	if err := r.payloadIndex(ctx); err != nil {
		return err
	}
	for seq := int64(0); seq < r.total; {
		b, err := readLineBlock(ctx, r.w.tx, seq)
		if err != nil {
			return err
		}
		lines, err := r.w.s.pack.lines(b)
		if err != nil {
			return err
		}
		for ; b.has(seq) && seq < r.total; seq++ {
			if err := r.entry(ctx, seq, lines[seq-b.first]); err != nil {
				return fmt.Errorf("entry %d: %w", seq, err)
			}
		}
		if err := r.tiles(ctx, r.w.frontier.Full()); err != nil {
			return err
		}
		progress(seq, r.total)
	}
	if err := r.rows(ctx); err != nil {
		return err
	}
	if got := r.w.frontier.Root(); got != r.root {
		return fmt.Errorf("%d entries give root %s, the checkpoint says %s: %w; restore a backup",
			r.total, got, r.root, store.ErrTampered)
	}
	if err := r.tiles(ctx, r.w.frontier.Drain()); err != nil {
		return err
	}
	for _, q := range afterReplay {
		if err := r.w.tx.Exec(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

func (r *replay) tiles(ctx context.Context, tiles []ledger.Tile) error {
	for _, t := range tiles {
		err := r.w.tx.Exec(ctx, "INSERT INTO tiles (level, n, hashes) VALUES ($1, $2, $3)", int64(t.Level), t.N, t.Data)
		if err != nil {
			return err
		}
	}
	return nil
}

// payloadIndex rebuilds the index of payloads from the heads of their blocks.
func (r *replay) payloadIndex(ctx context.Context) error {
	for after := int64(-1); ; {
		var args []any
		n := 0
		err := each(ctx, r.w.tx, func(rows Rows) error {
			var b payloadBlock
			if err := rows.Scan(&b.block, &b.head); err != nil {
				return err
			}
			items, err := b.items()
			if err != nil {
				return err
			}
			for _, it := range items {
				args = append(args, store.PayloadPrefix(it.sum), b.block)
			}
			after = b.block
			n++
			return nil
		}, "SELECT block, head FROM payload_blocks WHERE block > $1 ORDER BY block LIMIT $2", after, int64(runsPage))
		if err != nil {
			return err
		}
		if err := r.w.tx.Insert(ctx, tablePayloadIdx, args); err != nil {
			return err
		}
		if n < runsPage {
			return nil
		}
	}
}

// entry replays one line.
func (r *replay) entry(ctx context.Context, seq int64, line []byte) error {
	e, err := evidence.ParseLine(seq, line)
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrTampered, err)
	}
	r.w.frontier.Append(tlog.RecordHash(line))
	if e.Type == evidence.EntryEvidence {
		return r.evidence(ctx, e)
	}
	if err := r.w.tx.Insert(ctx, tableTypes, []any{seq, string(e.Type)}); err != nil {
		return err
	}
	switch e.Type {
	case evidence.EntryRunOpened:
		return r.opened(ctx, e)
	case evidence.EntryGone:
		return r.gone(ctx, e)
	case evidence.EntryRunClosed:
		c, err := evidence.ParseRunClosed(e)
		if err != nil {
			return err
		}
		run := r.runs[c.ID]
		if run == nil {
			return fmt.Errorf("run %.80q is closed and was not open: %w", c.ID, store.ErrTampered)
		}
		delete(r.runs, c.ID)
		return r.w.tx.Exec(ctx, "UPDATE runs SET closed = $1 WHERE opened = $2", seq, run.opened)
	}
	return nil
}

func (r *replay) opened(ctx context.Context, e evidence.Entry) error {
	run, err := evidence.ParseRunOpened(e)
	if err != nil {
		return err
	}
	source, err := r.w.ids.name(ctx, run.Provenance.Source)
	if err != nil {
		return err
	}
	if err := r.w.ids.flush(ctx); err != nil {
		return err
	}
	r.runs[run.ID] = &openRun{id: run.ID, opened: e.Seq, source: source, name: run.Provenance.Source}
	return r.w.tx.Exec(ctx, "INSERT INTO runs (opened, id, source) VALUES ($1, $2, $3)", e.Seq, run.ID, source)
}

func (r *replay) evidence(ctx context.Context, e evidence.Entry) error {
	ev, err := r.p.Evidence(e)
	if err != nil {
		return err
	}
	run := r.runs[ev.Run]
	if run == nil {
		return fmt.Errorf("run %.80q is not open: %w", ev.Run, store.ErrTampered)
	}
	r.sealed, r.runOf = append(r.sealed, ev), append(r.runOf, run)
	if len(r.sealed) < replayPart {
		return nil
	}
	return r.rows(ctx)
}

// rows turns the gathered evidence into rows and writes them.
func (r *replay) rows(ctx context.Context) error {
	if len(r.sealed) == 0 {
		return nil
	}
	recs := make([]prepared, len(r.sealed))
	sums := make([]evidence.Digest, len(r.sealed))
	for i := range r.sealed {
		ev, name := &r.sealed[i], r.runOf[i].name
		recs[i] = prepared{ev: *ev, khash: store.KeyHash(name, ev.Kind, ev.Key), mark: store.Mark(name, ev.Kind, ev.Key, store.ContentOf(ev))}
		sums[i] = ev.PayloadSum
	}
	heads, err := r.w.heads(ctx, recs)
	if err != nil {
		return err
	}
	blocks, err := findPayloads(ctx, r.w.tx, sums)
	if err != nil {
		return err
	}
	rows := make(map[int64]int, len(recs))
	for i := range recs {
		if err := r.row(ctx, &recs[i], r.runOf[i], heads, rows); err != nil {
			return fmt.Errorf("entry %d: %w", recs[i].ev.Seq, err)
		}
		block, ok := blocks[recs[i].ev.PayloadSum]
		if !ok {
			return fmt.Errorf("entry %d: payload %s is not stored: %w", recs[i].ev.Seq, recs[i].ev.PayloadSum, store.ErrTampered)
		}
		r.w.rows[rows[recs[i].ev.Seq]].pblock = block
	}
	r.sealed, r.runOf = r.sealed[:0], r.runOf[:0]
	return r.w.flush(ctx)
}

func (r *replay) row(ctx context.Context, rec *prepared, run *openRun, heads map[int64][]head, rows map[int64]int) error {
	ev := &rec.ev
	kind, err := r.w.ids.name(ctx, ev.Kind)
	if err != nil {
		return err
	}
	r.w.run, r.w.tip.size = run, ev.Seq
	now := head{seq: ev.Seq, kind: kind, source: run.source}
	candidates := heads[rec.khash]
	if ev.Revision == 1 {
		heads[rec.khash] = append(candidates, now)
	} else {
		at, err := r.headOf(ctx, ev.Key, now, candidates)
		if err != nil {
			return err
		}
		r.w.supersede(candidates[at].seq, rows)
		candidates[at] = now
	}
	rows[ev.Seq] = len(r.w.rows)
	r.w.rows = append(r.w.rows, row{
		seq: ev.Seq, khash: rec.khash, shash: store.SubjectHash(ev.Subject),
		kind: kind, source: run.source, run: run.opened, mark: rec.mark,
	})
	return nil
}

// headOf finds the head that a key has among rows with the same hash.
func (r *replay) headOf(ctx context.Context, key string, want head, candidates []head) (int, error) {
	for i, h := range candidates {
		if h.kind != want.kind || h.source != want.source {
			continue
		}
		e, err := r.w.reader.entry(ctx, h.seq)
		if err != nil {
			return 0, err
		}
		ev, err := r.p.Evidence(e)
		if err != nil {
			return 0, err
		}
		if ev.Key == key {
			return i, nil
		}
	}
	return 0, fmt.Errorf("key %.80q has a later revision and no earlier one: %w", key, store.ErrTampered)
}

// gone replays a gone entry.
func (r *replay) gone(ctx context.Context, e evidence.Entry) error {
	if err := r.rows(ctx); err != nil {
		return err
	}
	g, err := evidence.ParseGone(e)
	if err != nil {
		return err
	}
	run := r.runs[g.Run]
	if run == nil {
		return fmt.Errorf("run %.80q is not open: %w", g.Run, store.ErrTampered)
	}
	kind, err := r.w.ids.find(ctx, g.Kind)
	if err != nil {
		return err
	}
	recs := make([]prepared, len(g.Keys))
	for i, key := range g.Keys {
		recs[i].khash = store.KeyHash(run.name, g.Kind, key)
	}
	heads, err := r.w.heads(ctx, recs)
	if err != nil {
		return err
	}
	for i, key := range g.Keys {
		candidates := heads[recs[i].khash]
		at, err := r.headOf(ctx, key, head{kind: kind, source: run.source}, candidates)
		if err != nil {
			return err
		}
		seq := candidates[at].seq
		r.w.gone = append(r.w.gone, pair{seq, e.Seq})
		r.w.goneAt = append(r.w.goneAt, pair{seq, g.At.UnixMicro()})
	}
	return r.w.flush(ctx)
}
