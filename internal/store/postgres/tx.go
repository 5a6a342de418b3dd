package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlstore"
)

// database implements sqlstore.DB on a pool of connections.
type database struct {
	pool     *pgxpool.Pool
	timeout  time.Duration
	readOnly bool
	steps    int // that the schema has taken
}

var _ sqlstore.DB = (*database)(nil)

// Write implements sqlstore.DB.
func (d *database) Write(ctx context.Context, fn func(sqlstore.Tx) error) error {
	if d.readOnly {
		return errors.New("the store was opened for reading only")
	}
	return d.write(ctx, func(t *tx) error { return fn(t) })
}

// write runs fn under the advisory lock, which ends with the transaction.
func (d *database) write(ctx context.Context, fn func(*tx) error) error {
	return d.transact(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}, func(t *tx) error {
		// What Append acknowledges is on the server's disk, whatever its default is.
		err := run(ctx, t.conn, "SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = "+
			strconv.FormatInt(d.timeout.Milliseconds(), 10))
		if err != nil {
			return err
		}
		if err := t.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", lockKey); err != nil {
			return err
		}
		return fn(t)
	})
}

// Fill implements sqlstore.DB. Without counts, which the server makes some time
// later or never, queries by subject read all of a new store's rows. A table that
// somebody else counts or vacuums meanwhile is passed by: what was filled holds
// without, and is not given up for it.
func (d *database) Fill(ctx context.Context, fn func(sqlstore.Tx) error) error {
	return d.Write(ctx, func(at sqlstore.Tx) error {
		t := at.(*tx)
		if err := d.checkSchema(ctx, t); err != nil {
			return err
		}
		if err := fn(t); err != nil {
			return err
		}
		tables, err := d.tables()
		if err != nil {
			return err
		}
		return t.Exec(ctx, "ANALYZE (SKIP_LOCKED) "+strings.Join(tables, ", ")) //nolint:misspell // as SQL spells it
	})
}

// Read implements sqlstore.DB.
func (d *database) Read(ctx context.Context, fn func(sqlstore.Tx) error) error {
	return d.transact(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(t *tx) error { return fn(t) })
}

func (d *database) transact(ctx context.Context, o pgx.TxOptions, fn func(*tx) error) error {
	c, err := d.pool.Acquire(ctx)
	if err != nil {
		return explain(err)
	}
	defer c.Release()
	ptx, err := c.BeginTx(ctx, o)
	if err != nil {
		return explain(err)
	}
	if err = fn(&tx{conn: c.Conn()}); err == nil {
		// From here on the caller's patience does not matter.
		err = ptx.Commit(context.WithoutCancel(ctx))
	} else if rerr := ptx.Rollback(context.WithoutCancel(ctx)); rerr != nil && !errors.Is(rerr, pgx.ErrTxClosed) && ctx.Err() == nil {
		err = errors.Join(err, rerr)
	}
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return explain(err)
}

// Verify implements sqlstore.DB. The files are the server's, which checks its
// pages itself when it reads them; what it makes of their rows follows from the
// schema, which has to be the one of the migrations.
func (d *database) Verify(ctx context.Context, at sqlstore.Tx, byRows func(sqlstore.Tx) store.Raw, fn func(store.Raw) error) error {
	if err := d.checkSchema(ctx, at.(*tx)); err != nil {
		return err
	}
	return fn(byRows(at))
}

// Forget implements sqlstore.DB: the old row becomes free space at once rather
// than some time. What backups and archived logs of the server hold is beyond
// the store's reach.
func (d *database) Forget(ctx context.Context) error {
	_, err := d.pool.Exec(ctx, "VACUUM payload_blocks", pgx.QueryExecModeSimpleProtocol)
	return explain(err)
}

// Close implements sqlstore.DB.
func (d *database) Close() error {
	d.pool.Close()
	return nil
}

// tx implements sqlstore.Tx.
type tx struct{ conn *pgx.Conn }

func (t *tx) Exec(ctx context.Context, query string, args ...any) error {
	_, err := t.conn.Exec(ctx, query, args...)
	return err
}

func (t *tx) Query(ctx context.Context, query string, args ...any) (sqlstore.Rows, error) {
	r, err := t.conn.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return rows{r}, nil
}

// In hands the list over as one array.
func (t *tx) In(ctx context.Context, values []any, fn func(sqlstore.Rows) error, query string, args ...any) error {
	if len(values) == 0 {
		return nil
	}
	list, err := array(values)
	if err != nil {
		return err
	}
	query = strings.Replace(query, "IN @IN", "= ANY($"+strconv.Itoa(len(args)+1)+")", 1)
	r, err := t.Query(ctx, query, append(args[:len(args):len(args)], list)...)
	if err != nil {
		return err
	}
	for r.Next() {
		if err := fn(r); err != nil {
			return errors.Join(err, r.Close())
		}
	}
	return r.Close()
}

// array gives values as a slice of their type.
func array(values []any) (any, error) {
	var numbers []int64
	var texts []string
	for _, v := range values {
		switch v := v.(type) {
		case int64:
			numbers = append(numbers, v)
		case string:
			texts = append(texts, v)
		default:
			return nil, fmt.Errorf("a list of %T cannot be an array", v)
		}
	}
	switch {
	case texts == nil:
		return numbers, nil
	case numbers == nil:
		return texts, nil
	}
	return nil, errors.New("a list of numbers and texts cannot be an array")
}

// Insert copies rows in PostgreSQL's binary form.
func (t *tx) Insert(ctx context.Context, table sqlstore.Table, args []any) error {
	cols := len(table.Columns)
	n := len(args) / cols
	if n == 0 {
		return nil
	}
	_, err := t.conn.CopyFrom(ctx, pgx.Identifier{table.Name}, table.Columns, pgx.CopyFromSlice(n, func(i int) ([]any, error) {
		return args[i*cols : (i+1)*cols], nil
	}))
	return err
}

// rows implements sqlstore.Rows.
type rows struct{ pgx.Rows }

func (r rows) Close() error {
	r.Rows.Close()
	return r.Err()
}
