package sqlstore

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Snapshot implements store.Verifiable.
func (s *Store) Snapshot(ctx context.Context, fn func(store.Raw) error) error {
	return s.db.Read(ctx, func(tx Tx) error { return s.db.Verify(ctx, tx, rawOf, fn) })
}

// Lines gives a row of line_blocks to verification.
func Lines(first, n, raw int64, data []byte) store.RawLines {
	b := &lineBlock{first: first, n: n, raw: raw, data: data}
	return store.RawLines{First: first, N: n, Unpack: b.unpack}
}

// Payloads gives a row of payload_blocks to verification.
func Payloads(block, raw int64, head, data []byte) store.RawPayloads {
	b := &payloadBlock{block: block, raw: raw, head: head, data: data}
	return store.RawPayloads{Block: block, Unpack: b.unpack}
}

// SetHashes sets what the column hashes of a row of evidence says.
func SetHashes(x *store.IndexRow, hashes []byte) (err error) {
	x.KeyHash, x.Subject, x.Mark, err = splitHashes(x.Seq, hashes)
	return err
}

// raw is the store's bytes on one snapshot. Every sequence reads a page and
// closes the query before it yields, so that several can be read side by side.
type raw struct {
	tx Tx
}

var _ store.Raw = (*raw)(nil)

func rawOf(tx Tx) store.Raw { return &raw{tx: tx} }

func (r *raw) Checkpoint(ctx context.Context) (store.RawTip, error) {
	var t store.RawTip
	_, err := one(ctx, r.tx, []any{&t.Size, &t.At, &t.Note, &t.Indexed, &t.IndexedBlock},
		"SELECT size, at, note, indexed, indexed_block FROM checkpoint WHERE id = 1")
	return t, err
}

// pages yields what read gives until it gives nothing.
func pages[T any](read func() ([]T, error)) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		for {
			page, err := read()
			if err != nil {
				yield(nil, err)
				return
			}
			if len(page) == 0 || !yield(page, nil) {
				return
			}
		}
	}
}

