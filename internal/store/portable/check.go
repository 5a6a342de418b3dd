package portable

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/note"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Checked is what a backup holds, when all of it holds.
type Checked struct {
	Head       Head
	Checkpoint ledger.Checkpoint
	Counts     Counts
}

// Check reads a backup and believes none of it: every line is hashed into the
// root of the signed checkpoint, every payload has its digest (Read sees to
// that), every piece of evidence has its payload, and what is erased has its
// entry. v is the key that must have signed.
func Check(r io.Reader, v note.Verifier) (Checked, error) {
	f, err := ledger.NewFrontier(0, nil)
	if err != nil {
		return Checked{}, err
	}
	c := &checker{verifier: v, frontier: f, named: map[evidence.Digest]bool{}, erased: map[evidence.Digest]bool{}}
	if err := Read(r, c); err != nil {
		return Checked{}, err
	}
	return c.out, nil
}

// checker is a Sink that keeps nothing but what it needs to check.
type checker struct {
	verifier note.Verifier
	frontier *ledger.Frontier
	keys     ledger.Succession
	parser   evidence.Parser
	named    map[evidence.Digest]bool // payloads that evidence names: true once there
	erased   map[evidence.Digest]bool // by an entry
	out      Checked
}

func (c *checker) Head(h Head) error {
	c.out.Head = h
	return nil
}

func (c *checker) Lines(first, _ int64, raw []byte) error {
	for seq := first; len(raw) > 0; seq++ {
		end := bytes.IndexByte(raw, '\n')
		line := raw[:end]
		raw = raw[end+1:]
		if err := c.line(seq, line); err != nil {
			return damaged(fmt.Sprintf("entry %d", seq), err)
		}
	}
	c.frontier.Full() // nobody needs the tiles
	return nil
}

func (c *checker) line(seq int64, line []byte) error {
	e, err := evidence.SplitLine(seq, line)
	if err != nil {
		return err
	}
	switch e.Type {
	case evidence.EntryEvidence:
		ev, err := c.parser.Evidence(e)
		if err != nil {
			return err
		}
		if !c.named[ev.PayloadSum] {
			c.named[ev.PayloadSum] = false
		}
	case evidence.EntryErasure:
		er, err := evidence.ParseErasure(e)
		if err != nil {
			return err
		}
		c.erased[er.Payload] = true
	case evidence.EntryKey:
		root := c.frontier.Root()
		if err := store.AddHandover(&c.keys, e, &root); err != nil {
			return err
		}
	}
	c.frontier.Append(ledger.LeafHash(line))
	return nil
}

func (c *checker) Payload(p Payload) error {
	there, ok := c.named[p.Sum]
	switch {
	case !ok || there:
		return damaged("payload "+p.Sum.String(), errors.New("no evidence names it, or it is there twice"))
	case p.Erased != c.erased[p.Sum]:
		return damaged("payload "+p.Sum.String(), fmt.Errorf("erased: %v, the ledger says %v", p.Erased, c.erased[p.Sum]))
	}
	c.named[p.Sum] = true
	return nil
}

func (c *checker) Group(Group) error      { return nil }
func (c *checker) Members([]Member) error { return nil }
func (c *checker) State(State) error      { return nil }
func (c *checker) Tally(Tally) error      { return nil }

func (c *checker) End(e End) error {
	keys, err := c.keys.From(c.verifier)
	if err != nil {
		return damaged("keys", err)
	}
	cp, err := keys.Open(e.Note)
	if err != nil {
		return damaged("checkpoint", err)
	}
	if cp.Size != c.frontier.Size() || cp.Root != c.frontier.Root() {
		return damaged("checkpoint", fmt.Errorf("it says %d entries with root %s, there are %d with %s",
			cp.Size, cp.Root, c.frontier.Size(), c.frontier.Root()))
	}
	if c.out.Head.Origin != cp.Origin || c.out.Head.Size != cp.Size {
		return damaged("head", errors.New("it is of another ledger than the end"))
	}
	for sum, there := range c.named {
		if !there {
			return damaged("payload "+sum.String(), errors.New("evidence names it, and it is not there"))
		}
	}
	c.out.Checkpoint, c.out.Counts = cp, e.Counts
	return nil
}
