package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evaluate"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/plan"
	"github.com/exhibit-aims/exhibit/internal/readiness"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// programme is what the plan, the packs and the worksheet are made from: a view,
// and the records of some kinds as they were then.
type programme struct {
	view     *View
	records  readiness.Records
	runs     []evidence.Run // that had ended by then
	operates map[evidence.Digest]time.Time
}

// programme reads the records of some kinds as they were at the instant of a view.
func (s *Service) programme(ctx context.Context, v *View, kinds []string) (*programme, error) {
	p := &programme{view: v}
	at := v.Assessment.AsOf
	var err error
	if p.records, err = recordsAt(ctx, s.store, kinds, at); err != nil {
		return nil, err
	}
	for run, err := range s.store.Runs(ctx, "") {
		if err != nil {
			return nil, err
		}
		if !run.StartedAt.After(at) && !run.FinishedAt.IsZero() && !run.FinishedAt.After(at) {
			p.runs = append(p.runs, run)
		}
	}
	p.operates, err = s.operating(ctx, v)
	return p, err
}

// operating says of the evidence that the results of a view rest on which shows
// that something was done, and when.
func (s *Service) operating(ctx context.Context, v *View) (map[evidence.Digest]time.Time, error) {
	of := map[evidence.Digest]struct{}{}
	for _, r := range v.Assessment.Results {
		for _, d := range r.Evidence {
			of[d] = struct{}{}
		}
	}
	var out map[evidence.Digest]time.Time
	err := s.onState(ctx, func(st *assess.State, _ assess.Checkpoint) error {
		out = st.Operating(of)
		return nil
	})
	return out, err
}

// shows tells whether a piece of evidence shows that something was done, and when.
func (p *programme) shows(d evidence.Digest) (time.Time, bool) {
	at, ok := p.operates[d]
	return at, ok
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
	e, err := s.rules()
	if err != nil {
		return nil, err
	}
	return plan.Load(config.FS, plan.Known{Kinds: e.Engine().Catalog().KindIDs(), Expectations: slugsOf(e)})
}

// Plan computes the roadmap as of a view. Dates count from start; where it is
// zero, from plan.start of the configuration, else from the first entry of the
// ledger. The report is shared by all who ask the same of a view.
func (s *Service) Plan(ctx context.Context, roadmap *plan.Plan, v *View, start time.Time) (plan.Report, error) {
	shared := context.WithoutCancel(ctx)
	w, err := madeOnce(v, "", func() (*plan.World, error) { return s.planWorld(shared, roadmap, v) })
	if err != nil {
		return plan.Report{}, err
	}
	from := *w
	from.Start, from.StartFrom = planStart(start, s.Config().Plan.Start, w.Start)
	question := from.Start.Format(time.RFC3339Nano) + " " + from.StartFrom
	return madeOnce(v, question, func() (plan.Report, error) { return roadmap.Compute(from), nil })
}

func (s *Service) planWorld(ctx context.Context, roadmap *plan.Plan, v *View) (*plan.World, error) {
	p, err := s.programme(ctx, v, roadmap.Kinds())
	if err != nil {
		return nil, err
	}
	cfg := s.Config()
	w := &plan.World{Assessment: v.Assessment, Records: p.records, Runs: p.runs, Operates: p.shows, Grades: openGrades(v),
		Retention: cfg.Retention.Default > 0 || len(cfg.Retention.Kinds) > 0}
	for _, src := range cfg.Sources {
		w.Sources = append(w.Sources, src.Name)
	}
	if w.Start, err = firstEntry(ctx, s.store); err != nil {
		return nil, err
	}
	w.Recorded, err = recorded(ctx, s.store, v.Assessment.AsOf)
	return w, err
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

// recorded returns when an assessment and a bundle were first recorded.
func recorded(ctx context.Context, st evaluate.Source, until time.Time) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	for _, of := range []evidence.EntryType{evidence.EntryAssessment, evidence.EntryExport} {
		err := entriesOf(ctx, st, func(e evidence.Entry) error {
			what := plan.RecordedAssessment
			if of == evidence.EntryExport {
				var body struct {
					What string `json:"what"`
				}
				if err := json.Unmarshal(e.Body, &body); err != nil {
					return fmt.Errorf("entry %d: %w", e.Seq, err)
				}
				what = body.What
			}
			if _, known := out[what]; !known && !e.At.After(until) {
				out[what] = e.At
			}
			if what == plan.RecordedAssessment {
				return errEnough // what comes after is later
			}
			return nil
		}, of)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// openGrades lists open findings by grade: a person's, else the suggested one.
func openGrades(v *View) map[string][]string {
	out := map[string][]string{}
	for _, f := range assess.Findings(v.Assessment) {
		if f.Status == assess.StatusDue {
			continue
		}
		grade := f.Grade
		if l, ok := v.Life(f.ID); ok && l.Judged != nil {
			grade = l.Judged.Grade
		}
		out[grade] = append(out[grade], f.ID)
	}
	return out
}

// firstEntry is when the ledger began.
func firstEntry(ctx context.Context, st evaluate.Source) (time.Time, error) {
	e, err := evaluate.EntryAt(ctx, st, 0)
	if err != nil {
		return time.Time{}, fmt.Errorf("the first entry of the ledger: %w", err)
	}
	return e.At, nil
}

// errEnough ends a walk.
var errEnough = errors.New("enough")

// entriesOf calls f for each entry of some types, oldest first, until it says that
// it has seen enough.
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
		if err := f(e); errors.Is(err, errEnough) {
			return nil
		} else if err != nil {
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
