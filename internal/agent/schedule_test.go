package agent

import (
	"context"
	"database/sql"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/riverqueue/river"

	"github.com/exhibit-aims/exhibit/internal/evidence"
)

func TestNextDue(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for name, c := range map[string]struct {
		s    Scheduled
		from string
		want string
	}{
		"every six hours": {Scheduled{Spec: "0 */6 * * *"}, "2026-11-20T06:00:00Z", "2026-11-20T12:00:00Z"},
		"zone":            {Scheduled{Spec: "0 7 * * *", Zone: berlin}, "2026-11-20T06:00:00Z", "2026-11-21T06:00:00Z"},
		// On 25 October 2026 clocks go back from 03:00 to 02:00: 07:00 is an hour later in UTC.
		"winter time": {Scheduled{Spec: "0 7 * * *", Zone: berlin}, "2026-10-24T05:00:00Z", "2026-10-25T06:00:00Z"},
		"descriptor":  {Scheduled{Spec: "@hourly"}, "2026-11-20T06:30:00Z", "2026-11-20T07:00:00Z"},
	} {
		got, err := c.s.next(at(c.from))
		if err != nil || !got.Equal(at(c.want)) {
			t.Errorf("%s: next = %v, %v, want %s", name, got, err, c.want)
		}
	}
	jittered := Scheduled{Source: "github", Spec: "@hourly", Jitter: 10 * time.Minute}
	first, err := jittered.next(at("2026-11-20T06:30:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	shift := first.Sub(at("2026-11-20T07:00:00Z"))
	if shift <= 0 || shift >= 10*time.Minute {
		t.Errorf("shift %v is not within the jitter", shift)
	}
	second, err := jittered.next(first)
	if err != nil || !second.Equal(first.Add(time.Hour)) {
		t.Errorf("second %v, %v: want an hour after %v", second, err, first)
	}
	for _, spec := range []string{"", "61 * * * *", "0 0 30 2 *"} {
		if got, err := (Scheduled{Source: "x", Spec: spec}).next(at("2026-11-20T06:30:00Z")); err == nil {
			t.Errorf("schedule %q: next = %v, want an error", spec, got)
		}
	}
}

// clock is told the time.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time  { c.mu.Lock(); defer c.mu.Unlock(); return c.t }
func (c *clock) set(t time.Time) { c.mu.Lock(); defer c.mu.Unlock(); c.t = t }

func openTestQueue(t *testing.T, path string, c *clock) *queue {
	t.Helper()
	workers := river.NewWorkers()
	river.AddWorker(workers, &collectWorker{})
	q, err := openQueue(t.Context(), path, workers, Options{Logger: slog.New(slog.DiscardHandler), Clock: c.now, Concurrency: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.close() })
	return q
}

// jobs counts the jobs of each state.
func jobs(t *testing.T, db *sql.DB) map[string]int {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT state, count(*) FROM river_job GROUP BY state`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	out := map[string]int{}
	for rows.Next() {
		var state string
		var n int
		if err := rows.Scan(&state, &n); err != nil {
			t.Fatal(err)
		}
		out[state] = n
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTicks(t *testing.T) {
	ctx := t.Context()
	c := &clock{t: time.Date(2026, 11, 20, 6, 30, 0, 0, time.UTC)}
	path := filepath.Join(t.TempDir(), "jobs.db")
	q := openTestQueue(t, path, c)
	sources := []Scheduled{{Source: "github", Spec: "@hourly"}}
	step := func(what string, want int) {
		t.Helper()
		if err := q.tick(ctx, sources); err != nil {
			t.Fatal(err)
		}
		if got := jobs(t, q.db)["available"]; got != want {
			t.Errorf("%s: %d jobs waiting, want %d", what, got, want)
		}
	}
	finish := func() {
		t.Helper()
		if _, err := q.db.ExecContext(ctx, `UPDATE river_job SET state = 'completed', finalized_at = datetime('now')`); err != nil {
			t.Fatal(err)
		}
	}
	step("a new source is due at once", 1)
	step("and only once", 1)
	finish()
	c.set(c.now().Add(29 * time.Minute))
	step("before the hour", 0)
	c.set(c.now().Add(time.Minute))
	step("on the hour", 1)
	finish()
	c.set(c.now().Add(5 * time.Hour))
	step("five missed hours are one catch-up", 1)
	c.set(c.now().Add(time.Hour))
	step("no second job while one waits", 1)
	finish()
	sources[0].Spec = "0 0 * * *"
	step("a changed schedule waits for its next time", 0)

	// The next process finds the due time and takes over a job that was running.
	if _, err := q.db.ExecContext(ctx, `UPDATE river_job SET state = 'running', finalized_at = NULL WHERE id = (SELECT max(id) FROM river_job)`); err != nil {
		t.Fatal(err)
	}
	q.close()
	q = openTestQueue(t, path, c)
	if diff := cmp.Diff(map[string]int{"available": 1, "completed": 2}, jobs(t, q.db)); diff != "" {
		t.Errorf("after a restart: %s", diff)
	}
}

func TestRunReadsAndStops(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	var mu sync.Mutex
	order := []string{}
	say := func(s string) { mu.Lock(); defer mu.Unlock(); order = append(order, s) }
	o := Options{
		Jobs: filepath.Join(t.TempDir(), "jobs.db"), Schedules: []Scheduled{{Source: "github", Spec: "@yearly"}},
		Concurrency: 2, Tick: 10 * time.Millisecond, StopTimeout: 5 * time.Second,
		Logger: slog.New(slog.DiscardHandler), Clock: time.Now,
		Read: func(_ context.Context, source string) (evidence.Run, error) {
			say("read " + source)
			return evidence.Run{Status: evidence.RunComplete}, nil
		},
		After: func(context.Context, evidence.Run) error {
			say("after")
			stop()
			return nil
		},
	}
	if err := Run(ctx, o); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"read github", "after"}, order); diff != "" {
		t.Error(diff)
	}
}

// TestStopGivesRunsTime holds that a run which is under way when the daemon is
// told to stop ends by itself.
func TestStopGivesRunsTime(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	ended := false
	o := Options{
		Jobs: filepath.Join(t.TempDir(), "jobs.db"), Schedules: []Scheduled{{Source: "slow", Spec: "@yearly"}},
		Concurrency: 1, Tick: 10 * time.Millisecond, StopTimeout: 10 * time.Second,
		Logger: slog.New(slog.DiscardHandler), Clock: time.Now,
		Read: func(ctx context.Context, _ string) (evidence.Run, error) {
			stop()
			select {
			case <-time.After(300 * time.Millisecond):
				ended = true
			case <-ctx.Done():
			}
			return evidence.Run{Status: evidence.RunComplete}, nil
		},
		After: func(context.Context, evidence.Run) error { return nil },
	}
	if err := Run(ctx, o); err != nil {
		t.Fatal(err)
	}
	if !ended {
		t.Error("the run was cut off although there was time")
	}
}
