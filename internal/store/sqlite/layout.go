package sqlite

import (
	"bytes"
	"fmt"
	"hash/maphash"

	"github.com/exhibit-aims/exhibit/internal/store/sqlite/pages"
)

// layout says what a tree of a store's file holds: what the migrations declare,
// in the form in which it is looked at.
type layout struct {
	// columns has a letter for each: i INTEGER, t TEXT, b BLOB, none of them
	// NULL; I INTEGER or NULL, P INTEGER above zero or NULL, T TEXT or NULL; r the
	// row's own number. In an index without columns they follow from its table.
	// P is where readers ask for NULL, and a number that means none would hide a row.
	columns string
	key     int    // a table WITHOUT ROWID, or a unique index: how many columns come first and once only
	table   string // of an index
	of      []int  // columns of that table; rowNumber is the row's own number
	null    []int  // columns of that table that have to be NULL for a row to be in the index
	set     []int  // and those that must not be
	kept    bool   // its rows are used after their page was read
	only    int64  // the only number that a row may have; 0 if it may have any
}

const rowNumber = -1

// layouts are all trees of a store's file, but the schema's own.
var layouts = map[string]layout{
	"line_blocks":     {columns: "riib", kept: true},
	"tiles":           {columns: "iib"},
	"checkpoint":      {columns: "riibii", only: 1},
	"payload_blocks":  {columns: "rbib", kept: true},
	"key_index":       {columns: "ii", key: 2},
	"subject_index":   {columns: "ii", key: 2},
	"payload_index":   {columns: "ii", key: 2},
	"entry_types":     {columns: "rt"},
	"runs":            {columns: "rtiP"},
	"evidence":        {columns: "riiiibPPPI"},
	"names":           {columns: "rt"},
	"evidence_groups": {columns: "rit"},
	"state":           {columns: "iitb", key: 3},
	"tally":           {columns: "itiii", key: 2},
	"zones":           {columns: "riiibb", kept: true},
	"evidence_counts": {columns: "iiii", key: 2},

	"sqlite_autoindex_tiles_1":           {table: "tiles", of: []int{0, 1, rowNumber}, key: 2},
	"sqlite_autoindex_runs_1":            {table: "runs", of: []int{1, rowNumber}, key: 1},
	"sqlite_autoindex_names_1":           {table: "names", of: []int{1, rowNumber}, key: 1},
	"sqlite_autoindex_evidence_groups_1": {table: "evidence_groups", of: []int{1, 2, rowNumber}, key: 2},
	"runs_source":                        {table: "runs", of: []int{2, 0, rowNumber}},
	"evidence_heads":                     {table: "evidence", of: []int{1, rowNumber}, null: []int{7}},
	"evidence_group":                     {table: "evidence", of: []int{6, 1, rowNumber}, null: []int{7, 8}, set: []int{6}},
}

// tree is one tree as it is walked.
type tree struct {
	layout
	name   string
	root   uint32
	begun  bool          // its walk
	ended  bool          // and it came to its end
	values []pages.Value // of the row at hand
	last   []pages.Value // of the row before
	rows   int64
	seed   maphash.Seed
	sums   []*sum // of a table: what its indexes have to hold
	sum    *sum   // of an index: what it holds
	wants  *sum   // and what it has to
}

// sum is a keyed sum over entries: equal sets have equal sums, and nobody who
// does not know the seed can do better than guess.
type sum struct {
	index *tree
	n     int64
	total uint64
}

// kind says how a tree is kept.
func (t *tree) kind() pages.Kind {
	if t.table != "" || t.key > 0 {
		return pages.Index
	}
	return pages.Table
}

// newTrees makes the trees whose roots are given, each index beside its table.
func newTrees(roots map[string]uint32) map[string]*tree {
	trees := make(map[string]*tree, len(roots))
	seed := maphash.MakeSeed()
	for name, root := range roots {
		l := layouts[name]
		trees[name] = &tree{layout: l, name: name, root: root, seed: seed}
	}
	for _, t := range trees {
		n := len(t.columns)
		if t.table != "" {
			n = len(t.of)
			t.sum, t.wants = &sum{index: t}, &sum{index: t}
			of := trees[t.table]
			of.sums = append(of.sums, t.wants)
		}
		t.values, t.last = make([]pages.Value, n), make([]pages.Value, n)
	}
	return trees
}

