package telemetry

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// receiver takes spans as a collector does: OTLP over HTTP, in protobuf.
type receiver struct {
	server *httptest.Server
	mu     sync.Mutex
	got    []*collectorpb.ExportTraceServiceRequest
	path   string
	status int
}

func collector(t *testing.T) *receiver {
	c := &receiver{status: http.StatusOK}
	c.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.path = r.URL.Path
		var body io.Reader = r.Body
		if r.Header.Get("Content-Encoding") == "gzip" {
			zr, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Error(err)
				return
			}
			body = zr
		}
		raw, err := io.ReadAll(body)
		var req collectorpb.ExportTraceServiceRequest
		if err := errors.Join(err, proto.Unmarshal(raw, &req)); err != nil {
			t.Error(err)
		}
		if c.status == http.StatusOK {
			c.got = append(c.got, &req)
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
		w.WriteHeader(c.status)
	}))
	t.Cleanup(c.server.Close)
	return c
}

func (c *receiver) tracing(t *testing.T, o TraceOptions) *Tracing {
	t.Helper()
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	o.Endpoint, o.Version = c.server.URL+"/v1/traces", "1.2.3"
	tr, err := NewTracing(t.Context(), o)
	if err != nil || tr == nil {
		t.Fatalf("%v, %v", tr, err)
	}
	return tr
}

func (c *receiver) spans() []*tracepb.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []*tracepb.Span
	for _, r := range c.got {
		for _, rs := range r.GetResourceSpans() {
			for _, ss := range rs.GetScopeSpans() {
				out = append(out, ss.GetSpans()...)
			}
		}
	}
	return out
}

func TestTraces(t *testing.T) {
	c := collector(t)
	tr := c.tracing(t, TraceOptions{Mask: func(s string) string { return strings.ReplaceAll(s, "s3cret", "[redacted]") }})
	ctx, run := tr.Start(t.Context(), "run", Source("code"), RunID("01"))
	_, collect := tr.Start(ctx, "collect", Connector("github"))
	collect.Set(Status("failed"), Count("records", 7))
	collect.End(errors.New("401 for token s3cret"))
	run.End(nil)
	if err := tr.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	spans := c.spans()
	if len(spans) != 2 || c.path != "/v1/traces" {
		t.Fatalf("%d spans at %s", len(spans), c.path)
	}
	inner, outer := spans[0], spans[1]
	if inner.GetName() != "collect" || outer.GetName() != "run" || !bytes.Equal(inner.GetParentSpanId(), outer.GetSpanId()) || !bytes.Equal(inner.GetTraceId(), outer.GetTraceId()) {
		t.Errorf("spans are not nested: %v", spans)
	}
	if s := inner.GetStatus(); s.GetCode() != tracepb.Status_STATUS_CODE_ERROR || s.GetMessage() != "401 for token [redacted]" {
		t.Errorf("status %v", s)
	}
	said := fmt.Sprint(c.got[0])
	for _, want := range []string{`exhibit.source`, `exhibit.count.records`, `service.version`, `1.2.3`} {
		if !strings.Contains(said, want) {
			t.Errorf("no %s in %s", want, said)
		}
	}
}

// A request is a span named by its route; neither path nor query is in it, and
// a stranger's trace is a link.
func TestTracesOfRequests(t *testing.T) {
	c := collector(t)
	tr := c.tracing(t, TraceOptions{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /controls/{id}", func(w http.ResponseWriter, r *http.Request) {
		_, span := tr.Start(r.Context(), "assess")
		span.End(nil)
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/controls/jane?token=s3cret", nil)
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	HTTP(nil, tr, mux).ServeHTTP(httptest.NewRecorder(), r)
	if err := tr.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	spans := c.spans()
	if len(spans) != 2 {
		t.Fatalf("%d spans", len(spans))
	}
	request := spans[1]
	if request.GetName() != "GET /controls/{id}" || len(request.GetParentSpanId()) != 0 || len(request.GetLinks()) != 1 ||
		request.GetStatus().GetCode() != tracepb.Status_STATUS_CODE_ERROR || !bytes.Equal(spans[0].GetParentSpanId(), request.GetSpanId()) {
		t.Errorf("%v", spans)
	}
	if said := fmt.Sprint(spans); strings.Contains(said, "jane") || strings.Contains(said, "s3cret") {
		t.Errorf("an address is in %s", said)
	}
}

// Traces are off unless something names a collector; the standard variables do.
func TestTracesAreOffByDefault(t *testing.T) {
	for _, c := range []struct {
		endpoint string
		env      map[string]string
		want     bool
	}{
		{"", nil, false},
		{"http://127.0.0.1:1", nil, true},
		{"", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, true},
		{"", map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1"}, true},
		{"http://127.0.0.1:1", map[string]string{"OTEL_SDK_DISABLED": "true"}, false},
		{"http://127.0.0.1:1", map[string]string{"OTEL_TRACES_EXPORTER": "none"}, false},
	} {
		tr, err := NewTracing(t.Context(), TraceOptions{Endpoint: c.endpoint, Getenv: func(k string) string { return c.env[k] }})
		if err != nil || (tr != nil) != c.want {
			t.Errorf("%+v: %v, %v", c, tr, err)
		}
		if err := tr.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestTracesSampled(t *testing.T) {
	c := collector(t)
	tr := c.tracing(t, TraceOptions{Sample: 0.1})
	for range 1000 {
		_, span := tr.Start(t.Context(), "run")
		span.End(nil)
	}
	if err := tr.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(c.spans()); n < 50 || n > 170 {
		t.Errorf("%d of 1000 spans at a share of 0.1", n)
	}
}

// A collector that refuses is a warning, once in a while, and no error.
func TestTracesRefused(t *testing.T) {
	c := collector(t)
	c.status = http.StatusForbidden
	var out bytes.Buffer
	tr := c.tracing(t, TraceOptions{Logger: slog.New(slog.NewTextHandler(&out, nil))})
	for range 3 {
		_, span := tr.Start(t.Context(), "run")
		span.End(nil)
		if err := tr.provider.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	if err := tr.Close(t.Context()); err != nil || time.Since(began) > 10*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	if n := strings.Count(out.String(), "traces could not be sent"); n != 1 || !strings.Contains(out.String(), "spans=1") {
		t.Errorf("%d warnings: %s", n, out.String())
	}
}
