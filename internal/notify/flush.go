package notify

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// flush makes messages of what is ready on a channel: one for each recipient
// that has none waiting. Rows leave the one table and come to the other in one
// transaction.
func (n *Notifier) flush(ctx context.Context, c *Channel, now time.Time) error {
	err := n.o.DB.Tx(ctx, func(tx *sql.Tx) error {
		// The row of the channel lets one node do this at a time.
		if err := n.exec(ctx, tx, "UPDATE notify_channel SET touched = ? WHERE name = ?", now.UnixMilli(), c.Name); err != nil {
			return err
		}
		ready, err := n.readyRecipients(ctx, tx, c, now)
		if err != nil {
			return err
		}
		for _, to := range ready {
			if err := n.flushTo(ctx, tx, c, to, now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("notify: %s: %w", c.Name, err)
	}
	return nil
}

// farthest is further ahead than any digest after a stretch of quiet: a change
// that is to wait longer was put off under a clock that was wrong.
const farthest = 21 * day

// readyRecipients are those for whom something is ready and nothing is waiting.
func (n *Notifier) readyRecipients(ctx context.Context, tx *sql.Tx, c *Channel, now time.Time) ([]string, error) {
	rows, err := tx.QueryContext(ctx, n.o.DB.Rebind(`SELECT DISTINCT recipient FROM notify_pending p WHERE channel = ? AND (ready <= ? OR ready > ?) AND NOT EXISTS
		(SELECT 1 FROM notify_outbox o WHERE o.channel = p.channel AND o.recipient = p.recipient AND o.state = 'waiting') ORDER BY recipient`),
		c.Name, now.UnixMilli(), now.Add(farthest).UnixMilli())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var to string
		if err := rows.Scan(&to); err != nil {
			return nil, err
		}
		out = append(out, to)
	}
	return out, rows.Err()
}

func (n *Notifier) flushTo(ctx context.Context, tx *sql.Tx, c *Channel, to string, now time.Time) error {
	limit := 1 << 40
	if c.Whole {
		limit = c.Limit
	}
	pending, err := n.takePending(ctx, tx, c, to, now, limit)
	if err != nil {
		return err
	}
	m := n.composed(c, to, pending, now)
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	err = n.exec(ctx, tx, `INSERT INTO notify_outbox (id, channel, recipient, changes, created, next, attempts, state, lease_by, lease_until, sent, error, body)
		VALUES (?, ?, ?, ?, ?, ?, 0, 'waiting', '', 0, 0, '', ?)`, m.ID, c.Name, to, m.Total, now.UnixMilli(), now.UnixMilli(), string(body))
	return err
}

// takePending removes what is ready for a recipient and returns it.
func (n *Notifier) takePending(ctx context.Context, tx *sql.Tx, c *Channel, to string, now time.Time, limit int) ([]pendingRow, error) {
	rows, err := tx.QueryContext(ctx, n.o.DB.Rebind(`DELETE FROM notify_pending WHERE id IN
		(SELECT id FROM notify_pending WHERE channel = ? AND recipient = ? AND (ready <= ? OR ready > ?) ORDER BY id LIMIT ?) RETURNING id, first, body`),
		c.Name, to, now.UnixMilli(), now.Add(farthest).UnixMilli(), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []pendingRow
	for rows.Next() {
		p := pendingRow{channel: c.Name, recipient: to}
		var first int64
		var body string
		if err := rows.Scan(&p.id, &first, &body); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(body), &p.change); err != nil {
			return nil, err
		}
		p.first = first != 0
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b pendingRow) int { // RETURNING keeps no order
		switch {
		case a.id < b.id:
			return -1
		case a.id > b.id:
			return 1
		}
		return 0
	})
	return out, rows.Err()
}

// composed is the message of what is pending for a recipient.
func (n *Notifier) composed(c *Channel, to string, pending []pendingRow, now time.Time) Message {
	m := n.message(now)
	m.Recipient = to
	changes := make([]Change, len(pending))
	for i, p := range pending {
		changes[i] = p.change
		if p.first {
			m.Kind = KindFirst
		}
	}
	return m.compose(changes, c.Limit)
}

func recipients(pending []pendingRow, channel string) []string {
	var out []string
	for _, p := range pending {
		if p.channel == channel && !slices.Contains(out, p.recipient) {
			out = append(out, p.recipient)
		}
	}
	slices.Sort(out)
	return out
}

func of(pending []pendingRow, channel, recipient string) []pendingRow {
	return slices.DeleteFunc(slices.Clone(pending), func(p pendingRow) bool { return p.channel != channel || p.recipient != recipient })
}
