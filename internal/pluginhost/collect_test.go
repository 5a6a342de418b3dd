package pluginhost_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/exhibit-aims/exhibit/internal/pluginhost"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

func TestCollect(t *testing.T) {
	host := newHost(t, pluginhost.Options{Dir: install(t, "fake")})
	var sink memory
	got, err := host.Collect(t.Context(), "fake", request("", `,"count":2500,"size":100`), &sink)
	if err != nil {
		t.Fatal(err)
	}
	want := make([]connector.Record, 2500)
	for i := range want {
		want[i] = thing(i, 100)
	}
	if diff := cmp.Diff(want, sink.records()); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if n := len(sink.batches); n > 10 {
		t.Errorf("2,500 records came in %d batches, want about 3", n)
	}
	for i, b := range sink.batches {
		if b.Len() > 1000 {
			t.Errorf("batch %d holds %d items, want at most 1,000", i, b.Len())
		}
	}
	lock, err := pluginhost.Lock(installedDir(t, host))
	if err != nil {
		t.Fatal(err)
	}
	wantResult := pluginhost.Result{
		Coverage: connector.Coverage{
			"test.thing": {Status: connector.Complete, Enumerated: true, Query: "all", IndependentCount: -1},
			"test.other": {IndependentCount: -1},
		},
		Counts:       pluginhost.Counts{Records: map[string]int64{"test.thing": 2500}},
		Descriptor:   describeFake("fake"),
		BinaryDigest: lock.Connectors["fake"].SHA256,
		Confinement:  pluginhost.Confinement{Why: "it is switched off"},
	}
	if diff := cmp.Diff(wantResult, got, cmpopts.IgnoreFields(pluginhost.Counts{}, "Bytes")); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if got.Counts.Bytes < 2500*100 {
		t.Errorf("counted %d bytes, want at least the payloads'", got.Counts.Bytes)
	}
}

func installedDir(t *testing.T, host *pluginhost.Host) string {
	t.Helper()
	list, err := host.List(t.Context())
	if err != nil || len(list) == 0 {
		t.Fatalf("list: %v, %v", list, err)
	}
	return strings.TrimSuffix(list[0].Path, "/exhibit-connector-"+list[0].Name)
}

func TestRequestReachesTheConnector(t *testing.T) {
	host := newHost(t, pluginhost.Options{Dir: install(t, "fake")})
	type echo struct {
		Kinds       []string
		Cursors     map[string]string
		Validators  map[string]connector.Validator
		Full        bool
		Since       time.Time
		TokenLength int `json:"token_length"`
	}
	since := time.Date(2026, 1, 1, 0, 0, 0, 5, time.UTC)
	req := request("echo")
	req.Kinds, req.Since = []string{"test.thing"}, since
	req.Cursors = map[string]string{"at": "17", connector.MemoryPrefix + "first": "1999"}
	req.Validators = map[string]connector.Validator{"k": {ETag: `W/"1"`, LastModified: "x", Link: "<y>", Memo: []byte{0, 255}}}
	want := echo{Kinds: req.Kinds, Cursors: req.Cursors, Validators: req.Validators, Since: since, TokenLength: len(token)}
	for _, full := range []bool{false, true} {
		if req.Full = full; full { // all is to be read again: the connector gets its memory and no position
			want.Full, want.Cursors, want.Validators = true, map[string]string{connector.MemoryPrefix + "first": "1999"}, nil
		}
		var sink memory
		var got echo
		if _, err := host.Collect(t.Context(), "fake", req, &sink); err != nil {
			t.Fatal(err)
		}
		sink.report(t, &got)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("full=%v: request (-want +got):\n%s", full, diff)
		}
	}
}

// A request with the validators of a large source is bigger than gRPC's usual limit.
func TestManyValidatorsReachTheConnector(t *testing.T) {
	host := newHost(t, pluginhost.Options{Dir: install(t, "fake")})
	req := request("calls")
	req.Validators = map[string]connector.Validator{}
	for i := range 5000 {
		req.Validators[fmt.Sprint(i)] = connector.Validator{Memo: make([]byte, 2048)}
	}
	if _, err := host.Collect(t.Context(), "fake", req, &memory{}); err != nil {
		t.Fatal(err)
	}
}

