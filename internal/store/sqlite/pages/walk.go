package pages

import (
	"encoding/binary"
	"errors"
	"iter"
	"math"
)

// Kind is what a tree is made of.
type Kind byte

// Kinds of trees.
const (
	Table Kind = iota // rows by number
	Index             // records in their own order: an index, or a table WITHOUT ROWID
)

// Cell is a row of a table, or an entry of an index.
type Cell struct {
	Row    int64  // number of the row; 0 in an index
	Record []byte // good until the next page, or if it is Own, until it is given to Reuse
	Own    bool   // the record has memory of its own: it did not fit into its page
}

// Types of pages.
const (
	innerIndex = 2
	innerTable = 5
	leafIndex  = 10
	leafTable  = 13
)

// Sizes, in bytes.
const (
	leafHead  = 8
	innerHead = 12
	minCell   = 4  // what a smaller cell takes
	maxDepth  = 20 // no tree of SQLite is deeper
)

// errStopped ends a walk whose reader has had enough.
var errStopped = errors.New("stopped")

// Walk yields the cells of a tree in their order, a page at a time. The slice
// is used again, and so are records that are not their own. A tree is walked once.
func (f *File) Walk(root uint32, kind Kind) iter.Seq2[[]Cell, error] {
	return func(yield func([]Cell, error) bool) {
		w := &walk{f: f, kind: kind, leaves: -1, last: math.MinInt64, cover: make([]uint64, f.usable/64), yield: yield}
		if err := w.page(root, 1, 0); err != nil && !errors.Is(err, errStopped) {
			yield(nil, err)
		}
	}
}

// walk is where a walk has come to.
type walk struct {
	f      *File
	kind   Kind
	leaves int // depth of all leaves; -1 until the first
	cells  []Cell
	last   int64 // the row, or bound, that came last
	bound  bool  // it was a bound
	begun  bool
	yield  func([]Cell, error) bool
	pages  [][]byte // from the root to the page at hand

	// For the page at hand: what was taken of it, and which bytes.
	pieces []piece
	cover  []uint64
}

// tree is a page of a tree.
type tree struct {
	n     uint32
	b     []byte
	at    int // of its head: the first page has the file's before
	inner bool
	cells int
}

// page walks the tree below a page.
func (w *walk) page(n, from uint32, depth int) error {
	if depth >= maxDepth {
		return damaged(n, "a tree deeper than %d", maxDepth)
	}
	for len(w.pages) <= depth {
		w.pages = append(w.pages, make([]byte, w.f.usable))
	}
	b := w.pages[depth]
	if err := w.f.take(n, from, func(page []byte) { copy(b, page) }); err != nil {
		return err
	}
	p, err := w.head(n, b)
	if err != nil {
		return err
	}
	if p.cells == 0 && (depth > 0 || p.inner && n != 1) {
		return damaged(n, "a page without cells")
	}
	if !p.inner {
		if w.leaves < 0 {
			w.leaves = depth
		}
		if w.leaves != depth {
			return damaged(n, "a leaf at depth %d, others are at %d", depth, w.leaves)
		}
		return w.leaf(p)
	}
	return w.inner(p, depth)
}

// head reads what a page says about itself.
func (w *walk) head(n uint32, b []byte) (tree, error) {
	p := tree{n: n, b: b}
	if n == 1 {
		p.at = headSize
	}
	leaf, inner := byte(leafTable), byte(innerTable)
	if w.kind == Index {
		leaf, inner = leafIndex, innerIndex
	}
	size := leafHead
	switch b[p.at] {
	case leaf:
	case inner:
		p.inner, size = true, innerHead
	default:
		return p, damaged(n, "type %d, want %d or %d", b[p.at], leaf, inner)
	}
	p.cells = int(binary.BigEndian.Uint16(b[p.at+3:]))
	content := p.content()
	if first := p.at + size + 2*p.cells; first > content || content > w.f.usable {
		return p, damaged(n, "content of %d cells from byte %d on", p.cells, content)
	}
	return p, nil
}

// content is where the cells begin.
func (p *tree) content() int {
	if c := int(binary.BigEndian.Uint16(p.b[p.at+5:])); c != 0 {
		return c
	}
	return 1 << 16
}

// leaf yields the cells of a leaf.
func (w *walk) leaf(p tree) error {
	cover := w.begin(&p)
	if cap(w.cells) < p.cells {
		w.cells = make([]Cell, p.cells)
	}
	w.cells = w.cells[:p.cells]
	for i := range w.cells {
		at, err := cover.start(i)
		if err != nil {
			return err
		}
		c := &w.cells[i]
		size, err := w.cell(&p, at, at, c)
		if err != nil {
			return err
		}
		if err := cover.take(at, size); err != nil {
			return err
		}
		if w.kind == Table {
			if w.begun && c.Row <= w.last {
				return damaged(p.n, "row %d out of order", c.Row)
			}
			w.last, w.bound, w.begun = c.Row, false, true
		}
	}
	if err := cover.end(); err != nil {
		return err
	}
	if p.cells > 0 && !w.yield(w.cells, nil) {
		return errStopped
	}
	return nil
}

// inner walks what is below an inner page.
func (w *walk) inner(p tree, depth int) error {
	if err := w.checkInner(p); err != nil {
		return err
	}
	for i := range p.cells {
		at := int(binary.BigEndian.Uint16(p.b[p.at+innerHead+2*i:]))
		if err := w.page(number(p.b[at:]), p.n, depth+1); err != nil {
			return err
		}
		if err := w.between(&p, at); err != nil {
			return err
		}
	}
	return w.page(number(p.b[p.at+8:]), p.n, depth+1)
}

// checkInner looks at the cells of an inner page before anything follows them.
func (w *walk) checkInner(p tree) error {
	cover := w.begin(&p)
	for i := range p.cells {
		at, err := cover.start(i)
		if err != nil {
			return err
		}
		size, err := w.size(&p, at)
		if err != nil {
			return err
		}
		if err := cover.take(at, size); err != nil {
			return err
		}
	}
	return cover.end()
}

// between takes what stands between two children: a bound, or an entry.
func (w *walk) between(p *tree, at int) error {
	if w.kind == Index {
		var c [1]Cell
		if _, err := w.cell(p, at, at+4, &c[0]); err != nil {
			return err
		}
		if !w.yield(c[:], nil) {
			return errStopped
		}
		return nil
	}
	key, n := varint(p.b[at+4 : w.f.usable])
	if n == 0 {
		return damaged(p.n, cellEnds)
	}
	bound := int64(key)
	if w.begun && (bound < w.last || bound == w.last && w.bound) {
		return damaged(p.n, "bound %d out of order", bound)
	}
	w.last, w.bound, w.begun = bound, true, true
	return nil
}
