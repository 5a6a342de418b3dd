package assess

import (
	"math"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// table keeps all revisions of one kind's records: the fields that rules read
// as 64-bit cells, and what every record has as rowMeta. Rows are in ledger
// order and never change, but for their place in the chain of a key and the
// instant at which they were found gone.
type table struct {
	info      *kindInfo
	texts     *interner
	metas     chunks[rowMeta]
	cells     cells
	indexedTo int32  // rows below are in the indexes
	lists     []text // elements of lists of strings
	reader    extractor

	lastSeq     int64        // highest ledger position
	slots       chunks[slot] // by order of first appearance
	keys        multimap     // slots by source and key
	indexes     []*index
	spare       map[uint32][]int64 // by slot: instants of being gone that no row carries
	watchers    [][]watcher        // by index: the joins that look into it
	populations []*planCache       // whose subjects are of this kind

	source, run, subjectType lastText
}

// lastText is the text that was asked for last: of one row after the other it
// is mostly the same.
type lastText struct {
	s string
	t text
}

func (l *lastText) of(in *interner, s string) text {
	if l.s != s {
		l.s, l.t = s, in.of(s)
	}
	return l.t
}

// slot is a key of one source: its revisions are a chain from head back, by
// when they were read, then by ledger position. head is -1 as long as the key
// is only known to be gone.
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
	prev        int32 // the revision read before, -1 if none
	subjectType text
	subjectID   text
	run         text
	width       uint32 // elements of its longest list, at most
}

// notGone is the instant at which a key that is still there went away.
const notGone = math.MaxInt64

func newTable(info *kindInfo, texts *interner) *table {
	t := &table{info: info, texts: texts, cells: newCells(info), spare: map[uint32][]int64{}}
	t.reader = extractor{texts: texts, lists: &t.lists}
	return t
}

func (t *table) meta(row int32) *rowMeta { return t.metas.at(int(row)) }

func (t *table) slot(i uint32) *slot { return t.slots.at(int(i)) }

func (t *table) rows() int { return t.metas.n }

func (t *table) cell(row int32, field int) uint64 {
	return t.cells.at(row, field)
}

func (t *table) list(cell uint64) []text {
	offset, n := cell>>listBits, cell&(1<<listBits-1)
	return t.lists[offset : offset+n]
}

func (t *table) subjectID(row int32) string { return t.texts.str(t.meta(row).subjectID) }

// find returns the slot of a key.
func (t *table) find(source, key text) (slot uint32, ok bool) {
	t.keys.each(keyHash(source, key), func(s uint32) {
		if have := t.slot(s); have.source == source && have.key == key {
			slot, ok = s, true
		}
	})
	return slot, ok
}

func keyHash(source, key text) uint64 { return mix(hashStart, uint64(source)<<32|uint64(key)) }

// arrival is what a row is made of.
type arrival struct {
	digest                   evidence.Digest
	seq                      int64
	event, collected, gone   int64
	source, run, subjectType string
	subjectID, key           string
	payload                  []byte // nil if it was erased: all fields are absent
}

func arrivalOf(e *evidence.Evidence) arrival {
	return arrival{
		digest: e.Digest, seq: e.Seq, event: nanos(e.EventTime), collected: nanos(e.CollectedAt), gone: nanos(e.GoneAt),
		source: e.Source, run: e.Run, subjectType: e.Subject.Type, subjectID: e.Subject.ID, key: e.Key, payload: e.Payload,
	}
}

// add appends a revision and returns its row.
func (t *table) add(a *arrival, source text) (int32, error) {
	key, known := t.texts.enter(a.key)
	cells := t.cells.next()
	var width uint32
	if len(cells) > 0 && a.payload != nil {
		if err := t.reader.extract(a.payload, t.info, cells); err != nil {
			return 0, err
		}
		width = t.reader.width
	}
	t.cells.add()
	var slot uint32
	if known {
		slot = t.slotOf(source, key)
	} else { // nor is the key of any record
		slot = t.newSlot(source, key)
	}
	row := int32(t.metas.n)
	t.metas.add(rowMeta{
		digest: a.digest, event: a.event, collected: a.collected, gone: notGone, seq: a.seq,
		slot: slot, subjectType: t.subjectType.of(t.texts, a.subjectType), subjectID: t.texts.of(a.subjectID),
		run: t.run.of(t.texts, a.run), width: width,
	})
	t.link(row)
	return row, nil
}
