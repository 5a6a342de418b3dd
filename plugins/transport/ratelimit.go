package transport

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// longestHold bounds how far ahead a source can close the gate.
const longestHold = 7 * 24 * time.Hour

// RateLimitError: the source wants us to wait longer than allowed, or again and
// again. Nothing was read; try after Until.
type RateLimitError struct {
	Host   string
	Status int       // of the answer; 0 when the request was not sent at all
	Until  time.Time // when the source may answer again; zero if it did not say
}

func (e *RateLimitError) Error() string {
	if e.Until.IsZero() {
		return fmt.Sprintf("%s limits our requests and does not say until when; read less often or lower the request budget", e.Host)
	}
	return fmt.Sprintf("%s limits our requests until %s; run again after that or lower the request budget",
		e.Host, e.Until.UTC().Format(time.RFC3339))
}

// limited reports whether an answer means "slow down" and, if it says so, for
// how long from now. Times the source gives are measured against its own Date
// header, so that a wrong clock on either side does no harm.
func limited(resp *http.Response, body []byte, now time.Time) (yes bool, wait time.Duration, known bool) {
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusForbidden {
		return false, 0, false
	}
	server := serverTime(resp, now)
	wait, known = retryAfter(resp.Header, server)
	exhausted := limitHeader(resp.Header, "Remaining") == "0"
	if !known && exhausted {
		wait, known = resetIn(resp.Header, server)
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		return true, wait, known
	}
	yes = exhausted || resp.Header.Get("Retry-After") != "" || resp.Header.Get("Gh-Limited-By") != "" || aboutLimits(body)
	return yes, wait, known
}

// serverTime returns the source's own idea of now.
func serverTime(resp *http.Response, now time.Time) time.Time {
	if d, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		return d
	}
	return now
}

// retryAfter reads Retry-After in seconds or as a date.
func retryAfter(h http.Header, server time.Time) (time.Duration, bool) {
	s := strings.TrimSpace(h.Get("Retry-After"))
	if s == "" {
		return 0, false
	}
	if t, err := http.ParseTime(s); err == nil {
		return clampHold(t.Sub(server)), true
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n != n {
		return 0, false
	}
	return clampSeconds(n), true
}

// limitHeader reads X-RateLimit-…, or X-Rate-Limit-… as Okta writes it.
func limitHeader(h http.Header, name string) string {
	return cmp.Or(h.Get("X-Ratelimit-"+name), h.Get("X-Rate-Limit-"+name))
}

// resetIn reads X-RateLimit-Reset: seconds since 1970, or a date as Jira gives
// it. Both it and the server's date are cut to seconds, so one is added.
func resetIn(h http.Header, server time.Time) (time.Duration, bool) {
	s := strings.TrimSpace(limitHeader(h, "Reset"))
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return clampHold(t.Sub(server) + time.Second), true
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 {
		return 0, false
	}
	return clampSeconds(float64(n) - float64(server.Unix()) + 1), true
}

func clampSeconds(n float64) time.Duration {
	if n > longestHold.Seconds() {
		return longestHold
	}
	return clampHold(time.Duration(n * float64(time.Second)))
}

func clampHold(d time.Duration) time.Duration { return max(0, min(d, longestHold)) }

// aboutLimits reports whether a refusal is one of limits: by the documentation
// that it links, the only mark of GitHub's secondary limit in some answers, or
// by the reason that Google gives.
func aboutLimits(body []byte) bool {
	var e struct {
		DocumentationURL string          `json:"documentation_url"`
		Error            json.RawMessage `json:"error"`
	}
	if len(body) > 64<<10 || json.Unmarshal(body, &e) != nil {
		return false
	}
	if googleLimit(e.Error) {
		return true
	}
	return strings.Contains(e.DocumentationURL, "rate-limit") || strings.Contains(e.DocumentationURL, "abuse-rate-limits")
}

// googleLimit reads Google's reasons, which come with 403 where others say 429.
func googleLimit(raw json.RawMessage) bool {
	var e struct {
		Errors []struct {
			Reason string `json:"reason"`
		} `json:"errors"`
	}
	if json.Unmarshal(raw, &e) != nil {
		return false
	}
	for _, one := range e.Errors {
		switch one.Reason {
		case "rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded":
			return true
		}
	}
	return false
}

// gate holds back every request of a client after one was told to wait.
type gate struct {
	mu    sync.Mutex
	until time.Time
}

func (g *gate) close(until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until.After(g.until) {
		g.until = until
	}
}

func (g *gate) opensAt() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.until
}
