package agent

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/riverqueue/river/rivertype"
)

// RunNow asks for a run of a source before all others, also of one that is
// paused. It begins after it was asked for: one under way is followed by
// another. waiting says that one waits already, and nothing was added.
func (s *Schedule) RunNow(ctx context.Context, source, by string) (waiting bool, err error) {
	if strings.TrimSpace(by) == "" {
		return false, ErrReason
	}
	err = s.queue.tx(ctx, func(x tx) error {
		if _, err := s.hold(ctx, x, source); err != nil {
			return err
		}
		now, err := s.now(ctx, x)
		if err != nil {
			return err
		}
		added, running, err := s.ask(ctx, x, collectJob{Source: source, Due: now, AskedBy: by})
		if err != nil || added {
			return err
		}
		if !running {
			waiting = true
			return nil
		}
		n, err := x.exec(ctx, `UPDATE agent_schedule SET again_by = ?, again_at = ? WHERE source = ? AND again_at = 0`, by, toMilli(now), source)
		waiting = n == 0
		return err
	})
	return waiting, err
}

// ask makes a job unless there is one, which may run already.
func (s *Schedule) ask(ctx context.Context, x tx, job collectJob) (added, running bool, err error) {
	res, err := x.insert(ctx, job, 1)
	if err != nil {
		return false, false, err
	}
	return !res.UniqueSkippedAsDuplicate, res.Job.State == rivertype.JobStateRunning, nil
}

// tickAsked makes the jobs that were asked for while another one was under way,
// once that has ended.
func (s *Schedule) tickAsked(ctx context.Context) error {
	var sources []string
	err := s.query(ctx, `SELECT source FROM agent_schedule WHERE active = 1 AND again_at <> 0 ORDER BY again_at, source`, func(rows *sql.Rows) error {
		var source string
		err := rows.Scan(&source)
		sources = append(sources, source)
		return err
	})
	for _, source := range sources {
		if err == nil {
			err = s.queue.tx(ctx, func(x tx) error { return s.tickAskedOne(ctx, x, source) })
		}
	}
	return err
}

func (s *Schedule) tickAskedOne(ctx context.Context, x tx, source string) error {
	var by string
	var at int64
	err := x.row(ctx, `SELECT again_by, again_at FROM agent_schedule WHERE source = ? AND again_at <> 0`+s.lockRow(true), []any{source}, &by, &at)
	if errors.Is(err, sql.ErrNoRows) { // another node has it
		return nil
	}
	if err != nil {
		return err
	}
	_, running, err := s.ask(ctx, x, collectJob{Source: source, Due: fromMilli(at), AskedBy: by})
	if err != nil || running {
		return err
	}
	_, err = x.exec(ctx, `UPDATE agent_schedule SET again_by = '', again_at = 0 WHERE source = ?`, source)
	return err
}

// again is the run that was asked for while one was under way.
func again(by string, at int64) *Waiting {
	if at == 0 {
		return nil
	}
	return &Waiting{Due: fromMilli(at), At: fromMilli(at), AskedBy: by}
}
