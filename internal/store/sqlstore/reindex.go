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
	<-s.tails
	s.tails <- newTail(r.w.tip)
	return nil
}

// replay rebuilds what follows from the lines.
type replay struct {
	w     *writer // gathers rows; appends no entry
	total int64
	tip   tip
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
	r := &replay{total: t.size, tip: t, runs: make(map[string]*openRun), root: empty.Root()}
	r.w = &writer{s: s, tx: tx, frontier: empty, reader: &lineReader{tx: tx}, ids: newIDs(s, tx), first: t.size, tail: newTail(tip{})}
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
		"DELETE FROM evidence", "DELETE FROM runs", "DELETE FROM entry_types", "DELETE FROM tiles",
		"DELETE FROM payload_index", "DELETE FROM key_index", "DELETE FROM subject_index",
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
		lines, err := b.lines()
		if err != nil {
			return err
		}
		for ; b.has(seq) && seq < r.total; seq++ {
			if err := r.entry(ctx, seq, lines[seq-b.first]); err != nil {
				return fmt.Errorf("entry %d: %w", seq, err)
			}
		}
		if err := upsertTiles(ctx, r.w.tx, r.w.frontier.Full()); err != nil {
			return err
		}
		progress(seq, r.total)
	}
	return r.finish(ctx)
}

// finish writes what is left, and checks the root before anything counts.
func (r *replay) finish(ctx context.Context) error {
	if err := r.rows(ctx); err != nil {
		return err
	}
	if err := r.indexes(ctx); err != nil {
		return err
	}
	if got := r.w.frontier.Root(); got != r.root {
		return fmt.Errorf("%d entries give root %s, the checkpoint says %s: %w; restore a backup",
			r.total, got, r.root, store.ErrTampered)
	}
	if err := upsertTiles(ctx, r.w.tx, r.w.frontier.Drain()); err != nil {
		return err
	}
	for _, q := range afterReplay {
		if err := r.w.tx.Exec(ctx, q); err != nil {
			return err
		}
	}
	if err := FillSearch(ctx, r.w.tx); err != nil {
		return err
	}
	r.tip.indexed, r.w.tip = r.total, r.tip
	return r.w.tx.Exec(ctx, "UPDATE checkpoint SET indexed = $1, indexed_block = $2", r.tip.indexed, r.tip.indexedBlock)
}

// indexes sorts the rows written since the last call into the indexes.
func (r *replay) indexes(ctx context.Context) error {
	keys := r.w.tail.keys
	r.w.tail = newTail(tip{})
	return insertIndexes(ctx, r.w.tx, keys, nil)
}

// payloadIndex rebuilds the index of payloads from the heads of their blocks.
func (r *replay) payloadIndex(ctx context.Context) error {
	places, next, err := readTailPlaces(ctx, r.w.tx, 1)
	if err != nil {
		return err
	}
	r.tip.indexedBlock = next
	return insertIndexes(ctx, r.w.tx, nil, places)
}

// entry replays one line.
func (r *replay) entry(ctx context.Context, seq int64, line []byte) error {
	e, err := evidence.ParseLine(seq, line)
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrTampered, err)
	}
	r.w.frontier.Append(ledger.LeafHash(line))
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
		recs[i] = prepared{ev: *ev, khash: r.w.s.keyHash(name, ev.Kind, ev.Key), mark: store.Mark(name, ev.Kind, ev.Key, store.ContentOf(ev))}
		sums[i] = ev.PayloadSum
	}
	known, err := r.w.heads(ctx, recs)
	if err != nil {
		return err
	}
	blocks, err := findPayloads(ctx, r.w.tx, sums, func(int64) []int64 { return nil })
	if err != nil {
		return err
	}
	for i := range recs {
		block, ok := blocks[recs[i].ev.PayloadSum]
		if !ok {
			return fmt.Errorf("entry %d: payload %s is not stored: %w", recs[i].ev.Seq, recs[i].ev.PayloadSum, store.ErrTampered)
		}
		if err := r.row(ctx, &recs[i], row{run: r.runOf[i].opened, source: r.runOf[i].source, pblock: block}, known); err != nil {
			return fmt.Errorf("entry %d: %w", recs[i].ev.Seq, err)
		}
	}
	r.sealed, r.runOf = r.sealed[:0], r.runOf[:0]
	return r.flush(ctx)
}

// flush writes rows, and indexes them once there are enough.
func (r *replay) flush(ctx context.Context) error {
	if err := r.w.flush(ctx); err != nil {
		return err
	}
	r.w.tail.extend(r.w.added, nil, 0, 0)
	r.w.added = nil
	if len(r.w.tail.keys) < r.w.s.tailMax {
		return nil
	}
	return r.indexes(ctx)
}

// row adds the row of one piece of evidence, as Append did.
func (r *replay) row(ctx context.Context, rec *prepared, x row, known heads) error {
	ev := &rec.ev
	kind, err := r.w.ids.name(ctx, ev.Kind)
	if err != nil {
		return err
	}
	now := head{seq: ev.Seq, kind: kind, source: x.source, mark: rec.mark}
	r.w.tip.size = ev.Seq
	if ev.Revision > 1 {
		h, err := r.headOf(ctx, rec.khash, ev.Key, now, known)
		if err != nil {
			return err
		}
		r.w.supersede(h.seq)
	}
	known[rec.khash] = now
	x.seq, x.khash, x.shash, x.kind, x.mark = ev.Seq, rec.khash, store.SubjectHash(ev.Subject), kind, rec.mark
	r.w.rows = append(r.w.rows, x)
	return nil
}

// headOf finds the head of a key, which there must be.
func (r *replay) headOf(ctx context.Context, khash int64, key string, want head, known heads) (*head, error) {
	want.mark = [store.MarkSize]byte{} // equal to none: the line decides
	h, _, err := r.w.headOf(ctx, khash, key, want, known)
	if err == nil && h == nil {
		err = fmt.Errorf("key %.80q has a later revision, or is gone, and was never there: %w", key, store.ErrTampered)
	}
	return h, err
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
		recs[i].khash = r.w.s.keyHash(run.name, g.Kind, key)
	}
	known, err := r.w.heads(ctx, recs)
	if err != nil {
		return err
	}
	for i, key := range g.Keys {
		h, err := r.headOf(ctx, recs[i].khash, key, head{kind: kind, source: run.source}, known)
		if err != nil {
			return err
		}
		r.w.gone = append(r.w.gone, pair{h.seq, e.Seq})
		r.w.goneAt = append(r.w.goneAt, pair{h.seq, g.At.UnixMicro()})
	}
	return r.flush(ctx)
}
