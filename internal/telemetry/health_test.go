package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/exhibit-aims/exhibit/internal/ledger"
)

func TestReadiness(t *testing.T) {
	ok := PingCheck("jobs", func(context.Context) error { return nil })
	warn := StateCheck("configuration", func() (string, error) { return "", fmt.Errorf("line 3: %w", ErrDegraded) })
	bad := PingCheck("jobs", func(context.Context) error { return errors.New("connection refused for s3cret") })
	hang := Check{"store", func(context.Context) (string, error) { select {} }}
	panics := Check{"store", func(context.Context) (string, error) { panic("out of range") }}
	for _, c := range []struct {
		checks []Check
		state  string
		says   string
	}{
		{nil, StateOK, ""},
		{[]Check{ok}, StateOK, "reachable"},
		{[]Check{ok, warn}, StateDegraded, "line 3"},
		{[]Check{ok, warn, bad}, StateFailing, "connection refused for [redacted]"},
		{[]Check{bad, warn, ok}, StateFailing, "connection refused"},
		{[]Check{hang, ok}, StateFailing, "no answer within 50ms"},
		{[]Check{panics, ok}, StateFailing, "out of range"},
	} {
		h := Health{Version: "1", Checks: c.checks, Timeout: 50 * time.Millisecond, Clock: time.Now,
			Mask: func(s string) string { return strings.ReplaceAll(s, "s3cret", "[redacted]") }}
		r := h.Ask(t.Context())
		raw, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if r.State != c.state || r.Ready() != (c.state != StateFailing) || !strings.Contains(string(raw), c.says) || strings.Contains(string(raw), "s3cret") {
			t.Errorf("want %s and %q: %s", c.state, c.says, raw)
		}
		if raw, err := json.Marshal(r.Brief()); err != nil || c.says != "" && strings.Contains(string(raw), c.says) || len(r.Brief().Checks) != len(c.checks) {
			t.Errorf("brief: %s, %v", raw, err)
		}
	}
}

// A crowd of callers asks the store once.
func TestReadinessIsAskedOnce(t *testing.T) {
	var asked atomic.Int64
	now := time.Now()
	h := Health{Clock: func() time.Time { return now }, Checks: []Check{PingCheck("jobs", func(context.Context) error { asked.Add(1); return nil })}}
	for range 20 {
		h.Ask(t.Context())
	}
	if asked.Load() != 1 {
		t.Errorf("asked %d times", asked.Load())
	}
	now = now.Add(2 * time.Second)
	h.Ask(t.Context())
	if asked.Load() != 2 {
		t.Errorf("an old answer is given again")
	}
	now = now.Add(-time.Hour) // the clock was set back
	h.Ask(t.Context())
	if asked.Load() != 3 {
		t.Errorf("an answer from the future is given")
	}
}

// A check that hangs is begun once, however often one asks.
func TestReadinessThatHangs(t *testing.T) {
	var begun atomic.Int64
	more := make(chan struct{})
	h := Health{Clock: time.Now, Timeout: 10 * time.Millisecond, Keep: time.Nanosecond,
		Checks: []Check{StateCheck("store", func() (string, error) { begun.Add(1); <-more; return "there again", nil })}}
	for range 5 {
		if r := h.Ask(t.Context()); r.Ready() || !strings.Contains(r.Checks[0].Detail, "no answer") {
			t.Errorf("%+v", r)
		}
	}
	if begun.Load() != 1 {
		t.Errorf("begun %d times", begun.Load())
	}
	close(more)
	for deadline := time.Now().Add(10 * time.Second); !h.Ask(t.Context()).Ready(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not recover")
		}
	}
}

func TestStoreCheck(t *testing.T) {
	key, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	other, err := ledger.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := ledger.ParseVerifier(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	root := tlog.RecordHash([]byte("entry"))
	good, err := ledger.Checkpoint{Size: 1, Root: root}.Sign(key.Signer())
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := ledger.Checkpoint{Size: 1, Root: root}.Sign(other.Signer())
	if err != nil {
		t.Fatal(err)
	}
	empty := errors.New("no store")
	for name, c := range map[string]struct {
		msg  []byte
		err  error
		want string
		ok   bool
	}{
		"good":    {good, nil, "size 1 verifies", true},
		"foreign": {foreign, nil, "does not verify", false},
		"changed": {[]byte(strings.Replace(string(good), "\n1\n", "\n2\n", 1)), nil, "does not verify", false},
		"empty":   {nil, empty, "no entry yet", true},
		"gone":    {nil, errors.New("disk I/O error"), "disk I/O error", false},
	} {
		detail, err := StoreCheck(func(context.Context) ([]byte, error) { return c.msg, c.err }, empty, verifier).Run(t.Context())
		if (err == nil) != c.ok || !strings.Contains(fmt.Sprint(detail, err), c.want) {
			t.Errorf("%s: %q, %v", name, detail, err)
		}
	}
}

func TestTickCheck(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		last, now time.Duration
		ok        bool
	}{{0, 5 * time.Second, true}, {0, 20 * time.Second, false}, {time.Hour, time.Hour + 10*time.Second, true}, {time.Hour, time.Hour + 10001*time.Millisecond, false}} {
		last := func() time.Time {
			if c.last == 0 {
				return time.Time{}
			}
			return start.Add(c.last)
		}
		detail, err := TickCheck(last, start, 10*time.Second, func() time.Time { return start.Add(c.now) }).Run(t.Context())
		if (err == nil) != c.ok {
			t.Errorf("%v: %q, %v", c, detail, err)
		}
	}
}
