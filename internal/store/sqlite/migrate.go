package sqlite

import (
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlstore"
)

// migrations are the steps of the schema, in the order of their names, each
// applied once and in its own transaction. user_version counts the steps
// taken. A migration library was not worth its tables and its second clock:
// SQLite has the counter in the file's head, in the same transaction.
//
//go:embed migrations/*.sql
var migrations embed.FS

// applicationID marks the file as ours: "EXHB".
const applicationID = 0x45584842

// migrate brings the file to this version's schema, a file that has an older one
// only if upgrade says so.
func migrate(db *sql.DB, upgrade bool) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	have, err := version(db)
	if err != nil {
		return err
	}
	if have > 0 && have < len(names) && !upgrade {
		return older(have, len(names))
	}
	for i := have; i < len(names); i++ {
		text, err := migrations.ReadFile(names[i])
		if err != nil {
			return err
		}
		if err := step(db, i, string(text)); err != nil {
			return fmt.Errorf("%s: %w", names[i], err)
		}
	}
	return checkVersion(db, false)
}

func older(have, want int) error {
	return fmt.Errorf("%w: it has schema %d, this program needs %d", store.ErrOlder, have, want)
}

// searchStep is the step that needs more than SQL: 0002_search.sql.
const searchStep = 1

// fillSearch fills the tables of that step, in the transaction that is open on
// the only connection.
func fillSearch(db *sql.DB) error {
	ctx := sqlstore.Endless()
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	t := newTx(c)
	defer t.close()
	return t.with(func(t *tx) error { return sqlstore.FillSearch(ctx, t) })
}

// step takes the file from version n to n+1, unless another process did.
func step(db *sql.DB, n int, text string) (err error) {
	if err := exec(db, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, exec(db, "ROLLBACK"))
		}
	}()
	have, err := version(db)
	if err != nil {
		return err
	}
	if have == n {
		if err := exec(db, text); err != nil {
			return err
		}
		if n == searchStep {
			if err := fillSearch(db); err != nil {
				return err
			}
		}
		if err := exec(db, "PRAGMA application_id = "+strconv.Itoa(applicationID)); err != nil {
			return err
		}
		if err := exec(db, "PRAGMA user_version = "+strconv.Itoa(n+1)); err != nil {
			return err
		}
	}
	return exec(db, "COMMIT")
}

// exec runs statements while the store is opened.
func exec(db *sql.DB, text string) error {
	_, err := db.Exec(text) //nolint:noctx // Open takes no context: a step is taken whole or rolled back
	return err
}

// number reads one number while the store is opened.
func number(db *sql.DB, query string, into *int) error {
	return db.QueryRow(query).Scan(into) //nolint:noctx // Open takes no context, and three short reads need none
}

// version reads how many steps the file has taken, and refuses a file that is
// not a store.
func version(db *sql.DB) (int, error) {
	var app, steps, tables int
	err := errors.Join(
		number(db, "PRAGMA application_id", &app),
		number(db, "PRAGMA user_version", &steps),
		number(db, "SELECT COUNT(*) FROM sqlite_master", &tables),
	)
	if err != nil {
		return 0, err
	}
	if app != applicationID && (tables > 0 || steps > 0) {
		return 0, errors.New("this is a database of something else; name another file")
	}
	return steps, nil
}

// checkVersion refuses a file that is empty or that a newer program wrote; or an
// older one, unless that will do.
func checkVersion(db *sql.DB, olderWill bool) error {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	have, err := version(db)
	switch {
	case err != nil:
		return err
	case have == 0:
		return fmt.Errorf("%w: the file is empty; collect first", store.ErrNoStore)
	case have > len(names):
		return fmt.Errorf("%w: it has schema %d, this program knows %d", store.ErrNewer, have, len(names))
	case have < len(names) && !olderWill:
		return older(have, len(names))
	}
	return nil
}
