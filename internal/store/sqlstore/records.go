package sqlstore

import (
	"context"
	"fmt"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// head is the newest revision of a key.
type head struct {
	seq          int64
	mark         [store.MarkSize]byte
	grp          int64
	kind, source int64
	gone         bool
}

// records compares each record with the head of its key and seals what is new
// or changed.
func (w *writer) records(ctx context.Context, recs []prepared) error {
	if len(recs) == 0 {
		return nil
	}
	err := parallel(len(recs), func(i int) error {
		r := &recs[i]
		r.khash = store.KeyHash(w.run.name, r.ev.Kind, r.ev.Key)
		r.mark = store.Mark(w.run.name, r.ev.Kind, r.ev.Key, store.ContentOf(&r.ev))
		return nil
	})
	if err != nil {
		return err
	}
	heads, err := w.heads(ctx, recs)
	if err != nil {
		return err
	}
	var changed []int
	if err := w.findRecordGroups(ctx, recs); err != nil {
		return err
	}
	rows := make(map[int64]int) // row number by position, for heads of this batch
	for i := range recs {
		sealed, err := w.record(ctx, &recs[i], heads, rows)
		if err != nil {
			return fmt.Errorf("record %.80q of kind %s: %w", recs[i].ev.Key, recs[i].ev.Kind, err)
		}
		if sealed {
			changed = append(changed, i)
		}
	}
	return w.storePayloads(ctx, recs, changed, rows)
}

// heads looks up the heads of all keys, by hash. Several keys may share one.
func (w *writer) heads(ctx context.Context, recs []prepared) (map[int64][]head, error) {
	values := make([]any, len(recs))
	for i := range recs {
		values[i] = recs[i].khash
	}
	heads := make(map[int64][]head, len(recs))
	err := eachIn(ctx, w.tx, values, func(r Rows) error {
		var h head
		var khash, gone int64
		var mark []byte
		if err := r.Scan(&khash, &h.seq, &mark, &h.grp, &h.kind, &h.source, &gone); err != nil {
			return err
		}
		if len(mark) != store.MarkSize {
			return fmt.Errorf("evidence row %d: mark of %d bytes: %w", h.seq, len(mark), store.ErrTampered)
		}
		h.mark, h.gone = [store.MarkSize]byte(mark), gone != 0
		for _, have := range heads[khash] {
			if have.seq == h.seq {
				return nil // the same hash was asked for twice
			}
		}
		heads[khash] = append(heads[khash], h)
		return nil
	}, "SELECT khash, seq, mark, COALESCE(grp, 0), kind, source, COALESCE(gone, 0) FROM evidence WHERE next IS NULL AND khash IN @IN")
	return heads, err
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
func (w *writer) record(ctx context.Context, r *prepared, heads map[int64][]head, rows map[int64]int) (bool, error) {
	grp, err := w.ids.group(ctx, w.run.source, r.group)
	if err != nil {
		return false, err
	}
	kind, err := w.ids.name(ctx, r.ev.Kind)
	if err != nil {
		return false, err
	}
	candidates := heads[r.khash]
	at, revision, err := w.headOf(ctx, r, kind, candidates)
	if err != nil {
		return false, err
	}
	if at >= 0 {
		h := &candidates[at]
		if h.mark == r.mark && !h.gone {
			w.count(r.ev.Kind, tally{unchanged: 1})
			w.regroup(h, grp, rows)
			return false, nil
		}
		w.supersede(h.seq, rows)
		w.count(r.ev.Kind, tally{revised: 1})
	} else {
		w.count(r.ev.Kind, tally{new: 1})
	}
	r.ev.Run, r.ev.Imported, r.ev.Revision = w.run.id, w.run.imported, revision+1
	line, err := evidence.AppendEvidence(make([]byte, 0, 512), w.now, &r.ev)
	if err != nil {
		return false, err
	}
	r.ev.Seq = w.add(evidence.Entry{Type: evidence.EntryEvidence, At: w.now, Line: line})
	rows[r.ev.Seq] = len(w.rows)
	w.rows = append(w.rows, row{
		seq: r.ev.Seq, khash: r.khash, shash: store.SubjectHash(r.ev.Subject),
		kind: kind, source: w.run.source, run: w.run.opened, mark: r.mark, grp: grp,
	})
	now := head{seq: r.ev.Seq, mark: r.mark, grp: grp, kind: kind, source: w.run.source}
	if at >= 0 {
		candidates[at] = now
	} else {
		heads[r.khash] = append(candidates, now)
	}
	return true, nil
}

// headOf finds the head of r's key among rows with the same hash, and its
// revision; -1 and 0 if there is none. An equal mark settles it; otherwise the
// head's line says which key it is.
func (w *writer) headOf(ctx context.Context, r *prepared, kind int64, candidates []head) (at, revision int, err error) {
	for i, h := range candidates {
		if h.kind != kind || h.source != w.run.source {
			continue
		}
		if h.mark == r.mark && !h.gone {
			return i, 0, nil
		}
		e, err := w.entry(ctx, h.seq)
		if err != nil {
			return 0, 0, err
		}
		var p evidence.Parser
		ev, err := p.Evidence(e)
		if err != nil {
			return 0, 0, fmt.Errorf("entry %d: %w: %w", h.seq, store.ErrTampered, err)
		}
		if ev.Key == r.ev.Key {
			return i, ev.Revision, nil
		}
	}
	return -1, 0, nil
}

// supersede notes that the entry about to be added follows the one at seq.
func (w *writer) supersede(seq int64, rows map[int64]int) {
	if i, ok := rows[seq]; ok {
		w.rows[i].next = w.tip.size
		return
	}
	w.next = append(w.next, pair{seq, w.tip.size})
}

// regroup moves a head that is as it was to the group it was seen in.
func (w *writer) regroup(h *head, grp int64, rows map[int64]int) {
	if h.grp == grp {
		return
	}
	h.grp = grp
	if i, ok := rows[h.seq]; ok {
		w.rows[i].grp = grp
		return
	}
	w.groups = append(w.groups, pair{h.seq, grp})
}
