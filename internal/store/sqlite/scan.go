package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlite/pages"
	"github.com/exhibit-aims/exhibit/internal/store/sqlstore"
)

// scan is a store as verification sees it, read page by page: the large tables
// are given as they lie in the file, the small ones by SQL, and every page of
// the file is looked at, so that SQLite need not be asked whether they hold
// together.
type scan struct {
	store.Raw
	f     *pages.File
	trees map[string]*tree

	left atomic.Bool // somebody stopped reading what may have been walked ahead
}

// Trees that are walked while verification reads them, and those, nearly as
// large, that are walked beside the rows of evidence. All others are walked
// first.
var (
	readTrees   = []string{"line_blocks", "payload_blocks", "evidence", "key_index", "subject_index", "payload_index", "zones"}
	besideTrees = []string{"evidence_heads", "evidence_group"}
)

// newScan begins with the snapshot of t. A file that is not as this program
// makes it is pages.ErrOther.
func newScan(ctx context.Context, t sqlstore.Tx, from *borrower, byRows func(sqlstore.Tx) store.Raw) (*scan, error) {
	t = &inTurn{Tx: t}
	var count int64
	if err := scanFirst(ctx, t, "PRAGMA page_count", &count); err != nil {
		return nil, err
	}
	// The driver watches the context of each query from a goroutine of its own,
	// which costs half as much as the page: it is looked at here instead.
	unwatched := context.WithoutCancel(ctx)
	f, err := pages.Open(uint32(count), func(page uint32, use func([]byte)) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return from.page(unwatched, t, page, use)
	})
	if err != nil {
		return nil, err
	}
	s := &scan{Raw: byRows(t), f: f}
	roots, err := s.roots()
	if err != nil {
		return nil, err
	}
	s.trees = newTrees(roots)
	return s, s.small()
}

// small walks what is small, before anything of it is used.
func (s *scan) small() error {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(s.trees)), func(name string) bool {
		return slices.Contains(readTrees, name) || slices.Contains(besideTrees, name)
	})
	for _, err := range s.walkAll(names) {
		if err != nil {
			return err
		}
	}
	return s.held(names)
}

// walkAll walks trees one after the other for what holds them together, and
// yields after every page.
func (s *scan) walkAll(names []string) iter.Seq2[struct{}, error] {
	return func(yield func(struct{}, error) bool) {
		for _, name := range names {
			nothing := func(pages.Cell, []pages.Value) (struct{}, error) { return struct{}{}, nil }
			for _, err := range rowsOf(s, name, nothing) {
				if !yield(struct{}{}, err) || err != nil {
					return
				}
			}
		}
	}
}

// held compares indexes with their tables.
func (s *scan) held(names []string) error {
	for _, name := range names {
		if t := s.trees[name]; t.table != "" {
			if err := t.holds(); err != nil {
				return err
			}
		}
	}
	return nil
}

// finish walks what nobody has read, and expects all pages to be accounted for.
func (s *scan) finish() error {
	names := slices.Sorted(maps.Keys(s.trees))
	rest := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return s.trees[name].begun })
	for _, err := range s.walkAll(rest) {
		if err != nil {
			return err
		}
	}
	if s.left.Load() {
		return errors.New("a tree was not read to its end")
	}
	for _, name := range names {
		if !s.trees[name].ended {
			return fmt.Errorf("%s was not read to its end", name)
		}
	}
	if err := s.held(names); err != nil {
		return err
	}
	return s.f.Close()
}

// rowsOf yields what is made of each row of a tree, a page of the file at a time. A
// page is good until pagesOut more have been yielded.
func rowsOf[T any](s *scan, name string, item func(c pages.Cell, values []pages.Value) (T, error)) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		t, made := s.trees[name], new(ring[T])
		if t.begun {
			yield(nil, fmt.Errorf("%s is read twice in one verification", name))
			return
		}
		t.begun = true
		for cells, err := range s.f.Walk(t.root, t.kind()) {
			if err != nil {
				yield(nil, discrepancy(err))
				return
			}
			out := made.next(len(cells))
			for i := range cells {
				if t.kept {
					s.f.Own(&cells[i])
				}
				err := t.row(&cells[i])
				if err == nil {
					out[i], err = item(cells[i], t.values)
				}
				if err != nil {
					yield(nil, err)
					return
				}
			}
			t.keep()
			if !yield(out, nil) {
				return
			}
		}
		t.ended = true
	}
}

// ring is the memory of pages, which is used again in turns.
type ring[T any] struct {
	pages [pagesOut + 1][]T
	turn  int
}

// next gives memory for n rows, with anything in it.
func (r *ring[T]) next(n int) []T {
	page := &r.pages[r.turn]
	r.turn = (r.turn + 1) % len(r.pages)
	if cap(*page) < n {
		*page = make([]T, n, n+n/8)
	}
	return (*page)[:n]
}

// Lines implements store.Raw.
func (s *scan) Lines(context.Context) iter.Seq2[store.RawLines, error] {
	return singly(rowsOf(s, "line_blocks", func(c pages.Cell, v []pages.Value) (store.RawLines, error) {
		lines := sqlstore.Lines(v[0].Int, v[1].Int, v[2].Int, v[3].Bytes)
		unpack := lines.Unpack
		lines.Unpack = func(into *[]byte) ([]byte, error) {
			defer s.f.Reuse(c)
			return unpack(into)
		}
		return lines, nil
	}))
}

