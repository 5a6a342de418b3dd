package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// fakeClock jumps ahead instead of sleeping and notes for how long.
type fakeClock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func newFakeClock() *fakeClock { return &fakeClock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.slept = append(c.slept, d)
	return ctx.Err()
}

func (c *fakeClock) total() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	var sum time.Duration
	for _, d := range c.slept {
		sum += d
	}
	return sum
}

func newServer(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func newClient(t *testing.T, o transport.Options) *transport.Client {
	t.Helper()
	c, err := transport.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func get(ctx context.Context, t *testing.T, c *transport.Client, url string) (*http.Response, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, "", err
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b), nil
}

// failing answers with each step once and then "ok".
func failing(steps ...http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	n := 0
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		i := n
		n++
		mu.Unlock()
		if i < len(steps) {
			steps[i](w, r)
			return
		}
		fmt.Fprint(w, "ok")
	}
}

func status(code int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
	}
}

func hangUp(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		conn.Close()
	}
}

func TestRetry(t *testing.T) {
	for _, tc := range []struct {
		name   string
		method string
		replay bool
		steps  []http.HandlerFunc
		want   int // status; 0 for an error
		calls  connector.Calls
	}{
		{"network error", "GET", false, []http.HandlerFunc{hangUp, hangUp}, 200, connector.Calls{Requests: 3, Retries: 2, Bytes: 2}},
		{"502, 503, 504", "GET", false, []http.HandlerFunc{status(502), status(503), status(504)}, 200, connector.Calls{Requests: 4, Retries: 3, Bytes: 2}},
		{"gives up after five", "GET", false, []http.HandlerFunc{status(502), status(502), status(502), status(502), status(502)}, 502, connector.Calls{Requests: 5, Retries: 4}},
		{"500 is final", "GET", false, []http.HandlerFunc{status(500)}, 500, connector.Calls{Requests: 1}},
		{"404 is final", "GET", false, []http.HandlerFunc{status(404)}, 404, connector.Calls{Requests: 1}},
		{"plain 403 is final", "GET", false, []http.HandlerFunc{status(403)}, 403, connector.Calls{Requests: 1}},
		{"POST is sent once", "POST", false, []http.HandlerFunc{status(503)}, 503, connector.Calls{Requests: 1}},
		{"POST after a network error is not repeated", "POST", false, []http.HandlerFunc{hangUp}, 0, connector.Calls{Requests: 1}},
		{"replayable POST", "POST", true, []http.HandlerFunc{status(503)}, 200, connector.Calls{Requests: 2, Retries: 1, Bytes: 2}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newServer(t, failing(tc.steps...))
			c := newClient(t, transport.Options{BaseURL: s.URL, Clock: newFakeClock()})
			ctx := t.Context()
			if tc.replay {
				ctx = transport.Replayable(ctx)
			}
			req, err := http.NewRequestWithContext(ctx, tc.method, s.URL+"/x", strings.NewReader("body"))
			if tc.method == "GET" {
				req, err = http.NewRequestWithContext(ctx, tc.method, s.URL+"/x", nil)
			}
			if err != nil {
				t.Fatal(err)
			}
			got := 0
			if resp, err := c.Do(req); err == nil {
				got = resp.StatusCode
			}
			if got != tc.want {
				t.Errorf("status %d, want %d", got, tc.want)
			}
			if d := cmp.Diff(tc.calls, c.Calls()); d != "" {
				t.Errorf("calls (-want +got):\n%s", d)
			}
		})
	}
}

