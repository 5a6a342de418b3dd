package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Tracing makes spans. A nil *Tracing takes every call and makes none.
type Tracing struct {
	tracer   trace.Tracer
	provider *sdktrace.TracerProvider
	mask     func(string) string
}

// TraceOptions say where spans go.
type TraceOptions struct {
	Endpoint string  // URL of a collector (OTLP over HTTP); empty: as the standard variables say
	Sample   float64 // share of traces that are kept; 0: as the standard variables say, else all
	Version  string
	Client   *http.Client        // how the collector is reached; nil: the library's
	Getenv   func(string) string // reads the standard variables (OTEL_…)
	Mask     func(string) string // takes secrets out of a text; nil: nothing is masked
	Logger   *slog.Logger
}

// traced reports whether anything names a collector.
func (o TraceOptions) traced() bool {
	switch {
	case o.Getenv("OTEL_SDK_DISABLED") == "true", o.Getenv("OTEL_TRACES_EXPORTER") == "none":
		return false
	}
	return o.Endpoint != "" || o.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || o.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// NewTracing returns what makes spans and sends them, or nil where nothing says
// where to. The collector need not be there yet.
func NewTracing(ctx context.Context, o TraceOptions) (*Tracing, error) {
	if !o.traced() {
		return nil, nil
	}
	var opts []otlptracehttp.Option
	if o.Endpoint != "" {
		opts = append(opts, otlptracehttp.WithEndpointURL(o.Endpoint))
	}
	if o.Client != nil {
		opts = append(opts, otlptracehttp.WithHTTPClient(o.Client))
	}
	exporter, err := otlptracehttp.New(ctx, opts...)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	res, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", "exhibit"), attribute.String("service.version", o.Version)),
		resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil {
		return nil, fmt.Errorf("traces: what OTEL_RESOURCE_ATTRIBUTES says: %w", err)
	}
	return newTracing(exporter, res, o), nil
}

func newTracing(exporter sdktrace.SpanExporter, res *resource.Resource, o TraceOptions) *Tracing {
	t := &Tracing{mask: o.Mask}
	if t.mask == nil {
		t.mask = func(s string) string { return s }
	}
	opts := []sdktrace.TracerProviderOption{
		sdktrace.WithBatcher(&quietExporter{SpanExporter: exporter, log: o.Logger, mask: t.mask, every: time.Minute}),
		sdktrace.WithResource(res),
		sdktrace.WithRawSpanLimits(sdktrace.SpanLimits{AttributeValueLengthLimit: 512, AttributeCountLimit: 32, EventCountLimit: 16,
			LinkCountLimit: 4, AttributePerEventCountLimit: 8, AttributePerLinkCountLimit: 4}),
	}
	if o.Sample > 0 {
		opts = append(opts, sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(o.Sample))))
	}
	t.provider = sdktrace.NewTracerProvider(opts...)
	t.tracer = t.provider.Tracer("github.com/exhibit-aims/exhibit")
	return t
}

// Close sends what is left. It waits no longer than ctx.
func (t *Tracing) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// Span is one piece of work under way. The zero Span takes every call.
type Span struct {
	span trace.Span
	mask func(string) string
}

// Attr is something said of a span. There is a function for each thing that
// may be said, and none for subjects, persons, addresses or payloads.
type Attr struct{ kv attribute.KeyValue }

// Source is the source that a span is about.
func Source(name string) Attr { return Attr{attribute.String("exhibit.source", name)} }

// Connector is the connector that a span is about.
func Connector(name string) Attr { return Attr{attribute.String("exhibit.connector", name)} }

// RunID is the run that a span belongs to.
func RunID(id string) Attr { return Attr{attribute.String("exhibit.run", id)} }

// Status is how the work ended, in the product's words.
func Status(s string) Attr { return Attr{attribute.String("exhibit.status", s)} }

// Channel is the channel that a message goes to.
func Channel(name string) Attr { return Attr{attribute.String("exhibit.channel", name)} }

// Count says how many of something there were.
func Count(of string, n int64) Attr { return Attr{attribute.Int64("exhibit.count."+of, n)} }

// Start begins a span below that of ctx. The spans of the agent are run,
// collect, append, assess and notify.
func (t *Tracing) Start(ctx context.Context, name string, attrs ...Attr) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	ctx, span := t.tracer.Start(ctx, name, trace.WithAttributes(t.attributes(attrs)...))
	return ctx, Span{span, t.mask}
}

func (t *Tracing) attributes(attrs []Attr) []attribute.KeyValue { return attributes(attrs, t.mask) }

func attributes(attrs []Attr, mask func(string) string) []attribute.KeyValue {
	out := make([]attribute.KeyValue, 0, len(attrs))
	for _, a := range attrs {
		if a.kv.Value.Type() == attribute.STRING {
			a.kv.Value = attribute.StringValue(mask(a.kv.Value.AsString()))
		}
		out = append(out, a.kv)
	}
	return out
}

// Set says more of the span.
func (s Span) Set(attrs ...Attr) {
	if s.span != nil {
		s.span.SetAttributes(attributes(attrs, s.mask)...)
	}
}

// End ends the span; with an error, as failed. The error's secrets are masked.
func (s Span) End(err error) {
	if s.span == nil {
		return
	}
	if err != nil {
		s.span.SetStatus(codes.Error, s.mask(err.Error()))
	}
	s.span.End()
}

// quietExporter says at most once in a while that spans cannot be sent, and in
// the log rather than past it.
type quietExporter struct {
	sdktrace.SpanExporter
	log   *slog.Logger
	mask  func(string) string
	every time.Duration
	said  atomic.Int64 // when, in nanoseconds
	lost  atomic.Int64 // spans since
}

// ExportSpans implements sdktrace.SpanExporter.
func (q *quietExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := q.SpanExporter.ExportSpans(ctx, spans)
	if err == nil {
		return nil
	}
	lost, now, said := q.lost.Add(int64(len(spans))), time.Now().UnixNano(), q.said.Load()
	if now-said < int64(q.every) || !q.said.CompareAndSwap(said, now) || q.log == nil || errors.Is(err, context.Canceled) {
		return nil
	}
	q.lost.Add(-lost)
	q.log.WarnContext(ctx, "traces could not be sent", "spans", lost, "error", q.mask(err.Error()))
	return nil
}
