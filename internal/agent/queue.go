package agent

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"github.com/exhibit-aims/exhibit/internal/opsdb"
)

// collectJob asks for one run of a source. At most one is waiting or running
// for a source at any time.
type collectJob struct {
	Source  string    `json:"source" river:"unique"`
	Due     time.Time `json:"due"`                // of the tick; of an asked run when it was asked for
	AskedBy string    `json:"asked_by,omitempty"` // empty: the schedule
}

// Kind names the job for River.
func (collectJob) Kind() string { return "collect" }

// maxAttempts is how often an error of ours is met before the job is given up;
// the next tick makes another.
const maxAttempts = 20

// insertOpts makes a job the only one of its source.
func insertOpts(priority int) *river.InsertOpts {
	return &river.InsertOpts{
		MaxAttempts: maxAttempts, Priority: priority,
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
			rivertype.JobStateRetryable, rivertype.JobStateScheduled,
		}},
	}
}

// queue is the job library on either system.
type queue interface {
	// tx runs f in a transaction; jobs that f inserts are there if it commits.
	tx(ctx context.Context, f func(tx) error) error
	// start works jobs until stop or stopNow.
	start(ctx context.Context) error
	stop(ctx context.Context) error
	stopNow(ctx context.Context) error
}

// tx is a transaction of the operational database. Parameters are written ?.
type tx interface {
	exec(ctx context.Context, query string, args ...any) (rows int64, err error)
	// row scans the first row into dest, or returns sql.ErrNoRows.
	row(ctx context.Context, query string, args []any, dest ...any) error
	insert(ctx context.Context, job collectJob, priority int) (*rivertype.JobInsertResult, error)
}

// openQueue makes River's tables, and a client for them. Without workers it
// only inserts.
func openQueue(ctx context.Context, db *opsdb.DB, cfg *river.Config) (queue, error) {
	if db.Dialect == opsdb.PostgreSQL {
		return newRiver(ctx, db, riverpgxv5.New(db.Pool), cfg, beginPostgres)
	}
	return newRiver(ctx, db, riversqlite.New(db.DB), cfg, beginSQLite)
}

func newRiver[T any](ctx context.Context, db *opsdb.DB, driver riverdriver.Driver[T], cfg *river.Config, begin func(context.Context, *opsdb.DB) (transaction[T], error)) (queue, error) {
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: cfg.Logger})
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, migrator); err != nil {
		return nil, fmt.Errorf("tables of jobs: %w", err)
	}
	client, err := river.NewClient(driver, cfg)
	if err != nil {
		return nil, err
	}
	return &riverQueue[T]{db: db, client: client, begin: begin}, nil
}

// migrate brings River's tables up to date. Of several that start together one
// does it, and the others find it done.
func migrate[T any](ctx context.Context, m *rivermigrate.Migrator[T]) error {
	var err error
	for range 20 {
		if _, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(250 * time.Millisecond):
		}
	}
	return err
}

// riverQueue is a queue whose database has transactions of type T.
type riverQueue[T any] struct {
	db     *opsdb.DB
	client *river.Client[T]
	begin  func(context.Context, *opsdb.DB) (transaction[T], error)
}

// transaction is what is done with one of type T outside River.
type transaction[T any] interface {
	raw() T
	exec(ctx context.Context, query string, args ...any) (int64, error)
	row(ctx context.Context, query string, args []any, dest ...any) error
	commit(ctx context.Context) error
	rollback(ctx context.Context) error
}

func (q *riverQueue[T]) tx(ctx context.Context, f func(tx) error) error {
	t, err := q.begin(ctx, q.db)
	if err != nil {
		return err
	}
	if err := f(riverTx[T]{t, q}); err != nil {
		return errors.Join(err, t.rollback(context.WithoutCancel(ctx)))
	}
	return t.commit(ctx)
}

func (q *riverQueue[T]) start(ctx context.Context) error   { return q.client.Start(ctx) }
func (q *riverQueue[T]) stop(ctx context.Context) error    { return q.client.Stop(ctx) }
func (q *riverQueue[T]) stopNow(ctx context.Context) error { return q.client.StopAndCancel(ctx) }

// riverTx is a tx on either system.
type riverTx[T any] struct {
	t transaction[T]
	q *riverQueue[T]
}

func (x riverTx[T]) exec(ctx context.Context, query string, args ...any) (int64, error) {
	return x.t.exec(ctx, x.q.db.Rebind(query), args...)
}

func (x riverTx[T]) row(ctx context.Context, query string, args []any, dest ...any) error {
	return x.t.row(ctx, x.q.db.Rebind(query), args, dest...)
}

func (x riverTx[T]) insert(ctx context.Context, job collectJob, priority int) (*rivertype.JobInsertResult, error) {
	return x.q.client.InsertTx(ctx, x.t.raw(), job, insertOpts(priority))
}

// sqliteTx is a transaction of database/sql.
type sqliteTx struct{ *sql.Tx }

func beginSQLite(ctx context.Context, db *opsdb.DB) (transaction[*sql.Tx], error) {
	t, err := db.BeginTx(ctx, nil)
	return sqliteTx{t}, err
}

func (t sqliteTx) raw() *sql.Tx { return t.Tx }

func (t sqliteTx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := t.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (t sqliteTx) row(ctx context.Context, query string, args []any, dest ...any) error {
	return t.QueryRowContext(ctx, query, args...).Scan(dest...)
}

func (t sqliteTx) commit(context.Context) error { return t.Commit() }

func (t sqliteTx) rollback(context.Context) error {
	if err := t.Rollback(); !errors.Is(err, sql.ErrTxDone) {
		return err
	}
	return nil
}

// postgresTx is a transaction of pgx.
type postgresTx struct{ pgx.Tx }

func beginPostgres(ctx context.Context, db *opsdb.DB) (transaction[pgx.Tx], error) {
	t, err := db.Pool.BeginTx(ctx, pgx.TxOptions{})
	return postgresTx{t}, err
}

func (t postgresTx) raw() pgx.Tx { return t.Tx }

func (t postgresTx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	tag, err := t.Exec(ctx, query, args...)
	return tag.RowsAffected(), err
}

func (t postgresTx) row(ctx context.Context, query string, args []any, dest ...any) error {
	err := t.QueryRow(ctx, query, args...).Scan(dest...)
	if errors.Is(err, pgx.ErrNoRows) {
		return sql.ErrNoRows
	}
	return err
}

func (t postgresTx) commit(ctx context.Context) error { return t.Commit(ctx) }

func (t postgresTx) rollback(ctx context.Context) error {
	if err := t.Rollback(ctx); !errors.Is(err, pgx.ErrTxClosed) {
		return err
	}
	return nil
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
