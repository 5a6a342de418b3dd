package exportjob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/exhibit-aims/exhibit/internal/export/redact"
	"github.com/exhibit-aims/exhibit/internal/service"
)

// Limits, where Options say nothing.
const (
	DefaultKeep    = time.Hour
	DefaultJobs    = 64
	DefaultWaiting = 8
	DefaultBytes   = 8 << 30
)

// Options are what a Manager works with.
type Options struct {
	Service *service.Service
	Logger  *slog.Logger
	Clock   func() time.Time

	Dir     string        // in which the private folder is made; empty: the system's place for such files
	Keep    time.Duration // how long a file waits to be fetched; 0: DefaultKeep
	Jobs    int           // known at a time; 0: DefaultJobs
	Waiting int           // of one account that have not ended; 0: DefaultWaiting
	Bytes   int64         // on disk, all together; 0: DefaultBytes
}

// Manager takes orders. It is safe for concurrent use.
type Manager struct {
	o      Options
	dir    string
	orders chan *Job

	mu   sync.Mutex
	jobs []*Job // oldest first
	used int64  // bytes on disk
}

// Refusals.
var (
	errTooMany = errors.New("too many exports are waiting")
	errNoJob   = errors.New("there is no such export")
	errNotDone = errors.New("the export is not done")
	errNoRoom  = errors.New("the exports that are kept take all the room that they may")
	errStopped = errors.New("the agent was stopped before the export was done")
)

// Open makes the private folder. Run makes what is ordered; Close removes all.
func Open(o Options) (*Manager, error) {
	o.Keep, o.Jobs, o.Waiting, o.Bytes = or(o.Keep, DefaultKeep), or(o.Jobs, DefaultJobs), or(o.Waiting, DefaultWaiting), or(o.Bytes, DefaultBytes)
	dir, err := os.MkdirTemp(o.Dir, "exhibit-exports-") // 0700
	if err != nil {
		return nil, fmt.Errorf("exports: %w", err)
	}
	return &Manager{o: o, dir: dir, orders: make(chan *Job, o.Jobs)}, nil
}

func or[T comparable](x, otherwise T) T {
	var zero T
	if x == zero {
		return otherwise
	}
	return x
}

// Close removes every file. Call it after Run has returned.
func (m *Manager) Close() error { return os.RemoveAll(m.dir) }

// Run makes what is ordered, one after the other, until ctx is done.
func (m *Manager) Run(ctx context.Context) {
	sweep := time.NewTicker(min(m.o.Keep, time.Minute))
	defer sweep.Stop()
	for {
		select {
		case <-ctx.Done():
			m.stop()
			return
		case <-sweep.C:
			m.sweep()
		case j := <-m.orders:
			m.run(ctx, j)
		}
	}
}

// Start takes an order. What cannot be made is refused at once, as far as that
// can be told.
func (m *Manager) Start(by Account, o Order) (Job, error) {
	kind, ok := KindOf(o.What)
	if !ok {
		var names []string
		for _, k := range Kinds() {
			names = append(names, k.What)
		}
		return Job{}, refuse("one of "+strings.Join(names, ", "), fmt.Errorf("there is no export %q", o.What))
	}
	now := m.o.Clock().UTC()
	sp, err := m.specOf(by, o, now)
	if err != nil {
		return Job{}, err
	}
	m.sweep()
	m.mu.Lock()
	defer m.mu.Unlock()
	waiting := 0
	for _, j := range m.jobs {
		if j.by.ID == by.ID && !j.State.Ended() {
			waiting++
		}
	}
	if waiting >= m.o.Waiting || len(m.jobs) >= m.o.Jobs {
		return Job{}, refuse("wait until one is done, or fetch what is", errTooMany)
	}
	if m.used >= m.o.Bytes {
		return Job{}, refuse("fetch and remove what is done, or wait until it is removed", errNoRoom)
	}
	j := &Job{ID: "EX-" + strings.ToLower(rand.Text()[:16]), What: o.What, State: Queued, Step: "waiting", AsOf: sp.At, Ordered: now,
		File: kind.File, MediaType: kind.MediaType, Redaction: o.Redact, by: by, order: o, spec: sp}
	j.path = filepath.Join(m.dir, j.ID)
	m.jobs = append(m.jobs, j)
	m.orders <- j // it holds as many as there can be jobs
	return *j, nil
}

