package agent

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/exhibit-aims/exhibit/internal/agent/blackout"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// How long a job waits before it asks again.
const (
	waitForLock   = 2 * time.Second  // somebody else reads the source
	waitForBudget = 5 * time.Second  // the credential's budget is in use
	waitForSource = 30 * time.Second // another node may have the source
)

// patience is how errors of ours are met: again soon, then every five minutes.
type patience struct{}

// NextRetry implements river.ClientRetryPolicy.
func (patience) NextRetry(job *rivertype.JobRow) time.Time {
	return time.Now().Add(min(time.Duration(max(job.Attempt, 1))*10*time.Second, 5*time.Minute))
}

// collectWorker does one job: a run of a source, then what follows a run.
type collectWorker struct {
	river.WorkerDefaults[collectJob]
	d *daemon
}

// Work reads the job's source. A run that failed at the source is in the
// ledger, and the job is done; an error of ours makes River try again.
func (w *collectWorker) Work(ctx context.Context, job *river.Job[collectJob]) error {
	d, source := w.d, job.Args.Source
	log := d.o.Logger.With("source", source, "job", job.ID, "attempt", job.Attempt)
	sched, ok := d.source(source)
	if !ok {
		log.Warn("cannot read a source that is due", "error", errNoSource)
		return river.JobSnooze(waitForSource)
	}
	held, release, err := Hold(ctx, d.o.Locks, source)
	if errors.Is(err, store.ErrLocked) {
		log.Debug("another process reads the source")
		return river.JobSnooze(waitForLock)
	}
	if err != nil {
		return err
	}
	run, err := w.underLock(held, job, sched, log)
	release()
	if err != nil || run.ID == "" {
		return err
	}
	return w.follow(ctx, run, log)
}

// follow calls After, one call at a time. What a run left in the ledger is seen by
// any call that begins later: runs that end while one is under way need one more
// between them.
func (w *collectWorker) follow(ctx context.Context, run evidence.Run, log *slog.Logger) error {
	ended := time.Now()
	select {
	case w.d.after <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-w.d.after }()
	began := time.Now()
	if w.d.last.After(ended) {
		log.Info("assessed with another", "run", run.ID, "waited", began.Sub(ended))
		return nil
	}
	if err := w.d.o.After(ctx, run); err != nil {
		return err
	}
	w.d.last = began
	return nil
}

// underLock makes the run of a job, unless it was made already: then it returns
// that one.
func (w *collectWorker) underLock(ctx context.Context, job *river.Job[collectJob], sched Scheduled, log *slog.Logger) (evidence.Run, error) {
	d := w.d
	run, done, err := d.s.madeBefore(ctx, job.ID)
	if err != nil || done {
		return run, err
	}
	if job.Args.AskedBy == "" {
		if stop, err := w.notNow(ctx, job.ID, sched, log); stop || err != nil {
			return run, err
		}
	}
	id := newRunID(time.Now())
	rate, ok, err := d.s.lease(ctx, id, d.o.Node, sched)
	if err != nil {
		return run, err
	}
	if !ok {
		log.Debug("the budget is in use", "budget", sched.Budget.Name)
		return run, river.JobSnooze(waitForBudget)
	}
	defer d.giveBack(ctx, id, sched)
	if err := d.s.begin(ctx, id, job.ID, job.Args, d.o.Node); err != nil {
		return run, err
	}
	log.Info("run started", "due", job.Args.Due, "asked_by", job.Args.AskedBy)
	run, err = d.o.Read(ctx, Order{Source: sched.Source, AskedBy: job.Args.AskedBy, RequestsPerSecond: rate})
	return run, w.ended(ctx, id, run, err, log)
}

// notNow reports whether a run that the schedule wants is not to be: the source
// was paused, or a blackout began, while the job waited.
func (w *collectWorker) notNow(ctx context.Context, job int64, sched Scheduled, log *slog.Logger) (stop bool, err error) {
	d := w.d
	paused, err := d.s.putBackIfPaused(ctx, sched.Source, job)
	if err != nil {
		return false, err
	}
	if paused {
		log.Info("the source is paused: not read")
		return true, d.settle(ctx, sched.Source)
	}
	var wait time.Duration
	err = d.s.queue.tx(ctx, func(x tx) error {
		now, err := d.s.now(ctx, x)
		if err != nil {
			return err
		}
		free, err := blackout.Until(sched.Blackout, now)
		wait = free.Sub(now)
		return err
	})
	if err != nil || wait <= 0 {
		return false, err
	}
	log.Info("a blackout began while the run waited", "until_in", wait)
	return true, river.JobSnooze(wait)
}

