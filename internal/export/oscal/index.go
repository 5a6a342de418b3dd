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
	withheld          string // why no bundle holds the payload; empty if one does
	seq               int64
	event, collected  time.Time
}

// erased finds the payloads that were erased below a checkpoint.
func erased(ctx context.Context, s *export.Snapshot, size int64) (map[evidence.Digest]bool, error) {
	out := map[evidence.Digest]bool{}
	for e, err := range s.Ledger.Entries(ctx, 0, size, evidence.EntryErasure) {
		if err != nil {
			return nil, err
		}
		er, err := evidence.ParseErasure(e)
		if err != nil {
			return nil, err
		}
		out[er.Payload] = true
	}
	return out, nil
}

// index finds the evidence that results rest on.
func index(ctx context.Context, s *export.Snapshot, size int64) (map[evidence.Digest]*item, error) {
	gone, err := erased(ctx, s, size)
	if err != nil {
		return nil, err
	}
	hidden := map[evidence.Digest]bool{} // payloads, by any evidence that names them
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
		if s.Redaction.Hidden(ev.Kind) {
			hidden[ev.PayloadSum] = true
		}
		if _, used := out[ev.Digest]; used {
			out[ev.Digest] = &item{kind: once(ev.Kind), source: once(ev.Source), url: web(ev.URL), payload: ev.PayloadSum, seq: ev.Seq,
				event: ev.EventTime, collected: ev.CollectedAt}
		}
	}
	for _, it := range out {
		switch {
		case it == nil:
		case gone[it.payload]:
			it.withheld = "erased"
		case hidden[it.payload]:
			it.withheld = "hidden"
		}
	}
	return out, nil
}
