package memory

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// snapshot gives the data as it is now. Batches work on copies, so it never
// changes.
func (s *Store) snapshot() *data {
	s.mu.RLock()
	defer s.mu.RUnlock()
	d := s.d
	return &d
}

// Evidence implements store.Reader.
func (s *Store) Evidence(ctx context.Context, q store.EvidenceQuery) iter.Seq2[evidence.Evidence, error] {
	return func(yield func(evidence.Evidence, error) bool) {
		d := s.snapshot()
		for _, it := range d.items {
			if err := ctx.Err(); err != nil {
				yield(evidence.Evidence{}, err)
				return
			}
			if !matches(it, q) {
				continue
			}
			ev := it.ev
			if it.gone == 0 || q.Before > 0 && it.gone >= q.Before {
				ev.GoneAt = time.Time{}
			}
			if q.Payloads {
				ev.Payload = d.payloads[ev.PayloadSum]
			}
			if !yield(ev, nil) {
				return
			}
		}
	}
}

func matches(it *item, q store.EvidenceQuery) bool {
	switch {
	case len(q.Kinds) > 0 && !slices.Contains(q.Kinds, it.ev.Kind),
		q.Source != "" && q.Source != it.ev.Source,
		q.Subject != nil && *q.Subject != it.ev.Subject,
		q.Run != "" && q.Run != it.ev.Run,
		q.Before > 0 && it.ev.Seq >= q.Before,
		it.ev.Seq < q.After:
		return false
	case q.Latest:
		return it.next == 0 || q.Before > 0 && it.next >= q.Before
	}
	return true
}

// Runs implements store.Reader.
func (s *Store) Runs(ctx context.Context, source string) iter.Seq2[evidence.Run, error] {
	return func(yield func(evidence.Run, error) bool) {
		for _, r := range s.snapshot().runs {
			if err := ctx.Err(); err != nil {
				yield(evidence.Run{}, err)
				return
			}
			if source != "" && r.Provenance.Source != source {
				continue
			}
			out := r.Run
			if r.closed < 0 {
				out.Kinds = nil // the counts of an open run are nobody's business yet
			}
			if !yield(out, nil) {
				return
			}
		}
	}
}

// Payload implements store.Reader.
func (s *Store) Payload(_ context.Context, d evidence.Digest) ([]byte, error) {
	b, known := s.snapshot().payloads[d]
	if !known {
		return nil, fmt.Errorf("payload %s: %w", d, store.ErrNotFound)
	}
	if b == nil {
		return nil, fmt.Errorf("payload %s: %w", d, store.ErrErased)
	}
	return slices.Clone(b), nil
}

// State implements store.Reader.
func (s *Store) State(_ context.Context, source string) (store.State, error) {
	st := s.snapshot().state[source]
	out := store.State{Cursors: map[string]string{}, Validators: map[string]json.RawMessage{}}
	maps.Copy(out.Cursors, st.Cursors)
	maps.Copy(out.Validators, st.Validators)
	return out, nil
}

// Checkpoint implements store.Ledger.
func (s *Store) Checkpoint(context.Context) ([]byte, error) {
	d := s.snapshot()
	if d.note == nil {
		return nil, fmt.Errorf("checkpoint: %w: the ledger has no entry yet", store.ErrNoStore)
	}
	return d.note, nil
}

// ReadHashes implements tlog.HashReader.
func (s *Store) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	return s.snapshot().hashes().ReadHashes(indexes)
}

// Entries implements store.Ledger.
func (s *Store) Entries(ctx context.Context, from, to int64, types ...evidence.EntryType) iter.Seq2[evidence.Entry, error] {
	return func(yield func(evidence.Entry, error) bool) {
		d := s.snapshot()
		for seq := max(from, 0); seq < min(to, int64(len(d.lines))); seq++ {
			if err := ctx.Err(); err != nil {
				yield(evidence.Entry{}, err)
				return
			}
			if len(types) > 0 && !slices.Contains(types, d.types[seq]) {
				continue
			}
			e, err := evidence.ParseLine(seq, d.lines[seq])
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// Snapshot implements store.Verifiable.
func (s *Store) Snapshot(_ context.Context, fn func(store.Raw) error) error {
	return fn(newRaw(s.snapshot()))
}

// tiles computes the tiles of a log.
func tiles(lines [][]byte) ([]ledger.Tile, error) {
	f, err := ledger.NewFrontier(0, nil)
	if err != nil {
		return nil, err
	}
	for _, line := range lines {
		f.Append(tlog.RecordHash(line))
	}
	out := f.Drain()
	slices.SortFunc(out, func(a, b ledger.Tile) int {
		if a.Level != b.Level {
			return a.Level - b.Level
		}
		return int(a.N - b.N)
	})
	return out, nil
}
