package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/riverqueue/river"

	"github.com/exhibit-aims/exhibit/internal/agent/blackout"
	"github.com/exhibit-aims/exhibit/internal/opsdb"
)

// clock is told the time.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time      { c.mu.Lock(); defer c.mu.Unlock(); return c.t }
func (c *clock) set(t time.Time)     { c.mu.Lock(); defer c.mu.Unlock(); c.t = t }
func (c *clock) add(d time.Duration) { c.set(c.now().Add(d)) }

// both runs a test on each system; open gives further connections to one database.
func both(t *testing.T, f func(t *testing.T, open func() *opsdb.DB)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), opsdb.FileName)
	opened := func(t *testing.T, db *opsdb.DB, err error) *opsdb.DB {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	}
	t.Run("sqlite", func(t *testing.T) {
		f(t, func() *opsdb.DB { db, err := opsdb.OpenFile(t.Context(), path); return opened(t, db, err) })
	})
	t.Run("postgres", func(t *testing.T) {
		url := server.Database(t)
		f(t, func() *opsdb.DB { db, err := opsdb.OpenURL(t.Context(), url); return opened(t, db, err) })
	})
}

var nothing = slog.New(slog.DiscardHandler)

// testSchedule is a Schedule that only inserts jobs, at the time that c tells.
func testSchedule(t *testing.T, db *opsdb.DB, c *clock) *Schedule {
	t.Helper()
	s, err := openSchedule(t.Context(), db, &river.Config{Logger: nothing}, nothing, c.now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// count asks for a number.
func count(t *testing.T, db *opsdb.DB, query string, args ...any) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), db.Rebind(query), args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func mustExec(t *testing.T, db *opsdb.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), db.Rebind(query), args...); err != nil {
		t.Fatal(err)
	}
}

func waitingJobs(t *testing.T, db *opsdb.DB) int {
	t.Helper()
	return count(t, db, `SELECT count(*) FROM river_job WHERE state = 'available'`)
}

// finish ends every job that waits.
func finish(t *testing.T, db *opsdb.DB) {
	t.Helper()
	mustExec(t, db, `UPDATE river_job SET state = 'completed', finalized_at = CURRENT_TIMESTAMP WHERE finalized_at IS NULL`)
}

func TestTicks(t *testing.T) {
	both(t, func(t *testing.T, open func() *opsdb.DB) {
		ctx := t.Context()
		c := &clock{t: time.Date(2026, 11, 20, 6, 30, 0, 0, time.UTC)}
		db := open()
		s := testSchedule(t, db, c)
		sources := []Scheduled{{Source: "github", Spec: "@hourly"}, {Source: "asked", Spec: ""}}
		step := func(what string, want int) {
			t.Helper()
			if err := errors.Join(s.load(ctx, sources, "n"), s.tick(ctx, "n"), s.mendClock(ctx)); err != nil {
				t.Fatal(err)
			}
			if got := waitingJobs(t, db); got != want {
				t.Errorf("%s: %d jobs waiting, want %d", what, got, want)
			}
		}
		step("a new source is due at once", 1)
		step("and only once", 1)
		finish(t, db)
		c.add(29 * time.Minute)
		step("before the hour", 0)
		c.add(time.Minute)
		step("on the hour", 1)
		finish(t, db)
		c.add(5 * time.Hour)
		step("five missed hours are one catch-up", 1)
		c.add(time.Hour)
		step("no second job while one waits", 1)
		if n := count(t, db, `SELECT count(*) FROM agent_tick WHERE shared = 1`); n != 1 {
			t.Errorf("%d ticks were taken in by a waiting job, want 1", n)
		}
		finish(t, db)
		c.add(-3 * time.Second)
		step("a small step back makes nothing come twice", 0)
		c.add(3 * time.Second)
		step("also when the time comes again", 0)
		c.add(365 * 24 * time.Hour)
		step("a clock that jumps a year ahead", 1)
		finish(t, db)
		c.add(-365 * 24 * time.Hour)
		step("and back", 0)
		c.add(time.Hour)
		step("goes on with the next hour", 1)
		finish(t, db)
		sources[0].Spec = "0 0 * * *"
		step("a changed schedule waits for its next time", 0)
		sources = sources[1:]
		c.add(48 * time.Hour)
		step("what is not configured any more rests", 0)
		sources = append(sources, Scheduled{Source: "github", Spec: "0 0 * * *"})
		step("and waits for its next time when it is back", 0)
		c.add(24 * time.Hour)
		step("which comes", 1)
	})
}

