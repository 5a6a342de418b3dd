package sqlstore

import (
	"context"
	"fmt"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// head is the newest revision of a key, or, where keys share a hash, of one
// of them.
type head struct {
	seq          int64
	mark         [store.MarkSize]byte
	grp          int64
	kind, source int64
	gone         bool
}

// heads is what a batch knows of the rows with the key hashes it deals with.
type heads map[int64]head

// records compares each record with the head of its key and seals what is new
// or changed.
func (w *writer) records(ctx context.Context, recs []prepared) error {
	if len(recs) == 0 {
		return nil
	}
	err := parallel(len(recs), func(i int) error {
		r := &recs[i]
		r.khash = w.s.keyHash(w.run.name, r.ev.Kind, r.ev.Key)
		r.mark = store.Mark(w.run.name, r.ev.Kind, r.ev.Key, store.ContentOf(&r.ev))
		return nil
	})
	if err != nil {
		return err
	}
	known, err := w.heads(ctx, recs)
	if err != nil {
		return err
	}
	var changed []int
	if err := w.findRecordGroups(ctx, recs); err != nil {
		return err
	}
	rows := make(map[int64]int) // row number by position, for heads of this batch
	for i := range recs {
		sealed, err := w.record(ctx, &recs[i], known, rows)
		if err != nil {
			return fmt.Errorf("record %.80q of kind %s: %w", recs[i].ev.Key, recs[i].ev.Kind, err)
		}
		if sealed {
			changed = append(changed, i)
		}
	}
	return w.storePayloads(ctx, recs, changed, rows)
}

// heads looks up, for each key hash, the newest row that has it.
func (w *writer) heads(ctx context.Context, recs []prepared) (heads, error) {
	newest := make(map[int64]int64, len(recs)) // by hash
	values := make([]any, 0, len(recs))
	for i := range recs {
		h := recs[i].khash
		if _, ok := newest[h]; ok {
			continue
		}
		newest[h] = w.tail.newest(h)
		if newest[h] < 0 {
			values = append(values, h)
		}
	}
	err := w.tx.In(ctx, values, func(r Rows) error {
		var khash, seq int64
		if err := r.Scan(&khash, &seq); err != nil {
			return err
		}
		newest[khash] = seq
		return nil
	}, "SELECT khash, MAX(seq) FROM key_index WHERE khash IN @IN GROUP BY khash")
	if err != nil {
		return nil, err
	}
	values = values[:0]
	byHash := make(map[int64]int64, len(recs)) // hash by position
	for khash, seq := range newest {
		if seq >= 0 {
			byHash[seq] = khash
			values = append(values, seq)
		}
	}
	known := make(heads, len(values))
	return known, w.readHeads(ctx, values, func(h head) { known[byHash[h.seq]] = h })
}

// readHeads reads the rows at the given positions that have no later revision. That
// is asked for so that no planner without counts takes the index of such rows: it
// would read all of it, each time.
func (w *writer) readHeads(ctx context.Context, seqs []any, visit func(head)) error {
	var hashes []byte
	return w.tx.In(ctx, seqs, func(r Rows) error {
		var h head
		var gone int64
		err := r.Scan(&h.seq, &hashes, &h.grp, &h.kind, &h.source, &gone)
		if err != nil {
			return err
		}
		if _, _, h.mark, err = splitHashes(h.seq, hashes); err != nil {
			return err
		}
		h.gone = gone != 0
		visit(h)
		return nil
	}, "SELECT seq, hashes, COALESCE(grp, 0), kind, source, COALESCE(gone, 0) FROM evidence WHERE seq IN @IN AND CASE WHEN next IS NULL THEN 1 ELSE 0 END = 1")
}

// collisions gives the heads of all keys with one hash: almost always one.
func (w *writer) collisions(ctx context.Context, khash int64) ([]head, error) {
	var seqs []any
	for _, seq := range w.tail.all(khash) {
		seqs = append(seqs, seq)
	}
	err := each(ctx, w.tx, func(r Rows) error {
		var seq int64
		if err := r.Scan(&seq); err != nil {
			return err
		}
		seqs = append(seqs, seq)
		return nil
	}, "SELECT seq FROM key_index WHERE khash = $1", khash)
	if err != nil {
		return nil, err
	}
	followed := make(map[int64]bool, len(w.next)) // in this batch, not yet written
	for _, p := range w.next {
		followed[p.seq] = true
	}
	var out []head
	err = w.readHeads(ctx, seqs, func(h head) {
		if !followed[h.seq] {
			out = append(out, h)
		}
	})
	for _, r := range w.rows {
		if r.khash == khash && !followed[r.seq] {
			out = append(out, head{seq: r.seq, mark: r.mark, grp: r.grp, kind: r.kind, source: r.source})
		}
	}
	return out, err
}

func (w *writer) findRecordGroups(ctx context.Context, recs []prepared) error {
	var names []string
	last := ""
	for i := range recs {
		if g := recs[i].group; g != "" && g != last {
			names = append(names, g)
			last = g
		}
	}
	return w.ids.findGroups(ctx, w.run.source, names)
}

// record handles one record and reports whether it was sealed as new evidence.
func (w *writer) record(ctx context.Context, r *prepared, known heads, rows map[int64]int) (bool, error) {
	grp, err := w.ids.group(ctx, w.run.source, r.group)
	if err != nil {
		return false, err
	}
	kind, err := w.ids.name(ctx, r.ev.Kind)
	if err != nil {
		return false, err
	}
	want := head{mark: r.mark, grp: grp, kind: kind, source: w.run.source}
	h, revision, err := w.headOf(ctx, r.khash, r.ev.Key, want, known)
	if err != nil {
		return false, err
	}
	switch {
	case h != nil && h.mark == r.mark && !h.gone:
		w.count(r.ev.Kind, tally{unchanged: 1})
		if h.grp != grp {
			w.regroup(h.seq, grp, rows)
			h.grp = grp
			known[r.khash] = *h
		}
		return false, nil
	case h != nil:
		w.supersede(h.seq)
		w.count(r.ev.Kind, tally{revised: 1})
		back := int64(0)
		if h.gone {
			back = 1
		}
		w.countPair(kind, 1, back)
	default:
		w.count(r.ev.Kind, tally{new: 1})
		w.countPair(kind, 1, 1)
	}
	r.ev.Run, r.ev.Imported, r.ev.Revision = w.run.id, w.run.imported, revision+1
	line, err := evidence.AppendEvidence(make([]byte, 0, 512), w.now, &r.ev)
	if err != nil {
		return false, err
	}
	r.ev.Seq = w.add(evidence.Entry{Type: evidence.EntryEvidence, At: w.now, Line: line})
	w.sealed = append(w.sealed, sealedItem{r.ev.Seq, store.Pair{Source: w.run.source, Kind: kind}, r.ev.CollectedAt.UnixMicro()})
	rows[r.ev.Seq] = len(w.rows)
	w.rows = append(w.rows, row{
		seq: r.ev.Seq, khash: r.khash, shash: store.SubjectHash(r.ev.Subject),
		kind: kind, source: w.run.source, run: w.run.opened, mark: r.mark, grp: grp,
	})
	want.seq = r.ev.Seq
	known[r.khash] = want
	return true, nil
}

// headOf finds the head of a key and its revision; nil if there is none. An
// equal mark settles it; otherwise the head's line says whose it is.
func (w *writer) headOf(ctx context.Context, khash int64, key string, want head, known heads) (*head, int, error) {
	h, ok := known[khash]
	if !ok {
		return nil, 0, nil
	}
	if h.mark == want.mark && !h.gone {
		return &h, 0, nil
	}
	revision, err := w.revisionOf(ctx, h, key, want)
	if err != nil || revision > 0 {
		return &h, revision, err
	}
	all, err := w.collisions(ctx, khash)
	if err != nil {
		return nil, 0, err
	}
	for _, h := range all {
		revision, err := w.revisionOf(ctx, h, key, want)
		if err != nil || revision > 0 {
			return &h, revision, err
		}
	}
	return nil, 0, nil
}

// revisionOf gives the revision at h if h is of this key, else 0.
func (w *writer) revisionOf(ctx context.Context, h head, key string, want head) (int, error) {
	if h.kind != want.kind || h.source != want.source {
		return 0, nil
	}
	e, err := w.entry(ctx, h.seq)
	if err != nil {
		return 0, err
	}
	ev, err := w.parser.Evidence(e)
	if err != nil {
		return 0, fmt.Errorf("entry %d: %w: %w", h.seq, store.ErrTampered, err)
	}
	if ev.Key != key {
		return 0, nil
	}
	return ev.Revision, nil
}

// supersede notes that the entry about to be added follows the one at seq.
func (w *writer) supersede(seq int64) { w.next = append(w.next, pair{seq, w.tip.size}) }

// regroup moves a head that is as it was to the group it was seen in.
func (w *writer) regroup(seq, grp int64, rows map[int64]int) {
	if i, ok := rows[seq]; ok && i < len(w.rows) && w.rows[i].seq == seq {
		w.rows[i].grp = grp
		return
	}
	w.groups = append(w.groups, pair{seq, grp})
}
