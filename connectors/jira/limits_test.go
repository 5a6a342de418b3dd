package jira

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/connectortest"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// waiting is a clock that does not wait, and notes how long it was asked to.
type waiting struct {
	mu    sync.Mutex
	slept time.Duration
}

func (c *waiting) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.slept)
}

func (c *waiting) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slept += d
	return ctx.Err()
}

// noWaits makes a connector that does not wait.
func noWaits(c *waiting) func(*transport.Options) {
	if c == nil {
		c = &waiting{}
	}
	return func(o *transport.Options) { o.Clock, o.RequestsPerSecond = c, 0 }
}

// once answers the first time, and as usual after that.
func (f *fakeJira) once(answer http.HandlerFunc) http.HandlerFunc {
	n := 0
	return func(w http.ResponseWriter, r *http.Request) {
		if n++; n == 1 {
			answer(w, r)
			return
		}
		f.search(w, r)
	}
}

// Every way in which Jira says "slow down" is a wait, for as long as it says.
func TestLimits(t *testing.T) {
	in := func(d time.Duration, layout string) string { return time.Now().Add(d).UTC().Format(layout) }
	for name, tt := range map[string]struct {
		status   int
		headers  []string
		from, to time.Duration
	}{
		"seconds":           {429, []string{"Retry-After", "40"}, 40 * time.Second, 50 * time.Second},
		"a date":            {429, []string{"Retry-After", in(50*time.Second, http.TimeFormat)}, 45 * time.Second, 60 * time.Second},
		"a reset":           {429, []string{"X-RateLimit-Reset", in(50*time.Second, time.RFC3339), "X-RateLimit-Remaining", "0"}, 45 * time.Second, 60 * time.Second},
		"a reset alone":     {429, []string{"X-RateLimit-Reset", in(90*time.Second, time.RFC3339), "RateLimit-Reason", "jira-quota-tenant-based"}, 85 * time.Second, 100 * time.Second},
		"a reset, a minute": {429, []string{"X-RateLimit-Reset", in(110*time.Second, "2006-01-02T15:04Z")}, 45 * time.Second, 115 * time.Second},
		"a past reset":      {429, []string{"X-RateLimit-Reset", "2020-01-01T00:00:00Z"}, 0, 10 * time.Second},
		"no word":           {429, nil, time.Minute, 70 * time.Second},
		"nonsense":          {429, []string{"Retry-After", "soon"}, time.Minute, 70 * time.Second},
		"busy":              {503, []string{"Retry-After", "30"}, 30 * time.Second, 40 * time.Second},
		"busy, no word":     {503, nil, 0, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeJira(t)
			f.add(1, "Task", nil)
			f.routes[searchRoute] = f.once(status(tt.status, tt.headers...))
			clock := &waiting{}
			rec, cov, err := connectortest.Collect(t, &Connector{tune: noWaits(clock)}, connector.Request{Config: config0(t, f.settings(nil))}, nil)
			if err != nil || len(rec.Gaps()) != 0 || len(rec.Records(KindIssue)) != 1 || cov[KindIssue].Status != connector.Complete {
				t.Errorf("gaps %+v, error %v", rec.Gaps(), err)
			}
			if clock.slept < tt.from || clock.slept > tt.to {
				t.Errorf("waited %s, want %s to %s", clock.slept, tt.from, tt.to)
			}
		})
	}
}

// A limit that lasts is a gap for every project that it keeps from us, with
// Jira's own word for it.
func TestLimitsThatLast(t *testing.T) {
	for name, headers := range map[string][]string{
		"for a day": {"Retry-After", "86400", "RateLimit-Reason", "jira-burst-based"},
		"till then": {"X-RateLimit-Reset", time.Now().Add(20 * time.Hour).UTC().Format(time.RFC3339), "RateLimit-Reason", "jira-burst-based"},
		"again":     {"Retry-After", "60", "RateLimit-Reason", "jira-burst-based"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeJira(t)
			f.routes[searchRoute] = status(429, headers...)
			s := f.settings(map[string]any{"projects": []any{map[string]any{"key": "INC"}, map[string]any{"key": "OPS"}}})
			rec, cov, err := connectortest.Collect(t, &Connector{tune: noWaits(nil)}, connector.Request{Config: config0(t, s)}, nil)
			if err != nil || len(rec.Gaps()) != 2 || cov[KindIssue].Status != connector.Refused || len(rec.Cursors()) != 0 {
				t.Fatalf("gaps %+v, coverage %+v, error %v", rec.Gaps(), cov[KindIssue], err)
			}
			for _, g := range rec.Gaps() {
				if g.Reason != connector.RateLimited || !strings.Contains(g.Detail, "jira-burst-based") {
					t.Errorf("gap %+v", g)
				}
			}
		})
	}
}

// An answer that never comes, or breaks off, is asked for again, then a gap.
func TestSlowAndTornAnswers(t *testing.T) {
	slow := func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(5 * time.Second):
		}
	}
	torn := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "500")
		_, _ = w.Write([]byte(`{"issues":[`))
	}
	for name, answer := range map[string]http.HandlerFunc{"slow": slow, "torn": torn} {
		t.Run(name, func(t *testing.T) {
			f := newFakeJira(t)
			f.add(1, "Task", nil)
			tune := func(o *transport.Options) {
				noWaits(nil)(o)
				o.AttemptTimeout, o.Retry.MaxAttempts = 100*time.Millisecond, 2
			}
			f.routes[searchRoute] = f.once(answer)
			rec, _, err := connectortest.Collect(t, &Connector{tune: tune}, connector.Request{Config: config0(t, f.settings(nil))}, nil)
			if err != nil || len(rec.Gaps()) != 0 || len(rec.Records(KindIssue)) != 1 || rec.Counted().Retries != 1 {
				t.Errorf("once: gaps %+v, calls %+v, error %v", rec.Gaps(), rec.Counted(), err)
			}
			f.routes[searchRoute] = answer
			rec, cov, err := connectortest.Collect(t, &Connector{tune: tune}, connector.Request{Config: config0(t, f.settings(nil))}, nil)
			if err != nil || len(rec.Gaps()) != 1 || rec.Gaps()[0].Reason != connector.Unavailable || cov[KindIssue].Status != connector.Refused {
				t.Errorf("for ever: gaps %+v, error %v", rec.Gaps(), err)
			}
		})
	}
}
