package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"

	"modernc.org/sqlite"

	"github.com/exhibit-aims/exhibit/internal/store/sqlstore"
)

// lender hands pages to verification as they lie in SQLite's memory. A query would
// copy each into memory of its own first, which verification then copies to where
// it belongs: with a file of many pages that is a tenth of its time. So the query
// calls a function of the connection, and that looks at the page before SQLite uses
// the memory again.
type lender struct {
	driver sqlite.Driver
	mu     sync.Mutex
	last   int64
	to     map[int64]*borrower
}

// borrower is who reads pages on one snapshot.
type borrower struct {
	from *lender
	id   int64
	mu   sync.Mutex // of a query
	use  func([]byte)
	lent bool // by the query at hand
}

// lentPage is the function's name: its arguments are a borrower's number and a page.
const lentPage = "exhibit_lent_page"

func newLender() (*lender, error) {
	l := &lender{to: make(map[int64]*borrower)}
	// What is lent is not kept, and no query is made meanwhile: so nothing is copied.
	return l, l.driver.RegisterFunction(lentPage, &sqlite.FunctionImpl{NArgs: 2, Scalar: l.lend, VolatileArgs: true})
}

// open opens a database whose connections lend pages.
func (l *lender) open(source string) *sql.DB { return sql.OpenDB(connector{&l.driver, source}) }

type connector struct {
	driver *sqlite.Driver
	source string
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.source) }
func (c connector) Driver() driver.Driver                        { return c.driver }

func (l *lender) lend(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	id, isID := args[0].(int64)
	page, isPage := args[1].([]byte)
	l.mu.Lock()
	b := l.to[id]
	l.mu.Unlock()
	if !isID || !isPage || b == nil || b.use == nil {
		return nil, errors.New("nobody asked for the page")
	}
	b.use(page)
	b.lent = true
	return int64(len(page)), nil
}

func (l *lender) borrower() *borrower {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last++
	b := &borrower{from: l, id: l.last}
	l.to[b.id] = b
	return b
}

// end is called when no more pages are read.
func (b *borrower) end() {
	b.from.mu.Lock()
	defer b.from.mu.Unlock()
	delete(b.from.to, b.id)
}

// page calls use with the bytes of a page, which are good until it returns.
func (b *borrower) page(ctx context.Context, t sqlstore.Tx, page uint32, use func([]byte)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.use, b.lent = use, false
	defer func() { b.use = nil }()
	// The answer is for nobody: what makes rows of it is left out.
	err := t.Exec(ctx, "SELECT "+lentPage+"($1, data) FROM sqlite_dbpage WHERE pgno = $2", b.id, int64(page))
	if err == nil && !b.lent {
		err = errors.New("SQLite has no such page")
	}
	if err != nil {
		return fmt.Errorf("page %d: %w", page, err)
	}
	return nil
}
