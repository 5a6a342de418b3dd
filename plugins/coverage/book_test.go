package coverage_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/coverage"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

func descriptor() connector.Descriptor {
	return connector.Descriptor{Name: "t", Kinds: []connector.KindSpec{{Kind: "a.a"}, {Kind: "a.b"}, {Kind: "a.c"}, {Kind: "a.d"}}}
}

func TestClaims(t *testing.T) {
	rec := connectortest.NewRecorder()
	b := coverage.New(descriptor(), connector.Request{Kinds: []string{"a.a", "a.b", "a.c"}}, rec)
	b.Enumerated("a.a", "a.b", "a.c")
	b.Query("GET /a", "a.a")
	b.Query("GET /b", "a.a")
	b.Since(time.Unix(10, 0), "a.a")
	b.Since(time.Unix(5, 0), "a.a")
	b.Count("a.a", 3)
	b.Count("a.a", 4)
	part := func(kind string, err error) {
		t.Helper()
		if err := b.Part(t.Context(), coverage.Part{Kinds: []string{kind, "a.d"}, Scope: "x", Permission: "p"}, func() error { return err }); err != nil {
			t.Fatal(err)
		}
	}
	part("a.a", nil)
	part("a.b", nil)
	part("a.b", &transport.RateLimitError{})
	part("a.c", errors.New("gone"))
	want := connector.Coverage{
		"a.a": {Status: connector.Complete, Enumerated: true, Query: "GET /a; GET /b", Since: time.Unix(10, 0), IndependentCount: 7},
		"a.b": {Status: connector.Partial, IndependentCount: -1},
		"a.c": {Status: connector.Refused, IndependentCount: -1},
	}
	if d := cmp.Diff(want, b.Result()); d != "" {
		t.Error(d)
	}
	var reasons []connector.Reason
	for _, g := range rec.Gaps() {
		reasons = append(reasons, g.Reason)
		if len(g.Kinds) != 1 {
			t.Errorf("gap of kinds that were not asked for: %v", g.Kinds)
		}
	}
	if d := cmp.Diff([]connector.Reason{connector.RateLimited, connector.Unavailable}, reasons); d != "" {
		t.Error(d)
	}
}

// Nobody looked: not complete.
func TestNotRead(t *testing.T) {
	b := coverage.New(descriptor(), connector.Request{}, connectortest.NewRecorder())
	b.Enumerated("a.a")
	if c := b.Result()["a.a"]; c.Status != connector.NotRead || c.Enumerated {
		t.Errorf("%+v", c)
	}
}

func TestRecordsNoHostTakes(t *testing.T) {
	for name, r := range map[string]connector.Record{
		"empty key":  {Subject: connector.Subject{Type: "x", ID: "x"}},
		"control":    {Key: "a\nb", Subject: connector.Subject{Type: "x", ID: "x"}},
		"long":       {Key: strings.Repeat("k", 2000), Subject: connector.Subject{Type: "x", ID: "x"}},
		"no subject": {Key: "k", Subject: connector.Subject{Type: "x"}},
		"tomorrow":   {Key: "k", Subject: connector.Subject{Type: "x", ID: "x"}, EventTime: time.Now().Add(time.Hour)},
	} {
		rec := connectortest.NewRecorder()
		b := coverage.New(descriptor(), connector.Request{}, rec)
		r.Kind = "a.a"
		if err := b.Record(r, map[string]any{}); err != nil {
			t.Fatal(err)
		}
		if len(rec.Records()) != 0 || len(rec.Gaps()) != 1 || rec.Gaps()[0].Reason != connector.Malformed {
			t.Errorf("%s: records %v, gaps %v", name, rec.Records(), rec.Gaps())
		}
	}
}

