package verify

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/zipform"
	"github.com/exhibit-aims/exhibit/internal/ledger"

	"golang.org/x/mod/sumdb/tlog"
)

// Earlier is a state of a ledger that somebody kept.
type Earlier struct {
	Name string // of the file it is from
	Note []byte // the signed checkpoint
	AsOf string // of a bundle; empty for a checkpoint alone
}

// ReadEarlier reads a checkpoint, or the one in a bundle, unverified: the
// signature is checked with the key of what is held against it.
func ReadEarlier(path string) (Earlier, error) {
	f, err := os.Open(path)
	if err != nil {
		return Earlier{}, err
	}
	defer f.Close() // only read
	info, err := f.Stat()
	if err != nil {
		return Earlier{}, err
	}
	e := Earlier{Name: path}
	zr, err := zipform.Open(f, info.Size())
	if err != nil { // no archive
		e.Note, err = io.ReadAll(io.LimitReader(f, maxNote))
		if err == nil {
			_, err = ledger.UnverifiedCheckpoint(e.Note)
		}
		return e, err
	}
	for entry, err := range zr.Entries() {
		if err != nil {
			return e, err
		}
		if entry.Name == bundle.CheckpointFile {
			e.Note, _, err = zr.Read(entry, maxNote)
			return e, err
		}
	}
	return e, fmt.Errorf("%s: no checkpoint in it", path)
}

// compared finds the roots that this ledger had at other sizes.
type compared struct {
	want  map[int64]bool
	roots map[int64]tlog.Hash
}

func newCompared(earlier []Earlier) *compared {
	c := &compared{want: map[int64]bool{}, roots: map[int64]tlog.Hash{}}
	for _, e := range earlier {
		if cp, err := ledger.UnverifiedCheckpoint(e.Note); err == nil {
			c.want[cp.Size] = true
		}
	}
	return c
}

// at notes the root at the size that was reached.
func (c *compared) at(t *bundle.Tree) error {
	if c == nil || !c.want[t.Size()] {
		return nil
	}
	h, err := t.Root()
	c.roots[t.Size()] = h
	return err
}

// earlier holds the bundle's ledger against states of it that were kept.
func (a *archive) earlier(_ context.Context) error {
	for _, e := range a.opt.Against {
		cp, err := a.keys.Open(e.Note)
		place := fmt.Sprintf("against %s, %d entries", clip(e.Name), cp.Size)
		if err != nil {
			return fail(bundle.CheckpointFile, "against "+clip(e.Name), "a state of the ledger signed by the same key, or one before it", err.Error())
		}
		now := a.checkpoint
		root, known := a.book.against.roots[cp.Size]
		switch {
		case cp.Size > now.Size:
			return fail(bundle.CheckpointFile, place, fmt.Sprintf("at least the %d entries that there were", cp.Size),
				fmt.Sprintf("%d: entries were dropped (rollback), unless this is the older of the two, or those after it only conclude", now.Size))
		case cp.Size == now.Size:
			root, known = now.Root, true
		}
		switch {
		case !known:
			a.report.Notes = append(a.report.Notes, fmt.Sprintf("%s: whether this ledger continues it cannot be told from a bundle that has only the lines used", place))
			continue
		case root != cp.Root:
			return fail(bundle.CheckpointFile, place, "the root "+cp.Root.String(),
				root.String()+": the ledger was written anew since (fork)")
		}
		a.report.held(checkAgainst, 1)
		a.report.Notes = append(a.report.Notes, fmt.Sprintf("%s: continued by %d entries", place, now.Size-cp.Size))
	}
	return nil
}
