package ledger

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// ErrHandover: a handover from one key to the next does not hold.
var ErrHandover = errors.New("handover of the signing key does not hold")

// handoverTitle is the first line of a handover.
const handoverTitle = "exhibit key handover v1"

// Handover says that from a size of the log on another key signs it. The log
// keeps its origin, which is the name of all its keys. It is a note, signed by
// both keys:
//
//	exhibit key handover v1
//	<origin>
//	<size of the log before the entry that holds the handover>
//	<root of that log>
//	<verifier key until then>
//	<verifier key from then on>
type Handover struct {
	Origin   string
	Size     int64
	Root     tlog.Hash
	Old, New string // verifier keys
}

func (h *Handover) text() string {
	return strings.Join([]string{handoverTitle, h.Origin, strconv.FormatInt(h.Size, 10), h.Root.String(), h.Old, h.New, ""}, "\n")
}

// HandOver signs with both keys that the next one follows this one after the
// log that c describes.
func (k *Key) HandOver(next *Key, c Checkpoint) ([]byte, error) {
	if next.Origin() != k.Origin() {
		return nil, fmt.Errorf("%w: a key of %s cannot follow one of %s", ErrHandover, next.Origin(), k.Origin())
	}
	h := Handover{Origin: k.Origin(), Size: c.Size, Root: c.Root, Old: k.public, New: next.public}
	msg, err := note.Sign(&note.Note{Text: h.text()}, k.signer, next.signer)
	if err != nil {
		return nil, fmt.Errorf("sign handover: %w", err)
	}
	return msg, nil
}

// OpenHandover reads a handover and verifies the signatures of the two keys
// that it names. Whether the first of them is to be believed is for a
// Succession to say.
func OpenHandover(msg []byte) (Handover, error) {
	text, _, _ := strings.Cut(string(msg), "\n\n")
	f := strings.Split(text, "\n")
	if len(f) != 6 || f[0] != handoverTitle {
		return Handover{}, fmt.Errorf("%w: it is not of the form", ErrHandover)
	}
	c, err := parseText(strings.Join(f[1:4], "\n") + "\n")
	if err != nil {
		return Handover{}, fmt.Errorf("%w: %w", ErrHandover, err)
	}
	h := Handover{Origin: c.Origin, Size: c.Size, Root: c.Root, Old: f[4], New: f[5]}
	if h.Old == h.New {
		return Handover{}, fmt.Errorf("%w: from a key to itself", ErrHandover)
	}
	for _, key := range []string{h.Old, h.New} {
		v, err := ParseVerifier(key)
		if err != nil || v.Name() != h.Origin {
			return Handover{}, fmt.Errorf("%w: %.120q is no key of %s", ErrHandover, key, h.Origin)
		}
		n, err := note.Open(msg, note.VerifierList(v))
		if err != nil {
			return Handover{}, fmt.Errorf("%w: no signature by %s+%08x: %w", ErrHandover, v.Name(), v.KeyHash(), err)
		}
		if n.Text != h.text() {
			return Handover{}, fmt.Errorf("%w: it is not in its only form", ErrHandover)
		}
	}
	return h, nil
}

// Succession is the handovers of one log, in its order.
type Succession struct{ steps []Handover }

// Add takes the handover in the entry at a position. root is that of the log
// before the entry; nil where it is not known.
func (s *Succession) Add(msg []byte, seq int64, root *tlog.Hash) error {
	h, err := OpenHandover(msg)
	switch {
	case err != nil:
		return err
	case h.Size != seq:
		return fmt.Errorf("%w: of a log of %d entries, at entry %d", ErrHandover, h.Size, seq)
	case root != nil && h.Root != *root:
		return fmt.Errorf("%w: it says the log before had root %s, it had %s", ErrHandover, h.Root, *root)
	}
	if n := len(s.steps); n > 0 && (s.steps[n-1].New != h.Old || s.steps[n-1].Size >= h.Size) {
		return fmt.Errorf("%w: at entry %d by a key that did not sign the log", ErrHandover, seq)
	}
	s.steps = append(s.steps, h)
	return nil
}

