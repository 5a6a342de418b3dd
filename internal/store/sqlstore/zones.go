package sqlstore

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strconv"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// sealedItem is a piece of evidence of this transaction as its zone needs it.
type sealedItem struct {
	seq  int64
	pair store.Pair
	at   int64 // collected at, microseconds
}

// zoneArgs makes the row of the table zones for lines from a position on;
// sealed begins with the first evidence among them. It returns what is left of
// sealed.
func zoneArgs(first int64, lines [][]byte, sealed []sealedItem) []any {
	b := store.NewZone(first)
	for i, line := range lines {
		b.Line(store.LineSum(line))
		if len(sealed) > 0 && sealed[0].seq == first+int64(i) {
			b.Evidence(sealed[0].pair, sealed[0].at)
			sealed = sealed[1:]
		}
	}
	z := b.Zone()
	return []any{z.First, z.N, z.Low, z.High, notNil(z.Pairs), z.Sums}
}

// notNil gives an empty value for none: the column takes no NULL.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// countPair notes how the evidence of a kind of the run's source changed.
func (w *writer) countPair(kind, evidence, live int64) {
	p := store.Pair{Source: w.run.source, Kind: kind}
	c := w.counts[p]
	w.counts[p] = store.CountRow{Evidence: c.Evidence + evidence, Live: c.Live + live}
}

// saveCounts adds what changed to the table of counts.
func (w *writer) saveCounts(ctx context.Context) error {
	for p, c := range w.counts {
		err := w.tx.Exec(ctx, `INSERT INTO evidence_counts (source, kind, evidence, live) VALUES ($1, $2, $3, $4)
ON CONFLICT (source, kind) DO UPDATE SET evidence = evidence_counts.evidence + excluded.evidence,
live = evidence_counts.live + excluded.live`, p.Source, p.Kind, c.Evidence, c.Live)
		if err != nil {
			return err
		}
	}
	return nil
}

// FillSearch makes zones and counts anew from lines and the rows of evidence:
// for a schema that had none, and after a Reindex.
func FillSearch(ctx context.Context, tx Tx) error {
	for _, q := range []string{
		"DELETE FROM zones", "DELETE FROM evidence_counts",
		`INSERT INTO evidence_counts (source, kind, evidence, live)
SELECT source, kind, COUNT(*), SUM(CASE WHEN next IS NULL AND gone IS NULL THEN 1 ELSE 0 END) FROM evidence GROUP BY source, kind`,
	} {
		if err := tx.Exec(ctx, q); err != nil {
			return err
		}
	}
	t, err := readTip(ctx, tx)
	if err != nil {
		return err
	}
	for seq := int64(0); seq < t.size; {
		b, err := readLineBlock(ctx, tx, seq)
		if err != nil {
			return err
		}
		if err := fillZone(ctx, tx, b); err != nil {
			return err
		}
		seq = b.first + b.n
	}
	return nil
}

// fillZone makes the zone of one block of lines.
func fillZone(ctx context.Context, tx Tx, b *lineBlock) error {
	lines, err := b.lines()
	if err != nil {
		return err
	}
	var sealed []sealedItem
	err = each(ctx, tx, func(r Rows) error {
		var it sealedItem
		err := r.Scan(&it.seq, &it.pair.Source, &it.pair.Kind)
		sealed = append(sealed, it)
		return err
	}, "SELECT seq, source, kind FROM evidence WHERE seq >= $1 AND seq < $2 ORDER BY seq", b.first, b.first+b.n)
	if err != nil {
		return err
	}
	var p evidence.Parser
	for i := range sealed {
		e, err := evidence.SplitLine(sealed[i].seq, lines[sealed[i].seq-b.first])
		if err != nil {
			return fmt.Errorf("%w: %w", store.ErrTampered, err)
		}
		ev, err := p.Evidence(e)
		if err != nil {
			return fmt.Errorf("entry %d: %w: %w", e.Seq, store.ErrTampered, err)
		}
		sealed[i].at = ev.CollectedAt.UnixMicro()
	}
	args := zoneArgs(b.first, lines, sealed)
	return tx.Insert(ctx, tableZones, args)
}

