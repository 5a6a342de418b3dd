package sqlstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/portable"
)

// Store is a store.Store on a DB whose schema is there.
type Store struct {
	db  DB
	now func() time.Time

	keyHash func(source, kind, key string) int64
	tailMax int        // how many rows the tail takes
	tails   chan *tail // the one tail: out while a writer has it, until its transaction is over

	mu     sync.Mutex
	signer note.Signer      // changed by Rotate
	ids    map[string]int64 // committed rows of names: kinds and sources
	grp    map[groupName]int64
	runs   map[string]*openRun // opened by a committed entry; may be closed since

	kept *keptPayloads // of the block that was read last

	appended atomic.Pointer[func(time.Duration)] // told how long an append took
}

// OnAppend has f told how long each Append took that succeeded. f is called from
// many goroutines.
func (s *Store) OnAppend(f func(took time.Duration)) { s.appended.Store(&f) }

type groupName struct {
	source int64
	name   string
}

// maxGroups bounds how many groups' ids are remembered.
const maxGroups = 64 << 10

// maxRuns bounds how many runs are remembered.
const maxRuns = 256

var (
	_ store.Store      = (*Store)(nil)
	_ store.Verifiable = (*Store)(nil)
	_ portable.Store   = (*Store)(nil)
)

// New makes a Store. signer may be nil for a store that is only read; now may
// be nil for the system's clock.
func New(db DB, signer note.Signer, now func() time.Time) *Store {
	if now == nil {
		now = time.Now
	}
	tails := make(chan *tail, 1)
	tails <- newTail(tip{})
	return &Store{
		db: db, signer: signer, now: now, keyHash: store.KeyHash, tailMax: tailMax, tails: tails,
		ids: make(map[string]int64), grp: make(map[groupName]int64),
		runs: make(map[string]*openRun),
	}
}

// SortAfter has the tail sorted into the indexes when it has so many rows, for
// tests that look at both in a small store. It is called before the store is used.
func (s *Store) SortAfter(rows int) { s.tailMax = rows }

// signs gives the signer, nil for a store that is only read.
func (s *Store) signs() note.Signer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.signer
}

// Close ends the use of the store.
func (s *Store) Close() error { return s.db.Close() }

// ReadHashes implements tlog.HashReader on the stored tiles.
func (s *Store) ReadHashes(indexes []int64) (out []tlog.Hash, err error) {
	ctx := endless{}
	err = s.db.Read(ctx, func(tx Tx) error {
		out, err = ledger.Hashes(tileReader(ctx, tx)).ReadHashes(indexes)
		return err
	})
	return out, err
}

// Endless is the context of what is done while a store is opened: a step of the
// schema is taken whole or rolled back.
func Endless() context.Context { return endless{} }

// endless is the context of ReadHashes, whose interface hands none down. What
// it reads is a few tiles; nothing waits for a lock.
type endless struct{}

var _ context.Context = endless{}

func (endless) Deadline() (time.Time, bool) { return time.Time{}, false }
func (endless) Done() <-chan struct{}       { return nil }
func (endless) Err() error                  { return nil }
func (endless) Value(any) any               { return nil }

// Checkpoint implements store.Ledger.
func (s *Store) Checkpoint(ctx context.Context) (msg []byte, err error) {
	err = s.db.Read(ctx, func(tx Tx) error {
		t, err := readTip(ctx, tx)
		msg = t.note
		return err
	})
	if err == nil && msg == nil {
		return nil, fmt.Errorf("checkpoint: %w: the ledger has no entry yet", store.ErrNoStore)
	}
	return msg, err
}

// tip is the end of the ledger.
type tip struct {
	size int64
	at   time.Time // of the last entry
	note []byte    // nil before the first entry

	indexed      int64 // rows of evidence below are in key_index and subject_index
	indexedBlock int64 // payload blocks below are in payload_index
}

func readTip(ctx context.Context, tx Tx) (tip, error) {
	var t tip
	var at int64
	ok, err := one(ctx, tx, []any{&t.size, &at, &t.note, &t.indexed, &t.indexedBlock},
		"SELECT size, at, note, indexed, indexed_block FROM checkpoint WHERE id = 1")
	if err != nil || !ok {
		return tip{}, err
	}
	t.at = micros(at)
	return t, nil
}

