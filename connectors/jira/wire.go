package jira

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
	"github.com/exhibit-aims/exhibit/plugins/records"
)

// wire is the lowest layer, below retries: it reads Jira's own way of saying
// when a limit ends, and hashes files while they arrive.
type wire struct {
	base  http.RoundTripper
	count func(connector.Calls)

	mu     sync.Mutex
	reason string // of the last limit
	date   time.Time
}

func newWire(base http.RoundTripper, count func(connector.Calls)) *wire {
	if base == nil {
		base = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 8,
			IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: 15 * time.Second, MaxResponseHeaderBytes: 1 << 20,
		}
	}
	return &wire{base: base, count: count}
}

// RoundTrip sends one request once.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := w.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	w.note(resp)
	if f, ok := req.Context().Value(fileKey{}).(*file); ok && resp.StatusCode == http.StatusOK {
		f.read(resp)
		if w.count != nil {
			w.count(connector.Calls{Bytes: f.size})
		}
	}
	return resp, nil
}

// note keeps the source's clock and puts the end of a limit where the layer
// above looks for it.
func (w *wire) note(resp *http.Response) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if d, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		w.date = d
	}
	if resp.StatusCode != http.StatusTooManyRequests {
		return
	}
	w.reason = records.Line(resp.Header.Get("RateLimit-Reason"), 80)
	if resp.Header.Get("Retry-After") != "" {
		return
	}
	reset := strings.TrimSpace(resp.Header.Get("X-RateLimit-Reset"))
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05.999-0700"} {
		if t, err := time.Parse(layout, reset); err == nil {
			resp.Header.Set("Retry-After", t.Add(time.Second).UTC().Format(http.TimeFormat))
			return
		}
	}
}

// limitReason is the source's own word for its last limit; empty if it gave none.
func (w *wire) limitReason() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reason
}

// serverTime is the source's clock at its last answer, or a time before now if
// it did not say.
func (w *wire) serverTime() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.date.IsZero() {
		return time.Now().Add(-time.Hour)
	}
	return w.date
}

type fileKey struct{}

// file is the content of an answer, hashed while it arrives and not kept.
type file struct {
	limit  int64
	size   int64 // bytes seen: one more than limit if there were more
	sha256 string
}

// withFile makes the answer to a request be read into f.
func withFile(ctx context.Context, f *file) context.Context {
	return context.WithValue(ctx, fileKey{}, f)
}

// read hashes the body and leaves in its place a short one that says how that
// ended, so that a body which breaks off is asked for again.
func (f *file) read(resp *http.Response) {
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(resp.Body, f.limit+1))
	_ = resp.Body.Close()
	f.size, f.sha256 = n, hex.EncodeToString(h.Sum(nil))
	if err != nil {
		resp.Body, resp.ContentLength = io.NopCloser(&broken{err}), -1
		return
	}
	note := fmt.Sprintf("%d bytes", n)
	resp.Header.Set("Content-Type", "text/plain")
	resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(note)), int64(len(note))
}

// broken is a body that ends in an error.
type broken struct{ err error }

func (b *broken) Read([]byte) (int, error) { return 0, b.err }
