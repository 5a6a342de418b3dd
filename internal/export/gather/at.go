package gather

import (
	"context"
	"iter"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// At gives records of any kind as they stood at an assessment's instant, also
// of those that no sheet shows.
type At struct {
	st   Source
	asOf time.Time
	size int64
}

// RecordsAt reads st as a saw it.
func RecordsAt(st Source, a *assess.Assessment) At {
	return At{st: st, asOf: a.AsOf, size: a.Checkpoint.Size}
}

// InForce yields the revisions of these kinds that were in force, in ledger
// order. The payload is nil where it was erased.
func (r At) InForce(ctx context.Context, kinds ...string) iter.Seq2[evidence.Evidence, error] {
	return func(yield func(evidence.Evidence, error) bool) {
		current, err := r.current(ctx, kinds)
		if err != nil {
			yield(evidence.Evidence{}, err)
			return
		}
		for ev, err := range r.st.Evidence(ctx, store.EvidenceQuery{Kinds: kinds, Before: r.size, Payloads: true}) {
			if err != nil {
				yield(ev, err)
				return
			}
			if current[ev.Digest] && !yield(ev, nil) {
				return
			}
		}
	}
}

// current finds the newest revision of each key that had been read by the
// instant, unless the key was gone by then.
func (r At) current(ctx context.Context, kinds []string) (map[evidence.Digest]bool, error) {
	type name struct{ source, kind, key string }
	newest := map[name]evidence.Evidence{}
	for ev, err := range r.st.Evidence(ctx, store.EvidenceQuery{Kinds: kinds, Before: r.size}) {
		if err != nil {
			return nil, err
		}
		n := name{ev.Source, ev.Kind, ev.Key}
		if ev.CollectedAt.After(r.asOf) {
			continue
		}
		if old, ok := newest[n]; !ok || !ev.CollectedAt.Before(old.CollectedAt) {
			newest[n] = ev
		}
	}
	out := make(map[evidence.Digest]bool, len(newest))
	for _, ev := range newest {
		if ev.GoneAt.IsZero() || ev.GoneAt.After(r.asOf) {
			out[ev.Digest] = true
		}
	}
	return out, nil
}
