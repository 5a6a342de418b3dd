package agent

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
	"github.com/robfig/cron/v3"
	_ "modernc.org/sqlite" // registers the driver that River's jobs are kept with
)

// collectJob asks for one run of a source. At most one is waiting or running
// for a source at any time.
type collectJob struct {
	Source string    `json:"source" river:"unique"`
	Due    time.Time `json:"due"`
}

// Kind names the job for River.
func (collectJob) Kind() string { return "collect" }

// Scheduled is a source with the times at which it is to be read.
type Scheduled struct {
	Source string
	Spec   string         // cron expression, five fields or a descriptor such as @hourly
	Zone   *time.Location // nil means UTC
	Jitter time.Duration  // spread: a fixed part of it, by source name, is added to each time
}

// next returns the first due time after t.
func (s Scheduled) next(t time.Time) (time.Time, error) {
	parsed, err := cron.ParseStandard(s.Spec)
	if err != nil {
		return time.Time{}, fmt.Errorf("source %s: schedule %q: %w", s.Source, s.Spec, err)
	}
	zone := s.Zone
	if zone == nil {
		zone = time.UTC
	}
	shift := s.shift()
	n := parsed.Next(t.Add(-shift).In(zone))
	if n.IsZero() {
		return time.Time{}, fmt.Errorf("source %s: schedule %q never comes due", s.Source, s.Spec)
	}
	return n.Add(shift).UTC(), nil
}

func (s Scheduled) shift() time.Duration {
	if s.Jitter <= 0 {
		return 0
	}
	h := fnv.New64a()
	h.Write([]byte(s.Source))
	return time.Duration(h.Sum64() % uint64(s.Jitter)).Truncate(time.Second)
}

// queue keeps due times and jobs in a SQLite file of its own, so that neither
// a restart nor downtime loses or doubles a run.
type queue struct {
	db     *sql.DB
	client *river.Client[*sql.Tx]
	log    *slog.Logger
	clock  func() time.Time
}

const scheduleTable = `CREATE TABLE IF NOT EXISTS schedule (
	source   TEXT PRIMARY KEY,
	spec     TEXT NOT NULL,
	next_due INTEGER NOT NULL
) STRICT`

// openQueue opens the job file at path. The caller holds the agent's lock: a
// job found running belongs to a process that is gone, and is made available.
func openQueue(ctx context.Context, path string, workers *river.Workers, o Options) (*queue, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, fmt.Errorf("job queue %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	q := &queue{db: db, log: o.Logger, clock: o.Clock}
	if err := q.prepare(ctx, workers, o); err != nil {
		db.Close()
		return nil, fmt.Errorf("job queue %s: %w", path, err)
	}
	return q, nil
}

func (q *queue) prepare(ctx context.Context, workers *river.Workers, o Options) error {
	driver := riversqlite.New(q.db)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: quiet(o.Logger)})
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	if _, err := q.db.ExecContext(ctx, scheduleTable); err != nil {
		return err
	}
	if _, err := q.db.ExecContext(ctx, `UPDATE river_job SET state = 'available' WHERE state = 'running'`); err != nil {
		return err
	}
	q.client, err = river.NewClient(driver, &river.Config{
		Logger:          quiet(o.Logger),
		Queues:          map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: o.Concurrency}},
		Workers:         workers,
		JobTimeout:      -1, // each source has a deadline of its own
		SoftStopTimeout: o.StopTimeout,
		// Jobs left by a dead process are taken over when the queue is opened;
		// rescuing by age would start a long run a second time.
		RescueStuckJobsAfter: 30 * 24 * time.Hour,
	})
	return err
}

func (q *queue) close() error { return q.db.Close() }

// tick inserts a job for each source that is due and moves its next time on,
// in one transaction a source. However many ticks were missed, a source gets
// one job: the catch-up.
func (q *queue) tick(ctx context.Context, sources []Scheduled) error {
	for _, s := range sources {
		if err := q.tickOne(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (q *queue) tickOne(ctx context.Context, s Scheduled) error {
	now := q.clock().UTC()
	tx, err := q.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	due, err := dueTime(ctx, tx, s, now)
	if err != nil || due.After(now) {
		return commitOr(tx, err)
	}
	res, err := q.client.InsertTx(ctx, tx, collectJob{Source: s.Source, Due: due}, &river.InsertOpts{
		MaxAttempts: 3,
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
			rivertype.JobStateRetryable, rivertype.JobStateScheduled,
		}},
	})
	if err != nil {
		return err
	}
	next, err := s.next(now)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE schedule SET next_due = ? WHERE source = ?`, next.Unix(), s.Source); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	q.log.Debug("source is due", "source", s.Source, "due", due, "next", next, "already_waiting", res.UniqueSkippedAsDuplicate)
	return nil
}

// dueTime returns when s is due. A source not seen before is due at once; one
// whose expression changed is due at its next time.
func dueTime(ctx context.Context, tx *sql.Tx, s Scheduled, now time.Time) (time.Time, error) {
	var spec string
	var unix int64
	err := tx.QueryRowContext(ctx, `SELECT spec, next_due FROM schedule WHERE source = ?`, s.Source).Scan(&spec, &unix)
	due := time.Unix(unix, 0).UTC()
	switch {
	case errors.Is(err, sql.ErrNoRows):
		due = now
	case err != nil:
		return time.Time{}, err
	case spec == s.Spec:
		return due, nil
	default:
		if due, err = s.next(now); err != nil {
			return time.Time{}, err
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO schedule (source, spec, next_due) VALUES (?, ?, ?)
		ON CONFLICT (source) DO UPDATE SET spec = excluded.spec, next_due = excluded.next_due`, s.Source, s.Spec, due.Unix())
	return due, err
}

func commitOr(tx *sql.Tx, err error) error {
	if err != nil {
		return err
	}
	return tx.Commit()
}

// quiet passes only warnings and errors of the job library on.
func quiet(l *slog.Logger) *slog.Logger {
	return slog.New(levelHandler{l.Handler(), slog.LevelWarn})
}

type levelHandler struct {
	slog.Handler
	min slog.Level
}

func (h levelHandler) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= h.min && h.Handler.Enabled(ctx, l)
}
func (h levelHandler) WithAttrs(a []slog.Attr) slog.Handler {
	return levelHandler{h.Handler.WithAttrs(a), h.min}
}
func (h levelHandler) WithGroup(n string) slog.Handler {
	return levelHandler{h.Handler.WithGroup(n), h.min}
}
