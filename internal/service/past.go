package service

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evaluate"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/finding"
)

// What a view of an earlier instant may cost: it reads what the whole store says.
const (
	keptPast    = 4       // views of earlier instants that are kept
	keptResults = 400_000 // that these hold together, where it is more than one view
	pastsEach   = 6       // that one asker may have made within pastsWithin
	pastsWithin = time.Minute
	pastWait    = 4 * time.Second // for somebody else to be done, before one is told to come back
)

// Busy says that something costs much and that now is not the time for it.
type Busy struct {
	After time.Duration // when to ask again
	Often bool          // whoever asks asked for too many: others may be answered
	// Making says what is being made that has to be there first; empty: the view of
	// an earlier instant.
	Making string
}

func (b *Busy) Error() string {
	if b.Making != "" {
		return b.Making
	}
	if b.Often {
		return fmt.Sprintf("a view of an earlier instant reads the whole ledger, and %d were made for you within a minute", pastsEach)
	}
	return "a view of an earlier instant reads the whole ledger, and another one is being made"
}

// Hint says what to do.
func (b *Busy) Hint() string {
	if b.Making != "" {
		return fmt.Sprintf("ask again in %d s", b.Seconds())
	}
	return fmt.Sprintf("ask again in %d s; an instant that was shown lately is there at once", b.Seconds())
}

// Seconds is After, rounded up.
func (b *Busy) Seconds() int { return max(1, int(math.Ceil(b.After.Seconds()))) }

// past keeps views of earlier instants, and bounds how many are made.
type past struct {
	mu     sync.Mutex
	views  []*pastView // the newest asked for last
	starts map[string][]time.Time
	took   time.Duration // the last one
	making chan struct{} // closed when the one that is being made is done; nil: none is
}

// pastView is a view of an earlier instant, with how much of the ledger was looked
// through since, and said nothing of that instant.
type pastView struct {
	*View
	to int64
}

// Past returns the view of an earlier instant, which is not after now, for
// somebody who may be anybody: one is made at a time, and a few for each asker.
// Otherwise it is a Busy. A zero instant means Current. Ages are told in seconds,
// so instants are as well.
func (s *Service) Past(ctx context.Context, asker string, at time.Time) (*View, error) {
	if at.IsZero() {
		return s.Current(ctx)
	}
	at = at.UTC().Truncate(time.Second)
	v, err := s.known(ctx, at)
	if v != nil || err != nil {
		return v, err
	}
	done, late := s.turn(ctx, asker, func() bool { v, err = s.known(ctx, at); return v != nil || err != nil })
	switch {
	case late != nil:
		return nil, late
	case done == nil: // somebody else made it meanwhile
		return v, err
	}
	defer done()
	return s.makePast(ctx, at)
}

// turn waits for the turn of somebody. done is nil if there is an error, or if
// nothing is to be done any more once somebody else was: there says so.
func (s *Service) turn(ctx context.Context, asker string, there func() bool) (done func(), err error) {
	timer := time.NewTimer(pastWait)
	defer timer.Stop()
	for {
		done, wait, err := s.past.begin(asker, s.clock())
		if done != nil || err != nil {
			return done, err
		}
		select {
		case <-wait:
		case <-timer.C:
			return nil, &Busy{After: s.past.usual()}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if there() {
			return nil, nil
		}
	}
}

// At is Past for whoever has the process for themselves.
func (s *Service) At(ctx context.Context, at time.Time) (*View, error) {
	if at.IsZero() {
		return s.Current(ctx)
	}
	if v, err := s.known(ctx, at); v != nil || err != nil {
		return v, err
	}
	return s.makePast(ctx, at)
}

// begin takes the turn to make a view. Without an error it returns either done, to
// be called at the end, or what to wait for.
func (p *past) begin(asker string, now time.Time) (done func(), wait <-chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for who, list := range p.starts {
		if list = slices.DeleteFunc(list, func(t time.Time) bool { return now.Sub(t) >= pastsWithin }); len(list) == 0 {
			delete(p.starts, who)
		} else {
			p.starts[who] = list
		}
	}
	if list := p.starts[asker]; len(list) >= pastsEach {
		return nil, nil, &Busy{After: pastsWithin - now.Sub(list[0]), Often: true}
	}
	if p.making != nil {
		return nil, p.making, nil
	}
	if p.starts == nil {
		p.starts = map[string][]time.Time{}
	}
	p.starts[asker] = append(p.starts[asker], now)
	making, begun := make(chan struct{}), time.Now()
	p.making = making
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.making, p.took = nil, time.Since(begun)
		close(making)
	}, nil, nil
}

// usual is how long a view takes to make.
func (p *past) usual() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(2*time.Second, p.took)
}

// known returns the view of an instant that is kept, if what came into the ledger
// since says nothing of that instant; nil if there is none.
func (s *Service) known(ctx context.Context, at time.Time) (*View, error) {
	if at.After(s.clock()) {
		return nil, mistake("evidence of the future cannot be read; choose an instant up to now", "%s is in the future", at.Format(time.RFC3339))
	}
	p := &s.past
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.views, func(v *pastView) bool { return v.Assessment.AsOf.Equal(at) })
	if i < 0 {
		return nil, nil
	}
	kept := p.views[i]
	p.views = slices.Delete(p.views, i, i+1)
	same, err := s.holds(ctx, kept)
	if err != nil || !same {
		return nil, err
	}
	p.views = append(p.views, kept)
	return kept.View, nil
}

// holds reports whether a view of an earlier instant would be made the same again.
func (s *Service) holds(ctx context.Context, v *pastView) (bool, error) {
	size, err := s.Size(ctx)
	if err != nil || size == v.to {
		return err == nil, err
	}
	if size < v.to || size-v.to > lookThrough {
		return false, nil
	}
	for e, err := range s.store.Entries(ctx, v.to, size) {
		if err != nil {
			return false, err
		}
		if says, err := speaksOf(e, v.Assessment.AsOf); says || err != nil {
			return false, err
		}
		v.to = e.Seq + 1
	}
	return true, nil
}

// speaksOf reports whether an entry may change how an instant before it is seen.
// What was read later may: it is shown as a late capture. What was only concluded
// later, and what happened to findings later, does not.
func speaksOf(e evidence.Entry, at time.Time) (bool, error) {
	if e.Type != evidence.EntryFinding {
		return !evaluate.Concluding(e), nil
	}
	events, err := finding.ParseBody(e.Body)
	return len(events) > 0 && !events[0].At.After(at), err
}

// makePast makes the view of an instant and keeps it.
func (s *Service) makePast(ctx context.Context, at time.Time) (*View, error) {
	size, err := s.Size(ctx)
	if err != nil {
		return nil, err
	}
	a, err := s.Assess(ctx, at.UTC())
	if err != nil {
		return nil, err
	}
	v, err := s.ViewOf(ctx, a, true)
	if err != nil {
		return nil, err
	}
	s.past.keep(&pastView{v, size})
	return v, nil
}

// keep keeps a view, and of those before as many as there is room for.
func (p *past) keep(v *pastView) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.views = slices.DeleteFunc(p.views, func(o *pastView) bool { return o.Assessment.AsOf.Equal(v.Assessment.AsOf) })
	p.views = append(p.views, v)
	n := 0
	for _, o := range p.views {
		n += len(o.Assessment.Results)
	}
	for len(p.views) > 1 && (len(p.views) > keptPast || n > keptResults) {
		n -= len(p.views[0].Assessment.Results)
		p.views = slices.Delete(p.views, 0, 1)
	}
}
