package service

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/evaluate"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Store is where everything is kept, for reading.
func (s *Service) Store() interface {
	store.Reader
	store.Ledger
} {
	return s.store
}

// Payload returns the canonical bytes of a payload: store.ErrNotFound if there
// is none, store.ErrErased if it was erased. Whoever shows it records who saw it.
func (s *Service) Payload(ctx context.Context, sum evidence.Digest) ([]byte, error) {
	return s.store.Payload(ctx, sum)
}

// Proof shows that an entry is in the ledger that a checkpoint signs.
type Proof struct {
	Seq        int64          `json:"seq"`
	Entry      string         `json:"entry"` // the line of the ledger, as it was hashed
	Hashes     []string       `json:"hashes"`
	Checkpoint string         `json:"checkpoint"` // the signed note
	Size       int64          `json:"size"`
	Root       string         `json:"root"`
	Key        string         `json:"key,omitempty"` // the verifier key, where the signing key is
	At         evidence.Entry `json:"-"`
}

// Proof proves that the entry at a position is in the ledger.
func (s *Service) Proof(ctx context.Context, seq int64) (*Proof, error) {
	note, err := s.store.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	cp, err := ledger.UnverifiedCheckpoint(note)
	if err != nil {
		return nil, err
	}
	if seq < 0 || seq >= cp.Size {
		return nil, notFound("", nil, "exhibit ledger checkpoint says how many there are", "the ledger has no entry %d", seq)
	}
	e, err := evaluate.EntryAt(ctx, s.store, seq)
	if err != nil {
		return nil, err
	}
	path, err := tlog.ProveRecord(cp.Size, seq, s.store)
	if err != nil {
		return nil, fmt.Errorf("entry %d: %w", seq, err)
	}
	p := &Proof{Seq: seq, Entry: string(e.Line), Checkpoint: string(note), Size: cp.Size, Root: cp.Root.String(), At: e}
	for _, h := range path {
		p.Hashes = append(p.Hashes, h.String())
	}
	if s.Key != nil {
		p.Key = s.Key.Public()
	}
	return p, nil
}
