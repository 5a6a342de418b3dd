package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/service"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// observe puts on record which AI was seen, and what the agent knows of itself. evaluate gives the
// assessment as of now; it is asked once a day.
func (w *workplace) observe(ctx context.Context, evaluate func(context.Context) (*assess.Assessment, error)) error {
	return w.observeAgents(ctx, nil, evaluate)
}

// observeAgents is observe with what the agents of a schedule say of themselves.
func (w *workplace) observeAgents(ctx context.Context, schedule *agent.Schedule, evaluate func(context.Context) (*assess.Assessment, error)) error {
	if err := w.reconcile(ctx); err != nil {
		return err
	}
	release, err := w.locks.Acquire(agent.SelfSource)
	if errors.Is(err, store.ErrLocked) {
		return nil // another process is at it: one is enough
	}
	if err != nil {
		return err
	}
	defer release()
	return w.collector.CollectSelf(ctx, agent.Self{
		Schedule: schedule,
		Verify:   w.verifySelf,
		Populations: func(ctx context.Context) ([]agent.PopulationFact, error) {
			a, err := evaluate(ctx)
			if err != nil {
				return nil, err
			}
			return populationFacts(a), nil
		},
	})
}

// observeOnce is observe for a command that has no assessment at hand.
func (w *workplace) observeOnce(ctx context.Context) error {
	return w.observe(ctx, func(ctx context.Context) (*assess.Assessment, error) {
		e, err := service.NewEvaluator(w.cfg, w.store)
		if err != nil {
			return nil, err
		}
		return e.At(ctx, time.Now().UTC())
	})
}

// verifySelf checks the store with its own key, counts what it holds, and
// looks for payloads erased inside their retention.
func (w *workplace) verifySelf(ctx context.Context) (agent.Verification, error) {
	v := agent.Verification{Started: time.Now().UTC(), Kinds: map[string]int64{}}
	raw, ok := w.store.(store.Verifiable)
	if !ok {
		return v, fmt.Errorf("store %s cannot be verified", w.cfg.Store)
	}
	key, err := ledger.ParseVerifier(w.key.Public())
	if err != nil {
		return v, err
	}
	held, err := store.Verify(ctx, raw, store.VerifyOptions{Verifier: key})
	switch {
	case errors.Is(err, store.ErrTampered):
		line, _, _ := strings.Cut(err.Error(), "\n")
		v.Errors = []string{line}
	case err != nil:
		return v, err
	}
	v.Entries = held.Entries
	return v, w.countKept(ctx, &v)
}

// countKept counts the evidence by kind and finds what was erased too early.
func (w *workplace) countKept(ctx context.Context, v *agent.Verification) error {
	erased := map[evidence.Digest]time.Time{}
	for e, err := range w.store.Entries(ctx, 0, 1<<62, evidence.EntryErasure) {
		if err != nil {
			return err
		}
		er, err := evidence.ParseErasure(e)
		if err != nil {
			return err
		}
		erased[er.Payload] = e.At
	}
	v.Early = []string{}
	for ev, err := range w.store.Evidence(ctx, store.EvidenceQuery{}) {
		if err != nil {
			return err
		}
		v.Kinds[ev.Kind]++
		keep := w.cfg.Retention.Of(ev.Kind)
		if at, gone := erased[ev.PayloadSum]; gone && keep > 0 && at.Sub(ev.CollectedAt) < keep {
			v.Early = append(v.Early, ev.Kind+" "+ev.Digest.String()[:12])
		}
	}
	for kind := range v.Kinds {
		if keep := w.cfg.Retention.Of(kind); keep > 0 {
			if v.Retention == nil {
				v.Retention = map[string]string{}
			}
			v.Retention[kind] = fmt.Sprintf("%dd", int(keep.Hours()/24))
		}
	}
	return nil
}

// populationFacts brings an assessment's populations into the form on record.
func populationFacts(a *assess.Assessment) []agent.PopulationFact {
	out := make([]agent.PopulationFact, 0, len(a.Populations))
	for _, p := range a.Populations {
		f := agent.PopulationFact{Expectation: p.Expectation, SubjectType: p.SubjectType, AsOf: a.AsOf.UTC().Truncate(time.Second),
			Count: p.Count, IDs: p.IDs.String()}
		for _, r := range p.Readings {
			if f.Query == "" {
				f.Query = r.Query
			}
			if r.Independent != nil && f.ReconciledCount == nil {
				f.ReconciledWith, f.ReconciledCount, f.Difference = r.Source+"'s own count of "+r.Kind, r.Independent, r.Difference
			}
		}
		out = append(out, f)
	}
	return out
}
