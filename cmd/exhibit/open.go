package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"

	"github.com/exhibit-aims/exhibit/config"
	"github.com/exhibit-aims/exhibit/internal/agent"
	"github.com/exhibit-aims/exhibit/internal/catalog"
	"github.com/exhibit-aims/exhibit/internal/configfile"
	"github.com/exhibit-aims/exhibit/internal/ledger"
	"github.com/exhibit-aims/exhibit/internal/opsdb"
	"github.com/exhibit-aims/exhibit/internal/pluginhost"
	"github.com/exhibit-aims/exhibit/internal/secrets"
	"github.com/exhibit-aims/exhibit/internal/service"
	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/postgres"
	"github.com/exhibit-aims/exhibit/internal/store/sqlite"
	"github.com/exhibit-aims/exhibit/internal/telemetry"
	"github.com/exhibit-aims/exhibit/plugins/connector"
)

// mode is what a store is opened for.
type mode int

const (
	readOnly mode = iota
	readWrite
)

// loadConfig reads the configuration. Without --config and without an
// exhibit.yaml here, it is the default: a store in this directory, no sources.
func (g *globals) loadConfig() (*configfile.Config, error) {
	cat, err := catalog.Parse(config.Catalog)
	if err != nil {
		return nil, err
	}
	path := g.config
	if path == "" {
		path = configfile.DefaultName
	}
	cfg, err := configfile.Load(path, configfile.Known{Kinds: cat.KindIDs()})
	switch {
	case errors.Is(err, fs.ErrNotExist) && g.config == "":
		if cfg, err = configfile.Default("."); err != nil {
			return nil, err
		}
	case errors.Is(err, fs.ErrNotExist):
		return nil, usageError{fmt.Errorf("no configuration at %s", g.config), "exhibit init writes a commented one"}
	case err != nil:
		return nil, usageError{err, "exhibit doctor checks the file once it is mended"}
	}
	if g.store != "" {
		if cfg.Store, err = configfile.ParseLocation(".", g.store); err != nil {
			return nil, usageError{err, "--store takes a path or postgres://user@host/database"}
		}
		if !cfg.Store.IsURL() {
			if cfg.Store, err = configfile.ParseLocation(workingDir(), g.store); err != nil {
				return nil, usageError{err, "--store takes a path or postgres://user@host/database"}
			}
			if cfg.Path == "" {
				cfg.Key = strings.TrimSuffix(cfg.Store.Reveal(), filepath.Ext(cfg.Store.Reveal())) + ".key"
			}
		}
	}
	return cfg, nil
}

func workingDir() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	return dir
}

// openStore opens the configured store for reading.
func (g *globals) openStore(ctx context.Context) (store.Store, error) {
	cfg, err := g.loadConfig()
	if err != nil {
		return nil, err
	}
	return openStore(ctx, cfg, nil, readOnly)
}

func openStore(ctx context.Context, cfg *configfile.Config, signer note.Signer, m mode) (store.Store, error) {
	if cfg.Store.IsURL() {
		return postgres.Open(ctx, cfg.Store.Reveal(), postgres.Options{Signer: signer, Create: m == readWrite})
	}
	return sqlite.Open(cfg.Store.Reveal(), sqlite.Options{Signer: signer, Create: m == readWrite, ReadOnly: m == readOnly}) //nolint:contextcheck // an upgrade is made to its end
}

// verifier returns the key that checkpoints are held against: the one in the
// file at path, or the public half of the configured signing key.
func (g *globals) verifier(path string) (note.Verifier, error) {
	if path != "" {
		return ledger.LoadVerifier(path)
	}
	cfg, err := g.loadConfig()
	if err != nil {
		return nil, err
	}
	key, err := ledger.LoadKey(cfg.Key)
	if err != nil {
		return nil, err
	}
	return ledger.ParseVerifier(key.Public())
}

