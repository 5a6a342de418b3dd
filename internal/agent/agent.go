package agent

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/riverqueue/river"

	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/opsdb"
)

// Options wire the daemon. Nodes of a fleet share DB and have the same sources.
type Options struct {
	DB           *opsdb.DB
	Locks        Locker
	Schedules    []Scheduled
	Node         string            // name of this process in the fleet; empty: host, process and chance
	Version      string            // of the program
	ConfigDigest string            // of the configuration, to tell whether nodes agree
	Connectors   map[string]string // digests of the installed connectors, by name
	Concurrency  int               // sources read at the same time
	Tick         time.Duration     // how often due times are looked at
	StopTimeout  time.Duration     // how long a run may go on after the daemon was told to stop
	Heartbeat    time.Duration     // how often a node says that it lives; 0: 5 s
	DeadAfter    time.Duration     // a node silent for so long is dead, and its runs are taken over; 0: 30 s
	MissedAfter  time.Duration     // a time of the schedule is missed if no run began for so long; 0: 30 min
	Logger       *slog.Logger
	Clock        func() time.Time // of the schedule; nil: the database's

	// Read makes one run of a source. It is called under the source's lock, with
	// a context that ends if the lock is lost.
	Read func(ctx context.Context, order Order) (evidence.Run, error)
	// After is called after runs, one call at a time: for each, unless a call for
	// another began since it ended and did not fail. It may be called again for a
	// run if it failed, or if the node ended meanwhile.
	After func(ctx context.Context, run evidence.Run) error
	// Settle closes what a process that died left open of a source, where no run
	// follows that would; may be nil.
	Settle func(ctx context.Context, source string) error
}

// Order is what a run is to be.
type Order struct {
	Source            string
	AskedBy           string  // empty: the schedule
	RequestsPerSecond float64 // this run's part of the budget of its credential; 0: no budget
}

// SilentAfter is after how long without a word a node counts as dead, unless
// Options say otherwise.
const SilentAfter = 30 * time.Second

func (o *Options) setDefaults() {
	o.Heartbeat = cmp.Or(o.Heartbeat, 5*time.Second)
	o.DeadAfter = cmp.Or(o.DeadAfter, SilentAfter)
	o.MissedAfter = cmp.Or(o.MissedAfter, 30*time.Minute)
	o.Tick = cmp.Or(o.Tick, time.Second)
	o.Concurrency = cmp.Or(o.Concurrency, 4)
	if o.Node == "" {
		o.Node = newNode()
	}
}

// newNode names this process.
func newNode() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return fmt.Sprintf("%s-%d-%s", host, os.Getpid(), hex.EncodeToString(b[:]))
}

// daemon is a running agent: one node.
type daemon struct {
	o     Options
	s     *Schedule
	after chan struct{} // holds a token while After runs
	last  time.Time     // when the last After that did not fail began; who holds the token uses it

	sources map[string]Scheduled // of this node's configuration

	mu      sync.Mutex
	trouble map[string]bool // for what the database did not answer last time

	pruned time.Time // when this node last forgot what is old; only beat uses it
}

// Run reads sources on their schedules until ctx is done, then stops cleanly:
// no new run begins, running ones get StopTimeout to end, and what is left is
// taken up by another node or the next start. On a SQLite file the caller holds
// the lock that allows one daemon a store. A database that does not answer is
// waited for.
func Run(ctx context.Context, o Options) error {
	o.setDefaults()
	d := &daemon{o: o, after: make(chan struct{}, 1), sources: bySource(o.Schedules), trouble: make(map[string]bool)}
	workers := river.NewWorkers()
	river.AddWorker(workers, &collectWorker{d: d})
	var err error
	d.s, err = openSchedule(ctx, o.DB, d.riverConfig(workers), o.Logger, o.Clock)
	if err != nil {
		return err
	}
	if err := d.enter(ctx); err != nil {
		return fmt.Errorf("node %s: %w", o.Node, err)
	}
	if err := d.s.load(ctx, o.Schedules, o.Node); err != nil {
		return fmt.Errorf("schedule: %w", err)
	}
	// The job client outlives ctx, so that it can stop softly.
	if err := d.s.queue.start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("job queue: %w", err)
	}
	o.Logger.Info("agent started", "node", o.Node, "sources", len(o.Schedules), "concurrency", o.Concurrency)
	d.loop(ctx)
	return d.stop(ctx)
}

func bySource(list []Scheduled) map[string]Scheduled {
	out := map[string]Scheduled{}
	for _, s := range list {
		out[s.Source] = s
	}
	return out
}

func (d *daemon) riverConfig(workers *river.Workers) *river.Config {
	return &river.Config{
		ID:              d.o.Node,
		Logger:          quiet(d.o.Logger),
		Queues:          map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: d.o.Concurrency}},
		Workers:         workers,
		JobTimeout:      -1, // each source has a deadline of its own
		SoftStopTimeout: d.o.StopTimeout,
		RetryPolicy:     patience{},
		// Jobs of a dead node are taken over when it falls silent (takeOver);
		// rescuing by age would start a long run a second time.
		RescueStuckJobsAfter: 30 * 24 * time.Hour,
	}
}

// loop looks for due sources, and says that the node lives, until ctx is done.
func (d *daemon) loop(ctx context.Context) {
	ticks, beats := time.NewTicker(d.o.Tick), time.NewTicker(d.o.Heartbeat)
	defer ticks.Stop()
	defer beats.Stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-beats.C:
				d.tolerate(ctx, "heartbeat", d.beat(ctx))
			}
		}
	})
	for {
		d.tolerate(ctx, "schedule", d.turn(ctx))
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}

// turn makes jobs of what is due, and notes what was missed.
func (d *daemon) turn(ctx context.Context) error {
	if err := d.s.tick(ctx, d.o.Node); err != nil {
		return err
	}
	if err := d.s.tickAsked(ctx); err != nil {
		return err
	}
	return d.s.judge(ctx, d.o.MissedAfter)
}

// tolerate goes on after an error of the database: it is told once, and that it
// is over, which is when it answers for all that it did not. A disk that is full is
// read as ever.
func (d *daemon) tolerate(ctx context.Context, what string, err error) {
	if ctx.Err() != nil {
		return
	}
	d.mu.Lock()
	before := len(d.trouble) > 0
	if delete(d.trouble, what); err != nil {
		d.trouble[what] = true
	}
	after := len(d.trouble) > 0
	d.mu.Unlock()
	switch {
	case after && !before:
		d.o.Logger.Error("the operational database fails; the agent goes on when it answers", "at", what, "error", err)
	case before && !after:
		d.o.Logger.Info("the operational database answers again")
	}
}

// stop ends the job client, and takes the node off the list.
func (d *daemon) stop(ctx context.Context) error {
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.o.StopTimeout+closeTimeout)
	defer cancel()
	if err := d.s.queue.stop(stop); err != nil {
		if err := d.s.queue.stopNow(stop); err != nil {
			return fmt.Errorf("stopping: %w", err)
		}
	}
	if err := d.leave(stop); err != nil {
		d.o.Logger.Warn("the node could not be taken off the list", "error", err)
	}
	d.o.Logger.Info("agent stopped", "node", d.o.Node)
	return nil
}

// source returns what this node's configuration says of a source.
func (d *daemon) source(name string) (Scheduled, bool) {
	s, ok := d.sources[name]
	return s, ok
}

var errNoSource = errors.New("this node's configuration does not have the source; nodes of a fleet share one")
