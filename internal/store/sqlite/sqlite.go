// Package sqlite keeps a store in one SQLite file: the default for one
// machine. Readers work beside the writer (WAL), and what Append returned is
// on disk (synchronous=FULL).
//
// Verification expects the tables and indexes that the migrations make, by their
// very text, and nothing beside them. Then it reads the file page by page (package
// pages), rows and what holds the pages together at once. The numbers in the file's
// head that say whose it is and of which version of the schema (user_version) are
// not part of that: they decide whether the file is opened at all, and no others
// than this program's are, but for a backup of an older store.
//
// It may import internal/store, internal/store/sqlstore and the SQLite driver
// (modernc.org/sqlite, without C). It promises the contract of store.Store, and
// that a file of something else, or of a newer version, is never written to.
package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/mod/sumdb/note"
	"modernc.org/sqlite"
	sqlitelib "modernc.org/sqlite/lib"

	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/sqlstore"
)

// Options say how a store is opened.
type Options struct {
	Signer      note.Signer      // signs checkpoints; nil for a store that is only read
	Create      bool             // make the file if it is absent
	ReadOnly    bool             // never write to the file or beside it
	Older       bool             // with ReadOnly: a store of an older schema will do, for a backup
	Upgrade     bool             // bring a store of an older schema up to date; without, it is store.ErrOlder
	LockTimeout time.Duration    // how long to wait for another writer; 0 means 5 s
	Now         func() time.Time // the clock; nil means the system's
}

// Sizes, in bytes.
const (
	pageSize    = 16 << 10
	writerCache = 64 << 20
	readerCache = 16 << 20
	verifyCache = 512 << 10 // every page is read once
	idleReaders = 4
)

const defaultLockTimeout = 5 * time.Second

// Open opens the store in the file at path. Without Create, a file that is not
// there is store.ErrNoStore. Another process that holds the write lock longer
// than the timeout is store.ErrLocked.
func Open(path string, o Options) (*sqlstore.Store, error) {
	if o.LockTimeout <= 0 {
		o.LockTimeout = defaultLockTimeout
	}
	d, err := open(path, o)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", path, err)
	}
	return sqlstore.New(d, o.Signer, o.Now), nil
}

func open(path string, o Options) (*database, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && (!o.Create || o.ReadOnly):
		return nil, fmt.Errorf("%w: no such file; collect first, or name another", store.ErrNoStore)
	case errors.Is(err, fs.ErrNotExist):
		if err := create(path); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errors.New("is a directory, want a file")
	}
	lender, err := newLender()
	if err != nil {
		return nil, err
	}
	d := &database{path: path, timeout: o.LockTimeout, lender: lender, busy: make(chan struct{}, 1)}
	if !o.ReadOnly {
		if err := d.openWriter(o); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	d.older = o.ReadOnly && o.Older
	if err := d.openReaders(o.ReadOnly); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// create makes an empty file that only its owner may read: what connectors
// read is nobody else's business.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil // somebody was faster
	}
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// source builds the driver's name for the file. What is in path stays a path.
func source(path string, query url.Values, pragmas ...string) string {
	for _, p := range pragmas {
		query.Add("_pragma", p)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		abs = path
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: query.Encode()}
	return u.String()
}

// openWriter opens the connection that writes. The driver sorts what is under
// _pragma by name: the size of pages, which the change to WAL makes final, would
// come after it, if the journal were set there too.
func (d *database) openWriter(o Options) error {
	db, err := sql.Open("sqlite", source(d.path, url.Values{"mode": {"rw"}, "_dqs": {"0"}, "_journal_mode": {"WAL"}},
		"busy_timeout("+strconv.FormatInt(o.LockTimeout.Milliseconds(), 10)+")",
		"page_size("+strconv.Itoa(pageSize)+")",
		"synchronous(FULL)", "secure_delete(ON)", "temp_store(MEMORY)", "trusted_schema(OFF)",
		"cache_size(-"+strconv.Itoa(writerCache>>10)+")",
	))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(1)
	d.writer = db
	return explain(migrate(db, o.Upgrade))
}

func (d *database) openReaders(only bool) error {
	query := url.Values{"mode": {"rw"}, "_dqs": {"0"}}
	if only {
		query.Set("mode", "ro")
	}
	err := d.tryReaders(query)
	if err == nil {
		d.still = nil
		return nil
	}
	var failed *sqlite.Error
	if only && errors.As(err, &failed) && (failed.Code()&0xff == sqlitelib.SQLITE_CANTOPEN || NoRoom(err)) {
		// A file on a medium that cannot be written, or is full, left behind clean:
		// SQLite may read it if it is told that nobody writes.
		if at, ok := d.stillOf(); ok {
			d.still = at
			query.Set("immutable", "1")
			err = errors.Join(d.tryReaders(query), d.unmoved(at))
		}
	}
	return explain(err)
}

// atRest reports whether no write-ahead log lies beside the file.
func (d *database) atRest() bool {
	info, err := os.Stat(d.path + "-wal")
	return errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0
}

func (d *database) tryReaders(query url.Values) error {
	db := d.lender.open(source(d.path, query,
		"busy_timeout("+strconv.FormatInt(d.timeout.Milliseconds(), 10)+")",
		"query_only(ON)", "temp_store(MEMORY)", "trusted_schema(OFF)",
		"cache_size(-"+strconv.Itoa(readerCache>>10)+")",
	))
	// As many as there are readers: one that reads while it reads must not wait
	// for itself.
	db.SetMaxIdleConns(idleReaders)
	var err error
	if d.readers != nil {
		err = d.readers.Close()
	}
	d.readers = db
	return errors.Join(err, checkVersion(db, d.older))
}

var _ sqlstore.DB = (*database)(nil)

// NoRoom reports whether an error is that of a disk that is full: it does not take
// what is written, or no file of the size that SQLite needs beside the store.
func NoRoom(err error) bool {
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch e.Code() {
		case sqlitelib.SQLITE_FULL, sqlitelib.SQLITE_IOERR_WRITE, sqlitelib.SQLITE_IOERR_SHMSIZE:
			return true
		}
		return false
	}
	return errors.Is(err, syscall.ENOSPC)
}

// explain turns the driver's errors into those that a caller acts on.
func explain(err error) error {
	var e *sqlite.Error
	if err == nil || !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlitelib.SQLITE_BUSY, sqlitelib.SQLITE_LOCKED:
		return fmt.Errorf("%w; wait for it or stop it: %w", store.ErrLocked, err)
	case sqlitelib.SQLITE_FULL:
		return fmt.Errorf("the disk is full; make room, nothing acknowledged is lost: %w", err)
	case sqlitelib.SQLITE_CORRUPT, sqlitelib.SQLITE_NOTADB:
		return fmt.Errorf("%w: the file is damaged or no store; restore a backup: %w", store.ErrTampered, err)
	case sqlitelib.SQLITE_IOERR:
		return fmt.Errorf("the file cannot be read or written; check disk and space, nothing acknowledged is lost: %w", err)
	case sqlitelib.SQLITE_READONLY, sqlitelib.SQLITE_PERM, sqlitelib.SQLITE_CANTOPEN:
		return fmt.Errorf("no permission to write the file or its directory: %w", err)
	}
	return err
}
