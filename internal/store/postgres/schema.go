package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/exhibit-aims/exhibit/internal/store"
)

// describe asks the system tables what there is in a schema.
//
//go:embed schema.sql
var describe string

// descriptions are what the system tables say of a schema that the migrations made, after
// each of them: schemas/1.txt after the first. Written by go test -run TestSchemas -update.
//
//go:embed schemas/*.txt
var descriptions embed.FS

// described gives the lines of a schema that took so many steps.
func described(steps int) ([]string, error) {
	text, err := descriptions.ReadFile(fmt.Sprintf("schemas/%d.txt", steps))
	if err != nil {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"), nil
}

// checkSchema expects the schema to be as the migrations made it and nothing else to
// be in it. Its owner can put a view in a table's place, policies, rules and triggers
// on it, defaults into its columns: then readers, or who writes next, are shown
// other rows than those that are verified, and no row has changed. It is called
// first in the transaction, as it holds the tables as they are until the end: names
// are looked up anew for each statement, whatever is seen of rows.
func (d *database) checkSchema(ctx context.Context, t *tx) error {
	want, err := described(d.steps)
	if err != nil {
		return err
	}
	if err := d.hold(ctx, t); err != nil {
		return err
	}
	have, err := readVersion(ctx, t.conn)
	if err != nil {
		return err
	}
	if have != d.steps {
		return fmt.Errorf("it was brought from schema %d to %d since it was opened; open it again: %w", d.steps, have, store.ErrNewer)
	}
	rows, err := t.conn.Query(ctx, describe, schema)
	if err != nil {
		return err
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	return compare(want, got)
}

// tables gives the names of the tables that the migrations made, for a statement.
func (d *database) tables() ([]string, error) {
	lines, err := described(d.steps)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, line := range lines {
		if name, ok := strings.CutSuffix(line, ": table"); ok {
			names = append(names, pgx.Identifier{schema, name}.Sanitize())
		}
	}
	return names, nil
}

// hold keeps anybody from changing the tables or putting others in their place while
// the transaction lasts. Who reads and who writes is not kept from it.
func (d *database) hold(ctx context.Context, t *tx) error {
	tables, err := d.tables()
	if err != nil {
		return err
	}
	err = t.Exec(ctx, "LOCK TABLE "+strings.Join(tables, ", ")+" IN ACCESS SHARE MODE")
	var failed *pgconn.PgError
	if errors.As(err, &failed) && (failed.Code == "42P01" || failed.Code == "42809") { // undefined_table, wrong_object_type
		return strange(strings.TrimSpace(failed.Message + " " + failed.Detail))
	}
	return err
}

// compare names the first line that is not wanted, or that is missing.
func compare(want, got []string) error {
	missing := make(map[string]bool, len(want))
	for _, line := range want {
		missing[line] = true
	}
	for _, line := range got {
		if !missing[line] {
			return strange(line)
		}
		delete(missing, line)
	}
	for _, line := range want {
		if missing[line] {
			return strange("none: " + line)
		}
	}
	return nil
}

func strange(got string) error {
	return &store.Discrepancy{Place: "PostgreSQL schema " + schema, Want: "tables and indexes as this program makes them", Got: got}
}
