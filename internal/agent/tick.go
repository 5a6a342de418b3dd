package agent

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/exhibit-aims/exhibit/internal/agent/blackout"
)

// clockSetBack is how far in the future the last tick of a source must be for
// its clock to count as set back. Less than that is waited for, so that a small
// correction makes no tick come twice.
const clockSetBack = time.Hour

// keepHistory is how long ticks, runs and missed times are kept.
const keepHistory = 60 * 24 * time.Hour

// load makes list the schedules that hold. A source not seen before is due at
// once; one whose times changed is due at its next; one that is not in list any
// more rests. The nodes of a fleet share one configuration; where they differ,
// the last to load wins.
func (s *Schedule) load(ctx context.Context, list []Scheduled, node string) error {
	kept := map[string]string{} // definitions of the sources that are in use
	err := s.query(ctx, `SELECT source, definition FROM agent_schedule WHERE active = 1`, func(rows *sql.Rows) error {
		var source, text string
		err := rows.Scan(&source, &text)
		kept[source] = text
		return err
	})
	if err != nil {
		return err
	}
	// A transaction a source: two nodes that load hold no row that the other waits for.
	for _, sched := range list {
		text, err := sched.encode()
		if err != nil {
			return err
		}
		if was, ok := kept[sched.Source]; !ok || was != text {
			if err := s.queue.tx(ctx, func(x tx) error { return s.loadOne(ctx, x, sched, text, node) }); err != nil {
				return err
			}
		}
		delete(kept, sched.Source)
	}
	for source := range kept {
		if err := s.queue.tx(ctx, func(x tx) error {
			_, err := x.exec(ctx, `UPDATE agent_schedule SET active = 0, again_by = '', again_at = 0 WHERE source = ?`, source)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Schedule) loadOne(ctx context.Context, x tx, sched Scheduled, text, node string) error {
	now, err := s.now(ctx, x)
	if err != nil {
		return err
	}
	due := tick{due: now, at: now}
	if sched.Spec == "" {
		due = tick{}
	}
	n, err := x.exec(ctx, `INSERT INTO agent_schedule (source, definition, active, priority, next_due, next_at, ticked_to, judge_due, judge_at, loaded_by, loaded_at)
		VALUES (?, ?, 1, ?, ?, ?, 0, ?, ?, ?, ?) ON CONFLICT (source) DO NOTHING`, sched.Source, text, sched.priority(),
		toMilli(due.due), toMilli(due.at), toMilli(due.due), toMilli(due.at), node, toMilli(now))
	if err != nil || n == 1 {
		return err
	}
	var kept, by string
	var active, loaded int64
	err = x.row(ctx, `SELECT definition, active, loaded_by, loaded_at FROM agent_schedule WHERE source = ?`+s.lockRow(false), []any{sched.Source},
		&kept, &active, &by, &loaded)
	if err != nil || (kept == text && active == 1) {
		return err
	}
	if kept != text {
		s.log.Info("the schedule of a source changed", "source", sched.Source, "from", kept, "to", text, "loaded_by", by, "loaded_at", fromMilli(loaded))
	}
	next := tick{}
	if sched.Spec != "" {
		if next, err = sched.next(now); err != nil {
			return err
		}
	}
	_, err = x.exec(ctx, `UPDATE agent_schedule SET definition = ?, active = 1, priority = ?, next_due = ?, next_at = ?, judge_due = ?, judge_at = ?, loaded_by = ?, loaded_at = ?
		WHERE source = ?`, text, sched.priority(), toMilli(next.due), toMilli(next.at), toMilli(next.due), toMilli(next.at), node, toMilli(now), sched.Source)
	return err
}

// tick makes a job of each source that is due and moves its next time on, in one
// transaction a source. However many ticks passed, a source gets one job: the
// catch-up. Of many nodes, one makes it.
func (s *Schedule) tick(ctx context.Context, node string) error {
	for {
		some := false
		err := s.queue.tx(ctx, func(x tx) (err error) {
			some, err = s.tickOne(ctx, x, node)
			return err
		})
		if err != nil || !some {
			return err
		}
	}
}

func (s *Schedule) tickOne(ctx context.Context, x tx, node string) (bool, error) {
	now, err := s.now(ctx, x)
	if err != nil {
		return false, err
	}
	var source, text string
	var dueMs, tickedTo int64
	err = x.row(ctx, `SELECT source, definition, next_due, ticked_to FROM agent_schedule
		WHERE active = 1 AND paused_at = 0 AND next_at <> 0 AND next_at <= ? ORDER BY priority, next_at, source LIMIT 1`+s.lockRow(true),
		[]any{toMilli(now)}, &source, &text, &dueMs, &tickedTo)
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
	free, err := blackout.Until(sched.Blackout, now)
	if err != nil {
		return false, err
	}
	if free.After(now) { // it comes late, or anew, inside a window
		_, err = x.exec(ctx, `UPDATE agent_schedule SET next_at = ? WHERE source = ?`, toMilli(free), source)
		return true, err
	}
	due := fromMilli(dueMs)
	if err := s.makeJob(ctx, x, sched, due, now, node); err != nil {
		return false, err
	}
	// From the later of both: what was ticked before a small step back of the
	// clock is not ticked again.
	upTo := now
	if due.After(upTo) {
		upTo = due
	}
	if fromMilli(tickedTo).After(upTo) {
		upTo = fromMilli(tickedTo)
	}
	next, err := sched.next(upTo)
	if err != nil {
		return false, err
	}
	_, err = x.exec(ctx, `UPDATE agent_schedule SET next_due = ?, next_at = ?, ticked_to = ? WHERE source = ?`,
		toMilli(next.due), toMilli(next.at), toMilli(upTo), source)
	s.log.Debug("source is due", "source", source, "due", due, "next", next.due)
	return true, err
}

// makeJob puts the tick on the list and makes its job. One that waits or runs
// already takes the tick in.
func (s *Schedule) makeJob(ctx context.Context, x tx, sched Scheduled, due, now time.Time, node string) error {
	n, err := x.exec(ctx, `INSERT INTO agent_tick (source, due, made, node, job, shared) VALUES (?, ?, ?, ?, 0, 0) ON CONFLICT (source, due) DO NOTHING`,
		sched.Source, toMilli(due), toMilli(now), node)
	if err != nil {
		return err
	}
	if n == 0 {
		s.log.Warn("a tick came due that was made before; it is not made twice", "source", sched.Source, "due", due)
		return nil
	}
	res, err := x.insert(ctx, collectJob{Source: sched.Source, Due: due}, sched.priority())
	if err != nil {
		return err
	}
	shared := 0
	if res.UniqueSkippedAsDuplicate {
		shared = 1
	}
	_, err = x.exec(ctx, `UPDATE agent_tick SET job = ?, shared = ? WHERE source = ? AND due = ?`, res.Job.ID, shared, sched.Source, toMilli(due))
	return err
}

// mendClock finds sources whose times lie in a future that the clock has left:
// it was set back. They go on from now.
func (s *Schedule) mendClock(ctx context.Context) error {
	return s.queue.tx(ctx, func(x tx) error {
		now, err := s.now(ctx, x)
		if err != nil {
			return err
		}
		for {
			var source string
			var to int64
			err := x.row(ctx, `SELECT source, ticked_to FROM agent_schedule WHERE active = 1 AND next_at <> 0 AND ticked_to > ? ORDER BY source LIMIT 1`+s.lockRow(true),
				[]any{toMilli(now.Add(clockSetBack))}, &source, &to)
			if errors.Is(err, sql.ErrNoRows) {
				return nil
			}
			if err != nil {
				return err
			}
			s.log.Warn("the clock was set back: the source goes on from now", "source", source, "had_ticked_to", fromMilli(to), "now", now)
			sched, err := s.kept(ctx, x, source)
			if err != nil {
				return err
			}
			next, err := sched.next(now)
			if err != nil {
				return err
			}
			if _, err := x.exec(ctx, `DELETE FROM agent_tick WHERE source = ? AND due > ?`, source, toMilli(now)); err != nil {
				return err
			}
			if _, err := x.exec(ctx, `UPDATE agent_schedule SET next_due = ?, next_at = ?, ticked_to = ?, judge_due = ?, judge_at = ? WHERE source = ?`,
				toMilli(next.due), toMilli(next.at), toMilli(now), toMilli(next.due), toMilli(next.at), source); err != nil {
				return err
			}
		}
	})
}

// prune forgets what is old.
func (s *Schedule) prune(ctx context.Context) error {
	return s.queue.tx(ctx, func(x tx) error {
		now, err := s.now(ctx, x)
		if err != nil {
			return err
		}
		old := toMilli(now.Add(-keepHistory))
		for _, q := range []string{
			`DELETE FROM agent_tick WHERE made < ?`,
			`DELETE FROM agent_run WHERE ended <> 0 AND ended < ?`,
			`DELETE FROM agent_missed WHERE noted < ? AND recorded = 1`,
		} {
			if _, err := x.exec(ctx, q, old); err != nil {
				return err
			}
		}
		return nil
	})
}
