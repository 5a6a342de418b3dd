package agent

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// mostJudged bounds how many ticks of a source are looked at in one transaction.
const mostJudged = 5000

// judge looks at each tick once, when it is as old as may be, and notes those
// after which no run of the source began in time. Ticks of a pause are not
// looked at.
func (s *Schedule) judge(ctx context.Context, within time.Duration) error {
	for {
		some := false
		err := s.queue.tx(ctx, func(x tx) (err error) {
			some, err = s.judgeOne(ctx, x, within)
			return err
		})
		if err != nil || !some {
			return err
		}
	}
}

func (s *Schedule) judgeOne(ctx context.Context, x tx, within time.Duration) (bool, error) {
	now, err := s.now(ctx, x)
	if err != nil {
		return false, err
	}
	until := now.Add(-within)
	var source, text string
	var dueMs, atMs int64
	err = x.row(ctx, `SELECT source, definition, judge_due, judge_at FROM agent_schedule
		WHERE active = 1 AND paused_at = 0 AND judge_at <> 0 AND judge_at < ? ORDER BY judge_at, source LIMIT 1`+s.lockRow(true),
		[]any{toMilli(until)}, &source, &text, &dueMs, &atMs)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	sched, err := decodeScheduled(text)
	if err != nil {
		return false, err
	}
	t := tick{due: fromMilli(dueMs), at: fromMilli(atMs)}
	var missed Missed
	for range mostJudged {
		if !t.at.Before(until) {
			break
		}
		begun, err := s.begunWithin(ctx, x, source, t.at, within)
		if err != nil {
			return false, err
		}
		if !begun {
			if missed.Count == 0 {
				missed.First = t.due
			}
			missed.Last = t.due
			missed.Count++
		}
		if t, err = sched.next(t.due); err != nil {
			return false, err
		}
	}
	if missed.Count > 0 {
		if err := s.note(ctx, x, source, missed, now); err != nil {
			return false, err
		}
	}
	_, err = x.exec(ctx, `UPDATE agent_schedule SET judge_due = ?, judge_at = ? WHERE source = ?`, toMilli(t.due), toMilli(t.at), source)
	return true, err
}

// begunWithin reports whether a run of a source began in time after a tick.
func (s *Schedule) begunWithin(ctx context.Context, x tx, source string, at time.Time, within time.Duration) (bool, error) {
	var one int
	err := x.row(ctx, `SELECT 1 FROM agent_run WHERE source = ? AND begun >= ? AND begun <= ? LIMIT 1`,
		[]any{source, toMilli(at), toMilli(at.Add(within))}, &one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (s *Schedule) note(ctx context.Context, x tx, source string, m Missed, now time.Time) error {
	s.log.Warn("a source was not read when its schedule wanted it", "source", source, "times", m.Count, "first", m.First, "last", m.Last)
	_, err := x.exec(ctx, `INSERT INTO agent_missed (source, first, last, count, noted, recorded) VALUES (?, ?, ?, ?, ?, 0)
		ON CONFLICT (source, first) DO NOTHING`, source, toMilli(m.First), toMilli(m.Last), m.Count, toMilli(now))
	return err
}

// unrecorded returns what was missed and is not in the ledger yet.
func (s *Schedule) unrecorded(ctx context.Context) ([]Missed, error) {
	return s.missed(ctx, `recorded = 0`)
}

// markRecorded says that missed times are in the ledger.
func (s *Schedule) markRecorded(ctx context.Context, list []Missed) error {
	return s.queue.tx(ctx, func(x tx) error {
		for _, m := range list {
			if _, err := x.exec(ctx, `UPDATE agent_missed SET recorded = 1 WHERE source = ? AND first = ?`, m.Source, toMilli(m.First)); err != nil {
				return err
			}
		}
		return nil
	})
}
