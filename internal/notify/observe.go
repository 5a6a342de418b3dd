package notify

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Outcome is what came of an observation.
type Outcome struct {
	First   bool // nothing was observed before
	Old     bool // a later one was observed before: nothing was done
	Changes []Change
	Sends   int // changes times channels
}

// Observe finds out what changed since the last observation, and puts what has
// to be told into the outbox, in one transaction: where it returns an error,
// nothing of it happened, and the same observation can be given again.
func (n *Notifier) Observe(ctx context.Context, obs Observation) (Outcome, error) {
	now, err := n.now(ctx)
	if err != nil {
		return Outcome{}, err
	}
	var out Outcome
	err = n.o.DB.Tx(ctx, func(tx *sql.Tx) error {
		out = Outcome{}
		last, err := n.lockState(ctx, tx)
		if err != nil {
			return err
		}
		out.First = last.At.IsZero()
		if obs.Checkpoint.Size < last.Checkpoint.Size {
			out.Old = true
			return nil
		}
		memory, err := n.readMemory(ctx, tx)
		if err != nil {
			return err
		}
		changes, after := Diff(memory, obs)
		out.Changes = changes
		pending := n.address(changes, out.First, now)
		out.Sends = len(pending)
		if err := n.insertPending(ctx, tx, pending); err != nil {
			return err
		}
		if err := n.writeMemory(ctx, tx, memory, after); err != nil {
			return err
		}
		err = n.exec(ctx, tx, "UPDATE notify_state SET size = ?, root = ?, at = ? WHERE id = 1", obs.Checkpoint.Size, obs.Checkpoint.Root, max(obs.At.UnixMilli(), 1))
		return err
	})
	if err != nil {
		return Outcome{}, fmt.Errorf("notify: observe: %w", err)
	}
	return out, nil
}

// Previewed is a message that would be sent over a channel.
type Previewed struct {
	Channel string `json:"channel"`
	Message
}

// Preview tells what Observe would do and what the messages would be, and
// changes nothing.
func (n *Notifier) Preview(ctx context.Context, obs Observation) (Outcome, []Previewed, error) {
	now, err := n.now(ctx)
	if err != nil {
		return Outcome{}, nil, err
	}
	var out Outcome
	var pending []pendingRow
	err = n.o.DB.Tx(ctx, func(tx *sql.Tx) error {
		last, err := n.lockState(ctx, tx)
		if err != nil {
			return err
		}
		memory, err := n.readMemory(ctx, tx)
		if err != nil {
			return err
		}
		out.First = last.At.IsZero()
		out.Changes, _ = Diff(memory, obs)
		pending = n.address(out.Changes, out.First, now)
		out.Sends = len(pending)
		return errUndo
	})
	if err != nil && !errors.Is(err, errUndo) {
		return Outcome{}, nil, fmt.Errorf("notify: preview: %w", err)
	}
	var messages []Previewed
	for i := range n.o.Channels {
		c := &n.o.Channels[i]
		for _, to := range recipients(pending, c.Name) {
			messages = append(messages, Previewed{c.Name, n.composed(c, to, of(pending, c.Name, to), now)})
		}
	}
	return out, messages, nil
}

var errUndo = errors.New("nothing is to be kept")

// seen is the last observation.
type seen struct {
	Checkpoint Checkpoint
	At         time.Time
}

// lockState reads the last observation; others who observe wait for the end of
// the transaction.
func (n *Notifier) lockState(ctx context.Context, tx *sql.Tx) (seen, error) {
	if err := n.exec(ctx, tx, "INSERT INTO notify_state (id, size, root, at) VALUES (1, 0, '', 0) ON CONFLICT (id) DO UPDATE SET id = 1"); err != nil {
		return seen{}, err
	}
	var s seen
	var at int64
	err := tx.QueryRowContext(ctx, "SELECT size, root, at FROM notify_state WHERE id = 1").Scan(&s.Checkpoint.Size, &s.Checkpoint.Root, &at)
	if at != 0 {
		s.At = time.UnixMilli(at).UTC()
	}
	return s, err
}

