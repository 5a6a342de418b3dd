package store

import (
	"context"
	"errors"
	"fmt"
	"math"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
)

// ErrKey: the signing key at hand is not the one that signs this ledger now.
var ErrKey = errors.New("not the key that signs this ledger")

// KeyChange asks for the ledger to be signed by another key from now on.
type KeyChange struct {
	Old, New *ledger.Key
	By       string
	Reason   string
}

// Entry makes the entry that says so, for a ledger that c describes.
func (k KeyChange) Entry(c ledger.Checkpoint) (evidence.KeyHandover, error) {
	msg, err := k.Old.HandOver(k.New, c)
	return evidence.KeyHandover{Note: string(msg), By: k.By, Reason: k.Reason}, err
}

// CheckSigner refuses to continue a ledger that signer does not sign. newest is
// its signed checkpoint, nil before the first entry.
func CheckSigner(newest []byte, signer note.Signer) error {
	if newest == nil || ledger.SignedBy(newest, signer.Name(), signer.KeyHash()) {
		return nil
	}
	c, err := ledger.UnverifiedCheckpoint(newest)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrTampered, err)
	}
	if c.Origin != signer.Name() {
		return fmt.Errorf("%w: it was begun with key %s, the signing key at hand is %s; use the first one", ErrKey, c.Origin, signer.Name())
	}
	return fmt.Errorf("%w: %s+%08x was handed over to another key, or comes from a later copy of the ledger; use the newest key",
		ErrKey, signer.Name(), signer.KeyHash())
}

// Keys follows the handovers in a ledger to the keys that signed it, for who
// trusts one of them. It holds each handover's signatures, not its root, which
// Verify does.
func Keys(ctx context.Context, l Ledger, trusted note.Verifier) (ledger.Keys, error) {
	var s ledger.Succession
	for e, err := range l.Entries(ctx, 0, math.MaxInt64, evidence.EntryKey) {
		if err != nil {
			return ledger.Keys{}, err
		}
		if err := AddHandover(&s, e, nil); err != nil {
			return ledger.Keys{}, fmt.Errorf("%w: entry %d: %w", ErrTampered, e.Seq, err)
		}
	}
	k, err := s.From(trusted)
	if err != nil {
		return k, fmt.Errorf("%w: %w", ErrTampered, err)
	}
	return k, nil
}

// AddHandover takes an entry by which the key was handed over. root is that of
// the ledger before it; nil where it is not known.
func AddHandover(s *ledger.Succession, e evidence.Entry, root *tlog.Hash) error {
	k, err := evidence.ParseKey(e)
	if err != nil {
		return err
	}
	return s.Add([]byte(k.Note), e.Seq, root)
}
