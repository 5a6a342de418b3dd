package transport_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/transport"
)

// limitAnswer is one way in which a source says "slow down".
type limitAnswer struct {
	name     string
	code     int
	headers  func(server time.Time) []string
	body     string
	min, max time.Duration // how long the client must wait before its second request
}

func headers(kv ...string) func(time.Time) []string {
	return func(time.Time) []string { return kv }
}

func unix(t time.Time) string { return fmt.Sprint(t.Unix()) }

var limitAnswers = []limitAnswer{
	{"primary limit: nothing remaining, reset", 403, func(s time.Time) []string {
		return []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", unix(s.Add(40 * time.Second))}
	}, `{"message":"API rate limit exceeded"}`, 40 * time.Second, 43 * time.Second},
	{"secondary limit: by its documentation", 403, headers(),
		`{"message":"You have exceeded a secondary rate limit","documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`,
		time.Minute, 62 * time.Second},
	{"secondary limit: Retry-After and another message", 403, headers("Retry-After", "20"), `{"message":"Forbidden"}`, 20 * time.Second, 23 * time.Second},
	{"secondary limit: gh-limited-by", 403, headers("gh-limited-by", "search-elapsed-time-shared-grouped"), `{"message":"Sorry"}`, time.Minute, 62 * time.Second},
	{"429 with seconds", 429, headers("Retry-After", "7"), ``, 7 * time.Second, 10 * time.Second},
	{"429 with a date", 429, func(s time.Time) []string {
		return []string{"Retry-After", s.Add(30 * time.Second).UTC().Format(http.TimeFormat)}
	}, ``, 30 * time.Second, 33 * time.Second},
	{"429 with nothing", 429, headers(), ``, time.Minute, 62 * time.Second},
	{"429 with rubbish", 429, headers("Retry-After", "soon"), ``, time.Minute, 62 * time.Second},
	{"429 with a date in the past", 429, headers("Retry-After", "Mon, 02 Jan 2006 15:04:05 GMT"), ``, 0, 3 * time.Second},
	{"429 with a negative number", 429, headers("Retry-After", "-5"), ``, 0, 3 * time.Second},
	{"403 with Google's reason", 403, headers(), `{"error":{"code":403,"message":"Quota","errors":[{"domain":"usageLimits","reason":"userRateLimitExceeded"}]}}`, time.Minute, 62 * time.Second},
	{"429 with a reset as Okta writes it", 429, func(s time.Time) []string {
		return []string{"X-Rate-Limit-Limit", "600", "X-Rate-Limit-Remaining", "0", "X-Rate-Limit-Reset", unix(s.Add(25 * time.Second))}
	}, ``, 25 * time.Second, 28 * time.Second},
	{"429 with an ISO reset", 429, func(s time.Time) []string {
		return []string{"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", s.Add(15 * time.Second).UTC().Format(time.RFC3339)}
	}, ``, 15 * time.Second, 18 * time.Second},
}

// Each answer is given by a server whose clock is right, an hour fast and an
// hour slow; the wait must be the same.
func TestRateLimitShapes(t *testing.T) {
	for _, tc := range limitAnswers {
		for _, skew := range []time.Duration{0, time.Hour, -time.Hour} {
			t.Run(fmt.Sprintf("%s, skew %v", tc.name, skew), func(t *testing.T) {
				clock := newFakeClock()
				server := clock.Now().Add(skew)
				s := newServer(t, failing(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Date", server.Format(http.TimeFormat))
					status(tc.code, tc.headers(server)...)(w, r)
					fmt.Fprint(w, tc.body)
				}))
				c := newClient(t, transport.Options{BaseURL: s.URL, Clock: clock})
				_, body, err := get(t.Context(), t, c, s.URL)
				if err != nil || body != "ok" {
					t.Fatalf("got %q, %v; want ok", body, err)
				}
				if got := clock.total(); got < tc.min || got > tc.max {
					t.Errorf("waited %v, want %v to %v", got, tc.min, tc.max)
				}
				want := connector.Calls{Requests: 2, Retries: 1, RateLimited: 1, Bytes: int64(len(tc.body) + 2)}
				if got := c.Calls(); got != want {
					t.Errorf("calls %+v, want %+v", got, want)
				}
			})
		}
	}
}

func TestRateLimitBeyondMaxWait(t *testing.T) {
	for _, tc := range []struct {
		name    string
		headers []string
		until   time.Duration
	}{
		{"Retry-After", []string{"Retry-After", "3600"}, time.Hour},
		{"absurd Retry-After", []string{"Retry-After", "99999999999999999999"}, 7 * 24 * time.Hour},
		{"Retry-After for ever", []string{"Retry-After", "1e308"}, 7 * 24 * time.Hour},
	} {
		t.Run(tc.name, func(t *testing.T) {
			clock := newFakeClock()
			now := clock.Now()
			s := newServer(t, status(429, append(tc.headers, "Date", now.Format(http.TimeFormat))...))
			c := newClient(t, transport.Options{BaseURL: s.URL, Clock: clock, MaxWait: time.Minute})
			_, _, err := get(t.Context(), t, c, s.URL)
			var limit *transport.RateLimitError
			if !errors.As(err, &limit) {
				t.Fatalf("error %v, want a RateLimitError", err)
			}
			if want := now.Add(tc.until); !limit.Until.Equal(want) || limit.Status != 429 {
				t.Errorf("until %v status %d, want %v and 429", limit.Until, limit.Status, want)
			}
			_, _, err = get(t.Context(), t, c, s.URL+"/other")
			if !errors.As(err, &limit) || limit.Status != 0 {
				t.Errorf("second request: %v, want to fail without being sent", err)
			}
			if got := c.Calls().Requests; got != 1 {
				t.Errorf("%d requests sent, want 1", got)
			}
			if clock.total() != 0 {
				t.Errorf("slept %v", clock.total())
			}
		})
	}
}

func TestRateLimitedForEver(t *testing.T) {
	clock := newFakeClock()
	s := newServer(t, status(429))
	c := newClient(t, transport.Options{BaseURL: s.URL, Clock: clock, MaxElapsed: time.Hour})
	_, _, err := get(t.Context(), t, c, s.URL)
	var limit *transport.RateLimitError
	if !errors.As(err, &limit) {
		t.Fatalf("error %v, want a RateLimitError", err)
	}
	if got := c.Calls(); got.Requests != 5 || got.RateLimited != 5 {
		t.Errorf("calls %+v, want 5 requests, all limited", got)
	}
}

// One limited request holds the others back too.
func TestGateHoldsOthers(t *testing.T) {
	clock := newFakeClock()
	s := newServer(t, failing(status(429, "Retry-After", "20", "Date", clock.Now().Format(http.TimeFormat))))
	c := newClient(t, transport.Options{BaseURL: s.URL, Clock: clock})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Do(req); err == nil {
		t.Fatal("a limited POST returned no error")
	}
	if _, body, err := get(t.Context(), t, c, s.URL); err != nil || body != "ok" {
		t.Fatalf("got %q, %v", body, err)
	}
	if got := clock.total(); got < 20*time.Second {
		t.Errorf("the second request waited %v, want 20 s at least", got)
	}
}