func (n *Notifier) readMemory(ctx context.Context, tx *sql.Tx) (Memory, error) {
	rows, err := tx.QueryContext(ctx, "SELECT topic, id, body FROM notify_known")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	m := Memory{}
	for rows.Next() {
		var key Key
		var body string
		if err := rows.Scan(&key.Topic, &key.ID, &body); err != nil {
			return nil, err
		}
		var k Known
		if err := json.Unmarshal([]byte(body), &k); err != nil {
			return nil, fmt.Errorf("what is known of %s %s: %w", key.Topic, key.ID, err)
		}
		m[key] = k
	}
	return m, rows.Err()
}

// writeMemory writes what differs.
func (n *Notifier) writeMemory(ctx context.Context, tx *sql.Tx, before, after Memory) error {
	var rows [][]any
	for key, k := range after {
		if was, ok := before[key]; ok && was == k {
			continue
		}
		body, err := json.Marshal(k)
		if err != nil {
			return err
		}
		rows = append(rows, []any{string(key.Topic), key.ID, string(body)})
	}
	if err := n.insert(ctx, tx, "notify_known (topic, id, body)", "ON CONFLICT (topic, id) DO UPDATE SET body = excluded.body", rows); err != nil {
		return err
	}
	for key := range before {
		if _, ok := after[key]; ok {
			continue
		}
		if err := n.exec(ctx, tx, "DELETE FROM notify_known WHERE topic = ? AND id = ?", string(key.Topic), key.ID); err != nil {
			return err
		}
	}
	return nil
}

// pendingRow is a change that is to be told over a channel.
type pendingRow struct {
	id, channel, recipient string
	ready                  time.Time
	at                     time.Time
	first                  bool
	change                 Change
}

// address says over which channels, to whom and when changes are told.
func (n *Notifier) address(changes []Change, first bool, now time.Time) []pendingRow {
	var out []pendingRow
	for i := range changes {
		c := &changes[i]
		for _, d := range destinations(n.o.Routes, c) {
			ch, ok := n.channel(d.channel)
			if !ok || first && ch.Awake {
				continue
			}
			row := pendingRow{id: newID("p"), channel: ch.Name, at: now, ready: n.o.ready(c, d.digest, now), first: first, change: *c}
			if ch.Personal && n.o.Address(c.Item.Owner) != "" {
				row.recipient = c.Item.Owner
			}
			out = append(out, row)
		}
	}
	return out
}

func (n *Notifier) insertPending(ctx context.Context, tx *sql.Tx, pending []pendingRow) error {
	rows := make([][]any, len(pending))
	for i, p := range pending {
		p.change.Item = bounded(p.change.Item)
		body, err := json.Marshal(p.change)
		if err != nil {
			return err
		}
		first := int64(0)
		if p.first {
			first = 1
		}
		rows[i] = []any{p.id, p.channel, p.recipient, p.ready.UnixMilli(), p.at.UnixMilli(), first, string(body)}
	}
	return n.insert(ctx, tx, "notify_pending (id, channel, recipient, ready, at, first, body)", "", rows)
}

// insert writes many rows with few statements.
func (n *Notifier) insert(ctx context.Context, tx *sql.Tx, into, conflict string, rows [][]any) error {
	const atOnce = 200
	for len(rows) > 0 {
		part := rows[:min(atOnce, len(rows))]
		rows = rows[len(part):]
		one := "(" + strings.Repeat(", ?", len(part[0]))[2:] + ")"
		statement := "INSERT INTO " + into + " VALUES " + strings.Repeat(", "+one, len(part))[2:] + " " + conflict
		var args []any
		for _, r := range part {
			args = append(args, r...)
		}
		if err := n.exec(ctx, tx, statement, args...); err != nil {
			return err
		}
	}
	return nil
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// exec executes a statement and tells how many rows it changed.
func (n *Notifier) exec(ctx context.Context, db execer, statement string, args ...any) error {
	_, err := db.ExecContext(ctx, n.o.DB.Rebind(statement), args...)
	return err
}

// newID makes an id that sorts by the time it was made.
func newID(prefix string) string {
	id, err := uuid.NewV7()
	if err != nil {
		id = uuid.New()
	}
	return prefix + "_" + strings.ReplaceAll(id.String(), "-", "")
}
