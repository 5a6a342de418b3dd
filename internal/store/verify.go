package store

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
)

// VerifyOptions say what to hold a store against.
type VerifyOptions struct {
	Verifier note.Verifier               // a key that signed the ledger: the one that signs now, or one that was handed over
	Since    *ledger.Checkpoint          // a checkpoint that was seen before; nil if none was
	Progress func(phase string, n int64) // payloads and entries checked so far; may be nil
}

// Verified is what was checked, when all of it holds.
type Verified struct {
	Checkpoint   ledger.Checkpoint
	Entries      int64
	Evidence     int64
	Runs         int64
	Payloads     int64
	PayloadBytes int64
	Erased       int64 // payloads erased, each with its entry
	States       int64 // sources whose cursors and validators are as the last closed run left them
	StatesOpen   int64 // sources that a run is open for, whose cursors and validators were not compared
	First, Last  time.Time
	Keys         ledger.Keys // that signed the ledger, one after the other
}

// Discrepancy is the first thing that does not hold. It is ErrTampered.
type Discrepancy struct {
	Place string // where: entry 17, payload …, tile 0/3
	Want  string // what it should be
	Got   string // what it is
}

func (d *Discrepancy) Error() string {
	return fmt.Sprintf("%s: want %s, found %s", d.Place, d.Want, d.Got)
}

// Unwrap makes every discrepancy ErrTampered.
func (d *Discrepancy) Unwrap() error { return ErrTampered }

func differs(place string, want, got any) error {
	return &Discrepancy{Place: place, Want: fmt.Sprint(want), Got: fmt.Sprint(got)}
}

// Verify checks everything a store holds and believes none of it: the
// signature on the checkpoint, every payload against its digest, every line
// against its strict form and the tree's root, order and times, that evidence
// lies within its run and counts agree, revisions follow one another, every
// index row against the line it stands for, and every source's cursors and
// validators against the digest that its last closed run left. Before that, and
// while its rows are read, a store looks at its own files, if it has such. It
// returns the first discrepancy, mostly in the order given here, or a summary.
//
// Not covered, because the ledger does not hold them: which group a key belongs
// to, how many records an open run found unchanged, and the cursors and validators
// of a source with such a run, which may have moved since (StatesOpen counts these
// sources; the digest of the closing will cover them). What a group says decides
// what counts as seen when the source calls the whole group unchanged, and only if
// the group has as many live keys as the source says: whoever exchanges the groups
// of two keys has one of them found gone too late or too early, until its group is
// read in full. No payload, no time and no revision that is there depends on it.
// The count of unchanged records goes into the entry that closes the run.
//
// Memory grows with live keys and payloads, about 100 bytes for each.
func Verify(ctx context.Context, s Verifiable, o VerifyOptions) (Verified, error) {
	if o.Verifier == nil {
		return Verified{}, fmt.Errorf("verify: needs a verifier key, as in exhibit.pub")
	}
	if o.Progress == nil {
		o.Progress = func(string, int64) {}
	}
	var v *verifier
	err := s.Snapshot(ctx, func(r Raw) error {
		v = &verifier{raw: r, o: o, search: searchCheck{counts: make(map[Pair]*CountRow)}, runs: make(map[string]*runState), closings: make(map[int64]closing)}
		return v.verify(ctx)
	})
	if err != nil {
		return Verified{}, fmt.Errorf("verify: %w", err)
	}
	return v.out, nil
}

// maxHint bounds what is allocated on the word of a stored size.
const maxHint = 1 << 20

// verifier is one verification.
type verifier struct {
	raw    Raw
	o      VerifyOptions
	out    Verified
	tip    RawTip
	tables Tables
	runOf  map[string]RunRow // by id, as the tables say

	payloads map[int64]*payloadBlock // by number
	heads    *heads
	runs     map[string]*runState
	closings map[int64]closing // newest of each source, by number of its name
	runRows  int               // rows of the table runs met so far
	goneAt   map[int64]goneMark
	claimed  map[int64]goneMark // what rows say about being gone
	erasures map[evidence.Digest]int64
	frontier *ledger.Frontier
	upper    []ledger.Tile // computed tiles above level 0
	since    tlog.Hash     // root at the size of o.Since
	keys     ledger.Succession
	search   searchCheck
	lastAt   time.Time

	promised int64 // newest revisions of keys whose rows say that there is a later one
	used     int64 // payloads that evidence names

	// What the evidence before this one had: this one mostly has the same.
	run     *runState
	block   *payloadBlock
	blockAt int64
	kind    string
	kindAt  int64

	want, got [PayloadIndex + 1]*multiset // what the indexes by hash have to hold, and hold

	// Memory that goes from goroutine to goroutine and is used again.
	items spare[checkedEntry]
	rows  spare[IndexRow]
	pages spare[IndexEntry]
}