func (m *Manager) specOf(by Account, o Order, now time.Time) (service.Spec, error) {
	sp := service.Spec{At: o.AsOf, Period: o.Period, Since: o.Since, By: by.Name}
	if sp.At.IsZero() {
		sp.At = now.Truncate(time.Second)
	}
	switch {
	case sp.At.After(now):
		return sp, refuse("choose an instant up to now", fmt.Errorf("%s is in the future", sp.At.Format(time.RFC3339)))
	case !sp.Since.IsZero() && !sp.Since.Before(sp.At):
		return sp, refuse("name an earlier instant, such as that of the last audit", fmt.Errorf("since %s is not before %s", sp.Since.Format(time.RFC3339), sp.At.Format(time.RFC3339)))
	case o.Period != nil && o.Period.From.After(o.Period.To):
		return sp, refuse("name the earlier time first", errors.New("the period ends before it begins"))
	case o.Used && o.What != Bundle:
		return sp, refuse("leave it out", errors.New("used goes with a bundle only"))
	}
	var err error
	if sp.Redact, err = redact.Find(o.Redact, service.OwnProfiles(m.o.Service.Config())); err != nil {
		return sp, refuse("one of auditor, regulator, customer, or one under export.redaction in the configuration", err)
	}
	return sp, nil
}

func refuse(remedy string, err error) error { return service.Mistake{Err: err, Remedy: remedy} }

// Jobs are those of an account, the newest first.
func (m *Manager) Jobs(by Account) []Job {
	m.sweep()
	m.mu.Lock()
	defer m.mu.Unlock()
	out := []Job{}
	for _, j := range slices.Backward(m.jobs) {
		if j.by == by {
			out = append(out, *j)
		}
	}
	return out
}

// Job returns a job of an account.
func (m *Manager) Job(by Account, id string) (Job, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	j, err := m.find(by, id)
	if err != nil {
		return Job{}, err
	}
	return *j, nil
}

func (m *Manager) find(by Account, id string) (*Job, error) {
	for _, j := range m.jobs {
		if j.ID == id && j.by == by {
			return j, nil
		}
	}
	return nil, service.NotFound{Mistake: service.Mistake{Err: errNoJob, Remedy: "order one; a file is removed " + m.o.Keep.String() + " after it was made"}}
}

// Fetch opens the file of a job of an account. Close it.
func (m *Manager) Fetch(by Account, id string) (*os.File, Job, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	j, err := m.find(by, id)
	switch {
	case err != nil:
		return nil, Job{}, err
	case j.State == Failed:
		return nil, *j, refuse(or(j.Hint, "order it anew"), errors.New(j.Error))
	case j.State != Done:
		return nil, *j, refuse("ask for its state until that is done", errNotDone)
	}
	f, err := os.Open(j.path)
	return f, *j, err
}

// Remove removes the file of a job that has ended.
func (m *Manager) Remove(by Account, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	j, err := m.find(by, id)
	switch {
	case err != nil:
		return err
	case !j.State.Ended():
		return refuse("wait until it is done", errNotDone)
	}
	return m.drop(j)
}

// drop forgets a job and its file; the caller holds mu.
func (m *Manager) drop(j *Job) error {
	m.jobs = slices.DeleteFunc(m.jobs, func(other *Job) bool { return other == j })
	if j.State == Done {
		m.used -= j.Bytes
	}
	if err := os.Remove(j.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// sweep removes what nobody fetched.
func (m *Manager) sweep() {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.o.Clock()
	for _, j := range slices.Clone(m.jobs) {
		if j.State.Ended() && !now.Before(j.Expires) {
			if err := m.drop(j); err != nil {
				m.o.Logger.Warn("the file of an export cannot be removed", "error", err)
			}
		}
	}
}

// stop says of what was not made that it will not be.
func (m *Manager) stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, j := range m.jobs {
		if !j.State.Ended() {
			j.State, j.Step, j.Error, j.Hint = Failed, "stopped", errStopped.Error(), "order it anew"
		}
	}
}

// change changes a job that others may be looking at.
func (m *Manager) change(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}
