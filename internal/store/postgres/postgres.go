// Package postgres keeps a store in a PostgreSQL database, for a fleet: many
// processes may append, and an advisory lock makes one log of it. The tables
// are in a schema of their own, so that the database may hold other things.
//
// It may import internal/store, internal/store/sqlstore and pgx. It promises
// the contract of store.Store. A password in the URL is never part of an error.
package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/mod/sumdb/note"

	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlstore"
)

// Options say how a store is opened.
type Options struct {
	Signer      note.Signer      // signs checkpoints; nil for a store that is only read
	Create      bool             // make the schema if it is absent
	ReadOnly    bool             // never write
	Older       bool             // with ReadOnly: a store of an older schema will do, for a backup
	Upgrade     bool             // bring a store of an older schema up to date; without, it is store.ErrOlder
	LockTimeout time.Duration    // how long to wait for other writers; 0 means a minute
	Now         func() time.Time // the clock; nil means the system's
}

const (
	schema = "exhibit"
	// defaultLockTimeout is long: in a fleet, writers wait for their turn, which
	// the server gives in the order in which they came.
	defaultLockTimeout = time.Minute
	// lockKey is the advisory lock of the one log in a database: "EXHBledg".
	lockKey = int64(0x455848426c656467)
)

// Open opens the store in the database at url (postgres://…). Without Create, a
// database without the schema is store.ErrNoStore.
func Open(ctx context.Context, url string, o Options) (*sqlstore.Store, error) {
	if o.LockTimeout <= 0 {
		o.LockTimeout = defaultLockTimeout
	}
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		// What pgx says may quote the URL.
		return nil, errors.New("store: not a PostgreSQL URL; want postgres://user@host:port/database")
	}
	cfg.ConnConfig.RuntimeParams["search_path"] = schema
	cfg.ConnConfig.RuntimeParams["application_name"] = "exhibit"
	// One that reads while it reads must not wait for itself.
	cfg.MaxConns = max(cfg.MaxConns, 32)
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	d := &database{pool: pool, timeout: o.LockTimeout, readOnly: o.ReadOnly}
	if err := d.prepareSchema(ctx, o); err != nil {
		pool.Close()
		return nil, fmt.Errorf("store on %s, database %s: %w", cfg.ConnConfig.Host, cfg.ConnConfig.Database, err)
	}
	return sqlstore.New(d, o.Signer, o.Now), nil
}

// migrations are the steps of the schema, in the order of their names, each
// applied once. The table schema_version counts the steps taken, in the same
// transaction.
//
//go:embed migrations/*.sql
var migrations embed.FS

// searchStep is the step that needs more than SQL: 0002_search.sql.
const searchStep = 1

func (d *database) prepareSchema(ctx context.Context, o Options) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	have, err := d.version(ctx)
	if err != nil {
		return explain(err)
	}
	switch {
	case have == 0 && (!o.Create || o.ReadOnly):
		return fmt.Errorf("%w: the database has no schema %s; collect first, or name another", store.ErrNoStore, schema)
	case have > len(names):
		return fmt.Errorf("%w: it has schema %d, this program knows %d", store.ErrNewer, have, len(names))
	case have == len(names), d.readOnly && o.Older:
		d.steps = have
		return nil
	case have > 0 && (d.readOnly || !o.Upgrade):
		return fmt.Errorf("%w: it has schema %d, this program needs %d", store.ErrOlder, have, len(names))
	}
	d.steps = len(names)
	return d.write(ctx, func(t *tx) error {
		if err := run(ctx, t.conn, "CREATE SCHEMA IF NOT EXISTS "+schema+
			"; CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL)"); err != nil {
			return err
		}
		// Another process may have been faster: look again under the lock.
		have, err := readVersion(ctx, t.conn)
		if err != nil {
			return err
		}
		for _, name := range names[min(have, len(names)):] {
			text, err := migrations.ReadFile(name)
			if err != nil {
				return err
			}
			if err := run(ctx, t.conn, string(text)); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if have == searchStep {
				if err := sqlstore.FillSearch(ctx, t); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
			if err := t.Exec(ctx, "INSERT INTO schema_version (version) VALUES ($1)", int64(have+1)); err != nil {
				return err
			}
			have++
		}
		return nil
	})
}

// version reads how many steps the schema has taken; 0 if there is none.
func (d *database) version(ctx context.Context) (int, error) {
	c, err := d.pool.Acquire(ctx)
	if err != nil {
		return 0, err
	}
	defer c.Release()
	var there bool
	if err := c.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", schema+".schema_version").Scan(&there); err != nil || !there {
		return 0, err
	}
	return readVersion(ctx, c.Conn())
}

func readVersion(ctx context.Context, c *pgx.Conn) (int, error) {
	var have int
	err := c.QueryRow(ctx, "SELECT COALESCE(MAX(version), 0) FROM schema_version").Scan(&have)
	return have, err
}

// run runs statements that take no parameters, separated by semicolons.
func run(ctx context.Context, c *pgx.Conn, text string) error {
	_, err := c.PgConn().Exec(ctx, text).ReadAll()
	return err
}

// explain turns the server's errors into those that a caller acts on.
func explain(err error) error {
	var e *pgconn.PgError
	if err == nil || !errors.As(err, &e) {
		return err
	}
	switch e.Code {
	case "55P03": // lock_not_available
		return fmt.Errorf("%w; wait for it or stop it: %w", store.ErrLocked, err)
	case "53100": // disk_full
		return fmt.Errorf("the server's disk is full; make room, nothing acknowledged is lost: %w", err)
	case "XX001", "XX002": // data_corrupted, index_corrupted
		return fmt.Errorf("%w: the server reports damaged data; restore a backup: %w", store.ErrTampered, err)
	case "42501": // insufficient_privilege
		return fmt.Errorf("the database user lacks a right; make it owner of schema %s: %w", schema, err)
	}
	return err
}
