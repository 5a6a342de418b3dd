package sqlstore

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/store"
)

// hit is an evidence row that a query selected.
type hit struct {
	seq    int64
	source int64
	pblock int64
	gone   int64 // 0 while live
	goneAt int64 // microseconds
}

// selection is a query turned into conditions on the table evidence. Each
// stream is one walk in ledger order along an index; more than one are merged.
type selection struct {
	none    bool // nothing can match
	where   string
	args    []any
	streams []stream
	before  int64 // positions below; never 0
}

// stream is one walk: its own condition on top of the common ones.
type stream struct {
	where string
	args  []any
	page  []hit
	after int64
	in    []stretch // the only parts of the ledger to look at, in order; nil: all
	done  bool
}

// stretch is the positions from ≤ seq < to.
type stretch struct{ from, to int64 }

// pageSize is how many rows a walk reads at once.
const pageSize = 2048

// newSelection looks up the names in a query.
func newSelection(ctx context.Context, tx Tx, q store.EvidenceQuery) (*selection, error) {
	sel := &selection{before: q.Before}
	if sel.before <= 0 {
		sel.before = math.MaxInt64
	}
	after := max(q.After, 0) - 1
	if q.Latest {
		if q.Before <= 0 {
			sel.and("next IS NULL")
		} else {
			sel.and("(next IS NULL OR next >= $?)", q.Before)
		}
	}
	if q.Source != "" {
		if err := sel.name(ctx, tx, "source", q.Source); err != nil {
			return nil, err
		}
	}
	if q.Run != "" {
		var opened, closed int64
		ok, err := one(ctx, tx, []any{&opened, &closed}, "SELECT opened, COALESCE(closed, -1) FROM runs WHERE id = $1", q.Run)
		if err != nil {
			return nil, err
		}
		sel.none = sel.none || !ok
		sel.and("run = $?", opened)
		after = max(after, opened)
		if closed >= 0 {
			sel.before = min(sel.before, closed)
		}
	}
	kinds, err := sel.kinds(ctx, tx, q.Kinds)
	if err != nil || sel.none {
		return sel, err
	}
	return sel, sel.split(ctx, tx, kinds, after, q)
}

// and adds a condition in which $? stands for the argument.
func (sel *selection) and(cond string, args ...any) {
	for _, a := range args {
		sel.args = append(sel.args, a)
		cond = strings.Replace(cond, "$?", "$"+strconv.Itoa(len(sel.args)), 1)
	}
	sel.where += " AND " + cond
}

func (sel *selection) name(ctx context.Context, tx Tx, column, name string) error {
	var id int64
	ok, err := one(ctx, tx, []any{&id}, "SELECT id FROM names WHERE name = $1", name)
	sel.none = sel.none || !ok
	sel.and(column+" = $?", id)
	return err
}

// kinds gives the numbers of the kinds asked for, as text.
func (sel *selection) kinds(ctx context.Context, tx Tx, names []string) ([]string, error) {
	if len(names) == 0 {
		return nil, nil
	}
	values := make([]any, len(names))
	for i, k := range names {
		values[i] = k
	}
	var list []string
	err := tx.In(ctx, values, func(r Rows) error {
		var id int64
		if err := r.Scan(&id); err != nil {
			return err
		}
		list = append(list, strconv.FormatInt(id, 10))
		return nil
	}, "SELECT id FROM names WHERE name IN @IN")
	slices.Sort(list)
	list = slices.Compact(list)
	sel.none = sel.none || len(list) == 0
	return list, err
}

