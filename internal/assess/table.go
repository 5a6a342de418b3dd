package assess

import (
	"math"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// table keeps all revisions of one kind's records: the fields that rules read
// as 64-bit cells, and what every record has as rowMeta. Rows are in ledger
// order and never change, but for the instant at which they were found gone.
type table struct {
	info      *kindInfo
	texts     *interner
	stride    int
	metas     [][]rowMeta // chunks
	cells     [][]uint64  // chunks, stride cells a row
	rows      int32
	indexedTo int32  // rows below are in the indexes
	lists     []text // elements of lists of strings

	slots       []slot // by order of first appearance
	byKey       map[uint64]uint32
	indexes     []*index
	watchers    [][]watcher  // by index: the joins that look into it
	populations []*planCache // whose subjects are of this kind
}

// slot is a key of one source: its revisions are a chain from head back.
type slot struct {
	source text
	key    text
	head   int32
}

// rowMeta is what a row has beside its cells. Instants are nanoseconds since
// 1970, absent where there is none.
type rowMeta struct {
	digest      evidence.Digest
	event       int64
	collected   int64
	gone        int64
	seq         int64
	slot        uint32
	prev        int32 // the revision before, -1 if none
	subjectType text
	subjectID   text
	run         text
}

const (
	chunkBits = 11
	chunkRows = 1 << chunkBits
	notGone   = math.MaxInt64
)

func newTable(info *kindInfo, texts *interner) *table {
	return &table{info: info, texts: texts, stride: len(info.fields), byKey: map[uint64]uint32{}}
}

func (t *table) meta(row int32) *rowMeta {
	return &t.metas[row>>chunkBits][row&(chunkRows-1)]
}

func (t *table) cell(row int32, field int) uint64 {
	return t.cells[row>>chunkBits][int(row&(chunkRows-1))*t.stride+field]
}

func (t *table) rowCells(row int32) []uint64 {
	from := int(row&(chunkRows-1)) * t.stride
	return t.cells[row>>chunkBits][from : from+t.stride]
}

func (t *table) list(cell uint64) []text {
	offset, n := cell>>listBits, cell&(1<<listBits-1)
	return t.lists[offset : offset+n]
}

func (t *table) subjectID(row int32) string { return t.texts.str(t.meta(row).subjectID) }

// grow makes room for one more row and returns its number.
func (t *table) grow() int32 {
	row := t.rows
	if int(row>>chunkBits) == len(t.metas) {
		t.metas = append(t.metas, make([]rowMeta, chunkRows))
		t.cells = append(t.cells, make([]uint64, chunkRows*t.stride))
	}
	t.rows++
	return row
}

// add appends a revision and returns its row.
func (t *table) add(e evidence.Evidence, run, source text) (int32, error) {
	row := t.grow()
	x := extractor{texts: t.texts, lists: &t.lists}
	if t.stride > 0 && e.Payload == nil { // erased: nothing can be read from it
		for i := range t.rowCells(row) {
			t.rowCells(row)[i] = absentCell
		}
	} else if t.stride > 0 {
		if err := x.extract(e.Payload, t.info, t.rowCells(row)); err != nil {
			t.rows--
			return 0, err
		}
	}
	key := t.texts.of(e.Key)
	at := uint64(source)<<32 | uint64(key)
	s, known := t.byKey[at]
	prev := int32(-1)
	if known {
		prev = t.slots[s].head
	} else {
		s = uint32(len(t.slots))
		t.byKey[at] = s
		t.slots = append(t.slots, slot{source: source, key: key})
	}
	t.slots[s].head = row
	gone := int64(notGone)
	if !e.GoneAt.IsZero() {
		gone = nanos(e.GoneAt)
	}
	*t.meta(row) = rowMeta{
		digest: e.Digest, event: nanos(e.EventTime), collected: nanos(e.CollectedAt), gone: gone, seq: e.Seq,
		slot: s, prev: prev, subjectType: t.texts.of(e.Subject.Type), subjectID: t.texts.of(e.Subject.ID), run: run,
	}
	return row, nil
}
