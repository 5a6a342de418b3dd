package notify

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// keepSent is how long a message that was sent, or given up, is shown.
const keepSent = 30 * day

// Deliver sends all that is ready, once: a channel that fails is left until its
// time comes again. Channels are served side by side. The error is that of the
// database; what endpoints answer is in Status.
func (n *Notifier) Deliver(ctx context.Context) error {
	errs := make([]error, len(n.o.Channels))
	var wg sync.WaitGroup
	for i := range n.o.Channels {
		wg.Go(func() { errs[i] = n.serve(ctx, &n.o.Channels[i]) })
	}
	wg.Wait()
	return errors.Join(append(errs, n.tidy(ctx))...)
}

// Run delivers until ctx is done, looking every so often. Each channel has its
// own pace: one that hangs delays no other.
func (n *Notifier) Run(ctx context.Context, every time.Duration) {
	var wg sync.WaitGroup
	loop := func(f func() error) {
		for {
			if err := f(); err != nil && ctx.Err() == nil {
				n.o.Logger.Error("telling people", "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(every):
			}
		}
	}
	for i := range n.o.Channels {
		wg.Go(func() { loop(func() error { return n.serve(ctx, &n.o.Channels[i]) }) })
	}
	wg.Go(func() { loop(func() error { return n.tidy(ctx) }) })
	wg.Wait()
}

// serve sends what is ready on a channel until nothing is left or one fails.
func (n *Notifier) serve(ctx context.Context, c *Channel) error {
	for ctx.Err() == nil {
		now, err := n.now(ctx)
		if err != nil {
			return err
		}
		waits, err := n.waits(ctx, c, now)
		if err != nil || waits {
			return err
		}
		if err := n.flush(ctx, c, now); err != nil {
			return err
		}
		m, attempts, err := n.claim(ctx, c, now)
		if err != nil || m == nil {
			return err
		}
		failed := n.send(ctx, c, m)
		// What came of it is recorded also when the agent is being stopped.
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		err = n.record(after, c, m, attempts, failed)
		cancel()
		if err != nil || failed != nil {
			return err
		}
	}
	return nil
}

// waits reports whether a channel failed lately and is left alone.
func (n *Notifier) waits(ctx context.Context, c *Channel, now time.Time) (bool, error) {
	n.mu.Lock()
	busy := n.busy[c.Name]
	n.mu.Unlock()
	if busy {
		return true, nil
	}
	var until int64
	err := n.o.DB.QueryRowContext(ctx, n.o.DB.Rebind("SELECT not_before FROM notify_channel WHERE name = ?"), c.Name).Scan(&until)
	if err != nil {
		return false, fmt.Errorf("notify: %s: %w", c.Name, err)
	}
	return until > now.UnixMilli() && until <= now.Add(farOff).UnixMilli(), nil
}

// farOff is further ahead than anything is ever put off: what lies beyond was
// written under a clock that was wrong, and does not count.
const farOff = 25 * time.Hour

// claim takes the next message of a channel for this node; nil if there is none.
// The lease outlasts the deadline, so that only a node that died loses one.
func (n *Notifier) claim(ctx context.Context, c *Channel, now time.Time) (*Message, int, error) {
	var m *Message
	var attempts int
	err := n.o.DB.Tx(ctx, func(tx *sql.Tx) error {
		m = nil
		if err := n.exec(ctx, tx, "UPDATE notify_channel SET touched = ? WHERE name = ?", now.UnixMilli(), c.Name); err != nil {
			return err
		}
		var id, body string
		err := tx.QueryRowContext(ctx, n.o.DB.Rebind(`SELECT id, attempts, body FROM notify_outbox
			WHERE channel = ? AND state = 'waiting' AND (next <= ? OR next > ?) AND (lease_until <= ? OR lease_until > ?) ORDER BY next, id LIMIT 1`),
			c.Name, now.UnixMilli(), now.Add(farOff).UnixMilli(), now.UnixMilli(), now.Add(farOff).UnixMilli()).Scan(&id, &attempts, &body)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		m = &Message{}
		if err := json.Unmarshal([]byte(body), m); err != nil {
			return fmt.Errorf("message %s: %w", id, err)
		}
		err = n.exec(ctx, tx, "UPDATE notify_outbox SET lease_by = ?, lease_until = ?, attempts = attempts + 1 WHERE id = ?", n.o.Node, now.Add(n.o.Lease).UnixMilli(), id)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("notify: %s: %w", c.Name, err)
	}
	return m, attempts + 1, nil
}

// errLate: the endpoint had its time.
var errLate = errors.New("the endpoint did not answer in time")

// send hands a message to the channel and waits for it no longer than the
// deadline. A sender that does not return then keeps its channel closed until
// it does.
func (n *Notifier) send(ctx context.Context, c *Channel, m *Message) error {
	ctx, cancel := context.WithTimeout(ctx, n.o.Deadline)
	defer cancel()
	done := make(chan error, 1)
	n.setBusy(c.Name, true)
	go func() {
		err := c.Sender.Send(ctx, m)
		n.setBusy(c.Name, false)
		done <- err
	}()
	select {
	case err := <-done:
		return late(ctx, err)
	case <-ctx.Done():
	}
	select { // it may be about to say why
	case err := <-done:
		return late(ctx, err)
	case <-time.After(min(n.o.Deadline/4, 2*time.Second)):
		return fmt.Errorf("%w: %w", errLate, ctx.Err())
	}
}

// late says of an error that the time was up, where that is all that it says.
func late(ctx context.Context, err error) error {
	if errors.Is(err, context.DeadlineExceeded) && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", errLate, err)
	}
	return err
}

func (n *Notifier) setBusy(channel string, busy bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.busy[channel] = busy
}

// record writes down what came of sending a message.
func (n *Notifier) record(ctx context.Context, c *Channel, m *Message, attempts int, failed error) error {
	if n.o.Sent != nil {
		n.o.Sent(c.Name, failed)
	}
	now, err := n.now(ctx)
	if err != nil {
		return err
	}
	if failed == nil {
		return n.recordSent(ctx, c, m, now)
	}
	why := shorten(failed.Error(), 300)
	var r *Refusal
	refused := errors.As(failed, &r)
	wait := n.backoff(attempts)
	if refused && r.RetryAfter > 0 {
		wait = max(min(r.RetryAfter, 24*time.Hour), time.Second)
	}
	state := "waiting"
	if refused && r.Message {
		state, wait = "dead", 0
	}
	if now.Sub(m.At) >= n.o.GiveUp {
		state = "dead"
	}
	n.o.Logger.Warn("a message was not sent", "channel", c.Name, "message", m.ID, "attempt", attempts, "given_up", state == "dead", "error", why)
	err = n.o.DB.Tx(ctx, func(tx *sql.Tx) error {
		if err := n.exec(ctx, tx, "UPDATE notify_outbox SET state = ?, next = ?, lease_by = '', lease_until = 0, error = ? WHERE id = ?", state, now.Add(wait).UnixMilli(), why, m.ID); err != nil {
			return err
		}
		err := n.exec(ctx, tx, "UPDATE notify_channel SET failures = failures + 1, not_before = ?, error = ?, error_at = ? WHERE name = ?", now.Add(wait).UnixMilli(), why, now.UnixMilli(), c.Name)
		return err
	})
	if err != nil {
		return fmt.Errorf("notify: %s: %w", c.Name, err)
	}
	return nil
}

func (n *Notifier) recordSent(ctx context.Context, c *Channel, m *Message, now time.Time) error {
	err := n.o.DB.Tx(ctx, func(tx *sql.Tx) error {
		if err := n.exec(ctx, tx, "UPDATE notify_outbox SET state = 'sent', sent = ?, lease_by = '', lease_until = 0, error = '' WHERE id = ?", now.UnixMilli(), m.ID); err != nil {
			return err
		}
		err := n.exec(ctx, tx, "UPDATE notify_channel SET failures = 0, not_before = 0, error = '', sent_at = ? WHERE name = ?", now.UnixMilli(), c.Name)
		return err
	})
	if err != nil {
		return fmt.Errorf("notify: %s: %w", c.Name, err)
	}
	return nil
}

// backoff is how long a channel is left alone after so many attempts: doubled
// with each, an hour at most.
func (n *Notifier) backoff(attempts int) time.Duration {
	return min(n.o.Backoff<<min(attempts-1, 12), time.Hour)
}

// tidy forgets what was sent or given up long ago.
func (n *Notifier) tidy(ctx context.Context) error {
	now, err := n.now(ctx)
	if err != nil {
		return err
	}
	err = n.exec(ctx, n.o.DB, "DELETE FROM notify_outbox WHERE state <> 'waiting' AND created < ?", now.Add(-keepSent).UnixMilli())
	if err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	return nil
}
