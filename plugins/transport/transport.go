package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// Client sends requests to one API. It is safe for concurrent use.
type Client struct {
	opts    Options
	base    *url.URL
	origin  origin
	limiter *rate.Limiter
	slots   chan struct{}
	gate    gate

	mu    sync.Mutex
	calls connector.Calls
}

var _ http.RoundTripper = (*Client)(nil)

// New returns a client for the API at o.BaseURL. It does no I/O.
func New(o Options) (*Client, error) {
	base, err := o.baseURL()
	if err != nil {
		return nil, err
	}
	o.setDefaults()
	limit := rate.Inf
	if o.RequestsPerSecond > 0 {
		limit = rate.Limit(o.RequestsPerSecond)
	}
	return &Client{
		opts:    o,
		base:    base,
		origin:  originOf(base),
		limiter: rate.NewLimiter(limit, o.Burst),
		slots:   make(chan struct{}, o.MaxInFlight),
	}, nil
}

// BaseURL returns a copy of the API's root.
func (c *Client) BaseURL() *url.URL {
	u := *c.base
	return &u
}

// HTTPClient returns an http.Client on c, for a vendor's client library.
func (c *Client) HTTPClient() *http.Client { return &http.Client{Transport: c} }

// Do sends req, follows redirects and returns errors without secrets. The body
// of the answer has been read already; closing it is harmless but not needed.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	resp, err := c.HTTPClient().Do(req)
	if err != nil {
		return nil, RedactError(err)
	}
	return resp, nil
}

// Calls returns what was asked of the source so far.
func (c *Client) Calls() connector.Calls {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls
}

func (c *Client) count(d connector.Calls) {
	c.mu.Lock()
	c.calls = c.calls.Add(d)
	c.mu.Unlock()
	if c.opts.Counted != nil {
		c.opts.Counted(d)
	}
}

// RoundTrip sends one request, more than once if need be.
func (c *Client) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	if err := c.admit(req); err != nil {
		return nil, err
	}
	own := originOf(req.URL) == c.origin
	began := c.opts.Clock.Now()
	for n := 1; ; n++ {
		if err := c.await(req.Context(), own); err != nil {
			return nil, err
		}
		a, err := c.attempt(req, own, n)
		if err != nil {
			return nil, err
		}
		if !a.again || !canReplay(req) {
			return a.result(c)
		}
		wait := max(a.wait, c.backoff(n))
		if n >= c.opts.Retry.MaxAttempts || wait > c.opts.MaxWait || c.opts.Clock.Now().Sub(began)+wait > c.opts.MaxElapsed {
			return a.result(c)
		}
		if err := c.opts.Clock.Sleep(req.Context(), wait); err != nil {
			return nil, err
		}
		c.count(connector.Calls{Retries: 1})
	}
}

// await blocks until the gate and the budget let a request through.
func (c *Client) await(ctx context.Context, own bool) error {
	if !own {
		return ctx.Err()
	}
	now := c.opts.Clock.Now()
	wait := c.gate.opensAt().Sub(now)
	if wait > c.opts.MaxWait {
		return &RateLimitError{Host: c.origin.host, Until: c.gate.opensAt()}
	}
	wait = max(wait, 0)
	wait += c.limiter.ReserveN(now.Add(wait), 1).DelayFrom(now.Add(wait))
	if wait == 0 {
		return ctx.Err()
	}
	return c.opts.Clock.Sleep(ctx, wait)
}

// attempt is one exchange and what to make of it.
type attempt struct {
	resp    *http.Response
	err     error
	again   bool          // worth sending again
	limited bool          // the source said "slow down"
	wait    time.Duration // before sending again, at least
	until   time.Time     // with limited: when the source may answer again; zero if it did not say
}

func (a attempt) result(c *Client) (*http.Response, error) {
	if a.limited {
		return nil, &RateLimitError{Host: c.origin.host, Status: a.resp.StatusCode, Until: a.until}
	}
	return a.resp, a.err
}