// spare is memory to be used again.
type spare[T any] chan []T

// maxSpare is how many pieces of it are kept.
const maxSpare = 16

func newSpare[T any]() spare[T] { return make(spare[T], maxSpare) }

// get gives memory for n values. What is in it is old.
func (s spare[T]) get(n int) []T {
	select {
	case piece := <-s:
		if cap(piece) >= n {
			return piece[:n]
		}
	default:
	}
	return make([]T, n, n+n/4)
}

// put takes memory that is not needed any more.
func (s spare[T]) put(piece []T) {
	select {
	case s <- piece:
	default:
	}
}

// payloadBlock is a block's payloads, and what was found out about them.
type payloadBlock struct {
	items []payloadState
	last  int // the one found last: the next is mostly the next
}

type payloadState struct {
	sum    evidence.Digest
	size   int
	erased bool
	used   bool
}

// find gives the payload of a digest, or nil.
func (b *payloadBlock) find(sum evidence.Digest) *payloadState {
	if b == nil {
		return nil
	}
	for range b.items {
		if b.last = b.last + 1; b.last >= len(b.items) {
			b.last = 0
		}
		if p := &b.items[b.last]; p.sum == sum {
			return p
		}
	}
	return nil
}

// goneMark is the entry that says a key is gone, and when it was.
type goneMark struct{ entry, at int64 }

// runState is an opened run.
type runState struct {
	row    RunRow
	source string
	kinds  map[string]*runCounts

	last     *runCounts // asked for last
	lastKind string
}

// closing is what the entry that closed a run says about the source's state.
type closing struct {
	run   string
	entry int64
	state evidence.Digest
}

type runCounts struct{ new, revised, gone int64 }

func (v *verifier) verify(ctx context.Context) error {
	var err error
	if v.tip, err = v.raw.Checkpoint(ctx); err != nil {
		return err
	}
	if v.tip.Note == nil {
		return fmt.Errorf("the ledger has no entry yet: %w", ErrNoStore)
	}
	if v.tables, err = v.raw.Tables(ctx); err != nil {
		return err
	}
	if err := v.openClaimed(); err != nil {
		return fmt.Errorf("%w: %w", ErrTampered, err)
	}
	if v.out.Checkpoint.Size != v.tip.Size {
		return differs("size kept beside the checkpoint", v.out.Checkpoint.Size, v.tip.Size)
	}
	v.items, v.rows, v.pages = newSpare[checkedEntry](), newSpare[IndexRow](), newSpare[IndexEntry]()
	v.heads = newHeads(min(v.tables.keys(), v.tip.Size, maxHint))
	v.runOf = make(map[string]RunRow, len(v.tables.Runs))
	for _, r := range v.tables.Runs {
		v.runOf[r.ID] = r
	}
	if v.search.zones, err = readZones(ctx, v.raw); err != nil {
		return err
	}
	if err := v.checkPayloads(ctx); err != nil {
		return err
	}
	if err := v.checkLedger(ctx); err != nil {
		return err
	}
	if err := v.checkEnd(); err != nil {
		return err
	}
	if err := v.checkIndexes(); err != nil {
		return err
	}
	if err := v.checkSearch(); err != nil {
		return err
	}
	if err := v.checkTallies(); err != nil {
		return err
	}
	return v.checkStates()
}

// openClaimed opens the checkpoint. Where the ledger says that its key was handed
// over, it is known after the last entry only who may have signed: checkKeys.
func (v *verifier) openClaimed() (err error) {
	for _, typ := range v.tables.Types {
		if typ == evidence.EntryKey {
			v.out.Checkpoint, err = ledger.UnverifiedCheckpoint(v.tip.Note)
			return err
		}
	}
	v.out.Checkpoint, err = ledger.OpenCheckpoint(v.tip.Note, v.o.Verifier)
	return err
}

// checkKeys opens the checkpoint with the key that the handovers lead to.
func (v *verifier) checkKeys() error {
	keys, err := v.keys.From(v.o.Verifier)
	if err == nil {
		v.out.Keys = keys
		_, err = keys.Open(v.tip.Note)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTampered, err)
	}
	return nil
}

