package portable

import (
	"context"
	"errors"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// magic is the first line of a stream.
const magic = "EXHIBIT BACKUP 1\n"

// ErrDamaged: the stream is cut off, was changed, or is no backup.
var ErrDamaged = errors.New("backup is damaged")

// Kinds of pieces.
const (
	pieceHead    = 'H'
	pieceLines   = 'L'
	piecePayload = 'P'
	pieceGroup   = 'G'
	pieceMembers = 'M'
	pieceState   = 'S'
	pieceTally   = 'T'
	pieceEnd     = 'E'
)

// order is how pieces follow one another.
const order = "HLPGMSTE"

// maxPiece is the longest piece that is read: a payload and what is around it.
const maxPiece = 80 << 20

// Head begins a stream.
type Head struct {
	Origin  string    `json:"origin"`
	Size    int64     `json:"size"`
	Created time.Time `json:"created"`
	Tool    string    `json:"tool,omitempty"`
}

// Payload is one payload by its digest.
type Payload struct {
	Sum    evidence.Digest
	Size   int
	Erased bool
	Body   []byte
}

// Group is a group of a source, by the number that Members use.
type Group struct {
	ID     int64  `json:"-"`
	Source string `json:"source"`
	Name   string `json:"name"`
}

// Member says that the evidence at a position is in a group.
type Member struct{ Seq, Group int64 }

// State is one cursor or validator.
type State struct {
	Source string `json:"source"`
	Cursor bool   `json:"cursor,omitempty"`
	Key    string `json:"key"`
	Value  []byte `json:"value"`
}

// Tally is what an open run did to a kind so far.
type Tally struct {
	Run       string `json:"run"`
	Kind      string `json:"kind"`
	New       int64  `json:"new"`
	Revised   int64  `json:"revised"`
	Unchanged int64  `json:"unchanged"`
}

// Counts are how many of each a stream holds.
type Counts struct {
	Lines    int64 `json:"lines"`
	Payloads int64 `json:"payloads"`
	Erased   int64 `json:"erased"`
	Groups   int64 `json:"groups"`
	Members  int64 `json:"members"`
	State    int64 `json:"state"`
	Tally    int64 `json:"tally"`
}

// End ends a stream.
type End struct {
	Note   []byte `json:"note"`
	At     int64  `json:"at"` // microseconds: the last entry
	Counts Counts `json:"counts"`
}

// Sink takes the parts of a store in the order of the form.
type Sink interface {
	Head(Head) error
	Lines(first, n int64, raw []byte) error // each line ended by a newline
	Payload(Payload) error
	Group(Group) error
	Members([]Member) error
	State(State) error
	Tally(Tally) error
	// End is called once everything else was taken.
	End(End) error
}

// Store is a store that can be backed up and restored.
type Store interface {
	// Backup hands everything that cannot be made anew to a sink, as it is in
	// one snapshot, and returns the checkpoint of that.
	Backup(ctx context.Context, to Sink) (ledger.Checkpoint, error)
	// Restore fills a store that has no entry. It verifies the whole before
	// anybody can see it; what does not hold leaves nothing.
	Restore(ctx context.Context, o Restoring) (store.Verified, error)
}

// Restoring says how a store is restored.
type Restoring struct {
	// From hands over what is restored: Read of a file, or another
	// store's Backup.
	From func(context.Context, Sink) error
	// Verifier is a key that signed the ledger.
	Verifier note.Verifier
	// Progress is told entries: those that were read, then those that were
	// indexed and verified. It may be nil.
	Progress func(phase string, n int64)
}
