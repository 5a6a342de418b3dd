package sqlstore

import (
	"context"
	"strconv"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/store"
)

// DB is a database with one writer at a time and readers beside it.
type DB interface {
	// Write runs fn in the only write transaction of the store and commits if
	// fn returns nil: durably, or with an error and not at all. It waits for
	// other writers at most for the lock timeout, then returns
	// store.ErrLocked.
	Write(ctx context.Context, fn func(Tx) error) error
	// Fill is Write for an fn that fills an empty store. It expects beside the rows
	// what Verify expects, and counts the rows for whoever plans queries.
	Fill(ctx context.Context, fn func(Tx) error) error
	// Read runs fn on one unchanging snapshot.
	Read(ctx context.Context, fn func(Tx) error) error
	// Verify runs fn on byRows of tx, or on what reads the same in a faster way. It
	// looks at what the database keeps beside the rows that fn reads, in the
	// snapshot of tx: a *store.Discrepancy if it does not hold together.
	Verify(ctx context.Context, tx Tx, byRows func(Tx) store.Raw, fn func(store.Raw) error) error
	// Forget makes bytes that an Erase overwrote unreadable, as far as the
	// database can do that.
	Forget(ctx context.Context) error
	Close() error
}

// Tx runs statements. Parameters are written $1, $2 and so on; arguments are
// int64, string, []byte or nil. One Rows is open at a time.
type Tx interface {
	Exec(ctx context.Context, query string, args ...any) error
	Query(ctx context.Context, query string, args ...any) (Rows, error)
	// In runs a query, as often as the database likes, so that each of values
	// has been in its list once, and calls fn for every row. In the query,
	// "IN @IN" stands for the list, which follows args. All values are int64
	// or all are strings.
	In(ctx context.Context, values []any, fn func(Rows) error, query string, args ...any) error
	// Insert adds rows; args holds len(t.Columns) values for each.
	Insert(ctx context.Context, t Table, args []any) error
}

// Rows is the answer to a query.
type Rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close() error
}

// Table names a table and the columns that Insert fills.
type Table struct {
	Name    string
	Columns []string
}

// Tables that are filled in bulk.
var (
	tableLines      = Table{"line_blocks", []string{"first", "n", "raw", "data"}}
	tablePayloads   = Table{"payload_blocks", []string{"block", "head", "raw", "data"}}
	tablePayloadIdx = Table{"payload_index", []string{"prefix", "block"}}
	tableZones      = Table{"zones", []string{"first", "n", "low", "high", "pairs", "sums"}}
	tableTypes      = Table{"entry_types", []string{"seq", "type"}}
	tableNames      = Table{"names", []string{"id", "name"}}
	tableGroups     = Table{"evidence_groups", []string{"id", "source", "name"}}
	tableEvidence   = Table{"evidence", []string{"seq", "kind", "source", "run", "pblock", "hashes", "grp"}}
	tableKeyIdx     = Table{"key_index", []string{"khash", "seq"}}
	tableSubjectIdx = Table{"subject_index", []string{"shash", "seq"}}
)

// each runs a query and calls fn for every row; fn scans.
func each(ctx context.Context, tx Tx, fn func(Rows) error, query string, args ...any) (err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := rows.Close(); err == nil {
			err = cerr
		}
	}()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one scans the first row and reports whether there was one.
func one(ctx context.Context, tx Tx, dest []any, query string, args ...any) (found bool, err error) {
	err = each(ctx, tx, func(r Rows) error {
		if found {
			return nil
		}
		found = true
		return r.Scan(dest...)
	}, query, args...)
	return found, err
}

// inSizes are the lengths that IN lists are padded to, so that few different
// statements exist and the drivers can keep them prepared.
var inSizes = [...]int{1, 16, 256}

// EachIn is Tx.In for databases that take no arrays: it runs query once for
// every piece of values.
func EachIn(ctx context.Context, tx Tx, values []any, fn func(Rows) error, query string, args ...any) error {
	for len(values) > 0 {
		size := inSizes[len(inSizes)-1]
		for _, s := range inSizes {
			if len(values) <= s {
				size = s
				break
			}
		}
		n := min(size, len(values))
		all := append(append(make([]any, 0, len(args)+size), args...), values[:n]...)
		for len(all) < len(args)+size {
			all = append(all, values[n-1])
		}
		q := strings.Replace(query, "@IN", params(len(args)+1, size), 1)
		if err := each(ctx, tx, fn, q, all...); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

// params gives ($from,…) with n parameters.
func params(from, n int) string {
	var b strings.Builder
	b.WriteByte('(')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(from + i))
	}
	b.WriteByte(')')
	return b.String()
}

// pair is a new value of one column, by position.
type pair struct{ seq, value int64 }

// pairSizes are how many pairs one UPDATE changes.
var pairSizes = [...]int{64, 8, 1}

// updatePairs sets column to value for each seq of evidence; value 0 is NULL.
func updatePairs(ctx context.Context, tx Tx, column string, pairs []pair) error {
	for _, n := range pairSizes {
		var text string
		for len(pairs) >= n {
			if text == "" {
				text = pairsText(column, n)
			}
			args := make([]any, 0, 2*n)
			for _, p := range pairs[:n] {
				args = append(args, p.seq, null(p.value))
			}
			if err := tx.Exec(ctx, text, args...); err != nil {
				return err
			}
			pairs = pairs[n:]
		}
	}
	return nil
}

func pairsText(column string, n int) string {
	var b strings.Builder
	b.WriteString("UPDATE evidence SET " + column + " = v.column2 FROM (VALUES ")
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("(CAST($" + strconv.Itoa(2*i+1) + " AS BIGINT),CAST($" + strconv.Itoa(2*i+2) + " AS BIGINT))")
	}
	b.WriteString(") AS v WHERE evidence.seq = v.column1")
	return b.String()
}

// null gives nil for 0: columns that hold a position or an id have no zero.
func null(v int64) any {
	if v == 0 {
		return nil
	}
	return v
}
