package service

import (
	"cmp"
	"context"
	"sync/atomic"
	"time"

	"github.com/exhibit-aims/exhibit/internal/ask"
)

// traces keeps the records of all AI systems of views: they are laid out in one
// reading of what is on record about any of them.
type traces struct {
	newest atomic.Pointer[View] // the newest that has them
	took   atomic.Int64         // nanoseconds, the last time
	asked  atomic.Bool          // since they were laid out
	ahead  atomic.Bool          // somebody lays out those of each new view
}

const (
	traceWait = 100 * time.Millisecond // what one may be made to wait
	tracedFor = 10 * time.Minute       // how much older than the newest view what is shown may be
)

// Traces lays out the record of each AI system, from intake to the instant of a
// view, once for each view. Nobody changes what is returned.
func (s *Service) Traces(ctx context.Context, v *View) (map[string]ask.Trace, error) {
	shared := context.WithoutCancel(ctx)
	return madeOnce(v, "", func() (map[string]ask.Trace, error) { return s.layOut(shared, v) })
}

func (s *Service) layOut(ctx context.Context, v *View) (map[string]ask.Trace, error) {
	begun := time.Now()
	w, err := s.world(ctx, v.Basis(), "", ask.Options{Traces: true}, ask.TraceKinds())
	if err != nil {
		return nil, err
	}
	by := make(map[string]ask.Trace, len(w.Systems()))
	for _, sys := range w.Systems() {
		by[sys.ID] = w.Trace(sys, "")
	}
	if !v.Past {
		s.traces.took.Store(int64(time.Since(begun)))
		if now := s.traces.newest.Load(); now == nil || now.Assessment.AsOf.Before(v.Assessment.AsOf) {
			s.traces.newest.CompareAndSwap(now, v)
		}
	}
	return by, nil
}

// ViewTrace is Trace of a view, or of one shortly before, which it returns: see
// Traced.
func (s *Service) ViewTrace(ctx context.Context, v *View, system, chain string) (ask.Trace, *View, error) {
	if _, err := v.System(system); err != nil {
		return ask.Trace{}, v, err
	}
	if err := KnownChain(chain); err != nil {
		return ask.Trace{}, v, err
	}
	v, err := s.Traced(v, system)
	if err != nil {
		return ask.Trace{}, v, err
	}
	by, err := s.Traces(ctx, v)
	return by[system].Only(chain), v, err
}

// TraceAhead says whether somebody lays out the traces of each new view before
// they are asked for, by TraceAsked.
func (s *Service) TraceAhead(on bool) {
	s.traces.asked.Store(on) // the first who asks does not wait either
	s.traces.ahead.Store(on)
}

// TraceAsked lays out the traces of a view if somebody asked for one since those of
// another were laid out.
func (s *Service) TraceAsked(ctx context.Context, v *View) error {
	if s.traces.newest.Load() == v || !s.traces.asked.Swap(false) {
		return nil
	}
	_, err := s.Traces(ctx, v)
	return err
}

// HasTraces says whether those of a view were the newest to be laid out.
func (s *Service) HasTraces(v *View) bool { return s.traces.newest.Load() == v }

// Traced is the view whose trace of a system is shown for another one: that one,
// or, where it takes long to lay out those of a new view and somebody does, the
// view before. Before the first are laid out it is a Busy.
func (s *Service) Traced(v *View, system string) (*View, error) {
	t := &s.traces
	t.asked.Store(true)
	last := t.newest.Load()
	if v.Past || last == v || !t.ahead.Load() {
		return v, nil
	}
	if last == nil && v.Assessment.Checkpoint.Size > tracedSlowly {
		return nil, &Busy{After: 2 * time.Second, Making: "what is on record about each AI system is being laid out for the first time"}
	}
	if last == nil || time.Duration(t.took.Load()) <= cmp.Or(s.TraceWait, traceWait) {
		return v, nil
	}
	if _, err := last.System(system); err == nil && v.Assessment.AsOf.Sub(last.Assessment.AsOf) < tracedFor {
		return last, nil
	}
	return v, nil
}

// tracedSlowly is from how many entries one does not wait for the first traces.
const tracedSlowly = 20_000
