package transport

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/exhibit-aims/exhibit/plugins/connector"
)

type streamedKey struct{}

// Streamed returns a context for requests whose answer, if it is a 200, is
// handed on as it arrives instead of being read whole first: an archive. At
// most limit bytes of it are read, after which Read gives a TooLargeError. A
// body that breaks off gives a TornError, one that stands still for the time of
// an attempt is broken off; it is not asked for again. The caller closes the
// body.
func Streamed(ctx context.Context, limit int64) context.Context {
	return context.WithValue(ctx, streamedKey{}, limit)
}

func streamLimit(ctx context.Context) int64 {
	limit, _ := ctx.Value(streamedKey{}).(int64)
	return limit
}

// bounded gives an attempt its time. That of a stream begins anew with each
// piece that arrives.
func (c *Client) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if streamLimit(ctx) == 0 {
		return context.WithTimeout(ctx, c.opts.AttemptTimeout)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	idle := time.AfterFunc(c.opts.AttemptTimeout, func() { cancel(errStalled) })
	ctx = context.WithValue(ctx, idleKey{}, idle)
	return ctx, func() { idle.Stop(); cancel(nil) }
}

type idleKey struct{}

var errStalled = errors.New("nothing arrived for too long")

// stream is a body that is read as it arrives.
type stream struct {
	client *Client
	body   io.ReadCloser
	where  string
	ctx    context.Context // of the exchange, for its cause
	idle   *time.Timer
	limit  int64
	read   int64
	close  func() error
}

func (c *Client) stream(resp *http.Response, limit int64, cancel context.CancelFunc) *stream {
	ctx := resp.Request.Context()
	s := &stream{client: c, body: resp.Body, where: RedactURL(resp.Request.URL), ctx: ctx, limit: limit}
	s.idle, _ = ctx.Value(idleKey{}).(*time.Timer)
	s.close = sync.OnceValue(func() error {
		err := s.body.Close()
		cancel()
		c.count(connector.Calls{Bytes: s.read})
		return err
	})
	return s
}

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) {
	if s.idle != nil {
		s.idle.Reset(s.client.opts.AttemptTimeout)
	}
	n, err := s.body.Read(p)
	s.read += int64(n)
	switch {
	case s.read > s.limit:
		return n, &TooLargeError{URL: s.where, Limit: s.limit}
	case err == nil || errors.Is(err, io.EOF):
		return n, err
	}
	if cause := context.Cause(s.ctx); cause != nil {
		err = cause
	}
	return n, &TornError{URL: s.where, Read: s.read, Err: err}
}

// Close implements io.Closer. It may be called twice.
func (s *stream) Close() error { return s.close() }
