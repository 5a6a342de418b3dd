package agent

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// SourceStatus is what is known of a source.
type SourceStatus struct {
	Source    string    `json:"source"`
	Connector string    `json:"connector,omitempty"`
	Spec      string    `json:"schedule,omitempty"` // empty: read only when asked
	Zone      string    `json:"zone,omitempty"`
	Blackout  []string  `json:"blackout,omitempty"`
	Priority  int       `json:"priority"`
	Budget    *Budget   `json:"budget,omitempty"`
	Paused    *Paused   `json:"paused,omitempty"`
	Last      *LastRun  `json:"last,omitempty"`    // that ended
	Running   *LastRun  `json:"running,omitempty"` // under way
	Waiting   *Waiting  `json:"waiting,omitempty"`
	NextDue   time.Time `json:"next_due,omitzero"` // zero: never, or only when asked
	NextAt    time.Time `json:"next_at,omitzero"`  // after NextDue if a blackout puts it off
	Missed    []Missed  `json:"missed,omitempty"`  // of the last seven days, oldest first
}

// Paused is who stopped a source's schedule, and why.
type Paused struct {
	By      string    `json:"by"`
	Because string    `json:"because"`
	At      time.Time `json:"at"`
}

// LastRun is a run as the agent made it. Status is that of the run in the
// ledger, StatusError if it could not be made, or StatusLost if its node died.
type LastRun struct {
	Run      string    `json:"run,omitempty"`
	Status   string    `json:"status,omitempty"`
	Error    string    `json:"error,omitempty"`
	Node     string    `json:"node"`
	AskedBy  string    `json:"asked_by,omitempty"`
	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished,omitzero"`
}

// Statuses of a LastRun that no run in the ledger has.
const (
	StatusError = "error"
	StatusLost  = "lost"
)

// Waiting is a run that was asked for and has not begun.
type Waiting struct {
	Due      time.Time `json:"due"`
	At       time.Time `json:"at"` // not before
	AskedBy  string    `json:"asked_by,omitempty"`
	Attempts int       `json:"attempts"` // that were made in vain
}

// Missed are times of a source's schedule at which no run began.
type Missed struct {
	Source string    `json:"source"`
	First  time.Time `json:"first_due"`
	Last   time.Time `json:"last_due"`
	Count  int       `json:"count"`
	Noted  time.Time `json:"noted_at"`
}

// missedShown is how long Status tells of times that were missed.
const missedShown = 7 * 24 * time.Hour