// checkEnd checks what is only known after the last entry.
func (v *verifier) checkEnd() error {
	if err := v.checkKeys(); err != nil {
		return err
	}
	c := v.out.Checkpoint
	switch {
	case v.out.Entries != c.Size:
		return differs("ledger", fmt.Sprintf("%d entries, as the checkpoint says", c.Size), fmt.Sprintf("%d", v.out.Entries))
	case v.frontier.Root() != c.Root:
		return differs("root of all entries", c.Root, v.frontier.Root())
	case v.tip.At != v.lastAt.UnixMicro():
		return differs("time kept beside the checkpoint", v.lastAt.UnixMicro(), v.tip.At)
	case v.runRows != len(v.tables.Runs):
		return differs("table of runs", fmt.Sprintf("%d runs", v.runRows), len(v.tables.Runs))
	case int64(len(v.tables.Types)) != v.out.Entries-v.out.Evidence:
		return differs("table of entry types", v.out.Entries-v.out.Evidence, len(v.tables.Types))
	}
	if err := v.checkSince(); err != nil {
		return err
	}
	for _, r := range v.runs {
		if r.row.Closed != -1 {
			return differs(fmt.Sprintf("row of run %.80q", r.row.ID), "still open", fmt.Sprintf("closed at %d", r.row.Closed))
		}
	}
	if err := v.checkPromised(); err != nil {
		return err
	}
	for seq, claim := range v.claimed {
		if v.goneAt[seq] != claim {
			return differs(fmt.Sprintf("index row %d", seq), fmt.Sprintf("gone %v", v.goneAt[seq]), fmt.Sprintf("gone %v", claim))
		}
	}
	for seq := range v.goneAt {
		if _, ok := v.claimed[seq]; !ok {
			return differs(fmt.Sprintf("index row %d", seq), "gone", "live")
		}
	}
	return v.checkErasures()
}

// checkPromised looks for the row that says there is a later revision, if one does.
func (v *verifier) checkPromised() error {
	if v.promised == 0 {
		return nil
	}
	for h := range v.heads.all() {
		if h.next != 0 {
			return differs(fmt.Sprintf("index row %d", h.seq), "no later revision", fmt.Sprintf("one at %d", h.next))
		}
	}
	return differs("index rows", "no later revisions", fmt.Sprint(v.promised))
}

// checkSince holds the log against what was seen of it before.
func (v *verifier) checkSince() error {
	old, now := v.o.Since, v.out.Checkpoint
	switch {
	case old == nil:
		return nil
	case old.Origin != now.Origin || now.Size < old.Size:
		return fmt.Errorf("%w: %w", ErrTampered, ledger.VerifyConsistency(*old, now, nil))
	case v.since != old.Root:
		return fmt.Errorf("%w: %w: the first %d entries had root %s, now they have %s",
			ErrTampered, ledger.ErrFork, old.Size, old.Root, v.since)
	}
	return nil
}

// checkErasures expects each payload to be named by evidence, and to be erased where
// the ledger says so. Mostly that is known without a look at each.
func (v *verifier) checkErasures() error {
	if v.used == v.out.Payloads && v.out.Erased == 0 && len(v.erasures) == 0 {
		return nil
	}
	erased := make(map[evidence.Digest]bool)
	for n, b := range v.payloads {
		for _, p := range b.items {
			if _, ok := v.erasures[p.sum]; p.erased != ok {
				return differs(fmt.Sprintf("payload %s in block %d", p.sum, n), fmt.Sprintf("erased: %v, as the ledger says", ok), p.erased)
			}
			if !p.used {
				return differs(fmt.Sprintf("payload %s in block %d", p.sum, n), "evidence that names it", "none")
			}
			if p.erased {
				erased[p.sum] = true
			}
		}
	}
	for sum, seq := range v.erasures {
		if !erased[sum] {
			return differs(fmt.Sprintf("payload %s, erased by entry %d", sum, seq), "its place", "nothing")
		}
	}
	return nil
}

// checkIndexes compares the indexes by hash with what they have to hold.
func (v *verifier) checkIndexes() error {
	if v.tip.Indexed < 0 || v.tip.Indexed > v.tip.Size {
		return differs("position up to which is indexed", fmt.Sprintf("0 to %d", v.tip.Size), v.tip.Indexed)
	}
	for which, name := range map[HashIndex]string{KeyIndex: "index of keys", SubjectIndex: "index of subjects", PayloadIndex: "index of payloads"} {
		if *v.got[which] != *v.want[which] {
			return differs(name, fmt.Sprintf("%d rows that follow from the ledger", v.want[which].n), fmt.Sprintf("%d, not the same", v.got[which].n))
		}
	}
	return nil
}
