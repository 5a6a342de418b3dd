package agent

import (
	"context"
	"database/sql"
	"errors"
)

// lease takes a part of the budget of the source's credential for one run: half
// of what is free, and at least an even part for each source that shares it. ok
// is false while less than that is free. A part is the run's until it ends: a
// connector is told once, when it starts, how many requests a second it may make.
func (s *Schedule) lease(ctx context.Context, id, node string, sched Scheduled) (rate float64, ok bool, err error) {
	b := sched.Budget
	if b.Name == "" || b.rate() <= 0 {
		return 0, true, nil
	}
	err = s.queue.tx(ctx, func(x tx) error {
		if err := s.holdBudget(ctx, x, b); err != nil {
			return err
		}
		now, err := s.now(ctx, x)
		if err != nil {
			return err
		}
		var used float64
		if err := x.row(ctx, `SELECT COALESCE(SUM(rate), 0.0) FROM agent_lease WHERE budget = ?`, []any{b.Name}, &used); err != nil {
			return err
		}
		sharing, err := s.sharing(ctx, x, b.Name)
		if err != nil {
			return err
		}
		total := b.rate()
		least := total / float64(max(sharing, 1))
		free := total - used
		if ok = free >= least*0.999; !ok { // sums of fractions are not exact
			return nil
		}
		rate = min(free, max(least, free/2))
		_, err = x.exec(ctx, `INSERT INTO agent_lease (id, budget, source, node, rate, since) VALUES (?, ?, ?, ?, ?, ?)`,
			id, b.Name, sched.Source, node, rate, toMilli(now))
		return err
	})
	return rate, ok, err
}

// holdBudget locks the row of a budget, so that leases are given one at a time.
func (s *Schedule) holdBudget(ctx context.Context, x tx, b Budget) error {
	if _, err := x.exec(ctx, `INSERT INTO agent_budget (name, requests, per) VALUES (?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET requests = excluded.requests, per = excluded.per`, b.Name, b.Requests, b.Per.Milliseconds()); err != nil {
		return err
	}
	var name string
	err := x.row(ctx, `SELECT name FROM agent_budget WHERE name = ?`+s.lockRow(false), []any{b.Name}, &name)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// sharing counts the sources that are read under a budget.
func (s *Schedule) sharing(ctx context.Context, x tx, budget string) (int, error) {
	var n int
	field := `json_extract(definition, '$.budget.name')`
	if s.db.Dialect == "postgres" {
		field = `definition::jsonb #>> '{budget,name}'`
	}
	err := x.row(ctx, `SELECT count(*) FROM agent_schedule WHERE active = 1 AND `+field+` = ?`, []any{budget}, &n)
	return n, err
}

// giveBack ends the lease of a run.
func (s *Schedule) giveBack(ctx context.Context, id string, sched Scheduled) error {
	if sched.Budget.Name == "" {
		return nil
	}
	return s.queue.tx(ctx, func(x tx) error {
		_, err := x.exec(ctx, `DELETE FROM agent_lease WHERE id = ?`, id)
		return err
	})
}
