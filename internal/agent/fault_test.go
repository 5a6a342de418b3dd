package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/opsdb"
)

// reads counts runs by node and source.
type reads struct {
	mu sync.Mutex
	n  map[string]int
}

func (r *reads) add(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.n == nil {
		r.n = map[string]int{}
	}
	r.n[key]++
}

func (r *reads) of(key string) int { r.mu.Lock(); defer r.mu.Unlock(); return r.n[key] }

// nodeOptions are those of a node whose sources come due every second.
func nodeOptions(db *opsdb.DB, locks Locker, node string, r *reads) Options {
	return Options{
		DB: db, Locks: locks, Node: node, Schedules: []Scheduled{{Source: "a", Spec: "@every 1s"}, {Source: "b", Spec: "@every 1s"}},
		Concurrency: 2, Tick: 20 * time.Millisecond, Heartbeat: 100 * time.Millisecond, DeadAfter: 2 * time.Second, StopTimeout: 2 * time.Second, Logger: nothing,
		Read: func(ctx context.Context, o Order) (evidence.Run, error) {
			r.add(node)
			return evidence.Run{ID: fmt.Sprint(node, time.Now().UnixNano()), Status: evidence.RunComplete}, nil
		},
		After: func(context.Context, evidence.Run) error { return nil },
	}
}

// running starts a node and stops it when the test ends.
func running(t *testing.T, o Options) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, o) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("node %s: %v", o.Node, err)
			}
		case <-time.After(time.Minute):
			t.Errorf("node %s does not stop", o.Node)
		}
	})
}

// more waits until n grows.
func more(t *testing.T, what string, n func() int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	before := n()
	untilDone(t, ctx, what, func() bool { return n() > before })
}

// TestServerRestarts holds that a node waits for a server that is gone, in order
// or not, and goes on.
func TestServerRestarts(t *testing.T) {
	url := server.Database(t)
	db, locks := fleetMember(t, url)
	var r reads
	running(t, nodeOptions(db, locks, "n", &r))
	more(t, "the first run", func() int { return r.of("n") })
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		server.Crash(t, sig, 500*time.Millisecond)
		more(t, fmt.Sprint("a run after ", sig), func() int { return r.of("n") })
	}
}

// fleetMember opens what a node needs of the database at url.
func fleetMember(t *testing.T, url string) (*opsdb.DB, Locker) {
	t.Helper()
	db, err := opsdb.OpenURL(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	locks := NewSessionLocks(context.WithoutCancel(t.Context()), cfg, nil)
	t.Cleanup(locks.Close)
	return db, locks
}

// TestNodeIsCutOff cuts one of two nodes off the network: the other takes its
// work over, and the first goes on when the network is mended.
func TestNodeIsCutOff(t *testing.T) {
	url := server.Database(t)
	p := newProxy(t, server.Dir())
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	far := fmt.Sprintf("postgres:///%s?host=%s&user=exhibit", cfg.Database, p.dir)
	nearDB, nearLocks := fleetMember(t, url)
	farDB, farLocks := fleetMember(t, far)
	var r reads
	running(t, nodeOptions(farDB, farLocks, "far", &r))
	more(t, "a run of the far node", func() int { return r.of("far") })
	running(t, nodeOptions(nearDB, nearLocks, "near", &r))
	more(t, "a run of the near node", func() int { return r.of("near") })
	p.cut()
	nodes := func() int { return count(t, nearDB, `SELECT count(*) FROM agent_node`) }
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	untilDone(t, ctx, "the far node is given up", func() bool { return nodes() == 1 })
	for range 3 {
		more(t, "a run of the near node alone", func() int { return r.of("near") })
	}
	p.mend()
	untilDone(t, ctx, "the far node is back", func() bool { return nodes() == 2 })
	more(t, "a run of the far node", func() int { return r.of("far") })
	if n := count(t, nearDB, `SELECT count(*) FROM (SELECT job FROM agent_run WHERE status = 'complete' GROUP BY job HAVING count(*) > 1) d`); n != 0 {
		t.Errorf("%d jobs were done twice", n)
	}
}

// TestDiskFull holds that an agent whose operational database cannot grow waits,
// and goes on when there is room.
func TestDiskFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), opsdb.FileName)
	db, err := opsdb.OpenFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() }) // after the node that running stops
	var r reads
	running(t, nodeOptions(db, Locks{Dir: t.TempDir()}, "n", &r))
	more(t, "the first run", func() int { return r.of("n") })
	// No more pages, and those that are free are taken: what a full disk is to SQLite.
	mustExec(t, db, `CREATE TABLE filler (x BLOB)`)
	pages := count(t, db, `PRAGMA page_count`)
	mustExec(t, db, fmt.Sprintf(`PRAGMA max_page_count = %d`, pages))
	for range 100 {
		if _, err = db.ExecContext(t.Context(), `INSERT INTO filler (x) VALUES (zeroblob(3000))`); err != nil {
			break
		}
	}
	if err == nil {
		t.Fatal("the disk did not become full")
	}
	for full := false; !full; time.Sleep(50 * time.Millisecond) {
		_, err := db.ExecContext(t.Context(), `INSERT INTO filler (x) VALUES (zeroblob(100))`)
		full = err != nil
	}
	time.Sleep(3 * time.Second)
	mustExec(t, db, `PRAGMA max_page_count = 1073741823`)
	mustExec(t, db, `DELETE FROM filler`)
	for range 3 {
		more(t, "a run after there was room", func() int { return r.of("n") })
	}
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Errorf("%v %v", info, err)
	}
}

// TestTroubleIsToldOnce: a database that is read and not written, as one on a disk
// that is full, is told of once, and that it answers only when it does all.
func TestTroubleIsToldOnce(t *testing.T) {
	var said bytes.Buffer
	d := &daemon{o: Options{Logger: slog.New(slog.NewTextHandler(&said, nil))}, trouble: make(map[string]bool)}
	full := errors.New("database or disk is full")
	for _, step := range []struct {
		what string
		err  error
	}{
		{"heartbeat", nil}, {"schedule", nil}, {"heartbeat", full}, {"schedule", nil}, {"schedule", nil}, {"heartbeat", full},
		{"schedule", full}, {"schedule", nil}, {"heartbeat", nil}, {"schedule", nil},
	} {
		d.tolerate(t.Context(), step.what, step.err)
	}
	fails, again := strings.Count(said.String(), "goes on when it answers"), strings.Count(said.String(), "answers again")
	if fails != 1 || again != 1 {
		t.Errorf("%d times that it fails, %d that it answers:\n%s", fails, again, said.String())
	}
}

// TestSourceOfSomebodyElse holds that a source which somebody else reads is not
// read, and that it is read once they have done.
func TestSourceOfSomebodyElse(t *testing.T) {
	db, err := opsdb.OpenFile(t.Context(), filepath.Join(t.TempDir(), opsdb.FileName))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	locks := Locks{Dir: t.TempDir()}
	release, err := locks.Acquire("a")
	if err != nil {
		t.Fatal(err)
	}
	var r reads
	o := nodeOptions(db, locks, "n", &r)
	o.Read = func(_ context.Context, order Order) (evidence.Run, error) {
		r.add(order.Source)
		return evidence.Run{ID: fmt.Sprint(order.Source, time.Now().UnixNano()), Status: evidence.RunComplete}, nil
	}
	running(t, o)
	for range 3 {
		more(t, "a run of b", func() int { return r.of("b") })
	}
	if n := r.of("a"); n != 0 {
		t.Errorf("a was read %d times while somebody else had it", n)
	}
	release()
	more(t, "a run of a", func() int { return r.of("a") })
}
