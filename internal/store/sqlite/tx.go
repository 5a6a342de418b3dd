package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlstore"
)

// database implements sqlstore.DB: one connection that writes, a few that read.
type database struct {
	path    string
	timeout time.Duration
	older   bool          // an older schema will do
	opening sync.Mutex    // of readers and still, once the store is open
	still   *still        // the file at rest, if it is read as one
	busy    chan struct{} // held by the writer of this process
	lender  *lender       // of the readers
	writer  *sql.DB
	readers *sql.DB
	wtx     *tx // the writer's connection and its prepared statements
}

// Write implements sqlstore.DB.
func (d *database) Write(ctx context.Context, fn func(sqlstore.Tx) error) (err error) {
	if d.writer == nil {
		return errors.New("the store was opened for reading only")
	}
	if err := d.lock(ctx); err != nil {
		return err
	}
	defer func() { <-d.busy }()
	if d.wtx == nil {
		c, err := d.writer.Conn(ctx)
		if err != nil {
			return explain(err)
		}
		d.wtx = newTx(c)
	}
	lost := false
	err = d.wtx.with(func(t *tx) error {
		if err := t.run(ctx, "BEGIN IMMEDIATE"); err != nil {
			return err
		}
		err := fn(t)
		if err == nil {
			// From here on the caller's patience does not matter: half a
			// commit is worse than a late one.
			err = t.run(context.WithoutCancel(ctx), "COMMIT")
		}
		if err != nil {
			// If this fails, SQLite has rolled back itself or the
			// connection is gone: take a new one.
			lost = t.run(context.WithoutCancel(ctx), "ROLLBACK") != nil
		}
		return err
	})
	if lost || errors.Is(err, driver.ErrBadConn) {
		d.drop()
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return explain(err)
}

// lock waits for the other writers of this process.
func (d *database) lock(ctx context.Context) error {
	t := time.NewTimer(d.timeout)
	defer t.Stop()
	select {
	case d.busy <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return fmt.Errorf("%w: another writer of this process did not finish within %s", store.ErrLocked, d.timeout)
	}
}

// drop gives up the writer's connection; the next Write takes a new one.
func (d *database) drop() {
	if d.wtx != nil {
		d.wtx.close()
		d.wtx = nil
	}
}

// Fill implements sqlstore.DB. SQLite plans without counts, and the file is new.
func (d *database) Fill(ctx context.Context, fn func(sqlstore.Tx) error) error {
	return d.Write(ctx, fn)
}

// Read implements sqlstore.DB. The snapshot begins with the first query.
func (d *database) Read(ctx context.Context, fn func(sqlstore.Tx) error) (err error) {
	c, since, err := d.reading(ctx)
	if err != nil {
		return err
	}
	t := newTx(c)
	defer t.close()
	err = t.with(func(t *tx) error {
		if err := t.run(ctx, "BEGIN"); err != nil {
			return err
		}
		err := fn(t)
		if rerr := t.run(context.WithoutCancel(ctx), "ROLLBACK"); err == nil {
			err = rerr
		}
		return err
	})
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if moved := d.unmoved(since); moved != nil {
		return moved
	}
	return explain(err)
}

// Forget implements sqlstore.DB: secure_delete has overwritten the bytes in
// the file; here the write-ahead log with its older pages is emptied.
func (d *database) Forget(ctx context.Context) error {
	if err := d.lock(ctx); err != nil {
		return err
	}
	defer func() { <-d.busy }()
	d.drop()
	var busy, log, moved int
	if err := d.writer.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &log, &moved); err != nil {
		return explain(err)
	}
	if busy != 0 {
		return fmt.Errorf("%w: a reader still uses the old state; erase again when it is done", store.ErrLocked)
	}
	return nil
}

// Close implements sqlstore.DB.
func (d *database) Close() error {
	d.drop()
	var err error
	if d.readers != nil {
		err = d.readers.Close()
	}
	if d.writer != nil {
		err = errors.Join(err, d.writer.Close())
	}
	return err
}

// tx implements sqlstore.Tx on one connection, with its statements prepared.
// It speaks to the driver itself: database/sql's locks and conversions for
// every row cost more than the row.
type tx struct {
	conn  *sql.Conn
	dc    driver.ConnPrepareContext // while in with
	stmts map[string]statement
	named []driver.NamedValue
}

// statement is what the driver's statements offer.
type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

func newTx(c *sql.Conn) *tx { return &tx{conn: c, stmts: make(map[string]statement)} }

// with runs fn while the driver's connection is at hand.
func (t *tx) with(fn func(*tx) error) error {
	return t.conn.Raw(func(dc any) error {
		var ok bool
		if t.dc, ok = dc.(driver.ConnPrepareContext); !ok {
			return errors.New("the SQLite driver does not prepare statements")
		}
		defer func() { t.dc = nil }()
		return fn(t)
	})
}