// openTip reads the end of the ledger for appending to it, and refuses to
// continue a log that is not this signer's or does not match its tiles.
func (s *Store) openTip(ctx context.Context, tx Tx) (tip, *ledger.Frontier, error) {
	signer := s.signs()
	if signer == nil {
		return tip{}, nil, errors.New("the store was opened without a signing key and cannot be written")
	}
	t, err := readTip(ctx, tx)
	if err != nil {
		return tip{}, nil, err
	}
	f, err := ledger.NewFrontier(t.size, tileReader(ctx, tx))
	if err != nil {
		return tip{}, nil, fmt.Errorf("%w: %w", store.ErrTampered, err)
	}
	if t.note == nil {
		return t, f, nil
	}
	c, err := ledger.UnverifiedCheckpoint(t.note)
	if err != nil {
		return tip{}, nil, fmt.Errorf("%w: %w", store.ErrTampered, err)
	}
	if err := store.CheckSigner(t.note, signer); err != nil {
		return tip{}, nil, err
	}
	if c.Size != t.size || c.Root != f.Root() {
		return tip{}, nil, fmt.Errorf("%w: checkpoint says %d entries with root %s, tiles give %d with %s; run exhibit verify",
			store.ErrTampered, c.Size, c.Root, t.size, f.Root())
	}
	return t, f, nil
}

func tileReader(ctx context.Context, tx Tx) ledger.ReadTile {
	return func(level int, n int64) ([]byte, error) {
		var data []byte
		ok, err := one(ctx, tx, []any{&data}, "SELECT hashes FROM tiles WHERE level = $1 AND n = $2", int64(level), n)
		if err == nil && !ok {
			err = fmt.Errorf("no such tile: %w", store.ErrNotFound)
		}
		return bytes.Clone(data), err
	}
}

// micros gives the time of a stored number of microseconds; 0 is no time.
func micros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// lineReader gives single lines; it keeps the blocks it unpacked last.
type lineReader struct {
	tx   Tx
	kept []unpackedBlock // newest last
}

type unpackedBlock struct {
	first int64
	lines [][]byte
}

// keptBlocks is how many unpacked blocks a lineReader holds: 4 MiB.
const keptBlocks = 64

func (r *lineReader) line(ctx context.Context, seq int64) ([]byte, error) {
	for i := len(r.kept) - 1; i >= 0; i-- {
		if k := r.kept[i]; k.first <= seq && seq < k.first+int64(len(k.lines)) {
			return k.lines[seq-k.first], nil
		}
	}
	b, err := readLineBlock(ctx, r.tx, seq)
	if err != nil {
		return nil, err
	}
	lines, err := b.lines()
	if err != nil {
		return nil, err
	}
	if len(r.kept) >= keptBlocks {
		r.kept = append(r.kept[:0], r.kept[1:]...)
	}
	r.kept = append(r.kept, unpackedBlock{b.first, lines})
	return lines[seq-b.first], nil
}

// entry reads one entry whose bytes were checked when they were written.
func (r *lineReader) entry(ctx context.Context, seq int64) (evidence.Entry, error) {
	line, err := r.line(ctx, seq)
	if err != nil {
		return evidence.Entry{}, err
	}
	e, err := evidence.SplitLine(seq, line)
	if err != nil {
		return evidence.Entry{}, fmt.Errorf("%w: %w", store.ErrTampered, err)
	}
	return e, nil
}

func readLineBlock(ctx context.Context, tx Tx, seq int64) (*lineBlock, error) {
	var b lineBlock
	ok, err := one(ctx, tx, []any{&b.first, &b.n, &b.raw, &b.data},
		"SELECT first, n, raw, data FROM line_blocks WHERE first <= $1 ORDER BY first DESC LIMIT 1", seq)
	if err != nil {
		return nil, err
	}
	if !ok || !b.has(seq) {
		return nil, fmt.Errorf("entry %d: %w: no block holds it", seq, store.ErrTampered)
	}
	return &b, nil
}
