package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/wire"
)

// finish holds what the connector claims at the end against what it sent.
func (r *receiver) finish(ctx context.Context, done *wire.Done, recv func() (*wire.CollectBatch, error)) error {
	switch _, err := recv(); {
	case err == nil:
		return r.lied("it went on sending after it said that it was done")
	case !errors.Is(err, io.EOF):
		return r.streamError(ctx, err)
	}
	if err := r.checkCounts(done.GetCounts()); err != nil {
		return err
	}
	calls := wire.DecodeCalls(done.GetCalls())
	if min(calls.Requests, calls.NotModified, calls.Retries, calls.RateLimited, calls.Bytes) < 0 {
		return r.lied("it counts fewer than no calls")
	}
	coverage, err := wire.DecodeCoverage(done.GetCoverage())
	if err != nil {
		return r.bad(err)
	}
	if err := r.rules.Coverage(coverage, r.wanted); err != nil {
		return r.lied(err.Error())
	}
	for kind, c := range coverage {
		c.Query = r.s.scrub.text(c.Query, wire.MaxQuery)
		coverage[kind] = r.humble(kind, c)
	}
	r.coverage, r.calls = coverage, calls
	return nil
}

// humble takes back a claim that the run's own gaps contradict.
func (r *receiver) humble(kind string, c connector.KindCoverage) connector.KindCoverage {
	if c.Status == connector.Complete && r.gapped[kind] {
		r.s.log.log.Warn("the connector calls a kind complete that has a gap: taken as partial", "kind", kind)
		c.Status = connector.Partial
	}
	if c.Status != connector.Complete {
		c.Enumerated = false
	}
	return c
}

// checkCounts reports the first count that differs.
func (r *receiver) checkCounts(claimed *wire.Counts) error {
	kinds := map[string]bool{}
	for kind := range claimed.GetRecords() {
		kinds[kind] = true
	}
	for kind := range r.counts.Records {
		kinds[kind] = true
	}
	for _, kind := range sortedKeys(kinds) {
		if claim, came := claimed.GetRecords()[kind], r.counts.Records[kind]; claim != came {
			return r.lied(fmt.Sprintf("it counts %d records of kind %s, but %d came", claim, wire.Quote(kind), came))
		}
	}
	for _, c := range []struct {
		what        string
		claim, came int64
	}{
		{"unchanged groups", claimed.GetUnchangedGroups(), r.counts.UnchangedGroups},
		{"unchanged records", claimed.GetUnchangedRecords(), r.counts.UnchangedRecords},
		{"gaps", claimed.GetGaps(), r.counts.Gaps},
	} {
		if c.claim != c.came {
			return r.lied(fmt.Sprintf("it counts %d %s, but %d came", c.claim, c.what, c.came))
		}
	}
	return nil
}

func (r *receiver) lied(detail string) error { return r.s.fail(ErrLied, detail, nil) }
