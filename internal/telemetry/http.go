package telemetry

import (
	"context"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

type routeKey struct{}

// SetRoute names the route of the request that ctx belongs to, where the
// outermost multiplexer knows it only in part. It is a pattern, not a path.
func SetRoute(ctx context.Context, pattern string) {
	if route, ok := ctx.Value(routeKey{}).(*string); ok {
		*route = pattern
	}
}

// HTTP measures what next answers, by route. It stands outermost; the route is
// the pattern by which a ServeMux found the handler, or what SetRoute said.
func HTTP(m *Metrics, t *Tracing, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		var route string
		ctx, span := t.startRequest(context.WithValue(r.Context(), routeKey{}, &route), r)
		r = r.WithContext(ctx)
		rec := &recorder{ResponseWriter: w}
		defer func() {
			if route == "" {
				route = r.Pattern
			}
			route = patternPath(route)
			failed := recover()
			if failed != nil && rec.code == 0 {
				rec.code = http.StatusInternalServerError
			}
			m.served(route, r.Method, rec.status(), time.Since(began))
			endRequest(span, route, r.Method, rec.status())
			if failed != nil {
				panic(failed) // as if nobody had looked
			}
		}()
		next.ServeHTTP(rec, r)
	})
}

// patternPath takes method and host from a pattern of a ServeMux.
func patternPath(pattern string) string {
	if _, path, ok := strings.Cut(pattern, " "); ok {
		pattern = strings.TrimLeft(path, " \t")
	}
	if i := strings.IndexByte(pattern, '/'); i > 0 {
		pattern = pattern[i:]
	}
	return pattern
}

// startRequest begins the span of a request. A caller's trace is named as a
// link and not continued: who may ask is not who may fill our traces.
func (t *Tracing) startRequest(ctx context.Context, r *http.Request) (context.Context, trace.Span) {
	if t == nil {
		return ctx, nil
	}
	opts := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindServer), trace.WithNewRoot()}
	if from := trace.SpanContextFromContext(propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))); from.IsValid() {
		opts = append(opts, trace.WithLinks(trace.Link{SpanContext: from}))
	}
	return t.tracer.Start(ctx, "http", opts...)
}

func endRequest(span trace.Span, route, method string, code int) {
	if span == nil {
		return
	}
	method = oneOf(method, "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
	if route == "" {
		route = Other
	}
	span.SetName(method + " " + route)
	span.SetAttributes(attribute.String("http.request.method", method), attribute.String("http.route", route),
		attribute.Int("http.response.status_code", code))
	if code >= 500 {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	code int
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(code int) {
	if r.code == 0 && (code >= 200 || code == http.StatusSwitchingProtocols) {
		r.code = code
	}
	r.ResponseWriter.WriteHeader(code)
}

// Flush implements http.Flusher, for streams of events.
func (r *recorder) Flush() { _ = http.NewResponseController(r.ResponseWriter).Flush() }

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *recorder) status() int {
	if r.code == 0 {
		return http.StatusOK
	}
	return r.code
}
