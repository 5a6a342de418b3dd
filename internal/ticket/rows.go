package ticket

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// State is where a ticket stands.
type State string

// States of a row.
const (
	Opening      State = "opening"        // asked for, no answer yet
	Open         State = "open"           //
	Closed       State = "closed"         // by us, on evidence
	ClosedByHand State = "closed_by_hand" // by a person, while the finding is open
	OpenByHand   State = "open_by_hand"   // by a person, while the finding is not
	Gone         State = "gone"           // deleted or moved
	Refused      State = "refused"        // the tracker would not have it
)

// Row is what is known of a finding's ticket.
type Row struct {
	Tracker string     `json:"tracker"`
	Finding string     `json:"finding"`
	Key     string     `json:"key,omitempty"`
	URL     string     `json:"url,omitempty"`
	State   State      `json:"state"`
	Created *time.Time `json:"created_at,omitempty"`
	Updated *time.Time `json:"updated_at,omitempty"`
	Note    string     `json:"note,omitempty"`

	intent   int64 // ms: when it was asked for
	turn     int64 // how often it was changed
	digest   string
	facts    string
	said     string
	saying   string
	sayingAt int64
	setting  State // what it was asked to become, no answer yet
}

const rowColumns = "tracker, finding, ticket_key, url, state, intent, created, updated, turn, digest, facts, said, saying, saying_at, setting, note"

// rows reads what is known of a tracker's tickets; of all trackers if it is
// empty.
func (s *Syncer) rows(ctx context.Context, tracker string) ([]*Row, error) {
	rows, err := s.o.DB.QueryContext(ctx, s.o.DB.Rebind("SELECT "+rowColumns+" FROM ticket WHERE tracker = ? OR ? = '' ORDER BY tracker, finding"), tracker, tracker)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*Row
	for rows.Next() {
		var r Row
		var created, updated int64
		if err := rows.Scan(&r.Tracker, &r.Finding, &r.Key, &r.URL, &r.State, &r.intent, &created, &updated, &r.turn, &r.digest, &r.facts, &r.said, &r.saying, &r.sayingAt, &r.setting, &r.Note); err != nil {
			return nil, err
		}
		r.Created, r.Updated = instant(created), instant(updated)
		out = append(out, &r)
	}
	return out, rows.Err()
}

// save writes a row.
func (s *Syncer) save(ctx context.Context, r *Row) error {
	_, err := s.o.DB.ExecContext(ctx, s.o.DB.Rebind(`INSERT INTO ticket (`+rowColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (tracker, finding) DO UPDATE SET ticket_key = excluded.ticket_key, url = excluded.url, state = excluded.state, intent = excluded.intent,
		created = excluded.created, updated = excluded.updated, turn = excluded.turn, digest = excluded.digest, facts = excluded.facts, said = excluded.said, saying = excluded.saying,
		saying_at = excluded.saying_at, setting = excluded.setting, note = excluded.note`),
		r.Tracker, r.Finding, r.Key, r.URL, string(r.State), r.intent, millis(r.Created), millis(r.Updated), r.turn, r.digest, r.facts, r.said, r.saying, r.sayingAt, string(r.setting), r.Note)
	if err != nil {
		return fmt.Errorf("ticket of %s: %w", r.Finding, err)
	}
	return nil
}

// forget removes a row: nothing was opened.
func (s *Syncer) forget(ctx context.Context, r *Row) error {
	_, err := s.o.DB.ExecContext(ctx, s.o.DB.Rebind("DELETE FROM ticket WHERE tracker = ? AND finding = ?"), r.Tracker, r.Finding)
	return err
}

// standing is what is known of a tracker.
type standing struct {
	listed, notBefore int64
	failures          int
}

// lease takes a tracker for this node. ok is false where another node has it.
func (s *Syncer) lease(ctx context.Context, tracker string, now time.Time) (st standing, ok bool, err error) {
	err = s.o.DB.Tx(ctx, func(tx *sql.Tx) error {
		ok = false
		if _, err := tx.ExecContext(ctx, s.o.DB.Rebind(`INSERT INTO ticket_tracker (name, lease_by, lease_until, listed, synced, failures, not_before, error, waiting)
			VALUES (?, '', 0, 0, 0, 0, 0, '', 0) ON CONFLICT (name) DO NOTHING`), tracker); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, s.o.DB.Rebind("UPDATE ticket_tracker SET lease_by = ?, lease_until = ? WHERE name = ? AND (lease_by = ? OR lease_until <= ? OR lease_until > ?)"),
			s.o.Node, now.Add(s.o.Lease).UnixMilli(), tracker, s.o.Node, now.UnixMilli(), now.Add(2*s.o.Lease).UnixMilli())
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		ok = true
		return tx.QueryRowContext(ctx, s.o.DB.Rebind("SELECT listed, not_before, failures FROM ticket_tracker WHERE name = ?"), tracker).Scan(&st.listed, &st.notBefore, &st.failures)
	})
	return st, ok, err
}

// finish writes down how a look at a tracker ended, and gives it back.
func (s *Syncer) finish(ctx context.Context, tracker string, r *Result, st standing, now time.Time) error {
	failures, before, text := 0, int64(0), ""
	if r.Err != nil {
		failures, text = st.failures+1, clean(r.Err.Error(), 300)
		wait := min(time.Minute<<min(st.failures, 6), time.Hour)
		var w *Wait
		if errors.As(r.Err, &w) && w.For > 0 {
			wait = min(w.For, 24*time.Hour)
		}
		before = now.Add(wait).UnixMilli()
	}
	_, err := s.o.DB.ExecContext(ctx, s.o.DB.Rebind(`UPDATE ticket_tracker SET lease_by = '', lease_until = 0, listed = ?, synced = ?, failures = ?, not_before = ?, error = ?, waiting = ?
		WHERE name = ? AND lease_by = ?`), st.listed, now.UnixMilli(), failures, before, text, r.Waiting, tracker, s.o.Node)
	return err
}

// TrackerStatus is how a tracker does.
type TrackerStatus struct {
	Name      string     `json:"name"`
	Synced    *time.Time `json:"synced_at,omitempty"`
	Failures  int        `json:"failures"`
	NotBefore *time.Time `json:"not_before,omitempty"`
	Error     string     `json:"error,omitempty"`
	Waiting   int        `json:"waiting"` // findings whose ticket waits for the next hour
}

// List returns what is known of all tickets and trackers.
func (s *Syncer) List(ctx context.Context) ([]*Row, []TrackerStatus, error) {
	out, err := s.rows(ctx, "")
	if err != nil {
		return nil, nil, fmt.Errorf("tickets: %w", err)
	}
	rows, err := s.o.DB.QueryContext(ctx, "SELECT name, synced, failures, not_before, error, waiting FROM ticket_tracker ORDER BY name")
	if err != nil {
		return nil, nil, fmt.Errorf("tickets: %w", err)
	}
	defer rows.Close()
	var trackers []TrackerStatus
	for rows.Next() {
		var t TrackerStatus
		var synced, before int64
		if err := rows.Scan(&t.Name, &synced, &t.Failures, &before, &t.Error, &t.Waiting); err != nil {
			return nil, nil, fmt.Errorf("tickets: %w", err)
		}
		t.Synced, t.NotBefore = instant(synced), instant(before)
		trackers = append(trackers, t)
	}
	return out, trackers, rows.Err()
}

func instant(ms int64) *time.Time {
	if ms == 0 {
		return nil
	}
	t := time.UnixMilli(ms).UTC()
	return &t
}

func millis(t *time.Time) int64 {
	if t == nil {
		return 0
	}
	return t.UnixMilli()
}
