package ledger

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Errors of verification. All of them mean that something does not hold.
var (
	// ErrCheckpoint: the bytes are no checkpoint.
	ErrCheckpoint = errors.New("not a checkpoint")
	// ErrSignature: no signature by the expected key.
	ErrSignature = errors.New("checkpoint is not signed by the expected key")
	// ErrProof: a proof does not lead to the root it was given for.
	ErrProof = errors.New("proof does not hold")
	// ErrRollback: the log is shorter than one that was seen before.
	ErrRollback = errors.New("log is shorter than it was")
	// ErrFork: the log is not a continuation of one that was seen before.
	ErrFork = errors.New("log was rewritten: it does not contain what was seen before")
)

// Checkpoint is the state of a log: how many entries, and the root over them.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   tlog.Hash
}

// Text is the body of the note: three lines.
func (c Checkpoint) Text() string {
	return c.Origin + "\n" + strconv.FormatInt(c.Size, 10) + "\n" + c.Root.String() + "\n"
}

// Sign returns the signed note. The origin becomes the signer's name.
func (c Checkpoint) Sign(s note.Signer) ([]byte, error) {
	c.Origin = s.Name()
	msg, err := note.Sign(&note.Note{Text: c.Text()}, s)
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint of size %d: %w", c.Size, err)
	}
	return msg, nil
}

// OpenCheckpoint verifies the signature of v's key on msg, and that msg is a
// checkpoint of v's log. Signatures by other keys are ignored. If v is Keys, the
// key may be any of them that had not been retired at the checkpoint's size.
func OpenCheckpoint(msg []byte, v note.Verifier) (Checkpoint, error) {
	if k, ok := v.(Keys); ok {
		return k.Open(msg)
	}
	n, err := note.Open(msg, note.VerifierList(v))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w (%s): %w", ErrSignature, v.Name(), err)
	}
	for _, sig := range append(n.Sigs, n.UnverifiedSigs...) {
		// note ignores bits that base64 leaves over; a note has one form only.
		if _, err := base64.StdEncoding.Strict().DecodeString(sig.Base64); err != nil {
			return Checkpoint{}, fmt.Errorf("%w: signature by %s is not in its only form", ErrCheckpoint, sig.Name)
		}
	}
	c, err := parseText(n.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	if c.Origin != v.Name() {
		return Checkpoint{}, fmt.Errorf("%w: origin %q, key of %q", ErrSignature, c.Origin, v.Name())
	}
	return c, nil
}

// UnverifiedCheckpoint reads a note without a key. Use it only to show what
// is claimed.
func UnverifiedCheckpoint(msg []byte) (Checkpoint, error) {
	text, _, ok := strings.Cut(string(msg), "\n\n")
	if !ok {
		return Checkpoint{}, fmt.Errorf("%w: no blank line before the signatures", ErrCheckpoint)
	}
	return parseText(text + "\n")
}

// parseText reads the body strictly: what it returns has the same text.
func parseText(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] == "" {
		return Checkpoint{}, fmt.Errorf("%w: want origin, size and root, one a line", ErrCheckpoint)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return Checkpoint{}, fmt.Errorf("%w: size %.24q", ErrCheckpoint, lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return Checkpoint{}, fmt.Errorf("%w: root %.60q", ErrCheckpoint, lines[2])
	}
	c := Checkpoint{Origin: lines[0], Size: size, Root: tlog.Hash(root)}
	if c.Text() != text {
		return Checkpoint{}, fmt.Errorf("%w: not in its only form", ErrCheckpoint)
	}
	return c, nil
}

// ProveInclusion gives the proof that entry seq is in the log of size size.
func ProveInclusion(size, seq int64, r tlog.HashReader) ([]tlog.Hash, error) {
	p, err := tlog.ProveRecord(size, seq, r)
	if err != nil {
		return nil, fmt.Errorf("prove entry %d of %d: %w", seq, size, err)
	}
	return p, nil
}

// VerifyInclusion checks that line is entry seq of the log that c describes.
func VerifyInclusion(c Checkpoint, seq int64, line []byte, proof []tlog.Hash) error {
	if err := tlog.CheckRecord(proof, c.Size, c.Root, seq, tlog.RecordHash(line)); err != nil {
		return fmt.Errorf("%w: entry %d in the log of size %d: %w", ErrProof, seq, c.Size, err)
	}
	return nil
}

// ProveConsistency gives the proof that the log of size from is the beginning
// of the log of size to; from 0 needs none.
func ProveConsistency(from, to int64, r tlog.HashReader) ([]tlog.Hash, error) {
	if from == 0 {
		return nil, nil
	}
	p, err := tlog.ProveTree(to, from, r)
	if err != nil {
		return nil, fmt.Errorf("prove that size %d continues size %d: %w", to, from, err)
	}
	return p, nil
}

// VerifyConsistency checks that the log seen as old is the beginning of the
// one seen as now: ErrRollback if it got shorter, ErrFork if it was rewritten.
func VerifyConsistency(old, now Checkpoint, proof []tlog.Hash) error {
	switch {
	case old.Origin != now.Origin:
		return fmt.Errorf("%w: %q is another log than %q", ErrFork, now.Origin, old.Origin)
	case now.Size < old.Size:
		return fmt.Errorf("%w: %d entries, %d were seen before", ErrRollback, now.Size, old.Size)
	case old.Size == 0:
		if empty, err := tlog.TreeHash(0, nil); err != nil || old.Root != empty {
			return fmt.Errorf("%w: an empty log has another root", ErrFork)
		}
		return nil
	}
	if err := tlog.CheckTree(proof, now.Size, now.Root, old.Size, old.Root); err != nil {
		return fmt.Errorf("%w: size %d to %d: %w", ErrFork, old.Size, now.Size, err)
	}
	return nil
}

// CheckContinues is ProveConsistency and VerifyConsistency in one, for who has
// the log at hand: r gives the hashes of the log that now describes.
func CheckContinues(old, now Checkpoint, r tlog.HashReader) error {
	if now.Size < old.Size || old.Origin != now.Origin {
		return VerifyConsistency(old, now, nil)
	}
	p, err := ProveConsistency(old.Size, now.Size, r)
	if err != nil {
		return err
	}
	return VerifyConsistency(old, now, p)
}