// ended notes how a run ended. One that was cut off is made again.
func (w *collectWorker) ended(ctx context.Context, id string, run evidence.Run, err error, log *slog.Logger) error {
	cut := context.Cause(ctx)
	status, text := string(run.Status), run.Error
	switch {
	case cut != nil && run.Status != evidence.RunComplete:
		status, text = StatusLost, cut.Error()
	case err != nil:
		status, text = StatusError, err.Error()
	}
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if nerr := w.d.s.end(keep, id, run.ID, status, text); nerr != nil {
		log.Warn("how the run ended could not be noted", "error", nerr)
		err = errors.Join(err, nerr)
	}
	switch {
	case status == StatusLost:
		log.Warn("run was cut off, and is made again", "run", run.ID, "error", cut)
		return river.JobSnooze(time.Second)
	case err != nil:
		log.Error("run could not be made", "error", err)
		return err
	}
	level := slog.LevelInfo
	if run.Status != evidence.RunComplete {
		level = slog.LevelWarn
	}
	log.Log(ctx, level, "run ended", "run", run.ID, "status", run.Status, "gaps", len(run.Gaps), "error", run.Error,
		"requests", run.Calls.Requests, "took", run.FinishedAt.Sub(run.StartedAt))
	return nil
}

func (d *daemon) settle(ctx context.Context, source string) error {
	if d.o.Settle == nil {
		return nil
	}
	return d.o.Settle(ctx, source)
}

func (d *daemon) giveBack(ctx context.Context, id string, sched Scheduled) {
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if err := d.s.giveBack(keep, id, sched); err != nil {
		d.o.Logger.Warn("a part of a budget could not be given back; it is when this node ends", "budget", sched.Budget.Name, "error", err)
	}
}

// madeBefore finds the run that was made for a job, should the node have ended
// before the job was told so. It knows no more than which run it is.
func (s *Schedule) madeBefore(ctx context.Context, job int64) (run evidence.Run, done bool, err error) {
	err = s.queue.tx(ctx, func(x tx) error {
		var status string
		err := x.row(ctx, `SELECT run, source, status FROM agent_run WHERE job = ? AND ended <> 0 AND status NOT IN ('`+StatusLost+`', '`+StatusError+`')`,
			[]any{job}, &run.ID, &run.Provenance.Source, &status)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		run.Status, done = evidence.RunStatus(status), err == nil
		return err
	})
	return run, done, err
}

// putBackIfPaused makes a paused source due again for when it is resumed.
func (s *Schedule) putBackIfPaused(ctx context.Context, source string, job int64) (paused bool, err error) {
	err = s.queue.tx(ctx, func(x tx) error {
		if paused, err = s.hold(ctx, x, source); err != nil || !paused {
			return err
		}
		return s.putBack(ctx, x, source, job)
	})
	if errors.Is(err, ErrUnknownSource) { // taken out of the configuration meanwhile: its last run is made
		return false, nil
	}
	return paused, err
}

// begin notes that a run began. Whoever holds the source's lock is the only one
// who reads it: what stands there unended was left by a process that ended.
func (s *Schedule) begin(ctx context.Context, id string, job int64, args collectJob, node string) error {
	return s.queue.tx(ctx, func(x tx) error {
		now, err := s.now(ctx, x)
		if err != nil {
			return err
		}
		if _, err := x.exec(ctx, `UPDATE agent_run SET ended = ?, status = '`+StatusLost+`', error = 'the process ended before the run did'
			WHERE source = ? AND ended = 0`, toMilli(now), args.Source); err != nil {
			return err
		}
		_, err = x.exec(ctx, `INSERT INTO agent_run (id, job, source, due, asked_by, node, begun, ended, run, status, error) VALUES (?, ?, ?, ?, ?, ?, ?, 0, '', '', '')`,
			id, job, args.Source, toMilli(args.Due), args.AskedBy, node, toMilli(now))
		return err
	})
}

func (s *Schedule) end(ctx context.Context, id, run, status, text string) error {
	return s.queue.tx(ctx, func(x tx) error {
		now, err := s.now(ctx, x)
		if err != nil {
			return err
		}
		n, err := x.exec(ctx, `UPDATE agent_run SET ended = ?, run = ?, status = ?, error = ? WHERE id = ?`, toMilli(now), run, status, text, id)
		if err == nil && n == 0 {
			err = fmt.Errorf("run %s is not on the list", id)
		}
		return err
	})
}
