package agent

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"github.com/riverqueue/river"

	"github.com/exhibit-aims/exhibit/internal/opsdb"
)

// Errors a caller acts on.
var (
	// ErrUnknownSource: no agent has loaded a configuration with this source.
	ErrUnknownSource = errors.New("no agent has this source in its configuration")
	// ErrPaused: the source is paused already.
	ErrPaused = errors.New("the source is paused already")
	// ErrNotPaused: there is nothing to resume.
	ErrNotPaused = errors.New("the source is not paused")
	// ErrReason: a source is paused by somebody for a reason.
	ErrReason = errors.New("say who, and why")
)

//go:embed migrations/*.sql
var migrations embed.FS

// Schedule is what is known of sources, their times and their runs, and the way
// to change it while agents run. It may be used by many at once.
type Schedule struct {
	db    *opsdb.DB
	queue queue
	log   *slog.Logger
	clock func() time.Time // nil: the database's, or the system's where that is a file
}

// OpenSchedule opens the schedule that the agents on db keep, and makes its
// tables. Closing db ends it.
func OpenSchedule(ctx context.Context, db *opsdb.DB, log *slog.Logger) (*Schedule, error) {
	return openSchedule(ctx, db, &river.Config{Logger: quiet(log)}, log, nil)
}

func openSchedule(ctx context.Context, db *opsdb.DB, cfg *river.Config, log *slog.Logger, clock func() time.Time) (*Schedule, error) {
	steps, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx, "agent", steps); err != nil {
		return nil, err
	}
	q, err := openQueue(ctx, db, cfg)
	if err != nil {
		return nil, fmt.Errorf("job queue: %w", err)
	}
	return &Schedule{db: db, queue: q, log: log, clock: clock}, nil
}

// now is the time by which the schedule goes: in a fleet the database's, so
// that no node's clock decides.
func (s *Schedule) now(ctx context.Context, x tx) (time.Time, error) {
	if s.clock != nil {
		return s.clock().UTC(), nil
	}
	if s.db.Dialect == opsdb.SQLite {
		return time.Now().UTC(), nil
	}
	var ms int64
	if err := x.row(ctx, `SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint`, nil, &ms); err != nil {
		return time.Time{}, err
	}
	return fromMilli(ms), nil
}

// toMilli and fromMilli keep zero apart from 1970.
func toMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// lockRow ends a query by which a row is held until the transaction ends. A
// transaction of SQLite is the only writer anyway.
func (s *Schedule) lockRow(skip bool) string {
	switch {
	case s.db.Dialect == opsdb.SQLite:
		return ""
	case skip:
		return " FOR UPDATE SKIP LOCKED"
	}
	return " FOR UPDATE"
}

// Pause stops the schedule of a source until it is resumed: who, and why. A run
// under way goes on; a waiting one is taken back.
func (s *Schedule) Pause(ctx context.Context, source, by, because string) error {
	if strings.TrimSpace(by) == "" || strings.TrimSpace(because) == "" {
		return ErrReason
	}
	return s.queue.tx(ctx, func(x tx) error {
		paused, err := s.hold(ctx, x, source)
		if err != nil {
			return err
		}
		if paused {
			return fmt.Errorf("%s: %w", source, ErrPaused)
		}
		now, err := s.now(ctx, x)
		if err != nil {
			return err
		}
		if _, err := x.exec(ctx, `UPDATE agent_schedule SET paused_by = ?, paused_because = ?, paused_at = ? WHERE source = ?`,
			by, because, toMilli(now), source); err != nil {
			return err
		}
		return s.takeBack(ctx, x, source)
	})
}

// takeBack removes the waiting job of a source's schedule: its tick is due again
// when the source is resumed.
func (s *Schedule) takeBack(ctx context.Context, x tx, source string) error {
	var job int64
	err := x.row(ctx, `SELECT id FROM river_job WHERE kind = 'collect' AND state IN ('available', 'scheduled', 'retryable', 'pending')
		AND `+s.arg("source")+` = ? AND COALESCE(`+s.arg("asked_by")+`, '') = ''`+s.lockRow(true), []any{source}, &job)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := x.exec(ctx, `DELETE FROM river_job WHERE id = ?`, job); err != nil {
		return err
	}
	return s.putBack(ctx, x, source, job)
}

// putBack makes the tick of a job due again, as if the job had not been made.
func (s *Schedule) putBack(ctx context.Context, x tx, source string, job int64) error {
	var due int64
	err := x.row(ctx, `SELECT min(due) FROM agent_tick WHERE source = ? AND job = ? HAVING count(*) > 0`, []any{source, job}, &due)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := x.exec(ctx, `DELETE FROM agent_tick WHERE source = ? AND job = ?`, source, job); err != nil {
		return err
	}
	_, err = x.exec(ctx, `UPDATE agent_schedule SET next_due = ?, next_at = ? WHERE source = ? AND next_at <> 0`, due, due, source)
	return err
}

// arg is the SQL of an argument of a job.
func (s *Schedule) arg(name string) string {
	if s.db.Dialect == opsdb.PostgreSQL {
		return "args->>'" + name + "'"
	}
	return "json_extract(args, '$." + name + "')"
}

// Resume lets the schedule of a source go on. What came due meanwhile is one
// run, at once.
func (s *Schedule) Resume(ctx context.Context, source, by string) error {
	if strings.TrimSpace(by) == "" {
		return ErrReason
	}
	err := s.queue.tx(ctx, func(x tx) error {
		paused, err := s.hold(ctx, x, source)
		if err != nil {
			return err
		}
		if !paused {
			return fmt.Errorf("%s: %w", source, ErrNotPaused)
		}
		return s.resume(ctx, x, source)
	})
	if err == nil {
		s.log.Info("source resumed", "source", source, "by", by)
	}
	return err
}

// resume forgets the pause. Times of it count as neither kept nor missed.
func (s *Schedule) resume(ctx context.Context, x tx, source string) error {
	now, err := s.now(ctx, x)
	if err != nil {
		return err
	}
	sched, err := s.kept(ctx, x, source)
	if err != nil {
		return err
	}
	judge := tick{}
	if sched.Spec != "" {
		if judge, err = sched.next(now); err != nil {
			return err
		}
	}
	_, err = x.exec(ctx, `UPDATE agent_schedule SET paused_by = '', paused_because = '', paused_at = 0, judge_due = ?, judge_at = ? WHERE source = ?`,
		toMilli(judge.due), toMilli(judge.at), source)
	return err
}

func (s *Schedule) kept(ctx context.Context, x tx, source string) (Scheduled, error) {
	var text string
	if err := x.row(ctx, `SELECT definition FROM agent_schedule WHERE source = ?`, []any{source}, &text); err != nil {
		return Scheduled{}, err
	}
	return decodeScheduled(text)
}

// hold locks a source's row and says whether it is paused.
func (s *Schedule) hold(ctx context.Context, x tx, source string) (paused bool, err error) {
	var at int64
	err = x.row(ctx, `SELECT paused_at FROM agent_schedule WHERE source = ? AND active = 1`+s.lockRow(false), []any{source}, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return false, fmt.Errorf("%s: %w", source, ErrUnknownSource)
	}
	return at != 0, err
}