// bridged is how many positions without anything of a kind are looked at rather
// than passed by with a query of their own.
const bridged = 512

// stretchesOf gives the parts of the ledger from a position on that may hold
// evidence of some kinds; the numbers of these are texts.
func stretchesOf(ctx context.Context, tx Tx, kinds []string, from int64) ([]stretch, error) {
	t, err := readTip(ctx, tx)
	if err != nil {
		return nil, err
	}
	wanted := make(map[int64]bool, len(kinds))
	for _, k := range kinds {
		id, err := strconv.ParseInt(k, 10, 64)
		if err != nil {
			return nil, err
		}
		wanted[id] = true
	}
	out, known := []stretch{}, from // every position below known is in a zone
	err = each(ctx, tx, func(r Rows) error {
		var z store.Zone
		if err := r.Scan(&z.First, &z.N, &z.Pairs); err != nil {
			return err
		}
		if z.First > known {
			return noZone(known, z.First)
		}
		known = max(known, z.First+z.N)
		found := false
		if err := z.EachPair(func(p store.Pair) bool { found = wanted[p.Kind]; return !found }); err != nil || !found {
			return err
		}
		if n := len(out); n > 0 && z.First-out[n-1].to <= bridged {
			out[n-1].to = z.First + z.N
			return nil
		}
		out = append(out, stretch{z.First, z.First + z.N})
		return nil
	}, "SELECT first, n, pairs FROM zones WHERE first >= (SELECT COALESCE(MAX(first), 0) FROM zones WHERE first <= $1) ORDER BY first", from)
	if err == nil && known < t.size {
		err = noZone(known, t.size)
	}
	return out, err
}

func noZone(from, to int64) error {
	return fmt.Errorf("entries %d to %d: %w: no zone holds them; run exhibit ledger reindex", from, to-1, store.ErrTampered)
}

// Which zones a walk passes next from a position on, at most so many.
const (
	zonesUp   = "WHERE first >= (SELECT COALESCE(MAX(first), 0) FROM zones WHERE first <= $1) ORDER BY first LIMIT $2"
	zonesDown = "WHERE first <= $1 ORDER BY first DESC LIMIT $2"
)

// zoneRows reads zones without their sums, which are most of a zone.
func zoneRows(ctx context.Context, tx Tx, which string, at, n int64) ([]store.Zone, error) {
	var out []store.Zone
	err := each(ctx, tx, func(r Rows) error {
		var z store.Zone
		err := r.Scan(&z.First, &z.N, &z.Low, &z.High, &z.Pairs)
		z.Pairs = bytes.Clone(z.Pairs)
		out = append(out, z)
		return err
	}, "SELECT first, n, low, high, pairs FROM zones "+which, at, n)
	return out, err
}

const selectZones = "SELECT first, n, low, high, pairs, sums FROM zones "

// eachZone calls fn for the zones that a query selects by selectZones, one after
// the other in the same memory.
func eachZone(ctx context.Context, tx Tx, fn func(*store.Zone) error, query string, args ...any) error {
	var z store.Zone
	return each(ctx, tx, func(r Rows) error {
		if err := r.Scan(&z.First, &z.N, &z.Low, &z.High, &z.Pairs, &z.Sums); err != nil {
			return err
		}
		if err := CheckZone(&z); err != nil {
			return err
		}
		return fn(&z)
	}, query, args...)
}

func scanZones(ctx context.Context, tx Tx, query string, args ...any) ([]store.Zone, error) {
	var out []store.Zone
	err := eachZone(ctx, tx, func(z *store.Zone) error {
		out = append(out, *z)
		// PostgreSQL's driver may use the same memory for the next row.
		out[len(out)-1].Pairs, out[len(out)-1].Sums = bytes.Clone(z.Pairs), bytes.Clone(z.Sums)
		return nil
	}, query, args...)
	return out, err
}

// CheckZone expects a zone to have as many sums as lines.
func CheckZone(z *store.Zone) error {
	if z.N <= 0 || z.N > math.MaxInt32 || int64(len(z.Sums)) != z.N*store.SumSize {
		return fmt.Errorf("zone from entry %d: %d bytes for %d lines: %w", z.First, len(z.Sums), z.N, store.ErrTampered)
	}
	return nil
}
