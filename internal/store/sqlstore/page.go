package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// A search may cost this much, in microseconds as estimated below; then it
// answers with what it has. The estimates are of a small machine.
const (
	searchBudget = 14_000
	costRow      = 2   // to read a row that was selected
	costScan     = 0.3 // to look at a row that was not
	costZone     = 3
	costBlock    = 160 // to read and unpack a block of lines
)

// searchRows is how many positions a walk over rows looks at in one query.
const searchRows = 8192

// pager is one search for one page.
type pager struct {
	tx    Tx
	q     store.PageQuery
	lo    int64 // what is left to look at: lo ≤ seq < hi
	hi    int64
	left  float64 // of the budget
	full  bool    // the page is, and there is more
	names map[int64]string
	pairs map[store.Pair]bool // asked for; nil for all
	where selection           // conditions on rows
	text  [][]byte            // what a line must contain
	find  []needle            // the same, once a block is at hand
	kept  []unpackedBlock     // lines at hand
	space [linesAtOnce][]byte // what they are unpacked into
	zones []store.Zone        // read ahead
	ahead int64               // how many were read last
	parse evidence.Parser
	page  store.Page
}

// Page implements store.Searcher.
func (s *Store) Page(ctx context.Context, q store.PageQuery) (store.Page, error) {
	if err := q.Check(); err != nil {
		return store.Page{}, err
	}
	p := &pager{q: q, left: searchBudget}
	err := s.db.Read(ctx, func(tx Tx) error {
		p.tx = tx
		stages, err := p.plan(ctx)
		if err != nil {
			return err
		}
		return p.run(ctx, stages)
	})
	if err != nil {
		return store.Page{}, fmt.Errorf("page: %w", err)
	}
	p.page.Done = p.lo >= p.hi
	if !p.page.Done {
		p.page.Next = p.lo
		if !q.Oldest {
			p.page.Next = p.hi
		}
	}
	return p.page, nil
}

// stage is a way to search a part of the ledger. A step looks at some of
// lo ≤ seq < hi, from the end where the search begins, and passes it.
type stage struct {
	lo, hi int64
	step   func(ctx context.Context, lo, hi int64) error
}

// plan looks up what the query names and decides how to search: evidence of
// one subject by its index, and in the tail, which is in no index, by rows;
// else zone by zone if the query says something that zones know, and in these
// by the text of lines if it says something that only lines know, by rows if not.
func (p *pager) plan(ctx context.Context) ([]stage, error) {
	t, err := readTip(ctx, p.tx)
	if err != nil {
		return nil, err
	}
	p.lo, p.hi = p.q.Window(t.size)
	if err := p.filters(ctx); err != nil {
		return nil, err
	}
	if p.where.none {
		p.lo = p.hi
		return nil, nil
	}
	if p.q.SubjectType != "" && p.q.SubjectID != "" {
		return p.subjectStages(t), nil
	}
	step := p.rows
	if len(p.text) > 0 {
		step = p.lines
	}
	if p.q.Digest != "" {
		return []stage{{0, t.size, p.sums}}, nil
	}
	if p.pairs != nil || !p.q.CollectedFrom.IsZero() || !p.q.CollectedTo.IsZero() {
		inner := step
		step = func(ctx context.Context, lo, hi int64) error { return p.byZone(ctx, lo, hi, inner) }
	}
	return []stage{{0, t.size, step}}, nil
}

func (p *pager) run(ctx context.Context, stages []stage) error {
	for _, st := range stages {
		for !p.full && p.left > 0 {
			lo, hi := max(p.lo, st.lo), min(p.hi, st.hi)
			if lo >= hi {
				break
			}
			if err := st.step(ctx, lo, hi); err != nil {
				return err
			}
		}
	}
	return nil
}

// pass says that everything up to an edge was looked at.
func (p *pager) pass(edge int64) {
	if p.q.Oldest {
		p.lo = max(p.lo, edge)
		return
	}
	p.hi = min(p.hi, edge)
}

// passed says that a position was looked at, and all before it.
func (p *pager) passed(seq int64) {
	if p.q.Oldest {
		seq++
	}
	p.pass(seq)
}

// order is the direction of the search in SQL.
func (p *pager) order() string {
	if p.q.Oldest {
		return ""
	}
	return " DESC"
}

