package agent

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/evidence"
	"github.com/exhibit-aims/exhibit/internal/pluginhost"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// Host starts connectors. *pluginhost.Host is one.
type Host interface {
	Describe(ctx context.Context, name string) (pluginhost.Installed, error)
	Check(ctx context.Context, name string, cfg connector.Config) (connector.CheckReport, error)
	Collect(ctx context.Context, name string, req connector.Request, sink pluginhost.Sink) (pluginhost.Result, error)
}

// Store is what collecting needs of a store.
type Store interface {
	store.Writer
	store.Reader
}

// Collector reads sources into a store.
type Collector struct {
	Host    Host
	Store   Store
	Catalog *catalog.Catalog
	Clock   func() time.Time
	Version string // of the agent, for provenance
	Logger  *slog.Logger

	Patience time.Duration // how long an append waits for other writers, beyond what the store does

	mu     sync.Mutex
	checks map[string]probe // by source: what its last check found
}

// Source is a configured connector, ready to run.
type Source struct {
	Name      string
	Connector string
	Kinds     []string // empty: all that the connector offers
	Config    connector.Config
	Timeout   time.Duration // of a whole run; zero: one hour
	Full      bool          // read all again, ignoring cursors and validators
	Since     time.Time

	RequestsPerSecond float64 // this run's part of a budget; 0: what the settings say
}

// closeTimeout bounds the last append of a run whose context is already done.
const closeTimeout = 30 * time.Second

// Collect makes one run of src and returns it as it was closed. What goes
// wrong at the source is in the run (partial or failed, with gaps); the error
// is about the store or about a connector that could not be started at all.
func (c *Collector) Collect(ctx context.Context, src Source, progress func(connector.Progress)) (evidence.Run, error) {
	installed, err := c.Host.Describe(ctx, src.Connector)
	if err != nil {
		return evidence.Run{}, errors.Join(fmt.Errorf("source %s: %w", src.Name, err), c.Refuse(ctx, src.Name, src.Connector, err))
	}
	if err := c.closeDangling(ctx, src.Name); err != nil {
		return evidence.Run{}, err
	}
	if src.Config.Settings, err = c.limited(src, installed.Descriptor); err != nil {
		return evidence.Run{}, fmt.Errorf("source %s: %w", src.Name, err)
	}
	report, checkErr := c.Host.Check(ctx, src.Connector, src.Config)
	rec := newRecorder(c, evidence.Provenance{
		Agent:            "exhibit/" + c.Version,
		Source:           src.Name,
		Connector:        src.Connector,
		ConnectorVersion: installed.Descriptor.Version,
		Binary:           installed.Digest.String(),
		Identity:         report.Identity,
		Method:           "api",
		Reliability:      "direct_api",
	}, progress)
	if err := rec.open(ctx); err != nil {
		return evidence.Run{}, fmt.Errorf("source %s: %w", src.Name, err)
	}
	res, runErr := pluginhost.Result{}, checkErr
	if runErr == nil && report.Problem != "" {
		runErr = problemError{report.Problem, report.Remedy}
	}
	if runErr == nil {
		res, runErr = c.read(ctx, src, rec)
	}
	rec.installed, rec.report, rec.confinement = installed.Descriptor, report, installed.Confinement
	if checkErr == nil {
		c.noteProbe(src.Name, src.Connector, rec.run.StartedAt, report)
	}
	run, err := rec.close(ctx, src.Kinds, res, runErr)
	if err == nil {
		err = rec.broken // the run ended because of the store: it says nothing about the source
	}
	if err != nil {
		return run, fmt.Errorf("source %s: %w", src.Name, err)
	}
	return run, nil
}

// Refuse records a run that could not begin: the connector was refused, a
// secret is not there. Nothing is silent: the source shows as failed, with why.
func (c *Collector) Refuse(ctx context.Context, source, connectorName string, why error) error {
	if errors.Is(why, context.Canceled) {
		return nil // stopped, not refused
	}
	if err := c.closeDangling(ctx, source); err != nil {
		return err
	}
	rec := newRecorder(c, evidence.Provenance{Agent: "exhibit/" + c.Version, Source: source, Connector: connectorName}, nil)
	if err := rec.open(ctx); err != nil {
		return err
	}
	_, err := rec.close(ctx, nil, pluginhost.Result{}, why)
	return err
}

// read runs the connector. If it attests a group that the store does not hold
// as it was, everything it remembered is dropped and the source is read in full.
func (c *Collector) read(ctx context.Context, src Source, rec *recorder) (pluginhost.Result, error) {
	timeout := src.Timeout
	if timeout <= 0 {
		timeout = time.Hour
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	state, err := c.Store.State(ctx, src.Name)
	if err != nil {
		return pluginhost.Result{}, err
	}
	req := connector.Request{Config: src.Config, Kinds: src.Kinds, Full: src.Full, Since: src.Since}
	if src.Full {
		req.Cursors = connector.Memory(state.Cursors)
	} else if req.Cursors, req.Validators, err = remembered(state); err != nil {
		return pluginhost.Result{}, err
	}
	res, err := c.Host.Collect(ctx, src.Connector, req, rec)
	if !errors.Is(err, store.ErrUnknownGroup) {
		return res, err
	}
	c.Logger.Warn("what the source calls unchanged is not what was stored; reading it in full", "source", src.Name)
	if err := rec.forget(ctx, state); err != nil {
		return res, err
	}
	req.Full = true
	return c.Host.Collect(ctx, src.Connector, req, rec)
}

// closeDangling fails runs of a source whose process died before their end.
func (c *Collector) closeDangling(ctx context.Context, source string) error {
	var open []evidence.Run
	for run, err := range c.Store.Runs(ctx, source) {
		if err != nil {
			return err
		}
		if run.Status == evidence.RunOpen {
			open = append(open, run)
		}
	}
	for _, run := range open {
		run.Status, run.FinishedAt = evidence.RunFailed, c.Clock().UTC()
		run.Error = "the agent stopped before the run ended; what it had acknowledged was kept"
		if _, err := c.append(ctx, store.Batch{Run: run.ID, Close: &store.RunClose{Run: run, Seen: seenAll}}); err != nil {
			return err
		}
	}
	return nil
}

// CloseOrphans fails the runs of a source whose process died before their end.
// The caller holds the source's lock.
func (c *Collector) CloseOrphans(ctx context.Context, source string) error {
	return c.closeDangling(ctx, source)
}

func seenAll(string, string, string) bool { return true }

// problemError is a connector's own finding that collecting cannot begin.
type problemError struct{ problem, remedy string }

func (e problemError) Error() string { return e.problem }
func (e problemError) Hint() string  { return e.remedy }

// newRunID returns an id that sorts by time: 48 bits of milliseconds and 80
// random bits, in hexadecimal.
func newRunID(now time.Time) string {
	var b [16]byte
	ms := uint64(now.UnixMilli())
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	_, _ = rand.Read(b[6:]) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(b[:])
}
