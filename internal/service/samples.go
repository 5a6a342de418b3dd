package service

import (
	"context"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/people"
)

// RecordSample puts a draw on record and returns its id.
func (d *Desk) RecordSample(ctx context.Context, s *assess.Sample, asOf time.Time) (string, error) {
	all, err := EverOnRecord(ctx, d.s.store, people.KindSample, people.ParseSample,
		func(id string) people.Sample { return people.Sample{ID: id} })
	if err != nil {
		return "", err
	}
	items := []string{}
	for _, i := range s.Items {
		items = append(items, i.Subject.Type+"/"+i.Subject.ID)
	}
	drawn, rec, err := people.Drawn(d.Who, people.Sample{
		Expectation: s.Expectation, LedgerSize: s.Checkpoint.Size, LedgerRoot: s.Checkpoint.Root, Count: s.Count, Population: s.Population.String(),
		Complete: s.Complete, Seed: s.Seed, Size: s.Size, Always: s.Always, Items: items,
	}, asOf, all, d.Now)
	if err != nil {
		return "", err
	}
	return drawn.ID, d.byCommand(ctx, rec)
}

// Samples are the draws on record.
func (s *Service) Samples(ctx context.Context) ([]people.Sample, error) {
	return OnRecord(ctx, s.store, people.KindSample, people.ParseSample)
}

// Retests are those on record.
func (s *Service) Retests(ctx context.Context) ([]people.Retest, error) {
	return OnRecord(ctx, s.store, people.KindRetest, people.ParseRetest)
}

// RetestItem puts on record what the person found who looked at an item again:
// r says result, note and sample. subject is an id, or type/id.
func (d *Desk) RetestItem(ctx context.Context, slug, subject string, r people.Retest, file *File) (people.Retest, error) {
	if r.Result != people.Pass && r.Result != people.Fail {
		return r, mistake("say what was found: pass or fail", "result %q is neither pass nor fail", r.Result)
	}
	result, cp, err := d.resultOf(ctx, slug, subject)
	if err != nil {
		return r, err
	}
	r.Expectation, r.About, r.Status, r.LedgerSize, r.LedgerRoot = slug, result.Subject, string(result.Status), cp.Size, cp.Root
	var records []evidence.Record
	if file != nil {
		rec, sum, err := people.File(file.Name, file.MediaType, file.Content)
		if err != nil {
			return r, err
		}
		r.Filename, r.FileSHA256 = file.Name, sum
		records = append(records, rec)
	}
	if err := d.inSample(ctx, r); err != nil {
		return r, err
	}
	all, err := EverOnRecord(ctx, d.s.store, people.KindRetest, people.ParseRetest,
		func(id string) people.Retest { return people.Retest{ID: id} })
	if err != nil {
		return r, err
	}
	item := people.Tested{Owner: result.Owner}
	if item.Hands, err = d.s.handsOnEvidence(ctx, result.Evidence); err != nil {
		return r, err
	}
	r, rec, err := d.Policy.Retested(d.Who, r, item, all, d.Now)
	if err != nil {
		return r, err
	}
	return r, d.byCommand(ctx, append(records, rec)...)
}

// resultOf finds the result for an item as of the desk's time.
func (d *Desk) resultOf(ctx context.Context, slug, subject string) (*assess.Result, assess.Checkpoint, error) {
	a, err := d.s.Assess(ctx, d.Now)
	if err != nil {
		return nil, assess.Checkpoint{}, err
	}
	if _, err := PopulationOf(a, slug); err != nil {
		return nil, a.Checkpoint, err
	}
	var found []*assess.Result
	for _, r := range assess.Items(a, slug) {
		if r.Subject.ID == subject || r.Subject.Type+"/"+r.Subject.ID == subject {
			found = append(found, r)
		}
	}
	switch len(found) {
	case 0:
		return nil, a.Checkpoint, mistake("exhibit populations "+slug+" --items lists it", "%q is not in the population of %s", subject, slug)
	case 1:
		return found[0], a.Checkpoint, nil
	}
	return nil, a.Checkpoint, mistake("write type/id", "%q names %d items of %s", subject, len(found), slug)
}

// inSample checks that an item was in a draw on record, if one is named.
func (d *Desk) inSample(ctx context.Context, r people.Retest) error {
	if r.Sample == "" {
		return nil
	}
	all, err := d.s.Samples(ctx)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.ID != r.Sample {
			continue
		}
		if s.Expectation != r.Expectation || !slices.Contains(s.Items, r.About.Type+"/"+r.About.ID) {
			return mistake("leave --sample out, or name the draw that it was in", "%s/%s was not drawn in %s", r.About.Type, r.About.ID, r.Sample)
		}
		return nil
	}
	return mistake("exhibit sample EXPECTATION --record makes one", "there is no draw %q on record", r.Sample)
}