// filters turns the query into conditions.
func (p *pager) filters(ctx context.Context) error {
	var err error
	if p.names, err = readNames(ctx, p.tx); err != nil {
		return err
	}
	q, sel := &p.q, &p.where
	if q.Latest && q.AsOf > 0 {
		sel.and("(next IS NULL OR next >= $?)", q.AsOf)
	} else if q.Latest {
		sel.and("next IS NULL")
	}
	if err := p.pairsOf(ctx); err != nil {
		return err
	}
	if q.Run != "" {
		var opened, closed int64
		ok, err := one(ctx, p.tx, []any{&opened, &closed}, "SELECT opened, COALESCE(closed, -1) FROM runs WHERE id = $1", q.Run)
		if err != nil {
			return err
		}
		sel.none = sel.none || !ok
		sel.and("run = $?", opened)
		p.lo = max(p.lo, opened)
		if closed >= 0 {
			p.hi = min(p.hi, closed)
		}
	}
	for _, t := range []struct{ before, value, after string }{
		{`"key":`, q.KeyPrefix, ""}, {`"subject":{"id":`, q.SubjectPrefix, ""}, {`"subject":{"id":`, q.SubjectID, `"`}, {`,"type":`, q.SubjectType, `"}`},
	} {
		if t.value == "" {
			continue
		}
		text, err := quoted(t.value)
		if err != nil {
			return err
		}
		p.text = append(p.text, []byte(t.before+text+t.after))
	}
	return nil
}

// quoted gives the beginning of a string as a line has it, without the closing
// quotation mark.
func quoted(s string) (string, error) {
	b, err := json.Marshal(map[string]string{"": s})
	if err != nil {
		return "", err
	}
	if b, err = evidence.CanonicalObject(b); err != nil {
		return "", err
	}
	return strings.TrimSuffix(strings.TrimPrefix(string(b), `{"":`), `"}`), nil
}

// pairsOf finds the kinds of sources that the query asks for.
func (p *pager) pairsOf(ctx context.Context) error {
	if len(p.q.Kinds) == 0 && p.q.Source == "" {
		return nil
	}
	p.pairs = make(map[store.Pair]bool)
	kinds := make(map[int64]bool)
	var source int64
	counts, err := readCounts(ctx, p.tx)
	for pair := range counts {
		if (p.q.Source == "" || p.names[pair.Source] == p.q.Source) && (len(p.q.Kinds) == 0 || slices.Contains(p.q.Kinds, p.names[pair.Kind])) {
			p.pairs[pair], kinds[pair.Kind], source = true, true, pair.Source
		}
	}
	p.where.none = p.where.none || len(p.pairs) == 0
	if p.q.Source != "" {
		p.where.and("source = $?", source)
	}
	if len(p.q.Kinds) > 0 && len(kinds) > 0 {
		list := make([]string, 0, len(kinds))
		for id := range kinds {
			list = append(list, strconv.FormatInt(id, 10))
		}
		slices.Sort(list)
		p.where.and("+kind IN (" + strings.Join(list, ",") + ")")
	}
	return err
}

func readNames(ctx context.Context, tx Tx) (map[int64]string, error) {
	names := make(map[int64]string)
	err := each(ctx, tx, func(r Rows) error {
		var id int64
		var name string
		err := r.Scan(&id, &name)
		names[id] = name
		return err
	}, "SELECT id, name FROM names")
	return names, err
}

func readCounts(ctx context.Context, tx Tx) (map[store.Pair]store.CountRow, error) {
	counts := make(map[store.Pair]store.CountRow)
	err := each(ctx, tx, func(r Rows) error {
		var p store.Pair
		var c store.CountRow
		err := r.Scan(&p.Source, &p.Kind, &c.Evidence, &c.Live)
		counts[p] = c
		return err
	}, "SELECT source, kind, evidence, live FROM evidence_counts")
	return counts, err
}

// Counts implements store.Searcher.
func (s *Store) Counts(ctx context.Context) (out []store.Count, err error) {
	err = s.db.Read(ctx, func(tx Tx) error {
		counts, err := readCounts(ctx, tx)
		if err != nil {
			return err
		}
		names, err := readNames(ctx, tx)
		for p, c := range counts {
			out = append(out, store.Count{Source: names[p.Source], Kind: names[p.Kind], Evidence: c.Evidence, Live: c.Live})
		}
		return err
	})
	slices.SortFunc(out, func(a, b store.Count) int {
		if a.Source != b.Source {
			return strings.Compare(a.Source, b.Source)
		}
		return strings.Compare(a.Kind, b.Kind)
	})
	return out, err
}

// contains reports whether text has all that a line must contain.
func (p *pager) contains(text []byte) bool {
	for i := range p.find {
		if !p.find[i].in(text) {
			return false
		}
	}
	return true
}
