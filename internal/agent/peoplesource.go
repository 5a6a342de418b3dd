package agent

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// peopleRenewal is how old the last claim of the people's source may be before
// it is made again.
const peopleRenewal = time.Hour

// Methods of runs of the people's source.
const (
	MethodCommand = "command" // somebody did what the record says by a command
	MethodUpload  = "upload"  // somebody handed in a record; it counts once another one accepted it
)

// RecordPeople appends records that a person made. identity names the person
// and the account. The ledger is the home of such records: the run claims to
// hold all there are of each kind that was ever made this way.
func (c *Collector) RecordPeople(ctx context.Context, identity, method string, records []evidence.Record) (evidence.Run, error) {
	now := c.Now()
	for i := range records {
		kind, ok := c.Catalog.Kind(records[i].Kind)
		if !ok {
			return evidence.Run{}, fmt.Errorf("no kind %q", records[i].Kind)
		}
		if errs := kind.Validate(records[i].Payload); len(errs) > 0 {
			return evidence.Run{}, fmt.Errorf("%s %s: %w", kind.ID, records[i].Key, errors.Join(errs...))
		}
		records[i].CollectedAt = now
	}
	if err := c.closeDangling(ctx, people.Source); err != nil {
		return evidence.Run{}, err
	}
	kinds, _, err := c.peopleKinds(ctx)
	if err != nil {
		return evidence.Run{}, err
	}
	rec := newRecorder(c, evidence.Provenance{
		Agent: "exhibit/" + c.Version, Source: people.Source, Connector: people.Source, ConnectorVersion: c.Version,
		Identity: identity, Method: method, Reliability: "statement",
	}, nil)
	if err := rec.open(ctx); err != nil {
		return evidence.Run{}, err
	}
	if len(records) > 0 {
		if err := rec.append(ctx, store.Batch{Run: rec.run.ID, Records: records}); err != nil {
			return evidence.Run{}, err
		}
	}
	for _, r := range records {
		kinds[r.Kind] = true
	}
	for kind := range kinds {
		rec.run.Kinds[kind] = evidence.KindRead{Coverage: "complete", IndependentCount: -1, Query: "the ledger itself, where these records are made"}
	}
	rec.run.FinishedAt, rec.run.Status = c.Now(), evidence.RunComplete
	return rec.end(ctx)
}

// RenewPeople claims anew that the ledger holds all records that people made,
// if the last claim is older than an hour. Where nobody made any, it does nothing.
func (c *Collector) RenewPeople(ctx context.Context) error {
	kinds, last, err := c.peopleKinds(ctx)
	if err != nil || len(kinds) == 0 || c.Now().Sub(last) < peopleRenewal {
		return err
	}
	_, err = c.RecordPeople(ctx, "exhibit", MethodCommand, nil)
	return err
}

// peopleKinds returns the kinds that people made records of, and when that was
// last claimed.
func (c *Collector) peopleKinds(ctx context.Context) (kinds map[string]bool, last time.Time, err error) {
	kinds = map[string]bool{}
	for run, err := range c.Store.Runs(ctx, people.Source) {
		if err != nil {
			return nil, last, err
		}
		for _, kind := range slices.Sorted(maps.Keys(run.Kinds)) {
			kinds[kind] = true
		}
		last = run.FinishedAt
	}
	return kinds, last, nil
}