func TestStateStaysInOrder(t *testing.T) {
	host := newHost(t, pluginhost.Options{Dir: install(t, "fake"), Limits: pluginhost.Limits{BatchRecords: 300}})
	var sink memory
	if _, err := host.Collect(t.Context(), "fake", request("state"), &sink); err != nil {
		t.Fatal(err)
	}
	var records, cursors, validators int
	for _, b := range sink.batches {
		records, cursors, validators = records+len(b.Records), cursors+len(b.Cursors), validators+len(b.Validators)
		if len(b.Cursors) == 0 {
			continue
		}
		last := b.Cursors[len(b.Cursors)-1]
		if want := fmt.Sprint(cursors - 1); last.Name != "at" || last.Value != want {
			t.Errorf("after %d cursors: got %v, want the value %s", cursors, last, want)
		}
		if records < cursors || records > cursors+1 {
			t.Errorf("a batch ends after %d records and %d cursors: a cursor left its record", records, cursors)
		}
	}
	if records != 450 || cursors != 450 || validators != 451 {
		t.Errorf("%d records, %d cursors, %d validators; want 450, 450, 451", records, cursors, validators)
	}
	end := sink.batches[len(sink.batches)-1].Validators
	if diff := cmp.Diff(pluginhost.Validator{Key: "old"}, end[len(end)-1]); diff != "" {
		t.Errorf("removal of a validator (-want +got):\n%s", diff)
	}
}