// workplace is what a command that writes works with.
type workplace struct {
	g         *globals
	cfg       *configfile.Config
	catalog   *catalog.Catalog
	key       *ledger.Key
	store     store.Store
	host      *pluginhost.Host
	locks     agent.Locker
	release   func() // what the locks need
	collector *agent.Collector
	logger    *slog.Logger
	svc       *service.Service
	metrics   *atomic.Pointer[telemetry.Metrics] // nil inside until there are some
	secrets   *secrets.Resolver
	reread    *rereading // nil where nobody reads the configuration anew

	unattended bool // nobody reads along: what is told goes to the log
}

// openForWriting opens the store, making it and its key if they are not there.
func (g *globals) openForWriting(ctx context.Context) (*workplace, error) {
	cfg, err := g.loadConfig()
	if err != nil {
		return nil, err
	}
	return g.openWorkplace(ctx, cfg, g.logger(slog.LevelWarn))
}

func (g *globals) openWorkplace(ctx context.Context, cfg *configfile.Config, logger *slog.Logger) (*workplace, error) {
	cat, err := catalog.Parse(config.Catalog)
	if err != nil {
		return nil, err
	}
	metrics := new(atomic.Pointer[telemetry.Metrics])
	host, err := newHost(cfg, logger, func(connector string, e pluginhost.ProcessEvent) {
		metrics.Load().Process(connector, telemetry.ProcessEvent(e))
	})
	if err != nil {
		return nil, err
	}
	secrets, err := g.secretsOf(cfg)
	if err != nil {
		return nil, err
	}
	key, err := ledger.LoadOrCreateKey(cfg.Key)
	if err != nil {
		return nil, fmt.Errorf("signing key: %w", err)
	}
	st, err := openStore(ctx, cfg, key.Signer(), readWrite)
	if err != nil {
		return nil, err
	}
	locks, release, err := newLocks(ctx, cfg, logger)
	if err != nil {
		return nil, errors.Join(err, st.Close())
	}
	w := &workplace{
		g: g, cfg: cfg, catalog: cat, key: key, store: st, host: host, logger: logger,
		locks: locks, release: release, secrets: secrets, metrics: metrics,
		collector: &agent.Collector{Host: host, Store: st, Catalog: cat, Clock: time.Now, Version: version,
			Logger: logger},
	}
	w.svc = w.serviceOn(st)
	return w, nil
}

// serviceOn answers and acts on a store with what the workplace has.
func (w *workplace) serviceOn(st store.Store) *service.Service {
	return service.New(service.Options{Config: w.cfg, Catalog: w.catalog, Store: st, Key: w.key, Recorder: w.collector, Locks: w.locks,
		Logger: w.logger, Clock: time.Now, Version: version, User: currentUser(), Reconcile: w.reconcile})
}

// Close closes the store and gives back what locks are left.
func (w *workplace) Close() error {
	w.release()
	return w.store.Close()
}

// newLocks makes the locks that all who work on the store share: files beside
// it, or locks of its PostgreSQL database.
func newLocks(ctx context.Context, cfg *configfile.Config, logger *slog.Logger) (locks agent.Locker, release func(), err error) {
	if !cfg.Store.IsURL() {
		return agent.Locks{Dir: lockDir(cfg)}, func() {}, nil
	}
	conn, err := pgx.ParseConfig(cfg.Store.Reveal())
	if err != nil { // what pgx says may quote the URL
		return nil, nil, errors.New("store: not a PostgreSQL URL; want postgres://user@host:port/database")
	}
	// A command that was told to stop still gives its locks back itself.
	session := agent.NewSessionLocks(context.WithoutCancel(ctx), conn, func(err error) {
		logger.Warn("the connection that holds locks ended; what was done under them stops", "error", err)
	})
	return session, session.Close, nil
}

// openOps opens the database of what the agent needs to run: beside a SQLite
// store, or in its PostgreSQL database.
func openOps(ctx context.Context, cfg *configfile.Config) (*opsdb.DB, error) {
	if cfg.Store.IsURL() {
		return opsdb.OpenURL(ctx, cfg.Store.Reveal())
	}
	return opsdb.OpenFile(ctx, filepath.Join(lockDir(cfg), opsdb.FileName))
}

