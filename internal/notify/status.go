package notify

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Status is what was observed and sent.
type Status struct {
	Observed   *time.Time      `json:"observed_at,omitempty"` // the last observation
	Checkpoint Checkpoint      `json:"checkpoint"`
	Items      int             `json:"items"` // that are remembered
	Channels   []ChannelStatus `json:"channels"`
	Dead       []DeadLetter    `json:"dead"` // given up, the newest first
	Told       []SentMessage   `json:"told"` // what was sent in the last 30 days, the newest first
}

// ChannelStatus is how a channel does. Removed: it is not configured any more,
// what is pending for it stays.
type ChannelStatus struct {
	Name      string     `json:"name"`
	Kind      string     `json:"kind,omitempty"`
	Place     string     `json:"place,omitempty"`
	Removed   bool       `json:"removed,omitempty"`
	Pending   int        `json:"pending"` // changes that wait for a digest, for the end of quiet hours or for the channel
	Next      *time.Time `json:"next,omitempty"`
	Waiting   int        `json:"waiting"` // messages
	Sent      int        `json:"sent"`    // messages of the last 30 days
	Dead      int        `json:"dead"`
	SentAt    *time.Time `json:"sent_at,omitempty"`
	Failures  int        `json:"failures"` // since the last success
	NotBefore *time.Time `json:"not_before,omitempty"`
	Error     string     `json:"error,omitempty"` // the last
	ErrorAt   *time.Time `json:"error_at,omitempty"`
}

// DeadLetter is a message that was given up.
type DeadLetter struct {
	ID        string    `json:"id"`
	Channel   string    `json:"channel"`
	Recipient string    `json:"recipient,omitempty"`
	Created   time.Time `json:"created_at"`
	Attempts  int       `json:"attempts"`
	Changes   int       `json:"changes"`
	Error     string    `json:"error"`
}

// SentMessage is a message that was sent.
type SentMessage struct {
	ID        string    `json:"id"`
	Channel   string    `json:"channel"`
	Recipient string    `json:"recipient,omitempty"` // empty: the channel's own
	Title     string    `json:"title"`               // what it said, in one line
	Created   time.Time `json:"created_at"`
	SentAt    time.Time `json:"sent_at"`
	Attempts  int       `json:"attempts"` // the one that succeeded among them
	Changes   int       `json:"changes"`
}

// What is listed at most.
const (
	maxDead = 100
	maxTold = 100
)

// Status tells how things stand.
func (n *Notifier) Status(ctx context.Context) (Status, error) {
	var s Status
	if err := n.readStatus(ctx, &s); err != nil {
		return Status{}, fmt.Errorf("notify: status: %w", err)
	}
	return s, nil
}

func (n *Notifier) readStatus(ctx context.Context, s *Status) error {
	var at int64
	err := n.o.DB.QueryRowContext(ctx, "SELECT size, root, at FROM notify_state WHERE id = 1").Scan(&s.Checkpoint.Size, &s.Checkpoint.Root, &at)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	s.Observed = instant(at)
	if err := n.o.DB.QueryRowContext(ctx, "SELECT count(*) FROM notify_known").Scan(&s.Items); err != nil {
		return err
	}
	if s.Channels, err = n.channelRows(ctx); err != nil {
		return err
	}
	if err := n.counts(ctx, s.Channels); err != nil {
		return err
	}
	if s.Dead, err = n.deadLetters(ctx); err != nil {
		return err
	}
	s.Told, err = n.told(ctx)
	return err
}

func (n *Notifier) channelRows(ctx context.Context) ([]ChannelStatus, error) {
	rows, err := n.o.DB.QueryContext(ctx, "SELECT name, failures, not_before, error, error_at, sent_at FROM notify_channel ORDER BY name")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []ChannelStatus{}
	for rows.Next() {
		var c ChannelStatus
		var before, errorAt, sentAt int64
		if err := rows.Scan(&c.Name, &c.Failures, &before, &c.Error, &errorAt, &sentAt); err != nil {
			return nil, err
		}
		c.NotBefore, c.ErrorAt, c.SentAt = instant(before), instant(errorAt), instant(sentAt)
		if known, ok := n.channel(c.Name); ok {
			c.Kind, c.Place = known.Kind, known.Place
		} else {
			c.Removed = true
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

func (n *Notifier) counts(ctx context.Context, channels []ChannelStatus) error {
	by := map[string]*ChannelStatus{}
	for i := range channels {
		by[channels[i].Name] = &channels[i]
	}
	rows, err := n.o.DB.QueryContext(ctx, `SELECT channel, 'pending', count(*), min(ready) FROM notify_pending GROUP BY channel
		UNION ALL SELECT channel, state, count(*), 0 FROM notify_outbox GROUP BY channel, state`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name, what string
		var count int
		var next int64
		if err := rows.Scan(&name, &what, &count, &next); err != nil {
			return err
		}
		c := by[name]
		if c == nil {
			continue
		}
		switch what {
		case "pending":
			c.Pending, c.Next = count, instant(next)
		case "waiting":
			c.Waiting = count
		case "sent":
			c.Sent = count
		case "dead":
			c.Dead = count
		}
	}
	return rows.Err()
}

func (n *Notifier) deadLetters(ctx context.Context) ([]DeadLetter, error) {
	rows, err := n.o.DB.QueryContext(ctx, n.o.DB.Rebind("SELECT id, channel, recipient, created, attempts, changes, error FROM notify_outbox WHERE state = 'dead' ORDER BY created DESC, id LIMIT ?"), maxDead)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []DeadLetter{}
	for rows.Next() {
		var d DeadLetter
		var created int64
		if err := rows.Scan(&d.ID, &d.Channel, &d.Recipient, &created, &d.Attempts, &d.Changes, &d.Error); err != nil {
			return nil, err
		}
		d.Created = time.UnixMilli(created).UTC()
		out = append(out, d)
	}
	return out, rows.Err()
}

// told are the messages that were sent last.
func (n *Notifier) told(ctx context.Context) ([]SentMessage, error) {
	rows, err := n.o.DB.QueryContext(ctx, n.o.DB.Rebind("SELECT id, channel, recipient, created, sent, attempts, changes, body FROM notify_outbox WHERE state = 'sent' ORDER BY sent DESC, id LIMIT ?"), maxTold)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []SentMessage{}
	for rows.Next() {
		var m SentMessage
		var created, sent int64
		var body string
		if err := rows.Scan(&m.ID, &m.Channel, &m.Recipient, &created, &sent, &m.Attempts, &m.Changes, &body); err != nil {
			return nil, err
		}
		var said Message
		if err := json.Unmarshal([]byte(body), &said); err != nil {
			return nil, fmt.Errorf("message %s: %w", m.ID, err)
		}
		m.Title = said.Title()
		m.Created, m.SentAt = time.UnixMilli(created).UTC(), time.UnixMilli(sent).UTC()
		out = append(out, m)
	}
	return out, rows.Err()
}

func instant(ms int64) *time.Time {
	if ms == 0 {
		return nil
	}
	t := time.UnixMilli(ms).UTC()
	return &t
}
