package pluginhost

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Options configures a Host.
type Options struct {
	// Dir is where the connectors are; empty means beside the running program.
	Dir string
	// Lock is the lock file's path; empty means connectors.lock in Dir.
	Lock string
	// Logger takes the connectors' log lines; nil discards them.
	Logger *slog.Logger
	// Limits of every run. Zero fields take the defaults.
	Limits Limits
	// Confine says what connector processes are held to.
	Confine Confine
	// Env are variables (NAME=value) that take the place of the host's own where
	// connectors get them: how to reach the network, and whom to trust there.
	Env []string
	// Observe is told that a process of a connector started, was killed by the
	// host, or was refused. It is called from many goroutines; nil: nobody is told.
	Observe func(connector string, event ProcessEvent)
	// Clock tells the time against which event times are judged; nil means the
	// system's.
	Clock func() time.Time
}

// ProcessEvent is what happened to a connector's process.
type ProcessEvent string

// What is observed of processes.
const (
	ProcessStarted ProcessEvent = "started"
	ProcessKilled  ProcessEvent = "killed"  // it had not ended by itself when it was asked to
	ProcessRefused ProcessEvent = "refused" // it is not the binary of the lock file, or could not be confined
)

// Limits is how much a connector may take.
type Limits struct {
	Start time.Duration // until the process answers; default 15 s
	Call  time.Duration // Describe and Check; default 60 s
	Run   time.Duration // all of Collect; default 2 h
	Idle  time.Duration // between two messages of Collect; default 5 min
	Skew  time.Duration // how far ahead of ours a source's clock may be; default 5 min

	RecordBytes      int   // payload of one record; default 1 MiB
	MessageBytes     int   // one message; default 4 MiB, at least RecordBytes + 128 KiB
	Records          int64 // records of a run; default 10 million
	Bytes            int64 // all that a run sends; default 32 GiB
	Gaps             int64 // gaps of a run; default 10,000
	State            int64 // cursors and validators that a run sets; default 2 million
	RecordsPerSecond int   // more are held back; 0 means no limit
	LogLines         int   // lines of log kept per process; default 10,000

	BatchRecords int           // items handed to the Sink at once; default 1,000
	BatchBytes   int           // bytes handed to the Sink at once; default 8 MiB
	BatchDelay   time.Duration // longest that an item waits for more; default 500 ms
}

// withDefaults fills in zero fields.
func (l Limits) withDefaults() Limits {
	setDefault(&l.Start, 15*time.Second)
	setDefault(&l.Call, time.Minute)
	setDefault(&l.Run, 2*time.Hour)
	setDefault(&l.Idle, 5*time.Minute)
	setDefault(&l.Skew, 5*time.Minute)
	setDefault(&l.RecordBytes, 1<<20)
	setDefault(&l.MessageBytes, 4<<20)
	setDefault(&l.Records, 10_000_000)
	setDefault(&l.Bytes, 32<<30)
	setDefault(&l.Gaps, 10_000)
	setDefault(&l.State, 2_000_000)
	setDefault(&l.LogLines, 10_000)
	setDefault(&l.BatchRecords, 1000)
	setDefault(&l.BatchBytes, 8<<20)
	setDefault(&l.BatchDelay, 500*time.Millisecond)
	l.MessageBytes = max(l.MessageBytes, l.RecordBytes+128<<10)
	return l
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Host runs connectors. It is safe for concurrent use.
type Host struct {
	dir, lock string
	log       *slog.Logger
	limits    Limits
	confine   Confine
	without   string // part of the confinement that is left out; tests only
	schemas   *schemaCache
	sweep     sync.Once // of what killed hosts left behind
	now       func() time.Time
	env       []string
	observe   func(connector string, event ProcessEvent)
}

// New returns a host. It reads nothing yet: a missing directory or lock file
// shows when a connector is asked for.
func New(o Options) (*Host, error) {
	dir := o.Dir
	if dir == "" {
		exe, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find the connectors beside exhibit: %w", err)
		}
		if resolved, err := filepath.EvalSymlinks(exe); err == nil {
			exe = resolved
		}
		dir = filepath.Dir(exe)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("connector directory %s: %w", o.Dir, err)
	}
	h := &Host{dir: dir, lock: o.Lock, log: o.Logger, limits: o.Limits.withDefaults(), now: o.Clock,
		confine: o.Confine.withDefaults(), schemas: &schemaCache{}}
	if h.lock == "" {
		h.lock = filepath.Join(dir, LockName)
	}
	h.env, h.observe = o.Env, o.Observe
	if h.observe == nil {
		h.observe = func(string, ProcessEvent) {}
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if h.now == nil {
		h.now = time.Now
	}
	return h, nil
}

// Dir is where the host looks for connectors.
func (h *Host) Dir() string { return h.dir }

// LockPath is the lock file that the host obeys.
func (h *Host) LockPath() string { return h.lock }
