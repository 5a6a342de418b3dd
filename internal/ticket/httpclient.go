package ticket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// Secret reads a secret when it is needed.
type Secret func(ctx context.Context) (string, error)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 16 << 20

// bound is a transport that goes to one host only and signs what goes there: a
// credential never reaches another one. Writes keep a distance.
type bound struct {
	host   string
	scheme string
	sign   func(ctx context.Context, r *http.Request) error
	pace   *rate.Limiter
	next   http.RoundTripper
}

func (b *bound) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != b.host || r.URL.Scheme != b.scheme {
		return nil, errors.New("not the tracker's host")
	}
	if r.Method != http.MethodGet {
		if err := b.pace.Wait(r.Context()); err != nil {
			return nil, err
		}
	}
	r = r.Clone(r.Context())
	if err := b.sign(r.Context(), r); err != nil { //nolint:contextcheck // it is that of the request
		return nil, err
	}
	resp, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	return resp, nil
}

// client makes an HTTP client for one host.
func client(base *url.URL, every time.Duration, next http.RoundTripper, sign func(context.Context, *http.Request) error) *http.Client {
	if next == nil {
		next = http.DefaultTransport
	}
	return &http.Client{
		Transport:     &bound{host: base.Host, scheme: base.Scheme, sign: sign, pace: rate.NewLimiter(rate.Every(every), 1), next: next},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// judge says what an answer, or the lack of one, means. said is what the
// tracker gives as a reason; it is foreign text.
func judge(resp *http.Response, err error, said string) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err // the address may hold what is none of a log's business
	}
	if resp == nil {
		return err
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return err
	}
	text := fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	if said = clean(said, 200); said != "" {
		text += ": " + said
	}
	switch wait, limited := limitedFor(resp, said, time.Now()); {
	case limited:
		return &Wait{For: wait, Err: errors.New(text)}
	case resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone:
		return fmt.Errorf("%w: %s", ErrGone, text)
	case resp.StatusCode < 400, resp.StatusCode == http.StatusUnauthorized, resp.StatusCode == http.StatusForbidden:
		return fmt.Errorf("%w: %s", ErrDenied, text)
	case resp.StatusCode < 500 && resp.StatusCode != http.StatusRequestTimeout:
		return fmt.Errorf("%w: %s", ErrRefused, text)
	}
	return errors.New(text)
}

// limitedFor reports whether a tracker wants to be left alone, and how long:
// every shape in which GitHub and Jira say so.
func limitedFor(resp *http.Response, said string, now time.Time) (time.Duration, bool) {
	h := resp.Header
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
	case http.StatusForbidden:
		low := strings.ToLower(said)
		if h.Get("Retry-After") == "" && h.Get("X-RateLimit-Remaining") != "0" && h.Get("gh-limited-by") == "" &&
			!strings.Contains(low, "rate limit") && !strings.Contains(low, "abuse detection") {
			return 0, false
		}
	default:
		return 0, false
	}
	if n, err := strconv.Atoi(h.Get("Retry-After")); err == nil && n >= 0 {
		return time.Duration(max(min(n, 86400), 1)) * time.Second, true
	}
	reset := h.Get("X-RateLimit-Reset")
	for _, text := range []string{h.Get("Retry-After"), reset} {
		for _, layout := range []string{http.TimeFormat, time.RFC3339, "2006-01-02T15:04Z"} {
			if t, err := time.Parse(layout, text); err == nil && t.After(now) {
				return min(t.Sub(now)+time.Second, 24*time.Hour), true
			}
		}
	}
	if n, err := strconv.ParseInt(reset, 10, 64); err == nil && h.Get("X-RateLimit-Remaining") == "0" && time.Unix(n, 0).After(now) {
		return min(time.Unix(n, 0).Sub(now)+time.Second, 24*time.Hour), true
	}
	return time.Minute, true
}