// Len is how many handovers there were.
func (s *Succession) Len() int { return len(s.steps) }

// Has reports whether v is one of the keys of the succession.
func (s *Succession) Has(v note.Verifier) bool {
	k, err := s.From(v)
	return err == nil && len(k.list) > 0
}

// From gives the keys of the log to who trusts v, which must be one of them:
// each key has signed for the next, and the next for the one before.
func (s *Succession) From(v note.Verifier) (Keys, error) {
	if len(s.steps) == 0 {
		return OneKey(v), nil
	}
	var k Keys
	trusted := false
	add := func(text string, until int64) error {
		next, err := ParseVerifier(text)
		if err != nil {
			return err
		}
		trusted = trusted || sameKey(next, v)
		k.list = append(k.list, keyUntil{next, until})
		return nil
	}
	for _, h := range s.steps {
		if err := add(h.Old, h.Size); err != nil {
			return Keys{}, err
		}
	}
	if err := add(s.steps[len(s.steps)-1].New, math.MaxInt64); err != nil {
		return Keys{}, err
	}
	if !trusted {
		return Keys{}, fmt.Errorf("%w: %s+%08x is none of the %d keys that signed this log", ErrSignature, v.Name(), v.KeyHash(), len(k.list))
	}
	return k, nil
}

func sameKey(a, b note.Verifier) bool { return a.Name() == b.Name() && a.KeyHash() == b.KeyHash() }

// Keys are the keys of one log, in the order in which they signed it. A key
// signs no log that is longer than the one it was handed over at.
type Keys struct{ list []keyUntil }

type keyUntil struct {
	key   note.Verifier
	until int64 // largest size it signs
}

// OneKey are the keys of a log whose key was never handed over.
func OneKey(v note.Verifier) Keys { return Keys{[]keyUntil{{v, math.MaxInt64}}} }

// Keys are a note.Verifier, that of the key that signs now, so that they can be
// handed to whoever opens checkpoints: OpenCheckpoint knows them.
var _ note.Verifier = Keys{}

// Name is the log's origin, which all its keys have as name.
func (k Keys) Name() string { return k.Current().Name() }

// KeyHash is that of the key that signs now.
func (k Keys) KeyHash() uint32 { return k.Current().KeyHash() }

// Verify verifies a signature by the key that signs now.
func (k Keys) Verify(msg, sig []byte) bool { return k.Current().Verify(msg, sig) }

// Current is the key that signs now.
func (k Keys) Current() note.Verifier { return k.list[len(k.list)-1].key }

// Len is how many keys there are.
func (k Keys) Len() int { return len(k.list) }

// Open is OpenCheckpoint for a log whose key may have been handed over.
func (k Keys) Open(msg []byte) (Checkpoint, error) {
	var errs []error
	for i := len(k.list) - 1; i >= 0; i-- {
		c, err := OpenCheckpoint(msg, k.list[i].key)
		if err == nil && c.Size > k.list[i].until {
			err = fmt.Errorf("%w: it is of %d entries, and its key was retired at %d", ErrSignature, c.Size, k.list[i].until)
		}
		if err == nil {
			return c, nil
		}
		errs = append(errs, err)
	}
	return Checkpoint{}, errors.Join(errs...)
}

// SignedBy reports whether a note carries a signature line of a key; it does
// not verify the signature.
func SignedBy(msg []byte, name string, hash uint32) bool {
	_, err := note.Open(msg, note.VerifierList())
	var unverified *note.UnverifiedNoteError
	if !errors.As(err, &unverified) {
		return false
	}
	for _, s := range unverified.Note.UnverifiedSigs {
		if s.Name == name && s.Hash == hash {
			return true
		}
	}
	return false
}