// Status returns what is known of each source, by name.
func (s *Schedule) Status(ctx context.Context) ([]SourceStatus, error) {
	list, err := s.sources(ctx)
	if err != nil {
		return nil, err
	}
	at := make(map[string]*SourceStatus, len(list))
	for i := range list {
		at[list[i].Source] = &list[i]
	}
	if err := s.addRuns(ctx, at); err != nil {
		return nil, err
	}
	if err := s.addWaiting(ctx, at); err != nil {
		return nil, err
	}
	missed, err := s.Missed(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range missed {
		if st := at[m.Source]; st != nil {
			st.Missed = append(st.Missed, m)
		}
	}
	return list, nil
}

// query reads all rows, so that a database with one connection is free again.
func (s *Schedule) query(ctx context.Context, query string, scan func(rows *sql.Rows) error, args ...any) (err error) {
	rows, err := s.db.QueryContext(ctx, s.db.Rebind(query), args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (s *Schedule) sources(ctx context.Context) ([]SourceStatus, error) {
	var out []SourceStatus
	err := s.query(ctx, `SELECT definition, next_due, next_at, paused_by, paused_because, paused_at, again_by, again_at FROM agent_schedule
		WHERE active = 1 ORDER BY source`, func(rows *sql.Rows) error {
		var text, by, because, asked string
		var due, at, paused, askedAt int64
		if err := rows.Scan(&text, &due, &at, &by, &because, &paused, &asked, &askedAt); err != nil {
			return err
		}
		sched, err := decodeScheduled(text)
		if err != nil {
			return err
		}
		st := SourceStatus{Source: sched.Source, Connector: sched.Connector, Spec: sched.Spec, Priority: sched.priority(),
			NextDue: fromMilli(due), NextAt: fromMilli(at), Waiting: again(asked, askedAt)}
		if sched.Spec != "" {
			st.Zone = sched.zone().String()
		}
		for _, w := range sched.Blackout {
			st.Blackout = append(st.Blackout, w.String())
		}
		if sched.Budget.Name != "" {
			st.Budget = &sched.Budget
		}
		if paused != 0 {
			st.Paused = &Paused{By: by, Because: because, At: fromMilli(paused)}
		}
		out = append(out, st)
		return nil
	})
	return out, err
}

// addRuns adds the newest run of each source that ended, and the one under way.
func (s *Schedule) addRuns(ctx context.Context, at map[string]*SourceStatus) error {
	return s.query(ctx, `SELECT r.source, r.run, r.status, r.error, r.node, r.asked_by, r.begun, r.ended FROM agent_run r
		WHERE r.ended = 0 OR r.begun = (SELECT max(o.begun) FROM agent_run o WHERE o.source = r.source AND o.ended <> 0)`, func(rows *sql.Rows) error {
		var source string
		var run LastRun
		var begun, ended int64
		if err := rows.Scan(&source, &run.Run, &run.Status, &run.Error, &run.Node, &run.AskedBy, &begun, &ended); err != nil {
			return err
		}
		run.Started, run.Finished = fromMilli(begun), fromMilli(ended)
		st := at[source]
		switch {
		case st == nil:
		case ended == 0:
			st.Running = &run
		default:
			st.Last = &run
		}
		return nil
	})
}

func (s *Schedule) addWaiting(ctx context.Context, at map[string]*SourceStatus) error {
	scheduled := "scheduled_at"
	if s.db.Dialect == "postgres" {
		scheduled = `to_char(scheduled_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')`
	}
	return s.query(ctx, `SELECT `+s.arg("source")+`, `+s.arg("due")+`, COALESCE(`+s.arg("asked_by")+`, ''), `+scheduled+`, attempt
		FROM river_job WHERE kind = 'collect' AND state IN ('available', 'scheduled', 'retryable', 'pending')`, func(rows *sql.Rows) error {
		var source, due, scheduledAt string
		var w Waiting
		if err := rows.Scan(&source, &due, &w.AskedBy, &scheduledAt, &w.Attempts); err != nil {
			return err
		}
		var err error
		if w.Due, err = time.Parse(time.RFC3339, due); err != nil {
			return err
		}
		if w.At, err = parseSQLTime(scheduledAt); err != nil {
			return err
		}
		if st := at[source]; st != nil {
			st.Waiting = &w
		}
		return nil
	})
}

// parseSQLTime reads a time as the job library keeps it.
func parseSQLTime(s string) (time.Time, error) {
	if t, err := time.Parse("2006-01-02 15:04:05.999999", s); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	return t.UTC(), err
}

// Missed returns the times of the last seven days at which no run began.
func (s *Schedule) Missed(ctx context.Context) ([]Missed, error) {
	var now time.Time
	if err := s.queue.tx(ctx, func(x tx) (err error) { now, err = s.now(ctx, x); return err }); err != nil {
		return nil, err
	}
	return s.missed(ctx, `noted > ?`, toMilli(now.Add(-missedShown)))
}

func (s *Schedule) missed(ctx context.Context, where string, args ...any) ([]Missed, error) {
	var out []Missed
	err := s.query(ctx, `SELECT source, first, last, count, noted FROM agent_missed WHERE `+where+` ORDER BY source, first`, func(rows *sql.Rows) error {
		var m Missed
		var first, last, noted int64
		if err := rows.Scan(&m.Source, &first, &last, &m.Count, &noted); err != nil {
			return err
		}
		m.First, m.Last, m.Noted = fromMilli(first), fromMilli(last), fromMilli(noted)
		out = append(out, m)
		return nil
	}, args...)
	return out, err
}
