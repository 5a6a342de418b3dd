package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/wire"
)

// ahead is how many messages the host reads while the Sink is busy.
const ahead = 16

// errSink marks that the Sink ended the run.
var errSink = errors.New("the run was ended by its sink")

// Collect runs the connector once and hands what it sends to sink. It blocks
// until the run is over, at most for Limits.Run. After an error everything
// that was sent and valid before it has been handed to sink, unless ctx ended
// or the sink itself failed.
func (h *Host) Collect(ctx context.Context, name string, req connector.Request, sink Sink) (Result, error) {
	reads, err := h.Reads(ctx, name, req.Config.Settings)
	if err != nil {
		return Result{}, err
	}
	s, err := h.start(ctx, name, req.Config.Secrets, reads)
	if err != nil {
		return Result{}, err
	}
	defer s.stop()
	result := Result{BinaryDigest: s.digest, Confinement: s.confinement()}
	if result.Descriptor, err = s.describe(ctx); err != nil {
		return result, err
	}
	if err := s.checkRequest(result.Descriptor, &req); err != nil {
		return result, err
	}
	runCtx, cancelTime := context.WithTimeout(ctx, h.limits.Run)
	defer cancelTime()
	runCtx, cancel := context.WithCancelCause(runCtx)
	defer cancel(nil)
	stream, err := s.rpc.Collect(runCtx, wire.EncodeRequest(req))
	if err != nil {
		return result, s.callError(runCtx, "collect", err)
	}
	r := newReceiver(s, result.Descriptor, req, h.now)
	parts := make(chan part, ahead)
	go func() {
		defer close(parts)
		r.run(runCtx, cancel, stream, parts)
	}()
	sinkErr := h.deliver(ctx, parts, sink, func() { cancel(errSink) })
	result.Counts, result.Calls = r.counts, r.calls
	switch {
	case sinkErr != nil && ctx.Err() != nil && errors.Is(sinkErr, ctx.Err()):
		return result, s.ended("collect", ctx.Err()) // the time was over while it was kept
	case sinkErr != nil:
		return result, fmt.Errorf("connector %s: keep what it sent: %w", name, sinkErr)
	case r.err != nil:
		return result, r.err
	}
	result.Coverage = r.coverage
	return result, nil
}

// checkRequest completes and checks what is about to be asked.
func (s *session) checkRequest(d connector.Descriptor, req *connector.Request) error {
	if err := s.checkConfig(d, &req.Config); err != nil {
		return err
	}
	rules := wire.NewRules(d, 0)
	for _, kind := range req.Kinds {
		if err := rules.Kind(kind); err != nil {
			return s.fail(ErrConfig, err.Error(), nil)
		}
	}
	if req.Full {
		req.Cursors, req.Validators = connector.Memory(req.Cursors), nil
	}
	return nil
}

// deliver gathers parts into batches for the sink until parts is closed. When
// the sink fails, end stops the connector and the rest is read and dropped.
func (h *Host) deliver(ctx context.Context, parts <-chan part, sink Sink, end func()) error {
	var batch Batch
	var size int
	var sinkErr error
	timer := time.NewTimer(h.limits.BatchDelay)
	timer.Stop()
	defer timer.Stop()
	flush := func() {
		timer.Stop()
		if batch.Len() > 0 && sinkErr == nil && ctx.Err() == nil {
			if sinkErr = sink.Batch(ctx, batch); sinkErr != nil {
				end()
			}
		}
		batch, size = Batch{}, 0
	}
	for {
		select {
		case p, ok := <-parts:
			if !ok {
				flush()
				return sinkErr
			}
			if p.progress != nil && sinkErr == nil {
				sink.Progress(*p.progress)
			}
			if p.batch.Len() == 0 {
				continue
			}
			if n := batch.Len(); n > 0 && (n+p.batch.Len() > h.limits.BatchRecords || size+p.size > h.limits.BatchBytes) {
				flush()
			}
			if batch.Len() == 0 {
				timer.Reset(h.limits.BatchDelay)
			}
			batch.add(p.batch)
			size += p.size
			if batch.Len() >= h.limits.BatchRecords || size >= h.limits.BatchBytes {
				flush()
			}
		case <-timer.C:
			flush()
		}
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
