package sqlstore

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// EntryByDigest implements store.Searcher.
func (s *Store) EntryByDigest(ctx context.Context, prefix string) (e evidence.Entry, err error) {
	if err := store.CheckDigestPrefix(prefix); err != nil {
		return evidence.Entry{}, err
	}
	err = s.db.Read(ctx, func(tx Tx) error {
		e, err = findEntry(ctx, tx, prefix)
		return err
	})
	return e, err
}

// findEntry finds the first entry whose digest begins with prefix, which is no
// shorter than what zones keep.
func findEntry(ctx context.Context, tx Tx, prefix string) (evidence.Entry, error) {
	lines, begins := &lineReader{tx: tx}, sumBeginning(prefix)
	for after := int64(math.MinInt64); ; {
		var seqs []int64
		found := false
		err := eachZone(ctx, tx, func(z *store.Zone) error {
			after, found = z.First, true
			for i := range z.N {
				if begins.of(z.Sums[i*store.SumSize:]) {
					seqs = append(seqs, z.First+i)
				}
			}
			return nil
		}, selectZones+"WHERE first > $1 ORDER BY first LIMIT $2", after, int64(zonesPage))
		if err != nil {
			return evidence.Entry{}, err
		}
		if !found {
			return evidence.Entry{}, fmt.Errorf("entry %s: %w", prefix, store.ErrNotFound)
		}
		for _, seq := range seqs {
			line, err := lines.line(ctx, seq)
			if err != nil {
				return evidence.Entry{}, err
			}
			if strings.HasPrefix(evidence.Sum(line).String(), prefix) {
				return lines.entry(ctx, seq)
			}
		}
	}
}

// EvidenceByDigest implements store.Searcher.
func (s *Store) EvidenceByDigest(ctx context.Context, d evidence.Digest) (ev evidence.Evidence, err error) {
	err = s.db.Read(ctx, func(tx Tx) error {
		e, err := findEntry(ctx, tx, d.String())
		if err != nil {
			return err
		}
		if e.Type != evidence.EntryEvidence {
			return fmt.Errorf("entry %d is no evidence: %w", e.Seq, store.ErrNotFound)
		}
		var hits []hit
		if err := each(ctx, tx, scanHit(&hits), selectHits+"seq = $1", e.Seq); err != nil {
			return err
		}
		if len(hits) != 1 {
			return fmt.Errorf("entry %d has no row: %w; run exhibit ledger reindex", e.Seq, store.ErrTampered)
		}
		var p evidence.Parser
		if ev, err = p.Evidence(e); err != nil {
			return fmt.Errorf("entry %d: %w: %w", e.Seq, store.ErrTampered, err)
		}
		names, err := readNames(ctx, tx)
		if err != nil {
			return err
		}
		ev.Source = names[hits[0].source]
		ev.GoneAt = micros(hits[0].goneAt)
		return nil
	})
	if err != nil {
		return evidence.Evidence{}, fmt.Errorf("evidence %s: %w", d, err)
	}
	return ev, nil
}
