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
	"github.com/exhibit-aims/exhibit/internal/store/sqlite/pages"
	"github.com/exhibit-aims/exhibit/internal/store/sqlstore"
)

// checkedPlace is what a discrepancy of the file itself is about.
const checkedPlace = "SQLite file"

// Verify implements sqlstore.DB. Verification reads tables by their rows and
// meets only some of the indexes, and an index that misses a row hides it from
// reads: so all pages and indexes have to hold together. That is seen while the
// pages are read for their rows. Before, the schema has to be the one of the
// migrations. A file that is not laid out as this program does it does not pass:
// SQLite's own check overlooks rows that it finds by no key. Only one of an older
// schema, opened for a backup, is left to it. What lies behind the last page is no part of the
// database, and must not be there.
func (d *database) Verify(ctx context.Context, t sqlstore.Tx, byRows func(sqlstore.Tx) store.Raw, fn func(store.Raw) error) error {
	if err := d.checkSchema(ctx, t); err != nil {
		return corrupt(err)
	}
	err := d.verifyPages(ctx, t, byRows, fn)
	if errors.Is(err, pages.ErrOther) {
		if d.older {
			return d.verifyBySQL(ctx, t, byRows, fn)
		}
		err = broken(err.Error())
	}
	return corrupt(discrepancy(err))
}

// verifyPages reads the file page by page. A file that is not laid out as this
// program does it is pages.ErrOther, before fn is called.
func (d *database) verifyPages(ctx context.Context, t sqlstore.Tx, byRows func(sqlstore.Tx) store.Raw, fn func(store.Raw) error) (err error) {
	// Before it is set: it may be, though the answer is that nobody waits any more.
	defer func() {
		if cerr := setCache(context.WithoutCancel(ctx), t, readerCache); err == nil {
			err = cerr
		}
	}()
	if err := setCache(ctx, t, verifyCache); err != nil {
		return err
	}
	from := d.lender.borrower()
	defer from.end()
	s, err := newScan(ctx, t, from, byRows)
	if err != nil {
		return err
	}
	if err := d.checkSize(ctx, t); err != nil {
		return err
	}
	if err := fn(s); err != nil {
		return err
	}
	return s.finish()
}

// setCache sets how many bytes of pages a connection keeps.
func setCache(ctx context.Context, t sqlstore.Tx, size int) error {
	return t.Exec(ctx, fmt.Sprintf("PRAGMA cache_size=-%d", size>>10))
}

// verifyBySQL asks SQLite whether its pages and indexes hold together.
func (d *database) verifyBySQL(ctx context.Context, t sqlstore.Tx, byRows func(sqlstore.Tx) store.Raw, fn func(store.Raw) error) error {
	var found string
	if err := scanFirst(ctx, t, "PRAGMA integrity_check(1)", &found); err != nil {
		return corrupt(err)
	}
	if found != "ok" {
		return broken(firstLine(found))
	}
	if err := d.checkSize(ctx, t); err != nil {
		return err
	}
	return fn(byRows(t))
}

// corrupt says of a file that SQLite cannot read that it is the file.
func corrupt(err error) error {
	var failed *sqlite.Error
	if errors.As(err, &failed) && (failed.Code()&0xff == sqlitelib.SQLITE_CORRUPT || failed.Code()&0xff == sqlitelib.SQLITE_NOTADB) {
		return broken(firstLine(failed.Error()))
	}
	return err
}

// broken is what a file is whose pages do not hold together.
func broken(found string) error {
	return &store.Discrepancy{Place: checkedPlace, Want: "pages and indexes that hold together", Got: found}
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