// row reads a cell into values and holds it against the layout: types, order,
// and what the table's indexes have to hold of it.
func (t *tree) row(c *pages.Cell) error {
	t.rows++
	t.values, t.last = t.last, t.values
	if err := pages.Decode(c.Record, t.values); err != nil {
		return t.wrong(c, err.Error())
	}
	if t.table != "" {
		return t.entry(c)
	}
	for i := range t.values {
		v := &t.values[i]
		switch t.columns[i] {
		case 'r':
			if v.Type != pages.Null {
				return t.wrong(c, "a row whose number is in it")
			}
			v.Type, v.Int = pages.Int, c.Row
		case 'i':
			if v.Type != pages.Int {
				return t.wrongType(c, i)
			}
		case 'I':
			if v.Type != pages.Int && v.Type != pages.Null {
				return t.wrongType(c, i)
			}
		case 'P':
			if v.Type != pages.Null && (v.Type != pages.Int || v.Int <= 0) {
				return t.wrong(c, fmt.Sprintf("%s %d in column %d, want a number above zero, or NULL", v.Type, v.Int, i))
			}
		case 'T':
			if v.Type != pages.Text && v.Type != pages.Null {
				return t.wrongType(c, i)
			}
		case 't':
			if v.Type != pages.Text {
				return t.wrongType(c, i)
			}
		case 'b':
			if v.Type != pages.Blob {
				return t.wrongType(c, i)
			}
		}
	}
	if t.only != 0 && c.Row != t.only {
		return t.wrong(c, "a number that no row may have")
	}
	if t.key > 0 {
		return t.ordered(c)
	}
	for _, s := range t.sums {
		s.row(t, c.Row)
	}
	return nil
}

// keep makes the bytes of the row at hand its own: the page that they are in is
// used again, and the next row is compared with them.
func (t *tree) keep() {
	if t.table == "" && t.key == 0 { // rows in the order of their numbers
		return
	}
	for i := range t.values {
		t.values[i].Bytes = bytes.Clone(t.values[i].Bytes)
	}
}

// entry takes an entry of an index.
func (t *tree) entry(c *pages.Cell) error {
	if err := t.ordered(c); err != nil {
		return err
	}
	var e entry
	for i := range t.values {
		e[i] = t.code(&t.values[i])
	}
	t.sum.add(e)
	return nil
}

// ordered expects the entry at hand to come after the one before.
func (t *tree) ordered(c *pages.Cell) error {
	n := len(t.values)
	if t.key > 0 {
		n = t.key
	}
	if t.rows > 1 && !after(t.values[:n], t.last[:n]) {
		return t.wrong(c, "an entry out of order")
	}
	return nil
}

func after(now, last []pages.Value) bool {
	for i := range now {
		if d := now[i].Compare(&last[i]); d != 0 {
			return d > 0
		}
	}
	return false
}

func (t *tree) wrongType(c *pages.Cell, column int) error {
	return t.wrong(c, fmt.Sprintf("a value of type %s in column %d", t.values[column].Type, column))
}

func (t *tree) wrong(c *pages.Cell, what string) error {
	place := t.name
	if t.kind() == pages.Table {
		place = fmt.Sprintf("%s, row %d", t.name, c.Row)
	}
	return broken(place + ": " + what)
}

// row adds what the index has to hold of a table's row, if anything.
func (s *sum) row(t *tree, number int64) {
	for _, c := range s.index.null {
		if t.values[c].Type != pages.Null {
			return
		}
	}
	for _, c := range s.index.set {
		if t.values[c].Type == pages.Null {
			return
		}
	}
	var e entry
	for i, column := range s.index.of {
		if column == rowNumber {
			e[i] = number
		} else {
			e[i] = s.index.code(&t.values[column])
		}
	}
	s.add(e)
}

// entry is an entry of an index in numbers.
type entry [3]int64

// code is a value as a number: of what is no number, one that nobody can aim at.
func (t *tree) code(v *pages.Value) int64 {
	if v.Type == pages.Int {
		return v.Int
	}
	return int64(maphash.Bytes(t.seed, v.Bytes)) ^ int64(v.Type)
}

func (s *sum) add(e entry) {
	s.n++
	s.total += maphash.Comparable(s.index.seed, e)
}

// holds expects an index to hold the rows of its table.
func (t *tree) holds() error {
	if t.sum.n != t.wants.n || t.sum.total != t.wants.total {
		return broken(fmt.Sprintf("index %s: %d entries that follow from its table wanted, found %d, not the same", t.name, t.wants.n, t.sum.n))
	}
	return nil
}
