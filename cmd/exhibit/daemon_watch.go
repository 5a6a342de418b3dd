package main

import (
	"context"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/telemetry"
)

// watcher knows what the agent has said already.
type watcher struct {
	last     map[string]assess.Status // of controls
	observed time.Time                // when the agent last put on record what it knows of itself
}

func newWatcher() watcher { return watcher{last: map[string]assess.Status{}} }

// observeEvery is how often the agent puts on record what it knows of itself.
const observeEvery = time.Hour

// after follows a run: what was seen of AI is reconciled, everything is
// assessed, and what changed is put on record and told.
func (d *daemon) after(ctx context.Context, run evidence.Run) (err error) {
	ctx, span := d.tracing.Start(ctx, "assess", telemetry.Source(run.Provenance.Source), telemetry.RunID(run.ID))
	defer func() { span.End(err) }()
	w, started := d.w, time.Now()
	if err := w.reconcile(ctx); err != nil {
		return err
	}
	if started.Sub(d.watcher.observed) >= observeEvery {
		d.watcher.observed = started
		now := func(ctx context.Context) (*assess.Assessment, error) { return w.svc.Assess(ctx, started.UTC()) }
		if err := w.observeAgents(ctx, d.schedule, now); err != nil {
			return err
		}
	}
	v, err := w.svc.Conclude(ctx)
	if err != nil {
		return err
	}
	changed := d.watcher.logChanges(w, v.Assessment)
	took := time.Since(started)
	d.metrics.Assessed(took)
	d.metrics.Observe(stateOf(v))
	w.logger.Info("assessed", "after", run.Provenance.Source, "results", len(v.Assessment.Results), "changed", changed, "took", took)
	return d.tell(ctx, v)
}

// logChanges logs the controls whose status is another one, and counts them.
func (a *watcher) logChanges(w *workplace, result *assess.Assessment) int {
	changed := 0
	for _, c := range result.Controls {
		before, known := a.last[c.ID]
		a.last[c.ID] = c.Status
		if !known || before == c.Status {
			continue
		}
		changed++
		w.logger.Info("control changed", "control", c.ID, "title", c.Title, "from", before, "to", c.Status, "reason", c.Reason)
	}
	return changed
}

// stateOf is what the metrics say of a view.
func stateOf(v *service.View) telemetry.State {
	s := telemetry.State{AsOf: v.Assessment.AsOf, Results: map[string]int{}, Controls: map[string]int{}, Open: map[string]int{}, Overdue: map[string]int{},
		Expiring: map[string]int{}, LedgerSize: v.Assessment.Checkpoint.Size, CheckpointAt: v.Made, ShadowOpen: v.Wholeness.Open}
	for _, r := range v.Assessment.Results {
		s.Results[string(r.Status)]++
	}
	for _, c := range v.Assessment.Controls {
		s.Controls[string(c.Status)]++
	}
	for _, f := range v.Findings {
		if !f.State.IsOpen() {
			continue
		}
		s.Open[f.Severity]++
		if f.Overdue {
			s.Overdue[f.Severity]++
		}
	}
	for _, e := range v.Expiring {
		for _, within := range []struct {
			label string
			time.Duration
		}{{"1d", 24 * time.Hour}, {"7d", 7 * 24 * time.Hour}, {"30d", 30 * 24 * time.Hour}} {
			if e.At.Before(v.Assessment.AsOf.Add(within.Duration)) {
				s.Expiring[within.label]++
			}
		}
	}
	return s
}
