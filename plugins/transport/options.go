package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// Defaults of Options and Retry.
const (
	DefaultMaxResponseBytes = 16 << 20
	DefaultMaxWait          = 2 * time.Minute
	DefaultMaxElapsed       = 5 * time.Minute
	DefaultAttemptTimeout   = time.Minute
	DefaultMaxInFlight      = 8
	maxHeaderBytes          = 1 << 20
)

// Options is how a Client behaves. Only BaseURL is required.
type Options struct {
	// BaseURL is the API's root. Its scheme, host and port are the only place
	// that credentials are sent to. With Authorize it must be https, unless the
	// host is the loopback or AllowPlainHTTP is set.
	BaseURL string
	// Authorize sets the credentials on a request to the API. It is called for
	// every attempt and must be safe for concurrent use.
	Authorize func(*http.Request)
	UserAgent string
	// RequestsPerSecond is the budget of the whole client, with bursts of up to
	// Burst requests (at least 1). Zero means no limit.
	RequestsPerSecond float64
	Burst             int
	MaxInFlight       int // requests at the same time; 0 means DefaultMaxInFlight
	Retry             Retry
	// MaxWait is the longest wait for a rate limit; 0 means DefaultMaxWait.
	MaxWait time.Duration
	// MaxElapsed bounds one request with its retries; 0 means DefaultMaxElapsed.
	MaxElapsed time.Duration
	// AttemptTimeout bounds one attempt, body included; 0 means DefaultAttemptTimeout.
	AttemptTimeout time.Duration
	// MaxResponseBytes bounds a decompressed body; 0 means DefaultMaxResponseBytes.
	MaxResponseBytes int64
	// Validators are those that the host handed back, by key.
	Validators map[string]connector.Validator
	// Counted is told what each attempt cost. It must be safe for concurrent use.
	Counted func(connector.Calls)
	// Base sends the requests; nil means a transport with the proxy settings of
	// the environment.
	Base           http.RoundTripper
	Clock          Clock // nil means the system's
	AllowPlainHTTP bool
}

// Retry is how failures that may pass are met. Waits grow from BaseDelay,
// doubling up to MaxDelay, each drawn evenly between zero and that (full
// jitter). Zero fields mean 5 attempts, 500 ms, 30 s and 1 minute.
type Retry struct {
	MaxAttempts int
	BaseDelay   time.Duration
	MaxDelay    time.Duration
	// LimitDelay is the wait after a rate limit that says nothing about when.
	LimitDelay time.Duration
}

// Clock is the time as a Client sees it.
type Clock interface {
	Now() time.Time
	// Sleep blocks for d or until ctx is done, and then returns its error.
	Sleep(ctx context.Context, d time.Duration) error
}

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (o *Options) setDefaults() {
	setDefault(&o.MaxInFlight, DefaultMaxInFlight)
	setDefault(&o.MaxWait, DefaultMaxWait)
	setDefault(&o.MaxElapsed, DefaultMaxElapsed)
	setDefault(&o.AttemptTimeout, DefaultAttemptTimeout)
	setDefault(&o.MaxResponseBytes, DefaultMaxResponseBytes)
	setDefault(&o.Burst, 1)
	setDefault(&o.Retry.MaxAttempts, 5)
	setDefault(&o.Retry.BaseDelay, 500*time.Millisecond)
	setDefault(&o.Retry.MaxDelay, 30*time.Second)
	setDefault(&o.Retry.LimitDelay, time.Minute)
	if o.Clock == nil {
		o.Clock = systemClock{}
	}
	if o.Base == nil {
		o.Base = newBase()
	}
}

func setDefault[T int | int64 | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

func newBase() http.RoundTripper {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           32,
		MaxIdleConnsPerHost:    32,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    15 * time.Second,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
}

func (o *Options) baseURL() (*url.URL, error) {
	u, err := url.Parse(o.BaseURL)
	if err != nil {
		// url.Parse repeats its input, which may hold a password.
		return nil, errors.New("transport: base URL cannot be parsed; give one like https://api.example.com")
	}
	if (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return nil, fmt.Errorf("transport: base URL %q: give one with https:// and a host", RedactURL(u))
	}
	if u.User != nil {
		return nil, fmt.Errorf("transport: base URL %q: it holds a user name or password; give them as secrets", RedactURL(u))
	}
	if u.Scheme == "http" && o.Authorize != nil && !o.AllowPlainHTTP && !isLoopback(u.Hostname()) {
		return nil, fmt.Errorf("transport: base URL %q: credentials would travel unencrypted; use https", RedactURL(u))
	}
	return u, nil
}
