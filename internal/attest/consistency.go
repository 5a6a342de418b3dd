package attest

import (
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/ledger"
)

// Log is the ledger as it is given to others: the checkpoint of its content,
// signed, and all of it to prove with.
type Log struct {
	Content ledger.Checkpoint // after the last entry that an assessment can depend on
	Note    []byte            // Content, signed by the ledger's key
	Newest  ledger.Checkpoint // of the whole ledger; at least Content
	Hashes  tlog.HashReader   // of the whole ledger
	Key     note.Verifier
}

// NewLog signs the checkpoint of the content, once the ledger has shown that it
// is the beginning of what the ledger itself signed last: hashes that somebody
// changed behind the ledger's back are given to nobody.
func NewLog(content ledger.Checkpoint, newestNote []byte, hashes tlog.HashReader, signer note.Signer, key note.Verifier) (Log, error) {
	newest, err := ledger.OpenCheckpoint(newestNote, key)
	if err != nil {
		return Log{}, err
	}
	content.Origin = newest.Origin
	if err := ledger.CheckContinues(content, newest, hashes); err != nil {
		return Log{}, fmt.Errorf("the ledger of %d entries does not lead to its own checkpoint of %d entries: %w", content.Size, newest.Size, err)
	}
	signed, err := content.Sign(signer)
	if err != nil {
		return Log{}, err
	}
	return Log{Content: content, Note: signed, Newest: newest, Hashes: hashes, Key: key}, nil
}

// Continues checks that the log contains, unchanged, what a checkpoint covers
// that was given away earlier. where says who has it. A checkpoint that is
// larger than the content, and not larger than the ledger, is no rollback: it
// was made with entries that only conclude.
func (l Log) Continues(old ledger.Checkpoint, where string) error {
	if err := ledger.CheckContinues(old, l.Newest, l.Hashes); err != nil {
		return fmt.Errorf("%s has a checkpoint of %d entries, this ledger has %d: %w", where, old.Size, l.Newest.Size, err)
	}
	return nil
}

// ContinuesNote is Continues for a signed note: one that is not signed by the
// ledger's key is refused too.
func (l Log) ContinuesNote(msg []byte, where string) (ledger.Checkpoint, error) {
	old, err := ledger.OpenCheckpoint(msg, l.Key)
	if err != nil {
		return ledger.Checkpoint{}, fmt.Errorf("%s: %w", where, err)
	}
	return old, l.Continues(old, where)
}

// ContinuesAll checks every checkpoint that is on record, each once.
func (l Log) ContinuesAll(all []Attestation) error {
	seen := map[string]bool{}
	for _, a := range all {
		if seen[string(a.Note)] {
			continue
		}
		seen[string(a.Note)] = true
		if _, err := l.ContinuesNote(a.Note, fmt.Sprintf("the %s recorded as entry %d", a.Kind, a.Seq)); err != nil {
			return err
		}
	}
	return nil
}

// reaches checks a size that another claims to have seen.
func (l Log) reaches(size int64, where string) error {
	switch {
	case size > l.Newest.Size:
		return fmt.Errorf("%s has seen %d entries, this ledger has %d: %w", where, size, l.Newest.Size, ledger.ErrRollback)
	case size > l.Content.Size:
		return fmt.Errorf("%s: %w: it has seen %d entries already, more than the %d that the ledger's content has; try again once more was collected",
			where, ErrPeer, size, l.Content.Size)
	}
	return nil
}

// published returns the newest checkpoint on record as published at a place,
// the empty one if there is none, and checks that the log continues it.
func (l Log) published(all []Attestation, to, where string) (ledger.Checkpoint, error) {
	last := ledger.Checkpoint{}
	for _, a := range all {
		if p := a.Publication; p != nil && p.To == to && p.Where == where && a.Checkpoint.Size >= last.Size {
			cp, err := l.ContinuesNote(a.Note, fmt.Sprintf("%s, as entry %d records,", where, a.Seq))
			if err != nil {
				return ledger.Checkpoint{}, err
			}
			last = cp
		}
	}
	return last, nil
}
