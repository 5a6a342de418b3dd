package opsdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // registers the driver of the file
)

// Dialect is the SQL that a database speaks.
type Dialect string

// The two systems.
const (
	SQLite     Dialect = "sqlite"
	PostgreSQL Dialect = "postgres"
)

// Schema is where the tables are in PostgreSQL.
const Schema = "exhibit_ops"

// FileName is the name of the SQLite file in the store's directory of locks.
const FileName = "ops.db"

// DB is an open database.
type DB struct {
	*sql.DB
	Dialect Dialect
	Pool    *pgxpool.Pool // of PostgreSQL; nil for SQLite
}

// OpenFile opens the SQLite file at path, or makes it, readable by its owner
// only. It has one connection: read rows to their end before asking again.
func OpenFile(ctx context.Context, path string) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("operational database: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("operational database: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("operational database: %w", err)
	}
	q := url.Values{"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	if err != nil {
		return nil, fmt.Errorf("operational database %s: %w", path, err)
	}
	db.SetMaxOpenConns(1)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("operational database %s: %w", path, err), db.Close())
	}
	return &DB{DB: db, Dialect: SQLite}, nil
}

// OpenMemory makes a database that ends with the process: for who cannot write.
func OpenMemory(ctx context.Context) (*DB, error) {
	db, err := sql.Open("sqlite", "file::memory:?"+url.Values{"_txlock": {"immediate"}, "_pragma": {"foreign_keys(1)"}}.Encode())
	if err != nil {
		return nil, fmt.Errorf("operational database in memory: %w", err)
	}
	db.SetMaxOpenConns(1) // each connection would have one of its own
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("operational database in memory: %w", err), db.Close())
	}
	return &DB{DB: db, Dialect: SQLite}, nil
}

// OpenURL opens the PostgreSQL database at a URL and makes the schema there.
func OpenURL(ctx context.Context, location string) (*DB, error) {
	cfg, err := pgxpool.ParseConfig(location)
	if err != nil {
		// What pgx says may quote the URL.
		return nil, errors.New("operational database: not a PostgreSQL URL; want postgres://user@host:port/database")
	}
	cfg.ConnConfig.RuntimeParams["search_path"] = Schema
	cfg.ConnConfig.RuntimeParams["application_name"] = "exhibit"
	cfg.MaxConns = max(cfg.MaxConns, 16)
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("operational database: %w", err)
	}
	if err := makeSchema(ctx, pool); err != nil {
		pool.Close()
		return nil, fmt.Errorf("operational database on %s, database %s: %w", cfg.ConnConfig.Host, cfg.ConnConfig.Database, err)
	}
	return &DB{DB: stdlib.OpenDBFromPool(pool), Dialect: PostgreSQL, Pool: pool}, nil
}

// makeSchema makes the schema unless it is there: one that is there needs no
// right to make one.
func makeSchema(ctx context.Context, pool *pgxpool.Pool) error {
	var there bool
	err := pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", Schema).Scan(&there)
	if err != nil || there {
		return err
	}
	if _, err = pool.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+Schema); err == nil {
		return nil
	}
	// Two nodes that start together may both have found none.
	if again := pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)", Schema).Scan(&there); again == nil && there {
		return nil
	}
	return err
}

// Close closes the database.
func (db *DB) Close() error {
	err := db.DB.Close()
	if db.Pool != nil {
		db.Pool.Close()
	}
	return err
}

// Rebind writes a statement's ? as the database wants parameters: as they are
// for SQLite, $1, $2 … for PostgreSQL. A ? inside quotes stays.
func (db *DB) Rebind(statement string) string {
	if db.Dialect == SQLite {
		return statement
	}
	var b strings.Builder
	n, quoted := 0, false
	for _, r := range statement {
		switch {
		case r == '\'':
			quoted = !quoted
		case r == '?' && !quoted:
			n++
			b.WriteString("$" + strconv.Itoa(n))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Tx runs f in a transaction: committed if f returns no error, else undone. In
// SQLite it is the only writer from its beginning.
func (db *DB) Tx(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	return tx.Commit()
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}
