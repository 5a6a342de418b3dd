package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// newEngine compiles the shipped expectations and the user's own.
func newEngine(cfg *configfile.Config) (*assess.Engine, error) {
	cat, err := catalog.Load(config.FS)
	if err != nil {
		return nil, err
	}
	rules, err := fs.Sub(config.FS, "expectations")
	if err != nil {
		return nil, err
	}
	o := assess.Options{Rules: rules, Trusted: true}
	for _, path := range cfg.Expectations.Files {
		f, err := yamlfile.Read(path)
		if err != nil {
			return nil, usageError{err, "see expectations.files in the configuration"}
		}
		o.Files = append(o.Files, f)
	}
	if len(cfg.Expectations.Params) > 0 {
		f, err := paramsFile(cfg)
		if err != nil {
			return nil, err
		}
		o.Files = append(o.Files, f)
	}
	return assess.Compile(cat, o)
}

// paramsFile brings the configuration's thresholds into the form of a file of
// overrides. JSON is YAML.
func paramsFile(cfg *configfile.Config) (*yamlfile.File, error) {
	type override struct {
		Params map[string]json.RawMessage `json:"params"`
	}
	overrides := map[string]override{}
	for slug, params := range cfg.Expectations.Params {
		overrides[slug] = override{params}
	}
	text, err := json.Marshal(map[string]any{"overrides": overrides})
	if err != nil {
		return nil, err
	}
	return yamlfile.Parse(cfg.Path+" (expectations.params)", text)
}

// evaluator keeps what has been applied, so that a second evaluation only
// reads what came after.
type evaluator struct {
	st     store.Store
	engine *assess.Engine
	state  *assess.State
	next   int64 // first ledger position not applied
}

func newEvaluator(cfg *configfile.Config, st store.Store) (*evaluator, error) {
	engine, err := newEngine(cfg)
	if err != nil {
		return nil, err
	}
	return &evaluator{st: st, engine: engine, state: engine.NewState()}, nil
}

// at brings the state up to the newest checkpoint and evaluates.
func (e *evaluator) at(ctx context.Context, asOf time.Time) (*assess.Assessment, error) {
	cp, err := e.load(ctx)
	if err != nil {
		return nil, err
	}
	return e.state.At(asOf, cp)
}

// load brings the state up to the newest checkpoint, which it returns.
func (e *evaluator) load(ctx context.Context) (assess.Checkpoint, error) {
	cp, err := contentCheckpoint(ctx, e.st)
	if err != nil {
		return assess.Checkpoint{}, err
	}
	limitMemory(cp.Size)
	if err := e.apply(ctx, cp.Size); err != nil {
		return assess.Checkpoint{}, err
	}
	return assess.Checkpoint{Size: cp.Size, Root: cp.Root.String()}, nil
}

// limitMemory asks the garbage collector to work harder rather than to let the
// heap double: evaluating keeps about 300 bytes for each entry. A limit that
// the environment sets (GOMEMLIMIT) stands.
func limitMemory(entries int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(max(430<<20, 430*entries))
	}
}

// contentCheckpoint returns the state of the ledger after its last entry that
// an assessment can depend on. Records of assessments, findings and exports that
// follow it change nothing: the same evidence gives the same assessment and the same
// export, however often they are made.
func contentCheckpoint(ctx context.Context, st store.Store) (ledger.Checkpoint, error) {
	note, err := st.Checkpoint(ctx)
	if err != nil {
		return ledger.Checkpoint{}, err
	}
	cp, err := ledger.UnverifiedCheckpoint(note)
	if err != nil {
		return ledger.Checkpoint{}, err
	}
	size := cp.Size
	for size > 0 {
		last, err := entryAt(ctx, st, size-1)
		if err != nil {
			return ledger.Checkpoint{}, err
		}
		if !concluding(last.Type) {
			break
		}
		size--
	}
	if size == cp.Size {
		return cp, nil
	}
	root, err := tlog.TreeHash(size, st)
	if err != nil {
		return ledger.Checkpoint{}, err
	}
	return ledger.Checkpoint{Origin: cp.Origin, Size: size, Root: root}, nil
}

// concluding reports whether entries of a type only say what was made of the
// evidence before them.
func concluding(t evidence.EntryType) bool {
	return t == evidence.EntryAssessment || t == evidence.EntryFinding || t == evidence.EntryExport
}

func entryAt(ctx context.Context, st store.Store, seq int64) (evidence.Entry, error) {
	for e, err := range st.Entries(ctx, seq, seq+1) {
		return e, err
	}
	return evidence.Entry{}, fmt.Errorf("entry %d: %w", seq, store.ErrNotFound)
}

// apply feeds the ledger up to size: runs first, because evidence is judged
// by the run that read it.
func (e *evaluator) apply(ctx context.Context, size int64) error {
	if size <= e.next {
		return nil
	}
	for run, err := range e.st.Runs(ctx, "") {
		if err != nil {
			return err
		}
		e.state.ApplyRun(run)
	}
	gone, err := e.goneEntries(ctx, size)
	if err != nil {
		return err
	}
	q := store.EvidenceQuery{Kinds: e.engine.Kinds(), After: e.next, Before: size, Payloads: true}
	for ev, err := range e.st.Evidence(ctx, q) {
		if err != nil {
			return err
		}
		if gone, err = e.applyGone(gone, ev.Seq); err != nil {
			return err
		}
		if err := e.state.Apply(ev); err != nil {
			return err
		}
	}
	if _, err := e.applyGone(gone, size); err != nil {
		return err
	}
	e.next = size
	return nil
}

func (e *evaluator) goneEntries(ctx context.Context, size int64) ([]evidence.Entry, error) {
	var out []evidence.Entry
	for entry, err := range e.st.Entries(ctx, e.next, size, evidence.EntryGone) {
		if err != nil {
			return nil, err
		}
		out = append(out, entry)
	}
	return out, nil
}

// applyGone applies the entries before position seq, in ledger order with the
// evidence: a key can go and come back.
func (e *evaluator) applyGone(entries []evidence.Entry, seq int64) ([]evidence.Entry, error) {
	for len(entries) > 0 && entries[0].Seq < seq {
		g, err := evidence.ParseGone(entries[0])
		if err != nil {
			return nil, err
		}
		if err := e.state.ApplyGone(g); err != nil {
			return nil, err
		}
		entries = entries[1:]
	}
	return entries, nil
}

// assessAsOf evaluates the configured store at an instant given by --as-of.
func (g *globals) assessAsOf(ctx context.Context, asOf string) (*assess.Assessment, error) {
	at, err := parseAsOf(asOf, time.Now())
	if err != nil {
		return nil, err
	}
	var a *assess.Assessment
	err = g.withState(ctx, func(st *assess.State, cp assess.Checkpoint) error {
		a, err = st.At(at, cp)
		return err
	})
	return a, err
}

// withState hands f all that the configured store holds, ready to be assessed.
func (g *globals) withState(ctx context.Context, f func(*assess.State, assess.Checkpoint) error) error {
	cfg, err := g.loadConfig()
	if err != nil {
		return err
	}
	st, err := openStore(ctx, cfg, nil, readOnly)
	if err != nil {
		return err
	}
	defer st.Close()
	e, err := newEvaluator(cfg, st)
	if err != nil {
		return err
	}
	p := newProgress(g, "assessing")
	defer p.end()
	cp, err := e.load(ctx)
	if err != nil {
		return err
	}
	return f(e.state, cp)
}