// singly yields the items of pages.
func singly[T any](seq iter.Seq2[[]T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for page, err := range seq {
			if err != nil {
				var zero T
				yield(zero, err)
				return
			}
			for _, item := range page {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}

// rawBlocks is how many blocks are read at once.
const rawBlocks = int64(32)

func (r *raw) Lines(ctx context.Context) iter.Seq2[store.RawLines, error] {
	after := int64(-1)
	return singly(pages(func() (page []store.RawLines, err error) {
		err = each(ctx, r.tx, func(rows Rows) error {
			var n, size int64
			var data []byte
			if err := rows.Scan(&after, &n, &size, &data); err != nil {
				return err
			}
			page = append(page, Lines(after, n, size, data))
			return nil
		}, "SELECT first, n, raw, data FROM line_blocks WHERE first > $1 ORDER BY first LIMIT $2", after, rawBlocks)
		return page, err
	}))
}

// zonesPage is how many zones are read at once.
const zonesPage = 256

// zonesAhead is how many zones a search reads at once, at most.
const zonesAhead = int64(1024)

func (r *raw) Zones(ctx context.Context) iter.Seq2[store.Zone, error] {
	after := int64(math.MinInt64)
	return singly(pages(func() ([]store.Zone, error) {
		page, err := scanZones(ctx, r.tx, selectZones+"WHERE first > $1 ORDER BY first LIMIT $2", after, int64(zonesPage))
		if len(page) > 0 {
			after = page[len(page)-1].First
		}
		return page, err
	}))
}

func (r *raw) Payloads(ctx context.Context) iter.Seq2[store.RawPayloads, error] {
	after := int64(-1)
	return singly(pages(func() (page []store.RawPayloads, err error) {
		err = each(ctx, r.tx, func(rows Rows) error {
			var size int64
			var head, data []byte
			if err := rows.Scan(&after, &head, &size, &data); err != nil {
				return err
			}
			page = append(page, Payloads(after, size, head, data))
			return nil
		}, "SELECT block, head, raw, data FROM payload_blocks WHERE block > $1 ORDER BY block LIMIT $2", after, rawBlocks)
		return page, err
	}))
}

func (r *raw) Rows(ctx context.Context) iter.Seq2[[]store.IndexRow, error] {
	after := int64(-1)
	return pages(func() ([]store.IndexRow, error) {
		page := make([]store.IndexRow, 0, pageSize)
		var hashes []byte
		var odd int64
		err := each(ctx, r.tx, func(rows Rows) error {
			page = append(page, store.IndexRow{})
			x := &page[len(page)-1]
			err := rows.Scan(&x.Seq, &x.Kind, &x.Source, &x.Run, &x.Block, &hashes, &x.Next, &x.Gone, &x.GoneAt, &odd)
			if err != nil {
				return fmt.Errorf("evidence row after %d: %w: %w", after, store.ErrTampered, err)
			}
			if after = x.Seq; odd != 0 {
				return noneIsNull(fmt.Sprintf("index row %d", x.Seq))
			}
			return SetHashes(x, hashes)
		}, `SELECT seq, kind, source, run, pblock, hashes, COALESCE(next, 0), COALESCE(gone, 0), COALESCE(gone_at, 0),
CASE WHEN next <= 0 OR gone <= 0 THEN 1 ELSE 0 END FROM evidence WHERE seq > $1 ORDER BY seq LIMIT $2`, after, int64(pageSize))
		return page, err
	})
}

// noneIsNull refuses a row that has a number where there is none: readers ask for
// NULL, and pass such a row by.
func noneIsNull(place string) error {
	return &store.Discrepancy{Place: place, Want: "a position of the ledger, or NULL", Got: "a number that is neither"}
}

func (r *raw) Tiles(ctx context.Context) iter.Seq2[ledger.Tile, error] {
	level, after := int64(0), int64(-1)
	return singly(pages(func() (page []ledger.Tile, err error) {
		err = each(ctx, r.tx, func(rows Rows) error {
			var data []byte
			if err := rows.Scan(&level, &after, &data); err != nil {
				return err
			}
			page = append(page, ledger.Tile{Level: int(level), N: after, Data: data})
			return nil
		}, `SELECT level, n, hashes FROM tiles WHERE (level, n) > ($1, $2)
ORDER BY level, n LIMIT $3`, level, after, rawBlocks)
		return page, err
	}))
}

// hashIndexes are the tables and columns of the indexes by hash.
var hashIndexes = map[store.HashIndex][3]string{
	store.KeyIndex:     {"key_index", "khash", "seq"},
	store.SubjectIndex: {"subject_index", "shash", "seq"},
	store.PayloadIndex: {"payload_index", "prefix", "block"},
}

func (r *raw) Index(ctx context.Context, which store.HashIndex) iter.Seq2[[]store.IndexEntry, error] {
	t, ok := hashIndexes[which]
	if !ok {
		return func(yield func([]store.IndexEntry, error) bool) {
			yield(nil, fmt.Errorf("index %d: %w", which, store.ErrNotFound))
		}
	}
	last := store.IndexEntry{Hash: math.MinInt64, Place: -1}
	query := "SELECT " + t[1] + ", " + t[2] + " FROM " + t[0] + " WHERE (" + t[1] + ", " + t[2] + ") > ($1, $2) ORDER BY " +
		t[1] + ", " + t[2] + " LIMIT $3"
	return pages(func() (page []store.IndexEntry, err error) {
		err = each(ctx, r.tx, func(rows Rows) error {
			if err := rows.Scan(&last.Hash, &last.Place); err != nil {
				return err
			}
			page = append(page, last)
			return nil
		}, query, last.Hash, last.Place, int64(pageSize))
		return page, err
	})
}

func (r *raw) Tables(ctx context.Context) (store.Tables, error) {
	t := store.Tables{Names: make(map[int64]string), Types: make(map[int64]evidence.EntryType), Counts: make(map[store.Pair]store.CountRow)}
	err := each(ctx, r.tx, func(rows Rows) error {
		var id int64
		var name string
		if err := rows.Scan(&id, &name); err != nil {
			return err
		}
		t.Names[id] = name
		return nil
	}, "SELECT id, name FROM names")
	if err != nil {
		return t, err
	}
	err = each(ctx, r.tx, func(rows Rows) error {
		var row store.RunRow
		var odd int64
		if err := rows.Scan(&row.ID, &row.Opened, &row.Closed, &row.Source, &odd); err != nil {
			return err
		}
		if odd != 0 {
			return noneIsNull(fmt.Sprintf("row of run %.80q", row.ID))
		}
		t.Runs = append(t.Runs, row)
		return nil
	}, "SELECT id, opened, COALESCE(closed, -1), source, CASE WHEN closed <= 0 THEN 1 ELSE 0 END FROM runs ORDER BY opened")
	if err != nil {
		return t, err
	}
	if t.State, err = stateRows(ctx, r.tx, "SELECT source, is_cursor, name, value FROM state"); err != nil {
		return t, err
	}
	err = each(ctx, r.tx, func(rows Rows) error {
		var row store.TallyRow
		err := rows.Scan(&row.Run, &row.Kind, &row.New, &row.Revised, &row.Unchanged)
		t.Tally = append(t.Tally, row)
		return err
	}, "SELECT run, kind, new, revised, unchanged FROM tally")
	if err != nil {
		return t, err
	}
	err = each(ctx, r.tx, func(rows Rows) error {
		var p store.Pair
		var c store.CountRow
		err := rows.Scan(&p.Source, &p.Kind, &c.Evidence, &c.Live)
		t.Counts[p] = c
		return err
	}, "SELECT source, kind, evidence, live FROM evidence_counts")
	if err != nil {
		return t, err
	}
	return t, each(ctx, r.tx, func(rows Rows) error {
		var seq int64
		var typ string
		if err := rows.Scan(&seq, &typ); err != nil {
			return err
		}
		t.Types[seq] = evidence.EntryType(typ)
		return nil
	}, "SELECT seq, type FROM entry_types")
}
