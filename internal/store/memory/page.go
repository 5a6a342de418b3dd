package memory

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Page implements store.Searcher by looking at everything.
func (s *Store) Page(_ context.Context, q store.PageQuery) (store.Page, error) {
	if err := q.Check(); err != nil {
		return store.Page{}, err
	}
	d := s.snapshot()
	from, to := q.Window(int64(len(d.lines)))
	var all []evidence.Evidence
	for _, it := range d.items {
		if it.ev.Seq < from || it.ev.Seq >= to || !q.Matches(&it.ev) {
			continue
		}
		if q.Latest && it.next != 0 && (q.AsOf == 0 || it.next < q.AsOf) {
			continue
		}
		ev := it.ev
		ev.Payload = nil
		if it.gone == 0 || q.AsOf > 0 && it.gone >= q.AsOf {
			ev.GoneAt = time.Time{}
		}
		all = append(all, ev)
	}
	if !q.Oldest {
		slices.Reverse(all)
	}
	if len(all) <= q.Limit {
		return store.Page{Items: all, Done: true}, nil
	}
	p := store.Page{Items: all[:q.Limit], Next: all[q.Limit].Seq}
	if !q.Oldest {
		p.Next++
	}
	return p, nil
}

// RunPage implements store.Searcher by looking at all runs.
func (s *Store) RunPage(ctx context.Context, q store.RunQuery) (store.RunPage, error) {
	if err := q.Check(); err != nil {
		return store.RunPage{}, err
	}
	var p store.RunPage
	found := q.Before == ""
	var all []evidence.Run
	for r, err := range s.Runs(ctx, "") {
		if err != nil {
			return p, err
		}
		if r.ID == q.Before {
			found = true
			break
		}
		if q.Source == "" || r.Provenance.Source == q.Source {
			all = append(all, r)
		}
	}
	if !found {
		return p, fmt.Errorf("run %.80q: %w", q.Before, store.ErrNotFound)
	}
	slices.Reverse(all)
	p.More = len(all) > q.Limit
	p.Runs = all[:min(q.Limit, len(all))]
	return p, nil
}

// Counts implements store.Searcher.
func (s *Store) Counts(context.Context) ([]store.Count, error) {
	return counts(s.snapshot()), nil
}

func counts(d *data) []store.Count {
	sums := map[[2]string]*store.Count{}
	var out []*store.Count
	for _, it := range d.items {
		k := [2]string{it.ev.Source, it.ev.Kind}
		if sums[k] == nil {
			sums[k] = &store.Count{Source: it.ev.Source, Kind: it.ev.Kind}
			out = append(out, sums[k])
		}
		sums[k].Evidence++
		if it.next == 0 && it.gone == 0 {
			sums[k].Live++
		}
	}
	slices.SortFunc(out, func(a, b *store.Count) int {
		if a.Source != b.Source {
			return strings.Compare(a.Source, b.Source)
		}
		return strings.Compare(a.Kind, b.Kind)
	})
	list := make([]store.Count, len(out))
	for i, c := range out {
		list[i] = *c
	}
	return list
}

// EvidenceByDigest implements store.Searcher.
func (s *Store) EvidenceByDigest(_ context.Context, sum evidence.Digest) (evidence.Evidence, error) {
	for _, it := range s.snapshot().items {
		if it.ev.Digest == sum {
			ev := it.ev
			ev.Payload = nil
			if it.gone == 0 {
				ev.GoneAt = time.Time{}
			}
			return ev, nil
		}
	}
	return evidence.Evidence{}, fmt.Errorf("evidence %s: %w", sum, store.ErrNotFound)
}

// EntryByDigest implements store.Searcher.
func (s *Store) EntryByDigest(_ context.Context, prefix string) (evidence.Entry, error) {
	if err := store.CheckDigestPrefix(prefix); err != nil {
		return evidence.Entry{}, err
	}
	for seq, line := range s.snapshot().lines {
		if strings.HasPrefix(evidence.Sum(line).String(), prefix) {
			return evidence.ParseLine(int64(seq), line)
		}
	}
	return evidence.Entry{}, fmt.Errorf("entry %s: %w", prefix, store.ErrNotFound)
}
