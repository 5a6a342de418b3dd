package gather

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// objectName is as much of a digest over source, kind and key as tells objects apart.
type objectName [16]byte

func nameOf(ev *evidence.Evidence) objectName {
	d := evidence.Sum([]byte(ev.Source + "\x00" + ev.Kind + "\x00" + ev.Key))
	return objectName(d[:16])
}

// firstSeen finds when the objects were read for the first time of which a
// later revision is used. A first revision says it itself, so only these are
// looked for.
func (g *gatherer) firstSeen(ctx context.Context) (func(*evidence.Evidence) time.Time, error) {
	first, kinds := map[objectName]time.Time{}, map[string]bool{}
	for ev, err := range g.st.Evidence(ctx, store.EvidenceQuery{Before: g.size}) {
		if err != nil {
			return nil, err
		}
		if ev.Revision > 1 && g.used[ev.Digest] {
			first[nameOf(&ev)], kinds[ev.Kind] = time.Time{}, true
		}
	}
	if len(first) > 0 {
		q := store.EvidenceQuery{Kinds: slices.Sorted(maps.Keys(kinds)), Before: g.size}
		for ev, err := range g.st.Evidence(ctx, q) {
			if err != nil {
				return nil, err
			}
			if ev.Revision != 1 {
				continue
			}
			if n := nameOf(&ev); isAmong(first, n) {
				first[n] = ev.CollectedAt
			}
		}
	}
	return func(ev *evidence.Evidence) time.Time {
		if ev.Revision <= 1 {
			return ev.CollectedAt
		}
		return first[nameOf(ev)]
	}, nil
}

func isAmong[K comparable, V any](m map[K]V, k K) bool {
	_, ok := m[k]
	return ok
}
