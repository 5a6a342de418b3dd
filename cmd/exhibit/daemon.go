package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/opsdb"
	"github.com/exhibit-aims/exhibit/internal/secrets"
	"github.com/exhibit-aims/exhibit/internal/server"
	"github.com/exhibit-aims/exhibit/internal/telemetry"
	"github.com/exhibit-aims/exhibit/internal/tell"
)

// daemon is one node: it reads on schedule, concludes, tells people and answers.
type daemon struct {
	w        *workplace
	o        agentOptions
	ops      *opsdb.DB
	schedule *agent.Schedule
	server   *server.Server // nil where nothing is served
	metrics  *telemetry.Metrics
	tracing  *telemetry.Tracing
	mask     *secrets.Mask
	began    time.Time
	looked   atomic.Int64 // when due times were looked at last, in seconds since 1970
	watcher  watcher
	teller   *tell.Teller
}

// runDaemon is the agent on a store that is open, until ctx is done.
func runDaemon(ctx context.Context, w *workplace, o agentOptions, mask *secrets.Mask) error {
	w.unattended = true
	w.collector.Patience = time.Minute
	if !w.cfg.Store.IsURL() {
		release, err := w.locks.Acquire("agent")
		if err != nil {
			return fmt.Errorf("another agent runs on %s: %w", w.cfg.Store, err)
		}
		defer release()
	}
	sweepStore(w.cfg, w.logger)
	d := &daemon{w: w, o: o, mask: mask, began: time.Now(), watcher: newWatcher()}
	schedules, err := w.schedules()
	if err != nil {
		return err
	}
	if err := d.open(ctx); err != nil {
		return errors.Join(err, d.close(ctx))
	}
	told := ctx // ends when the agent is told to stop
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return d.collect(ctx, schedules) })
	all.Go(func() error { return d.serve(ctx) })
	all.Go(func() error {
		w.svc.KeepCurrent(ctx, viewEvery, func(err error) { w.logger.Error("no view of how things stand could be made", "error", err) })
		return nil
	})
	all.Go(func() error { d.teller.Run(ctx); return nil })
	all.Go(func() error { d.watchSchedule(ctx); return nil })
	all.Go(func() error { d.rest(ctx); return nil })
	err = all.Wait()
	if told.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil // it was told to stop before all of it had started
	}
	return errors.Join(err, d.close(context.WithoutCancel(ctx)))
}

// viewEvery is how often the agent looks whether others changed the ledger.
const viewEvery = 2 * time.Second

func (d *daemon) open(ctx context.Context) (err error) {
	d.metrics = telemetry.NewMetrics(telemetry.Build{Version: version}, d.began)
	if d.ops, err = openOps(ctx, d.w.cfg); err != nil {
		return err
	}
	if d.schedule, err = agent.OpenSchedule(ctx, d.ops, d.w.logger); err != nil {
		return err
	}
	if err := d.openTeller(ctx); err != nil {
		return err
	}
	d.w.metrics.Store(d.metrics)
	if st, ok := d.w.store.(interface{ OnAppend(func(time.Duration)) }); ok {
		st.OnAppend(d.metrics.Appended)
	}
	if d.w.reread != nil {
		d.w.reread.metrics.Store(d.metrics)
	}
	if d.tracing, err = d.openTracing(ctx); err != nil {
		return err
	}
	return d.openServer(ctx)
}

func (d *daemon) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := d.tracing.Close(ctx)
	if d.server != nil {
		err = errors.Join(err, d.server.Close())
	}
	if d.ops != nil {
		err = errors.Join(err, d.ops.Close())
	}
	return err
}

// collect reads the sources as they come due.
func (d *daemon) collect(ctx context.Context, schedules []agent.Scheduled) error {
	w := d.w
	config, connectors, err := w.fingerprint(ctx)
	if err != nil {
		return err
	}
	return agent.Run(ctx, agent.Options{
		ConfigDigest: config, Connectors: connectors,
		DB: d.ops, Locks: w.locks, Version: version, Schedules: schedules, Concurrency: w.concurrency(), MissedAfter: w.cfg.Schedule.MissedAfter,
		Tick: d.o.tick, StopTimeout: d.o.stopTimeout, Logger: w.logger,
		Read: func(ctx context.Context, order agent.Order) (evidence.Run, error) {
			ctx, span := d.tracing.Start(ctx, "run", telemetry.Source(order.Source))
			run, err := w.collectHeld(ctx, order, false, nil)
			span.Set(telemetry.RunID(run.ID), telemetry.Status(string(run.Status)))
			span.End(err)
			if err == nil {
				d.metrics.RunEnded(countedRun(run))
			}
			if order.AskedBy == "" {
				d.metrics.Ticked(order.Source, telemetry.TickDue, 1)
			}
			return run, err
		},
		After:  d.after,
		Settle: w.collector.CloseOrphans,
	})
}

// countedRun is what the metrics say of a run.
func countedRun(run evidence.Run) telemetry.Run {
	out := telemetry.Run{Source: run.Provenance.Source, Status: string(run.Status), Took: run.FinishedAt.Sub(run.StartedAt),
		Requests: run.Calls.Requests, NotModified: run.Calls.NotModified, Gaps: map[string]int{}}
	for _, k := range run.Kinds {
		out.New += k.New
		out.Revised += k.Revised
		out.Unchanged += k.Unchanged
		out.Gone += k.Gone
	}
	for _, gap := range run.Gaps {
		out.Gaps[gap.Reason]++
	}
	return out
}
