package telemetry

import (
	"context"
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"

	"go.opentelemetry.io/otel/trace"
)

// Handler is a slog.Handler that masks secrets wherever they stand in a line,
// and names the trace that a line belongs to.
type Handler struct {
	next slog.Handler
	mask func(string) string
	with []with // applied when a line is written: a secret may be learnt of after a logger was made
}

// with is one call of WithGroup, or of WithAttrs.
type with struct {
	group string
	attrs []slog.Attr
}

var _ slog.Handler = (*Handler)(nil)

// NewHandler returns a handler before next. mask takes secrets out of a text;
// it may learn of new ones at any time.
func NewHandler(next slog.Handler, mask func(string) string) *Handler {
	return &Handler{next: next, mask: mask}
}

// Enabled implements slog.Handler.
func (h *Handler) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

// Handle implements slog.Handler.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	next := h.next
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		next = next.WithAttrs([]slog.Attr{slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String())})
	}
	for _, w := range h.with {
		if w.group != "" {
			next = next.WithGroup(h.mask(w.group))
		} else {
			next = next.WithAttrs(h.attrs(w.attrs))
		}
	}
	out := slog.NewRecord(r.Time, r.Level, h.mask(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		out.AddAttrs(h.attr(a))
		return true
	})
	return next.Handle(ctx, out)
}

// WithAttrs implements slog.Handler.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	return h.and(with{attrs: slices.Clone(attrs)})
}

// WithGroup implements slog.Handler.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.and(with{group: name})
}

func (h *Handler) and(w with) *Handler {
	return &Handler{h.next, h.mask, append(slices.Clip(h.with), w)}
}

func (h *Handler) attrs(attrs []slog.Attr) []slog.Attr {
	out := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		out[i] = h.attr(a)
	}
	return out
}

func (h *Handler) attr(a slog.Attr) slog.Attr {
	return slog.Attr{Key: h.mask(a.Key), Value: h.value(a.Value)}
}

func (h *Handler) value(v slog.Value) slog.Value {
	v = v.Resolve()
	switch v.Kind() {
	case slog.KindString:
		return slog.StringValue(h.mask(v.String()))
	case slog.KindGroup:
		return slog.GroupValue(h.attrs(v.Group())...)
	case slog.KindAny:
		return h.any(v.Any())
	}
	return v
}

// any masks a value that the next handler would print in a way of its own: as
// text if it has one, as JSON, or as Go prints it.
func (h *Handler) any(v any) slog.Value {
	switch x := v.(type) {
	case nil:
		return slog.AnyValue(nil)
	case error:
		return slog.StringValue(h.mask(x.Error()))
	case encoding.TextMarshaler:
		if text, err := x.MarshalText(); err == nil {
			return slog.StringValue(h.mask(string(text)))
		}
	case fmt.Stringer:
		return slog.StringValue(h.mask(x.String()))
	case []byte:
		return slog.StringValue(h.mask(string(x)))
	}
	printed := fmt.Sprintf("%+v", v)
	if masked := h.mask(printed); masked != printed {
		return slog.StringValue(masked)
	}
	// A pointer prints as an address, and JSON looks behind it.
	if raw, err := json.Marshal(v); err == nil {
		if masked := h.mask(string(raw)); masked != string(raw) {
			return slog.StringValue(masked)
		}
	}
	return slog.AnyValue(v)
}
