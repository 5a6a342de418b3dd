package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/wire"
)

// scripted is a connector whose Collect is a function.
type scripted struct {
	collect func(context.Context, connector.Request, connector.Emitter) (connector.Coverage, error)
}

func (scripted) Describe() connector.Descriptor {
	return connector.Descriptor{Name: "scripted", Version: "1.0.0", Kinds: []connector.KindSpec{{Kind: "a.b", Major: 1}}}
}

func (scripted) Check(context.Context, connector.Config) (connector.CheckReport, error) {
	return connector.CheckReport{}, fmt.Errorf("401: %w", connector.ErrRefused)
}

func (s scripted) Collect(ctx context.Context, r connector.Request, e connector.Emitter) (connector.Coverage, error) {
	return s.collect(ctx, r, e)
}

// dial serves c over memory and returns a client.
func dial(t *testing.T, c connector.Connector) wire.ConnectorClient {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	server := newGRPCServer(nil)
	wire.RegisterConnectorServer(server, NewServer(c))
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	conn, err := grpc.NewClient("passthrough:memory", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
		server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return wire.NewConnectorClient(conn)
}

// stream runs Collect and returns every batch, with the arrival of each.
func stream(t *testing.T, c connector.Connector) ([]*wire.CollectBatch, error) {
	t.Helper()
	s, err := dial(t, c).Collect(t.Context(), &wire.CollectRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var all []*wire.CollectBatch
	for {
		m, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, m)
	}
}

func rec(i, size int) connector.Record {
	return connector.Record{
		Kind: "a.b", Key: fmt.Sprint(i), Subject: connector.Subject{Type: "t", ID: "x"},
		Payload: json.RawMessage(`{"a":"` + strings.Repeat("x", size) + `"}`),
	}
}

func keys(batches []*wire.CollectBatch) []string {
	var all []string
	for _, b := range batches {
		for _, item := range b.GetItems() {
			if r := item.GetRecord(); r != nil {
				all = append(all, r.GetKey())
			}
			if c := item.GetCursor(); c != nil {
				all = append(all, "cursor "+c.GetValue())
			}
		}
	}
	return all
}

func TestBatches(t *testing.T) {
	for name, tt := range map[string]struct{ count, size, batches int }{
		"by number":      {1000, 10, 5},
		"by size":        {64, 32 << 10, 10},
		"one is too big": {3, 512 << 10, 3},
	} {
		got, err := stream(t, scripted{func(_ context.Context, _ connector.Request, e connector.Emitter) (connector.Coverage, error) {
			for i := range tt.count {
				if err := errors.Join(e.Record(rec(i, tt.size)), e.Cursor("at", fmt.Sprint(i))); err != nil {
					return nil, err
				}
			}
			return connector.Coverage{"a.b": {Status: connector.Complete}}, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for i := range tt.count {
			want = append(want, fmt.Sprint(i), fmt.Sprint("cursor ", i))
		}
		if order := keys(got); strings.Join(order, ",") != strings.Join(want, ",") {
			t.Errorf("%s: order is %v", name, order)
		}
		if n := len(got); n < tt.batches || n > 2*tt.batches+2 {
			t.Errorf("%s: %d batches, want about %d", name, n, tt.batches)
		}
		done := got[len(got)-1].GetDone()
		if done.GetCounts().GetRecords()["a.b"] != int64(tt.count) || done.GetCoverage()["a.b"].GetStatus() != "complete" {
			t.Errorf("%s: done = %v", name, done)
		}
	}
}

// A lone record does not wait for others.
func TestBatchDelay(t *testing.T) {
	c := dial(t, scripted{func(ctx context.Context, _ connector.Request, e connector.Emitter) (connector.Coverage, error) {
		if err := e.Record(rec(1, 1)); err != nil {
			return nil, err
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	s, err := c.Collect(ctx, &wire.CollectRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := s.Recv(); err != nil || len(m.GetItems()) != 1 {
		t.Errorf("got %v, %v before the run went on; want the record", m, err)
	}
}

func TestManyGoroutinesEmit(t *testing.T) {
	got, err := stream(t, scripted{func(_ context.Context, _ connector.Request, e connector.Emitter) (connector.Coverage, error) {
		var wg sync.WaitGroup
		errs := make(chan error, 8)
		for g := range 8 {
			wg.Go(func() {
				var err error
				for i := range 500 {
					err = errors.Join(err, e.Record(rec(g*1000+i, 10)), e.Unchanged("g", 2))
					e.Progress(connector.Progress{Done: int64(i)})
					e.(connector.CallRecorder).Calls(connector.Calls{Requests: 1})
				}
				errs <- err
			})
		}
		wg.Wait()
		close(errs)
		var all error
		for err := range errs {
			all = errors.Join(all, err)
		}
		return connector.Coverage{"a.b": {}}, all
	}})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(keys(got)); n != 4000 {
		t.Errorf("%d records came, want 4,000", n)
	}
	done := got[len(got)-1].GetDone()
	c := done.GetCounts()
	if c.GetRecords()["a.b"] != 4000 || c.GetUnchangedGroups() != 4000 || c.GetUnchangedRecords() != 8000 || done.GetCalls().GetRequests() != 4000 {
		t.Errorf("done = %v", done)
	}
}

func TestEndings(t *testing.T) {
	one := func(then func(connector.Emitter) error) scripted {
		return scripted{func(_ context.Context, _ connector.Request, e connector.Emitter) (connector.Coverage, error) {
			if err := e.Record(rec(1, 1)); err != nil {
				return nil, err
			}
			return nil, then(e)
		}}
	}
	for name, tt := range map[string]struct {
		c    connector.Connector
		code codes.Code
		text string
	}{
		"error":       {one(func(connector.Emitter) error { return errors.New("no\x1bway") }), codes.Unknown, "noway"},
		"refused":     {one(func(connector.Emitter) error { return fmt.Errorf("x: %w", connector.ErrRefused) }), codes.PermissionDenied, "x: credential refused"},
		"unreachable": {one(func(connector.Emitter) error { return connector.ErrUnreachable }), codes.FailedPrecondition, "unreachable"},
		"panic":       {one(func(connector.Emitter) error { panic("oh") }), codes.Aborted, "panicked: oh"},
		"bad record, returned": {one(func(e connector.Emitter) error { return e.Record(connector.Record{Kind: "a.b", Key: "\xff"}) }),
			codes.InvalidArgument, "not valid UTF-8"},
		"bad record, swallowed": {one(func(e connector.Emitter) error {
			if e.Gap(connector.Gap{Scope: "s"}) == nil {
				return errors.New("accepted")
			}
			return nil
		}), codes.InvalidArgument, "names no kind"},
	} {
		got, err := stream(t, tt.c)
		st := status.Convert(err)
		if st.Code() != tt.code || !strings.Contains(st.Message(), tt.text) {
			t.Errorf("%s: ended with %v, want %v and %q", name, err, tt.code, tt.text)
		}
		if n := len(keys(got)); n != 1 {
			t.Errorf("%s: %d records came before the end, want 1", name, n)
		}
		for _, m := range got {
			if m.GetDone() != nil {
				t.Errorf("%s: the stream says that it was done", name)
			}
		}
	}
	if _, err := dial(t, scripted{}).Check(t.Context(), &wire.CheckRequest{}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("Check = %v, want PermissionDenied", err)
	}
}

// Once the host is gone every emit fails, so that Collect can end.
func TestEmitFailsWithoutHost(t *testing.T) {
	result := make(chan error, 1)
	c := dial(t, scripted{func(ctx context.Context, _ connector.Request, e connector.Emitter) (connector.Coverage, error) {
		var err error
		for i := 0; err == nil; i++ {
			err = e.Record(rec(i, 1000))
		}
		result <- err
		return nil, err
	}})
	ctx, cancel := context.WithCancel(t.Context())
	s, err := c.Collect(ctx, &wire.CollectRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Recv(); err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case err := <-result:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("emit returned %v, want the context's error", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("emit goes on without a host")
	}
}

func TestRefuse(t *testing.T) {
	var b bytes.Buffer
	refuse(&b, scripted{}.Describe())
	want := "exhibit-connector-scripted: error: this is a connector of Exhibit (version 1.0.0), not a program to run by hand\n" +
		"exhibit-connector-scripted: hint: put it beside the exhibit program, run `exhibit connectors lock`, " +
		"then `exhibit connectors describe scripted`\n"
	if b.String() != want {
		t.Errorf("refusal = %q, want %q", b.String(), want)
	}
}
