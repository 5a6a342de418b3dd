package service

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evaluate"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/plan"
	"github.com/exhibit-aims/exhibit/internal/readiness"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Programme is what the plan, the packs and the worksheet are made from: the
// store as of an instant.
type Programme struct {
	Assessment *assess.Assessment
	Records    readiness.Records
	Runs       []evidence.Run // that had ended by then
	facts      *assess.Facts
}

// programme assesses at an instant, and reads the records of some kinds as they
// were then. The caller holds assessing.
func (s *Service) programme(ctx context.Context, at time.Time, kinds []string) (*Programme, error) {
	e, err := s.rules()
	if err != nil {
		return nil, err
	}
	p := &Programme{}
	if p.Assessment, err = e.At(ctx, at); err != nil {
		return nil, err
	}
	p.facts = e.State().Facts()
	if p.Records, err = recordsAt(ctx, s.store, kinds, at); err != nil {
		return nil, err
	}
	for run, err := range s.store.Runs(ctx, "") {
		if err != nil {
			return nil, err
		}
		if !run.StartedAt.After(at) && !run.FinishedAt.IsZero() && !run.FinishedAt.After(at) {
			p.Runs = append(p.Runs, run)
		}
	}
	return p, nil
}

// Programme assesses at an instant, reads the records of some kinds as they were
// then, and hands both to f. Nothing else is evaluated meanwhile.
func (s *Service) Programme(ctx context.Context, at time.Time, kinds []string, f func(*Programme) error) error {
	s.assessing.Lock()
	defer s.assessing.Unlock()
	p, err := s.programme(ctx, at, kinds)
	if err != nil {
		return err
	}
	return f(p)
}

// Operates tells whether a piece of evidence shows that something was done,
// and when.
func (p *Programme) Operates(d evidence.Digest) (time.Time, bool) {
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

// Reads returns when each kind was last read completely.
func (p *Programme) Reads() map[string]time.Time {
	out := map[string]time.Time{}
	for _, run := range p.Runs {
		for kind, k := range run.Kinds {
			if k.Coverage == "complete" && run.FinishedAt.After(out[kind]) {
				out[kind] = run.FinishedAt
			}
		}
	}
	return out
}

// recordsAt returns the revisions of kinds that were in force at an instant:
// of each key the newest read by then, unless it was gone.
func recordsAt(ctx context.Context, st store.Reader, kinds []string, at time.Time) (readiness.Records, error) {
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

// Roadmap loads the items of the way to an audit.
func (s *Service) Roadmap() (*plan.Plan, error) {
	s.assessing.Lock()
	defer s.assessing.Unlock()
	e, err := s.rules()
	if err != nil {
		return nil, err
	}
	return plan.Load(config.FS, plan.Known{Kinds: e.Engine().Catalog().KindIDs(), Expectations: slugsOf(e)})
}

// Plan computes the roadmap as of an instant. Dates count from start; where it is
// zero, from plan.start of the configuration, else from the first entry of the
// ledger.
func (s *Service) Plan(ctx context.Context, roadmap *plan.Plan, at, start time.Time) (plan.Report, error) {
	cfg := s.Config()
	var r plan.Report
	err := s.Programme(ctx, at, roadmap.Kinds(), func(p *Programme) error {
		w := plan.World{Assessment: p.Assessment, Records: p.Records, Runs: p.Runs, Operates: p.Operates,
			Retention: cfg.Retention.Default > 0 || len(cfg.Retention.Kinds) > 0}
		for _, src := range cfg.Sources {
			w.Sources = append(w.Sources, src.Name)
		}
		if err := s.planLedger(ctx, p, &w); err != nil {
			return err
		}
		w.Start, w.StartFrom = planStart(start, cfg.Plan.Start, w.Start)
		r = roadmap.Compute(w)
		return nil
	})
	return r, err
}

// planStart says when the project began: as asked for, as configured, or with
// the ledger.
func planStart(asked, configured, first time.Time) (time.Time, string) {
	switch {
	case !asked.IsZero():
		return asked, "as asked for"
	case !configured.IsZero():
		return configured.UTC(), "plan.start of the configuration"
	}
	return first.UTC().Truncate(24 * time.Hour), "the first entry of the ledger"
}

// planLedger reads from the ledger what no record says: when it began, what it
// records of assessments and exports, and which findings are open.
func (s *Service) planLedger(ctx context.Context, p *Programme, w *plan.World) (err error) {
	if w.Start, err = firstEntry(ctx, s.store); err != nil {
		return err
	}
	if w.Recorded, err = recorded(ctx, s.store, p.Assessment.AsOf); err != nil {
		return err
	}
	w.Grades, err = openGrades(ctx, s.store, p.Assessment)
	return err
}

// recorded returns when an assessment and a bundle were first recorded.
func recorded(ctx context.Context, st evaluate.Source, until time.Time) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	err := entriesOf(ctx, st, func(e evidence.Entry) error {
		var body struct {
			What string `json:"what"`
		}
		if err := json.Unmarshal(e.Body, &body); err != nil {
			return fmt.Errorf("entry %d: %w", e.Seq, err)
		}
		what := plan.RecordedAssessment
		if e.Type == evidence.EntryExport {
			what = body.What
		}
		if _, known := out[what]; !known && !e.At.After(until) {
			out[what] = e.At
		}
		return nil
	}, evidence.EntryAssessment, evidence.EntryExport)
	return out, err
}

// openGrades lists open findings by grade: a person's, else the suggested one.
func openGrades(ctx context.Context, st evaluate.Source, a *assess.Assessment) (map[string][]string, error) {
	var book evaluate.Lives
	if err := book.Read(ctx, st, a.AsOf); err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for _, f := range assess.Findings(a) {
		if f.Status == assess.StatusDue {
			continue
		}
		grade := f.Grade
		if l, ok := book.Life(f.ID); ok && l.Judged != nil {
			grade = l.Judged.Grade
		}
		out[grade] = append(out[grade], f.ID)
	}
	return out, nil
}

// firstEntry is when the ledger began.
func firstEntry(ctx context.Context, st evaluate.Source) (time.Time, error) {
	e, err := evaluate.EntryAt(ctx, st, 0)
	if err != nil {
		return time.Time{}, fmt.Errorf("the first entry of the ledger: %w", err)
	}
	return e.At, nil
}

// entriesOf calls f for each entry of some types, oldest first.
func entriesOf(ctx context.Context, st evaluate.Source, f func(evidence.Entry) error, types ...evidence.EntryType) error {
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

func slugsOf(e *Evaluator) []string {
	var out []string
	for _, x := range e.Engine().Expectations() {
		out = append(out, x.Slug)
	}
	return out
}
