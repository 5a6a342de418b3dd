package agent

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/opsdb"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/postgres"
)

// TestFleet runs four nodes on one PostgreSQL with 200 sources, kills nodes and
// the server at times of chance, and then holds that every tick was read once or
// in a catch-up, no source twice at the same time nor without its lock, nothing
// acknowledged was lost, the ledger verifies, and no run is left open. EXHIBIT_FLEET_KILLS sets
// how often it kills.
func TestFleet(t *testing.T) {
	kills := 8
	if v := os.Getenv("EXHIBIT_FLEET_KILLS"); v != "" {
		var err error
		if kills, err = strconv.Atoi(v); err != nil {
			t.Fatal(err)
		}
	}
	sources := 40 // what takes seconds; a long run has as many as a large organisation
	if kills > 50 {
		sources = 200
	}
	f := newFleet(t, nodeConfig{Sources: sources, Spec: "*/20 * * * *", Jitter: 20 * time.Minute, Speed: 60, Longest: 300 * time.Millisecond})
	for i := range 4 {
		f.start(fmt.Sprintf("node%d", i))
	}
	f.untilReading()
	crashes := 0
	for i := range kills {
		if i%10 == 5 {
			crashes++
			server.Crash(t, []syscall.Signal{syscall.SIGKILL, syscall.SIGQUIT, syscall.SIGINT}[crashes%3], rand.N(time.Second))
			f.untilReading()
		} else {
			f.kill(fmt.Sprintf("node%d", rand.IntN(4)))
		}
		time.Sleep(rand.N(1500 * time.Millisecond))
	}
	f.drain()
	f.check()
	t.Logf("%d kills of nodes, %d of the server", kills-crashes, crashes)
}

// fleet is nodes in processes of their own, each started again when it ends.
type fleet struct {
	t    *testing.T
	c    nodeConfig
	db   *opsdb.DB
	s    *Schedule
	mu   sync.Mutex
	pids map[string]*exec.Cmd
	wg   sync.WaitGroup
	stop context.CancelFunc
	ctx  context.Context
	end  time.Time // up to when ticks are looked at
}

func newFleet(t *testing.T, c nodeConfig) *fleet {
	t.Helper()
	c.URL, c.Dir, c.Epoch = server.Database(t), t.TempDir(), time.Now()
	ctx, stop := context.WithCancel(t.Context())
	f := &fleet{t: t, c: c, pids: map[string]*exec.Cmd{}, ctx: ctx, stop: stop}
	if _, err := ledger.LoadOrCreateKey(filepath.Join(c.Dir, "exhibit.key")); err != nil {
		t.Fatal(err)
	}
	var err error
	if f.db, err = opsdb.OpenURL(t.Context(), c.URL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.db.Close() })
	f.s = testSchedule(t, f.db, &clock{})
	f.s.clock = c.now
	t.Cleanup(func() {
		stop()
		f.wg.Wait()
		if t.Failed() {
			f.showLogs()
		}
	})
	return f
}

// start keeps a node running until the fleet stops.
func (f *fleet) start(name string) {
	f.wg.Go(func() {
		for f.ctx.Err() == nil {
			f.runOnce(name)
		}
	})
}