// TestBlackoutHoldsForLateTicks holds that a source is not read inside a window
// because it is new, was paused, or came due while no agent ran.
func TestBlackoutHoldsForLateTicks(t *testing.T) {
	both(t, func(t *testing.T, open func() *opsdb.DB) {
		ctx := t.Context()
		c := &clock{t: at(t, "2026-11-20T09:00:00Z")} // a Friday
		db := open()
		s := testSchedule(t, db, c)
		list := []Scheduled{{Source: "github", Spec: "0 20 * * *", Blackout: []blackout.Window{window(t, "Mon-Fri 08:00-18:00")}}}
		step := func(what, now string, want int) {
			t.Helper()
			c.set(at(t, now))
			if err := errors.Join(s.load(ctx, list, "n"), s.tick(ctx, "n")); err != nil {
				t.Fatal(err)
			}
			if got := waitingJobs(t, db); got != want {
				t.Errorf("%s: %d jobs, want %d", what, got, want)
			}
			finish(t, db)
		}
		step("new, inside", "2026-11-20T09:00:00Z", 0)
		step("at its end", "2026-11-20T18:00:00Z", 1)
		step("no agent from 18:00, back inside on Monday", "2026-11-23T10:00:00Z", 0)
		step("before its end", "2026-11-23T17:59:59Z", 0)
		step("the catch-up", "2026-11-23T18:00:00Z", 1)
		step("the next time", "2026-11-23T20:00:00Z", 1)
	})
}

