package bundle

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export/redact"
)

// plain are the types of entries that quote no result: those that a bundle has
// which hides something.
var plain = []evidence.EntryType{evidence.EntryRunOpened, evidence.EntryEvidence, evidence.EntryGone, evidence.EntryRunClosed, evidence.EntryErasure, evidence.EntryKey}

// Plain reports whether entries of a type quote no result.
func Plain(t evidence.EntryType) bool { return slices.Contains(plain, t) }

// mark decides which lines the bundle has.
func (b *writer) mark(ctx context.Context) error {
	b.have = newPositions(b.cp.Size)
	if b.in.Scope == Used {
		return b.markUsed(ctx)
	}
	if b.in.Redaction.Nothing() {
		b.have.fill(b.head.Assessed.Size)
		return nil
	}
	for e, err := range b.snap.Ledger.Entries(ctx, 0, b.head.Assessed.Size, plain...) {
		if err != nil {
			return err
		}
		if err := b.have.add(e.Seq); err != nil {
			return err
		}
	}
	return nil
}

// markUsed marks the evidence that results rest on, and the snapshot's runs.
func (b *writer) markUsed(ctx context.Context) error {
	for ev, err := range b.snap.Ledger.Used(ctx) {
		if err != nil {
			return err
		}
		if ev.Seq >= b.head.Assessed.Size {
			return fmt.Errorf("evidence at ledger position %d is younger than the assessment at %d; assess again", ev.Seq, b.head.Assessed.Size)
		}
		if err := b.have.add(ev.Seq); err != nil {
			return err
		}
	}
	runs := make(map[string]bool, len(b.snap.Runs))
	for _, r := range b.snap.Runs {
		runs[r.ID] = true
	}
	for e, err := range b.snap.Ledger.Entries(ctx, 0, b.cp.Size, evidence.EntryRunOpened, evidence.EntryRunClosed, evidence.EntryKey) {
		if err != nil {
			return err
		}
		if e.Type == evidence.EntryKey { // who follows it needs every handover
			if err := b.have.add(e.Seq); err != nil {
				return err
			}
			continue
		}
		id, err := runOf(e)
		if err != nil {
			return fmt.Errorf("entry %d: %w", e.Seq, err)
		}
		if runs[id] {
			if err := b.have.add(e.Seq); err != nil {
				return err
			}
		}
	}
	return nil
}

func runOf(e evidence.Entry) (string, error) {
	if e.Type == evidence.EntryRunOpened {
		r, err := evidence.ParseRunOpened(e)
		return r.ID, err
	}
	r, err := evidence.ParseRunClosed(e)
	return r.ID, err
}

// markErasures adds the entries that erased payloads the bundle would have.
func (b *writer) markErasures(ctx context.Context) error {
	if len(b.head.Erased) == 0 {
		return nil
	}
	erased := make(map[evidence.Digest]bool, len(b.head.Erased))
	for _, d := range b.head.Erased {
		erased[d] = true
	}
	for e, err := range b.snap.Ledger.Entries(ctx, 0, b.cp.Size, evidence.EntryErasure) {
		if err != nil {
			return err
		}
		er, err := evidence.ParseErasure(e)
		if err != nil {
			return fmt.Errorf("entry %d: %w", e.Seq, err)
		}
		if erased[er.Payload] {
			if err := b.have.add(e.Seq); err != nil {
				return err
			}
		}
	}
	return nil
}

// survey goes through the lines once: which payloads they name, which of these
// are hidden, and what the runs' manifests say.
func (b *writer) survey(ctx context.Context) error {
	if err := b.findHidden(ctx); err != nil {
		return err
	}
	var parser evidence.Parser
	err := b.lines(ctx, func(e evidence.Entry) error {
		if e.Type != evidence.EntryEvidence {
			return b.runs.entry(e)
		}
		ev, err := parser.Evidence(e)
		if err != nil {
			return err
		}
		b.head.Counts.Evidence++
		if r := b.hidden[ev.PayloadSum]; r != nil {
			r.Evidence++
			if i, have := slices.BinarySearch(r.Kinds, ev.Kind); !have {
				r.Kinds = slices.Insert(r.Kinds, i, strings.Clone(ev.Kind))
			}
		} else {
			b.payloads = append(b.payloads, ev.PayloadSum)
		}
		return b.runs.item(ev)
	})
	if err != nil {
		return err
	}
	slices.SortFunc(b.payloads, compareDigests)
	b.payloads = slices.Clip(slices.Compact(b.payloads))
	return b.runs.end()
}

