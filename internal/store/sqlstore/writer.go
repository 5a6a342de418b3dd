package sqlstore

import (
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// writer gathers what one transaction changes.
type writer struct {
	s        *Store
	signer   note.Signer // of the checkpoint
	tx       Tx
	now      time.Time // fixed for the transaction
	tip      tip       // size and time move on as entries are added
	first    int64     // position of the first entry of this transaction
	frontier *ledger.Frontier
	reader   *lineReader
	tail     *tail
	parser   evidence.Parser
	ids      *ids
	run      *openRun

	lines   [][]byte
	types   []any     // rows for entry_types
	rows    []row     // evidence rows not yet written
	added   []tailKey // of rows that were
	next    []pair
	groups  []pair
	gone    []pair
	goneAt  []pair
	blobs   []payloadItem
	bodies  [][]byte
	block   int64 // number of the payload block being filled
	blockN  int64 // its bytes
	tally   map[string]*tally
	merged  bool // the tail went into the indexes
	placed  []store.PayloadPlace
	sealed  []sealedItem // evidence of this transaction, for its zones
	counts  map[store.Pair]store.CountRow
	receipt store.Receipt
}

// openRun is the run that the batch belongs to.
type openRun struct {
	id             string
	opened, source int64
	name           string // of the source
	imported       bool
}

// tally is what a run did to one kind so far.
type tally struct{ new, revised, unchanged int64 }

// row is one row of the table evidence.
type row struct {
	seq, khash, shash int64
	kind, source, run int64
	pblock            int64
	mark              [store.MarkSize]byte
	grp               int64 // 0: none
}

func (s *Store) begin(ctx context.Context, tx Tx) (*writer, error) {
	t, f, err := s.openTip(ctx, tx)
	if err != nil {
		return nil, err
	}
	now := evidence.Stamp(s.now())
	if now.Before(t.at) {
		now = t.at
	}
	w := &writer{
		s: s, signer: s.signs(), tx: tx, now: now, tip: t, first: t.size, frontier: f,
		reader: &lineReader{tx: tx},
		tally:  make(map[string]*tally),
		counts: make(map[store.Pair]store.CountRow),
	}
	w.ids = newIDs(s, tx)
	if err := w.loadTail(ctx); err != nil {
		w.release()
		return nil, err
	}
	w.receipt = store.Receipt{
		First: t.size, Next: t.size, Checkpoint: t.note,
		New: map[string]int64{}, Revised: map[string]int64{}, Unchanged: map[string]int64{}, Gone: map[string]int64{},
	}
	return w, nil
}

// add puts an entry at the end of the ledger and returns its position.
func (w *writer) add(e evidence.Entry) int64 {
	seq := w.tip.size
	w.tip.size++
	w.tip.at = e.At
	w.lines = append(w.lines, e.Line)
	if e.Type != evidence.EntryEvidence {
		w.types = append(w.types, seq, string(e.Type))
	}
	return seq
}

// entry reads an entry, of this transaction or before.
func (w *writer) entry(ctx context.Context, seq int64) (evidence.Entry, error) {
	if seq >= w.first {
		return evidence.SplitLine(seq, w.lines[seq-w.first])
	}
	return w.reader.entry(ctx, seq)
}

// flush writes evidence rows and their changes, so that queries see them.
func (w *writer) flush(ctx context.Context) error {
	if err := w.ids.flush(ctx); err != nil {
		return err
	}
	if len(w.rows) > 0 {
		args := make([]any, 0, len(w.rows)*len(tableEvidence.Columns))
		hashes := make([]byte, 0, len(w.rows)*hashesSize)
		for i := range w.rows {
			r := &w.rows[i]
			from := len(hashes)
			hashes = appendHashes(hashes, r)
			args = append(args, r.seq, r.kind, r.source, r.run, r.pblock, hashes[from:], null(r.grp))
			w.added = append(w.added, tailKey{khash: r.khash, shash: r.shash, seq: r.seq})
		}
		if err := w.tx.Insert(ctx, tableEvidence, args); err != nil {
			return err
		}
		w.rows = w.rows[:0]
	}
	for _, u := range []struct {
		column string
		pairs  *[]pair
	}{{"next", &w.next}, {"grp", &w.groups}, {"gone", &w.gone}, {"gone_at", &w.goneAt}} {
		if err := updatePairs(ctx, w.tx, u.column, *u.pairs); err != nil {
			return err
		}
		*u.pairs = (*u.pairs)[:0]
	}
	return nil
}

// finish writes everything that is left and the new checkpoint.
func (w *writer) finish(ctx context.Context) error {
	packed := w.packAhead()
	if err := w.flush(ctx); err != nil {
		return err
	}
	if err := w.saveTally(ctx); err != nil {
		return err
	}
	if err := packed.wait(); err != nil || len(w.lines) == 0 {
		return err
	}
	for _, part := range []struct {
		table Table
		args  []any
	}{{tablePayloads, packed.payloads}, {tableLines, packed.lines}, {tableZones, packed.zones}, {tableTypes, w.types}} {
		if err := w.tx.Insert(ctx, part.table, part.args); err != nil {
			return err
		}
	}
	if err := w.saveCounts(ctx); err != nil {
		return err
	}
	if err := w.growTree(ctx, packed.leaves); err != nil {
		return err
	}
	if err := w.mergeTail(ctx); err != nil {
		return err
	}
	msg, err := ledger.Checkpoint{Size: w.tip.size, Root: w.frontier.Root()}.Sign(w.signer)
	if err != nil {
		return err
	}
	w.receipt.Next, w.receipt.Checkpoint = w.tip.size, msg
	return w.tx.Exec(ctx, `INSERT INTO checkpoint (id, size, at, note, indexed, indexed_block) VALUES (1, $1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE SET size = excluded.size, at = excluded.at, note = excluded.note,
indexed = excluded.indexed, indexed_block = excluded.indexed_block`,
		w.tip.size, w.tip.at.UnixMicro(), msg, w.tip.indexed, w.tip.indexedBlock)
}

// committed tells the store what a durable transaction has shown, and gives
// the tail back.
func (w *writer) committed() {
	defer w.release()
	w.ids.commit()
	if w.run != nil {
		w.s.mu.Lock()
		if len(w.s.runs) >= maxRuns {
			clear(w.s.runs)
		}
		w.s.runs[w.run.id] = w.run
		w.s.mu.Unlock()
	}
	if w.merged {
		w.tail = newTail(w.tip)
		return
	}
	w.tail.extend(w.added, w.placed, w.tip.size, w.block+1)
}

// growTree hashes the new lines into the tree and writes the tiles.
func (w *writer) growTree(ctx context.Context, leaves []tlog.Hash) error {
	for _, h := range leaves {
		w.frontier.Append(h)
	}
	return upsertTiles(ctx, w.tx, w.frontier.Drain())
}

// tilesAtOnce is how many tiles one statement writes at most.
const tilesAtOnce = 8

// upsertTiles writes tiles, over partial ones where there are such.
func upsertTiles(ctx context.Context, tx Tx, tiles []ledger.Tile) error {
	for part := range slices.Chunk(tiles, tilesAtOnce) {
		var rows []string
		var args []any
		for _, t := range part {
			rows = append(rows, params(len(args)+1, 3))
			args = append(args, int64(t.Level), t.N, t.Data)
		}
		err := tx.Exec(ctx, "INSERT INTO tiles (level, n, hashes) VALUES "+strings.Join(rows, ",")+
			" ON CONFLICT (level, n) DO UPDATE SET hashes = excluded.hashes", args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// saveTally keeps what an open run did so far.
func (w *writer) saveTally(ctx context.Context) error {
	if w.run == nil {
		return nil
	}
	for _, kind := range sortedKeys(w.tally) {
		t := w.tally[kind]
		err := w.tx.Exec(ctx, `INSERT INTO tally (run, kind, new, revised, unchanged) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (run, kind) DO UPDATE SET new = tally.new + excluded.new, revised = tally.revised + excluded.revised,
unchanged = tally.unchanged + excluded.unchanged`, w.run.opened, kind, t.new, t.revised, t.unchanged)
		if err != nil {
			return err
		}
	}
	w.tally = map[string]*tally{}
	return nil
}

// count notes what happened to keys of a kind, for the receipt and the run.
func (w *writer) count(kind string, t tally) {
	sum := w.tally[kind]
	if sum == nil {
		sum = &tally{}
		w.tally[kind] = sum
	}
	sum.new += t.new
	sum.revised += t.revised
	sum.unchanged += t.unchanged
	addTo(w.receipt.New, kind, t.new)
	addTo(w.receipt.Revised, kind, t.revised)
	addTo(w.receipt.Unchanged, kind, t.unchanged)
}

func addTo(m map[string]int64, kind string, n int64) {
	if n != 0 {
		m[kind] += n
	}
}
