package verify

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export/bundle"
	"github.com/exhibit-aims/exhibit/internal/export/zipform"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// view is the part of a ledger that a bundle of the whole one holds, in the
// form of the reading part of a store. Its lines and payloads were verified.
type view struct {
	a    *archive
	runs []evidence.Run
}

func newView(a *archive) (*view, error) {
	v := &view{a: a}
	at := map[string]int{}
	err := a.lines(func(e evidence.Entry) error {
		switch e.Type {
		case evidence.EntryRunOpened:
			r, err := evidence.ParseRunOpened(e)
			at[r.ID] = len(v.runs)
			v.runs = append(v.runs, r)
			return err
		case evidence.EntryRunClosed:
			r, err := evidence.ParseRunClosed(e)
			if err != nil || e.Seq >= a.head.Assessed.Size {
				return err
			}
			opened := v.runs[at[r.ID]]
			r.Provenance, r.StartedAt = opened.Provenance, opened.StartedAt
			v.runs[at[r.ID]] = r
		}
		return nil
	})
	return v, err
}

// lines goes through all lines, from memory if they were kept.
func (a *archive) lines(visit func(evidence.Entry) error) error {
	if a.book.kept.tooMany {
		return a.eachLine(visit)
	}
	for _, e := range a.book.kept.lines {
		if err := visit(e); err != nil {
			return err
		}
	}
	return nil
}

// errEnough ends a walk early.
var errEnough = errors.New("enough")

// Evidence implements store.Reader.
func (v *view) Evidence(ctx context.Context, q store.EvidenceQuery) iter.Seq2[evidence.Evidence, error] {
	return func(yield func(evidence.Evidence, error) bool) {
		s := v.selection(q)
		var p evidence.Parser
		row := -1
		err := v.a.lines(func(e evidence.Entry) error {
			if e.Type != evidence.EntryEvidence {
				return nil
			}
			row++
			if !s.takes(row, e.Seq) {
				return ctx.Err()
			}
			ev, err := p.Evidence(e)
			if err != nil {
				return err
			}
			if ok, err := v.fill(&ev, row, q); err != nil || !ok {
				return err
			}
			if !yield(ev, nil) {
				return errEnough
			}
			return ctx.Err()
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(evidence.Evidence{}, err)
		}
	}
}

// selection is what a query says about lines that were not parsed.
type selection struct {
	kept   *keptLines
	kinds  []bool // nil: all
	q      store.EvidenceQuery
	before int64
}

func (v *view) selection(q store.EvidenceQuery) selection {
	k := &v.a.book.kept
	s := selection{kept: k, q: q, before: q.Before}
	if s.before <= 0 {
		s.before = v.a.head.Assessed.Size
	}
	if len(q.Kinds) > 0 {
		s.kinds = make([]bool, len(k.kinds))
		for _, kind := range q.Kinds {
			if n, ok := k.kinds[kind]; ok {
				s.kinds[n] = true
			}
		}
	}
	return s
}

func (s *selection) takes(row int, seq int64) bool {
	switch {
	case seq < s.q.After || seq >= s.before:
		return false
	case s.kinds != nil && !s.kinds[s.kept.kind[row]]:
		return false
	case s.q.Latest && s.kept.next[row] != 0 && s.kept.next[row] < s.before:
		return false
	}
	return true
}

// fill completes an item and reports whether the query wants it.
func (v *view) fill(ev *evidence.Evidence, row int, q store.EvidenceQuery) (bool, error) {
	ev.Source = v.a.book.sources[ev.Run]
	if q.Source != "" && q.Source != ev.Source || q.Run != "" && q.Run != ev.Run || q.Subject != nil && *q.Subject != ev.Subject {
		return false, nil
	}
	if g, ok := v.a.book.kept.gone[row]; ok && (q.Before <= 0 || g.seq < q.Before) {
		ev.GoneAt = g.at
	}
	if !q.Payloads {
		return true, nil
	}
	var err error
	if ev.Payload, err = v.payload(ev.PayloadSum); err != nil {
		return false, err
	}
	return true, nil
}

// payload reads a payload; nil if it was erased.
func (v *view) payload(d evidence.Digest) ([]byte, error) {
	i, ok := slices.BinarySearchFunc(v.a.contents, d, func(e zipform.Entry, d evidence.Digest) int {
		return strings.Compare(e.Name, bundle.EvidenceDir+d.String()+".json")
	})
	if !ok {
		return nil, nil
	}
	b, part, err := v.a.zip.Read(v.a.contents[i], maxPayload)
	if err == nil && evidence.Digest(part.Sum) != d {
		err = fail(v.a.contents[i].Name, "content", "the bytes that were there before", "others")
	}
	return b, err
}

// maxPayload is the longest payload that is read into memory.
const maxPayload = 256 << 20

// Payload implements store.Reader.
func (v *view) Payload(_ context.Context, d evidence.Digest) ([]byte, error) {
	b, err := v.payload(d)
	if err == nil && b == nil {
		err = fmt.Errorf("payload %s: %w", d, store.ErrErased)
	}
	return b, err
}

// Runs implements store.Reader.
func (v *view) Runs(ctx context.Context, source string) iter.Seq2[evidence.Run, error] {
	return func(yield func(evidence.Run, error) bool) {
		for _, r := range v.runs {
			if source == "" || r.Provenance.Source == source {
				if !yield(r, ctx.Err()) {
					return
				}
			}
		}
	}
}

// Checkpoint implements store.Ledger: what was assessed, unsigned.
func (v *view) Checkpoint(context.Context) ([]byte, error) {
	h := v.a.head.Assessed
	root, err := tlog.ParseHash(h.Root)
	if err != nil {
		return nil, err
	}
	return []byte(ledger.Checkpoint{Origin: h.Origin, Size: h.Size, Root: root}.Text() + "\n"), nil
}

// Entries implements store.Ledger.
func (v *view) Entries(ctx context.Context, from, to int64, types ...evidence.EntryType) iter.Seq2[evidence.Entry, error] {
	return func(yield func(evidence.Entry, error) bool) {
		visit := func(e evidence.Entry) error {
			switch {
			case e.Seq >= to:
				return errEnough
			case e.Seq < from || len(types) > 0 && !slices.Contains(types, e.Type):
				return ctx.Err()
			case !yield(e, nil):
				return errEnough
			}
			return ctx.Err()
		}
		if err := v.entriesFrom(from, visit); err != nil && !errors.Is(err, errEnough) {
			yield(evidence.Entry{}, err)
		}
	}
}

// entriesFrom is lines, beginning at a position where that can be found.
func (v *view) entriesFrom(from int64, visit func(evidence.Entry) error) error {
	k := &v.a.book.kept
	if k.tooMany {
		return v.a.eachLine(visit)
	}
	i, _ := slices.BinarySearchFunc(k.lines, from, func(e evidence.Entry, seq int64) int { return int(e.Seq - seq) })
	for _, e := range k.lines[i:] {
		if err := visit(e); err != nil {
			return err
		}
	}
	return nil
}

// ReadHashes implements tlog.HashReader. Nothing that is recomputed asks for
// hashes: the lines were held against the roots before.
func (v *view) ReadHashes([]int64) ([]tlog.Hash, error) {
	return nil, fmt.Errorf("the hashes of a bundle's ledger are not kept: %w", store.ErrNotFound)
}
