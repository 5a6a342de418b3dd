package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/wire"
)

// part is one message of a run, checked.
type part struct {
	batch    Batch
	size     int
	progress *connector.Progress
}

// itemOverhead is what an item counts beside its strings, so that empty ones
// are not free.
const itemOverhead = 32

// receiver reads and checks a run's stream. Its results may be read when run
// has returned.
type receiver struct {
	s      *session
	rules  wire.Rules
	wanted []string
	now    func() time.Time
	rate   *rate.Limiter // nil means no limit

	counts   Counts
	records  int64 // of all kinds
	state    int64 // cursors and validators
	gapped   map[string]bool
	coverage connector.Coverage
	calls    connector.Calls
	err      error
}

func newReceiver(s *session, d connector.Descriptor, req connector.Request, now func() time.Time) *receiver {
	r := &receiver{
		s: s, rules: wire.NewRules(d, s.limits.RecordBytes), wanted: req.Kinds, now: now,
		counts: Counts{Records: map[string]int64{}}, gapped: map[string]bool{},
	}
	if len(r.wanted) == 0 {
		for _, k := range d.Kinds {
			r.wanted = append(r.wanted, k.Kind)
		}
	}
	if n := s.limits.RecordsPerSecond; n > 0 {
		r.rate = rate.NewLimiter(rate.Limit(n), n)
	}
	return r
}

// run reads until the end of the stream or the first thing that is wrong,
// which it leaves in r.err. What was right before goes to parts in any case.
func (r *receiver) run(
	ctx context.Context, cancel context.CancelCauseFunc,
	stream grpc.ServerStreamingClient[wire.CollectBatch], parts chan<- part,
) {
	recv := watched(stream, r.s.limits.Idle, func() {
		cancel(r.s.fail(ErrHung, "nothing came for "+r.s.limits.Idle.String(), nil))
	})
	for {
		m, err := recv()
		if err != nil {
			r.err = r.streamError(ctx, err)
			break
		}
		p, err := r.message(ctx, m)
		if p.batch.Len() > 0 || p.progress != nil {
			parts <- p // always read until closed
		}
		if err != nil {
			r.err = err
			break
		}
		if m.GetDone() != nil {
			r.err = r.finish(ctx, m.GetDone(), recv)
			break
		}
	}
	if r.err != nil {
		cancel(r.err)
	}
}

// watched returns Recv with a watch on it: if one takes longer than idle, hung
// is called, once.
func watched(
	stream grpc.ServerStreamingClient[wire.CollectBatch], idle time.Duration, hung func(),
) func() (*wire.CollectBatch, error) {
	var waiting atomic.Bool
	timer := time.AfterFunc(idle, func() {
		if waiting.Load() {
			hung()
		}
	})
	return func() (*wire.CollectBatch, error) {
		waiting.Store(true)
		timer.Reset(idle)
		m, err := stream.Recv()
		waiting.Store(false)
		timer.Stop()
		return m, err
	}
}

// streamError explains a stream that ended before Done.
func (r *receiver) streamError(ctx context.Context, err error) error {
	if errors.Is(err, io.EOF) {
		return r.s.fail(ErrCrashed, "its stream ended before it said that it was done", nil)
	}
	return r.s.callError(ctx, "collect", err)
}

// message checks one message. After an error the part holds what came before
// the item that is wrong.
func (r *receiver) message(ctx context.Context, m *wire.CollectBatch) (part, error) {
	var p part
	for _, item := range m.GetItems() {
		size := itemSize(item)
		r.counts.Bytes += int64(size)
		if r.counts.Bytes > r.s.limits.Bytes {
			return p, r.flood("%d bytes", r.s.limits.Bytes)
		}
		if err := r.item(item, &p); err != nil {
			return p, err
		}
		p.size += size
	}
	if n := len(p.batch.Records); r.rate != nil && n > 0 {
		if err := r.holdBack(ctx, n); err != nil {
			return p, r.s.callError(ctx, "collect", err)
		}
	}
	r.counts.Bytes += itemOverhead
	return p, nil
}

// holdBack waits until n records are within the rate.
func (r *receiver) holdBack(ctx context.Context, n int) error {
	for n > 0 {
		step := min(n, r.rate.Burst())
		if err := r.rate.WaitN(ctx, step); err != nil {
			return err
		}
		n -= step
	}
	return nil
}

func (r *receiver) item(item *wire.Item, p *part) error {
	switch it := item.GetItem().(type) {
	case *wire.Item_Record:
		return r.record(it.Record, &p.batch)
	case *wire.Item_Unchanged:
		return r.unchanged(it.Unchanged, &p.batch)
	case *wire.Item_Gap:
		return r.gap(it.Gap, &p.batch)
	case *wire.Item_Cursor:
		return r.cursor(it.Cursor, &p.batch)
	case *wire.Item_Validator:
		return r.validator(it.Validator, &p.batch)
	case *wire.Item_Progress:
		progress := wire.DecodeProgress(it.Progress)
		progress.Message = r.s.scrub.text(progress.Message, wire.MaxText)
		p.progress = &progress
		return nil
	}
	return r.bad(errors.New("an item of an unknown type: the connector may be newer than this host"))
}

