package attest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Client asks others over HTTP. Its zero value is not ready; see NewClient.
type Client struct {
	http *http.Client
	now  func() time.Time
	wait func(ctx context.Context, d time.Duration) error
}

// Limits of one exchange.
const (
	exchangeTimeout = 30 * time.Second
	maxTries        = 4
	maxWait         = 20 * time.Second
)

// NewClient makes a client that follows no redirect, gives every exchange half
// a minute, takes its time from now, and goes the way that is given (nil: as
// the environment says).
func NewClient(now func() time.Time, way http.RoundTripper) *Client {
	return &Client{
		http: &http.Client{
			Transport:     way,
			Timeout:       exchangeTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		now: now, wait: sleep,
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// message is one request: posted once, or again while the other side says that
// it is busy.
type message struct {
	url    string
	kind   string // Content-Type
	body   []byte
	header map[string]string
	max    int // bytes of the answer
	retry  bool
}

type answer struct {
	status int
	kind   string
	body   []byte
}

// post sends m. It fails if no answer came, or one that is too large; what a
// status means is for the caller to say.
func (c *Client) post(ctx context.Context, m message) (answer, error) {
	for try := 1; ; try++ {
		ans, after, err := c.once(ctx, m)
		busy := err != nil && ctx.Err() == nil && !errors.Is(err, errTooLarge) || ans.status == http.StatusTooManyRequests || ans.status >= 500
		if !m.retry || !busy || try == maxTries {
			return ans, err
		}
		if err := c.wait(ctx, pause(try, after)); err != nil {
			return answer{}, err
		}
	}
}

// pause is how long to wait after a try: what the other side asks for, within
// bounds, or twice as long as last time.
func pause(try int, after string) time.Duration {
	if s, err := strconv.Atoi(after); err == nil && s >= 0 {
		return min(time.Duration(min(s, 3600))*time.Second, maxWait)
	}
	return min(time.Second<<(try-1), maxWait)
}

var errTooLarge = errors.New("the answer is too large")

func (c *Client) once(ctx context.Context, m message) (ans answer, retryAfter string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url, bytes.NewReader(m.body))
	if err != nil {
		return answer{}, "", fmt.Errorf("%w: %w", ErrPeer, hideURL(err))
	}
	req.Header.Set("Content-Type", m.kind)
	req.Header.Set("User-Agent", "exhibit")
	for k, v := range m.header {
		req.Header.Set(k, v)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, "", fmt.Errorf("%w: %w", ErrPeer, hideURL(err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, int64(m.max)+1))
	if err != nil {
		return answer{}, "", fmt.Errorf("%w: the answer broke off: %w", ErrPeer, hideURL(err))
	}
	if len(body) > m.max {
		return answer{}, "", fmt.Errorf("%w: %w: more than %d bytes", ErrPeer, errTooLarge, m.max)
	}
	return answer{status: resp.StatusCode, kind: resp.Header.Get("Content-Type"), body: body}, resp.Header.Get("Retry-After"), nil
}

// hideURL takes the URL out of an error of net/http: it may hold a secret.
func hideURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// ErrURL: the address is not one that is asked.
var ErrURL = errors.New("address cannot be used")

// checkURL refuses what would be asked without protection: plain HTTP except on
// this machine, and credentials in the URL.
func checkURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "":
		return fmt.Errorf("%w: not an https URL", ErrURL)
	case u.User != nil:
		return fmt.Errorf("%w: a URL with a password in it: it would end up in logs", ErrURL)
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return fmt.Errorf("%w: %s is not encrypted: http is for this machine only", ErrURL, plain(raw))
	}
	return fmt.Errorf("%w: %.16q is not https", ErrURL, u.Scheme)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// plain is a URL without what may be secret in it: user, parameters, fragment.
func plain(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "[URL]"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// sane compares a time that another gives with our clock.
func (c *Client) sane(t time.Time) error {
	if d := t.Sub(c.now()); d > MaxClockSkew || d < -MaxClockSkew {
		return fmt.Errorf("%w: it says %s, and the clock of this machine %s; one of them is wrong", ErrNotVerified, stamp(t), stamp(c.now()))
	}
	return nil
}

// excerpt makes foreign text fit for an error: short, one line, no control
// characters.
func excerpt(b []byte) string {
	const most = 200
	s := strings.ToValidUTF8(string(b[:min(len(b), 4*most)]), "?")
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s))
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	return s
}
