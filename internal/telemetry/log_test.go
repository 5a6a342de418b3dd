package telemetry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/slogtest"

	"encoding/json"
)

type odd struct{ Token string }

type texty struct{}

func (texty) MarshalText() ([]byte, error) { return []byte("text s3cret"), nil }

// A secret is masked wherever it stands in a line, also in a logger that was
// made before the secret was known.
func TestLogMasksSecrets(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		var next slog.Handler = slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})
		if format == "json" {
			next = slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})
		}
		known := ""
		mask := func(s string) string {
			if known == "" {
				return s
			}
			return strings.ReplaceAll(s, known, "[redacted]")
		}
		log := slog.New(NewHandler(next, mask)).With("early", "s3cret", "why", errors.New("early s3cret")).WithGroup("g-s3cret").With("in", odd{"s3cret"})
		known = "s3cret"
		log.Info("message s3cret", "text", "a s3cret b", "error", fmt.Errorf("x: %w", errors.New("s3cret")), "value", odd{"s3cret"}, "pointer", &odd{"s3cret"},
			"map", map[string]any{"k": []string{"s3cret"}}, slog.Group("group", "k", "s3cret", "deep", slog.GroupValue(slog.String("s3cret", "v"))),
			"marshaler", texty{}, "bytes", []byte("s3cret"), "duration", 5, "nil", nil, "stringer", slog.StringValue("s3cret"))
		line := out.String()
		if strings.Contains(line, known) || strings.Count(line, "[redacted]") < 14 {
			t.Errorf("%s: %d masked in %s", format, strings.Count(line, "[redacted]"), line)
		}
		if !strings.Contains(line, "a [redacted] b") || !strings.Contains(line, "5") {
			t.Errorf("%s: more is gone than the secret: %s", format, line)
		}
	}
}

// It is a handler as log/slog wants one.
func TestLogHandler(t *testing.T) {
	var out bytes.Buffer
	h := NewHandler(slog.NewJSONHandler(&out, nil), func(s string) string { return s })
	err := slogtest.TestHandler(h, func() []map[string]any {
		var lines []map[string]any
		for line := range bytes.Lines(out.Bytes()) {
			var m map[string]any
			if err := json.Unmarshal(line, &m); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, m)
		}
		return lines
	})
	if err != nil {
		t.Error(err)
	}
}

func TestLogNamesTheTrace(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(NewHandler(slog.NewJSONHandler(&out, nil), func(s string) string { return s }))
	c := collector(t)
	tr := c.tracing(t, TraceOptions{})
	ctx, span := tr.Start(t.Context(), "run")
	log.WithGroup("g").InfoContext(ctx, "inside", "k", 1)
	span.End(nil)
	if err := tr.Close(context.WithoutCancel(ctx)); err != nil {
		t.Fatal(err)
	}
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%x", c.spans()[0].GetTraceId()); line["trace_id"] != got || len(got) != 32 {
		t.Errorf("the log says %v, the trace is %s", line["trace_id"], got)
	}
}