// attempt sends req once. Its error means that sending was not possible at all.
func (c *Client) attempt(req *http.Request, own bool, n int) (attempt, error) {
	out, cancel, err := c.prepare(req, own, n)
	if err != nil {
		return attempt{}, err
	}
	streams := false
	defer func() {
		if !streams {
			cancel()
		}
	}()
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-req.Context().Done():
		return attempt{}, req.Context().Err()
	}
	resp, err := c.opts.Base.RoundTrip(out)
	if err != nil {
		c.count(connector.Calls{Requests: 1})
		return c.failed(req.Context(), err), nil
	}
	resp.Request = out
	if limit := streamLimit(req.Context()); limit > 0 && resp.StatusCode == http.StatusOK {
		streams = true
		resp.Body = c.stream(resp, limit, cancel)
		resp.Request = req
		c.count(connector.Calls{Requests: 1})
		return attempt{resp: resp}, nil
	}
	body, err := readBody(resp, c.opts.MaxResponseBytes)
	cost := connector.Calls{Requests: 1, Bytes: int64(len(body))}
	if err != nil {
		c.count(cost)
		return c.failed(req.Context(), err), nil
	}
	resp.Request = req
	if err := readableLocation(resp); err != nil {
		c.count(cost)
		return attempt{}, err
	}
	a := c.judge(resp, body)
	v, asked := c.validator(req)
	switch {
	case a.limited:
		cost.RateLimited = 1
	case NotModified(resp) && own && asked:
		cost.NotModified = 1
		restore(resp, v)
	case NotModified(resp):
		c.count(cost)
		return attempt{}, fmt.Errorf("%s %w", RedactURL(req.URL), ErrUnaskedNotModified)
	}
	c.count(cost)
	return a, nil
}

// prepare returns the request as it is sent, bounded in time.
func (c *Client) prepare(req *http.Request, own bool, n int) (*http.Request, context.CancelFunc, error) {
	ctx, cancel := c.bounded(req.Context())
	out := req.Clone(ctx)
	if n > 1 && req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			cancel()
			return nil, nil, fmt.Errorf("transport: repeat the request body: %w", err)
		}
		out.Body = body
	}
	if out.Header == nil {
		out.Header = make(http.Header)
	}
	if c.opts.UserAgent != "" {
		out.Header.Set("User-Agent", c.opts.UserAgent)
	}
	if !own {
		strip(out)
		return out, cancel, nil
	}
	v, _ := c.validator(req)
	setValidators(out.Header, v)
	if c.opts.Authorize != nil {
		c.opts.Authorize(out)
	}
	return out, cancel, nil
}

// failed judges an error of sending or reading.
func (c *Client) failed(ctx context.Context, err error) attempt {
	if ctx.Err() != nil {
		return attempt{err: ctx.Err()}
	}
	return attempt{err: err, again: mayPass(err)}
}

// judge decides whether an answer is final.
func (c *Client) judge(resp *http.Response, body []byte) attempt {
	now := c.opts.Clock.Now()
	if yes, wait, known := limited(resp, body, now); yes {
		a := attempt{resp: resp, again: true, limited: true}
		if known {
			a.until = now.Add(wait)
			a.wait = wait + spread(min(wait/4, time.Second)) // do not return all at once
		} else {
			a.wait = c.opts.Retry.LimitDelay + spread(c.opts.Retry.BaseDelay)
		}
		if originOf(resp.Request.URL) == c.origin {
			c.gate.close(now.Add(a.wait))
		}
		return a
	}
	switch resp.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		wait, _ := retryAfter(resp.Header, serverTime(resp, now))
		return attempt{resp: resp, again: true, wait: wait}
	}
	return attempt{resp: resp}
}

// backoff returns the wait before attempt n+1.
func (c *Client) backoff(n int) time.Duration {
	ceiling := c.opts.Retry.MaxDelay
	if n < 30 {
		ceiling = min(ceiling, c.opts.Retry.BaseDelay<<(n-1))
	}
	return spread(ceiling)
}

// spread draws a duration evenly from [0, ceiling].
func spread(ceiling time.Duration) time.Duration {
	if ceiling <= 0 {
		return 0
	}
	return time.Duration(rand.Int64N(int64(ceiling) + 1))
}

func canReplay(req *http.Request) bool {
	marked, _ := req.Context().Value(replayableKey{}).(bool)
	if req.Method != http.MethodGet && req.Method != http.MethodHead && req.Method != "" && !marked {
		return false
	}
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}

// mayPass reports whether an error of sending or reading may be gone next time.
func mayPass(err error) bool {
	var (
		big  *TooLargeError
		cert *tls.CertificateVerificationError
		dns  *net.DNSError
	)
	if errors.As(err, &big) || errors.As(err, &cert) {
		return false
	}
	return !errors.As(err, &dns) || !dns.IsNotFound
}