func TestAttestGapAndCalls(t *testing.T) {
	host := newHost(t, pluginhost.Options{Dir: install(t, "fake", "raw-contradiction")})
	var sink memory
	got, err := host.Collect(t.Context(), "fake", request("attest"), &sink)
	if err != nil {
		t.Fatal(err)
	}
	want := []pluginhost.Batch{{
		Unchanged: []pluginhost.Unchanged{{"page-1", 100}, {"page-2", 7}},
		Gaps: []connector.Gap{{Kinds: []string{"test.thing"}, Scope: "repo a", Reason: connector.Denied,
			Permission: "things:read", Detail: "no right with [redacted]"}},
	}}
	if diff := cmp.Diff(want, sink.batches); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
	wantCounts := pluginhost.Counts{Records: map[string]int64{}, UnchangedGroups: 2, UnchangedRecords: 107, Gaps: 1}
	if diff := cmp.Diff(wantCounts, got.Counts, cmpopts.IgnoreFields(pluginhost.Counts{}, "Bytes")); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	got, err = host.Collect(t.Context(), "fake", request("calls"), &memory{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(connector.Calls{Requests: 5, NotModified: 1, Retries: 1, RateLimited: 1, Bytes: 15}, got.Calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	// A kind with a gap is never complete, whatever the connector says.
	got, err = host.Collect(t.Context(), "raw-contradiction", request(""), &memory{})
	if err != nil {
		t.Fatal(err)
	}
	if c := got.Coverage["test.thing"]; c.Status != connector.Partial || c.Enumerated {
		t.Errorf("coverage of a kind with a gap = %+v, want partial and not enumerated", c)
	}
}

// TestTimeIsOverInTheSink: a run whose time ends while the sink keeps what was
// read took too long. It is no failure of the sink.
func TestTimeIsOverInTheSink(t *testing.T) {
	host := newHost(t, pluginhost.Options{Dir: install(t, "fake")})
	ctx := expiring{Context: t.Context(), over: make(chan struct{})}
	_, err := host.Collect(ctx, "fake", request("hang"), ctx)
	checkError(t, err, pluginhost.ErrTimeout)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error = %v, want also the context's", err)
	}
}

// expiring is a context that ends with the first batch that it gets as a Sink.
type expiring struct {
	context.Context //nolint:containedctx // it is one
	over            chan struct{}
}

func (e expiring) Done() <-chan struct{} { return e.over }

func (e expiring) Err() error {
	select {
	case <-e.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func (e expiring) Batch(context.Context, pluginhost.Batch) error {
	close(e.over)
	return fmt.Errorf("append: %w", e.Err())
}

func (expiring) Progress(connector.Progress) {}

func TestSinkFailureEndsTheRun(t *testing.T) {
	host := newHost(t, pluginhost.Options{Dir: install(t, "fake", "raw-flood")})
	full := errors.New("disk full")
	for name, req := range map[string]connector.Request{
		"fake": request("", `,"count":5000`), "raw-flood": request(""),
	} {
		sink := &memory{err: full, failAt: 2}
		_, err := host.Collect(t.Context(), name, req, sink)
		if !errors.Is(err, full) {
			t.Errorf("%s: error = %v, want the sink's", name, err)
		}
		if len(sink.batches) != 2 {
			t.Errorf("%s: %d batches were taken, want the two before the failure", name, len(sink.batches))
		}
	}
}

func TestCancel(t *testing.T) {
	const most = 30 * time.Second // on a busy machine; a limit of the host would end them after a minute
	host := newHost(t, pluginhost.Options{Dir: install(t, "fake", "silent"), Limits: pluginhost.Limits{Start: time.Minute, Idle: time.Minute}})
	for name, mode := range map[string]string{"fake": "hang", "silent": ""} {
		ctx, cancel := context.WithTimeout(t.Context(), 700*time.Millisecond)
		start := time.Now()
		_, err := host.Collect(ctx, name, request(mode), &memory{})
		cancel()
		if !errors.Is(err, pluginhost.ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: error = %v, want ErrTimeout and the context's", name, err)
		}
		if d := time.Since(start); d > most {
			t.Errorf("%s: returned after %v", name, d)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := host.Collect(ctx, "fake", request("hang"), &memory{onBatch: func(pluginhost.Batch) { cancel() }})
	if !errors.Is(err, context.Canceled) || errors.Is(err, pluginhost.ErrTimeout) {
		t.Errorf("error = %v, want the context's", err)
	}
}

func TestLatency(t *testing.T) {
	host := newHost(t, pluginhost.Options{Dir: install(t, "fake"), Limits: pluginhost.Limits{BatchDelay: 50 * time.Millisecond}})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var sink memory
	sink.onBatch = func(pluginhost.Batch) { cancel() }
	start := time.Now()
	if _, err := host.Collect(ctx, "fake", request("hang"), &sink); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if d := time.Since(start); len(sink.batches) != 1 || d > 10*time.Second {
		t.Errorf("%d batches after %v: a lone record has to arrive without company", len(sink.batches), d)
	}
}

func TestRateIsHeldBack(t *testing.T) {
	host := newHost(t, pluginhost.Options{Dir: install(t, "fake"), Limits: pluginhost.Limits{RecordsPerSecond: 1000}})
	start := time.Now()
	if _, err := host.Collect(t.Context(), "fake", request("", `,"count":2500`), &memory{}); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d < 1400*time.Millisecond {
		t.Errorf("2,500 records at 1,000 a second, 1,000 of them at once, took %v", d)
	}
}

func TestProgressAndSignsOfLife(t *testing.T) {
	host := newHost(t, pluginhost.Options{Dir: install(t, "fake"), Limits: pluginhost.Limits{Idle: 600 * time.Millisecond}})
	var sink memory
	got, err := host.Collect(t.Context(), "fake", request("slow"), &sink)
	if err != nil {
		t.Fatalf("a connector that reports progress was taken for hung: %v", err)
	}
	want := connector.Progress{Message: "waiting with [redacted]", Done: 1, Total: 8}
	if len(sink.progress) == 0 || cmp.Diff(want, sink.progress[0]) != "" {
		t.Errorf("progress = %v, want %v first", sink.progress, want)
	}
	if got.Calls.Requests != 8 {
		t.Errorf("%d requests counted, want 8", got.Calls.Requests)
	}
}

func TestTwentyAtOnce(t *testing.T) {
	names := make([]string, 20)
	for i := range names {
		names[i] = fmt.Sprintf("fake-%02d", i)
	}
	host := newHost(t, pluginhost.Options{Dir: install(t, names...)})
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := map[string]int64{}
	for _, name := range names {
		wg.Go(func() {
			r, err := host.Collect(t.Context(), name, request("", `,"count":300`), &memory{})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			mu.Lock()
			defer mu.Unlock()
			got[r.Descriptor.Name] = r.Counts.Records["test.thing"]
		})
	}
	wg.Wait()
	if diff := cmp.Diff(names, slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("connectors (-want +got):\n%s", diff)
	}
	for name, n := range got {
		if n != 300 {
			t.Errorf("%s sent %d records, want 300", name, n)
		}
	}
}