// lockDir is where locks and the job queue live: beside a SQLite store, or
// beside the key when the store is elsewhere.
func lockDir(cfg *configfile.Config) string {
	if cfg.Store.IsURL() {
		return strings.TrimSuffix(cfg.Key, filepath.Ext(cfg.Key)) + ".locks"
	}
	return cfg.Store.Reveal() + ".locks"
}

func newHost(cfg *configfile.Config, logger *slog.Logger, observe func(string, pluginhost.ProcessEvent)) (*pluginhost.Host, error) {
	way, err := wayOut(cfg)
	if err != nil {
		return nil, err
	}
	l := cfg.Limits
	return pluginhost.New(pluginhost.Options{
		Dir: cfg.Connectors.Dir, Lock: cfg.Connectors.Lock, Logger: logger, Env: way.Environ(),
		Limits: pluginhost.Limits{Run: l.Run, Idle: l.Idle, RecordBytes: int(l.RecordBytes), Records: l.Records,
			Bytes: l.RunBytes, RecordsPerSecond: l.RecordsPerSecond},
		Confine: confinement(cfg.Connectors), Observe: observe,
	})
}

// logger writes to standard error; connectors' own lines come through it.
func (g *globals) logger(level slog.Level) *slog.Logger {
	if g.quiet {
		level = slog.LevelError
	}
	return slog.New(telemetry.NewHandler(slog.NewTextHandler(g.std.err, &slog.HandlerOptions{Level: level}), g.mask.Text))
}

// openConfigured is openWorkplace for what needs a configuration file. Without
// one it leaves nothing behind.
func (g *globals) openConfigured(ctx context.Context, logger *slog.Logger) (*workplace, error) {
	cfg, err := g.loadConfig()
	if err != nil {
		return nil, err
	}
	if cfg.Path == "" {
		return nil, usageError{errors.New("there is no exhibit.yaml here, and no --config: nothing says what to read"),
			"exhibit init writes a commented one; exhibit try needs none"}
	}
	return g.openWorkplace(ctx, cfg, logger)
}

// openToChange opens a store that must be there: what mends or erases makes none.
func (g *globals) openToChange(ctx context.Context) (*workplace, error) {
	if err := g.needStore(ctx); err != nil {
		return nil, err
	}
	return g.openForWriting(ctx)
}

// needStore fails with store.ErrNoStore where there is none.
func (g *globals) needStore(ctx context.Context) error {
	st, err := g.openStore(ctx)
	if err != nil {
		return err
	}
	return st.Close()
}

// choose returns the sources to read: those named, or all, with the register.
func (w *workplace) choose(names []string) ([]string, error) {
	var all []string
	if w.cfg.Register != "" {
		all = append(all, agent.RegisterSource)
	}
	for _, s := range w.cfg.Sources {
		all = append(all, s.Name)
	}
	if len(all) == 0 {
		return nil, usageError{fmt.Errorf("%s configures no source and no register", w.cfg.Path), "add one under sources"}
	}
	for _, n := range names {
		if !slices.Contains(all, n) {
			return nil, usageError{fmt.Errorf("source %q is not configured", n), "configured: " + strings.Join(all, ", ")}
		}
	}
	if len(names) > 0 {
		return names, nil
	}
	return all, nil
}

// source resolves a configured source and its secrets, which are read anew for
// each run.
func (w *workplace) source(ctx context.Context, name string) (agent.Source, error) {
	s, ok := w.cfg.Source(name)
	if !ok {
		return agent.Source{}, usageError{fmt.Errorf("source %q is not configured", name), "see sources in the configuration"}
	}
	secrets, err := w.secrets.Session().ResolveAll(ctx, s.Secrets)
	if err != nil {
		return agent.Source{}, usageError{fmt.Errorf("source %s: %w", name, err), ""}
	}
	return agent.Source{
		Name: s.Name, Connector: s.Connector, Kinds: s.Kinds, Timeout: s.Timeout,
		Config: connector.Config{Settings: s.Settings, Secrets: secrets},
	}, nil
}

func (w *workplace) concurrency() int {
	if w.cfg.Limits.Concurrency > 0 {
		return w.cfg.Limits.Concurrency
	}
	return 4
}
