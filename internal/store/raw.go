package store

import (
	"context"
	"iter"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
)

// Verifiable is a store whose bytes can be looked at as they are.
type Verifiable interface {
	// Snapshot runs fn on one unchanging state of the store. What fn uses of
	// Raw, it uses from one goroutine at a time.
	Snapshot(ctx context.Context, fn func(Raw) error) error
}

// Raw is a store as verification sees it: what is kept, nothing checked but
// that it can be read. Sequences may be read side by side.
type Raw interface {
	// Checkpoint gives the newest note, and the size and time (microseconds)
	// that the store keeps beside it; no note if the ledger is empty.
	Checkpoint(ctx context.Context) (RawTip, error)
	// Lines yields blocks of lines in ledger order.
	Lines(ctx context.Context) iter.Seq2[RawLines, error]
	// Rows yields the evidence index by position, a page at a time, which is good
	// until the next is asked for.
	Rows(ctx context.Context) iter.Seq2[[]IndexRow, error]
	// Tiles yields tiles by level, then number.
	Tiles(ctx context.Context) iter.Seq2[ledger.Tile, error]
	// Payloads yields blocks of payloads.
	Payloads(ctx context.Context) iter.Seq2[RawPayloads, error]
	// Index yields one of the indexes by hash, by hash and place, in pages as Rows.
	Index(ctx context.Context, which HashIndex) iter.Seq2[[]IndexEntry, error]
	// Zones yields what is kept about stretches of the ledger, in their order.
	Zones(ctx context.Context) iter.Seq2[Zone, error]
	// Tables gives the small tables.
	Tables(ctx context.Context) (Tables, error)
}

// RawTip is what a store keeps about the end of its ledger.
type RawTip struct {
	Note []byte
	Size int64
	At   int64 // microseconds since 1970 of the last entry

	Indexed      int64 // rows below this position are in KeyIndex and SubjectIndex
	IndexedBlock int64 // payloads in blocks below are in PayloadIndex
}

// HashIndex names one of the indexes by hash.
type HashIndex int

// The indexes by hash.
const (
	KeyIndex     HashIndex = iota + 1 // KeyHash to position
	SubjectIndex                      // SubjectHash to position
	PayloadIndex                      // PayloadPrefix to block
)

// IndexEntry is one row of an index by hash.
type IndexEntry struct{ Hash, Place int64 }

// RawLines is N consecutive lines. Unpack gives them one after the other, each
// ended by a newline; it may be called from any goroutine. If into is not nil,
// Unpack, called once, may use that memory, or put a larger piece in its place: what it gives
// is the caller's to change, and good until into is used again.
type RawLines struct {
	First, N int64
	Unpack   func(into *[]byte) ([]byte, error)
}

// RawPayloads is a block of payloads; Unpack as in RawLines, and what it gives may
// be in the memory of items.
type RawPayloads struct {
	Block  int64
	Unpack func(into *[]byte, items []RawPayload) ([]RawPayload, error)
}

// RawPayload is a payload under the digest that the store gives it.
type RawPayload struct {
	Sum    evidence.Digest
	Size   int
	Erased bool
	Body   []byte // nil if erased
}

// PayloadPlace says that a payload whose digest begins with Prefix is in Block.
type PayloadPlace struct{ Prefix, Block int64 }

// IndexRow is one row of the evidence index. Zero means none for Next, Gone
// and GoneAt.
type IndexRow struct {
	Seq     int64
	KeyHash int64
	Subject int64 // SubjectHash
	Kind    int64 // number of a name
	Source  int64 // number of a name
	Run     int64 // position of the entry that opened it
	Block   int64 // of the payload
	Mark    [MarkSize]byte
	Next    int64 // position of the key's next revision
	Gone    int64 // position of the entry that says the key is gone
	GoneAt  int64 // and when it was found gone, microseconds since 1970
}

// Tables are the small tables of a store.
type Tables struct {
	Names map[int64]string
	Runs  []RunRow                     // in ledger order
	Types map[int64]evidence.EntryType // by position, of every entry but evidence
	State []StateRow                   // of all sources, in any order
	Tally []TallyRow                   // of runs that are open, in any order

	Counts map[Pair]CountRow
}

// keys is how many keys there are, as the counts have it; nothing is proved by it.
func (t *Tables) keys() (n int64) {
	for _, c := range t.Counts {
		n += c.Live
	}
	return max(n, 0)
}

// CountRow is what a store keeps of how much evidence there is of a pair.
type CountRow struct{ Evidence, Live int64 }

// TallyRow is what an open run did to a kind so far.
type TallyRow struct {
	Run                     int64 // position of the entry that opened it
	Kind                    string
	New, Revised, Unchanged int64
}

// RunRow is where a run was opened and closed; Closed is -1 while it is open.
type RunRow struct {
	ID             string
	Opened, Closed int64
	Source         int64 // number of a name
}