func (f *fleet) runOnce(name string) {
	c := f.c
	c.Name = fmt.Sprintf("%s-%d", name, time.Now().UnixNano())
	text, err := json.Marshal(c)
	if err != nil {
		f.t.Error(err)
		return
	}
	log, err := os.OpenFile(filepath.Join(f.c.Dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		f.t.Error(err)
		return
	}
	defer log.Close()
	cmd := exec.CommandContext(f.ctx, os.Args[0])
	cmd.Env = append(os.Environ(), nodeVar+"="+string(text))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	if err := cmd.Start(); err != nil {
		f.t.Error(err)
		return
	}
	f.mu.Lock()
	f.pids[name] = cmd
	f.mu.Unlock()
	_ = cmd.Wait() // killed, mostly
	f.mu.Lock()
	delete(f.pids, name)
	f.mu.Unlock()
	time.Sleep(100 * time.Millisecond)
}

// kill ends a node without a chance to say so.
func (f *fleet) kill(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if cmd := f.pids[name]; cmd != nil {
		_ = cmd.Process.Kill() // it may have ended just now
	}
}

func (f *fleet) untilReading() {
	f.t.Helper()
	const complete = `SELECT count(*) FROM agent_run WHERE status = 'complete'`
	before := -1
	f.wait("more runs", func() (bool, string) {
		n := f.count(complete)
		if before < 0 {
			before = n
		}
		return before >= 0 && n > before, fmt.Sprintf("%d runs are complete", n)
	})
}

func (f *fleet) count(query string) int {
	var n int
	if err := f.db.QueryRowContext(f.ctx, query).Scan(&n); err != nil {
		return -1 // the server is down for the moment, or the table is not made yet
	}
	return n
}

// wait waits until done. Whoever waits says how it stands: when that stays the
// same for long, nothing more comes.
func (f *fleet) wait(what string, done func() (bool, string)) {
	f.t.Helper()
	const most = 100 * time.Second // nodes begin again, and the machine is busy
	before, since := "", time.Now()
	for {
		ok, state := done()
		if ok {
			return
		}
		if state != before {
			before, since = state, time.Now()
		}
		if time.Since(since) > most {
			f.t.Fatalf("%s: nothing has changed for %s: %s", what, most, state)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// drain waits until every tick up to now was made, stops the schedule, and waits
// until all jobs are done.
func (f *fleet) drain() {
	f.t.Helper()
	f.end = f.c.now()
	f.wait("the ticks up to the end", func() (bool, string) {
		n := f.count(fmt.Sprintf(`SELECT count(*) FROM agent_schedule WHERE next_at <= %d`, toMilli(f.end)))
		return n == 0, fmt.Sprintf("%d sources are due", n)
	})
	if err := f.s.load(f.ctx, nil, "test"); err != nil {
		f.t.Fatal(err)
	}
	f.wait("the end of all jobs", func() (bool, string) {
		// What an error put off for longer is not waited for.
		_, _ = f.db.ExecContext(f.ctx, `UPDATE river_job SET state = 'available', scheduled_at = now() WHERE state IN ('retryable', 'scheduled')`)
		n := f.count(`SELECT count(*) FROM river_job WHERE kind = 'collect' AND finalized_at IS NULL`)
		dead := f.count(`SELECT count(*) FROM river_job WHERE kind = 'collect' AND state = 'running' AND attempted_by[array_upper(attempted_by, 1)] NOT IN (SELECT node FROM agent_node)`)
		return n == 0, fmt.Sprintf("%d jobs are not done, of which nodes that ended still hold %d; nodes on the list: %d", n, dead, f.count(`SELECT count(*) FROM agent_node`))
	})
	f.stop()
	f.wg.Wait()
}

func (f *fleet) check() {
	f.t.Helper()
	ctx := f.t.Context()
	f.checkTicks(ctx)
	st, err := postgres.Open(ctx, f.c.URL, postgres.Options{ReadOnly: true})
	if err != nil {
		f.t.Fatal(err)
	}
	defer st.Close()
	key, err := ledger.LoadOrCreateKey(filepath.Join(f.c.Dir, "exhibit.key"))
	if err != nil {
		f.t.Fatal(err)
	}
	verifier, err := ledger.ParseVerifier(key.Public())
	if err != nil {
		f.t.Fatal(err)
	}
	held, err := store.Verify(ctx, st, store.VerifyOptions{Verifier: verifier})
	if err != nil {
		f.t.Errorf("the ledger does not verify: %v", err)
	}
	statuses := map[evidence.RunStatus]int{}
	for run, err := range st.Runs(ctx, "") {
		if err != nil {
			f.t.Fatal(err)
		}
		statuses[run.Status]++
	}
	if statuses[evidence.RunOpen] > 0 {
		f.t.Errorf("%d runs were left open", statuses[evidence.RunOpen])
	}
	kept := map[string]bool{}
	for ev, err := range st.Evidence(ctx, store.EvidenceQuery{Kinds: []string{fakeKind}}) {
		if err != nil {
			f.t.Fatal(err)
		}
		kept[ev.Source+" "+ev.Key] = true
	}
	acked, lost := 0, 0
	for _, line := range f.noted("acked") {
		acked++
		if !kept[line] {
			lost++
			f.t.Errorf("acknowledged and lost: %s", line)
		}
	}
	if acked == 0 {
		f.t.Error("nothing was read")
	}
	for _, line := range f.noted("overlaps") {
		f.t.Errorf("read twice at the same time: %s", line)
	}
	for _, line := range f.noted("unlocked") {
		f.t.Errorf("read, and nobody had locked it: %s", line)
	}
	f.t.Logf("%d records acknowledged, %d lost; %d entries verified; runs %v", acked, lost, held.Entries, statuses)
}

// checkTicks holds every time of every schedule against the ticks that were
// made, and each tick against its job and runs.
func (f *fleet) checkTicks(ctx context.Context) {
	f.t.Helper()
	type made struct{ due, made int64 }
	rows := map[string][]made{}
	err := f.s.query(ctx, `SELECT source, due, made FROM agent_tick ORDER BY source, due`, func(r *sql.Rows) error {
		var source string
		var m made
		err := r.Scan(&source, &m.due, &m.made)
		rows[source] = append(rows[source], m)
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	ticks, caught, lost := 0, 0, 0
	for _, s := range f.c.schedules() {
		list := rows[s.Source]
		if len(list) == 0 {
			f.t.Errorf("%s never came due", s.Source)
			continue
		}
		for i := 1; i < len(list); i++ {
			if list[i].due <= list[i-1].made {
				f.t.Errorf("%s: the tick of %v was made again with the one of %v", s.Source, fromMilli(list[i].due), fromMilli(list[i-1].due))
			}
		}
		for n, i := (tick{due: fromMilli(list[0].due)}), 0; n.due.Before(f.end); {
			for i < len(list) && list[i].made < toMilli(n.due) {
				i++
			}
			ticks++
			switch {
			case i < len(list) && list[i].due == toMilli(n.due):
			case i < len(list) && list[i].due < toMilli(n.due):
				caught++
			default:
				lost++
				f.t.Errorf("%s: the tick of %v is lost", s.Source, n.due)
			}
			var err error
			if n, err = s.next(n.due); err != nil {
				f.t.Fatal(err)
			}
		}
	}
	jobs := f.count2(`SELECT count(*) FROM river_job WHERE kind = 'collect'`)
	undone := f.count2(`SELECT count(*) FROM agent_tick t WHERE ` + f.withoutRun())
	twice := f.count2(`SELECT count(*) FROM (SELECT job FROM agent_run WHERE status = 'complete' GROUP BY job HAVING count(*) > 1) d`)
	again := f.count2(`SELECT count(*) FROM agent_run WHERE status = 'lost'`)
	failed := f.count2(`SELECT count(*) FROM agent_run WHERE status IN ('error', 'failed')`)
	if undone > 0 || twice > 0 {
		f.t.Errorf("%d ticks have no complete run, %d jobs have two", undone, twice)
		f.showUndone(ctx)
	}
	f.t.Logf("%d ticks of %d sources: %d with a job of their own or a shared one, %d in a catch-up, %d lost; %d jobs; %d runs cut off and made again, %d in error and made again",
		ticks, len(rows), ticks-caught-lost, caught, lost, jobs, again, failed)
}

// withoutRun is the condition on a tick t that it has no complete run. A node that is
// started again while all stop takes the schedule up again: the ticks that it makes are
// later than those that are looked at.
func (f *fleet) withoutRun() string {
	return fmt.Sprintf(`t.due < %d AND NOT EXISTS (SELECT 1 FROM agent_run c WHERE c.job = t.job AND c.status = 'complete')`, toMilli(f.end))
}

// showUndone tells of ticks without a complete run what became of their jobs.
func (f *fleet) showUndone(ctx context.Context) {
	f.t.Helper()
	err := f.s.query(ctx, `SELECT t::text, coalesce(j::text, 'no job'), coalesce(r::text, 'no run') FROM agent_tick t LEFT JOIN river_job j ON j.id = t.job LEFT JOIN agent_run r ON r.job = t.job WHERE `+f.withoutRun(), func(r *sql.Rows) error {
		var tick, job, run string
		err := r.Scan(&tick, &job, &run)
		f.t.Logf("tick %s\n  job %s\n  run %s", tick, job, run)
		return err
	})
	if err != nil {
		f.t.Error(err)
	}
}

func (f *fleet) count2(query string) int {
	f.t.Helper()
	return count(f.t, f.db, query)
}

// noted reads what all processes of the fleet noted.
func (f *fleet) noted(name string) (lines []string) {
	f.t.Helper()
	files, err := filepath.Glob(filepath.Join(f.c.Dir, name+".*"))
	if err != nil {
		f.t.Fatal(err)
	}
	for _, path := range files {
		file, err := os.Open(path)
		if err != nil {
			f.t.Fatal(err)
		}
		for sc := bufio.NewScanner(file); sc.Scan(); {
			lines = append(lines, sc.Text())
		}
		file.Close()
	}
	return lines
}

func (f *fleet) showLogs() {
	files, _ := filepath.Glob(filepath.Join(f.c.Dir, "*.log"))
	for _, path := range files {
		text, _ := os.ReadFile(path)
		lines := strings.Split(string(text), "\n")
		f.t.Logf("%s:\n%s", filepath.Base(path), strings.Join(lines[max(0, len(lines)-40):], "\n"))
	}
}