func TestReplaySendsTheSameBody(t *testing.T) {
	var bodies []string
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		bodies = append(bodies, string(b))
		if len(bodies) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	c := newClient(t, transport.Options{BaseURL: s.URL, Clock: newFakeClock()})
	req, err := http.NewRequestWithContext(transport.Replayable(t.Context()), http.MethodPost, s.URL, strings.NewReader(`{"q":1}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Do(req); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{`{"q":1}`, `{"q":1}`}, bodies); d != "" {
		t.Error(d)
	}
}

func TestBackoffGrowsAndIsBounded(t *testing.T) {
	s := newServer(t, status(502))
	clock := newFakeClock()
	c := newClient(t, transport.Options{BaseURL: s.URL, Clock: clock, Retry: transport.Retry{MaxAttempts: 12, BaseDelay: time.Second, MaxDelay: 8 * time.Second}})
	if _, _, err := get(t.Context(), t, c, s.URL); err != nil {
		t.Fatal(err)
	}
	if len(clock.slept) != 11 {
		t.Fatalf("%d waits, want 11", len(clock.slept))
	}
	for i, d := range clock.slept {
		if ceiling := min(time.Second<<i, 8*time.Second); d < 0 || d > ceiling {
			t.Errorf("wait %d is %v, want 0 to %v", i, d, ceiling)
		}
	}
}

func TestMaxElapsedEndsRetries(t *testing.T) {
	s := newServer(t, status(503, "Retry-After", "60"))
	clock := newFakeClock()
	c := newClient(t, transport.Options{BaseURL: s.URL, Clock: clock, MaxElapsed: 150 * time.Second, Retry: transport.Retry{MaxAttempts: 100}})
	resp, _, err := get(t.Context(), t, c, s.URL)
	if err != nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("got %v, %v; want the last 503", resp, err)
	}
	if got := c.Calls().Requests; got != 3 {
		t.Errorf("%d requests in 150 s with waits of 60 s, want 3", got)
	}
}

func TestCancelledWhileWaiting(t *testing.T) {
	s := newServer(t, status(429, "Retry-After", "30"))
	c := newClient(t, transport.Options{BaseURL: s.URL})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, _, err := get(ctx, t, c, s.URL)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want deadline exceeded", err)
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("returned after %v", d)
	}
}

func TestBudget(t *testing.T) {
	s := newServer(t, failing())
	clock := newFakeClock()
	c := newClient(t, transport.Options{BaseURL: s.URL, Clock: clock, RequestsPerSecond: 2, Burst: 3})
	for range 9 {
		if _, _, err := get(t.Context(), t, c, s.URL); err != nil {
			t.Fatal(err)
		}
	}
	if got := clock.total(); got < 2900*time.Millisecond || got > 3100*time.Millisecond {
		t.Errorf("9 requests at 2 a second after a burst of 3 took %v, want 3 s", got)
	}
}

func TestMaxInFlight(t *testing.T) {
	var mu sync.Mutex
	now, peak := 0, 0
	s := newServer(t, func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		now++
		peak = max(peak, now)
		mu.Unlock()
		time.Sleep(20 * time.Millisecond)
		mu.Lock()
		now--
		mu.Unlock()
	})
	c := newClient(t, transport.Options{BaseURL: s.URL, MaxInFlight: 2})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { _, _, _ = get(t.Context(), t, c, s.URL) })
	}
	wg.Wait()
	if peak != 2 || c.Calls().Requests != 8 {
		t.Errorf("at most %d at once of %d, want 2 of 8", peak, c.Calls().Requests)
	}
}

func TestAttemptTimeout(t *testing.T) {
	release := make(chan struct{})
	s := newServer(t, failing(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "half")
		w.(http.Flusher).Flush()
		select { // an answer that trickles for ever
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer close(release)
	c := newClient(t, transport.Options{BaseURL: s.URL, AttemptTimeout: 100 * time.Millisecond, Retry: transport.Retry{BaseDelay: time.Millisecond}})
	_, body, err := get(t.Context(), t, c, s.URL)
	if err != nil || body != "ok" {
		t.Errorf("got %q, %v; want ok from the second attempt", body, err)
	}
}

func TestNewRefuses(t *testing.T) {
	auth := func(*http.Request) {}
	for _, tc := range []struct{ name, url, secret string }{
		{"empty", "", ""},
		{"no scheme", "api.example.com", ""},
		{"other scheme", "ftp://api.example.com", ""},
		{"credentials in the URL", "https://me:hunter2@api.example.com", "hunter2"},
		{"unparsable with credentials", "https://me:hunter2@api.example.com:99999x/%zz", "hunter2"},
		{"credentials over plain http", "http://api.example.com", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := transport.New(transport.Options{BaseURL: tc.url, Authorize: auth})
			if err == nil {
				t.Fatal("accepted")
			}
			if tc.secret != "" && strings.Contains(err.Error(), tc.secret) {
				t.Errorf("error shows the password: %v", err)
			}
		})
	}
}
