package service

import (
	"context"
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/evaluate"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/finding"
	"github.com/exhibit-aims/exhibit/internal/register"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/yamlfile"
)

// RulesOf are the shipped expectations and the user's own.
func RulesOf(cfg *configfile.Config) (evaluate.Rules, error) {
	const remedy = "see expectations.files in the configuration"
	r := evaluate.Rules{Shipped: config.FS, Trusted: true, Prepared: Prepared()}
	for _, path := range cfg.Expectations.Files {
		if _, err := yamlfile.Read(path); err != nil { // says what is wrong with it in its own words
			return r, Mistake{err, remedy}
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return r, Mistake{err, remedy}
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

// Prepared is what the program comes with beside the files of its rules.
func Prepared() evaluate.Prepared {
	return evaluate.Prepared{Catalog: config.Catalog, Expectations: config.Expectations, Conditions: config.Conditions}
}

// EngineOf compiles the shipped expectations and the user's own.
func EngineOf(cfg *configfile.Config) (*assess.Engine, error) {
	r, err := RulesOf(cfg)
	if err != nil {
		return nil, err
	}
	return r.Compile()
}

// Evaluator is an evaluate.Evaluator of a store, with the rules it goes by.
type Evaluator struct {
	*evaluate.Evaluator
	Rules evaluate.Rules
}

// NewEvaluator makes the Evaluator of a store by the rules of a configuration.
func NewEvaluator(cfg *configfile.Config, st evaluate.Source) (*Evaluator, error) {
	rules, err := RulesOf(cfg)
	if err != nil {
		return nil, err
	}
	engine, err := rules.Compile()
	if err != nil {
		return nil, err
	}
	e := &Evaluator{Evaluator: evaluate.New(engine, st), Rules: rules}
	e.Before = limitMemory
	return e, nil
}

// limitMemory asks the garbage collector to work harder rather than to let the
// heap double while so many entries are read and assessed, but leaves room beside
// what lives by then, such as the view before: a limit below that would only keep
// it working. A limit that the environment sets (GOMEMLIMIT) stands.
func limitMemory(entries int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		debug.SetMemoryLimit(max(assess.MemoryFor(entries), int64(live[0].Value.Uint64()/4*5)))
	}
}

// unlimitMemory ends what limitMemory began: whatever else is made of the
// evidence lives beside the assessment.
func unlimitMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(math.MaxInt64)
	}
}

// FindingPolicy is what the configuration and the register say about findings.
func FindingPolicy(ctx context.Context, cfg *configfile.Config, st evaluate.Source, now time.Time) (finding.Policy, error) {
	o, err := evaluate.ReadOwners(ctx, st, cfg.Findings.OwnerRole, evaluate.Span{AsOf: now})
	if err != nil {
		return finding.Policy{}, err
	}
	p := o.Policy(cfg.Findings.Due)
	p.Active = nil
	if cfg.Register != "" {
		if reg, err := register.Load(cfg.Register, register.Known{}); err == nil {
			p.Active = func(id string) bool {
				who, ok := reg.Person(id)
				return ok && who.IsActive()
			}
		}
	}
	return p, nil
}

// FindingEntries makes the ledger entries of events.
func FindingEntries(events []finding.Event, now time.Time) ([]store.NewEntry, error) {
	bodies, err := finding.Bodies(events)
	if err != nil {
		return nil, err
	}
	out := make([]store.NewEntry, len(bodies))
	for i, b := range bodies {
		out[i] = store.NewEntry{Type: evidence.EntryFinding, At: now.UTC(), Body: b}
	}
	return out, nil
}
