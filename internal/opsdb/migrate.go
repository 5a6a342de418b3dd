package opsdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// ErrNewer: the tables were made by a newer program. Use that one.
var ErrNewer = errors.New("made by a newer program")

// Migrate brings the tables of a component to the newest of the goose
// migrations in fsys (00001_name.sql …). The component's name, in lower case
// letters, keeps its versions apart from others'.
func (db *DB) Migrate(ctx context.Context, component string, fsys fs.FS) error {
	opts := []goose.ProviderOption{
		goose.WithTableName("goose_" + component), goose.WithDisableGlobalRegistry(true), goose.WithSlog(slog.New(slog.DiscardHandler)),
	}
	dialect := goose.DialectSQLite3
	if db.Dialect == PostgreSQL {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return fmt.Errorf("operational database, %s: %w", component, err)
		}
		opts = append(opts, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(dialect, db.DB, fsys, opts...)
	if err != nil {
		return fmt.Errorf("operational database, %s: %w", component, err)
	}
	if err := migrate(ctx, p); err != nil {
		return fmt.Errorf("operational database, %s: %w", component, err)
	}
	return nil
}

func migrate(ctx context.Context, p *goose.Provider) error {
	current, target, err := p.GetVersions(ctx)
	switch {
	case err != nil:
		return err
	case current > target:
		return fmt.Errorf("schema version %d, this program knows %d: %w", current, target, ErrNewer)
	case current == target:
		return nil
	}
	if _, err = p.Up(ctx); err == nil {
		return nil
	}
	// Of two that start together on one file, one may find it done.
	if current, target, again := p.GetVersions(ctx); again == nil && current == target {
		return nil
	}
	return err
}
