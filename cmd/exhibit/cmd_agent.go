package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/exhibit-aims/exhibit/internal/service"

	"github.com/spf13/cobra"

	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
)

type agentOptions struct {
	tick        time.Duration
	stopTimeout time.Duration
	logFormat   string
	logLevel    string
}

func newAgentCommand(g *globals) *cobra.Command {
	var o agentOptions
	c := &cobra.Command{
		Use:   "agent",
		Short: "The daemon: read sources on their schedules, assess after each run",
		Long: `Reads each source on its cron schedule and the register with every run, assesses
after each run, and logs what changed. Due times and jobs are kept beside the store: after
downtime each source is read once, and a run that was cut off is made again. SIGINT and
SIGTERM stop it cleanly. On a SQLite store one agent runs; on a PostgreSQL store several may,
with the same configuration: each time of a schedule is met by one of them, and what one leaves
when it dies another takes over.`,
		Example: `  exhibit agent
  exhibit agent --log-format json --log-level debug
  exhibit agent status`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runAgent(c.Context(), g, o) },
	}
	c.Flags().DurationVar(&o.tick, "tick", time.Second, "how `often` to look for sources that are due")
	c.Flags().DurationVar(&o.stopTimeout, "stop-timeout", 30*time.Second, "how `long` a run may go on after the agent is told to stop")
	c.Flags().StringVar(&o.logFormat, "log-format", "text", "`format` of the log: text or json")
	c.Flags().StringVar(&o.logLevel, "log-level", "info", "least `level` that is logged: debug, info, warn or error")
	c.AddCommand(newAgentStatusCommand(g), newAgentPauseCommand(g), newAgentResumeCommand(g), newAgentRunCommand(g))
	return c
}

func runAgent(ctx context.Context, g *globals, o agentOptions) error {
	logger, err := g.agentLogger(o)
	if err != nil {
		return err
	}
	if o.tick <= 0 {
		return usageError{errors.New("--tick must be positive"), "the default is 1s"}
	}
	w, err := g.openConfigured(ctx, logger)
	if err != nil {
		return err
	}
	defer w.Close()
	w.unattended = true
	w.collector.Patience = time.Minute
	if !w.cfg.Store.IsURL() {
		release, err := w.locks.Acquire("agent")
		if err != nil {
			return fmt.Errorf("another agent runs on %s: %w", w.cfg.Store, err)
		}
		defer release()
	}
	ops, err := openOps(ctx, w.cfg)
	if err != nil {
		return err
	}
	defer ops.Close()
	schedules, err := w.schedules()
	if err != nil {
		return err
	}
	e, err := service.NewEvaluator(w.cfg, w.store)
	if err != nil {
		return err
	}
	after := watcher{w: w, e: e, last: map[string]assess.Status{}}
	return agent.Run(ctx, agent.Options{
		DB: ops, Locks: w.locks, Version: version, Schedules: schedules, Concurrency: w.concurrency(), MissedAfter: w.cfg.Schedule.MissedAfter,
		Tick: o.tick, StopTimeout: o.stopTimeout, Logger: logger,
		Read: func(ctx context.Context, order agent.Order) (evidence.Run, error) {
			return w.collectHeld(ctx, order, false, nil)
		},
		After:  after.assess,
		Settle: w.collector.CloseOrphans,
	})
}

func (g *globals) agentLogger(o agentOptions) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
		return nil, usageError{fmt.Errorf("log level %q is not known", o.logLevel), "use debug, info, warn or error"}
	}
	h := &slog.HandlerOptions{Level: level}
	switch o.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(g.std.err, h)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(g.std.err, h)), nil
	}
	return nil, usageError{fmt.Errorf("log format %q is not known", o.logFormat), "use text or json"}
}

// registerSchedule is how often the register is read: it costs next to nothing.
const registerSchedule = "*/5 * * * *"

// schedules returns what the daemon reads and when. A source without a
// schedule is read only when somebody asks.
func (w *workplace) schedules() ([]agent.Scheduled, error) {
	var out []agent.Scheduled
	timed := false
	if w.cfg.Register != "" {
		out = append(out, agent.Scheduled{Source: agent.RegisterSource, Spec: registerSchedule, Priority: 1})
		timed = true
	}
	for _, s := range w.cfg.Sources {
		out = append(out, agent.Scheduled{Source: s.Name, Connector: s.Connector, Spec: s.Schedule, Zone: s.Zone, Jitter: s.Jitter,
			Blackout: s.Blackout, Priority: s.Priority, Budget: agent.Budget(s.Budget)})
		timed = timed || s.Schedule != ""
	}
	if !timed {
		return nil, usageError{errors.New("no source has a schedule: the agent would never read anything"), "add schedule: to the sources, for example \"0 */6 * * *\""}
	}
	return out, nil
}

// watcher assesses after each run and logs the controls whose status changed.
type watcher struct {
	w    *workplace
	e    *service.Evaluator
	last map[string]assess.Status

	observed time.Time // when the agent last put on record what it knows of itself
}

// observeEvery is how often the agent puts on record what it knows of itself.
const observeEvery = time.Hour

func (a *watcher) assess(ctx context.Context, run evidence.Run) error {
	started := time.Now()
	if err := a.w.reconcile(ctx); err != nil {
		return err
	}
	if started.Sub(a.observed) >= observeEvery {
		a.observed = started
		now := func(ctx context.Context) (*assess.Assessment, error) { return a.e.At(ctx, started.UTC()) }
		if err := a.w.observe(ctx, now); err != nil {
			return err
		}
	}
	result, err := a.e.At(ctx, time.Now().UTC())
	if err != nil {
		return err
	}
	changed := 0
	for _, c := range result.Controls {
		before, known := a.last[c.ID]
		a.last[c.ID] = c.Status
		if !known || before == c.Status {
			continue
		}
		changed++
		a.w.logger.Info("control changed", "control", c.ID, "title", c.Title, "from", before, "to", c.Status, "reason", c.Reason)
	}
	a.w.logger.Info("assessed", "after", run.Provenance.Source, "results", len(result.Results), "changed", changed, "took", time.Since(started))
	return a.w.svc.RecordAssessment(ctx, result, true)
}
