// Package store is the contract for keeping evidence: an append-only ledger
// with signed checkpoints, content-addressed payloads, and indexes that can be
// rebuilt from the ledger. Implementations are in sqlite, postgres and memory;
// storetest holds the one conformance suite that all of them pass.
//
// The package may import internal/evidence and internal/ledger. It promises
// that whatever Append returned without error survives a crash, whole and
// once, and that a failed Append left nothing behind.
package store

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Errors a caller acts on.
var (
	// ErrNoStore: there is nothing at the given place. Create one by collecting.
	ErrNoStore = errors.New("no store")
	// ErrLocked: another process is writing. Wait, or stop that process.
	ErrLocked = errors.New("store is locked by another process")
	// ErrTampered: stored bytes contradict the ledger. Restore a backup.
	ErrTampered = errors.New("store does not match its ledger")
	// ErrNotEmpty: a store is to be restored where there is one already.
	ErrNotEmpty = errors.New("there is a store already")
	// ErrNewer: a later version of the program wrote the store. Use that one.
	ErrNewer = errors.New("the store was written by a newer version of exhibit")
	// ErrOlder: an earlier version wrote the store. Back it up and upgrade it.
	ErrOlder = errors.New("the store was written by an older version of exhibit")
	// ErrNotFound: no such payload, entry or run.
	ErrNotFound = errors.New("not found")
	// ErrErased: the payload was erased; its digest and proof remain.
	ErrErased = errors.New("payload erased")
	// ErrUnknownGroup: an Attest names a group, or a count, that the store does not hold.
	ErrUnknownGroup = errors.New("group or count not known")
)

// Store is what an implementation offers. Consumers declare the part they need.
type Store interface {
	Writer
	Reader
	Searcher
	Ledger
	Close() error
}

// Writer changes the store. All of a Batch takes effect in one transaction,
// with the ledger's new signed checkpoint.
type Writer interface {
	// Append applies b. It blocks while another writer is active, at most for
	// the store's lock timeout, then returns ErrLocked.
	Append(ctx context.Context, b Batch) (Receipt, error)
	// Erase removes a payload's bytes and appends an erasure entry; evidence
	// entries and proofs stay. What was erased stays erased: should the same
	// bytes be read again, their digest is sealed and they are not kept.
	// An Erasure's zero At is now.
	Erase(ctx context.Context, e Erasure) (Receipt, error)
	// EraseAll is Erase of many payloads in one transaction: all, or none.
	EraseAll(ctx context.Context, list []Erasure) (Receipt, error)
	// Rotate appends the entry that hands the ledger over from one key to the
	// next, under a checkpoint of the next one, which signs from then on.
	Rotate(ctx context.Context, k KeyChange) (Receipt, error)
	// Reindex rebuilds every index from the ledger.
	Reindex(ctx context.Context, progress func(done, total int64)) error
}

// Batch is one transaction. Its parts are applied in the order of the fields.
type Batch struct {
	Open    *evidence.Run     // opens a run: appends run_opened
	Run     string            // the run that Records, Attest and State belong to
	Records []evidence.Record // new keys and changed contents (see Content) become evidence; the rest is counted as unchanged
	Attest  []Attestation     // groups that the source says are unchanged
	State   []StateChange     // cursors and validators of the run's source
	Close   *RunClose         // closes a run: appends gone and run_closed, with a digest of the state (StateDigest)
	Entries []NewEntry        // other entries: register, assessment, export …
}

// Attestation says that count keys of a group are as they were.
type Attestation struct {
	Group string
	Count int
}

// StateChange sets (or, with an empty value, removes) one cursor or validator.
type StateChange struct {
	Cursor bool // true: cursor, false: validator
	Key    string
	Value  json.RawMessage
}

// RunClose ends a run.
type RunClose struct {
	Run evidence.Run // with FinishedAt, Status, Kinds (coverage and Seen), Gaps, Calls; the store sets State
	// Seen reports whether the run saw a key, itself or through its group. It
	// is asked for every live key of each kind whose coverage is complete and
	// enumerated; keys not seen become gone.
	Seen func(kind, key, group string) bool
}

// NewEntry is an entry of a type that the store only keeps. A zero At is now;
// one before the preceding entry's is moved up to it, one in the future is
// refused.
type NewEntry struct {
	Type evidence.EntryType
	At   time.Time
	Body json.RawMessage
}

// Erasure asks for a payload's bytes to be removed.
type Erasure struct {
	Payload evidence.Digest
	By      string
	Reason  string
	At      time.Time
}

// Receipt is what an Append did. Counts are per kind.
type Receipt struct {
	First, Next int64 // ledger positions appended: First ≤ seq < Next
	New         map[string]int64
	Revised     map[string]int64
	Unchanged   map[string]int64
	Gone        map[string]int64
	Checkpoint  []byte // the signed note after this batch
}

// State is what a source's connector gets back on its next run.
type State struct {
	Cursors    map[string]string
	Validators map[string]json.RawMessage
}

// EvidenceQuery selects evidence. Zero fields select everything.
type EvidenceQuery struct {
	Kinds    []string
	Source   string
	Subject  *evidence.Subject
	Run      string
	Before   int64 // only ledger positions below; 0 means all
	After    int64 // only ledger positions at or above
	Latest   bool  // only the newest revision of each (source, kind, key) within Before
	Payloads bool  // fill Evidence.Payload
}

// Reader reads the indexes and payloads. Sequences stream in ledger order and
// stop at the first error.
type Reader interface {
	Evidence(ctx context.Context, q EvidenceQuery) iter.Seq2[evidence.Evidence, error]
	// Runs yields runs in ledger order of their opening; source may be empty.
	Runs(ctx context.Context, source string) iter.Seq2[evidence.Run, error]
	// Payload returns canonical bytes, ErrNotFound or ErrErased.
	Payload(ctx context.Context, d evidence.Digest) ([]byte, error)
	State(ctx context.Context, source string) (State, error)
}

// Searcher finds evidence in time however much there is: what pages and the
// API show comes through it.
type Searcher interface {
	// Page gives one page of evidence, in time however much there is: a search
	// that finds little is given up and can be continued, see Page.
	Page(ctx context.Context, q PageQuery) (Page, error)
	// RunPage gives one page of runs. ErrNotFound: no run has the id of Before.
	RunPage(ctx context.Context, q RunQuery) (RunPage, error)
	// Counts says how much evidence there is, by source and kind, in this order.
	Counts(ctx context.Context) ([]Count, error)
	// EvidenceByDigest finds evidence by its digest, without payload, or
	// returns ErrNotFound.
	EvidenceByDigest(ctx context.Context, d evidence.Digest) (evidence.Evidence, error)
	// EntryByDigest finds the first entry whose line's digest begins with the
	// given hexadecimal digits, at least MinDigestPrefix of them, or returns
	// ErrNotFound.
	EntryByDigest(ctx context.Context, prefix string) (evidence.Entry, error)
}

// Ledger reads the log itself.
type Ledger interface {
	tlog.HashReader
	// Checkpoint returns the newest signed note, or ErrNoStore before the first entry.
	Checkpoint(ctx context.Context) ([]byte, error)
	// Entries yields lines from ≤ seq < to; types may be empty for all.
	Entries(ctx context.Context, from, to int64, types ...evidence.EntryType) iter.Seq2[evidence.Entry, error]
}

// CursorText gives the text of a cursor from the value of its StateChange: a
// JSON string's text, or the value as it is.
func CursorText(value json.RawMessage) string {
	var s string
	if err := json.Unmarshal(value, &s); err == nil {
		return s
	}
	return string(value)
}