// maxStatements bounds how many statements stay prepared.
const maxStatements = 128

func (t *tx) prepare(ctx context.Context, query string) (statement, error) {
	if s := t.stmts[query]; s != nil {
		return s, nil
	}
	if len(t.stmts) >= maxStatements {
		t.forget()
	}
	prepared, err := t.dc.PrepareContext(ctx, plain(query))
	if err != nil {
		return nil, fmt.Errorf("%.60s: %w", query, err)
	}
	s, ok := prepared.(statement)
	if !ok {
		return nil, errors.New("the SQLite driver's statements take no context")
	}
	t.stmts[query] = s
	return s, nil
}

func (t *tx) forget() {
	for _, s := range t.stmts {
		_ = s.Close() // frees memory; there is nothing to lose
	}
	clear(t.stmts)
}

func (t *tx) close() {
	t.forget()
	_ = t.conn.Close() // returns the connection to its pool
}

// args gives the driver's form of args. It is good until the next call.
func (t *tx) args(args []any) []driver.NamedValue {
	t.named = t.named[:0]
	for i, a := range args {
		t.named = append(t.named, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return t.named
}

func (t *tx) run(ctx context.Context, query string) error { return t.Exec(ctx, query) }

func (t *tx) Exec(ctx context.Context, query string, args ...any) error {
	s, err := t.prepare(ctx, query)
	if err != nil {
		return err
	}
	_, err = s.ExecContext(ctx, t.args(args))
	return err
}

func (t *tx) Query(ctx context.Context, query string, args ...any) (sqlstore.Rows, error) {
	s, err := t.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	r, err := s.QueryContext(ctx, t.args(args))
	if err != nil {
		return nil, err
	}
	return &rows{rows: r, values: make([]driver.Value, len(r.Columns()))}, nil
}

func (t *tx) In(ctx context.Context, values []any, fn func(sqlstore.Rows) error, query string, args ...any) error {
	return sqlstore.EachIn(ctx, t, values, fn, query, args...)
}

// rows implements sqlstore.Rows.
type rows struct {
	rows   driver.Rows
	values []driver.Value
	err    error
}

func (r *rows) Next() bool {
	if r.err != nil {
		return false
	}
	r.err = r.rows.Next(r.values)
	return r.err == nil
}

func (r *rows) Scan(dest ...any) error {
	if len(dest) != len(r.values) {
		return fmt.Errorf("scan of %d columns into %d values", len(r.values), len(dest))
	}
	for i, d := range dest {
		ok := false
		switch d := d.(type) {
		case *int64:
			*d, ok = r.values[i].(int64)
		case *string:
			*d, ok = r.values[i].(string)
		case *[]byte:
			// The driver has made the slice for this row alone. It gives
			// nil for an empty one.
			*d, ok = r.values[i].([]byte)
			ok = ok || r.values[i] == nil
		}
		if !ok {
			return fmt.Errorf("%w: column %s holds a value of type %T", store.ErrTampered, r.rows.Columns()[i], r.values[i])
		}
	}
	return nil
}

func (r *rows) Err() error {
	if errors.Is(r.err, io.EOF) {
		return nil
	}
	return r.err
}

func (r *rows) Close() error { return r.rows.Close() }

// insertRows is how many rows one INSERT adds at most.
const insertRows = 32

func (t *tx) Insert(ctx context.Context, table sqlstore.Table, args []any) error {
	cols := len(table.Columns)
	for len(args) > 0 {
		n := 1
		if len(args) >= insertRows*cols {
			n = insertRows
		}
		if err := t.Exec(ctx, insertText(table, n), args[:n*cols]...); err != nil {
			return err
		}
		args = args[n*cols:]
	}
	return nil
}

// insertText is an INSERT of n rows.
func insertText(table sqlstore.Table, n int) string {
	var b strings.Builder
	b.WriteString("INSERT INTO " + table.Name + " (" + strings.Join(table.Columns, ", ") + ") VALUES ")
	for row := range n {
		if row > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		for col := range table.Columns {
			if col > 0 {
				b.WriteByte(',')
			}
			b.WriteByte('?')
		}
		b.WriteByte(')')
	}
	return b.String()
}

// plain replaces $1, $2 … by ? if they come in that order, each once: the
// driver looks up the name of every parameter that has one, for every run.
func plain(query string) string {
	var b strings.Builder
	rest := query
	for n := 1; ; n++ {
		i := strings.IndexByte(rest, '$')
		if i < 0 {
			b.WriteString(rest)
			return b.String()
		}
		end := i + 1
		for end < len(rest) && '0' <= rest[end] && rest[end] <= '9' {
			end++
		}
		if rest[i+1:end] != strconv.Itoa(n) {
			return query
		}
		b.WriteString(rest[:i])
		b.WriteByte('?')
		rest = rest[end:]
	}
}
