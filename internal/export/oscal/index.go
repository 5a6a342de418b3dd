package oscal

import (
	"context"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/export"
)

// item is what an observation says of its evidence.
type item struct {
	kind, source, url string
	payload           evidence.Digest
	seq               int64
	event, collected  time.Time
}

// index finds the evidence that results rest on.
func index(ctx context.Context, s *export.Snapshot) (map[evidence.Digest]*item, error) {
	out := map[evidence.Digest]*item{}
	for _, r := range s.Assessment.Results {
		for _, d := range r.Evidence {
			out[d] = nil
		}
	}
	names := map[string]string{} // each name once
	once := func(n string) string {
		if had, ok := names[n]; ok {
			return had
		}
		names[n] = n
		return n
	}
	for ev, err := range s.Ledger.Used(ctx) {
		if err != nil {
			return nil, err
		}
		if _, used := out[ev.Digest]; used {
			out[ev.Digest] = &item{kind: once(ev.Kind), source: once(ev.Source), url: web(ev.URL), payload: ev.PayloadSum, seq: ev.Seq,
				event: ev.EventTime, collected: ev.CollectedAt}
		}
	}
	return out, nil
}