func compareDigests(x, y evidence.Digest) int { return bytes.Compare(x[:], y[:]) }

// findHidden looks for the payloads that any line gives a hidden kind.
func (b *writer) findHidden(ctx context.Context) error {
	if b.in.Redaction.Nothing() {
		return nil
	}
	b.hidden = map[evidence.Digest]*Redacted{}
	var parser evidence.Parser
	return b.lines(ctx, func(e evidence.Entry) error {
		if e.Type != evidence.EntryEvidence {
			return nil
		}
		ev, err := parser.Evidence(e)
		if err == nil && b.in.Redaction.Hides(ev.Kind) {
			b.hidden[ev.PayloadSum] = &Redacted{Payload: ev.PayloadSum}
		}
		return err
	})
}

// writeRedacted writes the list of what is hidden.
func (b *writer) writeRedacted(w io.Writer) error {
	list := make([]*Redacted, 0, len(b.hidden))
	for _, r := range b.hidden {
		list = append(list, r)
	}
	slices.SortFunc(list, func(x, y *Redacted) int { return compareDigests(x.Payload, y.Payload) })
	bw := bufio.NewWriter(w)
	for _, r := range list {
		line, err := r.Line(b.in.Redaction)
		if err != nil {
			return err
		}
		if _, err := bw.Write(line); err != nil {
			return err
		}
		b.head.Counts.Redacted++
	}
	return bw.Flush()
}

// Line is the line of redacted.jsonl that says so, by a profile.
func (r Redacted) Line(p redact.Profile) ([]byte, error) {
	r.Why = p.Why(r.Kinds)
	raw, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	c, err := evidence.Canonical(raw)
	return append(c, '\n'), err
}

// runBook makes the manifests of runs, which it keeps in a temporary file.
type runBook struct {
	spool *spool
	open  map[string]*RunManifest
	done  []spooledRun
}

type spooledRun struct {
	name  string
	at, n int64
}

func newRunBook(dir string) (*runBook, error) {
	s, err := newSpool(dir)
	return &runBook{spool: s, open: map[string]*RunManifest{}}, err
}

func (k *runBook) spooled() *spool {
	if k == nil {
		return nil
	}
	return k.spool
}

// item counts an evidence line.
func (k *runBook) item(ev evidence.Evidence) error {
	m := k.open[ev.Run]
	if m == nil {
		return fmt.Errorf("entry %d: evidence of run %.60q, which is not open there", ev.Seq, ev.Run)
	}
	m.Item(ev.Kind, ev.Revision)
	return nil
}

// entry takes another line.
func (k *runBook) entry(e evidence.Entry) error {
	switch e.Type {
	case evidence.EntryRunOpened:
		m, _, err := OpenRun(e)
		if err != nil {
			return fmt.Errorf("entry %d: %w", e.Seq, err)
		}
		k.open[m.ID] = m
	case evidence.EntryGone:
		g, err := evidence.ParseGone(e)
		if err != nil {
			return fmt.Errorf("entry %d: %w", e.Seq, err)
		}
		if m := k.open[g.Run]; m != nil {
			m.Gone[g.Kind] += int64(len(g.Keys))
		}
	case evidence.EntryRunClosed:
		id, err := runOf(e)
		if err != nil {
			return fmt.Errorf("entry %d: %w", e.Seq, err)
		}
		m := k.open[id]
		if m == nil {
			return fmt.Errorf("entry %d: run %.60q is closed and not open there", e.Seq, id)
		}
		if _, err := m.Close(e); err != nil {
			return fmt.Errorf("entry %d: %w", e.Seq, err)
		}
		delete(k.open, id)
		return k.keep(m)
	}
	return nil
}

func (k *runBook) keep(m *RunManifest) error {
	content, err := m.Content()
	if err != nil {
		return err
	}
	at, err := k.spool.add(content)
	k.done = append(k.done, spooledRun{RunFile(m.ID), at, int64(len(content))})
	return err
}

// end keeps the manifests of runs that are open still.
func (k *runBook) end() error {
	for _, m := range k.open {
		if err := k.keep(m); err != nil {
			return err
		}
	}
	k.open = nil
	slices.SortFunc(k.done, func(a, b spooledRun) int { return strings.Compare(a.name, b.name) })
	return nil
}

// sorted yields the manifests by name.
func (k *runBook) sorted() iter.Seq2[string, func() ([]byte, error)] {
	return func(yield func(string, func() ([]byte, error)) bool) {
		for _, r := range k.done {
			if !yield(r.name, func() ([]byte, error) { return k.spool.read(r.at, r.n) }) {
				return
			}
		}
	}
}
