package evaluate

import (
	"context"
	"fmt"
	"iter"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Source is the part of a store that is read. Its methods are those of
// store.Reader and store.Ledger.
type Source interface {
	Evidence(ctx context.Context, q store.EvidenceQuery) iter.Seq2[evidence.Evidence, error]
	Runs(ctx context.Context, source string) iter.Seq2[evidence.Run, error]
	Checkpoint(ctx context.Context) ([]byte, error)
	Entries(ctx context.Context, from, to int64, types ...evidence.EntryType) iter.Seq2[evidence.Entry, error]
	tlog.HashReader
}

// Evaluator keeps what has been applied, so that a second evaluation only
// reads what came after. It is not safe for concurrent use.
type Evaluator struct {
	// Before is called with how many entries are about to be held, if not nil.
	Before func(entries int64)
	// Reached is called now and then with how many entries were read, if not nil.
	Reached func(entries int64)

	src    Source
	engine *assess.Engine
	state  *assess.State
	next   int64 // first ledger position not applied
}

// New makes an Evaluator of what src holds, by the rules of engine.
func New(engine *assess.Engine, src Source) *Evaluator {
	return &Evaluator{src: src, engine: engine, state: engine.NewState()}
}

// Engine is what it evaluates with.
func (e *Evaluator) Engine() *assess.Engine { return e.engine }

// State is what was applied so far.
func (e *Evaluator) State() *assess.State { return e.state }

// At brings the state up to the newest content and evaluates.
func (e *Evaluator) At(ctx context.Context, asOf time.Time) (*assess.Assessment, error) {
	cp, err := e.Load(ctx)
	if err != nil {
		return nil, err
	}
	return e.state.At(asOf, cp)
}

// Load brings the state up to the newest content, of which it returns the
// checkpoint.
func (e *Evaluator) Load(ctx context.Context) (assess.Checkpoint, error) {
	cp, err := Content(ctx, e.src)
	if err != nil {
		return assess.Checkpoint{}, err
	}
	if e.Before != nil {
		e.Before(cp.Size)
	}
	if err := e.apply(ctx, cp.Size); err != nil {
		return assess.Checkpoint{}, err
	}
	return assess.Checkpoint{Size: cp.Size, Root: cp.Root.String()}, nil
}

// apply feeds the ledger up to size: runs first, because evidence is judged
// by the run that read it.
func (e *Evaluator) apply(ctx context.Context, size int64) error {
	if size <= e.next {
		return nil
	}
	for run, err := range e.src.Runs(ctx, "") {
		if err != nil {
			return err
		}
		e.state.ApplyRun(run)
	}
	gone, err := e.goneEntries(ctx, size)
	if err != nil {
		return err
	}
	if err := e.state.ApplyAll(e.changes(ctx, gone, size)); err != nil {
		return err
	}
	e.next = size
	return nil
}

// reachedEvery is after how much evidence Reached is called.
const reachedEvery = 1000

// changes yields evidence and what went away, in ledger order: a key can go and
// come back.
func (e *Evaluator) changes(ctx context.Context, gone []evidence.Entry, size int64) iter.Seq2[assess.Change, error] {
	return func(yield func(assess.Change, error) bool) {
		before := func(seq int64) bool {
			for len(gone) > 0 && gone[0].Seq < seq {
				g, err := evidence.ParseGone(gone[0])
				if !yield(assess.Change{Gone: &g}, err) || err != nil {
					return false
				}
				gone = gone[1:]
			}
			return true
		}
		n := 0
		q := store.EvidenceQuery{Kinds: e.engine.Kinds(), After: e.next, Before: size, Payloads: true}
		for ev, err := range e.src.Evidence(ctx, q) {
			if err != nil {
				yield(assess.Change{}, err)
				return
			}
			if !before(ev.Seq) || !yield(assess.Change{Evidence: ev}, nil) {
				return
			}
			if n++; n%reachedEvery == 0 && e.Reached != nil {
				e.Reached(ev.Seq + 1)
			}
		}
		before(size)
	}
}

func (e *Evaluator) goneEntries(ctx context.Context, size int64) ([]evidence.Entry, error) {
	var out []evidence.Entry
	for entry, err := range e.src.Entries(ctx, e.next, size, evidence.EntryGone) {
		if err != nil {
			return nil, err
		}
		out = append(out, entry)
	}
	return out, nil
}

// Content returns the state of the ledger after its last entry that an export
// can depend on. Records of assessments and of exports that follow it change nothing: the same evidence gives the same assessment
// and the same export, however often they are made.
func Content(ctx context.Context, src Source) (ledger.Checkpoint, error) {
	note, err := src.Checkpoint(ctx)
	if err != nil {
		return ledger.Checkpoint{}, err
	}
	cp, err := ledger.UnverifiedCheckpoint(note)
	if err != nil {
		return ledger.Checkpoint{}, err
	}
	size := cp.Size
	for size > 0 {
		last, err := EntryAt(ctx, src, size-1)
		if err != nil {
			return ledger.Checkpoint{}, err
		}
		if !Concluding(last) {
			break
		}
		size--
	}
	if size == cp.Size {
		return cp, nil
	}
	root, err := tlog.TreeHash(size, src)
	if err != nil {
		return ledger.Checkpoint{}, err
	}
	return ledger.Checkpoint{Origin: cp.Origin, Size: size, Root: root}, nil
}

// Concluding reports whether an entry only says what was made of the evidence
// before it. When findings opened and what people decided about them is more than
// that: it cannot be concluded again from the evidence.
func Concluding(e evidence.Entry) bool {
	switch e.Type {
	case evidence.EntryAssessment, evidence.EntryExport, evidence.EntryAttestation, evidence.EntryAccess:
		return true
	}
	return false
}

// EntryAt returns the entry at a position, or store.ErrNotFound.
func EntryAt(ctx context.Context, src Source, seq int64) (evidence.Entry, error) {
	for e, err := range src.Entries(ctx, seq, seq+1) {
		return e, err
	}
	return evidence.Entry{}, fmt.Errorf("entry %d: %w", seq, store.ErrNotFound)
}
