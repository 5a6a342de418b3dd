package serve

import (
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/wire"
)

// lifeSign is how often a connector that waits but reports calls tells the
// host that it is alive.
const lifeSign = 5 * time.Second

// InvalidError is what an Emitter returns for an item that breaks the rules of
// the contract. The run fails; what was emitted before it is kept.
type InvalidError struct{ err error }

func (e *InvalidError) Error() string { return e.err.Error() }

// Unwrap returns the broken rule.
func (e *InvalidError) Unwrap() error { return e.err }

// emitter batches what a connector emits and counts it. The order of items is
// the order in which they took the lock.
type emitter struct {
	stream grpc.ServerStreamingServer[wire.CollectBatch]
	rules  wire.Rules

	mu       sync.Mutex
	items    []*wire.Item
	bytes    int
	timer    *time.Timer // runs while items wait
	err      error       // the first failure; sticky
	progress *wire.Progress
	counts   wire.Counts
	calls    connector.Calls
	sent     time.Time // when the host last heard from us
	closed   bool
}

var (
	_ connector.Emitter      = (*emitter)(nil)
	_ connector.CallRecorder = (*emitter)(nil)
)

func newEmitter(stream grpc.ServerStreamingServer[wire.CollectBatch], d connector.Descriptor) *emitter {
	e := &emitter{
		stream: stream, rules: wire.NewRules(d, 0), sent: time.Now(),
		counts: wire.Counts{Records: map[string]int64{}},
	}
	e.timer = time.AfterFunc(wire.BatchDelay, e.tick)
	e.timer.Stop()
	return e
}

// Record hands over one fact. What a string cannot hold fails here; the payload
// is judged by the host.
func (e *emitter) Record(r connector.Record) error {
	if err := e.rules.Envelope(r); err != nil {
		return e.refuse(err)
	}
	size := len(r.Payload) + len(r.Key) + len(r.Subject.ID) + len(r.URL) + len(r.Group)
	return e.add(&wire.Item{Item: &wire.Item_Record{Record: wire.EncodeRecord(r)}}, size, func() {
		e.counts.Records[r.Kind]++
	})
}

// Unchanged attests a group.
func (e *emitter) Unchanged(group string, count int) error {
	if err := e.rules.Unchanged(group, int64(count)); err != nil {
		return e.refuse(err)
	}
	m := &wire.Unchanged{Group: group, Count: int64(count)}
	return e.add(&wire.Item{Item: &wire.Item_Unchanged{Unchanged: m}}, len(group), func() {
		e.counts.UnchangedGroups++
		e.counts.UnchangedRecords += int64(count)
	})
}

// Gap reports a part of the scope that could not be seen.
func (e *emitter) Gap(g connector.Gap) error {
	g.Detail = wire.Clean(g.Detail, wire.MaxText)
	if err := e.rules.Gap(g); err != nil {
		return e.refuse(err)
	}
	size := len(g.Scope) + len(g.Detail)
	return e.add(&wire.Item{Item: &wire.Item_Gap{Gap: wire.EncodeGap(g)}}, size, func() { e.counts.Gaps++ })
}

// Cursor stores a position.
func (e *emitter) Cursor(name, value string) error {
	if err := e.rules.Cursor(name, value); err != nil {
		return e.refuse(err)
	}
	m := &wire.CursorSet{Name: name, Value: value}
	return e.add(&wire.Item{Item: &wire.Item_Cursor{Cursor: m}}, len(name)+len(value), nil)
}

// Validator stores what a later conditional request needs.
func (e *emitter) Validator(key string, v connector.Validator) error {
	if err := e.rules.Validator(key, v); err != nil {
		return e.refuse(err)
	}
	m := &wire.ValidatorSet{Key: key, Validator: wire.EncodeValidator(v)}
	size := len(key) + len(v.ETag) + len(v.LastModified) + len(v.Link) + len(v.Memo)
	return e.add(&wire.Item{Item: &wire.Item_Validator{Validator: m}}, size, nil)
}

// Progress keeps the newest message for the next batch.
func (e *emitter) Progress(p connector.Progress) {
	p.Message = wire.Clean(p.Message, wire.MaxText)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err != nil || e.closed {
		return
	}
	if e.progress == nil && len(e.items) == 0 {
		e.timer.Reset(wire.BatchDelay)
	}
	e.progress = wire.EncodeProgress(p)
}

// Calls adds to the run's count of calls. It also keeps the host from taking
// a connector that waits for its source for one that hangs.
func (e *emitter) Calls(c connector.Calls) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls = e.calls.Add(c)
	if e.err == nil && !e.closed && len(e.items) == 0 && e.progress == nil && time.Since(e.sent) > lifeSign {
		e.sent = time.Now() // not again before the timer has sent it
		e.timer.Reset(0)
	}
}

// refuse makes an item that breaks the rules the end of the run.
func (e *emitter) refuse(err error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sendLocked(nil)
	if e.err == nil {
		e.err = &InvalidError{err: err}
	}
	return e.err
}

// add appends an item and sends the batch when it is full.
func (e *emitter) add(item *wire.Item, size int, count func()) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err != nil {
		return e.err
	}
	if e.closed {
		return fmt.Errorf("emitted after Collect returned")
	}
	if len(e.items) > 0 && e.bytes+size > wire.BatchBytes {
		if e.sendLocked(nil); e.err != nil {
			return e.err
		}
	}
	if len(e.items) == 0 {
		e.timer.Reset(wire.BatchDelay)
	}
	e.items = append(e.items, item)
	e.bytes += size
	if count != nil {
		count()
	}
	if len(e.items) >= wire.BatchItems || e.bytes >= wire.BatchBytes {
		e.sendLocked(nil)
	}
	return e.err
}

// tick sends what has waited long enough, or a sign of life.
func (e *emitter) tick() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.sendLocked(nil)
	}
}

// sendLocked sends what waits, and done with it unless nil. It blocks while
// the host is busy, which holds back everybody who emits.
func (e *emitter) sendLocked(done *wire.Done) {
	if e.err != nil {
		return
	}
	e.timer.Stop()
	items := e.items
	if e.progress != nil {
		items = append(items, &wire.Item{Item: &wire.Item_Progress{Progress: e.progress}})
	}
	err := e.stream.Send(&wire.CollectBatch{Items: items, Done: done})
	e.items, e.bytes, e.progress, e.sent = nil, 0, nil, time.Now()
	if err != nil {
		if ctxErr := e.stream.Context().Err(); ctxErr != nil {
			err = ctxErr
		}
		e.err = fmt.Errorf("the host ended the run: %w", err)
	}
}

// failure returns the first failure.
func (e *emitter) failure() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}

// done ends the stream with the connector's claim and our counts.
func (e *emitter) done(coverage connector.Coverage) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sendLocked(&wire.Done{
		Coverage: wire.EncodeCoverage(coverage), Counts: &e.counts, Calls: wire.EncodeCalls(e.calls),
	})
	e.closed = true
	if e.err != nil {
		return toStatus(e.err)
	}
	return nil
}

// close sends what waits, also when the connector panicked, and makes
// everything emitted from now on an error.
func (e *emitter) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.items) > 0 {
		e.sendLocked(nil)
	}
	e.closed = true
	e.timer.Stop()
}
