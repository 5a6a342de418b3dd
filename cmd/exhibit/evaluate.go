package main

import (
	"context"
	"os"
	"runtime/debug"
	"time"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/evaluate"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// rulesOf are the shipped expectations and the user's own.
func rulesOf(cfg *configfile.Config) (evaluate.Rules, error) {
	r := evaluate.Rules{Shipped: config.FS, Trusted: true}
	for _, path := range cfg.Expectations.Files {
		if _, err := yamlfile.Read(path); err != nil { // says what is wrong with it in its own words
			return r, usageError{err, "see expectations.files in the configuration"}
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return r, usageError{err, "see expectations.files in the configuration"}
		}
		r.Own = append(r.Own, evaluate.RuleFile{Name: path, Text: text})
	}
	if len(cfg.Expectations.Params) > 0 {
		f, err := evaluate.Thresholds(cfg.Path+" (expectations.params)", cfg.Expectations.Params)
		if err != nil {
			return r, err
		}
		r.Own = append(r.Own, f)
	}
	return r, nil
}

// newEngine compiles the shipped expectations and the user's own.
func newEngine(cfg *configfile.Config) (*assess.Engine, error) {
	r, err := rulesOf(cfg)
	if err != nil {
		return nil, err
	}
	return r.Compile()
}

// evaluator is an evaluate.Evaluator of a store, with the rules it goes by.
type evaluator struct {
	*evaluate.Evaluator
	engine *assess.Engine
	rules  evaluate.Rules
}

func newEvaluator(cfg *configfile.Config, st store.Store) (*evaluator, error) {
	rules, err := rulesOf(cfg)
	if err != nil {
		return nil, err
	}
	engine, err := rules.Compile()
	if err != nil {
		return nil, err
	}
	e := &evaluator{Evaluator: evaluate.New(engine, st), engine: engine, rules: rules}
	e.Before = limitMemory
	return e, nil
}

// at brings the state up to the newest checkpoint and evaluates.
func (e *evaluator) at(ctx context.Context, asOf time.Time) (*assess.Assessment, error) {
	return e.At(ctx, asOf)
}

// limitMemory asks the garbage collector to work harder rather than to let the
// heap double. A limit that the environment sets (GOMEMLIMIT) stands.
func limitMemory(entries int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(assess.MemoryFor(entries))
	}
}

// contentCheckpoint is evaluate.Content of a store.
func contentCheckpoint(ctx context.Context, st store.Store) (ledger.Checkpoint, error) {
	return evaluate.Content(ctx, st)
}

func entryAt(ctx context.Context, st store.Store, seq int64) (evidence.Entry, error) {
	return evaluate.EntryAt(ctx, st, seq)
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
	cp, err := e.Load(ctx)
	if err != nil {
		return err
	}
	return f(e.State(), cp)
}