// TestEveryTickOnceAmongNodes lets eight nodes look at the same schedules at
// the same time, hour after hour.
func TestEveryTickOnceAmongNodes(t *testing.T) {
	ctx := t.Context()
	c := &clock{t: time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)}
	url := server.Database(t)
	var nodes []*Schedule
	var db *opsdb.DB
	for range 8 {
		var err error
		if db, err = opsdb.OpenURL(ctx, url); err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		nodes = append(nodes, testSchedule(t, db, c))
	}
	var sources []Scheduled
	for i := range 40 {
		sources = append(sources, Scheduled{Source: fmt.Sprintf("s%d", i), Spec: "@hourly"})
	}
	const hours = 5
	for range hours {
		var wg sync.WaitGroup
		for i, s := range nodes {
			wg.Go(func() {
				if err := errors.Join(s.load(ctx, sources, fmt.Sprint(i)), s.tick(ctx, fmt.Sprint(i))); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		finish(t, db)
		c.add(time.Hour)
	}
	if ticks, jobs := count(t, db, `SELECT count(*) FROM agent_tick`), count(t, db, `SELECT count(*) FROM river_job`); ticks != 40*hours || jobs != ticks {
		t.Errorf("%d ticks, %d jobs, want %d of each", ticks, jobs, 40*hours)
	}
	if n := count(t, db, `SELECT count(DISTINCT node) FROM agent_tick`); n < 2 {
		t.Errorf("%d nodes made ticks: they did not work at the same time", n)
	}
}

func TestPauseResumeRunNow(t *testing.T) {
	both(t, func(t *testing.T, open func() *opsdb.DB) {
		ctx := t.Context()
		c := &clock{t: time.Date(2026, 11, 20, 6, 30, 0, 0, time.UTC)}
		db := open()
		s := testSchedule(t, db, c)
		if err := errors.Join(s.load(ctx, []Scheduled{{Source: "github", Connector: "fake", Spec: "@hourly"}, {Source: "asked"}}, "n"), s.tick(ctx, "n")); err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{
			"nobody":  s.Pause(ctx, "github", "", "because"),
			"no why":  s.Pause(ctx, "github", "ann", " "),
			"unknown": s.Pause(ctx, "gitlab", "ann", "because"),
			"running": s.Resume(ctx, "github", "ann"),
		} {
			if err == nil {
				t.Errorf("%s: no error", what)
			}
		}
		if err := s.Pause(ctx, "github", "ann", "maintenance"); err != nil {
			t.Fatal(err)
		}
		if err := s.Pause(ctx, "github", "ann", "again"); !errors.Is(err, ErrPaused) {
			t.Errorf("paused twice: %v", err)
		}
		c.add(3 * time.Hour)
		if err := errors.Join(s.tick(ctx, "n"), s.judge(ctx, time.Minute)); err != nil || waitingJobs(t, db) != 0 {
			t.Errorf("while paused: %v, %d jobs", err, waitingJobs(t, db))
		}
		status := statusOf(t, s, "github")
		if diff := cmp.Diff(&Paused{"ann", "maintenance", at(t, "2026-11-20T06:30:00Z")}, status.Paused); diff != "" || status.Missed != nil || status.Connector != "fake" {
			t.Errorf("%s %+v", diff, status)
		}
		if waiting, err := s.RunNow(ctx, "github", "ann"); err != nil || waiting || waitingJobs(t, db) != 1 {
			t.Errorf("asked for: %v, waiting %v", err, waiting)
		}
		if waiting, err := s.RunNow(ctx, "github", "bob"); err != nil || !waiting {
			t.Errorf("asked for again: %v, waiting %v", err, waiting)
		}
		if w := statusOf(t, s, "github").Waiting; w == nil || w.AskedBy != "ann" || !w.Due.Equal(c.now()) {
			t.Errorf("waiting: %+v", w)
		}
		finish(t, db)
		if err := s.Resume(ctx, "github", "ann"); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := errors.Join(s.tick(ctx, "n"), s.judge(ctx, time.Minute)); err != nil {
				t.Fatal(err)
			}
		}
		if n := waitingJobs(t, db); n != 1 {
			t.Errorf("after the pause %d jobs, want the catch-up", n)
		}
		if _, err := s.RunNow(ctx, "asked", "ann"); err != nil {
			t.Errorf("a source without a schedule: %v", err)
		}
		if st := statusOf(t, s, "github"); st.Paused != nil || !st.NextDue.Equal(at(t, "2026-11-20T10:00:00Z")) || st.Missed != nil {
			t.Errorf("resumed: %+v", st)
		}
	})
}

func statusOf(t *testing.T, s *Schedule, source string) SourceStatus {
	t.Helper()
	list, err := s.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, st := range list {
		if st.Source == source {
			return st
		}
	}
	t.Fatalf("no status of %s", source)
	return SourceStatus{}
}

// TestMissed holds that a time is missed if no run began within the tolerance,
// whatever the reason, and is told once.
func TestMissed(t *testing.T) {
	both(t, func(t *testing.T, open func() *opsdb.DB) {
		ctx := t.Context()
		c := &clock{t: time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)}
		s := testSchedule(t, open(), c)
		const within = 30 * time.Minute
		if err := s.load(ctx, []Scheduled{{Source: "github", Spec: "@hourly"}}, "n"); err != nil {
			t.Fatal(err)
		}
		run := func(id string) {
			t.Helper()
			if err := errors.Join(s.begin(ctx, id, 1, collectJob{Source: "github", Due: c.now()}, "n"), s.end(ctx, id, "r"+id, "complete", "")); err != nil {
				t.Fatal(err)
			}
		}
		judged := func() []Missed {
			t.Helper()
			if err := s.judge(ctx, within); err != nil {
				t.Fatal(err)
			}
			return statusOf(t, s, "github").Missed
		}
		run("a") // 06:00, in time
		c.set(at(t, "2026-11-20T07:30:00Z"))
		run("b") // at the last moment
		c.set(at(t, "2026-11-20T08:15:00Z"))
		run("c") // in time
		c.set(at(t, "2026-11-20T13:10:00Z"))
		want := []Missed{{"github", at(t, "2026-11-20T09:00:00Z"), at(t, "2026-11-20T12:00:00Z"), 4, c.now()}}
		if diff := cmp.Diff(want, judged()); diff != "" {
			t.Error(diff)
		}
		run("d") // 13:00, in time
		c.set(at(t, "2026-11-20T14:31:00Z"))
		want = append(want, Missed{"github", at(t, "2026-11-20T14:00:00Z"), at(t, "2026-11-20T14:00:00Z"), 1, c.now()})
		if diff := cmp.Diff(want, judged()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(want, judged()); diff != "" {
			t.Errorf("told again: %s", diff)
		}
		list, err := s.unrecorded(ctx)
		if err != nil || len(list) != 2 {
			t.Fatalf("unrecorded: %v %v", list, err)
		}
		if err := s.markRecorded(ctx, list); err != nil {
			t.Fatal(err)
		}
		if list, err := s.unrecorded(ctx); err != nil || len(list) != 0 {
			t.Errorf("unrecorded: %v %v", list, err)
		}
		c.add(8 * 24 * time.Hour)
		if list := statusOf(t, s, "github").Missed; len(list) != 0 {
			t.Errorf("after a week still %v", list)
		}
	})
}

// TestBudgetIsSharedByAllNodes holds that the parts of a budget never exceed it,
// that each source can have one, and that a dead node's are free again.
func TestBudgetIsSharedByAllNodes(t *testing.T) {
	both(t, func(t *testing.T, open func() *opsdb.DB) {
		ctx := t.Context()
		c := &clock{t: time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)}
		db := open()
		s := testSchedule(t, db, c)
		budget := Budget{Name: "pat", Requests: 3600, Per: time.Hour}
		var sources []Scheduled
		for i := range 4 {
			sources = append(sources, Scheduled{Source: fmt.Sprintf("s%d", i), Spec: "@hourly", Budget: budget})
		}
		sources = append(sources, Scheduled{Source: "free", Spec: "@hourly"})
		if err := s.load(ctx, sources, "n"); err != nil {
			t.Fatal(err)
		}
		lease := func(i int) float64 {
			t.Helper()
			rate, ok, err := s.lease(ctx, fmt.Sprint(i), "n", sources[i])
			if err != nil || !ok {
				t.Fatalf("lease %d: %v %v", i, ok, err)
			}
			return rate
		}
		var mu sync.Mutex
		got := []float64{lease(0), lease(1), lease(2)}
		if diff := cmp.Diff([]float64{0.5, 0.25, 0.25}, got); diff != "" {
			t.Error(diff)
		}
		if _, ok, err := s.lease(ctx, "3", "n", sources[3]); err != nil || ok {
			t.Errorf("more than there is was given: %v %v", ok, err)
		}
		if rate := lease(4); rate != 0 {
			t.Errorf("a source without a budget was given %v", rate)
		}
		if err := s.giveBack(ctx, "1", sources[1]); err != nil || lease(3) != 0.25 {
			t.Errorf("what was given back is not free: %v", err)
		}
		mustExec(t, db, `DELETE FROM agent_lease`)
		var sum float64
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				rate, ok, err := s.lease(ctx, fmt.Sprint("w", i), "n", sources[i])
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if ok {
					sum += rate
				}
			})
		}
		wg.Wait()
		if sum > 1.001 || sum <= 0.5 {
			t.Errorf("together %v of 1 were given", sum)
		}
	})
}

