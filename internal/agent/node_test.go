package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/opsdb"
	"github.com/exhibit-aims/exhibit/internal/pluginhost"
	"github.com/exhibit-aims/exhibit/internal/store/postgres"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// nodeVar makes the test binary a node of a fleet.
const nodeVar = "EXHIBIT_TEST_NODE"

// nodeConfig is what a node is started with.
type nodeConfig struct {
	URL     string        `json:"url"`
	Dir     string        `json:"dir"` // key, witness files, logs
	Name    string        `json:"name"`
	Sources int           `json:"sources"`
	Spec    string        `json:"spec"`
	Jitter  time.Duration `json:"jitter"`
	Speed   int           `json:"speed"` // how much faster than time the schedule's clock goes
	Epoch   time.Time     `json:"epoch"`
	Longest time.Duration `json:"longest"` // of a read
}

func (c nodeConfig) schedules() []Scheduled {
	var out []Scheduled
	for i := range c.Sources {
		out = append(out, Scheduled{Source: fmt.Sprintf("s%03d", i), Connector: "fake", Spec: c.Spec, Jitter: c.Jitter, Priority: 1 + i%4})
	}
	return out
}

// now is the schedule's clock.
func (c nodeConfig) now() time.Time {
	return c.Epoch.Add(time.Since(c.Epoch) * time.Duration(c.Speed)).UTC()
}

func nodeMain() int {
	var c nodeConfig
	if err := json.Unmarshal([]byte(os.Getenv(nodeVar)), &c); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := runNode(ctx, c, log); err != nil {
		log.Error("node ended", "error", err)
		return 1
	}
	return 0
}

func runNode(ctx context.Context, c nodeConfig, log *slog.Logger) error {
	key, err := ledger.LoadOrCreateKey(filepath.Join(c.Dir, "exhibit.key"))
	if err != nil {
		return err
	}
	st, err := postgres.Open(ctx, c.URL, postgres.Options{Signer: key.Signer(), Create: true, LockTimeout: time.Second})
	if err != nil {
		return err
	}
	defer st.Close()
	db, err := opsdb.OpenURL(ctx, c.URL)
	if err != nil {
		return err
	}
	defer db.Close()
	cat, err := catalog.Load(config.FS)
	if err != nil {
		return err
	}
	locks := NewSessionLocks(context.WithoutCancel(ctx), db.Pool.Config().ConnConfig, func(err error) { log.Warn("locks lost", "error", err) })
	defer locks.Close()
	others := NewSessionLocks(context.WithoutCancel(ctx), db.Pool.Config().ConnConfig, nil)
	defer others.Close()
	collector := &Collector{Host: &witness{c: c, others: others}, Store: st, Catalog: cat, Clock: time.Now, Version: "test", Logger: log, Patience: time.Minute}
	return Run(ctx, Options{
		DB: db, Locks: locks, Schedules: c.schedules(), Node: c.Name, Version: "test", Concurrency: 4,
		Tick: 50 * time.Millisecond, StopTimeout: 5 * time.Second, Logger: log, Clock: c.now,
		Heartbeat: 200 * time.Millisecond, DeadAfter: 2 * time.Second * time.Duration(c.Speed),
		Read: func(ctx context.Context, order Order) (evidence.Run, error) {
			return collector.Collect(ctx, Source{Name: order.Source, Connector: "fake", Config: connector.Config{Settings: json.RawMessage(`{}`)}}, nil)
		},
		After:  func(context.Context, evidence.Run) error { return nil },
		Settle: collector.CloseOrphans,
	})
}

// witness is a Host without processes. It keeps, apart from everything that is
// tested, a file lock of each source while it is read, which the system gives
// back when the node dies, and a list of the records that were acknowledged. Before
// it reads, it looks whether somebody else could have the source's lock.
type witness struct {
	c      nodeConfig
	others *SessionLocks
}

var errOverlap = errors.New("the source is read twice at the same time")

func (w *witness) Describe(context.Context, string) (pluginhost.Installed, error) {
	return pluginhost.Installed{Name: "fake", Descriptor: fake{}.Describe()}, nil
}

func (w *witness) Check(context.Context, string, connector.Config) (connector.CheckReport, error) {
	return connector.CheckReport{Identity: "robot"}, nil
}

// Collect reads three batches with pauses of chance between them. The source's
// name comes by the way of the record's owner.
func (w *witness) Collect(ctx context.Context, _ string, req connector.Request, sink pluginhost.Sink) (pluginhost.Result, error) {
	source := sink.(*recorder).run.Provenance.Source
	lock := flock.New(filepath.Join(w.c.Dir, source+".read"))
	if got, err := lock.TryLock(); err != nil || !got {
		return pluginhost.Result{}, errors.Join(errOverlap, err, w.note("overlaps", source))
	}
	defer lock.Close()
	if release, err := w.others.Acquire(source); err == nil {
		release()
		if err := w.unlocked(ctx, source); err != nil {
			return pluginhost.Result{}, err
		}
	}
	for i := range 3 {
		id := fmt.Sprintf("%s-%d-%d-%d", source, time.Now().UnixNano(), os.Getpid(), i)
		payload := fmt.Sprintf(`{"owner":"acme","name":"%s","id":%d,"default_branch":"main","topics":[]}`, id, i)
		rec := connector.Record{Kind: fakeKind, Subject: connector.Subject{Type: "repository", ID: "acme/" + id}, Key: id, Payload: json.RawMessage(payload)}
		if err := sink.Batch(ctx, pluginhost.Batch{Records: []connector.Record{rec}}); err != nil {
			return pluginhost.Result{}, err
		}
		if err := w.note("acked", source+" "+id); err != nil {
			return pluginhost.Result{}, err
		}
		select {
		case <-ctx.Done():
			return pluginhost.Result{}, ctx.Err()
		case <-time.After(rand.N(w.c.Longest)):
		}
	}
	return pluginhost.Result{Coverage: connector.Coverage{fakeKind: {Status: connector.Complete, IndependentCount: -1, Query: "all"}}}, nil
}

// unlocked notes a source that is read and that nobody has locked. A server that is
// killed gives locks back, and the run is told to stop a moment later.
func (w *witness) unlocked(ctx context.Context, source string) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(2 * (lockPing + lockPatience)):
		return w.note("unlocked", source)
	}
}

// note appends a line to a file of this process, which is there for others at
// once, also if the process dies.
func (w *witness) note(name, line string) error {
	f, err := os.OpenFile(filepath.Join(w.c.Dir, fmt.Sprintf("%s.%d", name, os.Getpid())), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line + "\n")
	return errors.Join(err, f.Close())
}