func TestWhatEndsARun(t *testing.T) {
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	for name, c := range map[string]struct {
		ctx       context.Context
		err, want error
	}{
		"emitter":     {t.Context(), fmt.Errorf("x: %w", &coverage.EmitError{Err: stop}), stop},
		"context":     {ctx, errors.New("anything"), stop},
		"credential":  {t.Context(), fmt.Errorf("x: %w", connector.ErrRefused), connector.ErrRefused},
		"unreachable": {t.Context(), fmt.Errorf("x: %w", connector.ErrUnreachable), connector.ErrUnreachable},
		"a part":      {t.Context(), errors.New("anything"), nil},
	} {
		if got := coverage.Fatal(c.ctx, c.err); !errors.Is(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// What is asked for one kind is not said of another.
func TestQueries(t *testing.T) {
	b := coverage.New(descriptor(), connector.Request{}, connectortest.NewRecorder())
	b.Query("GET /a", "a.a")
	b.Query("GET /both", "a.a", "a.b", "a.b")
	for kind, want := range map[string]string{"a.a": "GET /a; GET /both", "a.b": "GET /both"} {
		if got := b.Result()[kind].Query; got != want {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
}

// A payload that a host refuses would end the run.
func TestPayloadsNoHostTakes(t *testing.T) {
	for name, payload := range map[string]string{
		"deep":  `{"a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`,
		"large": `{"a":1e300}`,
		"whole": `{"a":9007199254740995}`,
	} {
		rec := connectortest.NewRecorder()
		b := coverage.New(descriptor(), connector.Request{}, rec)
		if err := b.Record(connector.Record{Kind: "a.a", Key: "k", Subject: connector.Subject{Type: "x", ID: "x"}}, json.RawMessage(payload)); err != nil {
			t.Fatal(err)
		}
		if len(rec.Records()) != 0 || len(rec.Gaps()) != 1 {
			t.Errorf("%s: %d records, gaps %v", name, len(rec.Records()), rec.Gaps())
		}
	}
}

// More gaps than a host takes are told as one for each kind.
func TestManyGaps(t *testing.T) {
	rec := connectortest.NewRecorder()
	b := coverage.New(descriptor(), connector.Request{}, rec)
	for i := range 12_000 {
		if err := b.Gap(connector.Gap{Kinds: []string{[]string{"a.a", "a.b"}[i%2]}, Scope: fmt.Sprint(i), Reason: connector.Denied}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(rec.Gaps()); n != 5002 {
		t.Errorf("%d gaps", n)
	}
	if b.Result()["a.b"].Status != connector.Refused {
		t.Error("gaps that were not told do not count")
	}
}

// Memory outgrows one cursor, and says so when it outgrows all.
func TestTable(t *testing.T) {
	rec := connectortest.NewRecorder()
	b := coverage.New(descriptor(), connector.Request{}, rec)
	one := coverage.OpenTable[string](b, "t")
	for i := range 5000 {
		one.Set(fmt.Sprint("name ", i), strings.Repeat("v", 100))
	}
	if err := one.Save(); err != nil {
		t.Fatal(err)
	}
	cursors := rec.Cursors()
	again := coverage.OpenTable[string](coverage.New(descriptor(), connector.Request{Cursors: cursors}, rec), "t")
	if v, ok := again.Get("name 4999"); !ok || len(v) != 100 || len(again.Names()) != 5000 {
		t.Errorf("%q, %v, %d names", v, ok, len(again.Names()))
	}
	for i := range 50_000 {
		again.Set(fmt.Sprint("more ", i), strings.Repeat("v", 100))
	}
	if err := again.Save(); err == nil || coverage.ReasonOf(err) != connector.Truncated {
		t.Errorf("more than can be kept: %v", err)
	}
}

// A part that breaks off after its first records was seen in part.
func TestBrokenOff(t *testing.T) {
	b := coverage.New(descriptor(), connector.Request{}, connectortest.NewRecorder())
	err := b.Part(t.Context(), coverage.Part{Kinds: []string{"a.a"}, Scope: "x"}, func() error {
		if err := b.Record(connector.Record{Kind: "a.a", Key: "k", Subject: connector.Subject{Type: "x", ID: "x"}}, map[string]any{}); err != nil {
			return err
		}
		return errors.New("broken")
	})
	if got := b.Result()["a.a"].Status; err != nil || got != connector.Partial {
		t.Errorf("%q, %v", got, err)
	}
}