func (r *receiver) record(m *wire.Record, b *Batch) error {
	rec, err := wire.DecodeRecord(m)
	if err != nil {
		return r.bad(fmt.Errorf("record %s of kind %s: %w", wire.Quote(m.GetKey()), wire.Quote(m.GetKind()), err))
	}
	if err := r.rules.Record(rec); err != nil {
		return r.bad(err)
	}
	if err := wire.CheckTimes(rec, r.now().Add(r.s.limits.Skew)); err != nil {
		return r.bad(err)
	}
	if r.s.scrub.leaked(rec.Payload) {
		return r.bad(fmt.Errorf("record %s of kind %s: its payload holds a secret of the source's configuration",
			wire.Quote(rec.Key), wire.Quote(rec.Kind)))
	}
	r.counts.Records[rec.Kind]++
	if r.records++; r.records > r.s.limits.Records {
		return r.flood("%d records", r.s.limits.Records)
	}
	b.Records = append(b.Records, rec)
	return nil
}

func (r *receiver) unchanged(m *wire.Unchanged, b *Batch) error {
	if err := r.rules.Unchanged(m.GetGroup(), m.GetCount()); err != nil {
		return r.bad(err)
	}
	r.counts.UnchangedGroups++
	r.counts.UnchangedRecords += m.GetCount()
	if r.counts.UnchangedGroups > r.s.limits.Records {
		return r.flood("%d unchanged groups", r.s.limits.Records)
	}
	b.Unchanged = append(b.Unchanged, Unchanged{Group: m.GetGroup(), Count: int(m.GetCount())})
	return nil
}

func (r *receiver) gap(m *wire.Gap, b *Batch) error {
	g := wire.DecodeGap(m)
	if err := r.rules.Gap(g); err != nil {
		return r.bad(err)
	}
	g.Scope = r.s.scrub.text(g.Scope, wire.MaxKey)
	g.Detail = r.s.scrub.text(g.Detail, wire.MaxText)
	for _, kind := range g.Kinds {
		r.gapped[kind] = true
	}
	r.counts.Gaps++
	if r.counts.Gaps > r.s.limits.Gaps {
		return r.flood("%d gaps", r.s.limits.Gaps)
	}
	b.Gaps = append(b.Gaps, g)
	return nil
}

func (r *receiver) cursor(m *wire.CursorSet, b *Batch) error {
	if err := r.rules.Cursor(m.GetName(), m.GetValue()); err != nil {
		return r.bad(err)
	}
	b.Cursors = append(b.Cursors, Cursor{Name: m.GetName(), Value: m.GetValue()})
	return r.countState()
}

func (r *receiver) validator(m *wire.ValidatorSet, b *Batch) error {
	v := wire.DecodeValidator(m.GetValidator())
	if err := r.rules.Validator(m.GetKey(), v); err != nil {
		return r.bad(err)
	}
	b.Validators = append(b.Validators, Validator{Key: m.GetKey(), Value: v})
	return r.countState()
}

func (r *receiver) countState() error {
	if r.state++; r.state > r.s.limits.State {
		return r.flood("%d cursors and validators", r.s.limits.State)
	}
	return nil
}

func (r *receiver) bad(err error) error { return r.s.fail(ErrBadRecord, err.Error(), nil) }

func (r *receiver) flood(format string, args ...any) error {
	return r.s.fail(ErrFlood, "more than "+fmt.Sprintf(format, args...)+" in one run", nil)
}

func itemSize(item *wire.Item) int {
	n := itemOverhead
	switch it := item.GetItem().(type) {
	case *wire.Item_Record:
		r := it.Record
		n += len(r.GetPayload()) + len(r.GetKind()) + len(r.GetKey()) + len(r.GetGroup()) + len(r.GetUrl()) +
			len(r.GetSubject().GetType()) + len(r.GetSubject().GetId())
	case *wire.Item_Unchanged:
		n += len(it.Unchanged.GetGroup())
	case *wire.Item_Gap:
		n += len(it.Gap.GetScope()) + len(it.Gap.GetDetail())
	case *wire.Item_Cursor:
		n += len(it.Cursor.GetName()) + len(it.Cursor.GetValue())
	case *wire.Item_Validator:
		v := it.Validator.GetValidator()
		n += len(it.Validator.GetKey()) + len(v.GetEtag()) + len(v.GetLastModified()) + len(v.GetLink()) + len(v.GetMemo())
	case *wire.Item_Progress:
		n += len(it.Progress.GetMessage())
	}
	return n
}
