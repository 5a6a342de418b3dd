package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Secret reads a secret when it is needed, so that one that was replaced is
// taken up without a restart.
type Secret func(ctx context.Context) (string, error)

// client is an HTTP client that goes where it is told to and nowhere else: a
// redirection is an answer, not an order.
func client(rt http.RoundTripper) *http.Client {
	if rt == nil {
		rt = http.DefaultTransport
	}
	return &http.Client{Transport: rt, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// endpoint checks an address that was read from a secret.
func endpoint(raw string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("the address is no http or https URL") // not repeated: it may be a secret
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return nil, errors.New("the address is not https; only a service on this machine may be spoken to in the clear")
	}
	return u, nil
}

func loopback(host string) bool {
	return host == "localhost" || host == "::1" || strings.HasPrefix(host, "127.")
}

// post sends a body and reads the answer. The errors hold no part of the
// address.
func post(ctx context.Context, c *http.Client, u *url.URL, h http.Header, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return errors.New("the request cannot be made")
	}
	req.Header = h
	resp, err := c.Do(req)
	if err != nil {
		return bare(err)
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 4<<10))
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return refusal(resp)
	}
	if err != nil {
		return fmt.Errorf("the answer broke off: %w", bare(err))
	}
	return nil
}

// bare takes the address out of an error of the HTTP client.
func bare(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err
	}
	return err
}

// refusal reads an answer that is no success. What stands in its body is not
// repeated.
func refusal(resp *http.Response) *Refusal {
	r := &Refusal{Err: fmt.Errorf("the endpoint answered %d %s", resp.StatusCode, http.StatusText(resp.StatusCode)), RetryAfter: retryAfter(resp.Header, time.Now())}
	if resp.StatusCode >= 300 && resp.StatusCode < 400 && resp.Header.Get("Location") != "" {
		r.Err = fmt.Errorf("%w, and redirections are not followed: configure the address that it leads to", r.Err)
	}
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		r.Message = true
	}
	return r
}

// retryAfter reads seconds or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.Atoi(v); err == nil && n >= 0 {
		return time.Duration(min(n, 86400)) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil && t.After(now) {
		return min(t.Sub(now), day)
	}
	return 0
}

// hiding keeps secrets out of an error.
func hiding(err error, secrets ...string) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	for _, s := range secrets {
		if s != "" && strings.Contains(text, s) {
			return &Refusal{Err: errors.New(strings.ReplaceAll(text, s, "[secret]")), RetryAfter: waitOf(err), Message: ofMessage(err)}
		}
	}
	return err
}

func waitOf(err error) time.Duration {
	var r *Refusal
	if errors.As(err, &r) {
		return r.RetryAfter
	}
	return 0
}

func ofMessage(err error) bool {
	var r *Refusal
	return errors.As(err, &r) && r.Message
}
