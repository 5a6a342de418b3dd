package sqlstore

import (
	"context"
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
	page  []hit
	after int64
	done  bool
}

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
	if q.Subject != nil {
		sel.and("shash = $?", store.SubjectHash(*q.Subject))
	}
	if err := sel.kinds(ctx, tx, q, after); err != nil {
		return nil, err
	}
	return sel, nil
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

// kinds makes one stream for each kind; a subject's evidence is little and
// found by its own index, so its kinds are one condition.
func (sel *selection) kinds(ctx context.Context, tx Tx, q store.EvidenceQuery, after int64) error {
	if len(q.Kinds) == 0 {
		sel.streams = []stream{{after: after}}
		return nil
	}
	values := make([]any, len(q.Kinds))
	for i, k := range q.Kinds {
		values[i] = k
	}
	var ids []int64
	err := eachIn(ctx, tx, values, func(r Rows) error {
		var id int64
		if err := r.Scan(&id); err != nil {
			return err
		}
		ids = append(ids, id)
		return nil
	}, "SELECT id FROM names WHERE name IN @IN")
	if err != nil {
		return err
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	sel.none = sel.none || len(ids) == 0
	var list []string
	for _, id := range ids {
		list = append(list, strconv.FormatInt(id, 10))
	}
	if q.Subject != nil {
		// The unary plus keeps the planner on the subject's index.
		sel.streams = []stream{{where: " AND +kind IN (" + strings.Join(list, ",") + ")", after: after}}
		return nil
	}
	for _, id := range list {
		sel.streams = append(sel.streams, stream{where: " AND kind = " + id, after: after})
	}
	return nil
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
	n := len(sel.args)
	args := append(append(make([]any, 0, n+3), sel.args...), st.after, sel.before, int64(pageSize))
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
