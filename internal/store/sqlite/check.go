package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"modernc.org/sqlite"
	sqlitelib "modernc.org/sqlite/lib"

	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlstore"
)

// checkedPlace is what a discrepancy of the file itself is about.
const checkedPlace = "SQLite file"

// Check implements sqlstore.DB. Verification reads tables by their rows and
// meets only some of the indexes, so SQLite is asked whether its pages and
// indexes hold together: an index that misses a row hides it from reads. What
// lies behind the last page is no part of the database, and must not be there.
func (d *database) Check(ctx context.Context, t sqlstore.Tx) error {
	found, err := first(ctx, t, "PRAGMA integrity_check(1)")
	var failed *sqlite.Error
	switch {
	case errors.As(err, &failed) && (failed.Code()&0xff == sqlitelib.SQLITE_CORRUPT || failed.Code()&0xff == sqlitelib.SQLITE_NOTADB):
		found = failed.Error()
	case err != nil:
		return err
	}
	if found != "ok" {
		return &store.Discrepancy{Place: checkedPlace, Want: "pages and indexes that hold together", Got: firstLine(found)}
	}
	return d.checkSize(ctx, t)
}

// checkSize compares the file's length with the pages that the snapshot has.
// Pages may still be in the write-ahead log only: then the file may be shorter,
// but never longer, as nothing in a store gives pages back.
func (d *database) checkSize(ctx context.Context, t sqlstore.Tx) error {
	var pages, size int64
	for query, to := range map[string]*int64{"PRAGMA page_count": &pages, "PRAGMA page_size": &size} {
		if err := scanFirst(ctx, t, query, to); err != nil {
			return err
		}
	}
	info, err := os.Stat(d.path)
	if err != nil {
		return err
	}
	want, got := pages*size, info.Size()
	if got == want || got < want && !d.atRest() {
		return nil
	}
	return &store.Discrepancy{
		Place: checkedPlace, Want: fmt.Sprintf("%d bytes, %d pages of %d", want, pages, size), Got: fmt.Sprintf("%d bytes", got),
	}
}

// first gives the text in the first row of a query.
func first(ctx context.Context, t sqlstore.Tx, query string) (text string, err error) {
	return text, scanFirst(ctx, t, query, &text)
}

// scanFirst scans the first row of a query, which must have one.
func scanFirst(ctx context.Context, t sqlstore.Tx, query string, to any) (err error) {
	rows, err := t.Query(ctx, query)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := rows.Close(); err == nil {
			err = cerr
		}
	}()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return err
		}
		return fmt.Errorf("%s: SQLite answers nothing", query)
	}
	return rows.Scan(to)
}

// firstLine is all that a report has room for; the heading that names the
// database, of which there is one, is no news.
func firstLine(s string) string {
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "***") {
			return line
		}
	}
	return s
}