// TestTakeOver holds that jobs, runs and leases of a node that fell silent are
// taken over, and those of a living one are not, however long they take.
func TestTakeOver(t *testing.T) {
	both(t, func(t *testing.T, open func() *opsdb.DB) {
		ctx := t.Context()
		c := &clock{t: time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)}
		db := open()
		s := testSchedule(t, db, c)
		node := func(name string) *daemon {
			o := Options{DB: db, Node: name, Logger: nothing, Clock: c.now}
			o.setDefaults()
			return &daemon{o: o, s: s}
		}
		dead, living := node("dead"), node("living")
		if err := errors.Join(s.load(ctx, []Scheduled{{Source: "a", Spec: "@hourly"}, {Source: "b", Spec: "@hourly"}}, "n"), s.tick(ctx, "n"), dead.beat(ctx), living.beat(ctx)); err != nil {
			t.Fatal(err)
		}
		for source, name := range map[string]string{"a": "dead", "b": "living"} {
			by := `jsonb('["other", "` + name + `"]')`
			if db.Dialect == opsdb.PostgreSQL {
				by = `ARRAY['other', '` + name + `']`
			}
			mustExec(t, db, `UPDATE river_job SET state = 'running', attempt = 1, attempted_by = `+by+` WHERE `+s.arg("source")+` = ?`, source)
			if err := s.begin(ctx, source, 1, collectJob{Source: source, Due: c.now()}, name); err != nil {
				t.Fatal(err)
			}
		}
		for range 40 { // a long run
			c.add(29 * time.Second)
			if err := errors.Join(dead.beat(ctx), living.beat(ctx)); err != nil {
				t.Fatal(err)
			}
		}
		if n := count(t, db, `SELECT count(*) FROM river_job WHERE state = 'running'`); n != 2 {
			t.Fatalf("%d jobs are running, want both", n)
		}
		c.add(29 * time.Second)
		if err := living.beat(ctx); err != nil {
			t.Fatal(err)
		}
		if n := count(t, db, `SELECT count(*) FROM river_job WHERE state = 'running'`); n != 2 {
			t.Error("a node was given up too early")
		}
		c.add(2 * time.Second)
		if err := living.beat(ctx); err != nil {
			t.Fatal(err)
		}
		if n := count(t, db, `SELECT count(*) FROM river_job WHERE state = 'available' AND `+s.arg("source")+` = 'a'`); n != 1 {
			t.Error("the job of the dead node was not taken over")
		}
		if a, b := statusOf(t, s, "a"), statusOf(t, s, "b"); a.Last == nil || a.Last.Status != StatusLost || a.Running != nil || b.Running == nil {
			t.Errorf("runs: %+v, %+v", a, b)
		}
		nodes, err := s.Nodes(ctx)
		if err != nil || len(nodes) != 1 || nodes[0].Node != "living" {
			t.Errorf("nodes %+v, %v", nodes, err)
		}
	})
}

// untilDone fails a test that waits too long for something.
func untilDone(t *testing.T, ctx context.Context, what string, ok func() bool) {
	t.Helper()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: it did not come", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
