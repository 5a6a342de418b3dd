package agent

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/exhibit-aims/exhibit/internal/opsdb"
)

// NodeStatus is what an agent says of itself.
type NodeStatus struct {
	Node         string `json:"node"`
	Host         string `json:"host"`
	Version      string `json:"version"`
	ConfigDigest string `json:"config_sha256,omitempty"`

	Connectors map[string]string `json:"connectors,omitempty"` // digests of those installed, by name

	Started    time.Time     `json:"started"`
	Seen       time.Time     `json:"seen"`
	Skew       time.Duration `json:"-"` // its clock against the database's
	SkewMillis int64         `json:"clock_skew_ms"`
}

// Nodes returns the agents that are on the list, by name. One that died is
// taken off it by the others, or by the next start.
func (s *Schedule) Nodes(ctx context.Context) ([]NodeStatus, error) {
	var out []NodeStatus
	err := s.query(ctx, `SELECT node, host, version, config, connectors, started, seen, skew FROM agent_node ORDER BY node`, func(rows *sql.Rows) error {
		var n NodeStatus
		var started, seen int64
		var connectors string
		if err := rows.Scan(&n.Node, &n.Host, &n.Version, &n.ConfigDigest, &connectors, &started, &seen, &n.SkewMillis); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(connectors), &n.Connectors); err != nil {
			return fmt.Errorf("connectors of node %s: %w", n.Node, err)
		}
		n.Started, n.Seen, n.Skew = fromMilli(started), fromMilli(seen), time.Duration(n.SkewMillis)*time.Millisecond
		out = append(out, n)
		return nil
	})
	return out, err
}

// enter puts this node on the list, and takes over what dead ones left. On a
// SQLite file there is one daemon: every other on the list is dead.
func (d *daemon) enter(ctx context.Context) error {
	if d.o.DB.Dialect == opsdb.SQLite {
		err := d.s.queue.tx(ctx, func(x tx) error {
			_, err := x.exec(ctx, `DELETE FROM agent_node WHERE node <> ?`, d.o.Node)
			return err
		})
		if err != nil {
			return err
		}
	}
	return d.beat(ctx)
}

// beat says that this node lives, and looks after those that do not.
func (d *daemon) beat(ctx context.Context) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	connectors, err := json.Marshal(d.o.Connectors)
	if err != nil {
		return err
	}
	asked := time.Now()
	err = d.s.queue.tx(ctx, func(x tx) error {
		now, err := d.s.now(ctx, x)
		if err != nil {
			return err
		}
		skew := d.skew(asked, now)
		_, err = x.exec(ctx, `INSERT INTO agent_node (node, host, version, config, connectors, started, seen, skew) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (node) DO UPDATE SET seen = excluded.seen, skew = excluded.skew`,
			d.o.Node, host, d.o.Version, d.o.ConfigDigest, string(connectors), toMilli(now), toMilli(now), skew.Milliseconds())
		return err
	})
	if err != nil {
		return err
	}
	if err := d.takeOver(ctx); err != nil {
		return err
	}
	if err := d.s.mendClock(ctx); err != nil {
		return err
	}
	if time.Since(d.pruned) < time.Hour {
		return nil
	}
	d.pruned = time.Now()
	return d.s.prune(ctx)
}

// skew is how far this machine's clock is ahead of the database's. How long the
// database took to answer is within its error.
func (d *daemon) skew(asked, there time.Time) time.Duration {
	if d.o.Clock != nil || d.o.DB.Dialect == opsdb.SQLite {
		return 0 // there is no other clock
	}
	took := time.Since(asked)
	skew := asked.Add(took / 2).Round(0).Sub(there)
	if skew.Abs() <= took {
		return 0
	}
	return skew
}

// takeOver ends what nodes left that are silent for too long: their jobs can be
// worked again, their parts of budgets are free, their runs are lost. The runs
// in the ledger are closed by who reads the source next.
func (d *daemon) takeOver(ctx context.Context) error {
	var dead, jobs int64
	err := d.s.queue.tx(ctx, func(x tx) error {
		now, err := d.s.now(ctx, x)
		if err != nil {
			return err
		}
		if dead, err = x.exec(ctx, `DELETE FROM agent_node WHERE seen < ? AND node <> ?`, toMilli(now.Add(-d.o.DeadAfter)), d.o.Node); err != nil {
			return err
		}
		if _, err = x.exec(ctx, `UPDATE agent_run SET ended = ?, status = '`+StatusLost+`', error = 'the node ended before the run did'
			WHERE ended = 0 AND node NOT IN (SELECT node FROM agent_node)`, toMilli(now)); err != nil {
			return err
		}
		if _, err = x.exec(ctx, `DELETE FROM agent_lease WHERE node NOT IN (SELECT node FROM agent_node)`); err != nil {
			return err
		}
		last := `json_extract(attempted_by, '$[#-1]')`
		if d.o.DB.Dialect == opsdb.PostgreSQL {
			last = `attempted_by[array_upper(attempted_by, 1)]`
		}
		jobs, err = x.exec(ctx, `UPDATE river_job SET state = 'available', attempt = CASE WHEN attempt > 0 THEN attempt - 1 ELSE 0 END
			WHERE kind = 'collect' AND state = 'running' AND `+last+` NOT IN (SELECT node FROM agent_node)`)
		return err
	})
	if err == nil && (dead > 0 || jobs > 0) {
		d.o.Logger.Warn("took over from a node that fell silent", "nodes", dead, "runs", jobs)
	}
	return err
}

// leave takes this node off the list.
func (d *daemon) leave(ctx context.Context) error {
	err := d.s.queue.tx(ctx, func(x tx) error {
		_, err := x.exec(ctx, `DELETE FROM agent_node WHERE node = ?`, d.o.Node)
		return err
	})
	if err != nil {
		return err
	}
	return d.takeOver(ctx)
}