// Payloads implements store.Raw.
func (s *scan) Payloads(context.Context) iter.Seq2[store.RawPayloads, error] {
	return singly(rowsOf(s, "payload_blocks", func(c pages.Cell, v []pages.Value) (store.RawPayloads, error) {
		payloads := sqlstore.Payloads(v[0].Int, v[2].Int, v[1].Bytes, v[3].Bytes)
		unpack := payloads.Unpack
		payloads.Unpack = func(into *[]byte, items []store.RawPayload) ([]store.RawPayload, error) {
			defer s.f.Reuse(c)
			return unpack(into, items)
		}
		return payloads, nil
	}))
}

// Zones implements store.Raw.
func (s *scan) Zones(context.Context) iter.Seq2[store.Zone, error] {
	return singly(rowsOf(s, "zones", func(_ pages.Cell, v []pages.Value) (store.Zone, error) {
		z := store.Zone{First: v[0].Int, N: v[1].Int, Low: v[2].Int, High: v[3].Int, Pairs: v[4].Bytes, Sums: v[5].Bytes}
		return z, sqlstore.CheckZone(&z)
	}))
}

// Index implements store.Raw.
func (s *scan) Index(ctx context.Context, which store.HashIndex) iter.Seq2[[]store.IndexEntry, error] {
	name, ok := map[store.HashIndex]string{
		store.KeyIndex: "key_index", store.SubjectIndex: "subject_index", store.PayloadIndex: "payload_index",
	}[which]
	if !ok {
		return s.Raw.Index(ctx, which)
	}
	return ahead(s, rowsOf(s, name, func(_ pages.Cell, v []pages.Value) (store.IndexEntry, error) {
		return store.IndexEntry{Hash: v[0].Int, Place: v[1].Int}, nil
	}))
}

// Rows implements store.Raw. After each page of evidence a page of a tree is
// looked at that nobody reads.
func (s *scan) Rows(context.Context) iter.Seq2[[]store.IndexRow, error] {
	return ahead(s, func(yield func([]store.IndexRow, error) bool) {
		beside, stop := iter.Pull2(ahead(s, s.walkAll(besideTrees)))
		defer stop()
		for rows, err := range rowsOf(s, "evidence", indexRow) {
			if err == nil {
				_, err, _ = beside()
			}
			if !yield(rows, err) || err != nil {
				return
			}
		}
		for {
			_, err, more := beside()
			if err != nil {
				yield(nil, err)
			}
			if err != nil || !more {
				return
			}
		}
	})
}

func indexRow(_ pages.Cell, v []pages.Value) (store.IndexRow, error) {
	x := store.IndexRow{
		Seq: v[0].Int, Kind: v[1].Int, Source: v[2].Int, Run: v[3].Int, Block: v[4].Int,
		Next: v[7].Int, Gone: v[8].Int, GoneAt: v[9].Int,
	}
	return x, sqlstore.SetHashes(&x, v[5].Bytes)
}

const (
	// pagesAhead is how many pages a walk may be ahead of who reads its rows.
	pagesAhead = 8
	// pagesOut is how many pages are out then: these, the one that is read, and the
	// one that waits to be sent.
	pagesOut = pagesAhead + 2
)

// ahead walks on a goroutine of its own, a few pages ahead of who reads.
func ahead[T any](s *scan, seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	type item struct {
		v   T
		err error
	}
	return func(yield func(T, error) bool) {
		items, stop := make(chan item, pagesAhead), make(chan struct{})
		var walk sync.WaitGroup
		walk.Go(func() {
			defer close(items)
			for v, err := range seq {
				select {
				case items <- item{v, err}:
				case <-stop:
					return
				}
			}
		})
		defer walk.Wait()
		defer close(stop)
		for it := range items {
			if !yield(it.v, it.err) {
				s.left.Store(true)
				return
			}
		}
	}
}

// inTurn is a transaction that several goroutines query, one after the other. A
// query is over when its rows are closed.
type inTurn struct {
	sqlstore.Tx
	mu sync.Mutex
}

func (t *inTurn) Query(ctx context.Context, query string, args ...any) (sqlstore.Rows, error) {
	t.mu.Lock()
	rows, err := t.Tx.Query(ctx, query, args...)
	if err != nil {
		t.mu.Unlock()
		return nil, err
	}
	return &turn{Rows: rows, over: t.mu.Unlock}, nil
}

func (t *inTurn) Exec(ctx context.Context, query string, args ...any) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.Tx.Exec(ctx, query, args...)
}

type turn struct {
	once sync.Once
	sqlstore.Rows
	over func()
}

func (r *turn) Close() error {
	defer r.once.Do(r.over)
	return r.Rows.Close()
}

// singly yields the items of pages.
func singly[T any](seq iter.Seq2[[]T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for page, err := range seq {
			if err != nil {
				var zero T
				yield(zero, err)
				return
			}
			for _, item := range page {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}

// discrepancy says of what is damaged that it is the file.
func discrepancy(err error) error {
	var d *pages.Damage
	if errors.As(err, &d) {
		return broken(d.Error())
	}
	return err
}