// split decides which walks to make. Evidence of a subject is found by its
// index, and in the tail by looking at all; heads of a kind by theirs, each
// kind for itself; everything else by looking at all, but for zones that hold
// nothing of the kinds. The unary plus keeps a planner from an index that does
// not help.
func (sel *selection) split(ctx context.Context, tx Tx, kinds []string, after int64, q store.EvidenceQuery) error {
	all := ""
	if len(kinds) > 0 {
		all = " AND +kind IN (" + strings.Join(kinds, ",") + ")"
	}
	switch {
	case q.Subject != nil:
		t, err := readTip(ctx, tx)
		if err != nil {
			return err
		}
		hash := store.SubjectHash(*q.Subject)
		first := "$" + strconv.Itoa(len(sel.args)+1)
		sel.streams = []stream{
			{after: after, args: []any{hash}, where: all + " AND seq IN (SELECT seq FROM subject_index WHERE shash = " + first + ")"},
			{after: max(after, t.indexed-1), args: []any{binary.BigEndian.AppendUint64(nil, uint64(hash))},
				where: all + " AND substr(hashes, 9, 8) = " + first},
		}
	case q.Latest && q.Before <= 0:
		for _, id := range kinds {
			sel.streams = append(sel.streams, stream{after: after, where: " AND kind = " + id})
		}
	}
	if len(sel.streams) > 0 {
		return nil
	}
	sel.streams = []stream{{after: after, where: all}}
	if len(kinds) == 0 {
		return nil
	}
	in, err := stretchesOf(ctx, tx, kinds, max(after+1, 0))
	sel.streams[0].in = in
	return err
}

// next gives the following hits of all streams in ledger order, none at the end.
func (sel *selection) next(ctx context.Context, tx Tx) ([]hit, error) {
	if sel.none {
		return nil, nil
	}
	limit := int64(math.MaxInt64) // up to here every stream is known
	for i := range sel.streams {
		st := &sel.streams[i]
		if len(st.page) == 0 && !st.done {
			if err := sel.fill(ctx, tx, st); err != nil {
				return nil, err
			}
		}
		if !st.done && len(st.page) > 0 {
			limit = min(limit, st.page[len(st.page)-1].seq)
		}
	}
	var out []hit
	for i := range sel.streams {
		st := &sel.streams[i]
		n := 0
		for n < len(st.page) && st.page[n].seq <= limit {
			n++
		}
		out = append(out, st.page[:n]...)
		st.page = st.page[n:]
	}
	if len(sel.streams) > 1 {
		slices.SortFunc(out, func(a, b hit) int {
			if a.seq < b.seq {
				return -1
			}
			return 1
		})
	}
	return out, nil
}

// fill reads the next page of one stream.
func (sel *selection) fill(ctx context.Context, tx Tx, st *stream) error {
	if st.in == nil {
		return sel.fillBelow(ctx, tx, st, sel.before)
	}
	for st.done = true; len(st.in) > 0 && st.in[0].from < sel.before; st.in = st.in[1:] {
		st.after = max(st.after, st.in[0].from-1)
		if err := sel.fillBelow(ctx, tx, st, min(sel.before, st.in[0].to)); err != nil {
			return err
		}
		if len(st.page) > 0 {
			if st.done {
				st.in = st.in[1:]
				st.done = len(st.in) == 0
			}
			return nil
		}
	}
	return nil
}

// fillBelow reads the next page of one stream up to a position.
func (sel *selection) fillBelow(ctx context.Context, tx Tx, st *stream, before int64) error {
	n := len(sel.args) + len(st.args)
	args := append(slices.Concat(sel.args, st.args), st.after, before, int64(pageSize))
	query := "SELECT seq, source, pblock, COALESCE(gone, 0), COALESCE(gone_at, 0) FROM evidence WHERE seq > $" + strconv.Itoa(n+1) +
		" AND seq < $" + strconv.Itoa(n+2) + sel.where + st.where + " ORDER BY seq LIMIT $" + strconv.Itoa(n+3)
	st.page = make([]hit, 0, pageSize)
	err := each(ctx, tx, func(r Rows) error {
		var h hit
		if err := r.Scan(&h.seq, &h.source, &h.pblock, &h.gone, &h.goneAt); err != nil {
			return err
		}
		st.page = append(st.page, h)
		return nil
	}, query, args...)
	if err != nil {
		return err
	}
	st.done = len(st.page) < pageSize
	if len(st.page) > 0 {
		st.after = st.page[len(st.page)-1].seq
	}
	return nil
}
