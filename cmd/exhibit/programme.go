package main

import (
	"context"
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/readiness"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// programme is what the plan, the packs and the worksheet are made from: the
// store as of an instant.
type programme struct {
	cfg        *configfile.Config
	asOf       time.Time
	engine     *assess.Engine
	assessment *assess.Assessment
	records    readiness.Records
	runs       []evidence.Run // that had ended by then
	facts      *assess.Facts
}

// programme assesses the configured store at an instant, and reads the records
// of some kinds as they were then.
func (g *globals) programme(ctx context.Context, asOf string, kinds []string) (*programme, error) {
	at, err := parseAsOf(asOf, time.Now())
	if err != nil {
		return nil, err
	}
	cfg, err := g.loadConfig()
	if err != nil {
		return nil, err
	}
	p := &programme{cfg: cfg, asOf: at}
	err = g.withState(ctx, func(st *assess.State, cp assess.Checkpoint) error {
		p.engine, p.facts = st.Engine(), st.Facts()
		p.assessment, err = st.At(at, cp)
		return err
	})
	if err != nil {
		return nil, err
	}
	st, err := openStore(ctx, cfg, nil, readOnly)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	if p.records, err = recordsAt(ctx, st, kinds, at); err != nil {
		return nil, err
	}
	for run, err := range st.Runs(ctx, "") {
		if err != nil {
			return nil, err
		}
		if !run.StartedAt.After(at) && !run.FinishedAt.IsZero() && !run.FinishedAt.After(at) {
			p.runs = append(p.runs, run)
		}
	}
	return p, nil
}

// recordsAt returns the revisions of kinds that were in force at an instant:
// of each key the newest read by then, unless it was gone.
func recordsAt(ctx context.Context, st store.Store, kinds []string, at time.Time) (readiness.Records, error) {
	type key struct{ source, kind, key string }
	newest := map[key]int{}
	var found []evidence.Evidence
	for ev, err := range st.Evidence(ctx, store.EvidenceQuery{Kinds: kinds, Payloads: true}) {
		if err != nil {
			return nil, err
		}
		if ev.CollectedAt.After(at) {
			continue
		}
		k := key{ev.Source, ev.Kind, ev.Key}
		if i, known := newest[k]; known {
			found[i] = ev
			continue
		}
		newest[k] = len(found)
		found = append(found, ev)
	}
	var out readiness.Records
	for _, ev := range found {
		if ev.Payload == nil || !ev.GoneAt.IsZero() && !ev.GoneAt.After(at) {
			continue
		}
		r, err := readiness.ParseRecord(ev)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// operates tells whether a piece of evidence shows that something was done,
// and when.
func (p *programme) operates(d evidence.Digest) (time.Time, bool) {
	n, ok := p.facts.Number(d)
	if !ok {
		return time.Time{}, false
	}
	f := p.facts.Fact(n)
	at := f.EventTime
	if at.IsZero() {
		at = f.FirstSeen
	}
	return at, f.Strength == catalog.Operation
}

// reads returns when each kind was last read completely.
func (p *programme) reads() map[string]time.Time {
	out := map[string]time.Time{}
	for _, run := range p.runs {
		for kind, k := range run.Kinds {
			if k.Coverage == "complete" && run.FinishedAt.After(out[kind]) {
				out[kind] = run.FinishedAt
			}
		}
	}
	return out
}

// book loads what auditors expect at each stage.
func (g *globals) book(cfg *configfile.Config) (*readiness.Book, error) {
	engine, err := newEngine(cfg)
	if err != nil {
		return nil, err
	}
	return readiness.Load(config.FS, readiness.Known{Kinds: engine.Catalog().KindIDs(), Controls: engine.Catalog().ControlIDs(), Expectations: slugs(engine)})
}

func slugs(engine *assess.Engine) []string {
	var out []string
	for _, e := range engine.Expectations() {
		out = append(out, e.Slug)
	}
	return out
}

// firstEntry is when the ledger began.
func firstEntry(ctx context.Context, st store.Store) (time.Time, error) {
	e, err := entryAt(ctx, st, 0)
	if err != nil {
		return time.Time{}, fmt.Errorf("the first entry of the ledger: %w", err)
	}
	return e.At, nil
}

// entriesOf calls f for each entry of some types, oldest first.
func entriesOf(ctx context.Context, st store.Store, f func(evidence.Entry) error, types ...evidence.EntryType) error {
	note, err := st.Checkpoint(ctx)
	if err != nil {
		return err
	}
	cp, err := ledger.UnverifiedCheckpoint(note)
	if err != nil {
		return err
	}
	for e, err := range st.Entries(ctx, 0, cp.Size, types...) {
		if err != nil {
			return err
		}
		if err := f(e); err != nil {
			return err
		}
	}
	return nil
}
