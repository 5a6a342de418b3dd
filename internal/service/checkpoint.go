package service

import (
	"context"
	"errors"

	"github.com/exhibit-aims/exhibit/internal/evaluate"
	"github.com/exhibit-aims/exhibit/internal/ledger"
)

// SignedCheckpoint is a checkpoint to be kept elsewhere.
type SignedCheckpoint struct {
	Origin string `json:"origin"`
	Size   int64  `json:"size"`
	Root   string `json:"root"`
	Note   string `json:"note" doc:"The signed note."`
	Key    string `json:"key,omitempty" doc:"The public key, where the signing key is at hand."`
}

// ErrNoKey: what is to be signed cannot be signed here.
var ErrNoKey = errors.New("there is no key to sign the checkpoint with")

// Checkpoint is the signed checkpoint of what the ledger holds, which the next
// export signs as well; or, if the newest is wanted, that of all entries, with those
// that only conclude.
func (s *Service) Checkpoint(ctx context.Context, newest bool) (SignedCheckpoint, error) {
	note, err := s.store.Checkpoint(ctx)
	if err != nil {
		return SignedCheckpoint{}, err
	}
	cp, err := ledger.UnverifiedCheckpoint(note)
	if err != nil {
		return SignedCheckpoint{}, err
	}
	if !newest {
		content, err := evaluate.Content(ctx, s.store)
		if err != nil {
			return SignedCheckpoint{}, err
		}
		if content.Size != cp.Size {
			if s.Key == nil {
				return SignedCheckpoint{}, Mistake{ErrNoKey, "the newest is signed already: ask for that"}
			}
			cp = content
			if note, err = cp.Sign(s.Key.Signer()); err != nil {
				return SignedCheckpoint{}, err
			}
		}
	}
	out := SignedCheckpoint{Origin: cp.Origin, Size: cp.Size, Root: cp.Root.String(), Note: string(note)}
	if s.Key != nil {
		out.Key = s.Key.Public()
	}
	return out, nil
}
