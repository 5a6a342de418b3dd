// Package reload reads a configuration anew while it is used. What cannot be
// read changes nothing: the one from before stays in use, and whoever asks how
// things stand is told.
//
// The package may import internal/telemetry, in whose terms it says how it
// stands. It promises that
//
//   - there is always one whole configuration in use, never parts of two;
//   - one that was refused, by who reads it or by who puts it into use, is never
//     in use, not even in part;
//   - requests that come while one is being read are answered by one more reading.
package reload

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/exhibit-aims/exhibit/internal/telemetry"
)

// Options say what is read, and who uses it.
type Options[T any] struct {
	// Read reads and checks everything anew: configuration, register, rules.
	Read func(ctx context.Context) (T, error)
	// Use puts what was read into use, or refuses it as a whole. It may be nil
	// where everybody asks Current each time. pending names what is different from
	// what the process started with, and takes effect at the next start only.
	Use func(ctx context.Context, started, now T) (pending []string, err error)
	// Told is called after each reading, with the error by which it was refused.
	Told   func(at time.Time, err error)
	Logger *slog.Logger
	Clock  func() time.Time
}

// Reloader holds the configuration that is in use. It may be used by many at once.
type Reloader[T any] struct {
	o       Options[T]
	started T

	reading sync.Mutex // one reading at a time

	mu      sync.RWMutex
	current T
	readAt  time.Time
	pending []string
	refused error // of the newest reading; nil if it is in use
	tried   time.Time
}

// New returns a reloader that uses first, which was read just now.
func New[T any](first T, o Options[T]) *Reloader[T] {
	return &Reloader[T]{o: o, started: first, current: first, readAt: o.Clock().UTC()}
}

// Current is what is in use. What works with it for a while, such as a run, asks
// once and keeps the answer.
func (r *Reloader[T]) Current() T {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.current
}

// Reload reads anew and puts what was read into use. With an error, what was in
// use before still is.
func (r *Reloader[T]) Reload(ctx context.Context) error {
	r.reading.Lock()
	defer r.reading.Unlock()
	now, err := r.o.Read(ctx)
	var pending []string
	if err == nil && r.o.Use != nil {
		pending, err = r.o.Use(ctx, r.started, now)
	}
	if err != nil && ctx.Err() != nil {
		return err // stopped, not refused
	}
	at := r.o.Clock().UTC()
	r.mu.Lock()
	r.tried, r.refused = at, err
	if err == nil {
		r.current, r.readAt, r.pending = now, at, pending
	}
	since := r.readAt
	r.mu.Unlock()
	r.tell(ctx, at, since, pending, err)
	return err
}

func (r *Reloader[T]) tell(ctx context.Context, at, since time.Time, pending []string, err error) {
	if r.o.Told != nil {
		r.o.Told(at, err)
	}
	switch {
	case err != nil:
		r.o.Logger.ErrorContext(ctx, "configuration refused; the one from before stays in use", "read_at", since, "error", err)
	case len(pending) > 0:
		r.o.Logger.WarnContext(ctx, "configuration read anew; part of it takes effect at the next start", "pending", strings.Join(pending, ", "))
	default:
		r.o.Logger.InfoContext(ctx, "configuration read anew")
	}
}

// State says how it stands, for readiness: an agent whose new configuration was
// refused works on, and is not as it should be.
func (r *Reloader[T]) State() (string, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	read := "read at " + r.readAt.Format(time.RFC3339)
	switch {
	case r.refused != nil:
		return "", fmt.Errorf("%w: the one on disk was refused at %s, the one %s is in use: %w", telemetry.ErrDegraded, r.tried.Format(time.RFC3339), read, r.refused)
	case len(r.pending) > 0:
		return "", fmt.Errorf("%w: %s; at the next start: %s", telemetry.ErrDegraded, read, strings.Join(r.pending, ", "))
	}
	return read, nil
}

// Run reloads each time something arrives, until ctx is done. What is refused
// is told by State, the log and Told.
func (r *Reloader[T]) Run(ctx context.Context, asked <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-asked:
			_ = r.Reload(ctx) // told already
		}
	}
}

// OnHangup returns where SIGHUP arrives, and how to stop listening. Where a
// system has no such signal, nothing arrives. Signals that come while one waits
// are one.
func OnHangup() (asked <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}
