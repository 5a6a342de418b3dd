package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

// Options wire the daemon.
type Options struct {
	Jobs        string // path of the SQLite file with due times and jobs
	Schedules   []Scheduled
	Concurrency int           // sources read at the same time
	Tick        time.Duration // how often due times are looked at
	StopTimeout time.Duration // how long a run may go on after the daemon was told to stop
	Logger      *slog.Logger
	Clock       func() time.Time

	// Read makes one run of a source.
	Read func(ctx context.Context, source string) (evidence.Run, error)
	// After is called after each run, one call at a time.
	After func(ctx context.Context, run evidence.Run) error
}

// Run reads sources on their schedules until ctx is done, then stops cleanly:
// no new run begins, running ones get StopTimeout to end, and what is left is
// taken up by the next start. The caller holds the lock that allows one daemon
// a store.
func Run(ctx context.Context, o Options) error {
	workers := river.NewWorkers()
	river.AddWorker(workers, &collectWorker{o: o, after: make(chan struct{}, 1)})
	q, err := openQueue(ctx, o.Jobs, workers, o)
	if err != nil {
		return err
	}
	defer q.close()
	// The job client outlives ctx, so that it can stop softly.
	if err := q.client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("job queue: %w", err)
	}
	o.Logger.Info("agent started", "sources", len(o.Schedules), "concurrency", o.Concurrency)
	tickErr := tickUntilDone(ctx, q, o)
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.StopTimeout+closeTimeout)
	defer cancel()
	if err := q.client.Stop(stop); err != nil {
		if err := q.client.StopAndCancel(stop); err != nil {
			return errors.Join(tickErr, fmt.Errorf("stopping: %w", err))
		}
	}
	o.Logger.Info("agent stopped")
	return tickErr
}

func tickUntilDone(ctx context.Context, q *queue, o Options) error {
	ticker := time.NewTicker(o.Tick)
	defer ticker.Stop()
	for {
		if err := q.tick(ctx, o.Schedules); err != nil && ctx.Err() == nil {
			return fmt.Errorf("schedule: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// collectWorker does one job: a run of a source, then what follows a run.
type collectWorker struct {
	river.WorkerDefaults[collectJob]
	o     Options
	after chan struct{} // holds a token while After runs
}

// Work reads the job's source. A run that failed at the source is in the
// ledger, and the job is done; only an error of ours makes River try again.
func (w *collectWorker) Work(ctx context.Context, job *river.Job[collectJob]) error {
	log := w.o.Logger.With("source", job.Args.Source, "job", job.ID, "attempt", job.Attempt)
	log.Info("run started", "due", job.Args.Due)
	run, err := w.o.Read(ctx, job.Args.Source)
	if err != nil {
		log.Error("run could not be made", "error", err)
		return err
	}
	level := slog.LevelInfo
	if run.Status != evidence.RunComplete {
		level = slog.LevelWarn
	}
	log.Log(ctx, level, "run ended", "run", run.ID, "status", run.Status, "gaps", len(run.Gaps), "error", run.Error,
		"requests", run.Calls.Requests, "took", run.FinishedAt.Sub(run.StartedAt))
	w.after <- struct{}{}
	defer func() { <-w.after }()
	return w.o.After(ctx, run)
}
