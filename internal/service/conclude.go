package service

import (
	"context"
	"errors"
	"time"

	"github.com/exhibit-aims/exhibit/internal/assess"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/store"
)

// Conclude assesses as of now, puts on record what it found and which findings
// it opens, changes and resolves, and makes the view that others see from then
// on.
func (s *Service) Conclude(ctx context.Context) (*View, error) {
	made, err := s.makes(ctx)
	if err != nil {
		return nil, err
	}
	defer made()
	size, err := s.Size(ctx)
	if err != nil {
		return nil, err
	}
	a, expiring, err := s.assessAhead(ctx, s.clock().UTC())
	if err != nil {
		return nil, err
	}
	added, err := s.recordAssessment(ctx, a, true)
	if err != nil {
		return nil, err
	}
	v, err := s.ViewOf(ctx, a, false)
	if err != nil {
		return nil, err
	}
	v.Expiring, v.seen = expiring, size
	if added.First == size {
		v.seen = added.Next
	}
	s.show(ctx, v)
	return v, nil
}

// makes waits until nobody else makes a view for whoever comes.
func (s *Service) makes(ctx context.Context) (made func(), err error) {
	select {
	case s.making <- struct{}{}:
		return func() { <-s.making }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// BeforeShown sets what is done with each new view before it is the current one: so
// nobody waits for what is made of a view. nil: nothing.
func (s *Service) BeforeShown(do func(context.Context, *View) error) { s.before.Store(&do) }

// show makes a view the current one, unless one of a later instant is.
func (s *Service) show(ctx context.Context, v *View) {
	if do := s.before.Load(); do != nil && *do != nil {
		if err := (*do)(ctx, v); err != nil && ctx.Err() == nil {
			s.Logger.Warn("what is made of a view was not made before it is shown", "error", err)
		}
	}
	for {
		now := s.view.Load()
		if now != nil && now.Assessment.AsOf.After(v.Assessment.AsOf) {
			return
		}
		if s.view.CompareAndSwap(now, v) {
			return
		}
	}
}

// lookAhead is how far ahead a view says what will not stay satisfied.
const lookAhead = 30 * 24 * time.Hour

// assessAhead is Assess, with what will not be satisfied any more soon.
func (s *Service) assessAhead(ctx context.Context, at time.Time) (*assess.Assessment, []assess.Expiry, error) {
	s.assessing.Lock()
	defer s.assessing.Unlock()
	e, err := s.rules()
	if err != nil {
		return nil, nil, err
	}
	s.viewing.Store(true)
	defer s.assessed()
	a, err := e.At(ctx, at)
	if err != nil {
		return nil, nil, err
	}
	return a, e.State().Expiring(a, at.Add(lookAhead)), nil
}

// Size is how many entries the ledger has.
func (s *Service) Size(ctx context.Context) (int64, error) {
	note, err := s.store.Checkpoint(ctx)
	if err != nil {
		return 0, err
	}
	cp, err := ledger.UnverifiedCheckpoint(note)
	return cp.Size, err
}

// oldView is the age at which a view is made anew though the ledger did not
// grow: what is current and what is due changes with time alone.
const oldView = 10 * time.Minute

// KeepCurrent makes the next view soon after the ledger has grown, and when the
// last has grown old, until ctx is done. every says how often it looks; after an
// act of this process it looks at once. failed is told of what went wrong.
func (s *Service) KeepCurrent(ctx context.Context, every time.Duration, failed func(error)) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if err := s.renew(ctx); err != nil && ctx.Err() == nil {
			failed(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-s.acted:
		}
	}
}

func (s *Service) renew(ctx context.Context) error {
	if s.view.Load() == nil {
		s.first.making.Store(true)
		defer s.first.making.Store(false)
	}
	made, err := s.makes(ctx)
	if err != nil {
		return err
	}
	defer made()
	v := s.view.Load() // a conclusion that was under way has made one
	if v != nil && s.clock().Sub(v.Assessment.AsOf) < oldView {
		behind, err := s.Behind(ctx, v)
		if err != nil || behind == 0 {
			return err
		}
	}
	_, err = s.Refresh(ctx)
	if errors.Is(err, store.ErrNoStore) { // nothing was collected yet
		return nil
	}
	return err
}
