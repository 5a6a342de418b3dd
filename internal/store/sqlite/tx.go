package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlstore"
)

// database implements sqlstore.DB: one connection that writes, a few that read.
type database struct {
	path    string
	timeout time.Duration
	busy    chan struct{} // held by the writer of this process
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
		d.wtx = &tx{conn: c, stmts: make(map[string]*sql.Stmt)}
	}
	t := d.wtx
	if err := exec(ctx, t.conn, "BEGIN IMMEDIATE"); err != nil {
		d.drop()
		return explain(err)
	}
	if err = fn(t); err == nil {
		// From here on the caller's patience does not matter: half a
		// commit is worse than a late one.
		err = exec(context.WithoutCancel(ctx), t.conn, "COMMIT")
	}
	if err != nil {
		if rerr := exec(context.WithoutCancel(ctx), t.conn, "ROLLBACK"); rerr != nil {
			// SQLite has rolled back itself, or the connection is gone.
			d.drop()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return explain(err)
	}
	return nil
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

// Read implements sqlstore.DB. The snapshot begins with the first query.
func (d *database) Read(ctx context.Context, fn func(sqlstore.Tx) error) (err error) {
	c, err := d.readers.Conn(ctx)
	if err != nil {
		return explain(err)
	}
	t := &tx{conn: c, stmts: make(map[string]*sql.Stmt)}
	defer t.close()
	if err := exec(ctx, c, "BEGIN"); err != nil {
		return explain(err)
	}
	defer func() {
		rerr := exec(context.WithoutCancel(ctx), c, "ROLLBACK")
		if err == nil {
			err = rerr
		}
	}()
	if err := fn(t); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return explain(err)
	}
	return nil
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
type tx struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

// maxStatements bounds how many statements stay prepared.
const maxStatements = 128

func (t *tx) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if s := t.stmts[query]; s != nil {
		return s, nil
	}
	if len(t.stmts) >= maxStatements {
		t.forget()
	}
	s, err := t.conn.PrepareContext(ctx, plain(query))
	if err != nil {
		return nil, fmt.Errorf("%.60s: %w", query, err)
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

func (t *tx) Exec(ctx context.Context, query string, args ...any) error {
	s, err := t.prepare(ctx, query)
	if err != nil {
		return err
	}
	_, err = s.ExecContext(ctx, args...)
	return err
}

func (t *tx) Query(ctx context.Context, query string, args ...any) (sqlstore.Rows, error) {
	s, err := t.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

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
